"""How far a long run is: position, exits and speed, on a terminal, from half a second on."""

from __future__ import annotations

import time
from collections.abc import Callable

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.repl.output import Output
from ppcdbg.views.numbers import count
from ppcdbg.views.spans import fit, line

AFTER = 0.5
PERIOD = 0.2


class Progress:
    """One run: make it when the run begins and call ``pause`` whenever the guest pauses."""

    def __init__(self, debugger: Debugger, output: Output, clock: Callable[[], float] = time.monotonic) -> None:
        self.debugger, self.output, self.clock = debugger, output, clock
        self._start = self._seen = clock()
        self._from = self._before = debugger.position
        self._next = self._start + AFTER

    def pause(self) -> None:
        """Show a line when it is time; nothing of the guest is changed."""
        now = self.clock()
        if now < self._next:
            return
        d, speed = self.debugger, (self.debugger.position - self._before) / max(now - self._seen, 1e-6)
        self._seen, self._before, self._next = now, d.position, now + PERIOD
        exits = (f"   exit {count(len(d.exits))}", "position") if d.has_exits else ""
        self.output.progress(
            fit(
                line(
                    ("running ", "running"),
                    (f"insn {count(d.position)}", "position"),
                    exits,
                    (f"   {speed / 1e6:.1f} M/s   {now - self._start:.0f} s   Ctrl-C stops", "dim"),
                ),
                max(self.output.width() - 1, 1),
            )
        )
