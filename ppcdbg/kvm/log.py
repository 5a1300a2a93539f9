"""What is kept of every exit, compactly.

An exit costs one tuple: the run loop's, or ``words.ROW`` for one that compiled code handled. What compiled code handled
in one go is kept as the bytes that it wrote until somebody reads a row. The :class:`ExitRecord` of a row is made when
somebody reads that. Of a long log the beginning is put away (:mod:`.archive`), so that memory stays bounded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, overload

from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.plain import Saved, whole
from ppcdbg.kvm.archive import BLOCK, Archive
from ppcdbg.kvm.codes import EMULATE_DONE, EMULATE_NAMES, HCALL_NAMES, NO_EXIT_TYPE, RESUME_NAMES, exit_type_name
from ppcdbg.kvm.notes import instruction
from ppcdbg.kvm.records import Action, Did, ExitRecord
from ppcdbg.kvm.trace import exit_name
from ppcdbg.kvm.words import NUMBERS, ROW

# What an action tuple begins with; the rest depends on it (see ``action``).
(EMULATED, REFLECTED, MAPPED, MAPPED_MAGIC, MMIO, HYPERCALL, QUEUED, FAILED, HOST, DEBUG, FETCH, USERSPACE,
 RESCHED) = range(13)  # fmt: skip
Compact = tuple[Any, ...]
Kept = Compact | bytes
"""A row, or two and more of compiled code's as it wrote them."""
WRITES = 0x100
"""In the third word of a row of compiled code: a device was written. The lowest byte is the size of the access."""
AT_HAND = 1 << 17
"""Rows that are never put away, the last ones; there are twice as many at most, but while a later state is known."""
PACKED = 64
"""Rows of compiled code from which on it is worth while to leave them as they are."""
RECORDED = 11
"""Numbers of a row as a recording has it: how the exit began and how it ended."""

_DEAR_ESR_INST = frozenset({"dear", "esr", "inst"})
_CAPTURED_PR: dict[int, frozenset[str]] = {
    2: frozenset({"dear", "esr"}), 3: frozenset({"esr"}), 5: frozenset({"dear", "esr"}), 6: frozenset({"esr", "inst"}),
    13: _DEAR_ESR_INST, 15: frozenset({"inst"}),
}  # fmt: skip
_CAPTURED_HV: dict[int, frozenset[str]] = {
    2: _DEAR_ESR_INST, 3: frozenset({"esr"}), 5: frozenset({"dear", "esr"}), 6: frozenset({"esr"}),
    13: _DEAR_ESR_INST, 41: frozenset({"inst"}), 42: _DEAR_ESR_INST,
}  # fmt: skip


def action(compact: Compact) -> Action:
    """The readable form of one action tuple."""
    kind, rest = compact[0], compact[1:]
    if kind == EMULATED:
        word, result, value = rest
        note = instruction(word) if result == EMULATE_DONE else f"{instruction(word)}: {EMULATE_NAMES[result]}"
        return Action(Did.EMULATED, word=word, result=result, value=value, note=note)
    if kind == REFLECTED:
        return Action(Did.REFLECTED, priority=rest[0])
    if kind == MAPPED:
        ea, gpa, size, tlbsel, esel = rest
        return Action(Did.MAPPED, ea=ea, gpa=gpa, size=size, note=f"TLB{tlbsel}[{esel}]")
    if kind == MAPPED_MAGIC:
        return Action(Did.MAPPED_MAGIC, ea=rest[0], size=4096)
    if kind == MMIO:
        word, gpa, size, value, write, device = rest
        return Action(Did.MMIO, word=word, gpa=gpa, size=size, value=value, write=write, device=device)
    if kind == HYPERCALL:
        token, args, results = rest
        return Action(
            Did.HYPERCALL, token=token, args=args, results=results, note=HCALL_NAMES.get(token, f"{token:#010x}")
        )
    if kind == QUEUED:
        return Action(Did.QUEUED, priority=rest[0])
    if kind == USERSPACE:
        return Action(Did.USERSPACE, left=rest[0], note=rest[0].name)
    if kind == RESCHED:
        return Action(Did.RESCHED, value=rest[0], note="need_resched")
    if kind == FAILED:
        return Action(Did.FAILED, word=rest[0], note=rest[1])
    if kind == FETCH:
        return Action(Did.FETCH_FAULT, note=f"{VECTORS[rest[0]].name}, {rest[1]}")
    return Action(Did.HOST if kind == HOST else Did.DEBUG, note=rest[0])


class _Records(Sequence[ExitRecord]):
    """Records by number, each made when it is read. ``were``: what its exits are, for who asks for one that is none."""

    were: ClassVar[str]

    def _record(self, index: int) -> ExitRecord:
        raise NotImplementedError

    @overload
    def __getitem__(self, index: int) -> ExitRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[ExitRecord]: ...
    def __getitem__(self, index: int | slice) -> ExitRecord | list[ExitRecord]:
        if isinstance(index, slice):
            return [self._record(i) for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"there is no exit {index}; {len(self)} were {self.were}")
        return self._record(index % len(self))


class ExitLog(_Records):
    """Every exit of a run in order. Appending is O(1); reading makes the record."""

    were = "taken"

    def __init__(self, hv: bool, device_at: Callable[[int], str], each: bool = False) -> None:
        """``each``: in HV mode every exit that may need the instruction has it (:mod:`ppcdbg.kvm.fetch`)."""
        self._old = Archive()
        """The rows before those of ``_rows``; nothing is put away while ``_seen`` holds any."""
        self._rows: list[Kept] = []
        """The last item is a row, if there is any: what is at hand can be answered and taken back."""
        self._more = 0
        """Rows beyond one that the items have, all together."""
        self._read = 0
        """Items at the beginning that are known to be rows."""
        self._batched = False
        """Whether an item after those is bytes."""
        self._starts: list[int] = []
        """The numbers of the exits that the items after those begin with, as far as somebody asked."""
        self._covered = 0
        """How many exits the items up to there have."""
        self._captured = _CAPTURED_HV if hv else _CAPTURED_PR
        if each:
            self._captured = self._captured | {6: frozenset({"esr", "inst"})}
        self._device_at = device_at
        self._seen: list[Compact] = []
        """The longest log seen so far, from the first row of ``_rows`` on, while no other history begins: what a return
        to a later state needs."""
        self.history = 0
        """How many other histories began: an exit of a number is the same one while this is the same."""
        self._since = 0
        """How many of ``_rows`` there were at that return: those after it were seen to happen, not foretold."""
        self.columns: object = None
        """What a reader keeps of it by column (:mod:`ppcdbg.kvm.columns`)."""

    def __len__(self) -> int:
        return len(self._old) + self._here

    @property
    def _here(self) -> int:
        """Exits that ``_rows`` holds."""
        return len(self._rows) + self._more

    def append(self, row: Compact) -> None:
        """One exit more."""
        self._rows.append(row)
        if len(self._rows) + self._more > 2 * AT_HAND and not self._seen:
            self._put_away()

    def _put_away(self) -> None:
        """Pack what is not at hand any more."""
        rows = self._all()
        whole_blocks = (len(rows) - AT_HAND) // BLOCK * BLOCK
        for start in range(0, whole_blocks, BLOCK):
            self._old.add(rows[start : start + BLOCK])
        del rows[:whole_blocks]
        self._read = len(rows)
        self._starts.clear()

    def _take_back(self) -> None:
        """Everything at hand again."""
        if len(self._old):
            rows = self._old.rows()
            self._all()[:0] = rows
            if self._seen:
                self._seen[:0] = rows
                self._since += len(rows)
            self._old = Archive()
            self._read = len(self._rows)
            self._starts.clear()

    def extend(self, rows: memoryview, count: int) -> Compact:
        """Take ``count`` rows over that compiled code wrote, and return the last."""
        if count > 1:
            more = count - 1
            self._rows.append(rows[: more * ROW.size].tobytes())
            self._more += more - 1
            self._batched = True
        last: Compact = ROW.unpack_from(rows, (count - 1) * ROW.size)
        self.append(last)
        return last

    def _all(self) -> list[Compact]:
        """Every exit that was not put away as a row of its own."""
        kept: list[Any] = self._rows
        if self._batched:
            late: list[Compact] = []
            for item in kept[self._read :]:
                if type(item) is bytes:
                    late += ROW.iter_unpack(item)
                else:
                    late.append(item)
            kept[self._read :] = late
            self._batched, self._more = False, 0
            self._read = len(kept)
            self._starts.clear()
        return kept

    def _items(self, first: int, end: int) -> Iterator[tuple[int, Kept]]:
        """The items with the exits from ``first`` up to ``end``, counted from the first of ``_rows``, each with the
        number of its first; packed or not."""
        starts, items, end = self._starts, self._rows, min(end, self._here)
        if not starts:
            self._covered = self._read
        for item in items[self._read + len(starts) :]:
            starts.append(self._covered)
            self._covered += len(item) // ROW.size if type(item) is bytes else 1
        yield from ((i, items[i]) for i in range(first, min(end, self._read)))
        at = bisect_right(starts, max(first, self._read)) - 1
        while first < end and 0 <= at < len(starts) and starts[at] < end:
            yield starts[at], items[self._read + at]
            at += 1

    def row(self, index: int) -> Compact:
        """One exit's row, counted from the beginning or the end. Nothing else is unpacked for it."""
        index, old = range(len(self))[index], len(self._old)
        if index < old:
            return self._old.row(index)
        index -= old
        if not self._batched or index < self._read:
            return self._rows[index]  # type: ignore[return-value]  # see _read
        start, item = next(self._items(index, index + 1))
        return ROW.unpack_from(item, (index - start) * ROW.size) if isinstance(item, bytes) else item

    def pieces(self, first: int, end: int) -> Iterator[list[Compact] | memoryview]:
        """The rows from exit ``first`` up to ``end``: in lists, and what compiled code wrote as it wrote it."""
        old = len(self._old)
        if first < old:
            yield from self._old.pieces(first, min(end, old))
        first, end = max(first - old, 0), max(end - old, 0)
        if not self._batched:
            yield self._rows[first:end]  # type: ignore[misc]  # see _read
            return
        rows: list[Compact] = []
        for start, item in self._items(first, end):
            if not isinstance(item, bytes):
                rows.append(item)
                continue
            packed = memoryview(item)[max(first - start, 0) * ROW.size : (end - start) * ROW.size]
            if len(packed) < PACKED * ROW.size:
                rows += ROW.iter_unpack(packed)
                continue
            if rows:
                yield rows
                rows = []
            yield packed
        if rows:
            yield rows

    def save(self) -> Saved:
        """How many exits there were; which ones is the history's, which ``restore`` keeps."""
        return {"length": len(self)}

    def restore(self, state: Saved) -> None:
        """Go back to a state of the past, or forward again to one that was seen before."""
        length = whole(state["length"]) - len(self._old)
        if length < 0:
            length += len(self._old)
            self._take_back()
        rows = self._all()
        self._seen[self._since : len(rows)] = rows[self._since :]
        if length > len(self._seen):
            raise TypeError(f"the exit log ends at exit {len(self._seen)}, before the {length} of this state")
        del rows[length:]
        rows += self._seen[len(rows) : length]
        self._read = self._since = length

    def known(self) -> list[Compact]:
        """Every exit of this history that was seen so far, those after the present as well."""
        rows = self._all()
        return [*self._old.rows(), *rows, *self._seen[len(rows) :]]

    def foretell(self, rows: list[Compact]) -> None:
        """What will be logged is known, from a recording: whole rows, or the columns that recordings have of them."""
        self._take_back()
        held = self._all()
        self._seen[self._since : len(held)] = held[self._since :]
        self._since = len(held)
        self._seen += rows[len(self._seen) :]

    def told(self, index: int) -> bool:
        """Whether all of an exit is known; of one that no run came through, not what its handler did."""
        return len(self.row(index)) != RECORDED

    def forget(self) -> None:
        """The exits after the present will not come again."""
        self._seen, self._since = [], 0
        self.history += 1

    def become(self, length: int, rows: list[Compact]) -> None:
        """The first ``length`` exits and then these: another history begins."""
        self._take_back()
        self._all()[length:] = rows
        self._seen, self._since = [], 0
        self.history += 1
        self._read = len(self)

    def rows(self, first: int, end: int | None = None) -> list[Compact]:
        """The compact rows from exit ``first`` on, up to ``end``."""
        found: list[Compact] = []
        for piece in self.pieces(first, len(self) if end is None else end):
            found += ROW.iter_unpack(piece) if isinstance(piece, memoryview) else piece
        return found

    def recorded(self, first: int) -> list[Kept]:
        """From exit ``first`` on what a recording has of each: what compiled code wrote, as it wrote it, and of others
        ``RECORDED`` numbers, for what a handler did may be no plain data and is told by a replay."""
        return [item if type(item) is bytes or len(item) == NUMBERS else (*item[:8], *item[-3:])
                for item in self._kept(first)]  # fmt: skip

    def _kept(self, first: int) -> list[Any]:
        if first < len(self._old):
            return [*self.rows(first)]
        items: list[Any] = self._rows
        at, start = len(self), len(items)
        if not self._batched:
            return items[first - len(self._old) :]
        while at > first:
            start -= 1
            item = items[start]
            at -= len(item) // ROW.size if type(item) is bytes else 1
        found = items[start:]
        if at < first:
            found[:1] = [found[0][(first - at) * ROW.size :]]
        return found

    def __iter__(self) -> Iterator[ExitRecord]:
        return (self._record(i) for i in range(len(self)))

    def vector(self, index: int) -> int:
        """Exit number of one exit without making its record."""
        vector: int = self.row(index)[2]
        return vector

    def position(self, index: int) -> int:
        """Retired instructions at one exit, without making its record."""
        position: int = self.row(index)[0]
        return position

    def answer(self, value: int) -> None:
        """The last row is compiled code's, of a load from a device: what the device gave."""
        row: Any = self._rows[-1]
        self._rows[-1] = *row[:10], value, *row[11:]

    def pop(self) -> Compact:
        """Take the last row back. It is the one at hand, and another comes for it."""
        row: Compact = self._rows.pop()  # type: ignore[assignment]  # see _rows
        self._read = min(self._read, len(self._rows))
        if len(self._starts) > len(self._rows) - self._read:
            self._covered = self._starts.pop()
        return row

    def beginning(self, at: tuple[int, ...], unread: bool = False) -> ExitRecord:
        """The record that the next exit begins with: position, tick, number, pc, MSR, DEAR, ESR, instruction; the last
        is ``unread`` where the host cannot read it."""
        record = self.unfinished(at, (), (), None)
        return replace(record, captured=record.captured - {"inst"}) if unread else record

    def unfinished(
        self, at: tuple[int, ...], actions: tuple[Compact, ...], queued: tuple[int, ...], delivered: int | None
    ) -> ExitRecord:
        """As ``beginning``, of the exit at hand, with what it has come to so far."""
        made = self._made(len(self), (*at, actions, queued, delivered, 0, NO_EXIT_TYPE, 0))
        return replace(made, resume="")

    def _record(self, index: int) -> ExitRecord:
        return self._read_row(index, self.row(index))

    def _read_row(self, index: int, row: Compact) -> ExitRecord:
        if len(row) == RECORDED:
            return replace(self._made(index, (*row[:8], (), (), None, *row[8:])), whole=False)
        return self._made(index, self._widened(row) if len(row) == NUMBERS else row)

    def _made(self, index: int, row: Compact) -> ExitRecord:
        (position, tick, vector, pc, msr, dar, esr, last_inst, actions, queued, delivered, resume, accounted,
         cost) = row  # fmt: skip
        captured = self._captured.get(vector, frozenset())
        if actions and actions[0][0] == FETCH:
            captured -= {"inst"}
        return ExitRecord(
            number=index,
            position=position,
            tick=tick,
            vector=vector,
            name=exit_name(vector),
            pc=pc,
            msr=msr,
            dar=dar,
            esr=esr,
            last_inst=last_inst,
            captured=captured,
            actions=tuple(action(a) for a in actions),
            queued=queued,
            delivered=delivered,
            resume=RESUME_NAMES[resume & 3] + (f" ({resume >> 2})" if resume >> 2 else ""),
            accounted=exit_type_name(accounted),
            cost=cost,
        )

    def _widened(self, row: Compact) -> Compact:
        """A row of compiled code as the run loop would have made it."""
        *first, word, kind, a, b, c, d, resume, accounted, cost = row
        if kind == EMULATED:
            did: Compact = EMULATED, word, EMULATE_DONE, a if b else None
        elif kind == MAPPED:
            did = MAPPED, a, b, 4096, c, d
        else:
            gpa = d << 32 | a
            did = MMIO, word, gpa, c & 0xFF, b, bool(c & WRITES), self._device_at(gpa) or "none"
        return *first, word, (did,), (), None, resume, accounted, cost


class KnownExits(_Records):
    """The exits of a log, and while its state is one of the past, those that came after it."""

    were = "known"

    def __init__(self, log: ExitLog) -> None:
        self.log = log

    @property
    def history(self) -> int:
        """See ``ExitLog.history``."""
        return self.log.history

    def __len__(self) -> int:
        return max(len(self.log), len(self.log._old) + len(self.log._seen))

    def rows(self, first: int, end: int | None = None) -> list[Compact]:
        """See ``ExitLog.rows``."""
        known = self.log.rows(first, end)
        return known + self._later(first, len(self) if end is None else end)

    def _later(self, first: int, end: int) -> list[Compact]:
        """Those from ``first`` up to ``end`` that come after the present."""
        old = len(self.log._old)
        return self.log._seen[max(first, len(self.log)) - old : max(end - old, 0)]

    def position(self, index: int) -> int:
        """Retired instructions at one exit, without making its record."""
        position: int = self._row(index)[0]
        return position

    def _row(self, index: int) -> Compact:
        return self.log.row(index) if index < len(self.log) else self.log._seen[index - len(self.log._old)]

    def pieces(self, first: int, end: int) -> Iterator[list[Compact] | memoryview]:
        """See ``ExitLog.pieces``."""
        yield from self.log.pieces(first, min(end, len(self.log)))
        if end > len(self.log):
            yield self._later(first, end)

    def _record(self, index: int) -> ExitRecord:
        return self.log._read_row(index, self._row(index))

    def vector(self, index: int) -> int:
        """Exit number of one exit without making its record."""
        vector: int = self._row(index)[2]
        return vector
