"""One instruction with all the state that it needs, as a line of text: what a failure prints and a regression keeps.

    e500mc 7c221a14 pc=00002000 msr=00001000 r2=80000000 r3=ffffffff

Registers that are not named are zero. ``before=WORD`` runs a word first, from the same state; ``mem:ADDRESS=BYTES`` is
real memory, both in hexadecimal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ppcdbg.isa.insn import BOTH, Insn
from ppcdbg.isa.table import decoder
from tests.differential.peers import GENERAL_NAMES, General

_INDEX = {name: i for i, name in enumerate(GENERAL_NAMES)}


@dataclass(frozen=True)
class Case:
    """``others``: registers outside the general block, by QEMU's names; ``memory``: real address -> bytes."""

    core: str
    word: int
    general: General
    others: dict[str, int]
    prelude: tuple[int, ...] = ()
    memory: tuple[tuple[int, bytes], ...] = ()

    @property
    def name(self) -> str:
        return self.insn.name

    @property
    def insn(self) -> Insn:
        """The core's own instruction, or where it has none the other core's."""
        for core in (self.core, *sorted(BOTH)):
            if insn := decoder(core).decode(self.word):
                return insn
        raise ValueError(f"{self.word:#010x} is no instruction of the table")

    def set(self, name: str, value: int) -> Case:
        if name in _INDEX:
            general = list(self.general)
            general[_INDEX[name]] = value
            return replace(self, general=tuple(general))
        return replace(self, others={**self.others, name: value})

    def registers(self) -> dict[str, int]:
        """All that are not zero."""
        everything = {**dict(zip(GENERAL_NAMES, self.general, strict=True)), **self.others}
        return {name: value for name, value in everything.items() if value}

    def line(self) -> str:
        parts = [self.core, f"{self.word:08x}", *(f"before={w:08x}" for w in self.prelude)]
        parts += [f"{name}={value:0{16 if name[0] == 'f' and name[1:].isdigit() else 8}x}"
                  for name, value in self.registers().items()]  # fmt: skip
        parts += [f"mem:{address:08x}={data.hex()}" for address, data in self.memory]
        return " ".join(parts)


def parse(line: str) -> Case:
    """The inverse of ``Case.line``. ValueError where it is not one."""
    core, word, *rest = line.split()
    case = Case(core, int(word, 16), (0,) * len(GENERAL_NAMES), {})
    for part in rest:
        key, _, value = part.partition("=")
        if key == "before":
            case = replace(case, prelude=(*case.prelude, int(value, 16)))
        elif key.startswith("mem:"):
            case = replace(case, memory=(*case.memory, (int(key[4:], 16), bytes.fromhex(value))))
        else:
            case = case.set(key, int(value, 16))
    return case
