"""Lines of ftrace text, as ``/sys/kernel/tracing/trace`` and ``trace-cmd report`` print them, read into events.

Nothing of a line is trusted: what is none is counted and named by its number, what is another subsystem's counted by
its event. Formats of the events are ``kvm.trace``'s.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ppcdbg.kvm.trace import format_event, parse_event

OURS = re.compile(r"kvm(_\w+)?")
"""Events of the trace systems kvm and kvm_booke."""
LONGEST = 4096
"""Characters of a line that are looked at."""
NAMED = 20
"""Odd lines that are remembered word for word; the others are counted."""
_LINE = re.compile(
    r"\s*(?P<task>.*\S|)-(?P<pid>\d{1,10})\s+(?:\(\s*[-\d]+\)\s+)?\[(?P<cpu>\d{1,5})\]\s+(?:(?P<flags>\D\S*)\s+)?"
    r"(?P<seconds>\d{1,10})\.(?P<fraction>\d{1,9}):\s+(?:(?:kvm|kvm_booke):)?(?P<name>\w+):(?:\s+(?P<text>.*))?"
)
_LOST = re.compile(r"CPU:?\s*\d+\s*\[LOST\s*(\d*)\s*EVENTS?\]", re.IGNORECASE)
_WRITTEN = re.compile(r"#\s*entries-in-buffer/entries-written:\s*(\d+)/(\d+)")
_HEAD = re.compile(r"(?:version\s*=|cpus\s*=|CPU\s+\d+\s+is empty|trace\.dat|<CANT FIND|##)")


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One event of KVM's. ``time`` in nanoseconds; ``args`` as ``kvm.trace`` has them, None where only the text is
    known; ``hv``: it is spelt as a kernel for e500mc spells it."""

    time: int
    cpu: int
    pid: int
    task: str
    flags: str
    name: str
    text: str
    args: tuple[int, ...] | None = None
    hv: bool = False


@dataclass
class Reading:
    """What a file had besides: ``odd`` lines with their numbers, how many there were, and what was not KVM's."""

    lines: int = 0
    malformed: int = 0
    odd: list[tuple[int, str]] = field(default_factory=list)
    lost: int = 0
    others: Counter[str] = field(default_factory=Counter)

    def read(self, lines: Iterable[str]) -> Iterator[TraceLine]:
        """The events in the order of the lines."""
        for line in lines:
            self.lines += 1
            line = line[:LONGEST].rstrip()
            if not line or _HEAD.match(line):
                continue
            if line.startswith("#"):
                if (m := _WRITTEN.match(line)) is not None:
                    self.lost += max(0, int(m[2]) - int(m[1]))
                continue
            if (m := _LOST.match(line.strip())) is not None:
                self.lost += int(m[1] or 1)
                continue
            found = _LINE.fullmatch(line)
            if found is None:
                self._odd(line)
            elif not OURS.fullmatch(found["name"]):
                self.others[found["name"]] += 1
            else:
                yield self._event(found)

    def _event(self, m: re.Match[str]) -> TraceLine:
        name, text = m["name"], m["text"] or ""
        time = int(m["seconds"]) * 1_000_000_000 + int(m["fraction"].ljust(9, "0"))
        args, hv = parse_event(name, text), False
        if args is not None:
            spelt = [format_event(name, args, each, spellings=False) == f"{name}: {text}" for each in (False, True)]
            args, hv = (args, not spelt[0]) if any(spelt) else (None, False)
        if args is None and name in _PARSED:
            self._odd(f"{name}: {text}")
        return TraceLine(time, int(m["cpu"]), int(m["pid"]), m["task"], m["flags"] or "", name, text, args, hv)

    def _odd(self, line: str) -> None:
        self.malformed += 1
        if len(self.odd) < NAMED:
            self.odd.append((self.lines, line[:120]))


_PARSED = frozenset({"kvm_exit"})
"""Events without whose numbers a session lacks something: their text is kept, and the line is named."""


def line_of(event: TraceLine) -> str:
    """The event as ftrace prints it, with its newline."""
    if event.args is None:
        text = f"{event.name}: {event.text}"
    else:
        text = format_event(event.name, event.args, event.hv)
    flags = f" {event.flags}" if event.flags else ""
    seconds = f"{event.time // 1_000_000_000}.{event.time % 1_000_000_000 // 1_000:06d}"
    return f"{event.task:>16}-{event.pid:<7} [{event.cpu:03d}]{flags} {seconds:>12}: {text}\n"
