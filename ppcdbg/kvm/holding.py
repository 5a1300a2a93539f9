"""An exit that is held: it has left the guest, nothing of it is handled yet, and the guest looks as it did.

Whoever wants to see exits as they begin holds them (``machine.system.Hold``); the run loop lets them go on
(:mod:`ppcdbg.kvm.run`). Holding leaves no trace in the guest, in the exit's record, or in a replay.
"""

from __future__ import annotations

from ppcdbg.cpu.interrupts import DECREMENTER, DOORBELL, EXTERNAL, MACHINE_CHECK
from ppcdbg.cpu.plain import Plain, Saved, attributes, put_attributes
from ppcdbg.cpu.state import IN_A_ROW, RETIRED, SKIPPED
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.kvm.world_switch import interrupted_msr, leave
from ppcdbg.machine.system import Hold

_HOSTS_OWN = frozenset({DECREMENTER, EXTERNAL, DOORBELL, MACHINE_CHECK})
_STATE = ("number", "_pc", "_msr", "_dear", "_esr", "_inst", "_fault")


class Holding:
    """The one exit of a vcpu that can be held."""

    def __init__(self, vcpu: Vcpu) -> None:
        self._vcpu = vcpu
        self.number = -1
        """The exit's number; -1 where none is held."""
        self._pc = self._msr = 0  # what the interrupt gave the core
        self._dear = self._esr = self._inst = 0  # what the exit before left in the vcpu
        self._fault = 0

    def save(self) -> dict[str, Plain]:
        """See ``plain.Saves``."""
        return attributes(self, _STATE)

    def restore(self, state: Saved) -> None:
        put_attributes(self, _STATE, state)

    def hold(self, number: int) -> None:
        """Let the guest look as it did when it was interrupted."""
        v = self._vcpu
        core = v.core
        self._dear, self._esr, self._inst, self._fault = v.fault_dear, v.fault_esr, v.last_inst, v.fetch_fault
        leave(v, number)  # it only fills the vcpu in, and is done again with the rest of the exit
        self.number, self._pc, self._msr = number, core.state.pc, core.msr
        core.state.pc = v.pc & 0xFFFFFFFC
        core.set_msr(interrupted_msr(v, number))

    def holds(self, hold: Hold, number: int) -> bool:
        """Ask whether an exit is to be held, with the guest as it was when it was interrupted."""
        if hold.numbers is not None and number not in hold.numbers:
            return False
        self.hold(number)
        if hold.when(number):
            return True
        self.release()
        return False

    def record(self) -> ExitRecord | None:
        """The exit that is held: what is known before anything is done."""
        if self.number < 0:
            return None
        v, counters = self._vcpu, self._vcpu.core.state.counters
        tick = counters[RETIRED] + counters[SKIPPED]
        at = counters[RETIRED], tick, self.number, v.pc, v.shared.msr, v.fault_dear, v.fault_esr, v.last_inst
        return v.exits.beginning(at, bool(v.fetch_fault))

    def release(self) -> int:
        """The core as the interrupt left it, and the exit's number."""
        core, number = self._vcpu.core, self.number
        self.number = -1
        core.set_msr(self._msr)
        core.state.pc = self._pc
        return number

    def kicked(self, kick: bool) -> bool:
        """Somebody kicks the vcpu while the exit is held. That comes before the instruction that exits, or is served by
        the host's own exit that is held: so it is where nobody held anything, and in a replay. Whether it is still to
        be served."""
        if self.number in _HOSTS_OWN:
            return False
        if kick and self.number >= 0:
            self.cancel()
        return kick

    def cancel(self) -> None:
        """The exit has not happened: something comes before the instruction, which will exit again."""
        v, self.number = self._vcpu, -1
        counters = v.core.state.counters
        counters[IN_A_ROW] -= counters[IN_A_ROW] > 0
        v.fault_dear, v.fault_esr, v.last_inst, v.fetch_fault = self._dear, self._esr, self._inst, self._fault
