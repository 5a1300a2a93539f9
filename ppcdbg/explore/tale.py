"""One interleaving told instruction by instruction: who retired what, which memory it touched, and what came to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ppcdbg.cpu.interrupts import DOORBELL, DOORBELL_CRITICAL, VECTORS
from ppcdbg.cpu.observe import Observer
from ppcdbg.engine.reference.shared import Touch
from ppcdbg.explore.interleaving import Course
from ppcdbg.explore.together import DOORBELL as DOORBELL_RULE
from ppcdbg.explore.together import PROGRESS, Broken
from ppcdbg.isa import slots

_BELLS = frozenset({DOORBELL, DOORBELL_CRITICAL})


@dataclass(frozen=True, slots=True)
class Row:
    """One instruction of one core; ``notes`` are what happened with it, to whichever core."""

    position: int
    vcpu: int
    pc: int
    word: int | None
    touches: tuple[Touch, ...]
    notes: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message between cores, and what became of it: ``fate`` is taken, cleared or pending."""

    sent: int
    sender: int
    receiver: int
    kind: int
    fate: str = "pending"
    at: int = -1


class Tale:
    """Listens to a run that somebody else drives: ``before`` and ``after`` each step."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.letters: list[Letter] = []
        self._taken: list[tuple[int, int]] = []
        self._bells: list[int] = []
        self._reserved: list[int] = []
        self._position = 0

    def begin(self, course: Course) -> None:
        """The run stands at its start."""
        for number, core in enumerate(course.vcpus.cluster.cores):
            core.observer = _Ear(self._taken, number)

    def finish(self, course: Course) -> None:
        """Nobody listens any more."""
        for core in course.vcpus.cluster.cores:
            core.observer = Observer()

    def before(self, course: Course) -> None:
        """A step is about to be taken."""
        self._taken.clear()
        self._position = course.position
        self._bells = _slot(course, slots.DOORBELLS)
        self._reserved = _slot(course, slots.RESERVED)

    def after(self, course: Course) -> None:
        """It was taken."""
        vcpu, cluster = course.current, course.vcpus.cluster
        engine = cluster.engines[vcpu]
        notes = [(number, f"takes {VECTORS[vector].name}") for number, vector in self._taken]
        notes += self._messages(course)
        for number, held in enumerate(_slot(course, slots.RESERVED)):
            if self._reserved[number] and not held and number != vcpu:
                notes.append((number, "loses its reservation"))
        pc = engine.cia
        real = engine.fetched(pc)
        ram = cluster.board.bus.ram
        word = None if real is None else int.from_bytes(ram[real : real + 4], "big")
        self.rows.append(Row(self._position, vcpu, pc, word, tuple(engine.touches), tuple(notes)))

    def _messages(self, course: Course) -> list[tuple[int, str]]:
        notes = []
        taken = {(number, vector) for number, vector in self._taken if vector in _BELLS}
        for number, now in enumerate(_slot(course, slots.DOORBELLS)):
            for kind in range(5):
                was, bit = self._bells[number], 1 << kind
                if was & bit and any(n == number and _kind(vector) == kind for n, vector in taken):
                    self._fate(number, kind, "taken")
                    was &= ~bit
                if now & bit and not was & bit:
                    self.letters.append(Letter(self._position, course.current, number, kind))
                    notes.append((course.current, f"a message to vCPU {number}"))
                elif was & bit and not now & bit:
                    self._fate(number, kind, "cleared")
                    notes.append((number, "throws a message away"))
        return notes

    def _fate(self, receiver: int, kind: int, fate: str) -> None:
        for i, letter in enumerate(self.letters):
            if (letter.receiver, letter.kind, letter.fate) == (receiver, kind, "pending"):
                self.letters[i] = replace(letter, fate=fate, at=self._position)

    def explained(self, broken: Broken, waiting: Sequence[int]) -> Broken:
        """A core waits for ever though it was written to: what became of the message."""
        letters = [letter for letter in self.letters if letter.receiver in waiting]
        if broken.condition != PROGRESS or not letters:
            return broken
        last = letters[-1]
        what = {
            "taken": f"its handler had it at {last.at}, and it waited all the same",
            "cleared": f"msgclr threw it away at {last.at}",
            "pending": "it was never taken",
        }[last.fate]
        return replace(
            broken, condition=DOORBELL_RULE,
            reason=f"{broken.reason}; vCPU {last.sender} sent it a message at position {last.sent}, and {what}",
        )  # fmt: skip


def _kind(vector: int) -> int:
    return 0 if vector == DOORBELL else 1


def _slot(course: Course, slot: int) -> list[int]:
    return [core.state.reg[slot] for core in course.vcpus.cluster.cores]


class _Ear(Observer):
    def __init__(self, taken: list[tuple[int, int]], number: int) -> None:
        self._taken, self._number = taken, number

    def interrupt_taken(self, vector: int, pc: int, msr: int, guest: bool, position: int) -> None:
        self._taken.append((self._number, vector))
