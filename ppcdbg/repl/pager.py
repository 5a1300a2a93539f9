"""Results longer than the screen go through the user's pager: ``$PAGER``, or less.

Only at a prompt, and only a whole result: what comes while the guest runs is never held back.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping

LESS = "FRX"
"""What less is told unless ``LESS`` says otherwise: leave at once what fits, show colours, leave the screen alone."""


class Pager:
    """A command that reads text. ``None`` from ``of`` means that there is none to be used."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self.command, self.environment = command, environment

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Pager | None:
        """The pager of a user: PAGER, where it is not empty and not cat; else less, where it is installed."""
        command = shlex.split(environment.get("PAGER", "less"))
        if not command or command[0] == "cat" or shutil.which(command[0]) is None:
            return None
        return cls(command, {"LESS": LESS, **environment})

    def show(self, text: str, height: int) -> bool:
        """Show the text; False when it is short, or the pager does not start, and was not shown."""
        if text.count("\n") < height - 1:
            return False
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the pager's while that runs
        try:
            subprocess.run(self.command, input=text, text=True, env=self.environment, check=False)
        except OSError:
            return False
        finally:
            signal.signal(signal.SIGINT, before)
        return True


def screen_height() -> int:
    """Rows of the terminal, less those that the prompt and its bar take."""
    return shutil.get_terminal_size((80, 24)).lines - 2


def of_environment() -> Pager | None:
    """The pager that this process's environment names."""
    return Pager.of(os.environ)
