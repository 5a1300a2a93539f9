"""Z0..Z4 and z0..z4: breakpoints and watchpoints, with conditions and commands as bytecode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.gdbstub import agent, numbers
from ppcdbg.gdbstub.commands.packet import Packet
from ppcdbg.gdbstub.points import CODE, MOST, Kind, Point
from ppcdbg.gdbstub.replies import EINVAL, OK, UNSUPPORTED, Refused, malformed

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub

MOST_EXPRESSIONS = 64


def _head(text: bytes) -> tuple[Kind, int, int] | None:
    """``KIND,ADDRESS,LENGTH``; None for a kind that does not exist."""
    kind, comma, rest = text.partition(b",")
    if not comma:
        raise malformed("Z needs KIND,ADDRESS,LENGTH")
    if kind not in (b"0", b"1", b"2", b"3", b"4"):
        return None
    address, length = numbers.pair(rest, "Z")
    return Kind(int(kind)), address & 0xFFFFFFFF, length


def insert(stub: Stub, argument: bytes) -> bytes:
    head, _, tail = argument.partition(b";")
    found = _head(head)
    if found is None:
        return UNSUPPORTED
    kind, address, length = found
    if kind in CODE and address & 3:
        raise Refused(EINVAL, f"no instruction can stand at {address:#x}: instructions are aligned to 4 bytes")
    if kind not in CODE and not 0 < length <= 1 << 20:
        raise Refused(EINVAL, f"a range of {length} bytes cannot be watched; at most 1 MiB")
    if len(stub.points) >= MOST:
        raise Refused(EINVAL, f"there are {MOST} breakpoints already")
    conditions, commands = _expressions(tail)
    stub.points.insert(Point(kind, address, length, conditions, commands))
    return OK


def remove(stub: Stub, argument: bytes) -> bytes:
    found = _head(argument.partition(b";")[0])
    if found is None:
        return UNSUPPORTED
    stub.points.remove(*found)
    return OK


def _expressions(text: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """``XLENGTH,HEX`` any number of times, then perhaps ``cmds:PERSIST,XLENGTH,HEX...``: conditions and commands."""
    first, marker, second = text.partition(b"cmds:")
    if marker:
        _, comma, second = second.partition(b",")  # whether it outlives the connection: it does not
        if not comma:
            raise malformed("cmds: needs PERSIST,XLENGTH,BYTECODE")
    return _list(first), _list(second)


def _list(text: bytes) -> tuple[bytes, ...]:
    out: list[bytes] = []
    rest = text.lstrip(b";")
    while rest:
        if rest[:1] != b"X" or len(out) >= MOST_EXPRESSIONS:
            raise malformed("an expression must be XLENGTH,BYTECODE")
        size, comma, rest = rest[1:].partition(b",")
        length = numbers.number(size, "an expression's length")
        if not comma or length > agent.LONGEST or len(rest) < 2 * length:
            raise malformed("an expression is cut off or too long")
        out.append(numbers.data(rest[: 2 * length], "an expression"))
        rest = rest[2 * length :].lstrip(b";")
    return tuple(out)


PACKETS = (
    Packet(b"Z", insert, "put a breakpoint or watchpoint in"),
    Packet(b"z", remove, "take it out"),
)
