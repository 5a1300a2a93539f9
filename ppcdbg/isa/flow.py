"""Where an instruction can continue: what a debugger's step and a disassembly's arrows need to know of a word.

Only branches, returns, system calls and traps change the flow (Power ISA I 2.4, 3.3.11; III-E 4.3); nothing else is
decoded here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ppcdbg.isa.bits import M32, extract, sign_extend


class To(Enum):
    """Where a word continues."""

    NEXT = "next"  # the following word
    TARGET = "target"  # an address in the word
    LR = "lr"
    CTR = "ctr"
    RETURN = "return"  # a save/restore pair; ``pair`` names its first register
    SYSCALL = "syscall"
    TRAP = "trap"  # may trap, else the following word


@dataclass(frozen=True, slots=True)
class Flow:
    """``target`` is an effective address where ``to`` is TARGET. ``conditional``: the following word, too."""

    to: To
    target: int | None = None
    conditional: bool = False
    link: bool = False
    pair: str = ""


_RETURNS = {50: "SRR0", 51: "CSRR0", 38: "MCSRR0", 39: "DSRR0", 102: "GSRR0"}
_NEXT = Flow(To.NEXT)


def flow(word: int, address: int) -> Flow:
    """The flow of the instruction ``word`` at the effective address ``address``."""
    opcode = word >> 26
    link = bool(word & 1)
    if opcode == 18:
        offset = sign_extend(word & 0x03FFFFFC, 26)
        return Flow(To.TARGET, offset if word & 2 else address + offset & M32, False, link)
    if opcode == 16:
        offset = sign_extend(word & 0xFFFC, 16)
        return Flow(To.TARGET, offset if word & 2 else address + offset & M32, not _always(word), link)
    if opcode == 17:
        return Flow(To.SYSCALL)
    if opcode == 19:
        return _nineteen(word, link)
    if opcode == 3 or opcode == 31 and extract(word, 21, 30) == 4:
        return Flow(To.TRAP, conditional=True)
    return _NEXT


def _nineteen(word: int, link: bool) -> Flow:
    extended = extract(word, 21, 30)
    if extended == 16:
        return Flow(To.LR, None, not _always(word), link)
    if extended == 528:
        return Flow(To.CTR, None, not _always(word), link)
    pair = _RETURNS.get(extended)
    return _NEXT if pair is None else Flow(To.RETURN, pair=pair)


def _always(word: int) -> bool:
    """BO = 1z1zz: branch always."""
    return extract(word, 6, 10) & 0b10100 == 0b10100
