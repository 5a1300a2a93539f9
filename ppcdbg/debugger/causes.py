"""What the guest did that made it leave: read off an exit record, as the short words of the exits list.

Only the record is used, so that the past can be described as well as the present. Numbers and names are the kernel's.
"""

from __future__ import annotations

from ppcdbg.cpu.interrupts import DATA_STORAGE, DTLB_MISS, INST_STORAGE, ITLB_MISS
from ppcdbg.cpu.msr import ESR_BITS, ESR_DLK, ESR_ILK, ESR_ST, names
from ppcdbg.isa.bits import extract
from ppcdbg.isa.insn import E500MC, E500V2, Insn
from ppcdbg.isa.operands import mnemonic, operands, spr_name
from ppcdbg.isa.table import decoder
from ppcdbg.kvm.irqprio import irqprios
from ppcdbg.kvm.records import Action, Did, ExitRecord

PRIORITIES: tuple[str, ...] = tuple(p.name for p in irqprios(False))
"""The number is the bit in pending_exceptions; lower is delivered first (facts 4.1)."""
FETCH_FAILED = 0xFFFFFFFF  # KVM_INST_FETCH_FAILED
_MFSPR, _MTSPR = 339, 467


def priority_name(number: int) -> str:
    """The irqprio's name; the number itself for one that does not exist."""
    return PRIORITIES[number] if 0 <= number < len(PRIORITIES) else str(number)


def instruction_word(record: ExitRecord) -> int | None:
    """The word that was emulated or captured; None where the exit has none of its own, or it could not be read."""
    if record.actions and record.actions[0].did is Did.FETCH_FAULT:
        return None
    for action in record.actions:
        if action.word is not None:
            return action.word
    return record.last_inst if "inst" in record.captured else None


def emulated(record: ExitRecord) -> Action | None:
    """The action that emulated an instruction, or failed to."""
    for action in record.actions:
        if action.did in (Did.EMULATED, Did.FAILED):
            return action
    return None


def spr_of(record: ExitRecord) -> tuple[int | str, ...]:
    """Number and name of the SPR that the instruction of this exit names; empty for other instructions."""
    word = instruction_word(record)
    if word is None or word >> 26 != 31 or extract(word, 21, 30) not in (_MFSPR, _MTSPR):
        return ()
    number = extract(word, 16, 20) << 5 | extract(word, 11, 15)
    return (number, spr_name(number))


def decode(word: int) -> Insn | None:
    """The instruction that either core would take the word for."""
    return decoder(E500MC).decode(word) or decoder(E500V2).decode(word)


def mnemonic_of(record: ExitRecord) -> str:
    """The mnemonic of the instruction of this exit, or an empty string where it has none of its own."""
    word = instruction_word(record)
    insn = None if word is None else decode(word)
    return "" if insn is None or word is None else mnemonic(insn, word)


def instruction_text(word: int) -> str:
    """``mfspr SRR0``, ``wrteei 0``, ``tlbwe``: the mnemonic and what tells it from others of its kind."""
    insn = decode(word)
    if insn is None:
        return f".long {word:#010x}"
    name = mnemonic(insn, word)
    if insn.name in ("mfspr", "mtspr"):
        return f"{name} {spr_name(insn.form.by_name['SPR'].operand(word))}"
    return f"{name} {operands(insn, word)}".rstrip()


def access_of(record: ExitRecord) -> str:
    """``st``, ``ld`` or ``fetch`` for the exits that a storage access caused, else an empty string."""
    if record.vector in (DTLB_MISS, DATA_STORAGE):
        return "st" if record.esr & ESR_ST else "lock" if record.esr & (ESR_DLK | ESR_ILK) else "ld"
    return "fetch" if record.vector in (ITLB_MISS, INST_STORAGE) else ""


def cause_of(record: ExitRecord) -> str:
    """A few words: the hypercall, the access that missed, the emulated instruction, or the syndrome."""
    for action in record.actions:
        if action.did is Did.HYPERCALL:
            return action.note or f"hcall {action.token or 0:#x}"
    access = access_of(record)
    if access in ("st", "ld", "lock"):
        return f"{access} {record.dar:08x}"
    if access == "fetch":
        return f"fetch {record.pc:08x}"
    word = instruction_word(record)
    if word is not None and (emulated(record) is not None or "inst" in record.captured and word != FETCH_FAILED):
        return instruction_text(word)
    return " ".join(names(record.esr, ESR_BITS)) if "esr" in record.captured else ""
