"""Emulation of privileged instructions: kvmppc_emulate_instruction and its tables (facts 6.1).

Each distinct instruction word is decoded once into a closure over the vcpu; an exit then costs one dictionary lookup.
SPRs are :mod:`ppcdbg.kvm.emulate_sprs`'s, TLB instructions :mod:`ppcdbg.kvm.emulate_tlb`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ppcdbg.cpu.msr import ESR_PIL, ESR_PTR, MSR_EE
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm import booke, codes, emulate_dcr, emulate_sprs, emulate_tlb, printk, queueing, words
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.blocks import DEBUG, EMULATED, FAILED
from ppcdbg.kvm.codes import ADVANCE, EMULATE_DONE, EMULATE_EXIT_USER, EMULATE_FAIL, NO_ADVANCE
from ppcdbg.kvm.vm import FailurePolicy

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

Effect = Callable[[], int]
Decoded = tuple[Effect, int, int]
"""(what to do, exit type, register whose value is worth recording or -1)"""

_M32 = 0xFFFFFFFF
_ADVANCED = EMULATE_DONE | NO_ADVANCE
PRINTER = "emulation_exit"
"""The kernel's function that prints a failure."""


def _fail() -> int:
    return EMULATE_FAIL


def _nothing() -> int:
    return EMULATE_DONE


def decode(v: Vcpu, word: int) -> Decoded:
    """What KVM does with an instruction word; unknown ones fail."""
    opcode = word >> 26
    if opcode == 31:
        return _decode31(v, word, word >> 1 & 0x3FF)
    if opcode == 3:
        return _trap(v), codes.EMULATED_INST_EXITS, -1
    if opcode == 0 and word == codes.SW_BREAKPOINT:
        return _software_breakpoint(v), codes.EMULATED_INST_EXITS, -1
    if opcode == 19:
        return _decode19(v, word >> 1 & 0x3FF)
    return _fail, codes.EMULATED_INST_EXITS, -1


def _decode31(v: Vcpu, word: int, xop: int) -> Decoded:
    rt = word >> 21 & 31
    if xop == 339:
        return emulate_sprs.mfspr(v, word), codes.EMULATED_MFSPR_EXITS, rt
    if xop == 467:
        return emulate_sprs.mtspr(v, word), codes.EMULATED_MTSPR_EXITS, rt
    if xop == 83:
        return _mfmsr(v, rt), codes.EMULATED_MFMSR_EXITS, rt
    if xop == 146:
        return _mtmsr(v, rt), codes.EMULATED_MTMSR_EXITS, rt
    if xop == 131:
        return _wrtee(v, rt), codes.EMULATED_WRTEE_EXITS, rt
    if xop == 163:
        return _wrteei(v, word & MSR_EE), codes.EMULATED_WRTEE_EXITS, -1
    if xop == 4:
        return _trap(v), codes.EMULATED_INST_EXITS, -1
    if xop == 566:
        return _nothing, codes.EMULATED_INST_EXITS, -1
    if xop == 270:
        debug = word >> 11 & 0x7FFF == 1
        return (_ehpriv_debug(v) if debug else _fail), codes.EMULATED_INST_EXITS, -1
    dcr = emulate_dcr.decode(v, word, xop)
    if dcr is not None:
        return dcr, codes.EMULATED_INST_EXITS, -1
    return emulate_tlb.decode(v, word, xop) or (_fail, codes.EMULATED_INST_EXITS, -1)


def _decode19(v: Vcpu, xop: int) -> Decoded:
    if xop == 50:
        return _rfi(v), codes.EMULATED_RFI_EXITS, -1
    if xop == 51:
        return _return(v, "csrr0", "csrr1"), codes.EMULATED_RFCI_EXITS, -1
    if xop == 39:
        return _return(v, "dsrr0", "dsrr1"), codes.EMULATED_RFDI_EXITS, -1
    if xop == 38 and not v.quirks.rfmci_missing:
        return _return(v, "mcsrr0", "mcsrr1"), codes.EMULATED_INST_EXITS, -1
    return _fail, codes.EMULATED_INST_EXITS, -1


def _offer(v: Vcpu, word: int, exit_type: int) -> None:
    """Let compiled code do what only moves a word between a GPR and the shared page (:mod:`ppcdbg.kvm.native`)."""
    if v.hv or v.rewriter is not None or word >> 26 != 31:
        return
    rt, xop = word >> 21 & 31, word >> 1 & 0x3FF
    place: tuple[int, int] | None = None
    if xop == 83:
        place = words.GET, mp.MSR + 4
    elif xop == 131:
        place = words.EE, 0
    elif xop == 163:
        place = words.EE_IMMEDIATE, int(bool(word & MSR_EE))
    else:
        place = emulate_sprs.move(v, word)
    if place is not None:
        v.let_native(word, words.how(place[0], rt, exit_type, place[1]))


# --- effects --------------------------------------------------------------------------------------
def _mfmsr(v: Vcpu, rt: int) -> Effect:
    gpr, shared = v.gpr, v.shared

    def effect() -> int:
        gpr[rt] = shared.msr
        return EMULATE_DONE

    return effect


def _mtmsr(v: Vcpu, rs: int) -> Effect:
    def effect() -> int:
        booke.set_msr(v, v.gpr[rs])
        return EMULATE_DONE

    return effect


def _wrtee(v: Vcpu, rs: int) -> Effect:
    gpr, shared = v.gpr, v.shared

    def effect() -> int:
        shared.msr = shared.msr & ~MSR_EE | gpr[rs] & MSR_EE
        return EMULATE_DONE

    return effect


def _wrteei(v: Vcpu, ee: int) -> Effect:
    shared = v.shared

    def effect() -> int:
        shared.msr = shared.msr & ~MSR_EE | ee
        return EMULATE_DONE

    return effect


def _trap(v: Vcpu) -> Effect:
    def effect() -> int:
        esr = v.reg[SLOT["GESR"]] if v.hv else v.shared.get32(mp.ESR)
        queueing.program(v, esr | ESR_PTR)
        return _ADVANCED

    return effect


def _rfi(v: Vcpu) -> Effect:
    def effect() -> int:
        v.pc = v.guest_spr("SRR0")
        booke.set_msr(v, v.guest_spr("SRR1"))
        return _ADVANCED

    if v.hv:
        return effect
    shared = v.shared

    def paged() -> int:
        v.pc = shared.get32(mp.SRR0 + 4)
        booke.set_msr(v, shared.get32(mp.SRR1 + 4))
        return _ADVANCED

    return paged


def _return(v: Vcpu, first: str, second: str) -> Effect:
    def effect() -> int:
        v.pc = getattr(v, first)
        booke.set_msr(v, getattr(v, second))
        return _ADVANCED

    return effect


def _software_breakpoint(v: Vcpu) -> Effect:
    def effect() -> int:
        _debug_exit(v)
        return EMULATE_EXIT_USER | NO_ADVANCE

    return effect


def _ehpriv_debug(v: Vcpu) -> Effect:
    def effect() -> int:
        _debug_exit(v)
        v.exit_type = codes.DEBUG_EXITS
        return EMULATE_EXIT_USER | NO_ADVANCE

    return effect


def _debug_exit(v: Vcpu) -> None:
    v.run.exit_reason = codes.KVM_EXIT_DEBUG
    v.run.debug_status = 0
    v.run.debug_address = v.pc
    v.actions.append((DEBUG, "breakpoint instruction"))


# --- the entry point ------------------------------------------------------------------------------
def emulate(v: Vcpu) -> int:
    """emulation_exit: carry out ``v.last_inst``; returns the handler's resume code."""
    word = v.last_inst
    decoded = v.decoded.get(word)
    if decoded is None:
        decoded = v.decoded[word] = decode(v, word)
        _offer(v, word, decoded[1])
    effect, v.exit_type, shown = decoded
    v.cost += v.vm.host.costs.emulate
    pc = v.pc
    result = effect()
    if v.trace is not None:
        v.trace("kvm_ppc_instr", (word, v.pc, result & 7))
    if result == EMULATE_DONE or result & ADVANCE:
        v.pc = pc + 4 & _M32
        v.core.retire()
        if v.rewriter is not None:
            v.rewriter.emulated(pc, word)
    elif result == _ADVANCED and v.pc != pc:
        v.core.retire()
    return _outcome(v, word, result & 7, shown)


def _outcome(v: Vcpu, word: int, result: int, shown: int) -> int:
    known = shown >= 0 and result != EMULATE_EXIT_USER  # what userspace is asked for is not there yet
    v.actions.append((EMULATED, word, result, v.gpr[shown] if known else None))
    if result == EMULATE_DONE:
        v.count_emulated(word)
        return codes.RESUME_GUEST_NV
    if result == EMULATE_FAIL:
        return _failed(v, word)
    if result == EMULATE_EXIT_USER:
        return codes.RESUME_HOST
    return codes.RESUME_GUEST


def _failed(v: Vcpu, word: int) -> int:
    """What the policy makes of a failure (facts 3.3), and what the host's kernel prints of it."""
    message = f"emulation at {v.pc:x} failed ({word:08x})"
    lines = [(printk.ERR, f"Couldn't emulate instruction {word:#010x} (op {word >> 26} xop {word >> 1 & 0x3FF})"),
             (printk.CRIT, f"{PRINTER}: {message}")]  # fmt: skip
    spr = emulate_sprs.spr_number(word)
    if spr is not None:
        unknown = f"{'mfspr' if word >> 1 & 0x3FF == 339 else 'mtspr'}: unknown spr {spr:#x}"
        lines.insert(0, (printk.INFO, unknown))
        message += f"; {unknown}"
    if v.host_log.limited(v.core.now, PRINTER, tuple(lines), not v.quirks.failure_log_unlimited):
        v.cost += v.vm.host.costs.print
    v.actions.append((FAILED, word, message))
    policy = v.vm.on_failure
    if policy is FailurePolicy.BOTH and not v.quirks.failure_injects_and_exits:
        policy = FailurePolicy.INJECT
    v.run.hardware_exit_reason = 0xFFFFFFFF << 32 | word
    if policy is not FailurePolicy.EXIT:
        queueing.queue_program(v, ESR_PIL)
    return codes.RESUME_GUEST if policy is FailurePolicy.INJECT else codes.RESUME_HOST
