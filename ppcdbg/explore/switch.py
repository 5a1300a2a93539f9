"""The exhaustive search over a world switch: each event before each instruction, from vcpu_load to kvmppc_handle_exit.

Every run goes on until the guest has come back from its exit, on the core model and with the machine code of the
variant; :mod:`.switch_judge` says what must hold. A run is named by one line:

    linux:critical@entry.17                    the event comes before this step
    linux/hypercall:critical@exit.3            where the guest leaves in another way than by a miss
    linux:critical@entry.17+data-miss@+5       and a second one when five instructions have retired since
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ppcdbg.errors import UsageError
from ppcdbg.explore.switch_events import EVENTS, NOTHING, SwitchEvent, event
from ppcdbg.explore.switch_judge import CANNOT, SPOILED, Difference, Observed, SwitchVerdict, judge
from ppcdbg.explore.switch_pairs import Pairs, pairs_at
from ppcdbg.explore.switch_run import LIMIT, Course, Run
from ppcdbg.kvm.switch.rig import GuestState, Rig, RigState
from ppcdbg.kvm.switch.variants import Variant, variant
from ppcdbg.kvm.switch.ways import WAYS, Way, way

_LINE = re.compile(
    r"(?P<variant>[a-z0-9-]+)(?:/(?P<way>[a-z-]+))?:(?P<event>[a-z-]+)@(?P<step>[a-z]+\.[0-9]+)"
    r"(?:\+(?P<then>[a-z-]+)@\+(?P<after>[0-9]{1,4}))?"
)
EVERYWHERE = (0, LIMIT)


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of the switch where it comes when nothing interrupts: ``name`` is phase and number in it.

    ``effects``: what it changes besides GPRs, as ``SwitchSearch.steps`` fills it in: name, before, after.
    """

    name: str
    phase: str
    group: str
    address: int
    text: str
    note: str
    effects: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class SwitchReport:
    """One variant: ``rows`` has, for each step, a verdict by event in the order of ``events``; ``alone`` is the verdict
    on the switch with no event; ``pairs`` what two events did, if they were asked for."""

    variant: Variant
    way: Way
    events: tuple[SwitchEvent, ...]
    alone: SwitchVerdict
    steps: tuple[Step, ...]
    rows: tuple[tuple[SwitchVerdict, ...], ...]
    pairs: Pairs | None = None

    @property
    def name(self) -> str:
        """The variant, and the way out where it is not the first."""
        return subject(self.variant, self.way)

    @property
    def tried(self) -> int:
        """Runs: cells of the table in which the event can come, and pairs."""
        singles = sum(verdict not in (CANNOT, SPOILED) for row in self.rows for verdict in row)
        return 1 + singles + (0 if self.pairs is None else self.pairs.runs)

    @property
    def failures(self) -> tuple[tuple[str, SwitchVerdict], ...]:
        """Each failure with the line that replays it: of one event, and of two where neither fails alone."""
        if self.alone.condition:
            return ((f"{self.name}:{NOTHING.name}@{self.steps[0].name}", self.alone),)
        pairs = () if self.pairs is None else tuple((f.line, f.verdict) for f in self.pairs.failures)
        return self.singles + pairs

    @property
    def singles(self) -> tuple[tuple[str, SwitchVerdict], ...]:
        """The failures of one event."""
        return tuple(
            (f"{self.name}:{what.name}@{step.name}", verdict)
            for step, row in zip(self.steps, self.rows)
            for what, verdict in zip(self.events, row)
            if verdict.condition
        )


class SwitchSearch:
    """One variant and one way out, with its machine and its steps. ``guest``: what is entered, if not the usual one."""

    def __init__(
        self, chosen: Variant, way: Way = WAYS[0], guest: GuestState | None = None, engine: str = "reference"
    ) -> None:  # fmt: skip
        self.variant, self.way, self.rig = chosen, way, Rig(chosen, guest, way, engine)
        self._start = self.rig.save()
        self._course = Course(self.rig)

    def rewind(self) -> None:
        """The machine stands at the first step."""
        self.rig.restore(self._start)

    def walk(self, visit: Callable[[Step, RigState], bool | None]) -> None:
        """Call ``visit`` at each step with the machine's state before it, in order, until it gives true."""
        self.rewind()
        rig, counts = self.rig, dict.fromkeys(("load", "entry", "guest", "exit", "put", "reload"), 0)
        for _ in range(LIMIT):
            if rig.over or rig.pc == self._course.handle_exit and not self.way.scheduled:
                return
            phase, group = rig.code.groups.get(rig.pc, ("", ""))
            if phase == "entry" and counts["reload"]:
                return
            rig.arrive()
            state = rig.save()
            if phase:
                line = rig.code.lines[rig.pc]
                if visit(Step(f"{phase}.{counts[phase]}", phase, group, rig.pc, line.text, line.note), state):
                    return
                counts[phase] += 1
                rig.restore(state)
            rig.step()

    def length(self) -> int:
        """How many steps there are."""
        found = 0

        def visit(step: Step, state: RigState) -> None:
            nonlocal found
            found += 1

        self.walk(visit)
        return found

    def steps(self) -> tuple[Step, ...]:
        """The instructions of the switch, up to kvmppc_handle_exit, with what each changes."""
        found: list[tuple[Step, dict[str, int]]] = []

        def visit(step: Step, state: RigState) -> None:
            found.append((step, self.rig.registers()))

        self.walk(visit)
        afterwards = [*(registers for _, registers in found[1:]), self.rig.registers()]
        return tuple(replace(step, effects=_changed(before, after)) for (step, before), after in zip(found, afterwards))

    def search(
        self, events: Sequence[SwitchEvent] = EVENTS, interrupted: Callable[[], bool] | None = None,
        span: int | None = None, part: tuple[int, int] = EVERYWHERE,
    ) -> SwitchReport:  # fmt: skip
        """Every event at every step; where the switch fails with no event at all, nothing else is tried.

        ``interrupted`` is asked at each step, and ends the search there. ``span``: pairs as well, the second event up
        to so many instructions behind the first. ``part``: only the steps from one number up to another."""
        self.rewind()
        alone = self.observe(NOTHING)
        assert alone is not None
        verdict = judge(alone)
        steps: list[Step] = []
        rows: list[tuple[SwitchVerdict, ...]] = []
        pairs = None if span is None else Pairs.none(span, len(events))
        number = 0

        def visit(step: Step, state: RigState) -> bool:
            nonlocal number, pairs
            number += 1
            if number <= part[0]:
                return False
            steps.append(step)
            rows.append(tuple(SPOILED if verdict.condition else self._try(state, what) for what in events))
            if pairs is not None and not verdict.condition:
                come = [what for what, single in zip(events, rows[-1]) if single is not CANNOT and not single.condition]
                pairs = pairs.more(
                    pairs_at(self._course, state, events, come, f"{self.name}:%s@{step.name}", pairs.span)
                )
            return number >= part[1] or interrupted is not None and interrupted()

        self.walk(visit)
        return SwitchReport(self.variant, self.way, tuple(events), verdict, tuple(steps), tuple(rows), pairs)

    @property
    def name(self) -> str:
        """See ``SwitchReport.name``."""
        return subject(self.variant, self.way)

    def _try(self, state: RigState, what: SwitchEvent) -> SwitchVerdict:
        self.rig.restore(state)
        observed = self.observe(what)
        return CANNOT if observed is None else judge(observed)

    # --- one run ------------------------------------------------------------------------------------------------------
    def seek(self, name: str) -> Step:
        """The machine stands before a step. Raises UsageError where there is none of that name."""
        found: list[tuple[Step, RigState]] = []

        def visit(step: Step, state: RigState) -> bool:
            if step.name == name:
                found.append((step, state))
            return bool(found)

        self.walk(visit)
        if not found:
            raise UsageError(f"the variant {self.variant.name} has no step {name!r}; steps are named entry.0, exit.12")
        self.rig.restore(found[0][1])
        return found[0][0]

    def run(self) -> Run:
        """A run from where the machine stands."""
        return Run(self._course)

    def observe(self, what: SwitchEvent, then: SwitchEvent | None = None, after: int = 0) -> Observed | None:
        """The event comes now, a second one so many instructions ``after`` it, and the machine runs on; None where one
        of them cannot come."""
        run = self.run()
        if not run.comes(what):
            return None
        if then is not None and (run.go(after) or not run.comes(then)):
            return None
        run.go()
        return run.observed()


def _changed(before: dict[str, int], after: dict[str, int]) -> tuple[Difference, ...]:
    return tuple(
        (name, value, after[name])
        for name, value in before.items()
        if after[name] != value and name != "pc" and not name.startswith("r")
    )


def subject(chosen: Variant, out: Way) -> str:
    """A variant and a way out as one word: the first way is not named."""
    return chosen.name if out is WAYS[0] else f"{chosen.name}/{out.name}"


@dataclass(frozen=True)
class SwitchLine:
    """What a line names: ``then`` comes ``after`` so many instructions, if a second event does."""

    variant: Variant
    way: Way
    event: SwitchEvent
    step: str
    then: SwitchEvent | None = None
    after: int = 0

    @property
    def subject(self) -> str:
        """The variant, and the way out where it is not the first."""
        return subject(self.variant, self.way)


def parse(line: str) -> SwitchLine:
    """What a line means. Raises UsageError."""
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise UsageError(
            f"{line!r} is no run of a world switch; one is VARIANT[/EXIT]:EVENT@STEP, say linux:critical@entry.17, or"
            " with a second event linux:critical@entry.17+data-miss@+5"
        )
    out = WAYS[0] if found["way"] is None else way(found["way"])
    then = None if found["then"] is None else event(found["then"])
    return SwitchLine(
        variant(found["variant"]), out, event(found["event"]), found["step"], then, int(found["after"] or 0)
    )
