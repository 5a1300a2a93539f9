"""What a debugger behind userspace has asked of KVM_SET_GUEST_DEBUG: its points, as data. See :mod:`.guest_debug`."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from ppcdbg.cpu.plain import Plain, items, numbers, octets
from ppcdbg.kvm import codes

REQUEST = "guest-debug"
"""Name of the request by which a wish comes in (``machine.input.InputKind.KVM``)."""
STEP, SOFTWARE = 0x10000, 0x20000
"""Kinds of points beside KVMPPC_DEBUG_*: every instruction, and a breakpoint in the guest's memory."""
BREAKPOINTS = WATCHPOINTS = 2
"""IAC and DAC that the cores have."""
_POINT = struct.Struct(">IIQ")


@dataclass(frozen=True, slots=True)
class Point:
    """``kind`` is KVMPPC_DEBUG_* bits, STEP or SOFTWARE; ``real`` is where a software breakpoint lies."""

    address: int
    kind: int
    real: int = 0


@dataclass
class GuestDebugger:
    """What userspace's debugger has asked for; ``planted``: real address -> the word that was there. ``passing``: a
    step takes the guest past a point."""

    points: tuple[Point, ...] = ()
    planted: dict[int, int] = field(default_factory=dict)
    passing: bool = False

    @property
    def steps(self) -> bool:
        return any(point.kind == STEP for point in self.points)

    def save(self) -> Plain:
        """See ``plain.Saves``. None while nothing is asked for."""
        if not self.points:
            return None
        return [packed(self.points), [[at, word] for at, word in sorted(self.planted.items())], self.passing]

    def restore(self, state: Plain) -> None:
        """See ``plain.Saves``."""
        points, planted, passing = (b"", [], False) if state is None else items(state)
        self.points, self.passing = unpacked(octets(points)), bool(passing)
        pairs = (numbers(pair) for pair in items(planted))
        self.planted = {pair[0]: pair[1] for pair in pairs}


def packed(points: Iterable[Point]) -> bytes:
    """As an input event holds them."""
    return b"".join(_POINT.pack(p.address, p.kind, p.real) for p in points)


def unpacked(data: bytes) -> tuple[Point, ...]:
    return tuple(Point(*fields) for fields in _POINT.iter_unpack(data))


def refusal(points: Iterable[Point]) -> str | None:
    """Why KVM would refuse them, as a sentence's end; None where it would not."""
    kinds = [p.kind for p in points]
    if kinds.count(codes.DEBUG_BREAKPOINT) > BREAKPOINTS:
        return f"the core has {BREAKPOINTS} address compares for instructions (IAC), and both are taken"
    watches = codes.DEBUG_WATCH_READ | codes.DEBUG_WATCH_WRITE
    if sum(1 for kind in kinds if kind & watches) > WATCHPOINTS:
        return f"the core has {WATCHPOINTS} address compares for data (DAC), and both are taken"
    return None
