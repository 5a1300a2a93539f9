"""What a recorder wants of whoever writes its file: it tells what happened, and waits for nothing but the end.

:class:`Threaded` has it written by a thread of the same process, :class:`~ppcdbg.session.elsewhere.Elsewhere` by
another process. Everything that is told is plain data, and :class:`~ppcdbg.session.scribe.Scribe` is who is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ppcdbg.session.scribe import Scribe
    from ppcdbg.session.store import Store

Stretch = tuple[int, int]
"""Real addresses of RAM: where something begins, and where it ends."""


class Writes(Protocol):
    """Every method raises InputError where the file cannot be written; from then on nothing is."""

    @property
    def kept(self) -> int | None:
        """The position up to which the file is known to hold the run; None: nothing is in it yet."""

    @property
    def hashing(self) -> float:
        """Seconds that the last hash took, to whoever worked it out."""

    def look(self, ram: memoryview, stretches: Iterable[Stretch]) -> None:
        """Tell what RAM has now where it may have been written."""

    def tell(self, name: str, *said: Any) -> None:
        """Have a method of the scribe called, after everything that was told before."""

    def settle(self) -> None:
        """Wait until all that was told is done."""


class Threaded:
    """Has it done on the thread behind a store; see ``Writes``."""

    def __init__(self, store: Store) -> None:
        from ppcdbg.session.scribe import Scribe

        self.store = store
        self.scribe: Scribe = Scribe(store)

    @property
    def kept(self) -> int | None:
        """See ``Writes``."""
        return self.scribe.kept

    @property
    def hashing(self) -> float:
        """See ``Writes``."""
        return self.scribe.hashing

    def look(self, ram: memoryview, stretches: Iterable[Stretch]) -> None:
        """See ``Writes``."""
        self.tell("look", [(begin, bytes(ram[begin:end])) for begin, end in stretches])

    def tell(self, name: str, *said: Any) -> None:
        """See ``Writes``."""
        self.store.later(lambda _: getattr(self.scribe, name)(*said))

    def settle(self) -> None:
        """See ``Writes``."""
        self.store.settle()
