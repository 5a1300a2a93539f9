"""The session file that is replayed, as the place where bookmarks, notes and branches are kept; what is recorded in it
stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ppcdbg.errors import InputError
from ppcdbg.paths import ships

if TYPE_CHECKING:
    from ppcdbg.session.store import Store

T = TypeVar("T")
UNKEPT = "; for now only: "
"""How it begins when something could not be written, and why."""


def identity_of(store: Store) -> bytes:
    """What tells the session of one guest from that of another."""
    from ppcdbg.session.checkpoints import identity

    return identity(store)


class SessionFile:
    """``path`` None: no file is replayed, and nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._identity = self.read(lambda store: [identity_of(store)])

    def read(self, act: Callable[[Store], list[T]]) -> list[T]:
        """What is in the file; nothing without one. Raises InputError."""
        if self.path is None:
            return []
        from ppcdbg.session.store import Store

        store = Store.open(self.path)
        try:
            return act(store)
        finally:
            store.close()

    def write(self, act: Callable[[Store], None]) -> str:
        """Put something in, all of it or nothing: "" where there is no file or it has it, otherwise why it has not."""
        if self.path is None:
            return ""
        if ships(self.path):
            return f"{UNKEPT}{self.path} ships with ppcdbg and stays as it is; a copy of it would keep it"
        from ppcdbg.session.store import Store

        try:
            store = Store.open(self.path)
            try:
                if [identity_of(store)] != self._identity:
                    return f"{UNKEPT}{self.path} is another session by now"
                store.alone(lambda: act(store))
            finally:
                store.close()
        except InputError as error:
            return f"{UNKEPT}{error}"
        return ""
