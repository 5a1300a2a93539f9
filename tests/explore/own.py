"""A condition as a user would write one."""

from __future__ import annotations

from ppcdbg.explore.conditions import Bounds
from ppcdbg.explore.outcome import Outcome


class NeverAtAll:
    """For a guest that must not be interrupted."""

    name = "never-at-all"
    word = "came"
    about = "no interrupt comes"

    def broken(self, outcome: Outcome, bounds: Bounds) -> str:
        return f"{outcome.schedule[0].source.name} came"
