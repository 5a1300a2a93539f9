"""Events of a run as lines that two hosts can be compared by, as ``host/norm.py`` makes them of the kernel's own text.

What the host chose is replaced: its page frames by guest-physical pages, its victim hints by T0, its times by T. Exits
that are the host's own (EXTERNAL, DECREMENTER) are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.cpu.interrupts import DECREMENTER, EXTERNAL
from ppcdbg.kvm.emulate_tlb import TLBILX
from ppcdbg.kvm.trace import format_event

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

Page = str
_MAS0_TLB1 = 0x10000000
_HOSTS_OWN = (EXTERNAL, DECREMENTER)


@dataclass(frozen=True, slots=True)
class Event:
    """One line. ``pc``: the guest's when it happened; -1 where only the text is known. ``unmapped``: pages whose
    shadow entries the instruction took away, though the guest's own entries are there still."""

    text: str
    pc: int = -1
    unmapped: tuple[int, ...] = ()


def normal(v: Vcpu, name: str, args: tuple[int, ...], page: Callable[[int], Page]) -> Event | None:
    """One trace event as a line; None for one that is left out. ``page`` names a host page frame."""
    if name == "kvm_exit" and args[0] in _HOSTS_OWN:
        return None
    if name == "kvm_booke206_stlb_write":
        mas0, _, mas1, mas2, mas7_3 = args
        first = f"{mas0:x}" if mas0 & _MAS0_TLB1 else "T0"
        text = f"{name}: mas0={first} mas1={mas1:x} mas2={mas2:x} mas7_3={page(mas7_3 >> 12)}|{mas7_3 & 0xFFF:x}"
        return Event(text, v.pc)
    if name == "kvm_booke206_ref_release":
        return Event(f"{name}: {page(args[0])} flags={args[1]:x}", v.pc)
    text = format_event(name, args, spellings=False)
    if name == "kvm_vcpu_wakeup":
        text = f"{name}: T, {text.rpartition(', ')[2]}"
    if name == "kvm_ppc_instr" and args[0] >> 26 == 31 and args[0] >> 1 & 0x3FF == TLBILX:
        return Event(text, v.pc, _unmapped(v, args[0]))
    return Event(text, v.pc)


def _unmapped(v: Vcpu, word: int) -> tuple[int, ...]:
    """Pages of the guest's entries that tlbilx was for and that are there still: protected ones (oracle note 9)."""
    kind, pid = word >> 21 & 3, v.mas.mas6 >> 16 & 0xFF
    if kind == 3:
        ra, rb = word >> 16 & 31, word >> 11 & 31
        return ((v.gpr[ra] if ra else 0) + v.gpr[rb] & 0xFFFFF000,)
    left = (e for e in v.gtlb.all() if e.valid and e.tlbsel == 0)
    return tuple(e.start for e in left if kind == 0 or kind == 1 and e.tid == pid)
