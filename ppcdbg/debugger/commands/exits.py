"""Exits to the KVM model: the list, why the guest stands still, explain, statistics, the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.mmu import Access
from ppcdbg.debugger import queries
from ppcdbg.debugger.arguments import flag
from ppcdbg.debugger.causes import PRIORITIES
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.fields import FIELDS, SYNONYMS, values_of
from ppcdbg.debugger.profile import ORDERS, PARTS_OF, Hottest, Profile, Profiler
from ppcdbg.debugger.results import ConsoleText, ExitList, Explanation, Note, Table
from ppcdbg.debugger.story import Story
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

SHOWN = 20
MOST_PRINTED = 1 << 20
"""Characters of the console that are looked at for its last lines."""
_VECTOR_NAMES = frozenset(v.name for v in VECTORS.values())
_ACCESS = {"fetch": Access.FETCH, "load": Access.LOAD, "store": Access.STORE, "x": Access.FETCH, "r": Access.LOAD,
           "w": Access.STORE}  # fmt: skip


def exits(debugger: Debugger, argument: str) -> ExitList:
    """The last exits, or the last that a filter lets through; ``-N`` says how many."""
    debugger.need_exits()
    words = argument.split()
    count = SHOWN
    if words and words[0].startswith("-") and words[0][1:].isdecimal():
        count, words = int(words[0][1:]), words[1:]
    text = " ".join(words)
    found = debugger.exit_filter(text)
    total = len(found)
    return ExitList(tuple(found.page(total - count, count)), total, text)


def show_exit(debugger: Debugger, argument: str) -> Story:
    """One exit by its number (default: the last), told in a sentence."""
    debugger.need_exits()
    log = debugger.exits
    if not log:
        raise UsageError("there has been no exit yet")
    number = debugger.evaluate(argument).number if argument else len(log) - 1
    if not 0 <= number < len(log):
        raise UsageError(f"there is no exit {number}; exits 0 to {len(log) - 1} were taken")
    return debugger.story(log[number])


def most(debugger: Debugger, argument: str) -> Hottest:
    """What a newcomer asks first of a run."""
    profiler: Profiler = debugger.profiler
    return profiler.hottest(argument.strip())


def _kinds(debugger: Debugger, argument: str) -> list[str]:
    profiler: Profiler = debugger.profiler
    return [row.name for row in profiler.profile().kinds]


def why(debugger: Debugger, argument: str) -> Story | Note:
    """The last stop; an exit by number; or an interrupt by name: whether it is pending, and what holds it back."""
    name = argument.strip().upper()
    if name in PRIORITIES or debugger.guest.kind == "bare" and name in _VECTOR_NAMES:
        return _why_interrupt(debugger, name)
    return show_exit(debugger, argument) if argument else debugger.story()


def _why_interrupt(debugger: Debugger, name: str) -> Note:
    if not debugger.has_exits:
        return Note(queries.why_not_taken(debugger, name))
    row = next(r for r in debugger.irqprio().rows if r.name == name)
    if not row.pending:
        return Note(f"{name} is not pending: nothing has queued it since it was last delivered")
    since = f", queued by {row.queued_by}" if row.queued_by else ""
    if row.waits:
        return Note(f"{name} is pending{since}, and is not delivered: {row.waits}")
    return Note(f"{name} is pending{since}, and will be delivered when KVM next enters the guest")


def explain(debugger: Debugger, argument: str) -> Explanation:
    """The translation of an address, entry by entry."""
    access = Access.LOAD
    for word, kind in _ACCESS.items():
        found, argument = flag(argument, word) if len(word) > 1 else flag(argument, "--" + word)
        if found:
            access = kind
    if not argument:
        raise UsageError("explain needs an effective address, for example: explain 0xc0414000 store")
    return debugger.explain(debugger.address(argument), access)


def console(debugger: Debugger, argument: str) -> ConsoleText:
    """The tail of the guest's console; ``console N`` gives N lines."""
    text = debugger.console(MOST_PRINTED)
    lines = debugger.evaluate(argument).number if argument else SHOWN
    total = len(debugger.system.board.console.output)
    return ConsoleText("\n".join(text.splitlines()[-max(lines, 1) :]), total)


def statistics(debugger: Debugger, argument: str) -> tuple[Table, ...]:
    return debugger.model.counters()


def profile(debugger: Debugger, argument: str) -> Profile:
    """Counts and costs by kind, by function or by instruction, in an order."""
    text, _, order = argument.partition(" by ")
    what, order = text.strip() or "exits", order.strip() or "count"
    for word, known in ((what, PARTS_OF), (order, ORDERS)):
        if word not in known:
            raise UsageError(f"{word!r} is none of {', '.join(known)}; for example: profile exits by time")
    return debugger.profiler.profile(what, order)


def filter_words(debugger: Debugger, argument: str) -> list[str]:
    """Fields, exit names and words of what KVM did: what a filter is written with."""
    return sorted({*FIELDS, *SYNONYMS, *values_of("exit"), *values_of("did"), "and", "or", "not"})


COMMANDS: tuple[Command, ...] = (
    Command(
        "exits",
        exits,
        "exits [-COUNT] [FILTER]",
        "The last exits to KVM, or those a filter lets through.",
        "exits exit == DTLB_MISS and dear >= 0xc0000000",
        "exits",
        ("info exits",),
        filter_words,
    ),
    Command("exit", show_exit, "exit [NUMBER]", "One exit, told in a sentence.", "exit 42", "exits", ("info exit",)),
    Command(
        "why",
        why,
        "why [EXIT | INTERRUPT]",
        "Why the guest stands still, what an exit was about, or why an interrupt is not delivered.",
        "why DECREMENTER",
        "exits",
        (),
        lambda debugger, argument: sorted(PRIORITIES),
    ),
    Command(
        "explain",
        explain,
        "explain ADDRESS [load|store|fetch]",
        "How an address translates: each TLB entry with the first test that failed.",
        "explain 0xc0414000 store",
        "exits",
        ("gva2gpa",),
    ),
    Command("console", console, "console [LINES]", "What the guest printed.", "console 40", "exits", ("info console",)),
    Command(
        "profile",
        profile,
        "profile [exits | symbols | instructions] [by count | time | mean | name]",
        "Where the exits come from and what they cost: by kind with their trend, by function, by instruction.",
        "profile symbols",
        "exits",
        ("hot",),
        lambda debugger, argument: [*PARTS_OF, "by", *ORDERS],
    ),
    Command(
        "most",
        most,
        "most [KIND]",
        "Which exit is most frequent, or one by its name: how many, from which function, and why, by an example.",
        "most DTLB_MISS",
        "exits",
        (),
        _kinds,
    ),
    Command(
        "statistics",
        statistics,
        "statistics",
        "Counts and times: exits, interrupts, devices.",
        "statistics",
        "exits",
        ("stat", "info statistics", "info counters"),
    ),
)
