"""Named moments with notes. A session file that is replayed keeps its own, as far as the run is still the file's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ppcdbg.debugger.positions import NAME, RESERVED
from ppcdbg.debugger.sessionfile import SessionFile
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.session.store import Bookmark, Store


@dataclass(frozen=True, slots=True)
class Place:
    """A bookmark: a position, and the exits handled before it."""

    name: str
    position: int
    exits: int
    note: str = ""


@dataclass(frozen=True)
class Places:
    """The bookmarks, in order of time."""

    rows: tuple[Place, ...]
    start: int
    end: int
    now: int


class Bookmarks(Mapping[str, Place]):
    """The bookmarks of one debugger. Each change says in words what became of it: "" where there is no file.

    ``parted`` gives the position at which the run ceased to be the file's, None while it is the same.
    """

    def __init__(self, file: SessionFile, parted: Callable[[], int | None]) -> None:
        self._file, self._parted = file, parted
        self._places: dict[str, Place] = {}
        self.changed: list[Callable[[], None]] = []
        """Called after each change: whoever writes the run down elsewhere."""
        for b in file.read(lambda store: store.bookmarks()):
            self._places[b.name] = Place(b.name, b.position, b.steps, b.note)

    def __getitem__(self, name: str) -> Place:
        return self._places[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def rows(self) -> tuple[Place, ...]:
        """In order of time."""
        return tuple(sorted(self._places.values(), key=lambda place: (place.position, place.exits, place.name)))

    def of_file(self) -> list[Bookmark]:
        """As a session file has them."""
        from ppcdbg.session.store import Bookmark

        return [Bookmark(p.name, p.position, p.exits, p.note) for p in self.rows]

    def find(self, name: str) -> Place:
        """Raises UsageError for a name that there is not."""
        if name not in self._places:
            there = ", ".join(place.name for place in self.rows) or "none"
            raise UsageError(f"there is no bookmark {name!r}; there are: {there}")
        return self._places[name]

    def set(self, place: Place) -> str:
        """Put one in, in place of one of the same name. Raises UsageError for what is no name."""
        if not NAME.fullmatch(place.name) or place.name in RESERVED:
            none = ", ".join(RESERVED)
            raise UsageError(
                f"a bookmark's name is a word such as before_panic, and none of {none}; not {place.name!r}"
            )
        from ppcdbg.session.store import Bookmark

        self._places[place.name] = place
        return self._write(
            place, lambda store: store.set_bookmark(Bookmark(place.name, place.position, place.exits, place.note))
        )

    def delete(self, name: str) -> str:
        place = self.find(name)
        del self._places[name]
        return self._write(place, lambda store: store.drop_bookmark(name))

    def rename(self, name: str, other: str) -> str:
        """Raises UsageError where the other name is taken, or none."""
        place = self.find(name)
        if other in self._places:
            raise UsageError(f"there is a bookmark {other} already")
        said = self.set(replace(place, name=other))
        self.delete(name)
        return said

    def _write(self, place: Place, act: Callable[[Store], None]) -> str:
        for tell in self.changed:
            tell()
        path, parted = self._file.path, self._parted()
        if path is not None and parted is not None and place.position > parted:
            return f"; not in {path}, whose run this has not been since position {parted:,}"
        kept = f"; {path} has it so" if path is not None and place.name in self._places else ""
        return self._file.write(act) or kept
