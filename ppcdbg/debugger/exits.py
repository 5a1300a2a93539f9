"""The log of exits under a filter: an index that grows with the log, so that a page of a long list is quick to show.

Without a filter the index is the log itself. Records are never copied.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ppcdbg.debugger.expressions import Compiled, compile_expression
from ppcdbg.debugger.quick import Plan, narrow, plan
from ppcdbg.debugger.scope import DebuggerScope
from ppcdbg.debugger.syntax import parse
from ppcdbg.errors import UsageError
from ppcdbg.kvm.log import ExitLog, KnownExits
from ppcdbg.kvm.records import ExitRecord

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


QUICKER = 100
"""Rows that are compared in the time of one record."""


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
        self._plan: Plan | None = None
        if self.text:
            scope = DebuggerScope(debugger, lambda: self._current, on_exits=True)
            self._compiled = compile_expression(self.text, scope)
            self._plan = plan(parse(self.text))

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
        if limit is not None and self._plan is not None:
            limit *= QUICKER if self._plan.exact else 1
        end = len(log) if limit is None else min(len(log), self._seen + limit)
        if self._compiled is not None:
            candidates = self._candidates(self._seen, end)
            sure = self._plan is not None and self._plan.exact and isinstance(log, ExitLog | KnownExits)
            self._matches += candidates if sure else [i for i in candidates if self.accepts(log[i])]
        self._seen = end
        return end == len(log)

    def _candidates(self, first: int, end: int) -> Iterable[int]:
        """Records that can pass, by their rows alone where those tell it."""
        log = self.log
        if self._plan is None or not isinstance(log, ExitLog | KnownExits):
            return range(first, end)
        rows = log.rows(first, end)
        return [first + i for i in narrow(self._plan.condition, rows, range(len(rows)))]

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
