"""The log of the modelled host's kernel: its lines, and the limit on what a guest can make it print.

A line is printed at once and never waits; the oldest ones go when the buffer is full, as in the kernel's ring. Who may
print how often is lib/ratelimit.c's rule, with a state for each place that prints. Time is the machine's clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ppcdbg.cpu.plain import Plain, Saved, attributes, items, put_attributes, table, whole, words

EMERG, ALERT, CRIT, ERR, WARNING, NOTICE, INFO, DEBUG = range(8)
LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
"""By number: the words of dmesg."""
BURST, INTERVAL_S = 10, 5
"""DEFAULT_RATELIMIT_BURST and _INTERVAL (include/linux/ratelimit_types.h)."""
RING = 1 << 17
"""Bytes of text that the buffer holds (CONFIG_LOG_BUF_SHIFT 17)."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: when, in ticks; its level (0 is the most urgent); its text."""

    tick: int
    level: int
    text: str


_STATE = ("begin", "printed", "missed", "total", "held")


class KernelBug(Exception):
    """BUG() or an oops in the modelled kernel: the guest ends here. The message is a sentence for the user."""


class Ratelimit:
    """``struct ratelimit_state`` of one place, in jiffies. ``total`` and ``held`` count over the whole run."""

    def __init__(self) -> None:
        self.begin = -1
        """the jiffy at which the window began; -1 before the first"""
        self.printed = 0
        self.missed = 0
        """held back in this window, and not yet told of"""
        self.total = 0
        self.held = 0

    def ask(self, jiffies: int, interval: int) -> tuple[bool, int]:
        """___ratelimit: whether to go ahead, and how many were held back in a window that has ended before this."""
        self.total += 1
        told = 0
        if self.begin < 0:
            self.begin = jiffies
        if jiffies > self.begin + interval:
            told, self.missed = self.missed, 0
            self.begin, self.printed = jiffies, 0
        if self.printed < BURST:
            self.printed += 1
            return True, told
        self.missed += 1
        self.held += 1
        return False, told


class HostLog:
    """What the host's dmesg shows. ``jiffy``: ticks of one; ``hz``: how many of them a second has."""

    def __init__(self, jiffy: int, hz: int) -> None:
        self._jiffy, self._interval = jiffy, INTERVAL_S * hz
        self.lines: deque[LogLine] = deque()
        self.limits: dict[str, Ratelimit] = {}
        """By the function that prints."""
        self._bytes = 0
        self.overwritten = 0
        """Lines that the buffer has lost."""

    def print(self, tick: int, level: int, *texts: str) -> None:
        """printk, of one line and more."""
        for text in texts:
            self.lines.append(LogLine(tick, level, text))
            self._bytes += len(text)
        while self._bytes > RING:
            self._bytes -= len(self.lines.popleft().text)
            self.overwritten += 1

    def limited(self, tick: int, function: str, lines: tuple[tuple[int, str], ...], limit: bool = True) -> bool:
        """Lines of one event, printed only if ``function`` may; false when they were held back. The first event after a
        window with some held back is preceded by how many. Without ``limit`` they are counted alone."""
        state = self.limits.setdefault(function, Ratelimit())
        if limit:
            ahead, told = state.ask(tick // self._jiffy, self._interval)
            if told:
                self.print(tick, WARNING, f"{function}: {told} callbacks suppressed")
        else:
            state.total += 1
            ahead = True
        if ahead:
            for level, text in lines:
                self.print(tick, level, text)
        return ahead

    def asked(self, function: str) -> Ratelimit:
        """The state of one place; one that has printed nothing has counted nothing."""
        return self.limits.get(function, Ratelimit())

    def save(self) -> Saved:
        """See ``plain.Saves``."""
        lines: list[Plain] = [[each.tick, each.level, each.text] for each in self.lines]
        limits: dict[str, Plain] = {name: attributes(state, _STATE) for name, state in sorted(self.limits.items())}
        return {"lines": lines, "limits": limits, "overwritten": self.overwritten}

    def restore(self, state: Saved) -> None:
        """See ``plain.Saves``."""
        self.lines.clear()
        self._bytes = 0
        for row in items(state["lines"]):
            tick, level, text = items(row)
            self.print(whole(tick), whole(level), words(text))
        self.overwritten = whole(state["overwritten"])
        self.limits = {}
        for name, kept in table(state["limits"]).items():
            put_attributes(self.limits.setdefault(name, Ratelimit()), _STATE, table(kept))
