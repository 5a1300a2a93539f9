"""The register state of one core, in one flat block that every engine works on in place.

The block is a bytearray: first the 32-bit slots of :mod:`ppcdbg.isa.slots`, then 32 floating-point registers, then
64-bit counters, then the TLB arrays. A compiled engine addresses it by byte offset; Python sees it as memoryviews.
Copying the block copies the core.
"""

from __future__ import annotations

from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT

FPR_OFFSET = slots.WORDS * 4
COUNTER_OFFSET = FPR_OFFSET + 32 * 8
COUNTERS = 16
TLB_OFFSET = COUNTER_OFFSET + COUNTERS * 8
TLB_ENTRY_WORDS = 8  # MAS1, MAS2, MAS3, MAS7, MAS8, three spare
TLB0_ENTRIES = 512
TLB1_MAX = 64
TLB_ENTRIES = TLB0_ENTRIES + TLB1_MAX
BLOCK_SIZE = TLB_OFFSET + TLB_ENTRIES * TLB_ENTRY_WORDS * 4

# Counters (64-bit).
RETIRED = 0  # instructions retired: the position
SKIPPED = 1  # idle ticks skipped
TB_OFFSET = 2  # time base = RETIRED + SKIPPED + TB_OFFSET, modulo 2**64
DEC_DEADLINE = 3  # tick at which DEC reaches 0 (RETIRED + SKIPPED); all ones = stopped
TAKEN_AT = 4  # RETIRED when an engine last took an interrupt
IN_A_ROW = 5  # interrupts that it took there without an instruction retiring in between


class State:
    """Registers, counters and TLB arrays of one core."""

    __slots__ = ("block", "counters", "cr", "fpr", "gpr", "reg", "tlb")

    def __init__(self) -> None:
        self.block = bytearray(BLOCK_SIZE)
        view = memoryview(self.block)
        self.reg = view[: slots.WORDS * 4].cast("I")
        self.gpr = self.reg[: slots.ZERO + 1]
        self.cr = self.reg[slots.CR : slots.CR + 8]
        self.fpr = view[FPR_OFFSET:COUNTER_OFFSET].cast("Q")
        self.counters = view[COUNTER_OFFSET:TLB_OFFSET].cast("Q")
        self.tlb = view[TLB_OFFSET:].cast("I")

    def visible(self, end: int = BLOCK_SIZE) -> bytearray:
        """The block up to ``end`` as instructions can ever see it: 0 where an engine computes, and where a reservation
        lay that is no more."""
        seen = bytearray(memoryview(self.block)[:end])
        seen[4 * slots.EA : 4 * slots.EA + 4] = bytes(4)
        if not self.reg[slots.RESERVED]:
            seen[4 * slots.RESERVE_PA : 4 * slots.RESERVE_PA + 8] = bytes(8)
        return seen

    def spr(self, name: str) -> int:
        """The storage behind an SPR by its architected name; not what mfspr would give where reading acts."""
        return self.reg[SLOT[name]]

    def set_spr(self, name: str, value: int) -> None:
        self.reg[SLOT[name]] = value & 0xFFFFFFFF

    @property
    def pc(self) -> int:
        return self.reg[slots.PC]

    @pc.setter
    def pc(self, value: int) -> None:
        self.reg[slots.PC] = value

    @property
    def msr(self) -> int:
        """MSR; write it through ``Core.set_msr``, which notices a change of context."""
        return self.reg[slots.MSR]

    @property
    def cr_word(self) -> int:
        word = 0
        for field in self.cr:
            word = word << 4 | field
        return word

    @cr_word.setter
    def cr_word(self, value: int) -> None:
        for i in range(8):
            self.cr[i] = value >> (28 - 4 * i) & 15

    @property
    def xer(self) -> int:
        r = self.reg
        return r[slots.SO] << 31 | r[slots.OV] << 30 | r[slots.CA] << 29 | r[slots.XER_COUNT]

    @xer.setter
    def xer(self, value: int) -> None:
        r = self.reg
        r[slots.SO], r[slots.OV], r[slots.CA] = value >> 31 & 1, value >> 30 & 1, value >> 29 & 1
        r[slots.XER_COUNT] = value & 0x7F

    def write_named(self, name: str, value: int) -> bool:
        """Set r0..r31, f0..f31, ev0h..ev31h, acc, fpscr or cr by its name; false for any other.

        These are the core's own for the guest in every mode.
        """
        number = int(digits) if (digits := name.strip("revhf")).isdecimal() else 32
        if number < 32 and name == f"r{number}":
            self.gpr[number] = value & 0xFFFFFFFF
        elif number < 32 and name == f"f{number}":
            self.fpr[number] = value & 0xFFFFFFFFFFFFFFFF
        elif number < 32 and name == f"ev{number}h":
            self.reg[slots.GPRH + number] = value & 0xFFFFFFFF
        elif name == "acc":
            self.reg[slots.ACC_HIGH], self.reg[slots.ACC_LOW] = value >> 32 & 0xFFFFFFFF, value & 0xFFFFFFFF
        elif name == "fpscr":
            self.reg[slots.FPSCR] = value & 0xFFFFFFFF
        elif name == "cr":
            self.cr_word = value
        else:
            return False
        return True

    @property
    def taken_in_a_row(self) -> int:
        """Interrupts that an engine has taken since the last instruction retired."""
        counters = self.counters
        return counters[IN_A_ROW] if counters[TAKEN_AT] == counters[RETIRED] else 0

    def copy_from(self, other: State) -> None:
        self.block[:] = other.block
