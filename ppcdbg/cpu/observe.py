"""Silent callbacks of the hardware: what a listener may hear, and when each fires.

Nothing in the core depends on whether anyone listens. Observers must not change the machine.
"""

from __future__ import annotations

from collections.abc import Sequence


class Observer:
    """Every callback does nothing here; override what you need."""

    deferrable = False
    """Whether ``interrupt_taken`` may come late, in order: only its arguments are looked at, not the core."""

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
