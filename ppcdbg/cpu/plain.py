"""Plain data: what the state of any part is saved as, so that it can be compared, hashed and written to a file.

Every room gives and takes its own state in this form (``save``, ``restore``); nothing is pickled, and nothing of a
machine's insides leaks out. The readers here turn a value back into what it was saved from, or raise TypeError, which
says that a snapshot is broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

Plain: TypeAlias = "int | bool | bytes | str | None | Sequence[Plain] | Mapping[str, Plain]"
Saved: TypeAlias = Mapping[str, Plain]


class Saves(Protocol):
    """A part whose state can be taken out and put back."""

    def save(self) -> Saved:
        """All state that decides what happens next; caches are not state."""

    def restore(self, state: Saved) -> None:
        """Take a state that ``save`` gave; nothing happens by itself."""


def whole(value: Plain) -> int:
    """A saved number."""
    if not isinstance(value, int):
        raise TypeError(f"saved state holds {value!r} where a number belongs")
    return int(value)


def maybe(value: Plain) -> int | None:
    """A saved number, or nothing."""
    return None if value is None else whole(value)


def numbers(value: Plain) -> list[int]:
    """A saved list of numbers."""
    values = items(value)
    if {int}.issuperset(map(type, values)):  # thousands of them at each step back in time
        return list(values)  # type: ignore[arg-type]
    return [whole(item) for item in values]


def items(value: Plain) -> Sequence[Plain]:
    """A saved list."""
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"saved state holds {value!r} where a list belongs")
    return value


def octets(value: Plain) -> bytes:
    """Saved bytes."""
    if not isinstance(value, bytes):
        raise TypeError(f"saved state holds {value!r} where bytes belong")
    return value


def words(value: Plain) -> str:
    """Saved text."""
    if not isinstance(value, str):
        raise TypeError(f"saved state holds {value!r} where text belongs")
    return value


def table(value: Plain) -> Saved:
    """A saved table of named values."""
    if not isinstance(value, dict):
        raise TypeError(f"saved state holds {value!r} where a table belongs")
    return value


def attributes(thing: Any, names: Iterable[str]) -> dict[str, Plain]:
    """Number-like attributes by name."""
    return {name: getattr(thing, name) for name in names}


def put_attributes(thing: Any, names: Iterable[str], state: Saved) -> None:
    """Set attributes that ``attributes`` saved: numbers, or None where there was none."""
    for name in names:
        value = state[name]
        setattr(thing, name, value if isinstance(value, bool) else maybe(value))
