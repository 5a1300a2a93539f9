"""The interrupt controller of ppce500: an OpenPIC of the FSL 4.2 generation, with one destination core or several.

The same model serves as the board's controller and as KVM's in-kernel one; ``--irqchip`` decides only who calls it.
This room is the state machine (sources, priorities, acknowledge, end of interrupt, outputs); its register map is
:mod:`ppcdbg.machine.devices.mpic_registers`. Interrupt numbers are positions in the source array, as in the device
tree: 0..11 external pins, 16.. internal (level), 224.. MSI, then IPIs and timers, which have no number there.
Sources: OpenPIC register specification 1.2; MPC8544E reference manual 10; behaviour as kvm/mpic.c (facts 11).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ppcdbg.machine.devices.device import DeviceState, items, numbers, table, whole
from ppcdbg.machine.devices.mpic_timers import TIMERS, MpicTimers

SOURCES = 256
FIRST_INTERNAL = 16
MSI_BASE, MSI_GROUPS = 224, 8
IPI_BASE, IPIS = SOURCES, 4
TIMER_BASE = IPI_BASE + IPIS
TOTAL = TIMER_BASE + TIMERS

IVPR_MASK, IVPR_ACTIVITY, IVPR_POLARITY, IVPR_SENSE = 0x80000000, 0x40000000, 0x00800000, 0x00400000
IVPR_PRIORITY, IVPR_VECTOR = 0x000F0000, 0xFFFF
ILR_TARGET = 0xFF
INT, CINT, MCP = 0, 1, 2
"""Outputs, numbered as ILR names them: external interrupt, critical input, machine check."""

GCR_RESET, GCR_PROXY = 0x80000000, 0x60000000
SPURIOUS = 0xFFFF

Output = Callable[[int, bool], None]  # one a core
"""``output(line, level)``: an output changes; ``line`` is INT, CINT or MCP. Called also when INT is raised anew."""


class Source:
    """One interrupt source: its registers and whether the device asserts it."""

    __slots__ = ("idr", "ivpr", "kind", "level", "output", "pending", "targets")

    EXTERNAL, INTERNAL, SPECIAL = range(3)

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.level = kind == Source.INTERNAL
        self.output = INT
        self.ivpr = self.idr = self.targets = 0
        self.pending = False
        self.reset()

    def reset(self) -> None:
        """Masked, priority 0, to core 0. The device's own line and the output choice stay."""
        self.ivpr = IVPR_MASK | (IVPR_POLARITY if self.kind == Source.INTERNAL else 0)
        if self.kind == Source.EXTERNAL:
            self.level = False
        self.idr = self.targets = 1

    @property
    def priority(self) -> int:
        return (self.ivpr & IVPR_PRIORITY) >> 16


class Destination:
    """What the controller has for one core: its task priority, what is raised there and in service, its outputs."""

    __slots__ = ("asserted", "ctpr", "line", "output", "raised", "servicing")

    def __init__(self, output: Output) -> None:
        self.output = output
        self.asserted = [0, 0, 0]
        self.ctpr = 15
        self.raised: set[int] = set()
        self.servicing: set[int] = set()
        self.line = False

    def drive(self, level: bool) -> None:
        """INT, raised anew or lowered if it was raised."""
        if level or self.line:
            self.line = level
            self.output(INT, level)

    def save(self) -> DeviceState:
        return {"asserted": [*self.asserted], "ctpr": self.ctpr, "raised": [*sorted(self.raised)],
                "servicing": [*sorted(self.servicing)], "line": self.line}  # fmt: skip

    def restore(self, state: DeviceState) -> None:
        self.asserted, self.ctpr = numbers(state["asserted"]), whole(state["ctpr"])
        self.raised, self.servicing = set(numbers(state["raised"])), set(numbers(state["servicing"]))
        self.line = bool(state["line"])


class Mpic:
    """The controller. ``timers`` None leaves the four timers standing, as KVM's in-kernel model does. ``outputs``: one
    a core, at least one; ``output`` is the first core's."""

    name = "mpic"

    def __init__(self, output: Output, timers: MpicTimers | None = None, others: Sequence[Output] = ()) -> None:
        self.cores = tuple(map(Destination, (output, *others)))
        self.everybody = (1 << len(self.cores)) - 1
        self.timers = timers or MpicTimers(None)
        kinds = [Source.EXTERNAL] * FIRST_INTERNAL + [Source.INTERNAL] * (SOURCES - FIRST_INTERNAL)
        self.sources = [Source(kind) for kind in kinds + [Source.SPECIAL] * (IPIS + TIMERS)]
        self.msi = [0] * MSI_GROUPS
        self.gcr = 0
        self.spurious = SPURIOUS

    def reset(self) -> None:
        """What writing GCR[RST] does: all sources masked, nothing in service, CTPR at its highest."""
        self.gcr = 0
        self.spurious = SPURIOUS
        for source in self.sources:
            source.reset()
        self.timers.reset()
        for core in self.cores:
            core.ctpr = 15
            core.raised.clear()
            core.servicing.clear()
            core.drive(False)

    def set_irq(self, number: int, level: bool) -> None:
        """A device drives source ``number``; edges count for edge-triggered sources, levels for the others."""
        source = self.sources[number]
        if source.level:
            source.pending = level
            self._update(number)
            return
        if level:
            source.pending = True
            self._update(number)
        if source.output != INT:
            # An edge on a critical output has nobody to acknowledge it: it is a pulse.
            source.pending = False
            self._update(number)

    def proxy_acknowledge(self, core: int = 0) -> int | None:
        """What a core gets in EPR when it takes the external interrupt; None when not in proxy (coreint) mode."""
        return self.acknowledge(core) if self.proxy else None

    @property
    def proxy(self) -> bool:
        """Whether GCR selects external proxy mode."""
        return self.gcr & GCR_PROXY == GCR_PROXY

    def pending_vector(self, core: int = 0) -> int:
        """The vector that an acknowledge would give now, without doing it."""
        own = self.cores[core]
        number, priority = self._best(own.raised)
        if number < 0 or priority <= own.ctpr or not self.sources[number].ivpr & IVPR_ACTIVITY:
            return self.spurious
        return self.sources[number].ivpr & IVPR_VECTOR

    def acknowledge(self, core: int = 0) -> int:
        """IACK: the highest raised interrupt enters service and its vector is given, or the spurious vector."""
        own = self.cores[core]
        own.drive(False)
        number, priority = self._best(own.raised)
        if number < 0:
            return self.spurious
        source = self.sources[number]
        if priority <= own.ctpr or not source.ivpr & IVPR_ACTIVITY:
            return self.spurious
        own.servicing.add(number)
        vector = source.ivpr & IVPR_VECTOR
        if not source.level:
            source.ivpr &= ~IVPR_ACTIVITY
            source.pending = False
            own.raised.discard(number)
        if IPI_BASE <= number < TIMER_BASE:
            source.targets &= ~(1 << core)
            if source.targets:  # whoever has not acknowledged it yet still does
                self.set_irq(number, True)
        return vector

    def end_of_interrupt(self, core: int = 0) -> None:
        """EOI: the highest interrupt in service is done; a raised one above what remains goes to the core."""
        own = self.cores[core]
        number, _ = self._best(own.servicing)
        if number < 0:
            return
        own.servicing.discard(number)
        raised, priority = self._best(own.raised)
        if raised >= 0 and priority > max(self._best(own.servicing)[1], own.ctpr):
            own.drive(True)

    def set_task_priority(self, value: int, core: int = 0) -> None:
        """CTPR: only priorities above it reach the core."""
        own = self.cores[core]
        own.ctpr = value & 0xF
        _, priority = self._best(own.raised)
        if priority <= own.ctpr:
            own.drive(False)
        elif priority > self._best(own.servicing)[1]:
            own.drive(True)

    def send_ipi(self, index: int, targets: int) -> None:
        """IPIDR: raise inter-processor interrupt ``index`` at the cores of the mask; the first time after a reset at
        core 0 as well, for a reset names it as it does for the other sources (kvm/mpic.c, openpic_reset)."""
        self.sources[IPI_BASE + index].targets |= targets & self.everybody
        self.set_irq(IPI_BASE + index, True)

    def signal_msi(self, word: int) -> None:
        """MSIIR: bits 31..29 choose one of eight groups, 28..24 the bit in it."""
        group = word >> 29 & 7
        self.msi[group] |= 1 << (word >> 24 & 0x1F)
        self.set_irq(MSI_BASE + group, True)

    def take_msi(self, group: int) -> int:
        """Reading MSIR: the bits are given and cleared, and the group's line drops."""
        bits, self.msi[group] = self.msi[group], 0
        self.set_irq(MSI_BASE + group, False)
        return bits

    def set_ivpr(self, number: int, value: int) -> None:
        """Vector and priority register: ACTIVITY is read-only, SENSE and POLARITY exist where the kind has them."""
        source = self.sources[number]
        kept = IVPR_MASK | IVPR_PRIORITY | IVPR_VECTOR
        if source.kind == Source.EXTERNAL:
            kept |= IVPR_SENSE | IVPR_POLARITY
            source.level = bool(value & IVPR_SENSE)
        elif source.kind == Source.INTERNAL:
            kept |= IVPR_POLARITY
        source.ivpr = source.ivpr & IVPR_ACTIVITY | value & kept
        self._update(number)

    def set_idr(self, number: int, value: int) -> None:
        """Destination register: bit n is core n, and all that are set get it (directed delivery)."""
        source = self.sources[number]
        source.idr = source.targets = value & self.everybody

    def set_ilr(self, number: int, value: int) -> None:
        """Which output a source drives (4.x only); values without an output here leave the source unheard."""
        self.sources[number].output = value & ILR_TARGET

    def next_event(self) -> int | None:
        """The tick at which a timer reaches zero next."""
        return self.timers.next_event()

    def advance(self, now: int) -> None:
        """Raise the interrupts of timers that reached zero."""
        for index in self.timers.expire(now):
            self.set_irq(TIMER_BASE + index, True)

    def _best(self, numbers: set[int]) -> tuple[int, int]:
        """The highest priority in a set, the lowest number first among equals; (-1, -1) if empty."""
        best, priority = -1, -1
        if not numbers:  # nearly always, of those in service
            return best, priority
        for number in sorted(numbers):
            if self.sources[number].priority > priority:
                best, priority = number, self.sources[number].priority
        return best, priority

    def _update(self, number: int) -> None:
        """A source or its registers changed: recompute whether it is active and what the core sees."""
        source = self.sources[number]
        active = source.pending and not source.ivpr & IVPR_MASK
        was_active = bool(source.ivpr & IVPR_ACTIVITY)
        if not active and not was_active:
            return
        source.ivpr = source.ivpr | IVPR_ACTIVITY if active else source.ivpr & ~IVPR_ACTIVITY
        for core, own in enumerate(self.cores):
            if not source.targets >> core & 1:
                continue
            if source.output != INT:
                self._direct(own, source.output, active, was_active)
            else:
                self._pipe(own, number, source, active)

    def _pipe(self, own: Destination, number: int, source: Source, active: bool) -> None:
        """An interrupt that one core acknowledges."""
        if active:
            own.raised.add(number)
            if source.priority > max(own.ctpr, self._best(own.servicing)[1]):
                own.drive(True)
            return
        own.raised.discard(number)
        if self._best(own.raised)[1] <= max(own.ctpr, self._best(own.servicing)[1]):
            own.drive(False)

    @staticmethod
    def _direct(own: Destination, line: int, active: bool, was_active: bool) -> None:
        """Critical and machine-check outputs: the OR of their sources, with no priority and no acknowledge."""
        if line > MCP or active == was_active:
            return
        before = own.asserted[line]
        own.asserted[line] = max(before + (1 if active else -1), 0)
        if bool(before) != bool(own.asserted[line]):
            own.output(line, active)

    def save(self) -> DeviceState:
        """See ``Device.save``; six numbers a source, the first core's own beside, those of others by themselves."""
        first, *others = self.cores
        return {
            "sources": [[s.ivpr, s.idr, s.targets, s.output, int(s.pending), int(s.level)] for s in self.sources],
            "msi": list(self.msi), "gcr": self.gcr, "spurious": self.spurious, **first.save(),
            "timers": self.timers.save(), **({"others": [core.save() for core in others]} if others else {}),
        }  # fmt: skip

    def restore(self, state: DeviceState) -> None:
        """See ``Device.restore``."""
        rows = state["sources"]
        if not isinstance(rows, (list, tuple)) or len(rows) != TOTAL:
            raise TypeError(f"MPIC state does not hold {TOTAL} sources")
        for source, row in zip(self.sources, rows, strict=True):
            source.ivpr, source.idr, source.targets, source.output, pending, level = numbers(row)
            source.pending, source.level = bool(pending), bool(level)
        self.msi = numbers(state["msi"])
        self.gcr, self.spurious = whole(state["gcr"]), whole(state["spurious"])
        first, *others = self.cores
        first.restore(state)
        for core, own in zip(others, items(state["others"]) if others else (), strict=True):
            core.restore(table(own))
        self.timers.restore(state["timers"])
