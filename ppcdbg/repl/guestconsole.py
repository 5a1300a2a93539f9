"""What the guest prints, on its way to the reader: whole lines at once, a line's beginning when it waits.

A listener of the board's console: it only collects. Bytes are decoded as they come, so a character may be cut anywhere.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable

from ppcdbg.session.pace import steady

PATIENCE = 0.1
"""Seconds after which the beginning of a line is shown: a guest that asks ends no line."""


class GuestConsole:
    """``show`` gets text and the position of its last byte; ``clock`` is the host's. What is printed where ``seen``
    says so was shown before: the guest runs through its past again."""

    def __init__(
        self,
        show: Callable[[str, int], None],
        clock: Callable[[], float] = time.monotonic,
        seen: Callable[[int], bool] = lambda position: False,
    ) -> None:
        self.show, self.clock, self.seen = show, steady(clock), seen
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._kept = bytearray()
        self._since = 0.0
        self._position = 0

    def __call__(self, data: bytes, position: int) -> None:
        """Bytes that the guest printed just now."""
        if self.seen(position):
            return
        if not self._kept:
            self._since = self.clock()
        self._kept += data
        self._position = position
        if data.endswith(b"\n"):
            self.flush()

    def pause(self) -> None:
        """The guest pauses between two slices: show what has waited."""
        if self._kept and self.clock() - self._since >= PATIENCE:
            self.flush()

    def flush(self) -> None:
        """Show all there is."""
        if self._kept:
            text = self._decode(bytes(self._kept))
            self._kept.clear()
            self.show(text, self._position)
