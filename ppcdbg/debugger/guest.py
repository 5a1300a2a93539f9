"""The guest's view of its core: registers and translations as the guest's own instructions would see them.

On the bare machine that is the core itself. Under the KVM model the core holds the host's values in places (shadow MSR,
shadow TLB, shadow PIDs), and the vcpu holds the guest's: ``ppcdbg.debugger.guest_kvm``. Reading never changes anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.mmu import Access, Context, Verdict
from ppcdbg.cpu.msr import MSR_DS, MSR_GS, MSR_IS, MSR_PR
from ppcdbg.cpu.state import TLB0_ENTRIES
from ppcdbg.cpu.tlb import TlbEntry
from ppcdbg.debugger.results import Candidate
from ppcdbg.isa.sprs import SLOT, sprs_of

PAGE = 4096
_IVORS = slice(SLOT["IVOR0"], SLOT["GIVPR"] + 1)
_IVORS_32 = slice(SLOT["IVOR32"], SLOT["IVOR37"] + 1)
"""Where the offsets of vectors are kept: IVOR0 to 15 and 38 to 41 with the guest's own, and IVOR32 to 37."""
CONTEXT_BITS = MSR_GS | MSR_PR | MSR_IS | MSR_DS


@dataclass(frozen=True, slots=True)
class Page:
    """Where one 4 KiB page of effective addresses lies: guest-physical and, where there is RAM or a device, real."""

    gpa: int
    real: int | None


@dataclass(frozen=True)
class Lookup:
    """A translation explained. ``page`` is None unless the access would succeed."""

    page: Page | None
    outcome: str  # "mapped", "miss", "protection"
    candidates: tuple[Candidate, ...]
    shadow: tuple[Candidate, ...] = ()


class Guest(Protocol):
    """What the rest of the debugger asks about the guest. Addresses: ``ea`` effective, ``gpa`` guest-physical."""

    @property
    def kind(self) -> str:
        """``bare``, ``pr`` or ``hv``."""

    @property
    def msr(self) -> int: ...
    def spr(self, name: str) -> int:
        """By architected name, upper case; raises KeyError for one that this core lacks."""

    def page(self, ea: int, access: Access = Access.LOAD) -> Page | None:
        """The page that a supervisor-or-user access of the current context would reach, permissions ignored."""

    def real(self, gpa: int) -> int | None:
        """The real address behind a guest-physical one; None where the guest has no RAM and no device."""

    def explain(self, ea: int, access: Access) -> Lookup: ...
    def context(self) -> tuple[int, ...]:
        """What tells one flow of control from another: privilege, address space and process id."""

    def vectors(self) -> frozenset[int]:
        """Where the guest's own interrupt handlers start: IVPR with each IVOR that is set."""


class BareGuest:
    """The machine without a hypervisor model: effective, then real addresses; guest-physical is real."""

    kind = "bare"

    def __init__(self, core: Core) -> None:
        self.core = core
        self._names = frozenset(s.name for s in sprs_of(core.model.name).values())
        self._vectors: tuple[object, frozenset[int]] = (None, frozenset())

    @property
    def msr(self) -> int:
        return self.core.state.msr

    def spr(self, name: str) -> int:
        if name not in self._names:
            raise KeyError(name)
        return read_hardware_spr(self.core, name)

    def page(self, ea: int, access: Access = Access.LOAD) -> Page | None:
        for candidate in (access, Access.FETCH, Access.LOAD):
            entry = self.core.mmu.find(ea, self.core.mmu.context(fetch=candidate is Access.FETCH))
            if entry is not None:
                real = entry.rpn | ea & (entry.size - 1) & ~0xFFF
                return Page(real, real)
        return None

    def real(self, gpa: int) -> int | None:
        return gpa

    def explain(self, ea: int, access: Access) -> Lookup:
        mmu = self.core.mmu
        return lookup(self.core, ea, access, mmu.context(fetch=access is Access.FETCH))

    def context(self) -> tuple[int, ...]:
        return (self.msr & CONTEXT_BITS, self.core.state.reg[SLOT["PID"]])

    def vectors(self) -> frozenset[int]:
        reg = self.core.state.reg
        key = (reg[SLOT["IVPR"]], reg[_IVORS].tobytes(), reg[_IVORS_32].tobytes())
        if key != self._vectors[0]:
            self._vectors = key, self._compute_vectors()
        return self._vectors[1]

    def _compute_vectors(self) -> frozenset[int]:
        names = self._names
        out = vector_addresses(lambda n: self.core.state.spr(n) if n in names else 0, "IVPR", "IVOR")
        return out | vector_addresses(lambda n: self.core.state.spr(n) if n in names else 0, "GIVPR", "GIVOR")


def vector_addresses(spr: Callable[[str], int], prefix: str, offset: str) -> frozenset[int]:
    """The addresses that a prefix register and its offsets make; offsets that are 0 are not set up."""
    high = spr(prefix) & 0xFFFF0000
    offsets = (spr(f"{offset}{n}") for n in VECTORS)
    return frozenset(high | o & 0xFFF0 for o in offsets if o)


def candidate(prefix: str, entry: TlbEntry, verdict: Verdict, ea: int, context: Context, access: Access) -> Candidate:
    """One entry as data, with the first test that it failed and the values that the test compared."""
    failed = "" if verdict is Verdict.HIT else verdict.value
    match verdict:
        case Verdict.SPACE:
            detail = f"TS={entry.ts}, the access has AS={context.space}"
        case Verdict.PID:
            detail = f"TID={entry.tid}, PID=" + ",".join(str(p) for p in dict.fromkeys(context.pids))
        case Verdict.GUEST:
            detail = f"TGS={entry.mas8 >> 31}, GS={int(context.gs)}"
        case Verdict.LPID:
            detail = f"TLPID={entry.mas8 & 0xFF}, LPID={context.lpid}"
        case Verdict.PERMISSION:
            bit = ("SX", "SW", "SR")[list(Access).index(access)]
            detail = f"{'U' + bit[1] if context.pr else bit}=0"
        case _:
            detail = ""
    last = entry.epn + entry.size - 1
    return Candidate(
        prefix + entry.where, entry.epn, last, failed, detail, (entry.mas1, entry.mas2, entry.mas3, entry.mas7)
    )


def lookup(core: Core, ea: int, access: Access, context: Context, prefix: str = "") -> Lookup:
    """Ask the hardware's TLB, entry by entry; entries that are not valid or lie elsewhere in TLB1 are left out."""
    rows: list[Candidate] = []
    outcome = "miss"
    page = None
    for entry, verdict in core.mmu.explain(ea, access, context):
        if verdict is Verdict.INVALID or verdict is Verdict.RANGE and entry.index >= TLB0_ENTRIES:
            continue
        rows.append(candidate(prefix, entry, verdict, ea, context, access))
        if verdict is Verdict.HIT and page is None:
            real = entry.rpn | ea & (entry.size - 1) & ~0xFFF
            page, outcome = Page(real, real), "mapped"
        elif verdict is Verdict.PERMISSION and outcome == "miss":
            outcome = "protection"
    return Lookup(page, outcome, tuple(rows))


def read_hardware_spr(core: Core, name: str) -> int:
    """What mfspr would give, without the effects that reading some registers has."""
    state = core.state
    match name:
        case "XER":
            return state.xer
        case "DEC":
            return core.timers.dec
        case "TBRL" | "ATBL":
            return core.timers.time_base & 0xFFFFFFFF
        case "TBRU" | "ATBU":
            return core.timers.time_base >> 32
        case _:
            return state.spr(name)
