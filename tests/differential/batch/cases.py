"""A program that showed a difference, as a small file of text: what ``cases/`` keeps and the ordinary tests replay."""

from __future__ import annotations

from dataclasses import dataclass

from tests.differential.batch.generate import Program
from tests.differential.batch.monitor import WORDS, state_fields
from tests.differential.world import CODE

NOP, END = 0x60000000, 0x44000002


@dataclass(frozen=True)
class Case:
    """``right``: fields of the record of that number, as they must be; every engine agrees on all of it anyway."""

    about: str
    program: Program
    record: int
    right: dict[str, int]

    def text(self) -> str:
        program = self.program
        lines = [f"about  {self.about}", f"core   {program.core}", f"from   {program.name}"]
        lines += [f"state  {name} {value:08x}" for name, value in program.state.items() if value]
        lines += [f"word   {CODE + 4 * i:08x} {w:08x}" for i, w in enumerate(program.words[:-1]) if w != NOP]
        lines += [f"right  {self.record} {name} {value:08x}" for name, value in self.right.items()]
        return "\n".join(lines) + "\n"


def parse(text: str) -> Case:
    """The inverse of ``Case.text``; what is not named is zero, or a no-op."""
    head: dict[str, str] = {}
    state: dict[str, int] = {}
    words = [NOP] * (WORDS - 1) + [END]
    right: dict[str, int] = {}
    record = 0
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        match kind, rest.split():
            case "state", [name, value]:
                state[name] = int(value, 16)
            case "word", [address, value]:
                words[(int(address, 16) - CODE) // 4] = int(value, 16)
            case "right", [number, name, value]:
                record = int(number)
                right[name] = int(value, 16)
            case _:
                head[kind] = rest.strip()
    core = head["core"]
    ordered = {name: state.get(name, 0) for name in state_fields(core)}
    return Case(head["about"], Program(head["from"], core, ordered, tuple(words)), record, right)
