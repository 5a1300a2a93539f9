"""What the guest printed, with the position of each byte. Output only: input enters through the input queue.

Listeners are called with the bytes as they come, or soon after; they must not change the machine.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence

from ppcdbg.machine.devices.device import DeviceState, whole

ConsoleListener = Callable[[bytes, int], None]
"""Called with the bytes just printed and the position (retired instructions) at which they were."""


class Console:
    """The output of one serial port. ``position`` gives the count of retired instructions."""

    def __init__(self, position: Callable[[], int]) -> None:
        self.output = bytearray()
        self.positions = array("Q")
        self.listeners: list[ConsoleListener] = []
        self._position = position
        self._seen = _Seen()

    def put(self, byte: int) -> None:
        """One byte from the port's transmitter."""
        position = self._position()
        self.output.append(byte)
        self.positions.append(position)
        for listener in self.listeners:
            listener(bytes((byte,)), position)

    def put_late(self, data: bytes, positions: Sequence[int]) -> None:
        """Bytes that the port's transmitter had sent at earlier positions, after what was put before."""
        self.output += data
        self.positions.extend(positions)
        for listener in self.listeners:
            for byte, position in zip(data, positions):
                listener(bytes((byte,)), position)

    @property
    def text(self) -> str:
        """All output as text; bytes that are not UTF-8 show as replacement characters, carriage returns go."""
        return self.output.decode("utf-8", "replace").replace("\r\n", "\n")

    def text_at(self, position: int) -> str:
        """What had been printed when ``position`` instructions had retired."""
        end = bisect_right(self.positions, position)
        return self.output[:end].decode("utf-8", "replace").replace("\r\n", "\n")

    def save(self) -> DeviceState:
        """How much was printed: what it was is the history's, which ``restore`` keeps. Listeners are not state."""
        return {"length": len(self.output)}

    def restore(self, state: DeviceState) -> None:
        """Go back to a state of the past, or forward again to one that was seen before."""
        length = whole(state["length"])
        self._seen.keep(self.output, self.positions)
        if length > len(self._seen.output):
            raise TypeError(f"console output ends at byte {len(self._seen.output)}, before the {length} of this state")
        del self.output[length:], self.positions[length:]
        self.output += self._seen.output[len(self.output) : length]
        self.positions.extend(self._seen.positions[len(self.positions) : length])

    def known(self) -> tuple[bytes, array[int]]:
        """All that was printed in this history so far, after the present as well, and where."""
        at = len(self.output)
        return bytes(self.output + self._seen.output[at:]), self.positions + self._seen.positions[at:]

    def foretell(self, output: bytes, positions: array[int]) -> None:
        """What will be printed is known, from a recording."""
        self._seen.keep(bytearray(output), positions)

    def forget(self) -> None:
        """What was printed after the present will not come again."""
        self._seen = _Seen()


class _Seen:
    """The longest output seen so far, while it is not changed by another history."""

    def __init__(self) -> None:
        self.output = bytearray()
        self.positions = array("Q")

    def keep(self, output: bytearray, positions: array[int]) -> None:
        more = len(output) - len(self.output)
        if more > 0:
            self.output += output[-more:]
            self.positions.extend(positions[-more:])
