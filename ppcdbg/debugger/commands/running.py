"""Commands that let the guest run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ppcdbg.debugger.arguments import count_of, flag
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.events import EventKind, Verb
from ppcdbg.debugger.eventwords import completions, parse_event, split_condition
from ppcdbg.debugger.positions import position_of
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


def stepi(debugger: Debugger, argument: str) -> StopReport:
    into, rest = flag(argument, "--into-irq")
    return debugger.step(count_of(debugger, rest), into)


def nexti(debugger: Debugger, argument: str) -> StopReport:
    return debugger.next(count_of(debugger, argument))


def step_exit(debugger: Debugger, argument: str) -> StopReport:
    return debugger.step_exit(count_of(debugger, argument))


def continue_(debugger: Debugger, argument: str) -> StopReport:
    """As in gdb, a number ignores the breakpoint stood at that many times less one."""
    if argument:
        times = count_of(debugger, argument)
        here = debugger.last.breakpoints
        if not here:
            raise UsageError("the guest does not stand at a breakpoint, so there is none to pass; say continue alone")
        live = {b.number for b in debugger.breakpoints}
        for number in here:
            if number in live:
                debugger.breakpoints.set_ignore(number, times - 1)
    return debugger.continue_()


def until(debugger: Debugger, argument: str) -> StopReport:
    return debugger.run_until(argument) if argument else debugger.past_loop()


def advance(debugger: Debugger, argument: str) -> StopReport:
    if not argument:
        raise UsageError("advance needs a place, for example: advance start_kernel")
    return debugger.run_until(argument)


def goto(debugger: Debugger, argument: str) -> StopReport:
    """Forward to a place in time; ``+N`` counts from here."""
    if not argument:
        raise UsageError("run-to needs a position in instructions, for example: run-to 12_345_678 or run-to +1000")
    position = position_of(debugger, argument)
    if position < debugger.position:
        raise UsageError(f"position {position} lies before the current one, {debugger.position}; run-to goes forward")
    report = debugger.continue_(position)
    return replace(report, cause=Cause.UNTIL) if report.cause is Cause.STEP else report


def finish(debugger: Debugger, argument: str) -> StopReport:
    return debugger.finish()


def _event_run(verb: Verb, debugger: Debugger, argument: str) -> StopReport:
    words, condition = split_condition(argument)
    if not words:
        raise UsageError(f"{verb.value} needs a place or an event, for example: {verb.value} exit DTLB_MISS")
    event = parse_event(debugger, words)
    if verb is Verb.RUN_UNTIL and event.kind is EventKind.ADDRESS and not condition:
        return debugger.run_until(event.address)
    return debugger.run_to_event(verb, event, condition)


def run_until(debugger: Debugger, argument: str) -> StopReport:
    return _event_run(Verb.RUN_UNTIL, debugger, argument)


def wait_for(debugger: Debugger, argument: str) -> StopReport:
    return _event_run(Verb.WAIT_FOR, debugger, argument)


def _places(debugger: Debugger, argument: str) -> list[str]:
    return debugger.symbols.starting_with(argument.strip(), 150)


COMMANDS: tuple[Command, ...] = (
    Command(
        "stepi",
        stepi,
        "stepi [--into-irq] [N]",
        "Run N instructions (default 1), interrupts in between to their end.",
        "stepi 10",
        "running",
        ("si", "step", "s"),
        None,
        True,
    ),
    Command(
        "nexti",
        nexti,
        "nexti [N]",
        "As stepi, but run calls and system calls to their return.",
        "nexti",
        "running",
        ("ni", "next", "n"),
        None,
        True,
    ),
    Command(
        "step-exit",
        step_exit,
        "step-exit [N]",
        "Run until N more exits to KVM have been handled (default 1).",
        "step-exit 3",
        "running",
        ("se",),
        None,
        True,
    ),
    Command(
        "continue",
        continue_,
        "continue [N]",
        "Run on; with N, pass the breakpoint stood at N-1 times.",
        "continue",
        "running",
        ("c", "fg", "cont"),
        None,
        True,
    ),
    Command(
        "until",
        until,
        "until [PLACE]",
        "Run to a place, or to the instruction after this one (out of a loop).",
        "until schedule",
        "running",
        ("u",),
        _places,
        True,
    ),
    Command("advance", advance, "advance PLACE", "Run to a place.", "advance start_kernel", "running", (), _places),
    Command(
        "run-to",
        goto,
        "run-to N | +N | exit:N | ...",
        "Run forward to a place in time, as seek takes it.",
        "run-to +100_000",
        "running",
    ),
    Command("finish", finish, "finish", "Run until this function returns.", "finish", "running", ("fin",), None, True),
    Command(
        "run-until",
        run_until,
        "run-until EVENT [if CONDITION]",
        "Run to the next event; other breakpoints stay live.",
        "run-until exit SYSCALL",
        "running",
        (),
        completions,
    ),
    Command(
        "wait-for",
        wait_for,
        "wait-for EVENT [if CONDITION]",
        "Run to the next event and pass over all other breakpoints.",
        'wait-for console "login:"',
        "running",
        (),
        completions,
    ),
)
