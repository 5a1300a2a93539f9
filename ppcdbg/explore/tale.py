"""One interleaving told instruction by instruction: who retired what, which memory it touched, and what came to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.observe import Observer
from ppcdbg.engine.reference.shared import Touch
from ppcdbg.explore.interleaving import Course
from ppcdbg.explore.together import DOORBELL as DOORBELL_RULE
from ppcdbg.explore.together import PROGRESS, Broken
from ppcdbg.isa import slots

_MSGCLR, _MASK = 0x7C0001DC, 0xFC0007FE


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
        self._position, self._pc = 0, 0
        self._word: int | None = None

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
        self._pc, self._word = course.vcpus.pc(course.current), course.vcpus.word(course.current)
        self._position = course.position
        self._bells = _messages(course)
        self._reserved = _slot(course, slots.RESERVED)

    def after(self, course: Course) -> None:
        """It was taken."""
        vcpu, cluster = course.current, course.vcpus.cluster
        engine = cluster.engines[vcpu]
        pc = engine.cia
        word = self._word if pc == self._pc and self._word is not None else course.vcpus.word(vcpu, pc)
        exits = cluster.cores[vcpu].tenant
        notes = [(n, f"{'exits' if exits else 'takes'}: {VECTORS[vector].name}") for n, vector in self._taken]
        notes += self._messages(course, word is not None and word & _MASK == _MSGCLR)
        for number, held in enumerate(_slot(course, slots.RESERVED)):
            if self._reserved[number] and not held and number != vcpu:
                notes.append((number, "loses its reservation"))
        self.rows.append(Row(self._position, vcpu, pc, word, tuple(engine.touches), tuple(notes)))

    def _messages(self, course: Course, clears: bool) -> list[tuple[int, str]]:
        """What became of messages. One that is gone was taken, unless the instruction was a msgclr."""
        notes = []
        for number, now in enumerate(_messages(course)):
            for kind in range(5):
                was, bit = self._bells[number], 1 << kind
                if now & bit and not was & bit:
                    self.letters.append(Letter(self._position, course.current, number, kind))
                    notes.append((course.current, f"a message to vCPU {number}"))
                elif was & bit and not now & bit:
                    self._fate(number, kind, "cleared" if clears else "taken")
                    notes.append((number, "throws a message away" if clears else "takes a message"))
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


def _messages(course: Course) -> list[int]:
    return [course.vcpus.cluster.messages(number) for number in range(course.vcpus.count)]


def _slot(course: Course, slot: int) -> list[int]:
    return [core.state.reg[slot] for core in course.vcpus.cluster.cores]


class _Ear(Observer):
    def __init__(self, taken: list[tuple[int, int]], number: int) -> None:
        self._taken, self._number = taken, number

    def interrupt_taken(self, vector: int, pc: int, msr: int, guest: bool, position: int) -> None:
        self._taken.append((self._number, vector))
