"""Cache management and synchronization (Power ISA II 4.3, 4.4; III-E 5.11).

There is no cache in the model: what a cache instruction leaves visible is its translation, its permission and, for
dcbz, the zeros. Touches never fault. Locking always fails as on KVM's cores (L1CSR0[CUL]).
"""

from __future__ import annotations

from ppcdbg.isa.bits import M32
from ppcdbg.isa.forms import CT, L_SYNC, MO, RA0, RB, WC, XL, X
from ppcdbg.isa.insn import E500MC, E500V2, Chapter, Privilege
from ppcdbg.isa.ops import Operands, Ops, SystemOps, Value

chapter = Chapter()
insn = chapter.insn


def _ea(m: Ops, f: Operands) -> Value:
    return (m.gpr[f.RA0] + m.gpr[f.RB]) & M32


@insn("dcbz", X(31, 1014, RA0, RB), "RA0, RB", book="II 4.3.2")
def dcbz(m: Ops, f: Operands) -> None:
    m.zero_block(_ea(m, f))


@insn("dcba", X(31, 758, RA0, RB), "RA0, RB", book="II 4.3.2")
def dcba(m: Ops, f: Operands) -> None:
    pass  # an allocation hint; contents undefined, so unchanged


@insn("dcbf", X(31, 86, RA0, RB), "RA0, RB", book="II 4.3.2")
def dcbf(m: SystemOps, f: Operands) -> None:
    m.check_block(_ea(m, f), write=False)


@insn("dcbst", X(31, 54, RA0, RB), "RA0, RB", book="II 4.3.2")
def dcbst(m: SystemOps, f: Operands) -> None:
    m.check_block(_ea(m, f), write=False)


@insn("dcbi", X(31, 470, RA0, RB), "RA0, RB", book="III-E 5.11.1", privilege=Privilege.SUPERVISOR)
def dcbi(m: SystemOps, f: Operands) -> None:
    m.check_block(_ea(m, f), write=True)


@insn("dcbt", X(31, 278, CT, RA0, RB), "CT, RA0, RB", book="II 4.3.2")
def dcbt(m: Ops, f: Operands) -> None:
    pass


@insn("dcbtst", X(31, 246, CT, RA0, RB), "CT, RA0, RB", book="II 4.3.2")
def dcbtst(m: Ops, f: Operands) -> None:
    pass


@insn("icbi", X(31, 982, RA0, RB), "RA0, RB", book="II 4.3.2")
def icbi(m: SystemOps, f: Operands) -> None:
    m.check_code(_ea(m, f))


@insn("icbt", X(31, 22, CT, RA0, RB), "CT, RA0, RB", book="II 4.3.2")
def icbt(m: Ops, f: Operands) -> None:
    pass


@insn("dcbtls", X(31, 166, CT, RA0, RB), "CT, RA0, RB", book="III-E 5.11.2",
      privilege=Privilege.CACHE_LOCK, native=False)  # fmt: skip
def dcbtls(m: SystemOps, f: Operands) -> None:
    m.lock_line(_ea(m, f), data=True)


@insn("dcbtstls", X(31, 134, CT, RA0, RB), "CT, RA0, RB", book="III-E 5.11.2",
      privilege=Privilege.CACHE_LOCK, native=False)  # fmt: skip
def dcbtstls(m: SystemOps, f: Operands) -> None:
    m.lock_line(_ea(m, f), data=True)


@insn("dcblc", X(31, 390, CT, RA0, RB), "CT, RA0, RB", book="III-E 5.11.2",
      privilege=Privilege.CACHE_LOCK, native=False)  # fmt: skip
def dcblc(m: SystemOps, f: Operands) -> None:
    m.check_block(_ea(m, f), write=False)


@insn("icbtls", X(31, 486, CT, RA0, RB), "CT, RA0, RB", book="III-E 5.11.2",
      privilege=Privilege.CACHE_LOCK, native=False)  # fmt: skip
def icbtls(m: SystemOps, f: Operands) -> None:
    m.lock_line(_ea(m, f), data=False)


@insn("icblc", X(31, 230, CT, RA0, RB), "CT, RA0, RB", book="III-E 5.11.2",
      privilege=Privilege.CACHE_LOCK, native=False)  # fmt: skip
def icblc(m: SystemOps, f: Operands) -> None:
    m.check_block(_ea(m, f), write=False)


@insn("sync", X(31, 598, L_SYNC), "L", book="II 4.4.3")
def sync(m: Ops, f: Operands) -> None:
    pass  # storage accesses are already in order, as every core sees them


@insn("mbar", X(31, 854, MO), "MO", book="II 4.4.3")
def mbar(m: Ops, f: Operands) -> None:
    pass


@insn("isync", XL(19, 150), "", book="II 4.4.1", ends=True)
def isync(m: Ops, f: Operands) -> None:
    m.instruction_sync()


@insn("wait", X(31, 62, WC), "WC", book="II 4.4.4", cores={E500MC}, ends=True, native=False)
def wait(m: SystemOps, f: Operands) -> None:
    m.wait()


@insn("bblels", X(31, 518), "", book="e500 RM 3.9.1", cores={E500V2})
def bblels(m: Ops, f: Operands) -> None:
    pass  # branch buffer locking has no architected effect


@insn("bbelr", X(31, 550), "", book="e500 RM 3.9.1", cores={E500V2})
def bbelr(m: Ops, f: Operands) -> None:
    pass
