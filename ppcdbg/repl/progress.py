"""How far a long command is, on a terminal, from half a second on."""

from __future__ import annotations

import time
from collections.abc import Callable

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.repl.output import Output
from ppcdbg.views import progress
from ppcdbg.views.spans import fit

PERIOD = 0.2


class Progress:
    """One command: make it when that begins and call ``pause`` whenever the debugger pauses."""

    def __init__(self, debugger: Debugger, output: Output, clock: Callable[[], float] = time.monotonic) -> None:
        self.output = output
        self._shown = progress.Progress(debugger, "Ctrl-C", clock)

    def pause(self) -> None:
        """Show a line when it is time; nothing of the guest is changed."""
        if self._shown.due(PERIOD):
            self.output.progress(fit(self._shown.line(), max(self.output.width() - 1, 1)))
