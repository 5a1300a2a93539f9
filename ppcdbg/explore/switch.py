"""The exhaustive search over a world switch: each event before each instruction, from vcpu_load to kvmppc_handle_exit.

Every run goes on until the guest has come back from its exit, on the core model and with the machine code of the
variant; :mod:`.switch_judge` says what must hold. A run is named by one line, ``linux:critical@entry.17``, or
``linux/hypercall:critical@exit.3`` where the guest leaves in another way than by a miss.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.msr import EPCR_DMIUH, MSR_CE, MSR_DS, MSR_EE, MSR_GS, MSR_IS, MSR_ME, MSR_PR
from ppcdbg.cpu.tlb import TlbEntry
from ppcdbg.engine.api import Why
from ppcdbg.errors import UsageError
from ppcdbg.explore.switch_events import EVENTS, NOTHING, SwitchEvent, event, inject
from ppcdbg.explore.switch_judge import CANNOT, SPOILED, Difference, Observed, SwitchVerdict, judge
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm.switch import layout as at
from ppcdbg.kvm.switch.rig import GuestState, Rig, RigState, Taken
from ppcdbg.kvm.switch.variants import Variant, variant
from ppcdbg.kvm.switch.ways import WAYS, Way, way

LIMIT = 1_500
"""Instructions after which a run that is not over goes round in a circle; the longest clean one has some 900."""
_LINE = re.compile(r"(?P<variant>[a-z0-9-]+)(?:/(?P<way>[a-z-]+))?:(?P<event>[a-z-]+)@(?P<step>[a-z]+\.[0-9]+)")


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
    on the switch with no event."""

    variant: Variant
    way: Way
    events: tuple[SwitchEvent, ...]
    alone: SwitchVerdict
    steps: tuple[Step, ...]
    rows: tuple[tuple[SwitchVerdict, ...], ...]

    @property
    def name(self) -> str:
        """The variant, and the way out where it is not the first."""
        return subject(self.variant, self.way)

    @property
    def tried(self) -> int:
        """Runs: cells of the table in which the event can come."""
        return 1 + sum(verdict is not CANNOT and verdict is not SPOILED for row in self.rows for verdict in row)

    @property
    def failures(self) -> tuple[tuple[str, SwitchVerdict], ...]:
        """Each failure with the line that replays it."""
        if self.alone.condition:
            return ((f"{self.name}:{NOTHING.name}@{self.steps[0].name}", self.alone),)
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
        labels = self.rig.code.labels
        self._ends = frozenset({labels["guest_end"], labels["dead"]})
        self._handle_exit = labels["handle_exit"]
        self._rfi = next(a for a, line in self.rig.code.lines.items()
                         if line.text == "rfi" and self.rig.code.groups.get(a) == ("entry", "rfi"))  # fmt: skip
        self._parts = {labels[f"{who}_{n}"]: (n, who == "kvm") for who in ("kvm", "host") for n in at.VECTOR_NUMBERS}
        """Where the code at a vector goes on: which vector, and whether in KVM."""
        self._start = self.rig.save()
        self._wanted = _wanted(self.rig)
        self._pages = _pages(self.rig)

    def rewind(self) -> None:
        """The machine stands at the first step."""
        self.rig.restore(self._start)

    def walk(self, visit: Callable[[Step, RigState], bool | None]) -> None:
        """Call ``visit`` at each step with the machine's state before it, in order, until it gives true."""
        self.rewind()
        rig, counts = self.rig, dict.fromkeys(("load", "entry", "guest", "exit"), 0)
        for _ in range(LIMIT):
            if rig.over or rig.pc == self._handle_exit:
                return
            phase, group = rig.code.groups.get(rig.pc, ("", ""))
            rig.arrive()
            state = rig.save()
            if phase:
                line = rig.code.lines[rig.pc]
                if visit(Step(f"{phase}.{counts[phase]}", phase, group, rig.pc, line.text, line.note), state):
                    return
                counts[phase] += 1
                rig.restore(state)
            rig.step()

    def steps(self) -> tuple[Step, ...]:
        """The instructions of the switch, up to kvmppc_handle_exit, with what each changes."""
        found: list[tuple[Step, dict[str, int]]] = []

        def visit(step: Step, state: RigState) -> None:
            found.append((step, self.rig.registers()))

        self.walk(visit)
        afterwards = [*(registers for _, registers in found[1:]), self.rig.registers()]
        return tuple(replace(step, effects=_changed(before, after)) for (step, before), after in zip(found, afterwards))

    def search(
        self, events: Sequence[SwitchEvent] = EVENTS, interrupted: Callable[[], bool] | None = None
    ) -> SwitchReport:
        """Every event at every step; where the switch fails with no event at all, nothing else is tried.

        ``interrupted`` is asked at each step, and ends the search there."""
        self.rewind()
        alone = self.observe(NOTHING)
        assert alone is not None
        verdict = judge(alone)
        steps: list[Step] = []
        rows: list[tuple[SwitchVerdict, ...]] = []

        def visit(step: Step, state: RigState) -> bool:
            steps.append(step)
            rows.append(tuple(SPOILED if verdict.condition else self._try(state, what) for what in events))
            return interrupted is not None and interrupted()

        self.walk(visit)
        return SwitchReport(self.variant, self.way, tuple(events), verdict, tuple(steps), tuple(rows))

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

    def observe(self, what: SwitchEvent) -> Observed | None:
        """The event comes now, and the machine runs on; None where it cannot come."""
        rig = self.rig
        in_guest, start, before = not rig.in_host(), rig.core.retired, len(rig.watch.taken)
        if not inject(rig, what):
            return None
        host: list[Difference] = []
        lost: Taken | None = None
        at_vector = rig.code.groups.get(rig.pc) == ("exit", "vector") or rig.pc in self._parts
        on_way = rig.watch.taken[-1:] if at_vector else []
        srr: tuple[Difference, ...] = ()
        end = "hang"
        stops = self._ends | {self._handle_exit, self._rfi} | self._parts.keys()
        while (left := start + LIMIT - rig.core.retired) > 0:
            seen = len(rig.watch.taken)
            stop = rig.run(left, stops)
            on_way += rig.watch.taken[seen:]
            if stop.why is Why.CHECKSTOP:
                end = "checkstop"
                break
            if stop.why is not Why.BREAKPOINT:
                break
            if rig.over:
                end = rig.over
                break
            if any(not self._known(entry) for entry in rig.watch.written):
                end = "tlb"
                break
            if rig.pc in self._parts:
                if (lost := self._misrouted(on_way, *self._parts[rig.pc])) is not None:
                    end = "misrouted"
                    break
            elif rig.pc == self._handle_exit:
                host += self._host_wrong()
            elif rig.in_host() and (srr := self._srr_wrong()):
                end = "entry"
                break
        vector = what.vector
        taken = tuple(rig.watch.taken)
        first = next((t.position for t in taken[before:] if t.vector == vector), None)
        return Observed(
            what, in_guest, taken, lost, tuple(rig.exits()), 0 if vector is None else rig.handled(vector), end, srr,
            self._guest_wrong() if end == "guest" else (), tuple(dict.fromkeys(host)),
            tuple(e for e in rig.watch.written if not self._known(e)), None if first is None else first - start,
        )  # fmt: skip

    def _misrouted(self, on_way: list[Taken], number: int, kvm: bool) -> Taken | None:
        """The interrupt that has come to the wrong one of host and KVM, if it did. ``on_way``: those at their vectors;
        the last one of this number leaves it."""
        last = next(t for t in reversed(on_way) if t.vector == number)
        on_way.remove(last)
        return None if kvm == last.from_guest else last

    def _guest_wrong(self) -> tuple[Difference, ...]:
        found = self.rig.registers()
        return tuple((name, value, found[name]) for name, value in self._wanted.items() if found[name] != value)

    def _srr_wrong(self) -> tuple[Difference, ...]:
        """At the entry's rfi, with a guest to go to: what SRR0 and SRR1 must hold."""
        reg, rig = self.rig.core.state.reg, self.rig
        msr = rig.word(at.SHARED + at.SHARED_FIELDS["MSR"]) if rig.hv else rig.field("SHADOW_MSR")
        wanted = {"SRR0": rig.field("PC"), "SRR1": msr}
        return tuple((name, value, reg[SLOT[name]]) for name, value in wanted.items() if reg[SLOT[name]] != value)

    def _host_wrong(self) -> list[Difference]:
        """At kvmppc_handle_exit: what the host's C code takes for granted."""
        rig, found = self.rig, self.rig.registers()
        wanted = {
            "r1": rig.place(at.STACK) + 0x800, "r2": at.HOST_R2, "r3": rig.place(at.VCPU), "PID": at.HOST_PID,
            "MAS4": at.HOST_MAS4, "IVPR": at.VECTORS, "SPRG3": at.LOWMEM + at.CPU,
        }  # fmt: skip
        wanted |= {"EPCR": rig.field("EPCR")} if rig.hv else {"PID1": 0}
        rows = [(name, value, found[name]) for name, value in wanted.items() if found[name] != value]
        number = found["r4"]
        base = number in VECTORS and VECTORS[number].cls.value[0] == "SRR0"
        mask = MSR_GS | MSR_PR | MSR_IS | MSR_DS | (MSR_CE | MSR_ME if base else 0)
        mask |= MSR_EE if "ee-on" not in self.variant.exit else 0
        if found["msr"] & mask != at.HOST_MSR & mask:
            rows.append(("msr", at.HOST_MSR, found["msr"]))
        return rows

    def _known(self, entry: TlbEntry) -> bool:
        """Whether an entry maps what the host's page table, or the guest's, has there."""
        return self._pages.get((entry.epn, bool(entry.mas8 >> 31 if self.rig.hv else entry.ts))) == entry.rpn


def _changed(before: dict[str, int], after: dict[str, int]) -> tuple[Difference, ...]:
    return tuple(
        (name, value, after[name])
        for name, value in before.items()
        if after[name] != value and name != "pc" and not name.startswith("r")
    )


_FIELDS = {"USPRG0": "VRSAVE", "PID": "GUEST_PID", "EPLC": "EPC", "EPSC": "EPC", "GSRR0": "SRR0", "GSRR1": "SRR1",
           "GDEAR": "DAR", "GESR": "ESR", **{f"GSPRG{n}": f"SPRG{n}" for n in range(4)}}  # fmt: skip
_FIELDS_PR = {"PID": "SHADOW_PID", "PID1": "SHADOW_PID1"}
"""Where the vcpu or the shared page has a register of the guest's, if not under its name."""


def guests(rig: Rig) -> dict[str, int]:
    """The guest's registers as the vcpu and the shared page have them now."""
    vcpu = {name: rig.word(at.VCPU + offset) for name, offset in at.VCPU_FIELDS.items()}
    shared = {name: rig.word(at.SHARED + offset) for name, offset in at.SHARED_FIELDS.items()}
    out = {f"r{n}": vcpu[f"R{n}"] for n in range(32)} | {"pc": vcpu["PC"], "cr": vcpu["CR"]}
    out["msr"] = shared["MSR"] if rig.hv else vcpu["SHADOW_MSR"]
    for name in rig.guest_sprs:
        where = (_FIELDS if rig.hv else _FIELDS_PR).get(name, name)
        out[name] = vcpu[where] if where in vcpu else shared[where]
    return out


def _wanted(rig: Rig) -> dict[str, int]:
    """The guest's registers when it has come back from its exit: what it was entered with, and what it did."""
    out = guests(rig)
    out["r20"] = out["r20"] + 1 & 0xFFFFFFFF
    out["r21"] = (rig.word(at.GUEST_DATA) if rig.way.name == "data-miss" else out["r21"]) + 1
    out["pc"] = rig.code.labels["guest_end"]
    if rig.hv:
        out["EPCR"] |= EPCR_DMIUH
    return out


def _pages(rig: Rig) -> dict[tuple[int, bool], int]:
    """(effective page, whether the guest's) -> real page."""
    pages = {(rig.word(at.PAGE_TABLE + 16 * i), False):
             rig.word(at.PAGE_TABLE + 16 * i + 8) << 32 | rig.word(at.PAGE_TABLE + 16 * i + 4) & 0xFFFFF000
             for i in range(64)}  # fmt: skip
    return pages | {(at.GUEST_EA, True): at.GUEST_TEXT, (at.GUEST_DATA_EA, True): at.GUEST_DATA}


def subject(chosen: Variant, out: Way) -> str:
    """A variant and a way out as one word: the first way is not named."""
    return chosen.name if out is WAYS[0] else f"{chosen.name}/{out.name}"


def parse(line: str) -> tuple[Variant, Way, SwitchEvent, str]:
    """Variant, way out, event and step of a line. Raises UsageError."""
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise UsageError(
            f"{line!r} is no run of a world switch; one is VARIANT[/EXIT]:EVENT@STEP, say linux:critical@entry.17"
        )
    out = WAYS[0] if found["way"] is None else way(found["way"])
    return variant(found["variant"]), out, event(found["event"]), found["step"]
