"""The last audit of a nested exit: what its pane and its command show again. The guest at hand has no part in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ppcdbg.errors import UsageError
from ppcdbg.nested import examples
from ppcdbg.nested.audit import Audit, audit
from ppcdbg.nested.read import read_exit
from ppcdbg.nested.snapshot import Snapshot

OWN = ("right", "host-handled")


class NestedExits:
    """The audits of one debugger; ``last`` is None before the first, ``name`` says of what it was."""

    def __init__(self) -> None:
        self.last: Audit | None = None
        self.name = ""

    def of_files(self, paths: tuple[Path, ...]) -> Audit:
        """Audit the exit that files hold. Raises InputError and UsageError."""
        self.last, self.name = audit(read_exit(paths)), " ".join(path.name for path in paths)
        return self.last

    def of_example(self, name: str) -> Audit:
        """Audit one of the made exits. Raises UsageError for a name that is none."""
        if name not in names():
            raise UsageError(f"there is no example {name!r} of a nested exit; they are {', '.join(names())}")
        made: dict[str, Callable[[int], Snapshot]] = {"right": examples.right, "host-handled": examples.host_handled}
        made |= {mistake.name: mistake.make for mistake in examples.MISTAKES}
        self.last, self.name = audit(made[name](0)), f"example {name}"
        return self.last


def names() -> tuple[str, ...]:
    """The made exits: two that are right, and one with each mistake."""
    return (*OWN, *(mistake.name for mistake in examples.MISTAKES))
