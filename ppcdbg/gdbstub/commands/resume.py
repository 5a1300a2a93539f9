"""vCont and the letters before it: letting the guest run. Signals that gdb would deliver are politely ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.gdbstub import numbers, resume, stops
from ppcdbg.gdbstub.commands.packet import Packet
from ppcdbg.gdbstub.replies import UNSUPPORTED, malformed

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub


def query(stub: Stub, argument: bytes) -> bytes:
    """``?``: why the guest stands still."""
    if not stub.alive:
        return stops.gone(stub)
    return stops.trap(stub)


def vcont(stub: Stub, argument: bytes) -> bytes:
    """``vCont?`` or ``vCont;ACTION[:THREAD]...``: the first action that fits our thread is the one."""
    if argument.startswith(b"?"):
        return b"vCont;c;C;s;S;t;r"
    if argument == b";s:p1.1;c:p1.-1":  # gdb's stepi, by far the most frequent
        return _act(stub, b"s")
    if not argument.startswith(b";"):
        return UNSUPPORTED
    chosen = None
    for word in argument[1:].split(b";"):
        action, colon, thread = word.partition(b":")
        if action[:1] not in (b"c", b"C", b"s", b"S", b"t", b"r") or not action:
            raise malformed(f"vCont has no action {action[:20]!r}")
        if colon:
            wanted = numbers.thread_id(thread)
            if wanted.process not in (0, 1, -1) or wanted.thread not in (0, 1, -1):
                continue
        chosen = action if chosen is None else chosen
    if chosen is None:
        raise malformed("vCont names no thread that there is")
    return _act(stub, chosen)


def _act(stub: Stub, action: bytes) -> bytes:
    stub.need_life()
    match action[:1]:
        case b"s":
            return resume.step(stub)
        case b"S":
            return resume.step(stub)
        case b"r":
            start, end = numbers.pair(action[1:], "a range")
            return resume.step_range(stub, start, end)
        case b"t":
            return stops.trap(stub, 0)
        case _:
            return resume.continue_(stub)


def _from(stub: Stub, argument: bytes) -> None:
    """The address that an old c or s may carry."""
    if argument:
        address = numbers.number(argument, "an address")
        if address != stub.debugger.pc:
            stub.debugger.writer.register("pc", address)


def step(stub: Stub, argument: bytes) -> bytes:
    stub.need_life()
    _from(stub, argument)
    return resume.step(stub)


def continue_(stub: Stub, argument: bytes) -> bytes:
    stub.need_life()
    _from(stub, argument)
    return resume.continue_(stub)


def _without_signal(argument: bytes) -> bytes:
    """``SIGNAL[;ADDRESS]``."""
    signal, _, address = argument.partition(b";")
    numbers.number(signal, "a signal")
    return address


def step_signal(stub: Stub, argument: bytes) -> bytes:
    return step(stub, _without_signal(argument))


def continue_signal(stub: Stub, argument: bytes) -> bytes:
    return continue_(stub, _without_signal(argument))


PACKETS = (
    Packet(b"?", query, "why the guest stands still"),
    Packet(b"vCont", vcont, "let threads run"),
    Packet(b"s", step, "step"),
    Packet(b"S", step_signal, "step with a signal"),
    Packet(b"c", continue_, "continue"),
    Packet(b"C", continue_signal, "continue with a signal"),
)
