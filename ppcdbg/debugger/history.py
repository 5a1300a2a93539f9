"""The values that print has shown, by gdb's names: ``$1``, ``$`` for the last, ``$$`` for the one before, ``$$3``.

A number of the history means a value as it was, not what the expression would give now.
"""

from __future__ import annotations

from ppcdbg.debugger.expressions import Value
from ppcdbg.debugger.syntax import U32
from ppcdbg.errors import UsageError


class Values:
    """The history of one debugger."""

    def __init__(self) -> None:
        self._all: list[Value] = []

    def __len__(self) -> int:
        return len(self._all)

    def add(self, value: Value) -> int:
        """Keep a value; its number."""
        self._all.append(value)
        return len(self._all)

    def has(self, name: str) -> bool:
        """Whether a name, without the first ``$``, is one of the history's."""
        return not name.strip("0123456789$") and "$" not in name[1:]

    def value(self, name: str) -> Value:
        """Raises UsageError for a number that is not there; an empty history gives 0, as gdb's void does."""
        back = name.startswith("$")
        digits = name.removeprefix("$")
        if not back and digits:
            number = int(digits)
        else:
            number = len(self._all) - (int(digits or 1) if back else 0)
        if not self._all and not digits:
            return Value(0, U32)
        if not 1 <= number <= len(self._all):
            raise UsageError(f"the history has no value ${name}; there are {len(self._all)}")
        return self._all[number - 1]
