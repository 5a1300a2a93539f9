"""The userspace that ran the guests under the real KVM: ports in the page at 0x80000000, as ``host/vmm.c`` has them.

What it does is noted among the events, as there: each access, each ioctl with its result, each exit that is not MMIO.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ppcdbg.cpu.plain import Saved, attributes, octets, put_attributes
from ppcdbg.kvm import codes, ioctl, one_reg, queueing
from ppcdbg.kvm.userspace import Ending
from ppcdbg.machine.system import StopKind

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

PORTS = 0x80000000
SCRATCH, SCRATCH_END = 0x100, 0x200
SKIPPED = (codes.SW_BREAKPOINT, 0x7C000A1C)
"""Breakpoint instructions, the second ehpriv 1: this userspace steps over them."""
STEPS = 6
"""Debug exits after which single stepping is switched off again."""
MOST_FAILURES, MOST_OTHERS = 200, 20
LEVEL = 1 << 16
"""In what is written to the port +28: the thread sets a level."""
_KEPT = ("fails", "steps")


class PortUserspace:
    """``mark``: note a line. ``later``: have KVM_INTERRUPT called by a thread, so many microseconds from now. ``base``:
    real address of the ports."""

    def __init__(
        self, mark: Callable[[str], None], later: Callable[[int, int], None], base: int = PORTS
    ) -> None:  # fmt: skip
        self.mark = mark
        self.later = later
        self.base = base
        self.scratch = bytearray((0x80 + i) & 0xFF for i in range(256))
        self.console = bytearray()
        self.fails = 0
        self.steps = 0

    def save(self) -> Saved:
        """See ``plain.Saves``."""
        return {"scratch": bytes(self.scratch), "console": bytes(self.console), **attributes(self, _KEPT)}

    def restore(self, state: Saved) -> None:
        """See ``plain.Saves``."""
        self.scratch[:] = octets(state["scratch"])
        self.console[:] = octets(state["console"])
        put_attributes(self, _KEPT, state)

    def handle(self, vcpu: Vcpu) -> Ending | None:
        """See ``Userspace.handle``."""
        run = vcpu.run
        match run.exit_reason:
            case codes.KVM_EXIT_MMIO:
                return _STOP if self._mmio(vcpu) else None
            case codes.KVM_EXIT_UNKNOWN:
                self.mark(f"EXIT UNKNOWN hw={run.hardware_exit_reason:x}")
                return self._failed(MOST_FAILURES)
            case codes.KVM_EXIT_DEBUG:
                return self._debug(vcpu)
            case codes.KVM_EXIT_EPR:
                self.fails += 1
                run.epr = 0x1000 + self.fails
                self.mark(f"EXIT EPR -> {run.epr:x}")
                return None
            case codes.KVM_EXIT_WATCHDOG:
                self.mark(state(vcpu, "watchdog"))
                return Ending(StopKind.RESET, "the guest's watchdog expired for the last time")
            case codes.KVM_EXIT_INTR:
                self.mark(f"EXIT rc=-1 errno={codes.EINTR} reason={codes.KVM_EXIT_INTR}")
                return Ending(StopKind.LIMIT, "the alarm of this userspace went off")
            case codes.KVM_EXIT_INTERNAL_ERROR:
                self.mark(f"EXIT rc=-1 errno={codes.EINVAL} reason={codes.KVM_EXIT_INTERNAL_ERROR}")
                return Ending(StopKind.CRASH, "KVM_RUN failed: the vcpu is insane")
            case other:
                self.mark(f"EXIT reason={other}")
                return self._failed(MOST_OTHERS)

    def _failed(self, most: int) -> Ending | None:
        self.fails += 1
        return Ending(StopKind.CRASH, f"{self.fails} exits that are no access") if self.fails > most else None

    def _debug(self, v: Vcpu) -> Ending | None:
        self.mark(f"EXIT DEBUG address={v.run.debug_address:x} status={v.run.debug_status:x}")
        pc = v.pc & 0xFFFFFC
        if int.from_bytes(v.core.bus.ram[pc : pc + 4], "big") in SKIPPED:
            ioctl.set_regs(v, v.pc + 4 & 0xFFFFFFFF, v.guest_msr)
        if self.steps:
            self.steps -= 1
            if not self.steps:
                ioctl.set_guest_debug(v, 0)
                self.mark("USER SET_GUEST_DEBUG 0")
        return self._failed(MOST_FAILURES)

    # --- the ports --------------------------------------------------------------------------------------------------
    def _mmio(self, v: Vcpu) -> bool:
        """One access; whether it was to the port that stops."""
        m = v.run.mmio
        size, port = m.len, m.phys_addr - self.base
        stop = False
        if m.is_write:
            self._access("W", m.phys_addr, m.data[:size])
        if port >= SCRATCH and port + size <= SCRATCH_END:
            if m.is_write:
                self.scratch[port - SCRATCH : port - SCRATCH + size] = m.data[:size]
            else:
                m.data = bytes(self.scratch[port - SCRATCH : port - SCRATCH + size])
        elif m.is_write:
            stop = port == 4
            self._port(v, port, int.from_bytes(m.data[:size], "big") & 0xFFFFFFFF)
        else:
            m.data = b"\xff" * size
        if not m.is_write:
            self._access("R", m.phys_addr, m.data[:size])
        return stop

    def _access(self, direction: str, address: int, data: bytes) -> None:
        self.mark(f"MMIO {direction} len={len(data)} pa={address:x} data={data.hex()}")

    def _port(self, v: Vcpu, port: int, value: int) -> None:
        match port:
            case 0:
                self.console.append(v.run.mmio.data[0])
            case 8:
                queueing.interrupt(v, value)
                self.mark(f"USER KVM_INTERRUPT {value:x} -> 0")
            case 12:
                self.mark(f"GUESTMARK {value:x}")
            case 16:
                self.mark(state(v, "port"))
            case 20:
                result = one_reg.set_one_reg(v, "OR_TSR", value)
                self.mark(f"USER OR_TSR {value:x} -> {_returned(result)}")
            case 24:
                result = ioctl.set_guest_debug(v, value)
                self.mark(f"USER SET_GUEST_DEBUG {value:x} -> {_returned(result)}")
                self.steps = STEPS if value & codes.GUESTDBG_SINGLESTEP else 0
            case 28:
                irq = codes.KVM_INTERRUPT_SET_LEVEL if value >> 16 else codes.KVM_INTERRUPT_SET
                self.later(irq, (value & 0xFFFF) * 10)
            case 32:
                result = ioctl.enable_cap(v, value)
                self.mark(f"USER ENABLE_CAP {_signed(value)} -> {_returned(result)}")


_STOP = Ending(StopKind.POWEROFF, "the guest wrote the stop port")


def _returned(result: int) -> int:
    """What the C library's ioctl gives for a kernel's negative errno."""
    return -1 if result < 0 else result


def _signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


def state(v: Vcpu, what: str) -> str:
    """The registers of the guest's as KVM_GET_REGS and KVM_GET_SREGS give them; DEC is left out, for it runs."""
    s = v.guest_spr
    mas7_3 = s("MAS7") << 32 | s("MAS3")
    return (
        f"STATE {what} pc={v.pc:x} msr={v.guest_msr:x} r1={v.gpr[1]:x} r3={v.gpr[3]:x} r4={v.gpr[4]:x}"
        f" srr0={s('SRR0'):x} srr1={s('SRR1'):x} esr={s('ESR'):x} dear={s('DEAR'):x} csrr0={s('CSRR0'):x}"
        f" csrr1={s('CSRR1'):x} tsr={s('TSR'):x} tcr={s('TCR'):x} pid={v.guest_pid:x} mas0={s('MAS0'):x}"
        f" mas1={s('MAS1'):x} mas2={s('MAS2'):x} mas7_3={mas7_3:x} mas4={s('MAS4'):x} mas6={s('MAS6'):x}"
    )
