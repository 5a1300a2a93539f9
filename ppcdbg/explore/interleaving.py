"""One interleaving of several cores: who goes on by itself, where somebody else is put in, what comes of it.

    0@0                 core 0 begins, and each goes on until it waits or goes round in a circle
    1@57+0@63           when 57 instructions have retired core 1 goes on, and six later core 0 again

A position counts the instructions of all cores. Memory is sequentially consistent: an instruction is done before any
core's next one begins, and every core sees it at once. Reorderings that a storage model allows are not tried.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum

from ppcdbg.errors import UsageError
from ppcdbg.explore.vcpus import Vcpus

_SWITCH = re.compile(r"(?P<vcpu>[0-9]+)@(?P<at>[0-9][0-9_]*)")
IDLE_PATIENCE = 1000
"""Times in a row that idle time is skipped and no core wakes up."""


@dataclass(frozen=True, slots=True)
class Switch:
    """From a position on another core goes on."""

    position: int
    vcpu: int

    def __str__(self) -> str:
        return f"{self.vcpu}@{self.position}"


Interleaving = tuple[Switch, ...]
"""In order of position."""


def text(switches: Interleaving) -> str:
    """The line that replays it."""
    return "+".join(map(str, switches)) or "0@0"


def parse(line: str, count: int) -> Interleaving:
    """The interleaving that a line means. Raises UsageError."""
    switches = []
    for part in line.strip().split("+"):
        match = _SWITCH.fullmatch(part)
        if match is None:
            raise UsageError(f"{part!r} is no switch of an interleaving; one is VCPU@POSITION, as 1@57")
        if int(match["vcpu"]) >= count:
            raise UsageError(f"{part!r} names vCPU {match['vcpu']}, and there are {count}, from 0 on")
        switches.append(Switch(int(match["at"]), int(match["vcpu"])))
    found = tuple(sorted(switches, key=lambda s: s.position))
    return () if found == (Switch(0, 0),) else found


class End(Enum):
    """Why nothing more happens. The values are stable: they stand in JSON."""

    STILL = "still"  # no core can change anything any more
    OVER = "over"  # the guest asked the board for its end
    BOUND = "bound"  # given up


class Course:
    """A run in the making. ``current`` goes on until it rests, until it comes to a state that it has been in since it
    last began (a circle: it spins, and another goes on), or until somebody calls ``switch``."""

    def __init__(self, vcpus: Vcpus, current: int = 0, still: frozenset[int] = frozenset()) -> None:
        self.vcpus = vcpus
        self.current = current
        self.still = still
        """Cores that are proved to change nothing unless another core does something."""
        self._seen: dict[Hashable, int] = {}
        self._last_pc = -1
        self._key: tuple[int, Hashable] = -1, None
        self._yields = False

    @property
    def position(self) -> int:
        return self.vcpus.cluster.position

    def key(self) -> Hashable:
        """The state now, without the time."""
        if self._key[0] != self.position:
            self._key = self.position, self.vcpus.key(clock=False)
        return self._key[1]

    def switch(self, vcpu: int) -> None:
        """Another core goes on."""
        self.current = vcpu
        self._seen.clear()
        self._last_pc = -1
        self._yields = False

    def able(self, vcpu: int) -> bool:
        """Whether it makes a difference if a core goes on."""
        return vcpu not in self.still and not self.vcpus.cluster.rests(vcpu)

    def settle(self) -> End | None:
        """Find who goes on. The end, if it is nobody."""
        cluster, count = self.vcpus.cluster, self.vcpus.count
        if cluster.over:
            return End.OVER
        self._round()
        for _ in range(IDLE_PATIENCE):
            others = [(self.current + i) % count for i in range(1, count)]
            order = [*others, self.current] if self._yields else [self.current, *others]
            found = next((vcpu for vcpu in order if self.able(vcpu)), None)
            if found is not None:
                if found != self.current or self._yields:
                    self.switch(found)
                return None
            if not cluster.pass_time():
                return End.STILL
            self.still = frozenset()
        return End.BOUND

    def _round(self) -> None:
        """Whether the current core has come to where it was."""
        vcpus, current = self.vcpus, self.current
        if vcpus.cluster.rests(current):
            return
        pc = vcpus.pc(current)
        backwards, self._last_pc = pc <= self._last_pc, pc
        if not backwards and vcpus.local(current):
            return
        key = self.key()
        before = self._seen.get(key)
        if before is None:
            self._seen[key] = vcpus.effects
        elif before == vcpus.effects:
            self.still |= {current}
        else:
            self._yields = True

    def advance(self) -> None:
        """One step of the current core."""
        before = self.vcpus.effects
        self._key = -1, None
        self.vcpus.step(self.current)
        if self.vcpus.effects != before:
            self.still = frozenset()
