"""Which registers gdb sees, under which numbers, and how each is read and written.

The core's numbers are those of gdb's own files for PowerPC. The general packet ``g`` holds the core's registers, as
QEMU's, and gdb asks for any other when it needs it; because gdb lays ``g`` out by number, all others come behind. Names
are QEMU's where QEMU has the register, and no name stands twice (facts: T11).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING

from ppcdbg.debugger import magic
from ppcdbg.gdbstub.replies import EFAULT, EINVAL, Refused
from ppcdbg.isa import slots

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

CORE = "org.gnu.gdb.power.core"
FPU = "org.gnu.gdb.power.fpu"
SPE = "org.gnu.gdb.power.spe"
SPR = "org.ppcdbg.spr"
MAGIC = "org.ppcdbg.magic"
CLOCK = "org.ppcdbg.clock"

PC, MSR, CR, LR, CTR, XER = 64, 65, 66, 67, 68, 69
FPSCR, ACC, SPEFSCR, FPR, EVH = 70, 73, 74, 80, 80
OURS = 120
"""The first number of registers that only we describe."""

QEMU_NAMES = {"tbrl": "tbl", "tbru": "tbu", "dec": "decr", "lpid": "lpidr"}
FLAGS = ("MSR", "ESR", "DBSR", "DBCR0", "TCR", "TSR", "EPCR", "MSRP", "MCSR", "MAS0", "MAS1", "MAS2", "MAS3", "MAS4",
         "MAS6", "MAS8", "SRR1", "CSRR1", "DSRR1", "MCSRR1", "GSRR1", "GESR", "XER", "HID0")  # fmt: skip
_GENERAL = Struct(">38I")


@dataclass(frozen=True)
class Register:
    """One register. ``name`` is gdb's, ``ours`` the debugger's; ``bits`` is 32 or 64."""

    number: int
    name: str
    ours: str
    bits: int = 32
    feature: str = CORE
    type: str = ""
    group: str = ""


@dataclass(frozen=True)
class Layout:
    """All registers of one guest, in the order of their numbers."""

    core: str
    registers: tuple[Register, ...]
    by_number: dict[int, Register] = field(default_factory=dict, compare=False)

    @property
    def architecture(self) -> str:
        """BFD's name of the core."""
        return f"powerpc:{'e500mc' if self.core == 'e500mc' else 'e500'}"


def layout(debugger: Debugger) -> Layout:
    """The registers of a debugger's guest."""
    model = debugger.core.model
    rows = [Register(n, f"r{n}", f"r{n}") for n in range(32)]
    rows += [
        Register(PC, "pc", "pc", type="code_ptr"),
        Register(MSR, "msr", "msr", type="msr_flags"),
        Register(CR, "cr", "cr"),
        Register(LR, "lr", "lr", type="code_ptr"),
        Register(CTR, "ctr", "ctr"),
        Register(XER, "xer", "xer", type="xer_flags"),
    ]
    if model.has_fpu:
        rows += [Register(FPR + n, f"f{n}", f"f{n}", 64, FPU, "ieee_double", "float") for n in range(32)]
        rows.append(Register(FPSCR, "fpscr", "fpscr", 32, FPU, "int", "float"))
    else:
        rows += [Register(EVH + n, f"ev{n}h", f"ev{n}h", 32, SPE) for n in range(32)]
        rows += [Register(ACC, "acc", "acc", 64, SPE), Register(SPEFSCR, "spefscr", "spefscr", 32, SPE, "int", "float")]
    taken = {r.name for r in rows} | {"dar"}
    number = OURS
    for ours in (n.lower() for n in debugger.register_file.sprs):
        name = QEMU_NAMES.get(ours, ours)
        if name not in taken:
            taken.add(name)
            kind = f"{ours}_flags" if ours.upper() in FLAGS else ""
            rows.append(Register(number, name, ours, 32, SPR, kind, "system"))
            number += 1
    rows.append(Register(number, "position", "position", 64, CLOCK, "uint64", "system"))
    for offset, row in enumerate(debugger.magic(), 1):
        rows.append(Register(number + offset, f"magic_{row.name}", row.name, 8 * row.size, MAGIC, "", "system"))
    rows.sort(key=lambda r: r.number)
    return Layout(model.name, tuple(rows), {r.number: r for r in rows})


class RegisterAccess:
    """Reads and writes registers of one guest by number, in the target's byte order: big-endian."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self.layout = layout(debugger)
        self._state = debugger.core.state
        self._readers: dict[int, Callable[[], int]] = {r.number: self._reader(r) for r in self.layout.registers}

    def _reader(self, register: Register) -> Callable[[], int]:
        name, debugger = register.ours, self.debugger
        if register.feature == MAGIC:
            return lambda: magic.value(debugger, name)
        if register.feature == CLOCK:
            return lambda: debugger.position
        read = debugger.register_file.read
        return lambda: read(name)

    def general(self) -> bytes:
        """The ``g`` packet: r0..r31, pc, msr, cr, lr, ctr, xer, as hexadecimal text."""
        state = self._state
        reg = state.reg
        return _GENERAL.pack(
            *state.gpr[:32], reg[slots.PC], self.debugger.guest.msr, state.cr_word, reg[slots.LR], reg[slots.CTR],
            state.xer,
        ).hex().encode()  # fmt: skip

    def value(self, number: int) -> int:
        """Raises Refused for a number that no register has."""
        reader = self._readers.get(number)
        if reader is None:
            raise Refused(EINVAL, f"there is no register with the number {number}")
        return reader()

    def read(self, number: int) -> bytes:
        """One register as hexadecimal text."""
        value = self.value(number)
        return b"%0*x" % (self.layout.by_number[number].bits // 4, value)

    def write(self, number: int, data: bytes) -> None:
        """Set one register. Raises Refused, and changes nothing, for a number or size that does not fit."""
        register = self.layout.by_number.get(number)
        if register is None:
            raise Refused(EINVAL, f"there is no register with the number {number}")
        if len(data) * 8 != register.bits:
            raise Refused(EINVAL, f"${register.name} has {register.bits} bits, not {8 * len(data)}")
        value = int.from_bytes(data, "big")
        if register.feature == CLOCK:
            raise Refused(EFAULT, "the position is counted; go to another with 'monitor run-to'")
        if register.feature == MAGIC:
            magic.write(self.debugger, register.ours, value)
        elif value != self.value(number):
            self.debugger.writer.register(register.ours, value)

    def write_general(self, data: bytes) -> None:
        """The ``G`` packet: what differs is written; a shorter one sets the registers that it holds."""
        numbers = [*range(32), PC, MSR, CR, LR, CTR, XER]
        if not data or len(data) & 3 or len(data) > 4 * len(numbers):
            raise Refused(EINVAL, f"a G packet has {8 * len(numbers)} digits here, not {2 * len(data)}")
        for i, number in enumerate(numbers[: len(data) // 4]):
            self.write(number, data[4 * i : 4 * i + 4])
