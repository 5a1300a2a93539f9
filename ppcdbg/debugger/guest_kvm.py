"""The guest's view under the KVM model: what the vcpu holds for the guest, not what the core holds for the host.

Effective addresses go through the guest's own TLB (and the magic page); guest-physical memory is real memory at
the same addresses (``ppcdbg.kvm.vm``). The shadow side is the core's own TLB.
"""

from __future__ import annotations

from ppcdbg.cpu.mmu import Access, Verdict, permits
from ppcdbg.cpu.tlb import TlbEntry
from ppcdbg.debugger.guest import CONTEXT_BITS, Guest, Lookup, Page, lookup, read_hardware_spr, vector_addresses
from ppcdbg.debugger.results import Candidate
from ppcdbg.isa.sprs import sprs_of
from ppcdbg.kvm import irqprio
from ppcdbg.kvm.e500_mmu import GuestEntry
from ppcdbg.kvm.vcpu import Vcpu

_AS_BITS = {Access.FETCH: 0x20, Access.LOAD: 0x10, Access.STORE: 0x10}
# Registers that the hardware holds for the guest in either mode, or that KVM does not virtualise.
_PLAIN = frozenset({"XER", "LR", "CTR", "TBRL", "TBRU", "USPRG0", "SPEFSCR"})


class KvmGuest:
    """The guest of one vcpu; ``kind`` is ``pr`` or ``hv``."""

    def __init__(self, vcpu: Vcpu) -> None:
        self.vcpu = vcpu
        self.core = vcpu.core
        self.kind = "hv" if vcpu.hv else "pr"
        self._names = frozenset(s.name for s in sprs_of(self.core.model.name).values())

    @property
    def msr(self) -> int:
        """In HV mode the guest changes the real MSR itself; the vcpu's copy is as old as the last exit."""
        return self.core.msr if self.vcpu.hv else self.vcpu.guest_msr

    def spr(self, name: str) -> int:
        if name not in self._names:
            raise KeyError(name)
        if name in _PLAIN:
            return read_hardware_spr(self.core, name)
        try:
            return self.vcpu.guest_spr(name)
        except KeyError:
            return 0

    # --- translation -------------------------------------------------------------------------------------------------
    def _space(self, access: Access) -> int:
        if not self.vcpu.hv and self.vcpu.quirks.as_is_is_or_ds:
            return 1 if self.msr & 0x30 else 0
        return 1 if self.msr & _AS_BITS[access] else 0

    def page(self, ea: int, access: Access = Access.LOAD) -> Page | None:
        vcpu = self.vcpu
        magic = vcpu.magic_page_ea
        if magic and ea & ~0xFFF == magic & 0xFFFFF000:
            return Page(vcpu.magic_page_pa & ~0xFFF, vcpu.shared_real & ~0xFFF)
        for space in dict.fromkeys((self._space(access), self._space(Access.FETCH), self._space(Access.LOAD))):
            found = vcpu.gtlb.search(ea, vcpu.guest_pid & 0xFF, space)
            if found is not None:
                gpa = vcpu.gtlb.translate(*found, ea) & ~0xFFF
                return Page(gpa, self.real(gpa))
        return None

    def real(self, gpa: int) -> int | None:
        """RAM and devices stand at the same real address; the host's own pages are not the guest's to see."""
        vm = self.vcpu.vm
        if self.vcpu.magic_page_pa and gpa & ~0xFFF == self.vcpu.magic_page_pa & ~0xFFF:
            return self.vcpu.shared_real & ~0xFFF | gpa & 0xFFF
        return gpa if vm.visible(gpa) or gpa >= len(self.core.bus.ram) else None

    def explain(self, ea: int, access: Access) -> Lookup:
        vcpu = self.vcpu
        space = self._space(access)
        hardware = self.core.mmu.context(fetch=access is Access.FETCH)
        near = lookup(self.core, ea, access, hardware, "shadow ").candidates
        shadow = tuple(c for c in near if c.failed != Verdict.RANGE.value)
        rows: list[Candidate] = []
        page: Page | None = None
        outcome = "miss"
        for entry in self._near(ea):
            failed, detail = self._test(entry, ea, space, access)
            rows.append(_candidate(entry, failed, detail))
            if not failed and page is None:
                gpa = vcpu.gtlb.translate(entry.tlbsel, entry.esel, ea) & ~0xFFF
                page, outcome = Page(gpa, self.real(gpa)), "mapped"
            elif failed == "permission" and outcome == "miss":
                outcome = "protection"
        if vcpu.magic_page_ea and ea & ~0xFFF == vcpu.magic_page_ea & 0xFFFFF000:
            page, outcome = self.page(ea, access), "mapped"
        return Lookup(page, outcome, tuple(rows), shadow)

    def _near(self, ea: int) -> list[GuestEntry]:
        """The valid entries of TLB0's set, and those of TLB1 that cover the address."""
        gtlb = self.vcpu.gtlb
        base = gtlb.set_base(ea)
        near = [gtlb.entry(0, i) for i in range(base, base + gtlb.ways[0])]
        wide = [gtlb.entry(1, i) for i in range(gtlb.entries[1])]
        return [e for e in near if e.valid] + [e for e in wide if e.valid and e.start <= ea <= e.end]

    def _test(self, entry: GuestEntry, ea: int, space: int, access: Access) -> tuple[str, str]:
        """The first test that an entry fails, in the order in which the search makes them (facts 5.5)."""
        pid = self.vcpu.guest_pid & 0xFF
        if not entry.start <= ea <= entry.end:
            return "range", ""
        if entry.tid and entry.tid != pid:
            return "PID", f"TID={entry.tid}, PID={pid}"
        if entry.ts != space:
            return "address space", f"TS={entry.ts}, the access has AS={space}"
        image = TlbEntry(0, entry.mas1, entry.mas2, entry.mas7_3 & 0xFFFFFFFF, entry.mas7_3 >> 32, 0)
        user = bool(self.msr & 0x4000)
        if not permits(image, access, user):
            bit = {Access.FETCH: "X", Access.STORE: "W", Access.LOAD: "R"}[access]
            return "permission", f"{'U' if user else 'S'}{bit}=0"
        return "", ""

    def context(self) -> tuple[int, ...]:
        return (self.msr & CONTEXT_BITS, self.vcpu.guest_pid)

    def vectors(self) -> frozenset[int]:
        vcpu = self.vcpu
        own = frozenset(vcpu.ivpr | offset for offset in vcpu.ivor[: irqprio.MAX])
        if not vcpu.hv:
            return own
        spr = self.core.state.spr
        return own | vector_addresses(lambda n: spr(n) if n in self._names else 0, "GIVPR", "GIVOR")


def _candidate(entry: GuestEntry, failed: str, detail: str) -> Candidate:
    where = f"guest {entry_name(entry.tlbsel, entry.esel)}"
    mas = (entry.mas1, entry.mas2, entry.mas7_3 & 0xFFFFFFFF, entry.mas7_3 >> 32)
    return Candidate(where, entry.start, entry.end, failed, detail, mas)


def entry_name(tlbsel: int, esel: int, ways: int = 4) -> str:
    """``TLB1[n]`` or ``TLB0[set,way]``."""
    return f"TLB1[{esel}]" if tlbsel else f"TLB0[{esel // ways},{esel % ways}]"


def check(guest: KvmGuest) -> Guest:
    """The type checker's proof that a KvmGuest is a Guest."""
    return guest
