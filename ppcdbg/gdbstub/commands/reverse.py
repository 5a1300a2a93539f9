"""bs and bc: backwards, with whatever the stub was given for it; without anything they are not advertised.

Either end of the past is a stop that says so (``replaylog``), never the end of the guest (rr#1490). gdb has put its
breakpoints in before each of these, and has chosen the thread by Hc (facts: T7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.stops import Cause
from ppcdbg.gdbstub import stops
from ppcdbg.gdbstub.commands.packet import Packet
from ppcdbg.gdbstub.replies import UNSUPPORTED

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub


def back(stub: Stub, argument: bytes) -> bytes:
    if stub.reverse is None or argument not in (b"s", b"c"):
        return UNSUPPORTED
    stub.need_life()
    stub.check_thread(stub.client.resumes)
    report = stub.reverse.reverse_step() if argument == b"s" else stub.reverse.reverse_continue()
    if report.cause is Cause.BEGINNING:
        return stops.trap(stub, stops.SIGTRAP, b"replaylog:begin;")
    return stops.trap(stub) if report.cause is Cause.ENDED else stops.of_report(stub, report)


PACKETS = (Packet(b"b", back, "step or continue backwards"),)
