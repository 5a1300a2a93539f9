"""Every change of the TLBs of a recorded run, made by a replay: nothing of it is kept while recording, for a replay is
exact and a boot has a hundred thousand changes.

Under KVM the guest's TLB is the one that KVM keeps for it, and the shadow TLB is the real one; what KVM does to them is
heard by standing before both while every exit is handled in Python. On a bare machine the real TLB is the guest's.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from ppcdbg.cpu.observe import Observer
from ppcdbg.cpu.state import TLB0_ENTRIES, TLB_ENTRY_WORDS
from ppcdbg.cpu.tlb import MAS1_TID_SHIFT, MAS1_V, Tlb
from ppcdbg.engine.common.interpreter import Interpreter
from ppcdbg.errors import InputError
from ppcdbg.kvm.blocks import EMULATED
from ppcdbg.kvm.e500_mmu import GuestTlb
from ppcdbg.kvm.notes import instruction
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.input import Moment
from ppcdbg.machine.system import Limits, System
from ppcdbg.session.differ import Asked
from ppcdbg.session.store import Store
from ppcdbg.session.systems import open_system

Progress = Callable[[int, int], None]
"""Called with the position reached and the last one there is."""
Masses = tuple[int, int, int, int]
"""MAS1, MAS2, MAS7 and MAS3 as one number, MAS8."""
Row = tuple[int | str | None, ...]
"""As the columns of ``tlb`` in :mod:`ppcdbg.session.format`, but for the number."""
At = tuple[int, int | None, int]
"""Position, number of the exit, pc."""
Place = tuple[str, int, int]
"""Which TLB, TLBSEL, ESEL."""
GUEST, SHADOW = "guest", "shadow"
SLICE = 500_000
"""Instructions between two reports of progress."""


def changes(
    store: Store, machine: MachineDescription, progress: Progress | None = None, asked: Asked | None = None
) -> Iterator[Row]:
    """The changes in order, to the end of the recording or until somebody ``asked``. The file is read at once.

    Raises InputError where the replay does not come to where the recording ends.
    """
    system = open_system(replace(machine, engine="reference" if machine.engine == "reference" else "auto"))
    ear = listen(system)
    return _changes(store.path, system, ear, store.reached(), progress, asked)


def listen(system: System) -> _KvmEar | _BareEar:
    """Hear every change from now on: ``rows`` of the result has them. Its ``after`` is to be asked after each exit, and
    at the end of each run."""
    return _KvmEar(system) if isinstance(system, KvmSystem) else _BareEar(system)


def _changes(
    path: Path, system: System, ear: _KvmEar | _BareEar, reached: Moment, progress: Progress | None, asked: Asked | None
) -> Iterator[Row]:
    last = reached.position
    while system.ended is None and (system.position, system.steps) < (last, reached.steps):
        here = system.moment()
        if here.position < last:
            limits = Limits(min(here.position + SLICE, last), interrupted=asked, after_exit=ear.after)
        else:
            limits = Limits(last + 1, exits=1, interrupted=asked, after_exit=ear.after)
        system.run(limits)
        ear.after()
        if asked is not None and asked():
            return
        rows, ear.rows = ear.rows, []
        yield from rows
        if progress is not None:
            progress(system.position, last)
        if system.moment() == here:
            break
    if (system.position, system.steps) != (last, reached.steps):
        raise InputError(
            f"the replay of session {path} ends at position {system.position:,} after {system.steps:,} exits, "
            f"and the recording at {last:,} after {reached.steps:,}; `ppcdbg session verify` says where they part"
        )


def _row(at: At, place: Place, how: str, parent: int, before: Masses, after: Masses) -> Row:
    """``parent``: as in ``HostTlb.parents``. EA and size are those of the entry that is there, or else was."""
    shown = after if after[0] & MAS1_V else before
    owner = (parent >> 16 & 0xFFFF, parent & 0xFFFF) if parent else (None, None)
    return *at, *place, how, *owner, shown[1] & 0xFFFFF000, 1024 << (shown[0] >> 7 & 0x1F), *before, *after


def _place(which: str, index: int, first: int) -> Place:
    """``first``: the index of the first entry of TLB1."""
    return (which, 0, index) if index < first else (which, 1, index - first)


# --- under KVM -----------------------------------------------------------------------------------------------------
class _KvmEar:
    """What KVM does to both TLBs. Changes wait until their exit is over, whose row says where the guest was."""

    def __init__(self, system: KvmSystem) -> None:
        self.rows: list[Row] = []
        self._system, self._v, self._host = system, system.kvm, system.kvm.host_tlb
        self._guest: dict[tuple[int, int], tuple[Masses, bool]] = {}
        self._shadow: list[tuple[int, str, int, Masses, Masses]] = []
        self._written = -1
        """The slot that was written last, of which ``HostTlb`` has not said yet whom it shadows."""
        self._inside = False
        """Whether the changes at hand belong to an exit, or came from outside between two."""
        self._host.tlb = _RealTlb(self._host.tlb, self)  # type: ignore[assignment]
        self._v.gtlb = _KvmTlb(self._v.gtlb, self)  # type: ignore[assignment]
        self._ids = array("Q") if self._v.ids is None else self._v.ids.table[:]

    def guest(self, tlb: GuestTlb, tlbsel: int, esel: int, *, written: bool) -> None:
        """An entry of the guest's is about to change, perhaps not for the first time in this exit."""
        self._begin()
        e = tlb.entry(tlbsel, esel)
        before, already = self._guest.get((tlbsel, esel), ((e.mas1, e.mas2, e.mas7_3, 0), False))
        self._guest[tlbsel, esel] = before, already or written

    def shadow(self, slot: int, before: Masses, after: Masses) -> None:
        """A slot of the real TLB has changed."""
        self._begin()
        self._owned()
        if after[0] & MAS1_V:
            self._written = slot
            self._shadow.append((slot, "evict" if before[0] & MAS1_V else "write", 0, before, after))
        elif before[0] & MAS1_V:
            self._shadow.append((slot, "invalidate", self._host.parents[slot], before, after))

    def _begin(self) -> None:
        if self._inside != self._system.in_host:
            self.after()
            self._inside = self._system.in_host

    def _owned(self) -> None:
        """Whom the last written slot shadows is known by now."""
        if self._written >= 0:
            slot, how, _, before, after = self._shadow[-1]
            self._shadow[-1] = slot, how, self._host.parents[slot], before, after
            self._written = -1

    def after(self) -> bool:
        """An exit was handled, or a stretch has ended."""
        if self._guest or self._shadow:
            self._settle()
        return False

    def _settle(self) -> None:
        v, how = self._v, "userspace"
        at: At = self._system.position, None, v.pc
        if self._inside:
            (row,) = v.exits.rows(len(v.exits) - 1)
            at = row[0], len(v.exits) - 1, row[3]
            how = next((instruction(action[1]) for action in row[8] if action[0] == EMULATED), how)
        for (tlbsel, esel), (before, written) in self._guest.items():
            e = v.gtlb.entry(tlbsel, esel)
            after = e.mas1, e.mas2, e.mas7_3, 0
            if written or after != before:
                self.rows.append(_row(at, (GUEST, tlbsel, esel), how, 0, before, after))
        self._forgotten(at)
        self._owned()
        for slot, deed, parent, before, after in self._shadow:
            self.rows.append(_row(at, _place(SHADOW, slot, self._host.tlb1_slot0), deed, parent, before, after))
        self._guest.clear()
        self._shadow.clear()

    def _forgotten(self, at: At) -> None:
        """PR mode: shadow ids that KVM has forgotten, so that entries with them match no more, are changes too."""
        ids = self._v.ids
        if ids is None or ids.table == self._ids:
            return
        for sid in sorted({*self._ids} - {*ids.table} - {0}):
            self.rows.append((*at, SHADOW, *[None] * 2, "forget", *[None] * 4, sid << MAS1_TID_SHIFT, *[None] * 7))
        self._ids = ids.table[:]


class _KvmTlb:
    """Stands before the TLB that KVM keeps for the guest."""

    def __init__(self, tlb: GuestTlb, ear: _KvmEar) -> None:
        self._tlb, self._ear = tlb, ear

    def __getattr__(self, name: str) -> object:
        return getattr(self._tlb, name)

    def put(self, tlbsel: int, esel: int, mas1: int, mas2: int, mas7_3: int) -> None:
        self._ear.guest(self._tlb, tlbsel, esel, written=True)
        self._tlb.put(tlbsel, esel, mas1, mas2, mas7_3)

    def invalidate(self, tlbsel: int, esel: int) -> bool:
        self._ear.guest(self._tlb, tlbsel, esel, written=False)
        return self._tlb.invalidate(tlbsel, esel)


class _RealTlb:
    """Stands before the real TLB that KVM writes."""

    def __init__(self, tlb: Tlb, ear: _KvmEar) -> None:
        self._tlb, self._ear = tlb, ear

    @property
    def words(self) -> memoryview:
        return self._tlb.words

    def write(self, index: int, mas1: int, mas2: int, mas3: int, mas7: int, mas8: int = 0) -> None:
        before = _entry(self._tlb.words, index)
        self._tlb.write(index, mas1, mas2, mas3, mas7, mas8)
        self._ear.shadow(index, before, _entry(self._tlb.words, index))


def _entry(words: memoryview | array[int], index: int) -> Masses:
    base = index * TLB_ENTRY_WORDS
    mas1, mas2, mas3, mas7, mas8 = words[base : base + 5]
    return mas1, mas2, mas7 << 32 | mas3, mas8


# --- the bare machine ----------------------------------------------------------------------------------------------
class _BareEar(Observer):
    """What the guest does to the real TLB."""

    def __init__(self, system: System) -> None:
        self.rows: list[Row] = []
        self._system, self._core = system, system.core
        self._known = array("I", system.core.tlb.words)
        system.core.observer = self

    def tlb_written(self, index: int) -> None:
        """See ``Observer``."""
        self._change(index, "tlbwe", self._pc())

    def tlb_invalidated(self, index: int) -> None:
        """See ``Observer``."""
        pc = self._pc()
        found = self._core.mmu.find(pc, self._core.mmu.context(fetch=True))
        how = "invalidate"  # of the very page that the instruction is on
        if found is not None:
            real = found.rpn | pc & found.size - 1
            how = instruction(int.from_bytes(self._system.board.bus.ram[real : real + 4], "big"))
        self._change(index, how, pc)

    def _pc(self) -> int:
        """Where the instruction is that runs; the witness writes its pc down only now and then."""
        engine = self._system.engine
        return engine.cia if isinstance(engine, Interpreter) else self._core.state.pc

    def _change(self, index: int, how: str, pc: int) -> None:
        before, after = _entry(self._known, index), _entry(self._core.tlb.words, index)
        base = index * TLB_ENTRY_WORDS
        self._known[base : base + TLB_ENTRY_WORDS] = array("I", self._core.tlb.words[base : base + TLB_ENTRY_WORDS])
        at = self._core.retired, None, pc
        self.rows.append(_row(at, _place(GUEST, index, TLB0_ENTRIES), how, 0, before, after))

    def after(self) -> bool:
        """A stretch has ended: what changed without the guest's doing came from outside."""
        now = array("I", self._core.tlb.words)
        if now != self._known:
            for index in range(len(now) // TLB_ENTRY_WORDS):
                if _entry(now, index) != _entry(self._known, index):
                    self._change(index, "userspace", self._core.state.pc)
        return False
