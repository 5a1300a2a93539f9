"""The ppce500 board: RAM, serial ports, MPIC, global utilities, GPIO and spin table around one core.

A board knows nothing of its core: it drives interrupt lines through the callbacks given to ``connect`` and says
through ``attention`` that the machine must look. Its time is the clock it was made with, in ticks of 400 MHz.
Addresses and interrupt numbers: facts 11, QEMU's ppce500. What it looks like is :mod:`ppcdbg.machine.dump`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ppcdbg.cpu.bus import DCR_SPACE
from ppcdbg.cpu.models import CORES
from ppcdbg.cpu.plain import items, maybe
from ppcdbg.errors import InputError
from ppcdbg.machine.bus import Region, SystemBus
from ppcdbg.machine.console import Console
from ppcdbg.machine.devices.dcr import SIZE as DCR_SIZE
from ppcdbg.machine.devices.dcr import DcrBus
from ppcdbg.machine.devices.device import Clock, Device, DeviceState, numbers, table, whole
from ppcdbg.machine.devices.gpio import Gpio
from ppcdbg.machine.devices.guts import Guts
from ppcdbg.machine.devices.mpic import Mpic
from ppcdbg.machine.devices.mpic_registers import SIZE as MPIC_SIZE
from ppcdbg.machine.devices.mpic_registers import MpicRegisters
from ppcdbg.machine.devices.mpic_timers import MpicTimers
from ppcdbg.machine.devices.spin import SIZE as SPIN_SIZE
from ppcdbg.machine.devices.spin import Release, SpinTable
from ppcdbg.machine.devices.uart import Uart
from ppcdbg.machine.input import InputEvent, InputKind
from ppcdbg.machine.memory import Ram

CCSR = 0xFE0000000
SERIAL0, SERIAL1 = CCSR + 0x4500, CCSR + 0x4600
SERIAL_SIZE = 0x100
MPIC_BASE = CCSR + 0x40000
GUTS_BASE, GUTS_SIZE = CCSR + 0xE0000, 0x1000
GPIO_BASE, GPIO_SIZE = CCSR + 0xFF000, 0x1000
SPIN_BASE = 0xFEF000000
SERIAL_IRQ = 42

Line = Callable[[bool], None]


def _unconnected(level: bool) -> None:
    """An output that nobody listens to."""


def _nobody(core: int, address: int, r3: int) -> None:
    """There is one core, and it runs."""


RESET, POWER_OFF = "the guest asked the board for a reset", "the guest switched the power off"


class Board:
    """ppce500 with ``ram_size`` bytes. ``clock`` gives ticks, ``position`` retired instructions (default: the clock).

    ``model`` is a name of ``CORES``. ``mpic_timers`` off leaves the MPIC's timers standing, as KVM's in-kernel
    model does. ``cores``: entries of the spin table, and destinations of the MPIC. ``dcr``: there are
    device control registers. Raises InputError for a size or a core that cannot be.
    """

    def __init__(
        self,
        ram_size: int,
        clock: Clock,
        model: str,
        position: Callable[[], int] | None = None,
        mpic_timers: bool = True,
        cores: int = 1,
        dcr: bool = False,
    ) -> None:
        if model not in CORES:
            raise InputError(f"there is no core {model!r}; the cores are {', '.join(sorted(CORES))}")
        core = CORES[model]
        self.model = model
        self.ram = Ram(ram_size)
        self.bus = SystemBus(self.ram)
        self.console = Console(position or clock)
        self.console1 = Console(position or clock)
        self.reset_requested = False
        self.poweroff_requested = False
        self.attention: Callable[[], None] = lambda: None
        self._serial_lines = 0
        self.release: Release = _nobody
        """Where a store to the spin table lets a core go; the first core is never held."""
        self._lines: list[tuple[Line, Line, Line]] = [(_unconnected,) * 3] * cores
        """Of each core, in the order of INT, CINT and MCP."""
        first, *others = (partial(self._interrupt, core) for core in range(cores))
        self.mpic = Mpic(first, MpicTimers(clock if mpic_timers else None), others)
        self.mpic_registers = MpicRegisters(self.mpic)
        # Where positions are not retired instructions, nothing can be put at an earlier one.
        late = (None, None) if position is None else (self.console.put_late, self.console1.put_late)
        self.serial0 = Uart("serial0", clock, self._serial_line(1), self.console.put, late[0])
        self.serial1 = Uart("serial1", clock, self._serial_line(2), self.console1.put, late[1])
        self._devices: tuple[tuple[int, int, Device], ...] = (
            (SERIAL0, SERIAL_SIZE, self.serial0),
            (SERIAL1, SERIAL_SIZE, self.serial1),
            (MPIC_BASE, MPIC_SIZE, self.mpic_registers),
            (GUTS_BASE, GUTS_SIZE, Guts(core.pvr, core.svr, self._request_reset)),
            (GPIO_BASE, GPIO_SIZE, Gpio(self._request_poweroff)),
            (SPIN_BASE, SPIN_SIZE, SpinTable(cores, lambda *where: self.release(*where))),
        )
        if dcr:
            self._devices += ((DCR_SPACE, DCR_SIZE, DcrBus()),)
        for base, size, device in self._devices:
            self.bus.attach(base, size, device)

    @property
    def over(self) -> str:
        """What the guest has asked for that ends everything; empty while it runs."""
        if self.reset_requested:
            return RESET
        return POWER_OFF if self.poweroff_requested else ""

    def connect(
        self, external: Line, critical: Line = _unconnected, machine_check: Line = _unconnected, core: int = 0
    ) -> None:  # fmt: skip
        """Where the MPIC's outputs for a core go. ``external`` may be called again with the level it already has."""
        self._lines[core] = external, critical, machine_check

    def proxy_acknowledge(self, core: int = 0) -> int | None:
        """See ``cpu.bus.InterruptSource``: the board's MPIC answers, for the first core or another."""
        return self.mpic.proxy_acknowledge(core)

    def next_event(self, now: int) -> int | None:
        """The tick at which a device next does something by itself; never before ``now``."""
        first = self.mpic.next_event()
        for tick in (self.serial0.next_event(), self.serial1.next_event()):
            if tick is not None and (first is None or tick < first):
                first = tick
        return first if first is None or first > now else now

    def advance(self, now: int) -> None:
        """Let the devices do what is due at tick ``now``."""
        self.mpic.advance(now)
        self.serial0.advance(now)
        self.serial1.advance(now)

    def apply(self, event: InputEvent) -> bool:
        """Let an input event happen if it is for the board (console, break, irq); False if it is for another."""
        if event.kind is InputKind.IRQ:
            self.mpic.set_irq(event.target, bool(event.value))
        elif event.kind is InputKind.CONSOLE:
            self._port(event).receive(event.data)
        elif event.kind is InputKind.BREAK:
            self._port(event).receive_break()
        else:
            return False
        return True

    def device_at(self, address: int) -> str:
        """The name of what answers at a real address; "" for nothing."""
        return self.bus.device_at(address)

    @property
    def regions(self) -> tuple[Region, ...]:
        """The devices with their addresses and access counts, in address order."""
        return tuple(sorted(self.bus.regions, key=lambda region: region.base))

    @property
    def mmio_count(self) -> dict[str, tuple[int, int]]:
        """Guest reads and writes of each device that was accessed, by name."""
        return {r.device.name: (r.reads, r.writes) for r in self.regions if r.reads or r.writes}

    def save(self) -> DeviceState:
        """Everything but RAM: devices, consoles, access counts, requests."""
        devices = {device.name: device.save() for _, _, device in self._devices}
        counts = {r.device.name: [r.reads, r.writes] for r in self.bus.regions}
        return {
            "devices": devices, "counts": counts, "console": self.console.save(), "console1": self.console1.save(),
            "reset": self.reset_requested, "poweroff": self.poweroff_requested, "serial_lines": self._serial_lines,
            "due": [r.was_due for r in self.bus.regions],
        }  # fmt: skip

    def restore(self, state: DeviceState) -> None:
        """Take a saved state; the core's interrupt inputs are the core's own state and are not driven."""
        devices, counts = table(state["devices"]), table(state["counts"])
        for _, _, device in self._devices:
            device.restore(table(devices[device.name]))
        for region, due in zip(self.bus.regions, items(state["due"]), strict=True):
            region.reads, region.writes = numbers(counts[region.device.name])
            region.was_due = maybe(due)
        self.console.restore(table(state["console"]))
        self.console1.restore(table(state["console1"]))
        self.reset_requested, self.poweroff_requested = bool(state["reset"]), bool(state["poweroff"])
        self._serial_lines = whole(state["serial_lines"])

    def _port(self, event: InputEvent) -> Uart:
        return self.serial1 if event.target == 1 else self.serial0

    def _interrupt(self, core: int, line: int, level: bool) -> None:
        self._lines[core][line](level)

    def _serial_line(self, bit: int) -> Line:
        """The two ports share one interrupt: it is asserted while either asserts its line."""

        def drive(level: bool) -> None:
            lines = self._serial_lines | bit if level else self._serial_lines & ~bit
            if bool(lines) != bool(self._serial_lines):
                self.mpic.set_irq(SERIAL_IRQ, lines != 0)
            self._serial_lines = lines

        return drive

    def _request_reset(self) -> None:
        self.reset_requested = True
        self.attention()

    def _request_poweroff(self) -> None:
        self.poweroff_requested = True
        self.attention()
