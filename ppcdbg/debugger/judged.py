"""A condition on exits that is asked once for all that are alike in everything it depends on.

Of a million exits some hundred are different: the same instructions at the same places. Which columns of the log a
condition depends on is known for the fields below; a condition that names another field, a register or memory is asked
of each record.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from itertools import compress
from typing import Any

from ppcdbg.debugger.fields import FIELDS, SYNONYMS
from ppcdbg.debugger.syntax import Binary, Cast, Name, Node, Number, Register, Text, Unary
from ppcdbg.kvm.columns import ABOUT, COST, DEAR, ESR, MSR, PC, VECTOR, Columns

_DEPENDS = {
    "exit": (VECTOR,), "pc": (PC,), "symbol": (PC,), "msr": (MSR,), "user": (MSR,), "dear": (DEAR,), "esr": (ESR,),
    "cost": (COST,), "inst": (ABOUT,), "spr": (ABOUT,), "did": (ABOUT,), "cause": (ABOUT, PC, DEAR, ESR),
}  # fmt: skip
"""Fields by the columns that their values are made of."""


def depends(node: Node) -> tuple[int, ...] | None:
    """The columns that a condition depends on, in order; None where it depends on more than columns."""
    found = _columns(node)
    return None if found is None else tuple(sorted(found))


def _columns(node: Node) -> set[int] | None:
    match node:
        case Number() | Text():
            return set()
        case Register():
            return None
        case Name():
            name = node.name.lower().partition(".")[0]
            name = SYNONYMS.get(name, name)
            if name in FIELDS:
                return set(_DEPENDS[name]) if name in _DEPENDS else None
            return set()  # a symbol or a constant
        case Unary() if node.operator == "*":
            return None
        case Unary() | Cast():
            return _columns(node.operand)
        case Binary():
            left, right = _columns(node.left), _columns(node.right)
            return None if left is None or right is None else left | right


class Judged:
    """The verdicts of one condition so far. ``ask`` gives that on one exit by its number."""

    def __init__(self, columns: Columns, places: Sequence[int], ask: Callable[[int], bool]) -> None:
        self._columns, self._places, self._ask = columns, places, ask
        self._verdicts: dict[Any, bool] = {}

    def passing(self, exits: Sequence[int], end: int) -> list[int]:
        """Those of some exits, all before ``end``, that pass; in order."""
        made = [self._columns.column(place, end) for place in self._places]
        if self._places == (ABOUT,) and not self._columns.told:
            self._verdicts.clear()
        if len(made) == 1:
            keys: Any = _of(made[0], exits)
        else:
            keys = list(zip(*(_of(one, exits) for one in made), strict=True))
        verdicts, ask = self._verdicts, self._ask
        new = set(keys).difference(verdicts)
        if new:
            place = dict(zip(reversed(keys), reversed(exits))) if len(new) > 64 else None
            for key in new:
                verdicts[key] = ask(exits[keys.index(key)] if place is None else place[key])
        return list(compress(exits, map(verdicts.__getitem__, keys)))


def _of(column: array[int], exits: Sequence[int]) -> Sequence[int]:
    """The numbers of some exits."""
    if isinstance(exits, range):
        return column[exits.start : exits.stop].tolist()
    return list(map(column.__getitem__, exits))
