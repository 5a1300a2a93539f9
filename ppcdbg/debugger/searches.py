"""Questions about the past that lead there: who wrote a range, and the last change of a register, of a TLB entry, the
last exit of a kind or about an address.

What is logged is looked up; what is not is listened to while the run is made again on a second guest
(:mod:`ppcdbg.session.forks`) or by going through the past of this one, nearest first. Everything can be interrupted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.cpu.tlb import MAS1_V
from ppcdbg.debugger import entries
from ppcdbg.debugger.events import Event, EventKind, Verb
from ppcdbg.debugger.eventwords import watched
from ppcdbg.debugger.inputs import written_from_outside
from ppcdbg.debugger.model import vcpu_of
from ppcdbg.debugger.stops import StopReport, TraceHit
from ppcdbg.debugger.work import Work
from ppcdbg.errors import Interrupted, UsageError
from ppcdbg.kvm.blocks import DEAR, PC, VECTOR
from ppcdbg.kvm.log import backwards
from ppcdbg.kvm.trace import exit_name
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import Limits
from ppcdbg.session.changes import Row, listen
from ppcdbg.session.forks import fork

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

WINDOW, GROWTH = 20_000, 8
"""Instructions of the first look back, and how many times as long each further one is."""
STEPS = 100_000
"""Instructions back to which a register is looked at after each; before that at the ends of stretches."""
CLOCKS = frozenset({"tbrl", "tbru", "atbl", "atbu", "dec"})


@dataclass(frozen=True)
class Change:
    """The last change of something: what did it, where, and the values.

    ``how``: an instruction, what KVM did, or ``userspace`` for a change from outside. ``exact`` False: a change and its
    undoing may lie between here and there.
    """

    what: str
    how: str
    position: int
    exit: int | None
    pc: int
    place: str
    old: str
    new: str
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Writer:
    """An instruction that wrote into a range: how often, where first and last, and what last. ``pc`` None: outside."""

    pc: int | None
    place: str
    count: int
    first_position: int
    last_position: int
    value: int | None


@dataclass(frozen=True)
class Writers:
    """Who wrote bytes from ``address`` on, most often first; positions from ``since`` to ``until``."""

    address: int
    length: int
    rows: tuple[Writer, ...]
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class SlotChange:
    """One change of a TLB entry. ``how``: the instruction, or what KVM did (write, evict, invalidate), or userspace.
    Page, size and physical address are those of the entry that is there afterwards, or else was; ``valid``: one is."""

    position: int
    exit: int | None
    pc: int
    how: str
    ea: int
    size: int
    physical: int
    valid: bool


@dataclass(frozen=True)
class SlotHistory:
    """What became of one TLB entry, newest first, between two positions."""

    entry: str
    shadow: bool
    rows: tuple[SlotChange, ...]
    since: int
    until: int


class Searches:
    """For one debugger's guest. ``slots``: the last histories of an entry, by whether of the shadow TLB."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self.slots: dict[bool, SlotHistory] = {}

    def _asked(self) -> None:
        if self._debugger.past.asked():
            raise Interrupted("interrupted; the guest stays where it was")

    # --- exits ------------------------------------------------------------------------------------------------------
    def last_exit(self, number: int | None = None, address: int | None = None) -> StopReport:
        """Go to before the last exit with a number, or any; with ``address``: at that pc, or about that data address.

        Raises UsageError where there was none: the guest stays.
        """
        debugger = self._debugger
        debugger.need_exits()
        vcpu = vcpu_of(debugger.system)
        assert vcpu is not None
        for start, block, first, end in backwards(vcpu.exits):
            if number is not None and number not in block.kinds:
                continue
            vectors, pcs, dears = (block.column(place) for place in (VECTOR, PC, DEAR))
            for i in range(end - 1, first - 1, -1):
                vector, pc, n = vectors[i], pcs[i], start + i
                if number is not None and vector != number or address is not None and address not in (pc, dears[i]):
                    continue
                if address is None or address == pc or "dear" in debugger.exits[n].captured:
                    return self._to_exit(n, vector)
        words = " ".join(w for w in ("exit", "" if number is None else exit_name(number)) if w)
        about = "" if address is None else f" at {address:#x}"
        start = debugger.past.timeline.start[0]
        raise UsageError(f"{words}{about} did not happen between position {start:,} and here")

    def _to_exit(self, number: int, vector: int) -> StopReport:
        """To where an exit is about to be handled."""
        debugger, past = self._debugger, self._debugger.past
        here = past.here
        with past.unrecorded():
            if number:
                past.seek_exit(number - 1)
            else:
                past.seek(past.timeline.start[0])
            event = Event(EventKind.EXIT, exit_name(vector), number=vector)
            report = debugger.run_to_event(Verb.WAIT_FOR, event)
        past.left(here)
        return report

    # --- TLB entries ------------------------------------------------------------------------------------------------
    def last_tlb(self, entry: str, shadow: bool = False) -> tuple[Change, StopReport]:
        """Go to right after the last change of a TLB entry: the guest's, or of the real TLB that shadows it.

        Raises UsageError where it never changed: the guest stays.
        """
        debugger = self._debugger
        if shadow:
            debugger.need_exits()
        at = entries.place(debugger, entry, shadow=shadow)
        wanted = ("shadow" if shadow else "guest", at.tlbsel, at.esel)
        row = self._last_row(lambda row: row[3:6] == wanted and row[11:15] != row[15:19])
        if row is None:
            start = debugger.past.timeline.start[0]
            raise UsageError(f"{at} did not change between position {start:,} and here")
        position, exit, pc = int(row[0] or 0), row[1], int(row[2] or 0)
        outside = row[6] == "userspace" or shadow and exit is None
        if outside:  # noticed later: it happened where the input came
            changed = (e.position for e in debugger.past.timeline.taken if e.kind is InputKind.TLB)
            position = max((at for at in changed if at <= position), default=position)
            pc = 0
        old, new = (" ".join(f"{int(word or 0):08x}" for word in row[i : i + 3]) for i in (11, 15))
        past, how = debugger.past, "userspace" if outside else str(row[6])
        report = past.seek(position if outside else position + 1) if exit is None else past.seek_exit(int(exit))
        pc = debugger.pc if outside else pc
        number, place = None if exit is None else int(exit), debugger.symbols.name(pc)
        return Change(str(at), how, position, number, pc, place, old, new), report

    def slot(self, entry: str, shadow: bool = False) -> SlotHistory:
        """Every change of a TLB entry up to here: the run is made again. Raises UsageError for none that there is."""
        debugger = self._debugger
        if shadow:
            debugger.need_exits()
        at = entries.place(debugger, entry, shadow=shadow)
        wanted = ("shadow" if shadow else "guest", at.tlbsel, at.esel)
        past = debugger.past
        start = past.timeline.start[0]
        rows = [_slot_change(row) for row in self._rows(start, past.here)
                if row[3:6] == wanted and row[11:15] != row[15:19]]  # fmt: skip
        found = SlotHistory(str(at), shadow, tuple(reversed(rows)), start, past.here[0])
        self.slots[shadow] = found
        return found

    def _last_row(self, wanted: Callable[[Row], bool]) -> Row | None:
        """The last change of the TLBs before here that is wanted."""
        past = self._debugger.past
        here, timeline = past.here, past.timeline
        high, width = here[0], WINDOW
        while True:
            root = timeline.root((max(high - width, timeline.start[0]), -1))
            found = [row for row in self._rows(root.snapshot.position, here) if wanted(row)]
            if found:
                return found[-1]
            if root.snapshot.position <= timeline.start[0]:
                return None
            width *= GROWTH

    def _rows(self, start: int, here: tuple[int, int]) -> list[Row]:
        """The changes from the checkpoint at a position up to here, on a second guest."""
        debugger = self._debugger
        timeline = debugger.past.timeline
        root = timeline.root((start, 1 << 62))
        system = fork(debugger.system, root, timeline.history)
        ear = listen(system)
        asked = debugger.past.asked
        with debugger.works.doing(lambda: Work("running through the past again", system.position, here[0])):
            while system.position < here[0] and system.ended is None:
                self._asked()
                system.run(Limits(min(here[0], system.position + 500_000), interrupted=asked, after_exit=ear.after))
        while system.position == here[0] and system.steps < here[1] and system.ended is None:
            before = system.steps
            system.run(Limits(here[0] + 1, exits=1, after_exit=ear.after))
            if system.steps == before:
                break
        ear.after()
        self._asked()
        return [row for row in ear.rows if row[1] is None or int(row[1]) < here[1]]

    # --- registers --------------------------------------------------------------------------------------------------
    def last_register(self, name: str) -> tuple[Change, StopReport]:
        """Go to right after the last change of a register. Raises UsageError where it did not change, for an unknown
        one, and for a clock, which always does."""
        debugger, past = self._debugger, self._debugger.past
        known = debugger.register_file.canonical(name.removeprefix("$"))
        if known is None:
            raise UsageError(f"there is no register {name}")
        if known in CLOCKS:
            raise UsageError(f"${known} is a clock: it changes with every instruction")
        with past.aside(), debugger.works.doing(lambda: Work("looking back", debugger.position, None)):
            found = self._register_changed(known)
            if found is not None:
                past.timeline.seek(found[0] - 1)
                pc, row = debugger.pc, debugger.disassemble(count=1).rows[0]
        if found is None:
            start = past.timeline.start[0]
            raise UsageError(f"${known} did not change between position {start:,} and here")
        position, old, new, exact = found
        how = f"{row.mnemonic} {row.operands}".strip()
        change = Change(
            f"${known}", how, position, None, pc, debugger.symbols.name(pc), f"{old:08x}", f"{new:08x}", exact
        )  # fmt: skip
        return change, past.seek(position)

    def _register_changed(self, name: str) -> tuple[int, int, int, bool] | None:
        """The position after the change, the values, and whether no later change can have been missed."""
        timeline, system = self._debugger.past.timeline, self._debugger.system
        read = self._debugger.register_file.read
        here = high = system.position
        latest, width = read(name), 2_000
        while high > timeline.start[0]:
            low = max(high - width, timeline.start[0])
            self._go(low)
            value, found = read(name), None
            if here - low <= STEPS:
                for position in range(low + 1, high + 1):
                    system.run(Limits(position))
                    now = read(name)
                    if now != value:
                        found = position, value, now, True
                        value = now
                    if not position % 1_000:
                        self._asked()
            elif value != latest:
                return self._halved(name, low, high, latest)
            if found is not None:
                return found
            high, width = low, width * (2 if here - low <= STEPS else GROWTH)
        return None

    def _halved(self, name: str, low: int, high: int, latest: int) -> tuple[int, int, int, bool]:
        """Between two positions a register came to be what it is at the second."""
        read = self._debugger.register_file.read
        while high - low > 1:
            middle = (low + high) // 2
            self._go(middle)
            low, high = (low, middle) if read(name) == latest else (middle, high)
        self._go(low)
        return high, read(name), latest, False

    def _go(self, position: int) -> None:
        self._debugger.past.timeline.seek(position, self._debugger.past.asked)
        self._asked()

    # --- memory -----------------------------------------------------------------------------------------------------
    def writers(self, where: str, since: str = "") -> Writers:
        """Who wrote into a range up to here: ``0xc0001000..0xc0001fff``, ``jiffies``, ``--real 0x3000,+8``. The run is
        made again from its beginning, or from a place. Raises UsageError."""
        from ppcdbg.debugger.debugger import Debugger
        from ppcdbg.debugger.positions import position_of

        own, past = self._debugger, self._debugger.past
        here, timeline = past.here, past.timeline
        start = position_of(own, since) if since else timeline.start[0]
        event = watched(own, where, "write")
        root = timeline.root((start, -1))
        made = Debugger(fork(own.system, root, timeline.history), own.image, own.name)
        made.past.kept = False
        made.runner.between = lambda: made.interrupt() if past.asked() else None
        seen: dict[int, Writer] = {}

        def note(hit: TraceHit) -> bool:
            fields = dict(hit.fields)
            pc = int(fields.get("pc", hit.pc)) if hit.record is None else hit.record.pc
            position = hit.position if hit.record is not None else max(hit.position - 1, 0)
            if position >= start:
                value = fields.get("new", fields.get("value"))
                old = seen.get(pc)
                first, count = (position, 0) if old is None else (old.first_position, old.count)
                kept = value if isinstance(value, int) else None
                seen[pc] = Writer(pc, own.symbols.name(pc), count + 1, first, position, kept)
            return False

        made.breakpoints.set_action(made.add_breakpoint(Verb.BREAK, event).number, note)
        if made.system.ended is None and made.position < here[0]:
            with own.works.doing(lambda: Work("running through the past again", made.position, here[0])):
                made.continue_(here[0])
        self._asked()
        rows = [*seen.values(), *self._outside(event, start, here[0])]
        rows.sort(key=lambda w: (-w.count, w.pc or 0))
        return Writers(event.address, event.length, tuple(rows), start, here[0])

    def _outside(self, event: Event, start: int, end: int) -> list[Writer]:
        found = written_from_outside(self._debugger, event.address, event.length, event.real, start, end)
        if not found:
            return []
        return [Writer(None, "from outside", len(found), found[0][0], found[-1][0], found[-1][1])]


def _slot_change(row: Row) -> SlotChange:
    """A row of :mod:`ppcdbg.session.changes` whose entry is known."""
    valid = bool(int(row[15] or 0) & MAS1_V)
    mas7_3 = int(row[17 if valid else 13] or 0)
    exit = None if row[1] is None else int(row[1])
    return SlotChange(
        int(row[0] or 0), exit, int(row[2] or 0), str(row[6]), int(row[9] or 0), int(row[10] or 0), mas7_3 & ~0xFFF,
        valid,
    )  # fmt: skip
