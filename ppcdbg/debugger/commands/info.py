"""The info family: what stands where now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger import topics
from ppcdbg.debugger.breakpoints import Breakpoint
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.events import WORDS, EventKind
from ppcdbg.debugger.fields import EVENT_FIELDS
from ppcdbg.debugger.registers import DEFAULT_GROUPS
from ppcdbg.debugger.results import Irqprio, Note, Registers, Summary, SymbolPlace, Table, TlbView
from ppcdbg.debugger.stops import StopReport, TraceHit
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


def registers(debugger: Debugger, argument: str) -> Registers:
    return debugger.registers(argument.split() or None)


def all_registers(debugger: Debugger, argument: str) -> Registers:
    return debugger.registers(["all"])


def breakpoints(debugger: Debugger, argument: str) -> tuple[Breakpoint, ...]:
    return tuple(debugger.breakpoints)


def traces(debugger: Debugger, argument: str) -> tuple[TraceHit, ...]:
    """What the traces have logged, oldest first."""
    return tuple(debugger.runner.traces)


def irqprio(debugger: Debugger, argument: str) -> Irqprio:
    return debugger.irqprio()


def tlb(debugger: Debugger, argument: str) -> TlbView:
    return debugger.tlb()


def tell(debugger: Debugger, argument: str) -> Summary | tuple[Summary, ...]:
    """One sentence on one topic, or on each."""
    if not argument:
        return tuple(Summary(name, True) for name in topics.names())
    return Summary(topics.topic_of(argument).name)


def announce(debugger: Debugger, argument: str) -> Note:
    """What plain text mode, and any prompt, says by itself after each command when it has changed."""
    words = argument.replace(",", " ").split()
    if words:
        chosen = [] if words == ["off"] else [topics.topic_of(word).name for word in words]
        debugger.announced = tuple(dict.fromkeys(chosen))
    said = ", ".join(debugger.announced)
    return Note(f"announced when it changes: {said}" if said else "nothing is announced; announce irqprio does")


def symbol(debugger: Debugger, argument: str) -> SymbolPlace:
    """The symbol that covers an address."""
    if not argument:
        raise UsageError("info symbol needs an address, for example: info symbol $pc")
    address = debugger.address(argument)
    place = debugger.symbols.place(address)
    if place is None:
        return SymbolPlace(address, "", 0, 0)
    return SymbolPlace(address, place.name, place.offset, place.size)


def functions(debugger: Debugger, argument: str) -> Table:
    """Symbols whose names contain a text."""
    found = [n for n in debugger.symbols.names() if argument.lower() in n.lower()][:500]
    rows = tuple((f"{debugger.symbols.address(n) or 0:#010x}", n) for n in found)
    return Table(f"symbols with {argument!r}" if argument else "symbols", ("address", "name"), rows)


def machine(debugger: Debugger, argument: str) -> Table:
    """The board: devices, addresses, counts of accesses."""
    board = debugger.system.board
    rows = tuple((r.device.name, f"{r.base:#011x}", r.size, r.reads, r.writes) for r in board.regions)
    notes = (
        f"core {debugger.core.model.name}, engine {debugger.system.engine.name}, view {debugger.guest.kind}",
        f"RAM {len(debugger.core.bus.ram) >> 20} MiB, position {debugger.position}, clock {debugger.core.now} ticks",
    )
    return Table("machine", ("device", "address", "size", "reads", "writes"), rows, notes)


def program(debugger: Debugger, argument: str) -> StopReport:
    """Where the guest stands and why."""
    return debugger.last


def events(debugger: Debugger, argument: str) -> Table:
    """Every kind of event: its words, what it is, where the guest stands, and what a condition sees."""
    rows = tuple(event_rows())
    return Table("events", ("event", "words", "is", "fields of its own"), rows)


def event_rows() -> list[tuple[str, str, str, str]]:
    """The table that ``info events`` shows, here and on the command line."""
    return [
        ("PLACE" if kind is EventKind.ADDRESS else kind.value, words.grammar, words.about,
         " ".join(EVENT_FIELDS.get(kind, ())))
        for kind, words in WORDS.items()
    ]  # fmt: skip


def _registers(debugger: Debugger, argument: str) -> list[str]:
    return [*debugger.register_file.order, *DEFAULT_GROUPS, "fpr", "debug", "other", "all"]


def _symbols(debugger: Debugger, argument: str) -> list[str]:
    return debugger.symbols.starting_with(argument.strip(), 150)


COMMANDS: tuple[Command, ...] = (
    Command(
        "info registers",
        registers,
        "info registers [NAME | GROUP]...",
        "Registers as the guest sees them; a star marks what changed.",
        "info registers msr esr",
        "info",
        ("info r",),
        _registers,
    ),
    Command(
        "info all-registers",
        all_registers,
        "info all-registers",
        "Every register of the core.",
        "info all-registers",
        "info",
    ),
    Command(
        "info breakpoints",
        breakpoints,
        "info breakpoints",
        "Breakpoints and traces with their hits.",
        "info breakpoints",
        "info",
        ("info b", "info watchpoints"),
    ),
    Command("info events", events, "info events", "The kinds of events that can be waited for.", "info events", "info"),
    Command("info traces", traces, "info traces", "What the traces have logged.", "info traces", "info"),
    Command(
        "info irqprio",
        irqprio,
        "info irqprio",
        "The 23 interrupt priorities and why each is not delivered.",
        "info irqprio",
        "info",
        ("info pic", "irqprio"),
    ),
    Command(
        "info tlb",
        tlb,
        "info tlb",
        "The guest's TLB, and under KVM the shadow entries that came of it.",
        "info tlb",
        "info",
        ("tlb",),
    ),
    Command(
        "info symbol",
        symbol,
        "info symbol ADDRESS",
        "The symbol that covers an address.",
        "info symbol $pc",
        "info",
        ("info line",),
        _symbols,
    ),
    Command(
        "info functions",
        functions,
        "info functions [TEXT]",
        "Symbols whose names contain a text.",
        "info functions memcpy",
        "info",
        ("info address",),
    ),
    Command(
        "info machine",
        machine,
        "info machine",
        "The board, its devices and how often each was used.",
        "info machine",
        "info",
        ("info mtree",),
    ),
    Command(
        "info program",
        program,
        "info program",
        "Where the guest stands and why.",
        "info program",
        "info",
        ("where", "status"),
    ),
    Command(
        "announce",
        announce,
        "announce [TOPIC... | off]",
        "Say the sentence on a topic after each command that changed it; for who cannot see it change.",
        "announce irqprio paravirt",
        "info",
        (),
        lambda debugger, argument: [*topics.names(), "off"],
    ),
    Command(
        "tell",
        tell,
        "tell [TOPIC]",
        "One sentence on what a table shows, as a screen reader wants it; without a topic, one on each.",
        "tell irqprio",
        "info",
        (),
        lambda debugger, argument: [*topics.names()],
    ),
)
