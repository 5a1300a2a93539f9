"""The world switch stepped by hand: a machine of its own, beside the guest, that runs the code of one variant.

It is the machine that the explorer searches (:mod:`ppcdbg.explore.switch`): the core model, real instructions, events
made as the explorer makes them. The guest of the debugger knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ppcdbg.debugger.results import Table
from ppcdbg.errors import UsageError
from ppcdbg.explore.scheduled import state_hash
from ppcdbg.explore.switch import Step, SwitchReport, SwitchSearch, parse, subject
from ppcdbg.explore.switch_events import EVENTS, SwitchEvent, event, inject
from ppcdbg.explore.switch_judge import Observed, SwitchVerdict, judge
from ppcdbg.explore.switch_run import guests
from ppcdbg.isa.assemble import AsmLine
from ppcdbg.kvm.switch.rig import Taken
from ppcdbg.kvm.switch.variants import VARIANTS, Variant, variant
from ppcdbg.kvm.switch.ways import WAYS, Way, way

FIRST = "linux"
AHEAD = 5
LIMIT = 5_000
"""Instructions after which ``until`` gives up."""


@dataclass(frozen=True, slots=True)
class SwitchChange:
    """A register that changed."""

    name: str
    before: int
    after: int


@dataclass(frozen=True)
class SwitchPlace:
    """Where the machine stands. ``name`` is the step's where the undisturbed switch comes by; ``changed`` and ``taken``
    are what the last command did; ``comes`` is an event that was made to come here; ``over`` is guest or dead at the
    end; ``came`` is the last step that the machine came by, also where it is in a handler now."""

    variant: str
    name: str
    phase: str
    group: str
    pc: int
    guest: bool
    position: int
    changed: tuple[SwitchChange, ...]
    taken: tuple[Taken, ...]
    ahead: tuple[AsmLine, ...]
    over: str = ""
    comes: str = ""
    came: str = ""


@dataclass(frozen=True)
class SwitchSteps:
    """The instructions of a variant."""

    variant: str
    about: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class SwitchRegister:
    """One register of the switch: what it holds now, held before the last command, and would hold for each of the two.
    ``guest`` is None where the guest has none of it."""

    name: str
    value: int
    before: int
    guest: int | None
    host: int

    @property
    def whose(self) -> str:
        """Whose value stands there: guest, host, both where they are the same, empty where it is neither's."""
        found = [who for who, value in (("guest", self.guest), ("host", self.host)) if value == self.value]
        return "both" if len(found) == 2 else "".join(found)


@dataclass(frozen=True)
class SwitchRegisters:
    """Every register that the switch moves, at one moment; ``guest``: the guest runs."""

    variant: str
    guest: bool
    rows: tuple[SwitchRegister, ...]


@dataclass(frozen=True)
class SwitchOutcome:
    """One run, judged. ``state``: a hash of the machine's state at its end."""

    step: Step
    found: Observed
    verdict: SwitchVerdict
    state: str


@dataclass(frozen=True)
class SwitchFound:
    """What a search found, or has found up to now, one report a variant; ``wanted`` are as many as were asked for."""

    reports: tuple[SwitchReport, ...]
    wanted: int = 0
    searching: bool = False


class WorldSwitch:
    """The stepped switch of one debugger; it begins with Linux's order when it is first asked. ``engine`` runs it."""

    def __init__(self, engine: str = "auto") -> None:
        self._engine = engine
        self._search: SwitchSearch | None = None
        self._listing: SwitchSteps | None = None
        self._names: dict[int, str] = {}
        self._first: dict[str, int] = {}
        self._came = ""
        self._made: list[tuple[int, SwitchEvent]] = []
        """Events that were made to come, by the instructions before them: going back makes them again."""
        self._last: SwitchPlace | None = None
        self._before: dict[str, int] = {}
        self._found: SwitchFound | None = None

    def start(self, name: str = "") -> SwitchPlace:
        """Stand before the first instruction of a variant, with a way out: ``linux``, ``linux/hypercall``; of the one
        at hand where none is named. Raises UsageError for a name that is none."""
        name = name or (FIRST if self._last is None else self._last.variant)
        one, _, out = name.partition("/")
        self._search = search = self._machine(variant(one), way(out) if out else WAYS[0])
        self._listing = SwitchSteps(subject(search.variant, search.way), search.variant.about, search.steps())
        self._names = {step.address: step.name for step in self._listing.steps}
        search.rewind()
        self._made.clear()
        self._came = self._names.get(search.rig.pc, "")
        self._first = self._before = search.rig.registers()
        self._last = self.place()
        return self._last

    @property
    def last(self) -> SwitchPlace:
        """What the last command came to: where the machine stands, and what that command changed."""
        if self._last is None:
            return self.start()
        return self._last

    def _machine(self, chosen: Variant, out: Way) -> SwitchSearch:
        return SwitchSearch(chosen, out, engine=self._engine)

    @property
    def search(self) -> SwitchSearch:
        """The machine, begun if it was not."""
        if self._search is None:
            self.start()
        assert self._search is not None
        return self._search

    def place(self, before: dict[str, int] | None = None, seen: int | None = None) -> SwitchPlace:
        """Where it stands; ``before`` and ``seen``: registers, and how many interrupts were taken, to compare with."""
        rig = self.search.rig
        now = rig.registers()
        changed = tuple(
            SwitchChange(name, before[name], value)
            for name, value in now.items()
            if before is not None and before[name] != value and name != "pc"
        )
        phase, group = rig.code.groups.get(rig.pc, ("host", "handler"))
        name = self._names.get(rig.pc, "")
        if group == "vector" and not rig.watch.taken[-1].from_guest:
            phase, name = "host", ""  # the same vector, but no exit
        taken = () if seen is None else tuple(rig.watch.taken[seen:])
        lines = (rig.code.lines.get(rig.pc + 4 * i) for i in range(AHEAD))
        return SwitchPlace(
            subject(self.search.variant, self.search.way), name, phase, group, rig.pc, not rig.in_host(),
            rig.core.retired, changed, taken, tuple(row for row in lines if row is not None), rig.over,
            came=self._came,
        )  # fmt: skip

    def step(self, count: int = 1) -> SwitchPlace:
        """Go on by some instructions."""
        return self._go(lambda steps: steps >= count)

    def next(self) -> SwitchPlace:
        """Go on to where another group of instructions begins."""
        rig = self.search.rig
        group = rig.code.groups.get(rig.pc)
        return self._go(lambda steps: steps > 0 and rig.code.groups.get(rig.pc) != group)

    def back(self, count: int = 1) -> SwitchPlace:
        """Stand some instructions earlier: the machine begins again, with the same events."""
        search, rig = self.search, self.search.rig
        before, here = rig.registers(), rig.core.retired
        search.rewind()
        self._came = self._names.get(rig.pc, "")
        goal = max(rig.core.retired, here - count)
        made = [(position, what) for position, what in self._made if position <= goal]
        while True:
            for position, what in made:
                if position == rig.core.retired:
                    inject(rig, what)
            if rig.core.retired >= goal:
                break
            self._step()
        self._made = made
        return self._now(self.place(before, len(rig.watch.taken)), before)

    def until(self, where: str) -> SwitchPlace:
        """Go on to a step, the next group of a name, or a label of the code. Raises UsageError for none of those."""
        rig, names = self.search.rig, self._names
        address = next((a for a, name in names.items() if name == where), rig.code.labels.get(where))
        groups = {a for a, (_, group) in rig.code.groups.items() if group == where}
        if address is None and not groups:
            raise UsageError(f"{where!r} is no step (entry.17), group (dmiuh) or label (handle_exit) of this switch")
        left = rig.pc not in groups

        def there(steps: int) -> bool:
            nonlocal left
            if address is not None:
                return steps > 0 and rig.pc == address
            left = left or rig.pc not in groups
            return left and rig.pc in groups

        return self._go(there)

    def inject(self, name: str) -> SwitchPlace:
        """An event comes before the next instruction. Raises UsageError where it cannot."""
        what = event(name)
        if not inject(self.search.rig, what):
            raise UsageError(f"{what.name} cannot come here: nothing that this instruction uses can leave the TLB")
        self._made.append((self.search.rig.core.retired, what))
        return self._now(replace(self.place(), comes=what.name))

    def replay(self, text: str) -> SwitchOutcome:
        """A run by its line, judged; the machine stands then where its last event was made."""
        line = parse(text)
        self.start(line.subject)
        search, rig = self.search, self.search.rig
        step = search.seek(line.step)
        observed = search.observe(line.event, line.then, line.after)
        if observed is None:
            raise UsageError(f"{text.strip()} cannot come: nothing that the instruction there uses can leave the TLB")
        state = state_hash((rig.core.state,), rig.bus.ram)
        self._came = search.seek(line.step).name
        for what, after in ((line.event, 0), *(() if line.then is None else ((line.then, line.after),))):
            for _ in range(after):
                self._step()
            inject(rig, what)
            self._made.append((rig.core.retired, what))
            self._now(replace(self.place(), comes=what.name))
        return SwitchOutcome(step, observed, judge(observed), state)

    def table(self, names: tuple[str, ...], interrupted: Callable[[], bool]) -> SwitchFound:
        """Search variants, all when none is named; each may name a way out."""
        split = [name.partition("/") for name in names] or [(v.name, "", "") for v in VARIANTS]
        chosen = [(variant(one), way(out) if out else WAYS[0]) for one, _, out in split]
        self._found = SwitchFound((), len(chosen), True)
        for one, out in chosen:
            report = self._machine(one, out).search(EVENTS, interrupted)
            self._found = replace(self._found, reports=(*self._found.reports, report))
            if interrupted():
                break
        self._found = replace(self._found, searching=False)
        return self._found

    def found(self) -> SwitchFound | None:
        """The search that goes on, up to now, or else the last one; None before the first."""
        return self._found

    def registers(self) -> SwitchRegisters:
        """What the switch moves, and whose it is now."""
        rig = self.search.rig
        now, theirs = rig.registers(), guests(rig)
        rows = tuple(
            SwitchRegister(name, now[name], self._before[name], theirs.get(name), self._first[name])
            for name in sorted(now, key=lambda name: name[0] == "r")  # GPRs behind the others
            if name != "pc"
        )
        return SwitchRegisters(subject(self.search.variant, self.search.way), not rig.in_host(), rows)

    def places(self) -> list[str]:
        """Names that ``until`` takes."""
        rig = self.search.rig
        return sorted({*self._names.values(), *(g for _, g in rig.code.groups.values() if g), "handle_exit"})

    def steps(self, name: str = "") -> SwitchSteps:
        """The instructions of a variant, of the one at hand when none is named."""
        one, _, out = name.partition("/")
        if not name and self.search:
            assert self._listing is not None
            return self._listing
        search = self._machine(variant(one), way(out) if out else WAYS[0])
        return SwitchSteps(subject(search.variant, search.way), search.variant.about, search.steps())

    def _go(self, there: Callable[[int], bool]) -> SwitchPlace:
        rig = self.search.rig
        before, seen, steps = rig.registers(), len(rig.watch.taken), 0
        while not there(steps) and not rig.over:
            self._step()
            steps += 1
            if steps >= LIMIT:
                raise UsageError(f"not reached within {LIMIT:,} instructions; the machine stands at {rig.pc:#x}")
        return self._now(self.place(before, seen), before)

    def _step(self) -> None:
        rig = self.search.rig
        rig.step()
        self._came = self._names.get(rig.pc, self._came)

    def _now(self, place: SwitchPlace, before: dict[str, int] | None = None) -> SwitchPlace:
        self._last, self._before = place, before or self.search.rig.registers()
        return place


def variants() -> Table:
    """The variants and what is special about each."""
    rows = tuple((v.name, v.about) for v in VARIANTS)
    return Table("variants of the world switch", ("variant", "about"), rows)
