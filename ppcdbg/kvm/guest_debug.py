"""A debugger behind userspace, as gdb behind QEMU: what it asks of KVM_SET_GUEST_DEBUG, and what it does at its exits.

It notices and goes on: past a point by one step without any, as gdb has it done; nothing stops the guest but a
breakpoint on the exit (facts 3.6; QEMU target/ppc/kvm.c, kvm_arch_update_guest_debug and kvm_handle_debug). A software
breakpoint is a word in the guest's memory. Registers are put back at each change, as QEMU does: a step waits for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.kvm import booke, codes, ioctl
from ppcdbg.kvm.debug_points import SOFTWARE, STEP, unpacked

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu


def ask(v: Vcpu, data: bytes) -> None:
    """Take the debugger's whole wish over. The vcpu is out of KVM_RUN and goes in again."""
    _dig_out(v)
    v.debugger.points, v.debugger.passing = unpacked(data), False
    _arm(v)
    ioctl.load_debug(v)


def hit(v: Vcpu) -> bool:
    """KVM_EXIT_DEBUG: whether it is the debugger's. It then goes past a point, or has come past one."""
    d = v.debugger
    if not d.points:
        return False
    if d.passing:
        d.passing = False
        _arm(v)
    elif v.run.debug_status or any(p.kind == SOFTWARE and p.address == v.run.debug_address for p in d.points):
        d.passing = True
        _dig_out(v)
        _put(v, codes.GUESTDBG_ENABLE | codes.GUESTDBG_SINGLESTEP, ())
    return True


def _arm(v: Vcpu) -> None:
    """All points, as the debugger wants them."""
    d = v.debugger
    control = codes.GUESTDBG_ENABLE if d.points else 0
    hardware: list[tuple[int, int]] = []
    for point in d.points:
        if point.kind == STEP:
            control |= codes.GUESTDBG_SINGLESTEP
        elif point.kind == SOFTWARE:
            control |= codes.GUESTDBG_USE_SW_BP
            d.planted[point.real] = int.from_bytes(v.core.bus.ram[point.real : point.real + 4], "big")
            _write(v, point.real, codes.SW_BREAKPOINT)
        else:
            control |= codes.GUESTDBG_USE_HW_BP
            hardware.append((point.address, point.kind))
    _put(v, control, tuple(hardware))


def _dig_out(v: Vcpu) -> None:
    """The guest's own words again."""
    for real, word in v.debugger.planted.items():
        _write(v, real, word)
    v.debugger.planted.clear()


def _write(v: Vcpu, real: int, word: int) -> None:
    v.core.bus.ram[real : real + 4] = word.to_bytes(4, "big")
    v.code_changed(real, 4)


def _put(v: Vcpu, control: int, hardware: tuple[tuple[int, int], ...]) -> None:
    ioctl.set_guest_debug(v, control, hardware)
    booke.set_msr(v, v.shared.msr)  # KVM_SET_REGS
