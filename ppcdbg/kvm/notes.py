"""Emulated instructions in the field's words: ``mfspr SRR0``, ``wrteei 1``, ``tlbwe``.

Only what KVM can be asked to emulate, loads and stores aside; an instruction without a name is its word in hex.
"""

from __future__ import annotations

from ppcdbg.isa.sprs import SPRS

_SPR_NAMES = {s.number: s.name for s in SPRS} | {314: "IAC3", 315: "IAC4", 344: "TLB0PS", 345: "TLB1PS", 350: "EPTCFG",
                                                 1019: "PWRMGTCR0"}  # fmt: skip
_XOP31 = {
    83: "mfmsr", 146: "mtmsr", 131: "wrtee", 566: "tlbsync", 946: "tlbre", 978: "tlbwe", 914: "tlbsx", 786: "tlbivax",
    166: "dcbtls", 206: "msgsnd", 238: "msgclr", 366: "mftmr", 4: "tw", 270: "ehpriv", 62: "wait",
    54: "dcbst", 86: "dcbf", 982: "icbi", 1014: "dcbz", 278: "dcbt", 246: "dcbtst", 470: "dcbi",
}  # fmt: skip
_XOP19 = {50: "rfi", 51: "rfci", 39: "rfdi", 38: "rfmci", 102: "rfgi"}


def spr_name(number: int) -> str:
    """An SPR's name, or ``spr 0x3e8``."""
    return _SPR_NAMES.get(number, f"spr {number:#x}")


def instruction(word: int) -> str:
    """What KVM was asked to emulate."""
    opcode, xop = word >> 26, word >> 1 & 0x3FF
    if opcode == 31:
        if xop in (339, 467):
            return f"{'mfspr' if xop == 339 else 'mtspr'} {spr_name(word >> 16 & 0x1F | word >> 6 & 0x3E0)}"
        if xop == 163:
            return f"wrteei {word >> 15 & 1}"
        if xop == 18:
            return f"tlbilx {word >> 21 & 3}"
        return _XOP31.get(xop, f"{word:08x}")
    if opcode == 19:
        return _XOP19.get(xop, f"{word:08x}")
    if opcode == 3:
        return "twi"
    return f"{word:08x}"
