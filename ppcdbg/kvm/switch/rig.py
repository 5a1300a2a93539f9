"""The machine that a variant runs on: a core of the model, RAM, one device, and an engine.

``Rig`` stands at the first instruction of vcpu_load and goes on by single instructions. It ends where the guest has
come back from its exit (``guest_end``), or in ``dead``, where the host meets what no host expects.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu.bus import BusFault
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES
from ppcdbg.cpu.msr import DBCR0_IAC1, DBCR0_IDM, DBCR1_IAC1_USER, EPCR_DUVD, MCSR_MCP, MSR_EE, MSR_GS, MSR_IS, TSR_DIS
from ppcdbg.cpu.observe import Observer
from ppcdbg.cpu.plain import Saved
from ppcdbg.cpu.shortcuts import Shortcuts
from ppcdbg.cpu.state import TLB0_ENTRIES
from ppcdbg.cpu.tlb import TlbEntry
from ppcdbg.engine.api import EngineStop, Stops, Why
from ppcdbg.engine.choose import engine_factory
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import BY_NAME, SLOT
from ppcdbg.kvm.switch import layout as at
from ppcdbg.kvm.switch.build import Code, build
from ppcdbg.kvm.switch.variants import Variant
from ppcdbg.kvm.switch.ways import WAYS, Way

_PIN, _V, _TS4K, _T256K = 0x40000000, 0x80000000, 0x100, 0x400
PAGE = 4096
PINNED, PINNED_IO = TLB0_ENTRIES, TLB0_ENTRIES + 1


@dataclass(frozen=True)
class GuestState:
    """The guest before it is entered, by names of :data:`layout.VCPU_FIELDS` and ``SHARED_FIELDS``; what is not named
    has a value of its own that no other register has."""

    vcpu: dict[str, int] = field(default_factory=dict)
    shared: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """An interrupt that the core took: the vector, what was interrupted, whether it went to the guest's vectors, after
    how many instructions, and whether it was the guest that was interrupted."""

    vector: int
    pc: int
    msr: int
    guest: bool
    position: int
    from_guest: bool


class Watch(Observer):
    """What the hardware did: interrupts taken and TLB entries written."""

    def __init__(self, core: Core, bit: int) -> None:
        self._core, self._bit = core, bit
        self.taken: list[Taken] = []
        self.written: list[TlbEntry] = []

    def interrupt_taken(self, vector: int, pc: int, msr: int, guest: bool, position: int) -> None:
        self.taken.append(Taken(vector, pc, msr, guest, position, bool(msr & self._bit)))

    def tlb_written(self, index: int) -> None:
        self.written.append(self._core.entry(index))


@dataclass(frozen=True)
class RigState:
    """The machine put away: registers and TLB, RAM, and what was observed up to here."""

    core: Saved
    ram: bytes
    taken: tuple[Taken, ...]
    written: tuple[TlbEntry, ...]
    come: bool


class DeviceBus:
    """RAM, and a device whose registers let the lines go: +0 external, +4 critical; +8 prints."""

    shortcuts: Shortcuts | None = None

    def __init__(self) -> None:
        self.ram = memoryview(bytearray(at.RAM))
        self.core: Core | None = None

    def settle(self) -> None:
        pass

    def read(self, address: int, size: int) -> int:
        raise BusFault(address, False)

    def write(self, address: int, size: int, value: int) -> None:
        offset = address - at.DEVICE
        if self.core is None or not 0 <= offset < 4096:
            raise BusFault(address, True)
        if offset == 0:
            self.core.set_external(False)
        elif offset == 4:
            self.core.set_critical(False)

    def peek(self, address: int, size: int) -> int | None:
        return None


class Rig:
    """One variant, ready to run."""

    def __init__(
        self, variant: Variant, guest: GuestState | None = None, way: Way = WAYS[0], engine: str = "reference"
    ) -> None:  # fmt: skip
        self.variant, self.way, self.code = variant, way, build(variant, way)
        self.come = way.comes is None
        """Whether what makes the guest leave has come, where that comes from outside."""
        self.bus = DeviceBus()
        self.core = Core(CORES[variant.core], self.bus)
        self.hv = self.core.model.has_hv
        self.guest_bit = MSR_GS if self.hv else MSR_IS
        """The bit of MSR that says whether the guest runs: GS, and in PR mode IS, which a Linux host never sets."""
        self.bus.core = self.core
        self.core.observer = self.watch = Watch(self.core, self.guest_bit)
        self.engine = engine_factory("reference" if engine == "auto" else engine)(self.core)
        self.guest_sprs = GUEST_SPRS if self.hv else GUEST_SPRS_PR
        self.shown = tuple(n for n in dict.fromkeys((*self.guest_sprs, *HOST_SPRS)) if BY_NAME[n].on(variant.core))
        self._load(self.code, guest or GuestState())
        self._map()
        self._registers()

    # --- made ---------------------------------------------------------------------------------------------------------
    def word(self, real: int) -> int:
        """A word of RAM."""
        return int.from_bytes(self.bus.ram[real : real + 4], "big")

    def put(self, real: int, value: int) -> None:
        self.bus.ram[real : real + 4] = value.to_bytes(4, "big")

    def place(self, page: int) -> int:
        """The effective address of a page of the switch's: in lowmem or in vmalloc, as the variant has it."""
        return (at.LOWMEM if self.variant.vcpu == "lowmem" else at.VMALLOC) + page

    def _load(self, code: Code, guest: GuestState) -> None:
        for real, word in code.words.items():
            self.put(real, word)
        for page in range(0x3F):
            self._page(page, at.VMALLOC + page * 4096, page * 4096 | 0x15, 0, 4)
        self._page(0x3F, at.IO, at.DEVICE & 0xFFFFF000 | 0x05, at.DEVICE >> 32, 0xA)
        epcr = at.EPCR_VCPU if self.variant.duvd else at.EPCR_VCPU & ~EPCR_DUVD
        vcpu = {name: 0x11000000 + 0x10001 * n for n, name in enumerate(at.VCPU_FIELDS)} | {
            "CR": 0x12345678, "XER": 0x40000021, "PC": at.GUEST_EA, "GUEST_PID": at.GUEST_PID, "HOST_PID": 0,
            "HOST_STACK": self.place(at.STACK) + 0x800, "SHARED": self.place(at.SHARED), "LPID": at.LPID,
            "EPCR": epcr, "GPIR": 0, "MSRP": at.MSRP_VCPU, "EPC": 0x20000000 | at.LPID << 16, "GIVPR": 0x20000000,
            "GIVOR2": 0x200, "GIVOR8": 0x800, "GEPR": 7, "R22": at.GUEST_DATA_EA, "R1": 0x7FFF0000,
            "SHADOW_PID": at.SHADOW_PID, "SHADOW_PID1": at.SHADOW_PID1, "SHADOW_MSR": at.SHADOW_MSR,
            "OLDPIR": 0,
        } | guest.vcpu  # fmt: skip
        shared = {name: 0x22000000 + 0x10001 * n for n, name in enumerate(at.SHARED_FIELDS)} | {
            "MSR": at.GUEST_MSR, "MAS0": 0x10050002, "MAS1": 0xC0050900, "MAS2": 0x30000004, "MAS3": 0x0500003F,
            "MAS7": 0x1, "MAS4": 0x00000500, "MAS6": 0x00050001, "SRR0": 0x22220000,
        } | guest.shared  # fmt: skip
        for name, offset in at.VCPU_FIELDS.items():
            self.put(at.VCPU + offset, vcpu[name])
        for name, offset in at.SHARED_FIELDS.items():
            self.put(at.SHARED + offset, shared[name])
        self.put(at.CPU + at.LAST_VCPU, self.place(at.VCPU))
        self.put(at.GUEST_DATA, 0x600D0000)
        self.put(at.OTHER_DATA, 0x0BAD0000)

    def _page(self, index: int, ea: int, mas3: int, mas7: int, wimge: int) -> None:
        for i, value in enumerate((ea, mas3, mas7, wimge)):
            self.put(at.PAGE_TABLE + 16 * index + 4 * i, value)

    def _map(self) -> None:
        """The pinned entries, every page that comes and goes, and the guest's text."""
        tlb = self.core.tlb
        tlb.write(PINNED, _V | _PIN | _T256K, at.LOWMEM | 4, 0x15, 0)
        if self.variant.io == "pinned":
            tlb.write(PINNED_IO, _V | _PIN | _TS4K, at.IO | 0xA, at.DEVICE & 0xFFFFF000 | 5, at.DEVICE >> 32)
        for page in range(0xC, 0x3F):
            tlb.write(page * 4, _V | _TS4K, at.VMALLOC + page * 4096 | 4, page * 4096 | 0x15, 0)
        if self.hv:
            pid, ts, mas8 = self.field("GUEST_PID"), 0, 0x80000000 | self.field("LPID")
        else:
            pid, ts, mas8 = self.field("SHADOW_PID"), 0x1000, 0
        mas1 = _V | _TS4K | ts | pid << 16
        tlb.write((at.GUEST_EA >> 12 & 127) * 4 + 1, mas1, at.GUEST_EA | 4, at.GUEST_TEXT | 0x3F, 0, mas8)

    def field(self, name: str) -> int:
        """A field of the vcpu."""
        return self.word(at.VCPU + at.VCPU_FIELDS[name])

    def _registers(self) -> None:
        core, gpr = self.core, self.core.state.gpr
        core.set_msr((at.HOST_MSR | MSR_EE) & core.model.msr_mask)
        for number in at.VECTOR_NUMBERS:
            try:
                core.write_spr(f"IVOR{number}", at.ivor(number))
            except KeyError:
                continue  # not on this core
        for name, value in {
            "IVPR": at.VECTORS, "PID": at.HOST_PID, "SPRG3": at.LOWMEM + at.CPU, "MAS4": at.HOST_MAS4,
            "TCR": 0x04000000, "LR": 0xC0004000, "SPRG9": 0x99999999, "SPRG4": 0x44444444,
        }.items():  # fmt: skip
            core.write_spr(name, value)
        for n in range(32):
            gpr[n] = 0xA0000000 + n
        for n in range(14, 32):  # the heavyweight part of the entry loads them
            gpr[n] = self.word(at.VCPU + 4 * n)
        gpr[1], gpr[2] = self.place(at.STACK) + 0x800, at.HOST_R2
        gpr[4] = self.place(at.VCPU)
        core.state.pc = (at.LOWMEM if self.variant.text == "lowmem" else at.VMALLOC) + at.SWITCH

    # --- running ------------------------------------------------------------------------------------------------------
    @property
    def pc(self) -> int:
        return self.core.state.pc

    @property
    def over(self) -> str:
        """``guest`` once the guest has come back from its exit, ``dead`` in a host that gave up; empty before."""
        labels = self.code.labels
        return {labels["guest_end"]: "guest", labels["dead"]: "dead"}.get(self.pc, "")

    def arrive(self) -> None:
        """Where the guest leaves: what makes it leave comes now, once, if it comes from outside."""
        if not self.come and self.pc == self.code.labels["guest_leaves"] and not self.in_host():
            self.come = True
            assert self.way.comes is not None
            self.interrupt(self.way.comes)

    def interrupt(self, vector: int) -> None:
        """An interrupt from outside becomes pending; a debug interrupt, as a breakpoint at pc."""
        core = self.core
        match vector:
            case I.MACHINE_CHECK:
                core.machine_check(MCSR_MCP)
            case I.CRITICAL:
                core.set_critical(True)
            case I.EXTERNAL:
                core.set_external(True)
            case I.DECREMENTER:
                core.state.reg[SLOT["TSR"]] |= TSR_DIS
                core.noticed()
            case _:
                assert vector == I.DEBUG
                core.write_spr("IAC1", self.pc)
                core.write_spr("DBCR1", 0 if self.hv else DBCR1_IAC1_USER)  # kvm_arch_vcpu_ioctl_set_guest_debug
                core.write_spr("DBCR0", DBCR0_IDM | DBCR0_IAC1)

    def step(self) -> EngineStop:
        """One instruction; an interrupt that comes before it is taken first."""
        self.arrive()
        return self.engine.run(self.core.retired + 1, Stops())

    def run(self, limit: int, stops: frozenset[int]) -> EngineStop:
        """Up to ``limit`` instructions from here, or until pc is in ``stops``."""
        end, leaves = self.core.retired + limit, self.code.labels["guest_leaves"]
        while True:
            self.arrive()
            stop = self.engine.run(end, Stops(stops if self.come else stops | {leaves}))
            if self.come or self.pc != leaves or stop.why is not Why.BREAKPOINT:
                return stop

    def in_host(self) -> bool:
        """Whether the host runs, and not the guest."""
        return not self.core.msr & self.guest_bit

    # --- put away and taken out ---------------------------------------------------------------------------------------
    def save(self) -> RigState:
        return RigState(self.core.save(), bytes(self.bus.ram), (*self.watch.taken,), (*self.watch.written,), self.come)

    def restore(self, state: RigState) -> None:
        """What ``save`` gave; what was observed since is forgotten."""
        self.core.restore(state.core)
        self.core.tlb.reloaded()
        ram = self.bus.ram
        for page in range(0, len(ram), PAGE):
            if bytes(ram[page : page + PAGE]) != (content := state.ram[page : page + PAGE]):
                ram[page : page + PAGE] = content
                self.engine.code_changed(page, PAGE)
        self.engine.restored()
        self.watch.taken[:], self.watch.written[:] = state.taken, state.written
        self.come = state.come

    # --- questions ----------------------------------------------------------------------------------------------------
    def handled(self, number: int) -> int:
        """How often the host's handler of a vector ran."""
        return self.word(at.CPU + at.HANDLED + 4 * number)

    def exits(self) -> list[tuple[int, int, int]]:
        """Number, pc and MSR of each exit that came to kvmppc_handle_exit."""
        count = min(self.word(at.CPU + at.EXIT_COUNT), at.EXIT_ROOM)
        base = at.CPU + at.EXITS
        return [(self.word(base + 16 * i), self.word(base + 16 * i + 4), self.word(base + 16 * i + 8))
                for i in range(count)]  # fmt: skip

    def registers(self) -> dict[str, int]:
        """Everything that the switch moves, and the interrupts' own registers, by name."""
        reg = self.core.state.reg
        out = {"pc": reg[slots.PC], "msr": reg[slots.MSR], "cr": self.core.state.cr_word}
        out |= {f"r{n}": reg[n] for n in range(32)}
        out |= {name: self.core.read_spr(name) for name in self.shown}
        return out


GUEST_SPRS = (
    "LR", "CTR", "XER", "PID", "LPID", "MAS0", "MAS1", "MAS2", "MAS3", "MAS4", "MAS6", "MAS7", "USPRG0", "SPRG4",
    "SPRG5", "SPRG6", "SPRG7", "SPRG9", "GSPRG0", "GSPRG1", "GSPRG2", "GSPRG3", "GSRR0", "GSRR1", "GDEAR", "GESR",
    "GEPR", "GPIR", "GIVPR", "GIVOR2", "GIVOR8", "MSRP", "EPCR", "EPLC", "EPSC",
)  # fmt: skip
"""What is the guest's while it runs, beside GPRs, CR, pc and MSR."""
GUEST_SPRS_PR = ("LR", "CTR", "XER", "PID", "PID1", "SPRG4", "SPRG5", "SPRG6", "SPRG7")
HOST_SPRS = (
    "IVPR", "MAS0", "MAS1", "MAS2", "MAS3", "MAS4", "MAS6", "MAS7", "MAS8", "SPRG0", "SPRG1", "SPRG2", "SPRG3", "SPRG8",
    "SRR0", "SRR1", "CSRR0", "CSRR1", "DSRR0", "DSRR1", "MCSRR0", "MCSRR1", "ESR", "DEAR", "DBSR", "MCSR", "TSR",
)  # fmt: skip
