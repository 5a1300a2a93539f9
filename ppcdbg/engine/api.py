"""What an engine is: it runs instructions of one core and returns why it stopped; it decides nothing.

Time belongs to whoever calls: timers, queued input and instruction budgets all arrive as one absolute limit. Control
goes up by return value. Read next: :mod:`ppcdbg.engine.reference`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from ppcdbg.cpu.core import Core


class Why(Enum):
    """Why an engine came back. Values are stable names for logs."""

    LIMIT = "limit"  # the count of retired instructions reached the limit
    EXIT = "exit"  # an interrupt was taken to hypervisor state and the core has a tenant there (Core.tenant)
    WAIT = "wait"  # the core waits (MSR[WE] or `wait`) and nothing deliverable is pending
    BREAKPOINT = "breakpoint"  # pc is in the given set; the instruction there has not run
    ATTENTION = "attention"  # a device or an SPR write asks the machine to look (reset, timers re-armed)
    CHECKSTOP = "checkstop"  # a machine check while MSR[ME]=0
    STUCK = "stuck"  # interrupts follow each other and no instruction retires


@dataclass(frozen=True, slots=True)
class EngineStop:
    """``vector`` is the interrupt's number for EXIT, else -1."""

    why: Why
    vector: int = -1


@dataclass(frozen=True)
class Stops:
    """What else ends a run: effective addresses of instructions (checked before each, but not before the first)."""

    breakpoints: frozenset[int] = field(default_factory=frozenset)


class Engine(Protocol):
    """One engine bound to one core. Two engines given the same state and limit leave the same state."""

    name: str
    core: Core
    slice: int
    """Instructions that take it some milliseconds: how far a run loop lets it go between two looks at its user."""

    def run(self, limit: int, stops: Stops) -> EngineStop:
        """Run until ``retired == limit`` (absolute) or another reason of ``Why``. Exact to the instruction."""

    def code_changed(self, address: int, length: int) -> None:
        """Real memory was changed from outside (loader, debugger, KVM model): forget what was decoded from it."""

    def translations_changed(self) -> None:
        """TLB, PID, LPID or address space were changed from outside the engine: forget cached translations."""
