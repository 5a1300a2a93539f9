"""The reference engine: the interpreter and a run loop.

It is the witness that other engines are held against. It refuses to know timers, boards or hypervisors: those arrive
as the limit of ``run``.
"""

from __future__ import annotations

from ppcdbg.cpu import msr as M
from ppcdbg.cpu.state import RETIRED
from ppcdbg.engine.api import EngineStop, Stops, Why
from ppcdbg.engine.common.interpreter import Interpreter
from ppcdbg.isa import slots


class ReferenceEngine(Interpreter):
    """Runs the instruction table on Python numbers. Implements ``engine.api.Engine``."""

    name = "reference"
    slice = 100_000

    # --- running ------------------------------------------------------------------------------------------------------
    def run(self, limit: int, stops: Stops) -> EngineStop:
        core, counters = self.core, self.core.state.counters
        core.machine_attention = False
        self.select_context()
        self.take_over(stops)
        first = True
        while True:
            if self.hits and (told := self.take_hits()) is not None:
                return told
            if core.machine_attention:
                return EngineStop(Why.ATTENTION)
            if counters[RETIRED] >= limit:
                return EngineStop(Why.LIMIT)
            core.attention = False
            vector = core.deliverable()
            if vector is not None:
                stop = self.take_asynchronous(vector)
                if stop is not None:
                    return stop
                first = False
                continue
            if self.reg[slots.WAITING] or self.reg[slots.MSR] & M.MSR_WE:
                return EngineStop(Why.WAIT)
            stop = self.burst(limit, stops.breakpoints, first)
            first = False
            if stop is not None:
                return stop
