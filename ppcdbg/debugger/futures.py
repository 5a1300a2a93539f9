"""Two runs side by side: where they part first, in what, what each then does, and what differs in the end.

Both are debuggers that can go to any moment of their own past, so that halving finds the position. The state differs
where something was changed; the flow parts where the two guests first stand at different instructions, which may be
much later. Values only; words are :mod:`ppcdbg.views.futures`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from ppcdbg.debugger import entries
from ppcdbg.debugger.events import Verb
from ppcdbg.debugger.eventwords import parse_event, split_condition
from ppcdbg.debugger.model import vcpu_of
from ppcdbg.debugger.registers import changes
from ppcdbg.errors import Interrupted
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.kvm.trace import exit_name
from ppcdbg.machine.printed import BLOCK
from ppcdbg.machine.system import Limits
from ppcdbg.session.differ import Difference, Run, first_difference
from ppcdbg.session.pages import ZERO

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

Asked = Callable[[], bool]
PIECES = 64
"""Into so many stretches two runs are cut, at the ends of which they are compared first."""
STEPPED = 50_000
"""Instructions behind the first difference of which each is compared, for where the flow parts."""
AROUND = 4
"""Instructions, and exits, that are shown before and behind a place."""
MOST = 1_000
"""Pages, and fields, that are named at most."""
TEXT = 60
"""Characters of the console around its first difference."""


@dataclass(frozen=True, slots=True)
class Field:
    """Something that two runs have otherwise; registers as numbers of eight digits."""

    name: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """One that is next at a position. ``place``: its symbol and offset."""

    position: int
    pc: int
    place: str
    text: str


@dataclass(frozen=True)
class Parted:
    """Whole states are the same up to ``agreed`` and not at ``position``. ``more``: registers that differ as well."""

    agreed: int
    position: int
    difference: Field
    more: tuple[Field, ...] = ()
    around: tuple[Instruction, ...] = ()


@dataclass(frozen=True)
class Flow:
    """``position``: where the two first stand at different instructions; None: they never do, as far as was compared.
    ``exact`` False: they may have done so before, and come together again."""

    position: int | None
    exact: bool
    compared: int
    before: tuple[Instruction, ...] = ()
    first: tuple[Instruction, ...] = ()
    second: tuple[Instruction, ...] = ()


@dataclass(frozen=True)
class ExitsApart:
    """The first exit, by number, that is not the same in both, and those around it in each."""

    number: int
    first: tuple[ExitRecord, ...]
    second: tuple[ExitRecord, ...]


@dataclass(frozen=True)
class ConsolesApart:
    """``at``: the first byte that differs; ``before`` is the text up to it, then what each printed."""

    at: int
    before: str
    first: str
    second: str


@dataclass(frozen=True)
class Ending:
    """How far a run went and what became of it. ``kind``: a stop's, in the words of ``StopKind``."""

    name: str
    kind: str
    ended: bool
    position: int
    pc: int
    place: str
    detail: str
    exits: int
    console: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page of RAM that differs in the end: real address, how many bytes differ, and the address of the first."""

    real: int
    count: int
    address: int


@dataclass(frozen=True)
class Comparison:
    """``parted`` None: every state that was compared was the same, and so is all that is logged and all at the end."""

    names: tuple[str, str]
    edits: tuple[str, ...]
    parted: Parted | None
    flow: Flow | None
    exits: ExitsApart | None
    console: ConsolesApart | None
    ends: tuple[Ending, Ending]
    kinds: tuple[tuple[str, int, int], ...] = ()
    """Exits by kind, where their numbers differ."""
    registers: tuple[Field, ...] = ()
    tlb: tuple[Field, ...] = ()
    pages: tuple[Page, ...] = ()
    more_pages: int = 0

    @property
    def same(self) -> bool:
        return self.parted is None and self.exits is None and self.console is None and not self.pages


def _end_if(asked: Asked) -> None:
    if asked():
        raise Interrupted("interrupted while comparing; nothing was changed")


class Side:
    """One of the two: a debugger, a name, and its state to be hashed."""

    def __init__(self, debugger: Debugger, name: str) -> None:
        self.debugger, self.name = debugger, name
        self.run = Run(debugger.system)

    def go(self, position: int, asked: Asked) -> None:
        """Be at a position, with everything done that is due there. Raises Interrupted."""
        system, timeline = self.debugger.system, self.debugger.past.timeline
        timeline.seek(position, asked)
        if system.position == position:
            system.run(Limits(position))  # at the very beginning of the past it is still to come
        self.debugger.runner.moved()
        _end_if(asked)


def compare(
    first: Side,
    second: Side,
    last: int,
    asked: Asked,
    until: str = "",
    edits: tuple[str, ...] = (),
    suspects: Iterable[int] = (),
) -> Comparison:
    """Compare two runs that stand at the same position, up to ``last`` or to where each comes to an event.

    ``suspects``: positions at which they may differ for a moment, as where the input of one differs. Raises Interrupted
    when somebody ``asked``.
    """
    start = min(first.debugger.position, second.debugger.position)
    pieces = {start + (last - start) * piece // PIECES for piece in range(PIECES + 1)}
    pieces.update(position for position in suspects if start <= position <= last)
    parted = _parted(first, second, sorted(pieces), asked)
    flow = None if parted is None else _flow(first, second, parted.position, last, asked)
    since = start if parted is None else parted.position
    ends = _end(first, since, last, until, asked), _end(second, since, last, until, asked)
    exits, console = _exits(first, second, asked), _console(first, second)
    if flow is not None and flow.position is None and exits is not None:
        flow = _later_flow(first, second, flow, exits, asked)
        ends = _end(first, since, last, until, asked), _end(second, since, last, until, asked)
    pages, more = _pages(first, second)
    return Comparison(
        (first.name, second.name), edits, parted, flow, exits, console, ends, _kinds(first, second),
        _registers(first, second)[:MOST], _tlb(first, second)[:MOST], pages, more,
    )  # fmt: skip


# --- where they part -----------------------------------------------------------------------------------------------
def _parted(first: Side, second: Side, pieces: Sequence[int], asked: Asked) -> Parted | None:
    low = pieces[0]
    for position in pieces:
        if _differ(first, second, position, asked):
            high = position
            while high - low > 1:
                middle = (low + high) // 2
                if _differ(first, second, middle, asked):
                    high = middle
                else:
                    low = middle
            _differ(first, second, high, asked)
            return _told(first, second, max(high - 1, 0), high, asked)
        low = position
        if first.debugger.system.ended is not None and second.debugger.system.ended is not None:
            return None
    return None


def _differ(first: Side, second: Side, position: int, asked: Asked) -> bool:
    for side in (first, second):
        side.go(position, asked)
    systems = first.debugger.system, second.debugger.system
    return systems[0].moment() != systems[1].moment() or first.run.hash() != second.run.hash()


def _told(first: Side, second: Side, agreed: int, position: int, asked: Asked) -> Parted:
    fields = (*_registers(first, second), *_tlb(first, second))  # as the guest has them, where it has
    if not fields:
        found = first_difference(first.run, second.run) or Difference("the end of the run", "one place", "another")
        fields = (Field(found.what, found.first, found.second),)
    around = _instructions(first, max(position - AROUND, first.debugger.past.timeline.start[0]), 2 * AROUND, asked)
    return Parted(agreed, position, fields[0], fields[1:MOST], around)


def _flow(first: Side, second: Side, position: int, last: int, asked: Asked) -> Flow:
    """Compare instruction by instruction; both come to rest where they part, or where that ends."""
    for side in (first, second):
        side.go(position, asked)
    one, two = first.debugger.system, second.debugger.system
    most = min(STEPPED, max(last - position, 0))
    for done in range(most + 1):
        if one.core.state.pc != two.core.state.pc or (one.ended is None) is not (two.ended is None):
            return _shown(first, second, position + done, done, True, asked)
        if one.ended is not None or done == most or not done % 1_000 and asked():
            break
        for system in (one, two):
            system.run(Limits(position + done + 1))
    return Flow(None, True, done)


def _later_flow(first: Side, second: Side, flow: Flow, apart: ExitsApart, asked: Asked) -> Flow:
    """Whether the flow has parted where the first exit differs, behind what was compared one by one."""
    position = min(e.position for e in (*apart.first, *apart.second) if e.number == apart.number)
    for side in (first, second):
        side.go(position, asked)
    if first.debugger.pc == second.debugger.pc:
        return flow
    return _shown(first, second, position, flow.compared, False, asked)


def _shown(first: Side, second: Side, position: int, compared: int, exact: bool, asked: Asked) -> Flow:
    start = max(position - AROUND, first.debugger.past.timeline.start[0])
    before = _instructions(first, start, position - start, asked)
    sides = [_instructions(side, position, AROUND + 2, asked) for side in (first, second)]
    return Flow(position, exact, compared, before, sides[0], sides[1])


def _instructions(side: Side, position: int, count: int, asked: Asked) -> tuple[Instruction, ...]:
    """What is next at some positions in a row."""
    side.go(position, asked)
    debugger, rows = side.debugger, list[Instruction]()
    while len(rows) < count and debugger.system.ended is None:
        row = debugger.disassemble(count=1).rows[0]
        text = f"{row.mnemonic} {row.operands}{f' → {row.target_name}' if row.target_name else ''}".strip()
        rows.append(Instruction(debugger.position, row.address, debugger.symbols.name(row.address), text))
        debugger.system.run(Limits(debugger.position + 1))
    return tuple(rows)


# --- what is logged ------------------------------------------------------------------------------------------------
def _exits(first: Side, second: Side, asked: Asked) -> ExitsApart | None:
    vcpus = vcpu_of(first.debugger.system), vcpu_of(second.debugger.system)
    if vcpus[0] is None or vcpus[1] is None:
        return None
    rows = [[(*row[:8], *row[-3:]) for row in vcpu.exits.rows(0)] for vcpu in vcpus if vcpu is not None]
    for number, (one, two) in enumerate(zip_longest(*rows)):
        if not number % 10_000:
            _end_if(asked)
        if one != two:
            start = max(number - AROUND // 2, 0)
            shown = [tuple(side.debugger.exits[start : number + AROUND]) for side in (first, second)]
            return ExitsApart(number, shown[0], shown[1])
    return None


def _console(first: Side, second: Side) -> ConsolesApart | None:
    one, two = (side.debugger.system.board.console.output for side in (first, second))
    for start in range(0, max(len(one), len(two)), BLOCK):
        a, b = one[start : start + BLOCK], two[start : start + BLOCK]
        if a != b:
            at = start + next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            parts = (one[max(at - TEXT, 0) : at], one[at : at + 4 * TEXT], two[at : at + 4 * TEXT])
            texts = [part.decode("utf-8", "replace") for part in parts]
            return ConsolesApart(at, texts[0], texts[1][:TEXT], texts[2][:TEXT])
    return None


# --- the end -------------------------------------------------------------------------------------------------------
def _end(side: Side, since: int, last: int, until: str, asked: Asked) -> Ending:
    """Run on to the last position, from ``since`` on to the event, or to the guest's end."""
    debugger = side.debugger
    if until:
        side.go(since, asked)
    system, name = debugger.system, side.name
    stop = None
    if system.ended is None and (until or debugger.position < last):
        debugger.runner.ceiling = max(last, debugger.position)
        if until:
            words, condition = split_condition(until)
            stop = debugger.run_to_event(Verb.RUN_UNTIL, parse_event(debugger, words), condition).stop
        else:
            stop = debugger.continue_().stop
    _end_if(asked)
    stop = system.ended or stop
    pc = system.core.state.pc
    return Ending(
        name, "limit" if stop is None else stop.kind.value, system.ended is not None, system.position, pc,
        debugger.symbols.name(pc), "" if stop is None else stop.detail, system.steps,
        len(system.board.console.output),
    )  # fmt: skip


def _kinds(first: Side, second: Side) -> tuple[tuple[str, int, int], ...]:
    counts = [{} if (v := vcpu_of(side.debugger.system)) is None else v.exit_counts for side in (first, second)]
    numbers = sorted({*counts[0], *counts[1]})
    rows = ((exit_name(n), counts[0].get(n, 0), counts[1].get(n, 0)) for n in numbers)
    return tuple(row for row in rows if row[1] != row[2])


def _registers(first: Side, second: Side) -> tuple[Field, ...]:
    one, two = (side.debugger.register_file.snapshot() for side in (first, second))
    return tuple(Field(c.name, f"{c.before:08x}", f"{c.after:08x}") for c in changes(one, two))


def _tlb(first: Side, second: Side) -> tuple[Field, ...]:
    """Entries of the guests' TLBs that are not the same."""
    shapes = [entries.geometry(side.debugger) for side in (first, second)]
    if shapes[0] != shapes[1]:
        return (Field("TLB", *(f"{s} sets of {w} and {n} entries" for s, w, n in shapes)),)
    sets, ways, own = shapes[0]
    found = []
    for tlbsel, count in ((1, own), (0, sets * ways)):
        for esel in range(count):
            at = entries.Place(tlbsel, esel, ways)
            one, two = (entries.read(side.debugger, at) for side in (first, second))
            if one != two:
                words = (f"{e.mas1:08x} {e.mas2:08x} {e.mas7:x} {e.mas3:08x}" for e in (one, two))
                found.append(Field(str(at), *words))
    return tuple(found)


def _pages(first: Side, second: Side) -> tuple[tuple[Page, ...], int]:
    """Those of RAM that differ, and how many there are beyond the most that are told."""
    for side in (first, second):
        side.run.pages.changed()
    one, two = first.run.pages.all(), second.run.pages.all()
    apart = [page for page in sorted({*one, *two}) if one.get(page, ZERO) != two.get(page, ZERO)]
    found = []
    for page in apart[:MOST]:
        differing = [i for i, (a, b) in enumerate(zip(one.get(page, ZERO), two.get(page, ZERO))) if a != b]
        found.append(Page(page, len(differing), page + differing[0]))
    return tuple(found), max(len(apart) - MOST, 0)
