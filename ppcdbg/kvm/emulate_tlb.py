"""The guest's TLB instructions, cache locking and messages as KVM emulates them (facts 2.5, 4.6; e500_emulate.c)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ppcdbg.cpu.msr import MSR_IS
from ppcdbg.kvm import codes, irqprio
from ppcdbg.kvm.blocks import MAPPED
from ppcdbg.kvm.codes import EMULATE_DONE, EMULATE_FAIL
from ppcdbg.kvm.e500_mmu import ANY_AS, MAS1_TS, MAS1_VALID, MAS2_ATTRIB_MASK, MAS2_EPN, MAS3_USER_BITS, TSIZE_4K

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

Effect = Callable[[], int]
_TSIZE = 0xF80
TLBILX = 18
"""Its extended opcode."""
_TYPE_MASK, _BROADCAST, _PIR_MASK = 0xF << 27, 0x04000000, 0x3FFF
L1CSR0_CUL = 0x400


def decode(v: Vcpu, word: int, xop: int) -> tuple[Effect, int, int] | None:
    """The effect of an instruction of opcode 31 that this room knows, else None."""
    ra, rb, rt = word >> 16 & 31, word >> 11 & 31, word >> 21 & 31
    plain = codes.EMULATED_INST_EXITS
    if xop == 978:
        return (lambda: tlbwe(v)), codes.EMULATED_TLBWE_EXITS, -1
    if xop == 946:
        return (lambda: tlbre(v)), plain, -1
    if xop == 914:
        return (lambda: tlbsx(v, _ea(v, ra, rb))), codes.EMULATED_TLBSX_EXITS, rb
    if xop == 786:
        return (lambda: tlbivax(v, _ea(v, ra, rb))), plain, rb
    if xop == TLBILX:
        return (lambda: tlbilx(v, rt & 3, _ea(v, ra, rb))), plain, rb
    if xop == 166:
        return (lambda: _dcbtls(v)), plain, -1
    if xop == 366:
        return (lambda: _mftmr(v, word, rt)), plain, rt
    if v.hv and xop == 206:
        return (lambda: msgsnd(v, rb)), plain, rb
    if v.hv and xop == 238:
        return (lambda: msgclr(v, rb)), plain, rb
    return None


def _ea(v: Vcpu, ra: int, rb: int) -> int:
    return ((v.gpr[ra] if ra else 0) + v.gpr[rb]) & 0xFFFFFFFF


# --- guest MAS defaults on a miss -----------------------------------------------------------------
def deliver_miss_defaults(v: Vcpu, ea: int, space: int) -> None:
    """kvmppc_e500_deliver_tlb_miss: MAS registers as a TLB error leaves them."""
    mas, tlb = v.mas, v.gtlb
    mas4 = mas.mas4
    tlbsel = mas4 >> 28 & 1
    victim = tlb.next_victim() if tlbsel == 0 else 0
    pid = v.guest_pid
    mas.mas0 = tlbsel << 28 | victim << 16 | tlb.nv[tlbsel]
    mas.mas1 = MAS1_VALID | (MAS1_TS if space else 0) | _miss_tid(v, mas4, pid) << 16 | mas4 & _TSIZE
    mas.mas2 = ea & MAS2_EPN | _attributes(v, mas4)
    mas.mas7_3 = mas.mas7_3 & MAS3_USER_BITS
    mas.mas6 = mas.mas6 & 0x7FFE | (pid & 0xFF) << 16 | (1 if space else 0)


def _attributes(v: Vcpu, mas4: int) -> int:
    return mas4 & (MAS2_ATTRIB_MASK if v.quirks.mas4_attributes_masked else 0x7F)


def _miss_tid(v: Vcpu, mas4: int, pid: int) -> int:
    """TIDSELD in PR mode; a selector past the three PIDs reads past the kernel's array, here it reads 0."""
    if v.hv:
        return pid & 0xFF
    selector = mas4 >> 16 & 0xF
    return ((pid, v.pid1, v.pid2)[selector] if selector < 3 else 0) & 0x3FFF


# --- instructions ---------------------------------------------------------------------------------
def tlbwe(v: Vcpu) -> int:
    """Write a guest entry, drop the old one's shadow, and map the new one at once where that is safe."""
    mas, tlb = v.mas, v.gtlb
    mas0, mas2 = mas.mas0, mas.mas2 & 0xFFFFFFFF
    tlbsel = mas0 >> 28 & 1
    esel = tlb.esel_of(mas0, mas2, tlbsel)
    old = tlb.entry(tlbsel, esel)
    recalculate = False
    if old.valid:
        v.shadow.invalidate(tlbsel, esel)
        recalculate = tlbsel == 1 and tlb.at_range_edge(old)
    mas1, mas7_3 = mas.mas1, mas.mas7_3
    tlb.put(tlbsel, esel, mas1, mas2, mas7_3)
    if v.trace is not None:
        v.trace("kvm_booke206_gtlb_write", (mas0, mas1, mas2, mas7_3))
    if tlbsel == 1:
        if recalculate:
            tlb.recalculate_range()
        else:
            tlb.extend_range(tlb.entry(1, esel))
    if _host_safe(v, mas1, mas7_3):
        if tlbsel == 0:
            tlb.put(0, esel, mas1 & ~_TSIZE | TSIZE_4K << 7, mas2, mas7_3)
        ea, gpa = mas2 & MAS2_EPN, mas7_3 & ~0xFFF
        size = v.shadow.map(ea, gpa, tlbsel, esel)
        v.actions.append((MAPPED, ea, gpa, size, tlbsel, esel))
    return EMULATE_DONE


def _host_safe(v: Vcpu, mas1: int, mas7_3: int) -> bool:
    """tlbe_is_host_safe: valid, RAM behind it, and in PR mode of the address space that the guest runs in."""
    if not mas1 & MAS1_VALID or not v.vm.visible(mas7_3 & ~0xFFF):
        return False
    return v.hv or bool(mas1 & MAS1_TS) == bool(v.shared.msr & MSR_IS)


def tlbre(v: Vcpu) -> int:
    mas, tlb = v.mas, v.gtlb
    mas0 = mas.mas0
    tlbsel = mas0 >> 28 & 1
    entry = tlb.entry(tlbsel, tlb.esel_of(mas0, mas.mas2 & 0xFFFFFFFF, tlbsel))
    mas.mas0 = mas0 & ~0xFFF | tlb.nv[tlbsel]
    mas.mas1, mas.mas2, mas.mas7_3 = entry.mas1, entry.mas2, entry.mas7_3
    return EMULATE_DONE


def tlbsx(v: Vcpu, ea: int) -> int:
    mas, tlb = v.mas, v.gtlb
    mas6 = mas.mas6
    found = tlb.search(ea, mas6 >> 16 & 0xFF, mas6 & 1)
    if found is not None:
        tlbsel, esel = found
        entry = tlb.entry(tlbsel, esel)
        mas.mas0 = tlbsel << 28 | (esel & (tlb.ways[tlbsel] - 1)) << 16 | tlb.nv[tlbsel]
        mas.mas1, mas.mas2, mas.mas7_3 = entry.mas1, entry.mas2, entry.mas7_3
        return EMULATE_DONE
    mas4 = mas.mas4
    tlbsel = mas4 >> 28 & 1
    victim = tlb.next_victim() if tlbsel == 0 else 0
    mas.mas0 = tlbsel << 28 | victim << 16 | tlb.nv[tlbsel]
    mas.mas1 = mas6 & 0x3FFF0000 | (MAS1_TS if mas6 & 1 else 0) | mas4 & _TSIZE
    mas.mas2 = mas.mas2 & MAS2_EPN | _attributes(v, mas4)
    mas.mas7_3 = mas.mas7_3 & MAS3_USER_BITS
    return EMULATE_DONE


def tlbivax(v: Vcpu, ea: int) -> int:
    """EA bit 0x4: all of the TLB that bit 0x8 selects; then every shadow entry goes."""
    tlb, tlbsel = v.gtlb, ea >> 3 & 1
    if ea & 4:
        for esel in range(tlb.entries[tlbsel]):
            tlb.invalidate(tlbsel, esel)
    else:
        esel = tlb.find(ea & 0xFFFFF000, tlbsel, v.guest_pid & 0xFF, ANY_AS)
        if esel >= 0:
            tlb.invalidate(tlbsel, esel)
    v.shadow.flush()
    return EMULATE_DONE


def tlbilx(v: Vcpu, kind: int, ea: int) -> int:
    """T 0: all; 1: of one PID; 3: one page; 2: nothing."""
    tlb, pid = v.gtlb, v.mas.mas6 >> 16 & 0xFF
    if kind in (0, 1):
        offset, flags = tlb.offset[1], v.shadow.flags
        for i in [i for i, mas1 in enumerate(tlb.mas1) if mas1 or flags[i]]:
            tlbsel, esel = (0, i) if i < offset else (1, i - offset)
            if kind == 0 or _of_pid(v, tlbsel, esel, pid):
                v.shadow.invalidate(tlbsel, esel)
                tlb.invalidate(tlbsel, esel)
    elif kind == 3:
        found = tlb.search(ea, pid, ANY_AS)
        if found is not None:
            v.shadow.invalidate(*found)
            tlb.invalidate(*found)
    elif not v.quirks.tlbilx_pid_exact:
        return EMULATE_FAIL
    return EMULATE_DONE


def _of_pid(v: Vcpu, tlbsel: int, esel: int, pid: int) -> bool:
    entry = v.gtlb.entry(tlbsel, esel)
    if v.quirks.tlbilx_pid_exact:
        return entry.tid == pid
    return entry.tid in (0, pid) and entry.ts == v.mas.mas6 & 1


def _dcbtls(v: Vcpu) -> int:
    v.l1csr0 |= L1CSR0_CUL
    return EMULATE_DONE


def _mftmr(v: Vcpu, word: int, rt: int) -> int:
    if (word >> 16 & 0x1F | word >> 6 & 0x3E0) != 16:
        return EMULATE_FAIL
    v.gpr[rt] = 0x101
    return EMULATE_DONE


# --- messages -------------------------------------------------------------------------------------
_PRIORITY_OF_TYPE = {0: irqprio.DBELL, 1 << 27: irqprio.DBELL_CRIT}


def msgsnd(v: Vcpu, rb: int) -> int:
    """Sets the bit in every vcpu that the message matches, and kicks it."""
    message = v.gpr[rb]
    kind = rb if v.quirks.msgsnd_type_from_register_number else message
    priority = _PRIORITY_OF_TYPE.get(kind & _TYPE_MASK)
    if priority is None:
        return EMULATE_FAIL
    for target in v.vm.vcpus:
        if message & _BROADCAST or message & _PIR_MASK == target.number:
            target.pending |= 1 << priority
            target.queued.append(priority)
            target.queued_by[priority] = (len(target.exits), target.core.now)
            target.queue_counts[priority] += 1
            target.kick()
    return EMULATE_DONE


def msgclr(v: Vcpu, rb: int) -> int:
    priority = _PRIORITY_OF_TYPE.get(v.gpr[rb] & _TYPE_MASK)
    if priority is None:
        return EMULATE_FAIL
    v.pending &= ~(1 << priority)
    return EMULATE_DONE
