"""Book E system instructions: MSR, returns, TLB, doorbells, hypervisor (III-E 4.3, 5.4, 6.11; facts 1.9, 2.5)."""

from __future__ import annotations

from ppcdbg.isa.bits import M32
from ppcdbg.isa.forms import E16, OC, RA0, RB, RS, T6, XL, X
from ppcdbg.isa.insn import E500MC, Chapter, Privilege
from ppcdbg.isa.ops import Operands, Ops, SystemOps

chapter = Chapter()
insn = chapter.insn

SUPERVISOR, HYPERVISOR, GUEST_TLB = Privilege.SUPERVISOR, Privilege.HYPERVISOR, Privilege.GUEST_TLB
MSR_EE = 0x8000


@insn("mtmsr", X(31, 146, RS), "RS", book="III-E 5.4.1", alters={"MSR"}, privilege=SUPERVISOR, ends=True)
def mtmsr(m: Ops, f: Operands) -> None:
    m.write_msr(m.gpr[f.RS])


@insn("wrtee", X(31, 131, RS), "RS", book="III-E 5.4.1", alters={"MSR"}, privilege=SUPERVISOR, ends=True)
def wrtee(m: Ops, f: Operands) -> None:
    m.write_msr(m.gpr[f.RS], MSR_EE)


@insn("wrteei", X(31, 163, E16), "E", book="III-E 5.4.1", alters={"MSR"}, privilege=SUPERVISOR, ends=True)
def wrteei(m: Ops, f: Operands) -> None:
    m.write_msr(MSR_EE if f.E else 0, MSR_EE)


@insn("rfi", XL(19, 50), "", book="III-E 4.3.1", alters={"MSR"}, privilege=SUPERVISOR, ends=True)
def rfi(m: Ops, f: Operands) -> None:
    m.return_from("SRR")


@insn("rfci", XL(19, 51), "", book="III-E 4.3.1", alters={"MSR"}, privilege=HYPERVISOR, ends=True)
def rfci(m: Ops, f: Operands) -> None:
    m.return_from("CSRR")


@insn("rfdi", XL(19, 39), "", book="III-E 4.3.1", alters={"MSR"}, privilege=HYPERVISOR, cores={E500MC}, ends=True)
def rfdi(m: Ops, f: Operands) -> None:
    m.return_from("DSRR")


@insn("rfmci", XL(19, 38), "", book="III-E 4.3.1", alters={"MSR"}, privilege=HYPERVISOR, ends=True)
def rfmci(m: Ops, f: Operands) -> None:
    m.return_from("MCSRR")


@insn("rfgi", XL(19, 102), "", book="III-E 4.3.1", alters={"MSR"}, privilege=SUPERVISOR, cores={E500MC}, ends=True)
def rfgi(m: Ops, f: Operands) -> None:
    m.return_from("GSRR")


@insn("tlbre", X(31, 946), "", book="III-E 6.11.4", alters={"MAS"}, privilege=HYPERVISOR, native=False)
def tlbre(m: SystemOps, f: Operands) -> None:
    m.core.mmu.tlbre()


@insn("tlbwe", X(31, 978), "", book="III-E 6.11.4", privilege=HYPERVISOR, ends=True, native=False)
def tlbwe(m: SystemOps, f: Operands) -> None:
    m.core.mmu.tlbwe()
    m.synchronize()


@insn("tlbsx", X(31, 914, RA0, RB), "RA0, RB", book="III-E 6.11.4", alters={"MAS"}, privilege=HYPERVISOR, native=False)
def tlbsx(m: SystemOps, f: Operands) -> None:
    m.core.mmu.tlbsx((m.gpr[f.RA0] + m.gpr[f.RB]) & M32)


@insn("tlbivax", X(31, 786, RA0, RB), "RA0, RB", book="III-E 6.11.4", privilege=HYPERVISOR, ends=True, native=False)
def tlbivax(m: SystemOps, f: Operands) -> None:
    m.core.mmu.tlbivax((m.gpr[f.RA0] + m.gpr[f.RB]) & M32)
    m.synchronize()


@insn("tlbilx", X(31, 18, T6, RA0, RB), "T, RA0, RB", book="III-E 6.11.4", privilege=GUEST_TLB, cores={E500MC},
      ends=True, native=False)  # fmt: skip
def tlbilx(m: SystemOps, f: Operands) -> None:
    m.core.mmu.tlbilx(f.T, (m.gpr[f.RA0] + m.gpr[f.RB]) & M32)
    m.synchronize()


@insn("tlbsync", X(31, 566), "", book="III-E 6.11.4", privilege=HYPERVISOR)
def tlbsync(m: Ops, f: Operands) -> None:
    pass  # tlbivax has completed, on every core


@insn("msgsnd", X(31, 206, RB), "RB", book="III-E 11.2", privilege=HYPERVISOR, cores={E500MC}, ends=True, native=False)
def msgsnd(m: SystemOps, f: Operands) -> None:
    m.core.doorbell.send(m.gpr[f.RB])
    m.synchronize()


@insn("msgclr", X(31, 238, RB), "RB", book="III-E 11.2", privilege=HYPERVISOR, cores={E500MC}, native=False)
def msgclr(m: SystemOps, f: Operands) -> None:
    m.core.doorbell.clear(m.gpr[f.RB])


@insn("ehpriv", X(31, 270, OC), "OC", book="III-E 4.3.1", cores={E500MC}, ends=True, native=False)
def ehpriv(m: SystemOps, f: Operands) -> None:
    m.hypervisor_privilege()


@insn("dnh", XL(19, 198), "", book="III-E 10.4", cores={E500MC}, ends=True)
def dnh(m: Ops, f: Operands) -> None:
    m.program(0x08000000)  # halting is enabled only by an external debugger; else an illegal instruction
