"""One run of a world switch, from where its first event comes to where the guest has come back, or never will.

What it finds is facts (:class:`.switch_judge.Observed`). It can be put away and taken out at any instruction, so that
a second event is tried behind a first one without running the first part again.
"""

from __future__ import annotations

from dataclasses import dataclass

from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.msr import EPCR_DMIUH, MSR_CE, MSR_DS, MSR_EE, MSR_GS, MSR_IS, MSR_ME, MSR_PR
from ppcdbg.cpu.tlb import TlbEntry
from ppcdbg.engine.api import Why
from ppcdbg.explore.switch_events import SwitchEvent, inject
from ppcdbg.explore.switch_judge import Came, Difference, Observed
from ppcdbg.isa.bits import M32
from ppcdbg.kvm.switch import layout as at
from ppcdbg.kvm.switch.host import SCHEDULED_OWN
from ppcdbg.kvm.switch.rig import Rig, RigState, Taken

LIMIT = 2_000
"""Instructions after which a run that is not over goes round in a circle; the longest clean one has some 1,500."""


class Course:
    """What all runs of one machine have in common: where the host and the guest must be seen, and what must be there.
    Made where the machine stands at its first step."""

    def __init__(self, rig: Rig) -> None:
        labels = rig.code.labels
        self.rig = rig
        self.ends = frozenset({labels["guest_end"], labels["dead"]})
        self.handle_exit = labels["handle_exit"]
        self.rfi = next(a for a, line in rig.code.lines.items()
                        if line.text == "rfi" and rig.code.groups.get(a) == ("entry", "rfi"))  # fmt: skip
        self.parts = {labels[f"{who}_{n}"]: (n, who == "kvm") for who in ("kvm", "host") for n in at.VECTOR_NUMBERS}
        """Where the code at a vector goes on: which vector, and whether in KVM."""
        self.stops = self.ends | {self.handle_exit, self.rfi} | self.parts.keys()
        self.wanted = _wanted(rig)
        self._pages = _pages(rig)

    def known(self, entry: TlbEntry) -> bool:
        """Whether an entry maps what the host's page table, or the guest's, has there."""
        others = (at.GUEST_DATA_EA, True, at.OTHER_DATA) if self.rig.way.scheduled else None
        page = entry.epn, bool(entry.mas8 >> 31 if self.rig.hv else entry.ts)
        return self._pages.get(page) == entry.rpn or (*page, entry.rpn) == others


@dataclass(frozen=True)
class _Kept:
    machine: RigState
    on_way: tuple[Taken, ...]
    host: tuple[Difference, ...]
    came: tuple[tuple[SwitchEvent, bool, int, int], ...]
    parted: tuple[int, int]
    back: tuple[tuple[int, int], ...]


class Run:
    """A run that begins where the machine stands now."""

    def __init__(self, course: Course) -> None:
        self._course, self._rig = course, course.rig
        rig = self._rig
        self._limit = rig.core.retired + LIMIT
        at_vector = rig.code.groups.get(rig.pc) == ("exit", "vector") or rig.pc in course.parts
        self._on_way = rig.watch.taken[-1:] if at_vector else []
        """Interrupts that stand at their vectors."""
        self._host: list[Difference] = []
        self._srr: tuple[Difference, ...] = ()
        self._lost: Taken | None = None
        self._came: list[tuple[SwitchEvent, bool, int, int]] = []
        """The events, whether each came in guest state, after how many instructions and interrupts."""
        self._parted = -1, -1
        """Where a handler last came from its vector's code, and after how many instructions."""
        self._back: list[tuple[int, int]] = []
        """Such places to which an interrupt returns that came right there, and how many stood at vectors before it."""
        self.end = ""

    def keep(self) -> _Kept:
        """The run, put away."""
        return _Kept(self._rig.save(), (*self._on_way,), (*self._host,), (*self._came,),
                     self._parted, (*self._back,))  # fmt: skip

    def put(self, kept: _Kept) -> None:
        """The run stands there again, and is not over."""
        self._rig.restore(kept.machine)
        self._on_way, self._host, self._came = [*kept.on_way], [*kept.host], [*kept.came]
        self._parted, self._back = kept.parted, [*kept.back]
        self._srr, self._lost, self.end = (), None, ""

    def comes(self, what: SwitchEvent) -> bool:
        """An event comes now; false where it cannot."""
        rig = self._rig
        in_guest = not rig.in_host()
        if not inject(rig, what):
            return False
        self._came.append((what, in_guest, rig.core.retired, len(rig.watch.taken)))
        return True

    def go(self, steps: int | None = None) -> bool:
        """Go on, by so many instructions or to the end; whether it is over."""
        rig, course = self._rig, self._course
        goal = self._limit if steps is None else min(rig.core.retired + steps, self._limit)
        while not self.end and (left := goal - rig.core.retired) > 0:
            seen, here = len(rig.watch.taken), (rig.pc, rig.core.retired)
            stop = rig.run(left, course.stops)
            taken = rig.watch.taken[seen:]
            if taken and here == self._parted == (taken[0].pc, taken[0].position):
                self._back.append((here[0], len(self._on_way)))
            self._on_way += taken
            if stop.why is Why.CHECKSTOP:
                self.end = "checkstop"
            elif rig.pc in course.stops:  # also where the instructions are up: it would not stop there again
                self._at_stop()
            elif stop.why is Why.BREAKPOINT or rig.core.retired < goal:
                break
        if not self.end and (steps is None or rig.core.retired >= self._limit):
            self.end = "hang"
        return bool(self.end)

    def _at_stop(self) -> None:
        rig, course = self._rig, self._course
        if rig.over:
            self.end = rig.over
        elif any(not course.known(entry) for entry in rig.watch.written):
            self.end = "tlb"
        elif rig.pc in course.parts:
            if (lost := self._misrouted(*course.parts[rig.pc])) is not None:
                self._lost, self.end = lost, "misrouted"
        elif rig.pc == course.handle_exit:
            self._host += self._host_wrong()
        elif rig.in_host() and (srr := self._srr_wrong()):
            self._srr, self.end = srr, "entry"

    def observed(self) -> Observed:
        """What was seen of a run that is over."""
        rig = self._rig
        taken = tuple(rig.watch.taken)
        came = []
        for what, in_guest, position, seen in self._came:
            first = next((t.position for t in taken[seen:] if t.vector == what.vector), None)
            handled = 0 if what.vector is None else rig.handled(what.vector)
            after = position - self._came[0][2]
            came.append(Came(what, after, in_guest, handled, None if first is None else first - position))
        return Observed(
            tuple(came), taken, self._lost, tuple(rig.exits()), self.end, self._srr,
            self._guest_wrong() if self.end == "guest" else (), tuple(dict.fromkeys(self._host)),
            tuple(e for e in rig.watch.written if not self._course.known(e)),
        )  # fmt: skip

    def _misrouted(self, number: int, kvm: bool) -> Taken | None:
        """The interrupt that has come to the wrong one of host and KVM, if it did; the last one of this number leaves
        its vector."""
        pc, before = self._back[-1] if self._back else (-1, 0)
        if pc == self._rig.pc and all(t.vector != number for t in self._on_way[before:]):
            self._back.pop()  # it was here before
            return None
        last = next(t for t in reversed(self._on_way) if t.vector == number)
        self._on_way.remove(last)
        self._parted = self._rig.pc, self._rig.core.retired
        return None if kvm == last.from_guest else last

    def _guest_wrong(self) -> tuple[Difference, ...]:
        found = self._rig.registers()
        return tuple((name, value, found[name]) for name, value in self._course.wanted.items() if found[name] != value)

    def _srr_wrong(self) -> tuple[Difference, ...]:
        """At the entry's rfi, with a guest to go to: what SRR0 and SRR1 must hold."""
        rig = self._rig
        msr = rig.word(at.SHARED + at.SHARED_FIELDS["MSR"]) if rig.hv else rig.field("SHADOW_MSR")
        wanted = {"SRR0": rig.field("PC"), "SRR1": msr}
        found = {name: rig.core.read_spr(name) for name in wanted}
        return tuple((name, value, found[name]) for name, value in wanted.items() if found[name] != value)

    def _host_wrong(self) -> list[Difference]:
        """At kvmppc_handle_exit: what the host's C code takes for granted."""
        rig, found = self._rig, self._rig.registers()
        wanted = {
            "r1": rig.place(at.STACK) + 0x800, "r2": at.HOST_R2, "r3": rig.place(at.VCPU), "PID": at.HOST_PID,
            "MAS4": at.HOST_MAS4, "IVPR": at.VECTORS, "SPRG3": at.LOWMEM + at.CPU,
        }  # fmt: skip
        wanted |= {"EPCR": rig.field("EPCR")} if rig.hv else {"PID1": 0}
        rows = [(name, value, found[name]) for name, value in wanted.items() if found[name] != value]
        number = found["r4"]
        base = number in VECTORS and VECTORS[number].cls.value[0] == "SRR0"
        mask = MSR_GS | MSR_PR | MSR_IS | MSR_DS | (MSR_CE | MSR_ME if base else 0)
        mask |= MSR_EE if "ee-on" not in rig.variant.exit else 0
        if found["msr"] & mask != at.HOST_MSR & mask:
            rows.append(("msr", at.HOST_MSR, found["msr"]))
        return rows


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
    out["r21"] = (rig.word(at.GUEST_DATA) if rig.way.instruction.startswith("lwz") else out["r21"]) + 1
    out["pc"] = rig.code.labels["guest_end"]
    if rig.hv and rig.way.scheduled:
        out |= {f"G{name}": out["r20"] & (~3 if name == "SRR0" else M32) for name in SCHEDULED_OWN}
    if rig.hv:
        out["EPCR"] |= EPCR_DMIUH
    return out


def _pages(rig: Rig) -> dict[tuple[int, bool], int]:
    """(effective page, whether the guest's) -> real page."""
    pages = {(rig.word(at.PAGE_TABLE + 16 * i), False):
             rig.word(at.PAGE_TABLE + 16 * i + 8) << 32 | rig.word(at.PAGE_TABLE + 16 * i + 4) & 0xFFFFF000
             for i in range(64)}  # fmt: skip
    return pages | {(at.GUEST_EA, True): at.GUEST_TEXT, (at.GUEST_DATA_EA, True): at.GUEST_DATA}
