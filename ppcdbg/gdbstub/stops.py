"""Stop replies: what gdb is told when the guest stands still again.

Whatever gdb does not know about (an exit, an interrupt, the end of the guest) is a plain SIGTRAP, with the reason in
words on gdb's console: a ``swbreak`` or ``hwbreak`` where gdb has put nothing counts as stale, and gdb would silently
resume for ever (facts: T3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.gdbstub.points import Kind
from ppcdbg.gdbstub.registers import LR, PC
from ppcdbg.isa import slots
from ppcdbg.machine.system import StopKind
from ppcdbg.views import story
from ppcdbg.views.spans import Span, to_text, wrap

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub

SIGINT, SIGTRAP = 2, 5
SIGABRT = 6
_CLEAN = (StopKind.RESET, StopKind.POWEROFF)
_WATCH = {Kind.WRITE: b"watch", Kind.READ: b"rwatch", Kind.ACCESS: b"awatch"}


def trap(stub: Stub, number: int = SIGTRAP, why: bytes = b"") -> bytes:
    """``T``: signal, reason, thread, and the registers that gdb asks for first (r1, pc, LR)."""
    reg = stub.debugger.core.state.reg
    return b"T%02x%bthread:%b;core:0;01:%08x;%02x:%08x;%02x:%08x;" % (
        number, why, stub.thread(), reg[1], PC, reg[slots.PC], LR, reg[slots.LR],
    )  # fmt: skip


def client_reason(stub: Stub, report: StopReport) -> bytes:
    """The reason field for a stop at one of gdb's own: a watchpoint with the address that was touched, or a breakpoint
    of a kind that this gdb knows."""
    if report.stop.kind is StopKind.WATCH and stub.points.touch is not None:
        point, address = stub.points.touch
        return b"%b:%x;" % (_WATCH[point.kind], address)
    for point in stub.points.at(stub.debugger.pc):
        if point.kind is Kind.SOFTWARE and stub.client.swbreak:
            return b"swbreak:;"
        if point.kind is Kind.HARDWARE and stub.client.hwbreak:
            return b"hwbreak:;"
    return b""


def of_report(stub: Stub, report: StopReport) -> bytes:
    """The reply for the end of a run. The reason goes to gdb's console where gdb cannot know it."""
    match report.cause:
        case Cause.STEP:
            return trap(stub)
        case Cause.INTERRUPTED:
            return trap(stub, SIGINT)
        case Cause.CLIENT:
            return trap(stub, SIGTRAP, client_reason(stub, report))
        case Cause.RECORDED:
            return trap(stub, SIGTRAP, b"replaylog:end;")
        case Cause.ENDED:
            stub.ended_told = True
    stub.say(reason(stub) + "\n")
    return trap(stub)


def reason(stub: Stub) -> str:
    """The last stop in words, on a line of its own where the guest's console shares the terminal."""
    printed = stub.debugger.system.board.console.output
    lead = "\n" if printed and printed[-1:] != b"\n" else ""
    return lead + to_text(wrap([Span("ppcdbg: "), *story.sentence(stub.debugger.story())], 100))


def gone(stub: Stub) -> bytes:
    """``W`` or ``X``: the guest has ended, gdb was told why, and wants to go on all the same."""
    ended = stub.debugger.system.ended
    clean = ended is None or ended.kind in _CLEAN
    process = b";process:1" if stub.client.multiprocess else b""
    return (b"W00" if clean else b"X%02x" % SIGABRT) + process
