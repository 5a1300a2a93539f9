"""Filters on exits that need no record: comparisons of what stands in a row of the log as it is kept.

A plan is a condition that every exit which passes the filter fulfils; where ``exact`` it is the filter itself. A
million rows are gone through in the time that some thousand records take to make.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ppcdbg.debugger.fields import SYNONYMS, exit_number
from ppcdbg.debugger.syntax import Binary, Name, Node, Number

COLUMNS = {"insn": 0, "tick": 1, "exit": 2, "pc": 3, "msr": 4, "dear": 5, "esr": 6, "cost": -1}
"""Fields that have one number, by their place in a row of :class:`ppcdbg.kvm.log.ExitLog`, whoever wrote it."""
BIGGEST = 1 << 32
"""Larger numbers may be converted before they are compared, as in C."""
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """``row[column] OPERATOR value``."""

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
    if column is None or name == "exit" and how != "==":
        return None
    if isinstance(value, Number):
        return Comparison(column, how, value.value) if value.value < BIGGEST else None
    number = exit_number(value.name) if name == "exit" and isinstance(value, Name) else None
    return None if number is None else Comparison(column, how, number)


def narrow(condition: Condition, rows: Sequence[Row], places: Sequence[int]) -> Sequence[int]:
    """Those of the places whose rows fulfil a condition, in order."""
    if isinstance(condition, Comparison):
        column, value = condition.column, condition.value
        match condition.operator:  # spelled out: a call for each row would cost as much again
            case "==":
                return [i for i in places if rows[i][column] == value]
            case ">=":
                return [i for i in places if rows[i][column] >= value]
            case "<":
                return [i for i in places if rows[i][column] < value]
        test = _TESTS[condition.operator]
        return [i for i in places if test(rows[i][column], value)]
    if isinstance(condition, Both):
        return narrow(condition.right, rows, narrow(condition.left, rows, places))
    return sorted({*narrow(condition.left, rows, places), *narrow(condition.right, rows, places)})
