"""The userspace that ppcdbg itself plays: a board behind KVM_RUN, as QEMU's ppce500 is (facts 3.4, 11)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ppcdbg.cpu.bus import DCR_SPACE, BusFault
from ppcdbg.cpu.msr import DBCR0_RST, ESR_PIL, MSR_PR
from ppcdbg.cpu.plain import Saved, numbers
from ppcdbg.kvm import codes, guest_debug, queueing
from ppcdbg.kvm.payloads import EVENT_RESET, EVENT_SHUTDOWN, SPR_STATUS_FAIL
from ppcdbg.kvm.spr_exits import DBCR0, EPR
from ppcdbg.kvm.userspace import Ending, Mmio
from ppcdbg.kvm.vm import FailurePolicy
from ppcdbg.machine.system import StopKind

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu
    from ppcdbg.machine.board import Board


SPURIOUS = 0xFFFF
"""What QEMU answers where no interrupt is to be acknowledged (hw/intc/openpic.c)"""


class BoardUserspace:
    """Answers every exit from a board. ``spr_values``: SPRs that it has as plain storage, by number (KVM_EXIT_SPR);
    DBCR0 and EPR it knows for what they are."""

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
                run.epr = self._acknowledged()
            case codes.KVM_EXIT_SPR:
                return self._spr(vcpu)
            case codes.KVM_EXIT_DCR:
                self._dcr(vcpu)
            case codes.KVM_EXIT_EPAPR_HCALL:
                run.hcall = replace(run.hcall, ret=codes.EV_UNIMPLEMENTED)
            case codes.KVM_EXIT_RESET:
                return Ending(StopKind.RESET, "the guest asked for a reset (KVM_EXIT_RESET)")
            case codes.KVM_EXIT_SYSTEM_EVENT:
                return _system_event(run.system_event.type)
            case codes.KVM_EXIT_INTR:
                pass  # whoever interrupts KVM_RUN looks around, and enters again
            case codes.KVM_EXIT_DEBUG:
                if not guest_debug.hit(vcpu):  # QEMU: nobody debugs, so the guest gets its exception
                    queueing.queue_program(vcpu, ESR_PIL)
            case codes.KVM_EXIT_WATCHDOG:
                return Ending(StopKind.RESET, "the guest's watchdog expired for the last time")
            case codes.KVM_EXIT_UNKNOWN:
                return self._unknown(vcpu)
            case codes.KVM_EXIT_INTERNAL_ERROR:
                return Ending(StopKind.CRASH, "KVM_RUN fails with EINVAL: no KVM of Book E runs a vcpu with PAPR")
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

    def _spr(self, vcpu: Vcpu) -> Ending | None:
        spr = vcpu.run.spr
        if spr.sprn == DBCR0 and spr.is_write and spr.data & DBCR0_RST:
            return Ending(StopKind.RESET, "the guest asked for a reset by DBCR0[RST] (KVM_EXIT_SPR)")
        known = {DBCR0: 0, **self.spr_values}
        if spr.sprn == EPR and not spr.is_write and vcpu.vm.mpic_in_kernel is None:
            vcpu.run.spr = replace(spr, data=self._acknowledged())
        elif spr.sprn not in known or spr.msr & MSR_PR:
            vcpu.run.spr = replace(spr, status=SPR_STATUS_FAIL)
        elif spr.is_write:
            self.spr_values[spr.sprn] = spr.data
        else:
            vcpu.run.spr = replace(spr, data=known[spr.sprn])
        return None

    def _acknowledged(self) -> int:
        vector = self.board.proxy_acknowledge()
        return SPURIOUS if vector is None else vector

    def _dcr(self, vcpu: Vcpu) -> None:
        """QEMU lets an access to a DCR that nobody has pass, and a read gives what stood there."""
        dcr, bus = vcpu.run.dcr, self.board.bus
        try:
            if dcr.is_write:
                bus.write(DCR_SPACE + 4 * dcr.dcrn, 4, dcr.data)
            else:
                vcpu.run.dcr = replace(dcr, data=bus.read(DCR_SPACE + 4 * dcr.dcrn, 4))
        except BusFault:
            pass

    def _unknown(self, vcpu: Vcpu) -> Ending | None:
        reason = vcpu.run.hardware_exit_reason
        if reason >> 32 == 0xFFFFFFFF and vcpu.vm.on_failure is not FailurePolicy.EXIT:
            return None  # the guest has its Program interrupt
        what = "a machine check" if reason >> 32 == 0xFFFFFFFE else f"instruction {reason & 0xFFFFFFFF:08x}"
        return Ending(
            StopKind.CRASH, f"KVM could not handle {what} at pc {vcpu.pc:#x} (hardware exit reason {reason:#018x})"
        )


def _system_event(kind: int) -> Ending:
    """KVM_SYSTEM_EVENT_*."""
    if kind == EVENT_RESET:
        return Ending(StopKind.RESET, "the guest asked for a reset (KVM_EXIT_SYSTEM_EVENT)")
    if kind == EVENT_SHUTDOWN:
        return Ending(StopKind.POWEROFF, "the guest asked for its end (KVM_EXIT_SYSTEM_EVENT)")
    return Ending(StopKind.CRASH, f"the guest says that it has crashed (KVM_EXIT_SYSTEM_EVENT {kind})")
