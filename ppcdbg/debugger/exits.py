"""The log of exits under a filter: an index that grows with the log, so that a page of a long list is quick to show.

Without a filter the index is the log itself. Records are never copied.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ppcdbg.debugger.expressions import Compiled, compile_expression
from ppcdbg.debugger.fields import exit_number
from ppcdbg.debugger.scope import DebuggerScope
from ppcdbg.debugger.syntax import Binary, Name, Node, Number, parse
from ppcdbg.errors import UsageError
from ppcdbg.kvm.log import ExitLog, KnownExits
from ppcdbg.kvm.records import ExitRecord

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


class ExitFilter:
    """The exits for which an expression is true (all for an empty one). Raises UsageError for a bad expression.

    ``whole``: while the guest stands in the past, the exits that came later too.
    """

    def __init__(self, debugger: Debugger, text: str = "", whole: bool = False) -> None:
        self.text = text.strip()
        exits = debugger.exits
        self.log: Sequence[ExitRecord] = KnownExits(exits) if whole and isinstance(exits, ExitLog) else exits
        self._history = self._histories()
        self._current: ExitRecord | None = None
        self._matches: list[int] = []
        self._seen = 0
        self.patience: int | None = None
        """How many records one question may look at; None: all that came. With 0 only ``extend`` looks."""
        self._compiled: Compiled | None = None
        self._vectors: frozenset[int] | None = None
        if self.text:
            scope = DebuggerScope(debugger, lambda: self._current, on_exits=True)
            self._compiled = compile_expression(self.text, scope)
            self._vectors = required_exits(parse(self.text))

    def _histories(self) -> int:
        return self.log.history if isinstance(self.log, ExitLog | KnownExits) else 0

    def accepts(self, record: ExitRecord) -> bool:
        """Whether one record passes; a record for which the expression has no value does not."""
        if self._compiled is None:
            return True
        self._current = record
        try:
            return self._compiled.true()
        except UsageError:
            return False

    def extend(self, limit: int | None = None) -> bool:
        """Look at records that came since, at most ``limit`` of them; true when the end is reached."""
        log = self.log
        if len(log) < self._seen or self._history != self._histories():  # the log was cut, or is another now
            self._seen, self._matches, self._history = 0, [], self._histories()
        end = len(log) if limit is None else min(len(log), self._seen + limit)
        if self._compiled is not None:
            self._matches += [i for i in self._candidates(self._seen, end) if self.accepts(log[i])]
        self._seen = end
        return end == len(log)

    def _candidates(self, first: int, end: int) -> Iterable[int]:
        """Records that can pass, by their exit number alone where the log gives that without making a record."""
        log, wanted = self.log, self._vectors
        if wanted is None or not isinstance(log, ExitLog | KnownExits):
            return range(first, end)
        vector = log.vector
        return (i for i in range(first, end) if vector(i) in wanted)

    def __len__(self) -> int:
        self.extend(self.patience)
        return len(self.log) if self._compiled is None else len(self._matches)

    def __getitem__(self, index: int) -> ExitRecord:
        """The record at a place of the filtered list."""
        if self._compiled is None:
            return self.log[index]
        self.extend(self.patience)
        return self.log[self._matches[index]]

    def page(self, first: int, count: int) -> list[ExitRecord]:
        """``count`` records from ``first`` on; fewer at the end."""
        total = len(self)
        return [self[i] for i in range(max(first, 0), min(first + count, total))]

    def same_kind(self, number: int | None, step: int) -> int | None:
        """The nearest exit of the log before (-1) or after (1) one of it that has its name; of the newest, if None."""
        log = self.log
        at = len(log) - 1 if number is None else number
        if not 0 <= at < len(log):
            return None
        seen = log.vector if isinstance(log, ExitLog | KnownExits) else lambda i: log[i].vector
        places = range(at + 1, len(log)) if step > 0 else range(at - 1, -1, -1)
        return next((i for i in places if seen(i) == seen(at)), None)

    def place(self, number: int) -> int:
        """Where the exit of this log index stands in the filtered list, or where it would stand."""
        if self._compiled is None:
            return min(number, len(self.log))
        self.extend(self.patience)
        return bisect_left(self._matches, number)


def required_exits(node: Node) -> frozenset[int] | None:
    """The exit numbers that a filter cannot be true without; None where it does not say."""
    if not isinstance(node, Binary):
        return None
    if node.operator in ("&&", "||"):
        left, right = required_exits(node.left), required_exits(node.right)
        if node.operator == "||":
            return None if left is None or right is None else left | right
        return right if left is None else left if right is None else left & right
    if node.operator != "==":
        return None
    for field, value in ((node.left, node.right), (node.right, node.left)):
        if isinstance(field, Name) and field.name.lower() in ("exit", "reason"):
            if isinstance(value, Number):
                return frozenset({value.value})
            number = exit_number(value.name) if isinstance(value, Name) else None
            return None if number is None else frozenset({number})
    return None
