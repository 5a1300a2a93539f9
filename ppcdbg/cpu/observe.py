"""Silent callbacks of the hardware: what a listener may hear, and when each fires.

Nothing in the core depends on whether anyone listens. Observers must not change the machine.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

VECTORS = 64
FIRST, FIRST_PC, AT = range(VECTORS, VECTORS + 3)
COUNTS = VECTORS + 3
"""Words of a table of counts: interrupts taken by vector; of the first since the last instruction retired the vector,
the old pc, and the position."""


class Observer:
    """Every callback does nothing here; override what you need."""

    deferrable = False
    """Whether ``interrupt_taken`` may come late, in order: only its arguments are looked at, not the core."""

    counts: array[int] | None = None
    """A table of ``COUNTS`` words of 64 bits where ``interrupt_taken`` does nothing but count in it: an engine may do
    that itself instead of calling."""

    def interrupt_taken(self, vector: int, pc: int, msr: int, guest: bool, position: int) -> None:
        """After the save registers are written, before the first instruction at the vector: old pc and MSR, and the
        count of retired instructions."""

    def interrupts_taken(self, entries: Sequence[tuple[int, int, int, bool, int]]) -> None:
        """Some interrupts, late and in order, where ``deferrable``: each as the arguments of ``interrupt_taken``."""
        for entry in entries:
            self.interrupt_taken(*entry)

    def tlb_written(self, index: int) -> None:
        """After entry ``index`` (0..511 TLB0, 512.. TLB1) got a new value, by tlbwe or by a hypervisor model."""

    def tlb_invalidated(self, index: int) -> None:
        """After a valid entry lost its V bit by tlbivax, tlbilx or MMUCSR0."""


class Relay(Observer):
    """Tells whoever listened before. Override what is to be heard here too, and call this for those behind."""

    def __init__(self, before: Observer) -> None:
        self.before = before

    def interrupt_taken(self, vector: int, pc: int, msr: int, guest: bool, position: int) -> None:
        """See ``Observer``."""
        self.before.interrupt_taken(vector, pc, msr, guest, position)

    def tlb_written(self, index: int) -> None:
        """See ``Observer``."""
        self.before.tlb_written(index)

    def tlb_invalidated(self, index: int) -> None:
        """See ``Observer``."""
        self.before.tlb_invalidated(index)


class Tally(Observer):
    """Counts the interrupts that are taken."""

    deferrable = True

    def __init__(self) -> None:
        self.counts: array[int] = array("Q", bytes(8 * COUNTS))
        self.counts[AT] = (1 << 64) - 1

    def interrupt_taken(self, vector: int, pc: int, msr: int, guest: bool, position: int) -> None:
        """See ``Observer``."""
        counts = self.counts
        counts[vector] += 1
        if counts[AT] != position:
            counts[FIRST], counts[FIRST_PC], counts[AT] = vector, pc, position
