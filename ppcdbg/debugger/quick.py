"""Filters on exits that need no record: comparisons of what stands in the columns of the log.

A plan is a condition that every exit which passes the filter fulfils; where ``exact`` it is the filter itself. A
million exits are gone through in the time that some thousand records take to make.
"""

from __future__ import annotations

import operator
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from typing import Any

from ppcdbg.debugger.fields import SYNONYMS, exit_number
from ppcdbg.debugger.syntax import Binary, Name, Node, Number
from ppcdbg.kvm.columns import COST, DEAR, ESR, MSR, PC, POSITION, TICK, VECTOR, Columns

COLUMNS = {"insn": POSITION, "tick": TICK, "exit": VECTOR, "pc": PC, "msr": MSR, "dear": DEAR, "esr": ESR, "cost": COST}
"""Fields that have one number, by their column."""
BIGGEST = 1 << 32
"""Larger numbers may be converted before they are compared, as in C."""
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {"<": ">=", ">": "<=", "<=": ">", ">=": "<", "==": "!=", "!=": "=="}
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """``column OPERATOR value``."""

    column: int
    operator: str
    value: int


@dataclass(frozen=True, slots=True)
class Both:
    left: Condition
    right: Condition


@dataclass(frozen=True, slots=True)
class Either:
    left: Condition
    right: Condition


Condition = Comparison | Both | Either


@dataclass(frozen=True, slots=True)
class Plan:
    condition: Condition
    exact: bool


def plan(node: Node) -> Plan | None:
    """What of a filter can be told from rows; None where nothing can."""
    if not isinstance(node, Binary):
        return None
    if node.operator in ("&&", "||"):
        left, right = plan(node.left), plan(node.right)
        if left is not None and right is not None:
            whole = Both if node.operator == "&&" else Either
            return Plan(whole(left.condition, right.condition), left.exact and right.exact)
        found = left or right
        return Plan(found.condition, False) if found is not None and node.operator == "&&" else None
    if node.operator not in _TESTS:
        return None
    for field, value, how in (
        (node.left, node.right, node.operator),
        (node.right, node.left, _MIRRORED[node.operator]),
    ):
        found_one = _comparison(field, value, how)
        if found_one is not None:
            return Plan(found_one, True)
    return None


def _comparison(field: Node, value: Node, how: str) -> Comparison | None:
    if not isinstance(field, Name):
        return None
    name = field.name.lower()
    name = SYNONYMS.get(name, name)
    column = COLUMNS.get(name)
    if column is None or name == "exit" and how not in ("==", "!="):
        return None
    if isinstance(value, Number):
        return Comparison(column, how, value.value) if value.value < BIGGEST else None
    number = exit_number(value.name) if name == "exit" and isinstance(value, Name) else None
    return None if number is None else Comparison(column, how, number)


def narrow(condition: Condition, columns: Columns, exits: Sequence[int], end: int) -> Sequence[int]:
    """Those of some exits, all before ``end``, that fulfil a condition, in order."""
    if isinstance(condition, Comparison):
        return _compare(condition, columns.column(condition.column, end), exits)
    if isinstance(condition, Both):
        for part in sorted(_parts(condition), key=_effort):
            exits = narrow(part, columns, exits, end)
        return exits
    found = narrow(condition.left, columns, exits, end)
    rest = narrow(_negated(condition.left), columns, exits, end)
    return sorted((*found, *narrow(condition.right, columns, rest, end)))


def _parts(condition: Condition) -> list[Condition]:
    if isinstance(condition, Both):
        return [*_parts(condition.left), *_parts(condition.right)]
    return [condition]


def _effort(condition: Condition) -> int:
    """What is quickest first, and then what lets the least through."""
    if isinstance(condition, Comparison):
        return 0 if condition.column == VECTOR else 1 if condition.operator == "==" else 2
    return 3


def _negated(condition: Condition) -> Condition:
    if isinstance(condition, Comparison):
        return Comparison(condition.column, _OPPOSITE[condition.operator], condition.value)
    whole = Either if isinstance(condition, Both) else Both
    return whole(_negated(condition.left), _negated(condition.right))


def _compare(condition: Comparison, column: array[int], exits: Sequence[int]) -> list[int]:
    value, test = condition.value, _TESTS[condition.operator]
    if not isinstance(exits, range):
        found: Iterable[int] = map(column.__getitem__, exits)
    elif column.typecode == "B":
        table = bytes(test(number, value) for number in range(256))
        return list(compress(exits, column[exits.start : exits.stop].tobytes().translate(table)))
    else:
        found = column[exits.start : exits.stop]
    return list(compress(exits, map(test, found, repeat(value))))


def conjuncts(node: Node) -> list[Node]:
    """What must all be true."""
    if isinstance(node, Binary) and node.operator == "&&":
        return [*conjuncts(node.left), *conjuncts(node.right)]
    return [node]
