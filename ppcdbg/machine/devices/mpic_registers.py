"""The register map of the MPIC, as a device on the bus: decodes offsets and calls the controller, decides nothing.

All registers are 32 bits; a narrower read sees its bytes, a write of another width is ignored, as the hardware does.
Source: MPC8544E reference manual 10.3; offsets from the MPIC's base, CCSR + 0x40000 (facts 11).
"""

from __future__ import annotations

from ppcdbg.machine.devices.device import DeviceState, part
from ppcdbg.machine.devices.mpic import GCR_PROXY, GCR_RESET, IPI_BASE, IVPR_VECTOR, MSI_GROUPS, TIMER_BASE, Mpic

SIZE = 0x40000
BRR1 = 0x00400402  # MPIC 4.2
FRR = (196 - 1) << 16 | 2  # 196 sources, OpenPIC 1.2; with the number of cores less one in bits 8:12
GLOBAL_FRR, GLOBAL_GCR, GLOBAL_VIR, GLOBAL_PIR, GLOBAL_SPURIOUS = 0x1000, 0x1020, 0x1080, 0x1090, 0x10E0
IPI_VECTORS, TIMER_FREQUENCY, TIMER_BANK, TIMER_CONTROL = 0x10A0, 0x10F0, 0x1100, 0x1300
MSI_BANK, MSI_STATUS, MSI_INDEX = 0x1600, 0x1720, 0x1740
SUMMARIES, SUMMARIES_END = 0x3800, 0x4000
SOURCE_BANK, SOURCE_BANK_END = 0x10000, 0x12000
CORE_BANK = 0x20000
IPI_DISPATCH, TASK_PRIORITY, WHO_AM_I, ACKNOWLEDGE, END_OF_INTERRUPT = 0x40, 0x80, 0x90, 0xA0, 0xB0
NOTHING = 0xFFFFFFFF


class MpicRegisters:
    """``mpic`` as the guest reaches it: 256 KiB of registers. ``current``: the core that accesses them."""

    name = "mpic"

    def __init__(self, mpic: Mpic) -> None:
        self.mpic = mpic
        self.current = 0

    def next_event(self) -> int | None:
        """The tick at which a timer reaches zero next."""
        return self.mpic.next_event()

    def read(self, offset: int, size: int) -> int:
        """Reading IACK acknowledges, reading an MSIR clears it; all else only looks."""
        if size == 8:
            return self.read(offset, 4) << 32 | self.read(offset + 4, 4)
        register = offset & ~3
        number, core = self._core_register(register)
        if core == ACKNOWLEDGE:
            value = self.mpic.acknowledge(number)
        elif MSI_BANK <= register < MSI_BANK + 16 * MSI_GROUPS and not register & 0xF:
            value = self.mpic.take_msi(register >> 4 & 7)
        else:
            value = self._look(register)
        return value if size == 4 else part(value, offset, size)

    def peek(self, offset: int, size: int) -> int | None:
        """IACK shows the vector that it would give."""
        if size == 8:
            high, low = self._look(offset), self._look(offset + 4)
            return high << 32 | low
        value = self._look(offset & ~3)
        return value if size == 4 else part(value, offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """Only aligned words are taken."""
        if size == 8:
            self.write(offset, 4, value >> 32)
            self.write(offset + 4, 4, value & 0xFFFFFFFF)
        elif size != 4 or offset & 3:
            return
        elif SOURCE_BANK <= offset < SOURCE_BANK_END:
            self._write_source(offset >> 5 & 0xFF, offset & 0x1F, value)
        elif (found := self._core_register(offset))[1] >= 0:
            self._write_core(*found, value)
        elif TIMER_FREQUENCY <= offset < TIMER_BANK + 0x100 or offset == TIMER_CONTROL:
            self._write_timer(offset, value)
        else:
            self._write_global(offset, value)

    def _look(self, register: int) -> int:
        mpic = self.mpic
        if SOURCE_BANK <= register < SOURCE_BANK_END:
            source = mpic.sources[register >> 5 & 0xFF]
            return {0x00: source.ivpr, 0x10: source.idr, 0x18: source.output}.get(register & 0x1F, NOTHING)
        number, core = self._core_register(register)
        if core >= 0:
            if core == ACKNOWLEDGE:
                return mpic.pending_vector(number)
            return {TASK_PRIORITY: mpic.cores[number].ctpr, WHO_AM_I: number, END_OF_INTERRUPT: 0}.get(core, NOTHING)
        if TIMER_FREQUENCY <= register < TIMER_BANK + 0x100 or register == TIMER_CONTROL:
            return self._look_timer(register)
        if MSI_BANK <= register < MSI_BANK + 0x200:
            return self._look_msi(register)
        if IPI_VECTORS <= register < GLOBAL_SPURIOUS and not register & 0xF:
            return mpic.sources[IPI_BASE + (register - IPI_VECTORS >> 4)].ivpr
        if SUMMARIES <= register < SUMMARIES_END:
            return 0
        fixed = {0: BRR1, GLOBAL_FRR: FRR | len(mpic.cores) - 1 << 8, GLOBAL_VIR: 0, GLOBAL_PIR: 0}
        return {**fixed, GLOBAL_GCR: mpic.gcr, GLOBAL_SPURIOUS: mpic.spurious}.get(register, NOTHING)

    def _look_msi(self, register: int) -> int:
        if register < MSI_BANK + 16 * MSI_GROUPS and not register & 0xF:
            return self.mpic.msi[register >> 4 & 7]
        if register == MSI_STATUS:
            return sum(1 << group for group, bits in enumerate(self.mpic.msi) if bits)
        return 0

    def _look_timer(self, register: int) -> int:
        timers = self.mpic.timers
        if register == TIMER_FREQUENCY:
            return timers.frequency
        if register == TIMER_CONTROL:
            return timers.control
        index = register >> 6 & 3
        source = self.mpic.sources[TIMER_BASE + index]
        values = {0x00: timers.current(index), 0x10: timers.base[index], 0x20: source.ivpr, 0x30: source.idr}
        return values.get(register & 0x3F, NOTHING)

    def _write_source(self, number: int, register: int, value: int) -> None:
        if register == 0x00:
            self.mpic.set_ivpr(number, value)
        elif register == 0x10:
            self.mpic.set_idr(number, value)
        elif register == 0x18:
            self.mpic.set_ilr(number, value)

    def _write_core(self, core: int, register: int, value: int) -> None:
        mpic = self.mpic
        if register == END_OF_INTERRUPT:
            mpic.end_of_interrupt(core)
        elif register == TASK_PRIORITY:
            mpic.set_task_priority(value, core)
        elif IPI_DISPATCH <= register < TASK_PRIORITY:
            mpic.send_ipi(register - IPI_DISPATCH >> 4, value)

    def _write_timer(self, register: int, value: int) -> None:
        timers = self.mpic.timers
        index = register >> 6 & 3
        if register == TIMER_FREQUENCY:
            timers.frequency = value
        elif register == TIMER_CONTROL:
            timers.control = value
        elif register & 0x3F == 0x10:
            timers.set_base(index, value)
        elif register & 0x3F == 0x20:
            self.mpic.set_ivpr(TIMER_BASE + index, value)
        elif register & 0x3F == 0x30:
            self.mpic.set_idr(TIMER_BASE + index, value)

    def _write_global(self, register: int, value: int) -> None:
        mpic = self.mpic
        if register == GLOBAL_GCR:
            if value & GCR_RESET:
                mpic.reset()
            else:
                mpic.gcr = value & GCR_PROXY
        elif register == GLOBAL_SPURIOUS:
            mpic.spurious = value & IVPR_VECTOR
        elif register == MSI_INDEX:
            mpic.signal_msi(value)
        elif IPI_VECTORS <= register < GLOBAL_SPURIOUS and not register & 0xF:
            mpic.set_ivpr(IPI_BASE + (register - IPI_VECTORS >> 4), value)

    def save(self) -> DeviceState:
        """The controller's state; the registers have none of their own."""
        return self.mpic.save()

    def restore(self, state: DeviceState) -> None:
        """See ``Device.restore``."""
        self.mpic.restore(state)

    def _core_register(self, register: int) -> tuple[int, int]:
        """The core and the offset in its bank, reached at 0x20000 + 0x1000 * core or, as "this core", at 0; an offset
        of -1 elsewhere."""
        if register & 0xF:
            return 0, -1
        core, bank = self.current, register
        if register >= CORE_BANK:
            core, bank = register - CORE_BANK >> 12, register & 0xFFF
        if core < len(self.mpic.cores) and IPI_DISPATCH <= bank <= END_OF_INTERRUPT:
            return core, bank
        return 0, -1
