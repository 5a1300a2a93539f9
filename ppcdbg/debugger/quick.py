"""Filters on exits that need no record: comparisons of what stands in the columns of the log.

A plan is a condition that every exit which passes the filter fulfils; where ``exact`` it is the filter itself. What
exits of one site have alike is compared once for the site: a million exits are gone through in the time that some
thousand records take to make.
"""

from __future__ import annotations

import operator
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ppcdbg.debugger.fields import SYNONYMS, exit_number
from ppcdbg.debugger.syntax import Binary, Name, Node, Number
from ppcdbg.kvm.blocks import COST, DEAR, ESR, MSR, PC, POSITION, TICK, VECTOR, Block, numbers

COLUMNS = {"insn": POSITION, "tick": TICK, "exit": VECTOR, "pc": PC, "msr": MSR, "dear": DEAR, "esr": ESR, "cost": COST}
"""Fields that have one number, by their column."""
BIGGEST = 1 << 32
"""Larger numbers may be converted before they are compared, as in C."""
_IN_SITE = {VECTOR: 0, PC: 1, MSR: 2, ESR: 3, COST: 8}
"""Those that are alike at one site, by their place in ``blocks.numbers``."""
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_ONLY = tuple(bytes(digit) + b"\1" + bytes(255 - digit) for digit in range(256))
_BELOW = tuple(b"\1" * digit + bytes(256 - digit) for digit in range(256))
_NOT = b"\1" + bytes(255)
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


def select(condition: Condition, block: Block, first: int, end: int) -> bytes:
    """A 1 for each of some exits of a block that fulfils a condition, and a 0 for each other."""
    if isinstance(condition, Comparison):
        return _compare(condition, block, first, end)
    found = select(condition.left, block, first, end)
    if isinstance(condition, Both):
        return both(found, select(condition.right, block, first, end)) if 1 in found else found
    return either(found, select(condition.right, block, first, end))


def both(a: bytes, b: bytes) -> bytes:
    """A 1 where both have one."""
    return (int.from_bytes(a, "little") & int.from_bytes(b, "little")).to_bytes(len(a), "little")


def either(a: bytes, b: bytes) -> bytes:
    """A 1 where one of them has one."""
    return (int.from_bytes(a, "little") | int.from_bytes(b, "little")).to_bytes(len(a), "little")


def _compare(condition: Comparison, block: Block, first: int, end: int) -> bytes:
    value, test = condition.value, _TESTS[condition.operator]
    at = _IN_SITE.get(condition.column)
    if at is not None:
        sites = block.sites
        return sites.mark(bytes(test(numbers(site)[at], value) for site in sites.table), first, end)
    if condition.column in (POSITION, TICK):  # they only grow
        low, high = block.bounds(condition.column)
        if test(low, value) and test(high, value) and condition.operator != "!=":
            return b"\1" * (end - first)
        if not low <= value <= high and not test(low, value):
            return bytes(end - first)
    return compared(block.column(condition.column)[first:end], condition.operator, value)


def compared(column: array[int], how: str, value: int) -> bytes:
    """A 1 for each number of a column that compares so with a value."""
    size, raw = column.itemsize, column.tobytes()
    if how in ("==", "!="):
        found = bytes(len(column)) if value >> 8 * size else _alike(raw, size, value)
    else:
        found = _less(raw, size, value + (how in ("<=", ">")))
    return found.translate(_NOT) if how in ("!=", ">", ">=") else found


def _less(raw: bytes, size: int, value: int) -> bytes:
    """A 1 for each number below a value: all of them at once, from the highest bytes on, for as long as some are alike
    so far. That takes a fraction of the time in which each is looked at."""
    count = len(raw) // size
    if value >> 8 * size:
        return b"\1" * count
    every = int.from_bytes(b"\1" * count, "little")
    found, alike = 0, every
    for at in range(size - 1, -1, -1):
        if not alike or not value & (1 << 8 * at + 8) - 1:  # what is left of the value is not above anything
            break
        plane, digit = raw[at::size], value >> 8 * at & 0xFF
        if plane.count(plane[0]) == count:
            if plane[0] != digit:
                found |= alike if plane[0] < digit else 0
                break
            continue
        found |= alike & int.from_bytes(plane.translate(_BELOW[digit]), "little")
        alike &= int.from_bytes(plane.translate(_ONLY[digit]), "little")
    return found.to_bytes(count, "little")


def _alike(raw: bytes, size: int, value: int) -> bytes:
    found = b"\1" * (len(raw) // size)
    for at in range(size):
        if 1 not in found:
            break
        found = both(found, raw[at::size].translate(_ONLY[value >> 8 * at & 0xFF]))
    return found


def conjuncts(node: Node) -> list[Node]:
    """What must all be true."""
    if isinstance(node, Binary) and node.operator == "&&":
        return [*conjuncts(node.left), *conjuncts(node.right)]
    return [node]
