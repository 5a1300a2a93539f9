"""The log of exits under a filter: an index that grows with the log, so that a page of a long list is quick to show.

Without a filter the index is the log itself. Records are never copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ppcdbg.debugger.expressions import Compiled, compile_expression, compile_node
from ppcdbg.debugger.judged import SITE, Judged, depends
from ppcdbg.debugger.marked import Marked
from ppcdbg.debugger.quick import Condition, both, conjuncts, plan, select
from ppcdbg.debugger.scope import DebuggerScope
from ppcdbg.debugger.syntax import parse
from ppcdbg.errors import UsageError
from ppcdbg.kvm.blocks import Block
from ppcdbg.kvm.log import ExitLog, KnownExits
from ppcdbg.kvm.records import ExitRecord

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


QUICKER, ALIKE = 100, 10
"""Exits that are compared, or found alike to ones before, in the time of one record."""
Step = Callable[[Block, int, int, int, bytes], bytes]
"""As ``Judged.select``."""


def _compared(condition: Condition, block: Block, start: int, first: int, end: int, among: bytes) -> bytes:
    return select(condition, block, first, end)


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
        self._matches = Marked()
        self._seen = 0
        self.patience: int | None = None
        """How many records one question may look at; None: all that came. With 0 only ``extend`` looks."""
        self._compiled: Compiled | None = None
        self._steps: list[Step] = []
        """What must be true, by blocks; what is quickest first."""
        self._costly = False
        self._rest: list[Compiled] = []
        if self.text:
            scope = DebuggerScope(debugger, lambda: self._current, on_exits=True)
            self._compiled = compile_expression(self.text, scope)
            if isinstance(self.log, ExitLog | KnownExits):
                self._split(scope)

    def _split(self, scope: DebuggerScope) -> None:
        """What of the filter columns tell, and what is left to ask."""
        node = parse(self.text)
        closed: list[Step] = []
        opened: list[Step] = []
        for part in conjuncts(node):
            told, places = plan(part), depends(part)
            if told is not None and told.exact and places != frozenset({SITE}):
                continue  # the plan has all of it
            compiled = compile_node(part, self.text, scope)
            if places is None:
                self._rest.append(compiled)
                continue
            judged = Judged(places, partial(self._true, compiled))
            (opened if judged.open else closed).append(judged.select)
        found = plan(node)
        compared = [] if found is None else [partial(_compared, found.condition)]
        self._steps = [*closed, *compared, *opened]
        self._costly = bool(opened)

    def _histories(self) -> int:
        return self.log.history if isinstance(self.log, ExitLog | KnownExits) else 0

    def accepts(self, record: ExitRecord) -> bool:
        """Whether one record passes; a record for which the expression has no value does not."""
        return self._compiled is None or self._holds(self._compiled, record)

    def _true(self, compiled: Compiled, number: int) -> bool:
        return self._holds(compiled, self.log[number])

    def _holds(self, compiled: Compiled, record: ExitRecord) -> bool:
        self._current = record
        try:
            return compiled.true()
        except UsageError:
            return False

    def extend(self, limit: int | None = None) -> bool:
        """Look at records that came since, at most ``limit`` of them; true when the end is reached."""
        log = self.log
        if len(log) < self._seen or self._history != self._histories():  # the log was cut, or is another now
            self._seen, self._matches, self._history = 0, Marked(), self._histories()
        if self._compiled is None:
            return True
        if limit is not None and isinstance(log, ExitLog | KnownExits):
            limit *= 1 if self._rest else ALIKE if self._costly else QUICKER
        end = len(log) if limit is None else min(len(log), self._seen + limit)
        self._look(range(self._seen, end))
        self._seen = end
        return end == len(log)

    def _look(self, exits: range) -> None:
        """Mark those of some exits that pass."""
        log = self.log
        if not isinstance(log, ExitLog | KnownExits):
            self._matches.add(exits.start, bytes(self.accepts(log[i]) for i in exits))
            return
        for start, block, first, end in log.blocks(exits.start, exits.stop):
            passing = b"\1" * (end - first)
            for step in self._steps:
                if 1 in passing:
                    passing = both(passing, step(block, start, first, end, passing))
            for compiled in self._rest:
                numbers = range(start + first, start + end)
                passing = bytes(one and self._true(compiled, i) for i, one in zip(numbers, passing, strict=True))
            self._matches.add(start + first, passing)

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
        return self._matches.below(number)
