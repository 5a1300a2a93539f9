"""The world switch stepped by hand: a machine of its own, beside the guest, that runs the code of one variant.

It is the machine that the explorer searches (:mod:`ppcdbg.explore.switch`): the core model, real instructions, events
made as the explorer makes them. The guest of the debugger knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ppcdbg.debugger.results import Table
from ppcdbg.errors import UsageError
from ppcdbg.explore.switch import Step, SwitchReport, SwitchSearch, parse, subject
from ppcdbg.explore.switch_events import EVENTS, event, inject
from ppcdbg.explore.switch_judge import Observed, SwitchVerdict, judge
from ppcdbg.isa.assemble import AsmLine
from ppcdbg.kvm.switch.rig import Taken
from ppcdbg.kvm.switch.variants import VARIANTS, variant
from ppcdbg.kvm.switch.ways import WAYS, way

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
    end."""

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


@dataclass(frozen=True)
class SwitchSteps:
    """The instructions of a variant."""

    variant: str
    about: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class SwitchOutcome:
    """One run, judged."""

    step: Step
    found: Observed
    verdict: SwitchVerdict


@dataclass(frozen=True)
class SwitchFound:
    """What a search found, one report a variant."""

    reports: tuple[SwitchReport, ...]


class WorldSwitch:
    """The stepped switch of one debugger; it begins with Linux's order when it is first asked."""

    def __init__(self) -> None:
        self._search: SwitchSearch | None = None
        self._names: dict[int, str] = {}

    def start(self, name: str = FIRST) -> SwitchPlace:
        """Stand before the first instruction of a variant, with a way out: ``linux``, ``linux/hypercall``. Raises
        UsageError for a name that is none."""
        one, _, out = name.partition("/")
        self._search = search = SwitchSearch(variant(one), way(out) if out else WAYS[0])
        self._names = {step.address: step.name for step in search.steps()}
        search.rewind()
        return self.place()

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
        )  # fmt: skip

    def step(self, count: int = 1) -> SwitchPlace:
        """Go on by some instructions."""
        return self._go(lambda steps: steps >= count)

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
        return replace(self.place(), comes=what.name)

    def replay(self, line: str) -> SwitchOutcome:
        """A run by its line, judged; the machine stands then before the step, with the event made."""
        one, out, what, name = parse(line)
        self.start(subject(one, out))
        step = self.search.seek(name)
        observed = self.search.observe(what)
        if observed is None:
            raise UsageError(f"{what.name} cannot come at {name}: nothing that this instruction uses can leave the TLB")
        self.search.seek(name)
        inject(self.search.rig, what)
        return SwitchOutcome(step, observed, judge(observed))

    def table(self, names: tuple[str, ...], interrupted: Callable[[], bool]) -> SwitchFound:
        """Search variants, all when none is named; each may name a way out."""
        split = [name.partition("/") for name in names] or [(v.name, "", "") for v in VARIANTS]
        chosen = [(variant(one), way(out) if out else WAYS[0]) for one, _, out in split]
        reports = []
        for one, out in chosen:
            reports.append(SwitchSearch(one, out).search(EVENTS, interrupted))
            if interrupted():
                break
        return SwitchFound(tuple(reports))

    def places(self) -> list[str]:
        """Names that ``until`` takes."""
        rig = self.search.rig
        return sorted({*self._names.values(), *(g for _, g in rig.code.groups.values() if g), "handle_exit"})

    def steps(self, name: str = "") -> SwitchSteps:
        """The instructions of a variant, of the one at hand when none is named."""
        one, _, out = name.partition("/")
        search = SwitchSearch(variant(one), way(out) if out else WAYS[0]) if name else self.search
        if not name:
            search = SwitchSearch(search.variant, search.way)  # the one at hand stays where it is
        return SwitchSteps(subject(search.variant, search.way), search.variant.about, search.steps())

    def _go(self, there: Callable[[int], bool]) -> SwitchPlace:
        rig = self.search.rig
        before, seen, steps = rig.registers(), len(rig.watch.taken), 0
        while not there(steps) and not rig.over:
            rig.step()
            steps += 1
            if steps >= LIMIT:
                raise UsageError(f"not reached within {LIMIT:,} instructions; the machine stands at {rig.pc:#x}")
        return self.place(before, seen)


def variants() -> Table:
    """The variants and what is special about each."""
    rows = tuple((v.name, v.about) for v in VARIANTS)
    return Table("variants of the world switch", ("variant", "about"), rows)
