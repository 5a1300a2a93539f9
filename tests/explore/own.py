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
    """Somebody presses Ctrl-C, once, when a process judges its fortieth schedule.

    ``PRESSED`` names a file that is there from then on: a second press would end the search without a report.
    """

    name = "interrupts"
    word = "never"
    about = "none"

    def __init__(self) -> None:
        self.left = 40

    def broken(self, outcome: Outcome, bounds: Bounds) -> str:
        self.left -= 1
        if not self.left and _first_of_all():
            first = current_process().name == "MainProcess"
            os.kill(os.getpid() if first else os.getppid(), signal.SIGINT)
        return ""


def _first_of_all() -> bool:
    """Whether no process was here before."""
    try:
        os.close(os.open(os.environ["PRESSED"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
