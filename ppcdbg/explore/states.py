"""When two states of a guest are the same: whatever decides what the guest does and sees from here on, and nothing
else.

How KVM came here is left out: counts and logs, the last exit, what the host's interrupt left in the real save
registers, which KVM writes again before it goes in. What is large and seldom changes is numbered once and compared by
number."""

from __future__ import annotations

from array import array
from collections.abc import Hashable
from operator import attrgetter

from ppcdbg.cpu.state import COUNTER_OFFSET, RETIRED, SKIPPED, TAKEN_AT, TLB_OFFSET
from ppcdbg.explore.point import Base
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm import vcpu_state
from ppcdbg.kvm import words as W
from ppcdbg.session.pages import PAGE
from ppcdbg.session.plain import encode

_HISTORY = frozenset({"pc", "last_inst", "fault_dear", "fault_esr", "exit_type", "cost", "fetch_fault"})
"""Numbers of a vcpu that the next exit fills in."""
_HOSTS = ("SRR0", "SRR1", "CSRR0", "CSRR1", "ESR", "DEAR")
"""The real registers that an exit saves into. The guest has its own: the shared page's, or GSRR0 and their like."""
_ZERO = bytes(4)
_TAKEN = slice(COUNTER_OFFSET + 8 * TAKEN_AT, COUNTER_OFFSET + 8 * (TAKEN_AT + 2))
_CLOCK = slice(COUNTER_OFFSET + 8 * RETIRED, COUNTER_OFFSET + 8 * (SKIPPED + 1))


class States:
    """Keys of the states of one system. Two keys are equal when the states are."""

    def __init__(self, base: Base) -> None:
        self._base = base
        v = base.system.kvm
        self._v = v
        self._hidden = [slice(4 * n, 4 * n + 4) for n in (slots.EA, *(SLOT[name] for name in _HOSTS))]
        self._numbers = attrgetter(*(name for name in vcpu_state.NUMBERS if name not in _HISTORY))
        self._large: list[array[int]] = [
            v.gtlb.mas1, v.gtlb.mas2, v.gtlb.mas7_3, v.shadow.pfn, v.shadow.flags, v.host_tlb.parents,
        ]  # fmt: skip
        if v.ids is not None:
            self._large.append(v.ids.table)
        self._known: dict[Hashable, int] = {}
        self._last: list[tuple[bytes, int]] = [(b"", -1)] * (len(self._large) + 1)
        self._accesses = base.accesses()
        self._pages: dict[int, tuple[bytes, int]] = {}
        self._steps = -1
        self._since_exit: Hashable = None

    def begin(self) -> None:
        """Somebody moved the guest in time: nothing of the last state holds."""
        self._steps = -1

    def key(self, clock: bool = True, ram: bool = True) -> Hashable:
        """The state now. ``clock`` False: whatever the position is, for a guest that cannot tell. ``ram`` False: RAM
        aside."""
        system = self._base.system
        block = system.core.state.block
        head = bytearray(memoryview(block)[:TLB_OFFSET])
        for hidden in self._hidden:
            head[hidden] = _ZERO
        head[_TAKEN] = system.core.state.taken_in_a_row.to_bytes(16)
        if not clock:
            head[_CLOCK] = bytes(16)
        if self._steps != (steps := system.steps):  # only an exit changes what is KVM's
            found = self._exit(block)
            self._steps, self._since_exit = steps, self._known.setdefault(found, len(self._known))
        return bytes(head), self._ram() if ram else None, self._since_exit

    def _ram(self) -> Hashable:
        """The pages that are other than where the search began, each by the number of its content. Which ones were
        looked at besides depends on what this process tried before."""
        ram, known, last, numbers = self._base.system.board.bus.ram, self._known, self._pages, set()
        for page in self._base.written():
            content = bytes(ram[page : page + PAGE])
            before = last.get(page)
            if before is None or before[0] != content:
                same = content == self._base.page(page)
                before = last[page] = content, -1 if same else known.setdefault(content, len(known))
            if before[1] >= 0:
                numbers.add((page, before[1]))
        return frozenset(numbers)

    def _exit(self, block: bytearray) -> Hashable:
        """All that only an exit changes: KVM's state, the real TLB, the board."""
        v = self._v
        large = tuple([self._number(i, memoryview(held)) for i, held in enumerate(self._large)])
        tlb = self._number(len(self._large), memoryview(block)[TLB_OFFSET:])
        return tlb, large, bytes(v.shared.page) if v.hv else b"", self._kvm(), self._board()

    def _number(self, place: int, held: memoryview) -> int:
        content = held.tobytes()
        last, number = self._last[place]
        if content != last:
            number = self._known.setdefault(content, len(self._known))
            self._last[place] = content, number
        return number

    def _kvm(self) -> Hashable:
        v, words = self._v, self._v.words
        ids = None if v.ids is None else (v.ids.last_used, v.ids.pid0, v.ids.pid1)
        shadow, d = v.shadow, v.deferral
        policy = (d.since >= 0, d.held, d.added, d.protected, d.passing, d.freed, d.page_ea)
        registers = (*v.debug.save(), *v.thread_debug.save(), *v.sprg_loaded, *v.ivor, *v.gtlb.nv)
        host = (shadow.nv1, *shadow.g2h, *shadow.h2g, words[W.NEXT_WAY], words[W.TLB1_MIN], words[W.TLB1_MAX])
        system = self._base.system
        return self._numbers(v), ids, policy, registers, host, v.stalled, system.ended is None

    def _board(self) -> Hashable:
        base = self._base
        if not base.touched and base.accesses() == self._accesses:
            return None
        return encode(base.system.board.save())
