"""Letting the guest run for gdb: step, step through a range, continue; each gives a stop reply.

Runs go through the debugger, so that the user's own breakpoints, set by ``monitor``, stop gdb's runs as well, and gdb's
stop the runs of ``monitor``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.stops import Cause
from ppcdbg.gdbstub import stops

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub

LOOK_EVERY = 200
"""Steps of a range between two looks at the client: a few milliseconds."""


def finished(stub: Stub) -> bytes | None:
    """The reply where there is nothing left to run: the end is told once as a stop, then as an exit."""
    stub.points.touch = None
    if stub.debugger.system.ended is None:
        return None
    if stub.ended_told:
        stub.alive = False
        return stops.gone(stub)
    stub.ended_told = True
    stub.say(stops.reason(stub) + "\n")
    return stops.trap(stub)


def step(stub: Stub) -> bytes:
    """One instruction of the guest's own flow, or of any flow with QEMU's sstep set so."""
    over = finished(stub)
    if over is not None:
        return over
    report = stub.debugger.step_quickly(stub.step_into)
    if report.cause is Cause.STEP:
        return stops.trap(stub)
    return stops.of_report(stub, report)


def step_range(stub: Stub, start: int, end: int) -> bytes:
    """Step until pc leaves ``start``..``end`` (exclusive), comes to a breakpoint, or something else happens."""
    over = finished(stub)
    if over is not None:
        return over
    debugger = stub.debugger
    state = debugger.core.state
    steps = 0
    while True:
        report = debugger.step_quickly(stub.step_into)
        pc = state.pc
        if report.cause is not Cause.STEP:
            return stops.of_report(stub, report)
        if not start <= pc < end:
            return stops.trap(stub)
        steps += 1
        if steps % LOOK_EVERY == 0:
            stub.look()
            if stub.interrupted:
                return stops.trap(stub, stops.SIGINT)


def continue_(stub: Stub) -> bytes:
    """Run until gdb's breakpoints, the user's, an interrupt, or the end."""
    over = finished(stub)
    if over is not None:
        return over
    return stops.of_report(stub, stub.debugger.continue_quickly())
