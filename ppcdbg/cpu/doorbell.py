"""Processor doorbells of E.PC: msgsnd, msgclr and the latches that they set (Power ISA III-E 11; facts 1.9).

A message goes to every core of the coherence domain, its sender included; one that matches no core is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT

if TYPE_CHECKING:
    from ppcdbg.cpu.core import Core

DBELL, DBELL_CRIT, G_DBELL, G_DBELL_CRIT, G_DBELL_MC = range(5)
BROADCAST = 0x04000000


class Doorbell:
    """Message types 0..4; a pending one is bit n of the DOORBELLS slot."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._reg = core.state.reg

    def send(self, message: int) -> None:
        """msgsnd: every core looks whether it is meant."""
        self.receive(message)
        for core in self._core.peers:
            core.doorbell.receive(message)

    def receive(self, message: int) -> None:
        """A message on the bus: host types match PIR, guest types LPID and GPIR."""
        kind = message >> 27
        if kind > G_DBELL_MC:
            return
        guest = kind >= G_DBELL
        if guest and message >> 14 & 0xFF != self._reg[SLOT["LPID"]]:
            return
        tag = self._reg[SLOT["GPIR" if guest else "PIR"]] & 0x3FFF
        if message & BROADCAST or message & 0x3FFF == tag:
            self._reg[slots.DOORBELLS] |= 1 << kind
            self._core.noticed()

    def clear(self, message: int) -> None:
        """msgclr: the latch of that type."""
        kind = message >> 27
        if kind <= G_DBELL_MC:
            self._reg[slots.DOORBELLS] &= ~(1 << kind)
