"""What the guest printed, with the position of each byte. Output only: input enters through the input queue.

Listeners are called with the bytes as they come, or soon after; they must not change the machine. How all of it is kept
in little memory is :mod:`ppcdbg.machine.printed`'s.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import overload

from ppcdbg.machine.devices.device import DeviceState, whole
from ppcdbg.machine.printed import BLOCK, Printed

ConsoleListener = Callable[[bytes, int], None]
"""Called with the bytes just printed and the position (retired instructions) at which they were."""
LONGEST = 1 << 16
"""Bytes after which a line that has not ended is taken for one."""


class Console:
    """The output of one serial port. ``position`` gives the count of retired instructions."""

    def __init__(self, position: Callable[[], int]) -> None:
        self.listeners: list[ConsoleListener] = []
        self._position = position
        self._log = Printed()
        """All that was printed in this history: up to the present, and after it as far as that is known."""
        self._length = 0
        """How much of it was printed by now."""

    @property
    def output(self) -> Output:
        """The bytes; ``positions`` has as many."""
        return Output(self)

    @property
    def positions(self) -> Positions:
        """Where each byte was printed."""
        return Positions(self)

    def put(self, byte: int) -> None:
        """One byte from the port's transmitter."""
        position = self._position()
        log = self._log
        if self._length == log.size:
            log.append(byte, position)
            self._length += 1
        else:
            self._again(byte, position)
        for listener in self.listeners:
            listener(bytes((byte,)), position)

    def put_late(self, data: bytes, positions: Sequence[int]) -> None:
        """Bytes that the port's transmitter had sent at earlier positions, after what was put before."""
        again = min(self._log.size - self._length, len(data))
        for byte, position in zip(data[:again], positions):
            self._again(byte, position)
        self._log.extend(data[again:], positions[again:])
        self._length += len(data) - again
        for listener in self.listeners:
            for byte, position in zip(data, positions):
                listener(bytes((byte,)), position)

    def _again(self, byte: int, position: int) -> None:
        """A byte that comes where another was known to come, the same one unless this is another history."""
        log, at = self._log, self._length
        if log.size > at and log.row(at) != (byte, position):
            log.cut(at)
        if log.size == at:
            log.append(byte, position)
        self._length = at + 1

    @property
    def text(self) -> str:
        """All output as text; bytes that are not UTF-8 show as replacement characters, carriage returns go."""
        return self._text(0, self._length)

    def tail(self, characters: int) -> str:
        """The end of ``text``, of which no more is read than that needs."""
        return self._text(max(self._length - 8 * characters - 32, 0), self._length)[-characters:]

    def text_at(self, position: int) -> str:
        """What had been printed when ``position`` instructions had retired."""
        return self._text(0, min(self._log.until(position), self._length))

    def _text(self, first: int, end: int) -> str:
        return self._log.data(first, end).decode("utf-8", "replace").replace("\r\n", "\n")

    def save(self) -> DeviceState:
        """How much was printed: what it was is the history's, which ``restore`` keeps. Listeners are not state."""
        return {"length": self._length}

    def restore(self, state: DeviceState) -> None:
        """Go back to a state of the past, or forward again to one that was seen before."""
        length, known = whole(state["length"]), self._log.size
        if not 0 <= length <= known:
            raise TypeError(f"console output ends at byte {known}, before the {length} of this state")
        self._length = length

    def as_of(self, other: Console) -> None:
        """Nothing was printed here: know what another port of the same history has printed and will print."""
        self._log = other._log.copy()

    def foretell(self, rows: Iterable[Sequence[int]]) -> None:
        """What will be printed is known from the first byte on, from a recording: each byte with its position. Raises
        ValueError or OverflowError for what is no byte or no position."""
        unknown = islice(rows, self._log.size, None)
        while some := [*islice(unknown, BLOCK)]:
            self._log.extend(bytes(byte for byte, _ in some), array("Q", (position for _, position in some)))

    def become(self, length: int, data: bytes, positions: Sequence[int]) -> None:
        """What was printed since the first ``length`` bytes is this, and nothing else will come again."""
        self._log.cut(length)
        self._log.extend(data, positions)
        self._length = self._log.size

    def forget(self) -> None:
        """What was printed after the present will not come again."""
        self._log.cut(self._length)


class _View(Sequence[int]):
    """What was printed by now, as it grows, read piece by piece."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __len__(self) -> int:
        return self._console._length

    def _range(self, index: slice) -> tuple[int, int]:
        first, end, step = index.indices(len(self))
        assert step == 1
        return first, max(first, end)


class Output(_View):
    """The bytes."""

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> bytes: ...
    def __getitem__(self, index: int | slice) -> int | bytes:
        if isinstance(index, slice):
            return self._console._log.data(*self._range(index))
        return self._console._log.row(range(len(self))[index])[0]

    def __iter__(self) -> Iterator[int]:
        for at in range(0, len(self), BLOCK):
            yield from self[at : at + BLOCK]

    def __bytes__(self) -> bytes:
        return self[:]

    def lines(self) -> Iterator[bytes]:
        """Line by line, each with its end; one that is longer than ``LONGEST`` in several."""
        rest = b""
        for at in range(0, len(self), BLOCK):
            *done, rest = (rest + self[at : at + BLOCK]).split(b"\n")
            yield from (line + b"\n" for line in done)
            if len(rest) >= LONGEST:
                yield rest
                rest = b""
        if rest:
            yield rest


class Positions(_View):
    """The position of each byte."""

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> array[int]: ...
    def __getitem__(self, index: int | slice) -> int | array[int]:
        if isinstance(index, slice):
            return self._console._log.positions(*self._range(index))
        return self._console._log.row(range(len(self))[index])[1]

    def __iter__(self) -> Iterator[int]:
        for at in range(0, len(self), BLOCK):
            yield from self[at : at + BLOCK]
