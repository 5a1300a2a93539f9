"""The interrupts that the core of a bare machine takes, written down as they are taken."""

from __future__ import annotations

from ppcdbg.cpu.observe import Observer, Relay


class Interrupts(Relay):
    """Writes down every interrupt while it listens. ``rows`` are as ``columns.INTERRUPT_COLUMNS``."""

    def __init__(self, before: Observer) -> None:
        super().__init__(before)
        self.deferrable = before.deferrable or type(before) is Observer
        self.rows: list[tuple[int, int, int, int, int]] = []
        self.listens = True

    def interrupt_taken(self, vector: int, pc: int, msr: int, guest: bool, position: int) -> None:
        """See ``Observer``."""
        if self.listens:
            self.rows.append((vector, pc, msr, guest, position))
        super().interrupt_taken(vector, pc, msr, guest, position)
