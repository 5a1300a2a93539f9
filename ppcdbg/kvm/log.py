"""What is kept of every exit, compactly.

An exit costs one tuple: the run loop's, or ``words.ROW`` for one that compiled code handled. What compiled code handled
in one go is kept as the bytes that it wrote until somebody reads a row. The :class:`ExitRecord` of a row is made when
somebody reads that. The log is cut into blocks (:mod:`.blocks`), which do not change any more once they are full; those
of a long log's beginning are put away (:mod:`.archive`), so that memory stays bounded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, overload

from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.plain import Saved, whole
from ppcdbg.kvm.archive import Archive
from ppcdbg.kvm.blocks import (
    BLOCK,
    EMULATED,
    FAILED,
    FETCH,
    HOST,
    HYPERCALL,
    MAPPED,
    MAPPED_MAGIC,
    MMIO,
    POSITION,
    QUEUED,
    RECORDED,
    REFLECTED,
    RESCHED,
    USERSPACE,
    VECTOR,
    Block,
    Compact,
    Kept,
    Part,
    begins,
    cut,
    pick,
)  # fmt: skip
from ppcdbg.kvm.codes import EMULATE_DONE, EMULATE_NAMES, HCALL_NAMES, NO_EXIT_TYPE, RESUME_NAMES, exit_type_name
from ppcdbg.kvm.notes import instruction
from ppcdbg.kvm.records import Action, Did, ExitRecord
from ppcdbg.kvm.trace import exit_name
from ppcdbg.kvm.words import NUMBERS, ROW

WRITES = 0x100
"""In the third word of a row of compiled code: a device was written. The lowest byte is the size of the access."""
AT_HAND = 1 << 17
"""Rows that are not put away, the last ones, about."""

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
    """Every exit of a run in order. Appending is O(1); reading makes the record.

    While the state is one of the past, the exits after it are known as well: they will come again, unless another
    history begins. So there are two ends, that of the present and that of what is known.
    """

    were = "taken"

    def __init__(self, hv: bool, device_at: Callable[[int], str], each: bool = False) -> None:
        """``each``: in HV mode every exit that may need the instruction has it (:mod:`ppcdbg.kvm.fetch`)."""
        self._away = Archive()
        self._parts: list[Part] = []
        """The full blocks after those that are put away, of all that is known."""
        self._base = 0
        """How many exits the full blocks have that lie before the present altogether."""
        self._rows: list[Kept] = []
        """Those between them and the present. The last one that happened can be answered and taken back."""
        self._more = 0
        """Exits beyond one that the items have, all together."""
        self._starts: list[int] = []
        """The numbers of the exits that the items begin with, counted from there, as far as somebody asked."""
        self._later: list[Compact] = []
        """What is known from the end of the full blocks on, where the present is or was not the furthest."""
        self._captured = _CAPTURED_HV if hv else _CAPTURED_PR
        if each:
            self._captured = self._captured | {6: frozenset({"esr", "inst"})}
        self._device_at = device_at
        self.history = 0
        """How many other histories began: an exit of a number is the same one while this is the same."""

    def __len__(self) -> int:
        return self._base + len(self._rows) + self._more

    @property
    def _full(self) -> int:
        """Exits in full blocks, of all that is known."""
        return len(self._away) + len(self._parts) * BLOCK

    @property
    def ahead(self) -> int:
        """Exits that are known, those after the present too."""
        return max(len(self), self._full + len(self._later))

    # --- as the guest runs -----------------------------------------------------------------------------------------
    def append(self, row: Compact) -> None:
        """One exit more."""
        self._rows.append(row)
        if len(self._rows) + self._more > BLOCK:
            self._close()

    def extend(self, rows: memoryview, count: int) -> Compact:
        """Take ``count`` rows over that compiled code wrote, and return the last."""
        if count > 2:
            more = count - 1
            self._rows.append(rows[: more * ROW.size].tobytes())
            self._more += more - 1
        elif count == 2:
            self._rows.append(ROW.unpack_from(rows))
        last: Compact = ROW.unpack_from(rows, (count - 1) * ROW.size)
        self.append(last)
        return last

    def _close(self, least: int = 1) -> None:
        """Make blocks of rows that fill them; at least so many rows stay at hand."""
        count = len(self) - self._base
        ready = (count - least) // BLOCK
        parts = [self._here(number * BLOCK, (number + 1) * BLOCK) for number in range(ready)]
        rest = self._here(ready * BLOCK, count)
        self._hold(rest, count - ready * BLOCK)
        for part in parts:
            self._settle(Part(part, BLOCK))

    def _hold(self, items: list[Kept], count: int) -> None:
        """Have these at hand."""
        self._rows, self._more = items, count - len(items)
        self._starts.clear()

    def _settle(self, part: Part) -> None:
        """A block came to be full, of exits that happened. What is known already need not be kept twice."""
        number = self._base // BLOCK
        self._base += BLOCK
        if self._base > self._full:
            self._parts.append(part)
            del self._later[:BLOCK]
            if len(self._parts) * BLOCK > AT_HAND:
                self._away.add(self._parts.pop(0))
        elif self._block(number).untold:
            self._put(number, part)

    def _put(self, number: int, part: Part) -> None:
        """A block in place of one that was untold."""
        away = len(self._away) // BLOCK
        if number < away:
            self._away.replace(number, part)
        else:
            self._parts[number - away] = part

    def answer(self, value: int) -> None:
        """The last row is compiled code's, of a load from a device: what the device gave."""
        row = self._rows[-1]
        assert not isinstance(row, bytes)  # see _rows
        self._rows[-1] = *row[:10], value, *row[11:]

    def pop(self) -> Compact:
        """Take the last row back. It is the one at hand, and another comes for it."""
        row = self._rows.pop()
        assert not isinstance(row, bytes)  # see _rows
        del self._starts[len(self._rows) :]
        return row

    # --- reading -----------------------------------------------------------------------------------------------------
    def blocks(self, first: int, end: int) -> Iterator[tuple[int, Block, int, int]]:
        """What has the known exits from ``first`` up to ``end``: the number of the first exit of a block, the block,
        and which of its exits are meant."""
        end = min(end, self.ahead)
        while first < end:
            start = first - first % BLOCK
            if start < min(self._full, self._base) or self._full > start and first >= len(self):
                stop = min(end, start + BLOCK)
                yield start, self._block(start // BLOCK), first - start, stop - start
            elif first < len(self):  # the items at hand are those that happened
                stop = min(end, len(self))
                here = Part(self._here(first - self._base, stop - self._base), stop - first)
                yield first, here, 0, stop - first
            else:
                stop = min(end, start + BLOCK)
                later: list[Kept] = [*self._later[first - self._full : stop - self._full]]
                yield first, Part(later, stop - first), 0, stop - first
            first = stop

    def _block(self, number: int) -> Block:
        away = len(self._away) // BLOCK
        return self._away.blocks[number] if number < away else self._parts[number - away]

    def _here(self, first: int, end: int) -> list[Kept]:
        """Items of the exits at hand."""
        if not self._more:
            return self._rows[first:end]
        begins(self._rows, self._starts)
        return cut(self._rows, self._starts, first, end)

    def row(self, index: int) -> Compact:
        """One exit's row, counted from the beginning or the end. Nothing else is unpacked for it."""
        return self.known_row(range(len(self))[index])

    def known_row(self, index: int) -> Compact:
        """The same of what is known."""
        if not self._base <= index < len(self):
            _, block, at, _ = next(self.blocks(index, index + 1))
            return block.row(at)
        if not self._more:
            return self._rows[index - self._base]  # type: ignore[return-value]  # each item is a row
        begins(self._rows, self._starts)
        return pick(self._rows, self._starts, index - self._base)

    def rows(self, first: int, end: int | None = None) -> list[Compact]:
        """The compact rows from exit ``first`` on, up to ``end``."""
        return self.known(first, len(self) if end is None else min(end, len(self)))

    def known(self, first: int = 0, end: int | None = None) -> list[Compact]:
        """Every exit of this history that was seen so far, those after the present as well."""
        found: list[Compact] = []
        for _, block, low, high in self.blocks(first, self.ahead if end is None else end):
            found += block.rows(low, high)
        return found

    def recorded(self, first: int) -> list[Kept]:
        """From exit ``first`` on what a recording has of each: what compiled code wrote, as it wrote it, and of others
        ``RECORDED`` numbers, for what a handler did may be no plain data and is told by a replay."""
        return [item if type(item) is bytes or len(item) == NUMBERS else (*item[:8], *item[-3:])
                for _, block, low, high in self.blocks(first, len(self)) for item in block.kept(low, high)]  # fmt: skip

    def __iter__(self) -> Iterator[ExitRecord]:
        return (self._record(i) for i in range(len(self)))

    def vector(self, index: int) -> int:
        """Exit number of one exit without making its record."""
        return self.known_number(range(len(self))[index], VECTOR)

    def position(self, index: int) -> int:
        """Retired instructions at one exit, without making its record."""
        return self.known_number(range(len(self))[index], POSITION)

    def known_number(self, index: int, place: int) -> int:
        """One number of what is known of an exit (``blocks.POSITION`` and its kin)."""
        if index < self._full and not self._base <= index < len(self):
            return self._block(index // BLOCK).number(index % BLOCK, place)
        number: int = self.known_row(index)[place]
        return number

    def told(self, index: int) -> bool:
        """Whether all of an exit is known; of one that no run came through, not what its handler did."""
        return len(self.row(index)) != RECORDED

    # --- other states, other histories -------------------------------------------------------------------------------
    def save(self) -> Saved:
        """How many exits there were; which ones is the history's, which ``restore`` keeps."""
        return {"length": len(self)}

    def restore(self, state: Saved) -> None:
        """Go back to a state of the past, or forward again to one that was seen before."""
        count = whole(state["length"])
        if count > self.ahead:
            raise TypeError(f"the exit log ends at exit {self.ahead}, before the {count} of this state")
        self._keep()
        self._base = min(count - count % BLOCK, self._full)
        if self._base < self._full:
            items = self._block(self._base // BLOCK).kept(0, count - self._base)
        else:
            items = [*self._later[: count - self._base]]
        self._hold(items, count - self._base)

    def _keep(self) -> None:
        """What happened up to the present is known from now on."""
        self._close(0)
        count = len(self) - self._base
        if self._base >= self._full:
            self._later[:count] = Part(self._rows, count).rows(0, count)
        elif count and (block := self._block(self._base // BLOCK)).untold:
            self._put(self._base // BLOCK, Part([*self._rows, *block.kept(count, BLOCK)], BLOCK))

    def foretell(self, rows: list[Compact]) -> None:
        """What will be logged is known, from a recording: whole rows, or the columns that recordings have of them."""
        self._keep()
        self._later += rows[self._full + len(self._later) :]

    def forget(self) -> None:
        """The exits after the present will not come again."""
        self._away.cut(self._base // BLOCK)
        del self._parts[max(self._base - len(self._away), 0) // BLOCK :]
        self._later = []
        self.history += 1

    def become(self, length: int, rows: list[Compact]) -> None:
        """The first ``length`` exits and then these: another history begins."""
        self.restore({"length": length})
        self.forget()
        for row in rows:
            self.append(row)

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
        return self.log.ahead

    def rows(self, first: int, end: int | None = None) -> list[Compact]:
        """See ``ExitLog.rows``."""
        return self.log.known(first, end)

    def blocks(self, first: int, end: int) -> Iterator[tuple[int, Block, int, int]]:
        """See ``ExitLog.blocks``."""
        return self.log.blocks(first, end)

    def position(self, index: int) -> int:
        """Retired instructions at one exit, without making its record."""
        return self.log.known_number(range(len(self))[index], POSITION)

    def vector(self, index: int) -> int:
        """Exit number of one exit without making its record."""
        return self.log.known_number(range(len(self))[index], VECTOR)

    def _record(self, index: int) -> ExitRecord:
        return self.log._read_row(index, self.log.known_row(index))


def before(log: ExitLog | KnownExits, position: int) -> int:
    """How many exits of a log happened at a lower position."""
    return bisect_left(range(len(log)), position, key=log.position)


def backwards(log: ExitLog) -> Iterator[tuple[int, Block, int, int]]:
    """``blocks`` from the present back to the beginning."""
    for end in range(len(log), 0, -BLOCK):
        yield from reversed([*log.blocks(max(end - BLOCK, 0), end)])
