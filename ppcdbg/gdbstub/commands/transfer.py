"""qXfer: files that gdb reads in pieces: the target description, the threads, and the tables of ``info os``."""

from __future__ import annotations

from html import escape as quoted
from typing import TYPE_CHECKING

from ppcdbg.gdbstub import numbers, tables, vcpus
from ppcdbg.gdbstub.commands.packet import Packet
from ppcdbg.gdbstub.packets import LONGEST, escape
from ppcdbg.gdbstub.replies import UNSUPPORTED, Refused, malformed

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub

MOST = LONGEST // 2 - 16


def transfer(stub: Stub, argument: bytes) -> bytes:
    """``qXfer:OBJECT:read:ANNEX:OFFSET,LENGTH``: ``m`` and a piece, or ``l`` and the last one."""
    words = argument.split(b":")
    if len(words) != 5 or words[0]:
        return UNSUPPORTED
    kind, action, annex, place = words[1:]
    if action != b"read" or kind not in (b"features", b"threads", b"osdata"):
        return UNSUPPORTED
    offset, length = numbers.pair(place, "qXfer")
    if not length:
        raise malformed("qXfer asks for no bytes")
    whole = _object(stub, kind, annex.decode("ascii", "replace"), offset)
    if offset > len(whole):
        raise malformed(f"qXfer asks for what lies behind the end, at {offset} of {len(whole)}")
    piece = whole[offset : offset + min(length, MOST)]
    return (b"m" if offset + len(piece) < len(whole) else b"l") + escape(piece)


def _object(stub: Stub, kind: bytes, annex: str, offset: int) -> bytes:
    if kind == b"features":
        if annex != "target.xml":
            raise Refused(0, f"there is no target description {annex!r}; there is target.xml")
        return stub.description()
    key = f"{kind.decode()}:{annex}"
    if offset and stub.transfer[0] == key:
        return stub.transfer[1]  # a table changes between stops only, but a piece must fit the one before
    text = _threads(stub) if kind == b"threads" else tables.osdata(stub.debugger, annex)
    stub.transfer = key, text.encode()
    return stub.transfer[1]


def _threads(stub: Stub) -> str:
    if not stub.alive:
        return '<?xml version="1.0"?>\n<threads></threads>\n'
    head = f'<thread id="{stub.thread().decode()}" core="0" name="vcpu0">'
    return f'<?xml version="1.0"?>\n<threads>\n{head}{quoted(vcpus.state(stub))}</thread>\n</threads>\n'


PACKETS = (Packet(b"qXfer", transfer, "read an object in pieces"),)
