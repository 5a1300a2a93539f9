"""What a core got from outside during one stretch, written down once and read to another core in the same order.

Device accesses and what they left on the core's input lines, and interrupt vectors in proxy mode. A core that asks for
something else than was written down differs, and is told so at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ppcdbg.cpu.bus import Bus, BusFault, InterruptSource
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.shortcuts import Shortcuts
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT

_LEFT_BEHIND = (slots.LINES, SLOT["MCSR"], SLOT["MCAR"], SLOT["MCARU"])


class Kind(Enum):
    READ = "read"
    WRITE = "write"
    ACKNOWLEDGE = "acknowledge"


@dataclass(frozen=True, slots=True)
class Question:
    """What a core asked; ``value`` is what it wrote."""

    kind: Kind
    address: int = 0
    size: int = 0
    value: int = 0

    def __str__(self) -> str:
        text = f"{self.kind.value} of {self.size} bytes at {self.address:#011x}"
        return f"{text}, value {self.value:#x}" if self.kind is Kind.WRITE else text


@dataclass(frozen=True, slots=True)
class Answer:
    """What it got. ``lines`` are the registers that devices may have changed meanwhile, none where no device was asked;
    ``called``: the machine is to
    look, because a device's next event moved or it asked for a reset."""

    value: int | None
    fault: bool
    lines: tuple[int, ...]
    called: bool

    def apply(self, core: Core) -> None:
        """Leave another core's lines as this answer left the first one's."""
        for slot, value in zip(_LEFT_BEHIND, self.lines):
            core.state.reg[slot] = value
        if self.called:
            core.call_machine()


def _answer(core: Core, value: int | None, *, fault: bool = False) -> Answer:
    return Answer(value, fault, tuple(core.state.reg[i] for i in _LEFT_BEHIND), core.machine_attention)


class ReplayMismatch(Exception):
    """The second core asked for something else than the first had asked for."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{second} instead of {first}")
        self.first = first
        self.second = second


@dataclass(slots=True)
class Journal:
    """Questions and answers of one stretch. ``asked`` counts what the first core used, ``read`` what the second did."""

    entries: list[tuple[Question, Answer]] = field(default_factory=list)
    asked: int = 0
    read: int = 0

    def clear(self) -> None:
        self.entries.clear()
        self.asked = self.read = 0

    def note(self, question: Question, answer: Answer) -> None:
        self.entries.append((question, answer))
        self.asked += 1

    def rewind(self) -> None:
        """Read it again from the start."""
        self.read = 0

    def answer(self, question: Question) -> Answer:
        """What was answered to the question that is due. Raises ReplayMismatch where it is another one."""
        if self.read == len(self.entries):
            raise ReplayMismatch("none", str(question))
        wanted, answer = self.entries[self.read]
        if wanted != question:
            raise ReplayMismatch(str(wanted), str(question))
        self.read += 1
        return answer


class RecordingBus:
    """A bus that writes down what a core asks of its devices."""

    def __init__(self, bus: Bus, journal: Journal, core: Core) -> None:
        self._bus, self._journal, self._core = bus, journal, core
        self.ram = bus.ram
        self.shortcuts = bus.shortcuts

    def settle(self) -> None:
        if self.shortcuts is not None:
            for slot, value, _ in self.shortcuts.log():
                r = self.shortcuts.registers[slot]
                question = Question(Kind.WRITE if r.write else Kind.READ, r.address, r.size, value if r.write else 0)
                self._journal.note(question, Answer(None if r.write else value, False, (), False))
            self._bus.settle()

    def _note(self, question: Question, value: int | None, *, fault: bool = False) -> None:
        self._journal.note(question, _answer(self._core, value, fault=fault))

    def read(self, address: int, size: int) -> int:
        question = Question(Kind.READ, address, size)
        try:
            value = self._bus.read(address, size)
        except BusFault:
            self._note(question, None, fault=True)
            raise
        self._note(question, value)
        return value

    def write(self, address: int, size: int, value: int) -> None:
        question = Question(Kind.WRITE, address, size, value)
        try:
            self._bus.write(address, size, value)
        except BusFault:
            self._note(question, None, fault=True)
            raise
        self._note(question, None)

    def peek(self, address: int, size: int) -> int | None:
        return self._bus.peek(address, size)


class ReplayBus:
    """RAM of its own, and the devices of a journal. ``core`` is whose lines they drive."""

    def __init__(self, ram: memoryview, journal: Journal) -> None:
        self.ram = ram
        self.shortcuts: Shortcuts | None = None
        self._journal = journal
        self.core: Core | None = None

    def settle(self) -> None:
        """Nothing is served without asking."""

    def _ask(self, question: Question, *, write: bool) -> int:
        answer = self._journal.answer(question)
        if answer.fault:
            raise BusFault(question.address, write)
        if self.core is not None:
            answer.apply(self.core)
        return answer.value or 0

    def read(self, address: int, size: int) -> int:
        return self._ask(Question(Kind.READ, address, size), write=False)

    def write(self, address: int, size: int, value: int) -> None:
        self._ask(Question(Kind.WRITE, address, size, value), write=True)

    def peek(self, address: int, size: int) -> int | None:
        return None


class RecordingSource:
    """An interrupt controller whose acknowledgements are written down."""

    def __init__(self, source: InterruptSource, journal: Journal, core: Core) -> None:
        self._source, self._journal, self._core = source, journal, core

    def proxy_acknowledge(self) -> int | None:
        value = self._source.proxy_acknowledge()
        self._journal.note(Question(Kind.ACKNOWLEDGE), _answer(self._core, value))
        return value


class ReplaySource:
    """The acknowledgements of a journal."""

    def __init__(self, journal: Journal, core: Core) -> None:
        self._journal, self._core = journal, core

    def proxy_acknowledge(self) -> int | None:
        answer = self._journal.answer(Question(Kind.ACKNOWLEDGE))
        answer.apply(self._core)
        return answer.value
