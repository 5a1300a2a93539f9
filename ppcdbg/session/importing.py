"""Traces of real hosts as sessions: no machine, no images, but the exits, and every event of KVM's as it was printed.

A position is the number of an event, and a tick is made of the time that stands in its line. What cannot be asked of
such a session says so in one sentence (``machines.read_machine``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ppcdbg.cpu.timers import TIMEBASE_HZ
from ppcdbg.errors import InputError
from ppcdbg.kvm import codes
from ppcdbg.session.files import remove
from ppcdbg.session.format import damaged
from ppcdbg.session.ftrace import Reading, TraceLine
from ppcdbg.session.store import IMPORTED, Store

STRINGS = "strings"
"""Keys of the file: what is known of the import; the texts that the rows of events number."""
ARGUMENTS = 5
PIECE = 4096
"""Events that are packed together."""
_TEXT, _HV = 15, 16
"""In the column that counts arguments: the text itself stands there; spelt as for e500mc."""
_M64 = (1 << 64) - 1
_LARGEST_EXIT = 0xFF


class _Strings:
    """Texts by number, each once."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        known = self._numbers.get(text)
        if known is None:
            known = self._numbers[text] = len(self.all)
            self.all.append(text)
        return known


def import_trace(source: Iterable[str], name: str, path: Path) -> dict[str, object]:
    """Read lines of ftrace into a new session file; what is known of it then. Raises InputError where no line is an
    event of KVM's, and the file is not made."""
    store = Store.new(path)
    try:
        facts = _fill(store, source, name)
        store.close()
    except BaseException:
        with suppress(Exception):
            store.close(keep=False)
        remove(path)
        raise
    return facts


def _fill(store: Store, source: Iterable[str], name: str) -> dict[str, object]:
    reading, strings = Reading(), _Strings()
    events: list[tuple[int, ...]] = []
    exits: list[tuple[int, ...]] = []
    count, exit_count, hv = 0, 0, False
    first = last = 0
    tasks: dict[str, int] = {}
    open_exit: dict[int, int] = {}
    for event in reading.read(source):
        first = event.time if count == 0 else min(first, event.time)
        last = max(last, event.time)
        hv = hv or event.hv
        row = exit_row(count, event)
        if row is not None:
            hv = hv or row[2] in _HV_EXITS
            open_exit[event.pid] = len(exits)
            exits.append(row)
            key = f"{event.task}-{event.pid}"
            tasks[key] = tasks.get(key, 0) + 1
        elif event.name == "kvm_userspace_exit" and event.pid in open_exit:
            at = open_exit.pop(event.pid)
            exits[at] = (*exits[at][:8], codes.RESUME_FLAG_HOST, *exits[at][9:])
        events.append(_row(event, strings))
        count += 1
        if len(events) == PIECE:
            store.add_chunk("event", count - PIECE, events)
            events = []
    store.add_chunk("event", count - len(events), events)
    if not count:
        raise InputError(
            f"{name} holds no event of the trace systems kvm and kvm_booke in {reading.lines:,} lines; it must be"
            " ftrace's text or that of `trace-cmd report`"
        )
    for at in range(0, len(exits), PIECE):
        store.add_chunk("exit", at, exits[at : at + PIECE])
    exit_count = len(exits)
    facts: dict[str, object] = {
        "file": name, "lines": reading.lines, "events": count, "exits": exit_count, "first": first, "last": last,
        "hv": hv, "tasks": tasks, "malformed": reading.malformed, "odd": [[n, text] for n, text in reading.odd],
        "lost": reading.lost, "others": dict(reading.others.most_common()),
    }  # fmt: skip
    store.set(IMPORTED, facts)
    store.set(STRINGS, strings.all)
    store.set("reached", [0, 0, 0])
    return facts


_HV_EXITS = frozenset({38, 39, 40, 41})


def tick_of(time: int) -> int:
    """The tick of a time in nanoseconds."""
    return time * (TIMEBASE_HZ // 1_000_000) // 1_000


def exit_row(number: int, event: TraceLine) -> tuple[int, ...] | None:
    """As ``columns.EXIT_COLUMNS``: the event's number, its tick, and what kvm_exit prints; None for another event."""
    if event.name != "kvm_exit" or event.args is None or event.args[0] > _LARGEST_EXIT:
        return None
    vector, pc, msr, dar, inst = event.args
    return number, tick_of(event.time), vector, pc, msr, dar, 0, inst, 0, codes.NO_EXIT_TYPE, 0


def _row(event: TraceLine, strings: _Strings) -> tuple[int, ...]:
    head = (event.time, event.cpu, event.pid, strings.number(event.task), strings.number(event.flags),
            strings.number(event.name))  # fmt: skip
    if event.args is None:
        return *head, _TEXT, strings.number(event.text), *(0,) * (ARGUMENTS - 1)
    args = [value & _M64 for value in event.args]
    return *head, len(args) | (_HV if event.hv else 0), *args, *(0,) * (ARGUMENTS - len(args))


def imported(store: Store) -> dict[str, object] | None:
    """What is known of the import that a session is; None for a recording."""
    facts = store.get(IMPORTED)
    if facts is None:
        return None
    if not isinstance(facts, dict):
        raise damaged(store.path, "what it says of its import is no table")
    return facts


def events(store: Store) -> Iterator[TraceLine]:
    """The events of an imported session in order."""
    strings = store.get(STRINGS, [])
    if not isinstance(strings, list) or not all(isinstance(text, str) for text in strings):
        raise damaged(store.path, "its texts are no list of texts")
    for row in store.log("event"):
        time, cpu, pid, task, flags, name, how, *args = row
        try:
            texts = strings[task], strings[flags], strings[name], strings[args[0]] if how == _TEXT else ""
        except IndexError:
            raise damaged(store.path, "an event names a text that is not there") from None
        count, values = how & _TEXT, None
        if how != _TEXT:
            if count > ARGUMENTS:
                raise damaged(store.path, f"an event has {count} arguments")
            values = tuple(value - (1 << 64) if name_signed(texts[2], n) and value >> 63 else value
                           for n, value in enumerate(args[:count]))  # fmt: skip
        yield TraceLine(
            time, cpu, pid, texts[0], texts[1], texts[2], texts[3], values, bool(how & _HV) and how != _TEXT
        )


def name_signed(name: str, argument: int) -> bool:
    """Whether an argument of an event can be negative: an errno."""
    return name == "kvm_userspace_exit" and argument == 1
