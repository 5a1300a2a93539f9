"""A condition as a user would write one."""

from __future__ import annotations

import os
import signal
from multiprocessing import current_process

from ppcdbg.explore.conditions import Bounds
from ppcdbg.explore.outcome import Outcome


class NeverAtAll:
    """For a guest that must not be interrupted."""

    name = "never-at-all"
    word = "came"
    about = "no interrupt comes"

    def broken(self, outcome: Outcome, bounds: Bounds) -> str:
        return f"{outcome.schedule[0].source.name} came"


class InterruptsTheSearch:
    """Somebody presses Ctrl-C while the forty-first schedule is judged."""

    name = "interrupts"
    word = "never"
    about = "none"

    def __init__(self) -> None:
        self.left = 40

    def broken(self, outcome: Outcome, bounds: Bounds) -> str:
        self.left -= 1
        if not self.left:
            first = current_process().name == "MainProcess"
            os.kill(os.getpid() if first else os.getppid(), signal.SIGINT)
        return ""
