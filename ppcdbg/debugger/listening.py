"""What breakpoints hear that no record tells: interrupts taken, the shadow TLB, the magic page, the console.

A ``Listener`` is put in while a run needs it and taken out when the run is over; it changes nothing of the guest, and
asks the engine to come back so that the guest stands still right behind what was heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.interrupts import (
    CRITICAL,
    DECREMENTER,
    DOORBELL,
    EXTERNAL,
    GUEST_DBELL,
    MACHINE_CHECK,
    PERFORMANCE_MONITOR,
    VECTORS,
    WATCHDOG,
)  # fmt: skip
from ppcdbg.cpu.msr import MSR_PR
from ppcdbg.cpu.observe import Relay
from ppcdbg.cpu.state import TLB_ENTRY_WORDS
from ppcdbg.cpu.tlb import MAS1_V, Tlb
from ppcdbg.debugger.causes import priority_name
from ppcdbg.debugger.events import Event, EventKind
from ppcdbg.debugger.matching import MISSES, withheld
from ppcdbg.engine.api import Hit
from ppcdbg.kvm import booke, irqprio
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.machine.system import System

Fields = Mapping[str, int | str]
ASYNCHRONOUS = frozenset({CRITICAL, MACHINE_CHECK, EXTERNAL, DECREMENTER, WATCHDOG, DOORBELL, GUEST_DBELL,
                          PERFORMANCE_MONITOR})  # fmt: skip


@dataclass(frozen=True)
class Heard:
    """Something that happened, with the fields that a condition sees."""

    kind: EventKind
    name: str
    fields: Fields


class Ear(Relay):
    """Interrupts that the hardware takes, and that are not an exit to a hypervisor model."""

    deferrable = False

    def __init__(self, core: Core, heard: list[Heard]) -> None:
        super().__init__(core.observer)
        self._core, self._heard = core, heard

    def interrupt_taken(self, vector: int, pc: int, msr: int, guest: bool, position: int) -> None:
        super().interrupt_taken(vector, pc, msr, guest, position)
        if guest or not self._core.tenant:
            name = VECTORS[vector].name
            fields: dict[str, int | str] = {"vector": vector, "name": name, "pc": pc, "msr": msr, "insn": position}
            self._heard.append(Heard(EventKind.TAKEN, name, fields))
            self._core.call_machine()


class ShadowTlbEar:
    """Stands before the real TLB that KVM writes, and notes what becomes of shadow entries."""

    def __init__(self, tlb: Tlb, vcpu: Vcpu, heard: list[Heard]) -> None:
        self.tlb, self._vcpu, self._heard = tlb, vcpu, heard

    @property
    def words(self) -> memoryview:
        return self.tlb.words

    def write(self, index: int, mas1: int, mas2: int, mas3: int, mas7: int, mas8: int = 0) -> None:
        base = index * TLB_ENTRY_WORDS
        if self.tlb.words[base] & MAS1_V:
            self._note("evict" if mas1 & MAS1_V else "invalidate", index, *self.tlb.words[base : base + 4])
        if mas1 & MAS1_V:
            self._note("write", index, mas1, mas2, mas3, mas7)
        self.tlb.write(index, mas1, mas2, mas3, mas7, mas8)

    def _note(self, what: str, slot: int, mas1: int, mas2: int, mas3: int, mas7: int) -> None:
        fields: dict[str, int | str] = {"what": what, "slot": slot, "ea": mas2 & 0xFFFFF000}
        fields |= {"real": mas7 << 32 | mas3 & 0xFFFFF000, "mas1": mas1, "mas2": mas2, "mas3": mas3, "mas7": mas7}
        self._heard.append(Heard(EventKind.SHADOW, what, fields))


class Listener:
    """Everything that one run listens to."""

    def __init__(self, system: System, vcpu: Vcpu | None, kinds: frozenset[EventKind], taken: bool) -> None:
        self.heard: list[Heard] = []
        """Since the last ``take``, in order."""
        self._system, self._vcpu, self._kinds, self._taken = system, vcpu, kinds, taken
        self._page = b""
        self._inside = False
        self._withheld = 0
        self._observer = system.core.observer
        self._spoke = False

    # --- in and out -------------------------------------------------------------------------------------------------
    def __enter__(self) -> Listener:
        if self._taken:
            self._system.core.observer = Ear(self._system.core, self.heard)
        if self._vcpu is not None and EventKind.SHADOW in self._kinds:
            tlb = self._vcpu.host_tlb
            tlb.tlb = ShadowTlbEar(tlb.tlb, self._vcpu, self.heard)  # type: ignore[assignment]
        if EventKind.CONSOLE in self._kinds:
            self._system.board.console.listeners.append(self._printed)
        return self

    def __exit__(self, *_: object) -> None:
        self._system.core.observer = self._observer
        if self._vcpu is not None and isinstance(self._vcpu.host_tlb.tlb, ShadowTlbEar):
            self._vcpu.host_tlb.tlb = self._vcpu.host_tlb.tlb.tlb
        if EventKind.CONSOLE in self._kinds:
            self._system.board.console.listeners.remove(self._printed)

    def take(self) -> list[Heard]:
        """What was heard; it is forgotten with that."""
        heard, self.heard[:] = list(self.heard), []
        return heard

    # --- the console ------------------------------------------------------------------------------------------------
    def _printed(self, data: bytes, position: int) -> None:
        self.heard.append(Heard(EventKind.CONSOLE, "", {"insn": position}))
        self._system.core.call_machine()

    # --- around an exit ---------------------------------------------------------------------------------------------
    @property
    def around_exits(self) -> bool:
        """Whether every exit must be looked at before it is handled as well."""
        return bool(self._kinds & {EventKind.MAGIC, EventKind.CRITICAL})

    def arriving(self) -> None:
        """Before the handler: what will be compared."""
        if self._vcpu is not None and self.around_exits:
            self._page = bytes(self._vcpu.shared.page[: mp.SIZE])
            self._inside = booke.critical_section(self._vcpu)
            self._withheld = self._vcpu.deferral_counts.withheld

    def handled(self, record: ExitRecord) -> None:
        """After it."""
        v = self._vcpu
        if v is None or not self.around_exits or not self._page:
            return
        now, before = bytes(v.shared.page[: mp.SIZE]), self._page
        if now != before and EventKind.MAGIC in self._kinds:
            for f in mp.FIELDS:
                part = slice(f.offset, f.offset + f.size)
                if now[part] != before[part]:
                    old, new = (int.from_bytes(page[part], "big") for page in (before, now))
                    fields: Fields = {"field": f.name, "old": old, "new": new, "value": new, "by": "kvm"}
                    self.heard.append(Heard(EventKind.MAGIC, f.name, {**fields, "write": 1, "size": f.size}))
        held = [p for p in withheld(record) if p >= irqprio.MACHINE_CHECK]
        if self._inside and (held or record.vector in ASYNCHRONOUS):
            pending = " ".join(priority_name(p) for p in held)
            r1 = v.gpr[1]
            told: Fields = {"what": "interrupted", "by": record.name, "pending": pending, "r1": r1, "value": r1}
            self.heard.append(Heard(EventKind.CRITICAL, "interrupted", told))
        self._section_at_exit(v, record)

    def _section_at_exit(self, v: Vcpu, record: ExitRecord) -> None:
        """What KVM did about a section: carried out the store that ends it, or held an interrupt back because of it."""
        told: Fields = {"by": record.name, "r1": v.gpr[1], "value": v.shared.get32(mp.CRITICAL + 4)}
        critical = slice(mp.CRITICAL + 4, mp.CRITICAL + 8)
        if self._inside and self._page[critical] != bytes(v.shared.page[critical]):
            self.heard.append(Heard(EventKind.CRITICAL, "left", {"what": "left", **told}))
        if v.deferral_counts.withheld > self._withheld:
            held = booke.held_by_section(v)
            pending = " ".join(priority_name(n) for n in range(irqprio.MAX) if held >> n & 1)
            self.heard.append(Heard(EventKind.CRITICAL, "withheld", {"what": "withheld", "pending": pending, **told}))


# --- what fits an event -------------------------------------------------------------------------------------------
def fits(event: Event, heard: Heard) -> bool:
    """Whether something that was heard is what an event waits for; the console's text is looked at elsewhere."""
    if event.kind is EventKind.MISS:
        wanted = (MISSES[event.name],) if event.name else tuple(MISSES.values())
        return heard.kind is EventKind.TAKEN and heard.fields["vector"] in wanted
    if event.kind is EventKind.SWITCH:
        return heard.kind is EventKind.TAKEN and bool(int(heard.fields["msr"]) & MSR_PR)
    return event.kind is heard.kind and event.name in ("", heard.name)


def section_event(hit: Hit, r1: int, user: bool, inside: bool) -> str:
    """What an access to the page is to a critical section, by the word of the event; nothing where it is none."""
    offset = hit.address & 0xFFF
    if offset & ~7 == mp.CRITICAL:
        return section_change(hit, r1, user)
    if not inside:
        return ""
    return "looked" if offset == mp.INT_PENDING else "saved"


def section_change(hit: Hit, r1: int, user: bool) -> str:
    """What a store to ``critical`` does: ``entered``, ``left`` or nothing. A section is critical == r1 in supervisor
    state (facts 4.4); r1 is the same before and after the store."""
    if user or hit.new is None or hit.address & 7 == 0 and hit.size == 4:
        return ""
    before = hit.old is not None and hit.old & 0xFFFFFFFF == r1
    after = hit.new & 0xFFFFFFFF == r1
    return "" if before is after else "entered" if after else "left"
