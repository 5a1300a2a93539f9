"""Words to text: capstone where it knows the instruction, the table's own operand strings where it does not.

The table decides what exists: a word that the core lacks is ``.long``, whatever other PowerPC it may belong to. SPR
names and branch targets are always ours. Capstone is loaded by the first word disassembled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ppcdbg.isa import operands as text
from ppcdbg.isa.flow import Flow, To, flow
from ppcdbg.isa.insn import Insn
from ppcdbg.isa.table import decoder

_SPE = 4  # primary opcode, which capstone takes for AltiVec's
_HEX = re.compile(r"0x[0-9a-f]+")
# Plain names of the three registers that have them in every assembler.
_MOVES = {1: "xer", 8: "lr", 9: "ctr"}


@dataclass(frozen=True, slots=True)
class Disassembled:
    """One instruction. ``known`` is false for a word that the core does not have."""

    address: int
    word: int
    mnemonic: str
    operands: str
    flow: Flow
    known: bool = True

    @property
    def target(self) -> int | None:
        """Effective address of a direct branch."""
        return self.flow.target

    def __str__(self) -> str:
        return f"{self.mnemonic} {self.operands}".rstrip()


class Disassembler:
    """For one core model. Remembers what it has seen; instances share nothing."""

    def __init__(self, core: str) -> None:
        self.core = core
        self._decoder = decoder(core)
        self._capstone: Any = None
        self._text = lru_cache(maxsize=8192)(self._words)

    def one(self, word: int, address: int) -> Disassembled:
        """The instruction ``word`` at an effective address."""
        insn = self._decoder.decode(word)
        if insn is None:
            return Disassembled(address, word, ".long", f"{word:#010x}", Flow(To.NEXT), False)
        at = flow(word, address)
        name, operands = self._text(word)
        if at.target is not None:
            head = operands.rpartition(",")[0]
            operands = f"{head},{at.target:#x}" if head else f"{at.target:#x}"
        return Disassembled(address, word, name, operands, at)

    def _words(self, word: int) -> tuple[str, str]:
        """Mnemonic and operands at address 0."""
        insn = self._decoder.decode(word)
        assert insn is not None
        if insn.name in ("mfspr", "mtspr"):
            return self._spr_move(insn, word)
        if insn.name in ("bc", "bclr", "bcctr") and word >> 21 & 0b10100 == 0b10100:
            return self._always(insn, word)
        if word >> 26 == _SPE:
            return text.mnemonic(insn, word), text.operands(insn, word, 0, self.core)
        found = next(self._engine().disasm_lite(word.to_bytes(4, "big"), 0), None)
        if found is None:
            return text.mnemonic(insn, word), text.operands(insn, word, 0, self.core)
        return found[2], _HEX.sub(lambda n: str(int(n.group(), 16)), found[3].replace(", ", ","))

    def _always(self, insn: Insn, word: int) -> tuple[str, str]:
        """Branch always: capstone 5.0.7 takes BO=20 of a conditional branch for bdnz."""
        link = "l" if word & 1 else ""
        if insn.name != "bc":
            return ("blr" if insn.name == "bclr" else "bctr") + link, ""
        absolute = "a" if word & 2 else ""
        return f"bc{link}{absolute}", f"{word >> 21 & 31},{word >> 16 & 31},0"

    def _spr_move(self, insn: Insn, word: int) -> tuple[str, str]:
        number = insn.form.by_name["SPR"].operand(word)
        register = f"r{word >> 21 & 31}"
        if number in _MOVES:
            return insn.name[:2] + _MOVES[number], register
        name = text.spr_name(number, self.core)
        return insn.name, f"{register},{name}" if insn.name == "mfspr" else f"{name},{register}"

    def _engine(self) -> Any:
        if self._capstone is None:
            import capstone

            self._capstone = capstone.Cs(capstone.CS_ARCH_PPC, capstone.CS_MODE_32 | capstone.CS_MODE_BIG_ENDIAN)
        return self._capstone
