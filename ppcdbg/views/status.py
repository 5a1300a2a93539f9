"""The title line: which guest, on what, how far, and whether it stands still and why."""

from __future__ import annotations

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.machine.system import StopKind
from ppcdbg.views.numbers import count, ea
from ppcdbg.views.spans import Line, Span, fit, length, line

NARROW = 100
"""Columns below which the state is said in fewer words."""
_MODES = {"bare": "bare machine", "pr": "PR · KVM 6.1", "hv": "E.HV · KVM 6.1"}


def line_of(debugger: Debugger, width: int, running: bool | None = None, past: int | None = None) -> Line:
    """One line of ``width`` columns; the right end is the state. ``running`` defaults to the debugger's own; ``past``
    is the exit that a screen looks back at."""
    state = state_of(debugger, running)
    if past is not None and state[0].role != "running":
        words = ("◀ looking back at exit ", " · . returns ") if width >= NARROW else ("◀ exit ", " · . now ")
        state = line((words[0] + count(past), "stopped"), (words[1], "label"))
    room = width - length(state)
    if room < 12:
        return fit(state, width)
    model, mode = debugger.core.model.name, _MODES[debugger.guest.kind]
    wide = f"{model} {mode} · {debugger.system.engine.name}"
    for machine in (wide, f"{model} {mode}", f"{model} {mode.split(' ·')[0]}", model, ""):
        left = _left(debugger, machine)
        if length(left) <= room:
            break
    return (*fit(left, room, fill=True), *state)


def bar(debugger: Debugger, width: int) -> Line:
    """The line under a prompt: how far, where, and the state."""
    place = debugger.symbols.name(debugger.pc)
    state = state_of(debugger)
    left = line(
        " insn ",
        (count(debugger.position), "position"),
        *(("   exits ", (count(len(debugger.exits)), "position")) if debugger.has_exits else ()),
        "   ",
        (ea(debugger.pc), "address"),
        *((" ", (place, "symbol")) if place else ()),
        "  ",
    )
    room = width - length(state)
    return (*fit(left, room, fill=True), *state) if room > 20 else fit(state, width)


def _left(debugger: Debugger, machine: str) -> Line:
    """What stands at the left: the guest, the machine in as many words as there is room for, how far it is."""
    return line(
        (" ppcdbg  ", "title"),
        (debugger.name, "label"),
        "   " if machine else "",
        (machine, "dim"),
        "   insn ",
        (count(debugger.position), "position"),
        *(("   exits ", (count(len(debugger.exits)), "position")) if debugger.has_exits else ()),
        "  ",
    )


def state_of(debugger: Debugger, running: bool | None = None) -> Line:
    """``■ stopped: exit DTLB_MISS`` or ``▶ running``."""
    if debugger.running if running is None else running:
        return (Span("▶ running ", "running"),)
    report = debugger.last
    if report.cause is Cause.ENDED:
        return (Span(f"■ ended: {_ENDS.get(report.stop.kind, report.stop.kind.value)} ", "ended"),)
    return (Span(f"■ stopped: {reason(report)} ", "stopped"),)


_ENDS = {
    StopKind.RESET: "guest reset",
    StopKind.POWEROFF: "power off",
    StopKind.IDLE: "idle for ever",
    StopKind.STUCK: "stuck",
    StopKind.CRASH: "crash",
}


def reason(report: StopReport) -> str:
    """A few words: why the guest stands still."""
    if report.told:
        what = _exit(report)
        if report.cause is Cause.UNTIL:
            return what or report.told[0]
        return f"breakpoint {report.breakpoints[0]}" + (f", {what}" if what else "")
    if report.record is not None:
        return _exit(report)
    return {
        Cause.START: "at the start",
        Cause.STEP: "step",
        Cause.UNTIL: "reached",
        Cause.INTERRUPTED: "interrupted",
        Cause.CLIENT: "breakpoint of gdb's",
        Cause.SKIPPED: "interrupt did not return",
        Cause.LIMIT: "instruction limit",
        Cause.RECORDED: "end of recording",
        Cause.BEGINNING: "the beginning",
    }.get(report.cause, report.cause.value)


def _exit(report: StopReport) -> str:
    """The exit that it stands at."""
    record = report.record
    if record is None:
        return ""
    return f"exit {record.name}" if report.asked is None else f"{report.asked.name} unanswered"
