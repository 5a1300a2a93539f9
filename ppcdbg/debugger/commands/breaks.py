"""Breakpoints and traces: set, change, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.arguments import flag, numbers_of
from ppcdbg.debugger.breakpoints import Breakpoint
from ppcdbg.debugger.commands.command import Command, Run
from ppcdbg.debugger.events import Verb
from ppcdbg.debugger.eventwords import completions, parse_event, split_condition, watched
from ppcdbg.debugger.results import Note
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


def _set(debugger: Debugger, argument: str, verb: Verb, temporary: bool) -> Breakpoint:
    words, condition = split_condition(argument)
    once, words = flag(words, "--once")
    return debugger.add_breakpoint(verb, parse_event(debugger, words), condition, temporary or once)


def break_(debugger: Debugger, argument: str) -> Breakpoint:
    return _set(debugger, argument, Verb.BREAK, False)


def tbreak(debugger: Debugger, argument: str) -> Breakpoint:
    return _set(debugger, argument, Verb.BREAK, True)


def _watch(access: str) -> Run:
    def watch(debugger: Debugger, argument: str) -> Breakpoint:
        words, condition = split_condition(argument)
        return debugger.add_breakpoint(Verb.BREAK, watched(debugger, words, access), condition)

    return watch


def trace(debugger: Debugger, argument: str) -> Breakpoint:
    if not argument:
        raise UsageError("trace needs an event, for example: trace exit SYSCALL")
    return _set(debugger, argument, Verb.TRACE, False)


def delete(debugger: Debugger, argument: str) -> Note:
    if not argument:
        count = debugger.breakpoints.clear()
        return Note(f"deleted {_many(count)}")
    numbers = [debugger.breakpoints.get(n).number for n in numbers_of(argument, "breakpoint")]
    for n in numbers:
        debugger.breakpoints.delete(n)
    return Note(f"deleted {_many(len(numbers))}")


def _many(count: int) -> str:
    return "1 breakpoint" if count == 1 else f"{count} breakpoints"


def _enable(debugger: Debugger, argument: str, on: bool) -> tuple[Breakpoint, ...]:
    numbers = numbers_of(argument, "breakpoint") or [b.number for b in debugger.breakpoints]
    for n in numbers:
        debugger.breakpoints.get(n)
    return tuple(debugger.breakpoints.enable(n, on) for n in numbers)


def enable(debugger: Debugger, argument: str) -> tuple[Breakpoint, ...]:
    return _enable(debugger, argument, True)


def disable(debugger: Debugger, argument: str) -> tuple[Breakpoint, ...]:
    return _enable(debugger, argument, False)


def condition(debugger: Debugger, argument: str) -> Breakpoint:
    number, _, text = argument.strip().partition(" ")
    if not number.isdecimal():
        raise UsageError("condition needs a breakpoint's number, for example: condition 1 $r3 == 0")
    b = debugger.breakpoints.get(int(number))
    text = text.strip().removeprefix("if ").strip()
    event = debugger.placed(b.event, b.verb, text) if text else b.event
    compiled = debugger.compile_condition(event, text) if text else None
    return debugger.breakpoints.set_condition(b.number, text, compiled, event)


def ignore(debugger: Debugger, argument: str) -> Breakpoint:
    words = argument.split()
    if len(words) != 2 or not all(w.isdecimal() for w in words):
        raise UsageError("ignore needs a breakpoint's number and a count, for example: ignore 1 100")
    return debugger.breakpoints.set_ignore(int(words[0]), int(words[1]))


def symbols(debugger: Debugger, argument: str) -> list[str]:
    return debugger.symbols.starting_with(argument.split()[-1] if argument.split() else "", 150)


def _numbers(debugger: Debugger, argument: str) -> list[str]:
    return [str(b.number) for b in debugger.breakpoints]


COMMANDS: tuple[Command, ...] = (
    Command(
        "break",
        break_,
        "break [PLACE | EVENT] [if CONDITION]",
        "Stop at a place, or when an event comes; 'info events' has their words.",
        "break exit DTLB_MISS if dear >= 0xc0000000",
        "breakpoints",
        ("b", "br", "hbreak"),
        completions,
    ),
    Command(
        "tbreak",
        tbreak,
        "tbreak [PLACE | EVENT] [if CONDITION]",
        "As break, but for one stop only.",
        "tbreak start_kernel",
        "breakpoints",
        ("tb", "thbreak"),
        completions,
    ),
    Command(
        "watch",
        _watch("change"),
        "watch [--real] SYMBOL | *(TYPE *)ADDRESS | ADDR[..ADDR] | ADDR,+LENGTH [if CONDITION]",
        "Stop after the instruction that changes bytes of memory; fields: old, new, value, ea, real, size, write.",
        "watch *(u32 *)0xc0001000 if new > 5",
        "breakpoints",
        ("wa",),
        symbols,
    ),
    Command(
        "rwatch",
        _watch("read"),
        "rwatch [--real] SYMBOL | *(TYPE *)ADDRESS | ADDR[..ADDR] | ADDR,+LENGTH [if CONDITION]",
        "Stop after the instruction that reads bytes of memory.",
        "rwatch *(u16 *)0x20000",
        "breakpoints",
        ("rw",),
        symbols,
    ),
    Command(
        "awatch",
        _watch("access"),
        "awatch [--real] SYMBOL | *(TYPE *)ADDRESS | ADDR[..ADDR] | ADDR,+LENGTH [if CONDITION]",
        "Stop after the instruction that reads or writes bytes of memory, changed or not.",
        "awatch --real 0x1000,+16",
        "breakpoints",
        ("aw",),
        symbols,
    ),
    Command(
        "trace",
        trace,
        "trace PLACE | EVENT [if CONDITION]",
        "Log when an event comes, and go on.",
        "trace spr SRR0 write",
        "breakpoints",
        ("tr",),
        completions,
    ),
    Command(
        "delete",
        delete,
        "delete [NUMBER...]",
        "Delete breakpoints, or all of them.",
        "delete 2-4",
        "breakpoints",
        ("d", "del"),
        _numbers,
    ),
    Command(
        "enable",
        enable,
        "enable [NUMBER...]",
        "Let breakpoints act again.",
        "enable 1",
        "breakpoints",
        ("en",),
        _numbers,
    ),
    Command(
        "disable",
        disable,
        "disable [NUMBER...]",
        "Keep breakpoints, but pass over them.",
        "disable 1",
        "breakpoints",
        ("dis", "disa"),
        _numbers,
    ),
    Command(
        "condition",
        condition,
        "condition NUMBER [CONDITION]",
        "Give a breakpoint a condition, or take it away.",
        "condition 1 $r3 == 0",
        "breakpoints",
        ("cond",),
        _numbers,
    ),
    Command(
        "ignore",
        ignore,
        "ignore NUMBER COUNT",
        "Pass over the next COUNT hits.",
        "ignore 1 100",
        "breakpoints",
        (),
        _numbers,
    ),
)
