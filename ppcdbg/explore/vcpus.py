"""Guests of several cores under a search: one instruction of one of them at a time, states to come back to, their keys.

Two keys are equal when whatever decides the future is. Time is left out of them while nothing can tell it
(``Vcpus.clock``); and how often a device was accessed, which nobody can.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.plain import Saved
from ppcdbg.cpu.state import COUNTER_OFFSET, RETIRED, SKIPPED, TAKEN_AT, TLB_OFFSET
from ppcdbg.engine.shared import Sharing
from ppcdbg.isa.table import decoder
from ppcdbg.machine.board import Board
from ppcdbg.session.plain import encode

PAGE = 4096
ZERO = bytes(PAGE)
_LOCAL_CHAPTERS = frozenset(f"ppcdbg.isa.insns.{name}" for name in (
    "fixed_arith", "fixed_logical", "fixed_rotate", "fixed_compare", "branch", "cr",
))  # fmt: skip
_LOCAL = frozenset({"isync", "sync", "mbar"})
_CLOCKS = frozenset({268, 269, 284, 285, 526, 527, 22})
"""SPRs that tell the time or set it: TBL, TBU, ATBL, ATBU, DEC."""
_SAFE_SPRS = frozenset({1, 8, 9})
"""SPRs that are a core's own storage, with no effect beside, in every mode: XER, LR, CTR."""
_HISTORY = frozenset({"counts", "console", "console1", "due"})
_TAKEN = slice(COUNTER_OFFSET + 8 * TAKEN_AT, COUNTER_OFFSET + 8 * (TAKEN_AT + 2))
_TIME = slice(COUNTER_OFFSET + 8 * RETIRED, COUNTER_OFFSET + 8 * (SKIPPED + 1))
_TLBIVAX, _MASK = 0x7C000624, 0xFC0007FE


class Cores(Protocol):
    """What a search needs of several cores, bare or under KVM; see ``machine.cluster.Cluster``."""

    @property
    def board(self) -> Board: ...
    @property
    def cores(self) -> tuple[Core, ...]: ...
    @property
    def engines(self) -> tuple[Sharing, ...]: ...

    held: list[bool]
    stopped: list[str]

    @property
    def position(self) -> int: ...
    @property
    def over(self) -> str: ...
    def rests(self, number: int) -> bool: ...
    def interruptible(self, number: int) -> bool: ...
    def messages(self, number: int) -> int: ...
    def next_tick(self) -> int | None: ...
    def step(self, number: int) -> object: ...
    def pass_time(self) -> bool: ...
    def device_moved(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Core:
    """A core's registers and counters, its TLB (one object for each content), its timers."""

    head: bytes
    tlb: bytes
    edges: tuple[int, ...]
    reset: str | None


@dataclass(frozen=True, slots=True)
class _Devices:
    """The board, after so many accesses. ``content`` is what decides its future."""

    saved: Saved
    content: bytes
    accesses: int


@dataclass(frozen=True, slots=True)
class Moment:
    """A state to come back to. ``pages``: those that may be other than at the beginning."""

    cores: tuple[_Core, ...]
    devices: _Devices
    held: tuple[bool, ...]
    stopped: tuple[str, ...]
    pages: Mapping[int, bytes]
    more: tuple[Any, ...] = ()
    """What a kind of cores has beside."""


class Vcpus:
    """The cores of one cluster; the search begins where they stand when this is made."""

    def __init__(self, cluster: Cores) -> None:
        self.cluster = cluster
        self.count = len(cluster.cores)
        ram = cluster.board.bus.ram
        self._base = {page: bytes(ram[page : page + PAGE]) for page in cluster.board.ram.used()}
        self._decoder = decoder(cluster.cores[0].model.name)
        self._known: dict[bytes, bytes] = {}
        self._local: dict[int, bool] = {}
        self._tlbs: list[bytes] = [b""] * self.count
        self._devices = _Devices({}, b"", -1)
        self.clock = False
        """Something in the guest tells the time, so that time is part of the state."""
        self.effects = 0
        """Steps that changed anything that another core may see, or told the time."""

    # --- the next instruction -------------------------------------------------------------------------------------
    def pc(self, number: int) -> int:
        return self.cluster.cores[number].state.pc

    def word(self, number: int, pc: int | None = None) -> int | None:
        """The instruction that a core is at, or one at another address; None where its fetch faults."""
        real = self.cluster.engines[number].fetched(self.pc(number) if pc is None else pc)
        if real is None:
            return None
        ram = self.cluster.board.bus.ram
        return int.from_bytes(ram[real : real + 4], "big")

    def local(self, number: int) -> bool:
        """Whether the next step of a core touches nothing that another core can see or change, so that it may as well
        be taken before or after whatever the others do."""
        if self.cluster.interruptible(number) or self.cluster.engines[number].debugging():
            return False
        word = self.word(number)
        if word is None:
            return False
        found = self._local.get(word)
        if found is None:
            found = self._local[word] = self._is_local(word)
        return found

    def _is_local(self, word: int) -> bool:
        insn = self._decoder.decode(word)
        if insn is None:
            return False
        if insn.name in ("mfspr", "mtspr"):
            return (word >> 16 & 0x1F | word >> 6 & 0x3E0) in _SAFE_SPRS
        return insn.body.__module__ in _LOCAL_CHAPTERS or insn.name in _LOCAL

    def step(self, number: int) -> None:
        """One instruction. ``engines[number].touches`` are its accesses."""
        cluster = self.cluster
        engine = cluster.engines[number]
        engine.touches.clear()
        bells, accesses = self._messages(), self._accesses()
        word = self.word(number)
        if word is not None and _tells_time(word):
            self.clock = True
            self.effects += 1
        cluster.step(number)
        told = any(t.write for t in engine.touches) or self._accesses() != accesses
        if told or self._messages() != bells or word is not None and word & _MASK == _TLBIVAX:
            self.effects += 1
        if not self.clock and cluster.next_tick() is not None:
            self.clock = True

    def _messages(self) -> list[int]:
        return [self.cluster.messages(number) for number in range(self.count)]

    # --- states ---------------------------------------------------------------------------------------------------
    def moment(self) -> Moment:
        """Where everything stands."""
        cluster = self.cluster
        cores = tuple(
            _Core(bytes(core.state.block[:TLB_OFFSET]), self._tlb(n), core.timers.edges, core.reset_cause)
            for n, core in enumerate(cluster.cores)
        )
        pages = dict(zip(written := self._written(), self._contents(written)))
        return Moment(cores, self._look(), tuple(cluster.held), tuple(cluster.stopped), pages, self.keep())

    def keep(self) -> tuple[Any, ...]:
        """What these cores have beside registers, TLB and memory."""
        return ()

    def give_back(self, kept: tuple[Any, ...]) -> None:
        """Take what ``keep`` gave."""

    def put(self, moment: Moment) -> None:
        """Everything stands there again."""
        cluster = self.cluster
        self.give_back(moment.more)
        for number, (core, kept) in enumerate(zip(cluster.cores, moment.cores)):
            same = self._tlb(number) is kept.tlb
            core.state.block[:TLB_OFFSET] = kept.head
            if not same:
                core.state.block[TLB_OFFSET:] = kept.tlb
            core.timers.edges, core.reset_cause = kept.edges, kept.reset
            cluster.engines[number].restored(not same)
            core.call_machine()
        if self._devices is not moment.devices or self._moved():
            cluster.board.restore(moment.devices.saved)
            self._devices = moment.devices
        cluster.held, cluster.stopped = [*moment.held], [*moment.stopped]
        cluster.device_moved()
        ram, engine = cluster.board.bus.ram, cluster.engines[0]
        for page in self._written():
            wanted = moment.pages.get(page) or self._base.get(page, ZERO)
            if bytes(ram[page : page + PAGE]) != wanted:
                ram[page : page + PAGE] = wanted
                engine.forget_code(page, PAGE)

    def key(self, clock: bool) -> Hashable:
        """The state. ``clock`` False: without the time."""
        cluster = self.cluster
        cores = []
        for number, core in enumerate(cluster.cores):
            head = core.state.visible(TLB_OFFSET)
            head[_TAKEN] = core.state.taken_in_a_row.to_bytes(16)
            if not clock:
                head[_TIME] = bytes(16)
            edges = core.timers.edges if clock else None
            cores.append((bytes(head), id(self._tlb(number)), edges, core.reset_cause))
        return tuple(cores), self.ram(), self._look().content, tuple(cluster.held), tuple(cluster.stopped)

    def ram(self) -> Hashable:
        """The pages that are other than at the beginning. Which ones were written since is not part of the state."""
        base, written = self._base, self._written()
        found = zip(written, self._contents(written))
        return tuple((page, id(content)) for page, content in found if content != base.get(page, ZERO))

    def _contents(self, pages: list[int]) -> list[bytes]:
        """What pages hold, as one object for each content."""
        ram, known = self.cluster.board.bus.ram, self._known
        contents = (bytes(ram[page : page + PAGE]) for page in pages)
        return [known.setdefault(content, content) for content in contents]

    def _tlb(self, number: int) -> bytes:
        """A core's TLB, as one object for each content."""
        content = bytes(memoryview(self.cluster.cores[number].state.block)[TLB_OFFSET:])
        last = self._tlbs[number]
        if last != content:
            last = self._tlbs[number] = self._known.setdefault(content, content)
        return last

    def _look(self) -> _Devices:
        """The board; asked anew only after it was touched, for that takes long."""
        if self._moved():
            saved = self.cluster.board.save()
            decides = {name: value for name, value in saved.items() if name not in _HISTORY}
            self._devices = _Devices(saved, encode(decides), self._accesses())
        return self._devices

    def _moved(self) -> bool:
        return self.cluster.next_tick() is not None or self._accesses() != self._devices.accesses

    def _accesses(self) -> int:
        return sum(region.reads + region.writes for region in self.cluster.board.bus.regions)

    def _written(self) -> list[int]:
        bus = self.cluster.board.bus
        pages: set[int] = {*bus.written}
        for start, size in bus.written_outside:
            pages.update(range(start & -PAGE, start + size, PAGE))
        for engine in self.cluster.engines:
            pages.update(engine.written())
        return sorted(pages)


def _tells_time(word: int) -> bool:
    return word >> 26 == 31 and word >> 1 & 0x3FF in (339, 371, 467) and (
        word >> 16 & 0x1F | word >> 6 & 0x3E0
    ) in _CLOCKS  # fmt: skip
