"""The userspace that ppcdbg itself plays: a board behind KVM_RUN, as QEMU's ppce500 is (facts 3.4, 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.cpu.bus import BusFault
from ppcdbg.cpu.msr import ESR_PIL
from ppcdbg.cpu.plain import Saved, numbers
from ppcdbg.kvm import codes, queueing
from ppcdbg.kvm.userspace import Ending, Mmio
from ppcdbg.kvm.vm import FailurePolicy
from ppcdbg.machine.system import StopKind

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu
    from ppcdbg.machine.board import Board


class BoardUserspace:
    """Answers every exit from a board. ``spr_values``: SPRs that this userspace knows, by number (KVM_EXIT_SPR)."""

    def __init__(self, board: Board, spr_values: dict[int, int] | None = None) -> None:
        self.board = board
        self.spr_values = spr_values or {}

    def save(self) -> Saved:
        """See ``plain.Saves``."""
        return {"sprs": [*self.spr_values], "values": [*self.spr_values.values()]}

    def restore(self, state: Saved) -> None:
        """See ``plain.Saves``."""
        self.spr_values = dict(zip(numbers(state["sprs"]), numbers(state["values"]), strict=True))

    def handle(self, vcpu: Vcpu) -> Ending | None:
        """See ``Userspace.handle``."""
        run = vcpu.run
        if run.exit_reason == codes.KVM_EXIT_MMIO:  # nearly all of them
            self._mmio(run.mmio)
            return None
        match run.exit_reason:
            case codes.KVM_EXIT_EPR:
                vector = self.board.proxy_acknowledge()
                run.epr = 0xFFFF if vector is None else vector
            case codes.KVM_EXIT_SPR:
                self._spr(vcpu)
            case codes.KVM_EXIT_DEBUG:
                queueing.queue_program(vcpu, ESR_PIL)  # QEMU: nobody debugs, so the guest gets its exception
            case codes.KVM_EXIT_WATCHDOG:
                return Ending(StopKind.RESET, "the guest's watchdog expired for the last time")
            case codes.KVM_EXIT_UNKNOWN:
                return self._unknown(vcpu)
            case _:
                return Ending(StopKind.CRASH, f"KVM left the guest with exit reason {run.exit_reason}")
        return None

    def _mmio(self, mmio: Mmio) -> None:
        try:
            if mmio.is_write:
                self.board.bus.write(mmio.phys_addr, mmio.len, int.from_bytes(mmio.data, "big"))
            else:
                mmio.data = self.board.bus.read(mmio.phys_addr, mmio.len).to_bytes(mmio.len, "big")
        except BusFault:
            mmio.data = mmio.data if mmio.is_write else bytes(mmio.len)  # QEMU: unassigned memory reads as zero

    def _spr(self, vcpu: Vcpu) -> None:
        spr = vcpu.run.spr
        if spr.sprn not in self.spr_values:
            spr.failed = True
        elif spr.is_write:
            self.spr_values[spr.sprn] = spr.data
        else:
            spr.data = self.spr_values[spr.sprn]

    def _unknown(self, vcpu: Vcpu) -> Ending | None:
        reason = vcpu.run.hardware_exit_reason
        if reason >> 32 == 0xFFFFFFFF and vcpu.vm.on_failure is not FailurePolicy.EXIT:
            return None  # the guest has its Program interrupt
        what = "a machine check" if reason >> 32 == 0xFFFFFFFE else f"instruction {reason & 0xFFFFFFFF:08x}"
        return Ending(
            StopKind.CRASH, f"KVM could not handle {what} at pc {vcpu.pc:#x} (hardware exit reason {reason:#018x})"
        )
