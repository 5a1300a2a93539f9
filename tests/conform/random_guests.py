"""Random guests for the real KVM: what they do is drawn from a seed, and always comes to an end.

A guest includes the oracle's ``prologue.S`` and ``common.h``. It does whatever KVM has a say in, but for what would
make a run differ from itself: time is not read, timers are far from what else happens, and the pages that it runs in
stay mapped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

WINDOWS = (0xA0000000, 0xC0000000, 0xD0000000, 0x00700000)
"""Where guests map pages and touch them; the last lies in the 16 MiB that are mapped from the start."""
MAGIC = 0xFFFFC000
"""No guest maps a page here: which of the two is found would hang on what the host pushes out of its TLB."""
FREE = (2, 4, 5, 6, 7, 10, 11, 12, 14)
"""Registers that nothing else needs."""
HOOK = """
hook:	lis r3, 0x10			/* outside of the guest's own code nothing is left out: go on at r25 */
	cmplw r21, r3
	bge 2f
	cmpwi r20, 13			/* data TLB miss: map the page if the address has bit 13, else leave the access out */
	bne 1f
	andi. r3, r24, 0x2000
	beq 3f
	rlwinm r3, r24, 0, 12, 19
	oris r3, r3, 0x10
	ori r3, r3, 0x15
	mtspr MAS3, r3
	li r3, 0
	mtspr MAS7, r3
	mfspr r3, MAS1			/* 4 KiB, whatever MAS4 has */
	rlwinm r3, r3, 0, 25, 19
	ori r3, r3, 0x100
	mtspr MAS1, r3
	tlbwe
	li r26, 1
	blr
1:	cmpwi r20, 4			/* external: put the line down, come back */
	bne 1f
	li r3, -2
	stw r3, P_IRQ(r28)
	li r26, 1
	blr
1:	cmpwi r20, 8			/* system call: come back, in supervisor mode if r15 says so */
	bne 1f
	li r26, 1
	cmpwi r15, 1
	bnelr
	li r15, 0
	rlwinm r22, r22, 0, 18, 16
	mtspr SRR1, r22
	blr
1:	cmpwi r20, 14			/* fetched from nowhere: go on at r25 */
	beq 2f
	cmpwi r20, 3
	beq 2f
	cmpwi r20, 10			/* decrementer, fixed-interval timer: clear the bit, count, leave a wait */
	beq 1f
	cmpwi r20, 11
	bne 3f
1:	lis r3, 0x0C00
	mtspr TSR, r3
	addi r17, r17, 1
	rlwinm r22, r22, 0, 14, 12
	mtspr SRR1, r22
	li r26, 1
	blr
2:	li r26, 2
	blr
3:	li r26, 0
	blr
"""
SPRS = (
    1, 8, 9, 26, 27, 58, 59, 61, 62, 256, 259, 260, 261, 262, 263, 272, 273, 274, 275, 276, 277, 278, 279, 286, 287,
    304, 309, 312, 313, 316, 317, 318, 319, 340, 400, 407, 415, 512, 515, 516, 526, 527, 528, 529, 530, 531,
    570, 571, 572, 573, 574, 604, 605, 624, 625, 626, 627, 628, 630, 633, 634, 688, 689, 690, 944,
    959, 1008, 1009, 1010, 1011, 1012, 1013, 1015, 1023,
)  # fmt: skip
UNSTABLE = {22, 259, 268, 269, 284, 285, 336, 526, 527}
"""Time, which two runs read differently: DEC, TB, TSR, ATB; and SPRG3R, which is the host's own."""
ODD = (
    0, 0x00DDDD00, 0x7C000066, 0x7C0004CC, 0xFC00002A, 0xC0210000, 0xD0210000, 0x7CA002A4, 0x7C00018E, 0x7C2004AC,
    0x7C0006AC, 0x4C000066, 0x7C00028E, 0x7C000306, 0x7C800106, 0x7C0001CC, 0x7C0003CC, 0x7C8002E6, 0x7C9F42A6,
    0xE8000000, 0xF8000000, 0x78000000, 0x5C000000, 0x7C20007C,
)  # fmt: skip
HARMFUL = {63, 308, 340, 54, 22, 48, 624, 625, 626, 627, 628, 630, 944, 1012, *range(400, 416), *range(528, 538)}
"""Written with care alone: IVPR, DBCR0, timers, PID, MAS, vectors."""


class Guest:
    """One guest: ``text`` is its source for the assembler."""

    def __init__(self, seed: int, statements: int = 60) -> None:
        self._random = Random(seed)
        self._label = 0
        self._magical = True
        """Whether the magic page may be touched: in address space 1 KVM maps it for ever in vain."""
        lines = [f"/* random guest of seed {seed} */", "#define HANDLER_HOOK bl hook", '#include "prologue.S"', HOOK]
        lines += ["main:", "\tli r15, 0", "\tli r17, 0", "\tLDI r25, last", *self._beginning()]
        for number in range(statements):
            if number % 8 == 0:
                lines.append(f"\tMARK {number // 8 + 1}")
            lines += [f"\t{line}" if not line.endswith(":") else line for line in self._statement()]
        lines += ["last:", "\tMARK 99", "\tstw r3, P_STATE(r28)", "\tEXIT", '#include "epilogue.S"', ""]
        self.text = "\n".join(lines)

    # --- drawing ----------------------------------------------------------------------------------
    def _reg(self) -> int:
        return self._random.choice(FREE)

    def _word(self) -> int:
        pick = self._random.random()
        if pick < 0.3:
            return self._random.getrandbits(32)
        if pick < 0.5:
            return 1 << self._random.randrange(32)
        return self._random.choice(
            (0, 1, 0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, *WINDOWS, self._random.randrange(0x10000))
        )

    def _address(self) -> int:
        """Somewhere a guest may touch."""
        if self._magical and self._random.random() < 0.1:
            return MAGIC | self._random.randrange(0, 0x100, 4)
        page = self._random.randrange(16) << 12
        return self._random.choice(WINDOWS) + page + self._random.randrange(0, 0x1000, 8)

    def _labels(self) -> str:
        self._label += 1
        return f"L{self._label}"

    def _beginning(self) -> Iterator[str]:
        if self._random.random() < 0.5:
            yield f"\tli r3, 0x{self._random.choice((0, 0x100, 0x300, 0x43, 1)):x}"
            yield "\tmtspr MAS4, r3"
        if self._random.random() < 0.4:
            yield from ("\t" + line for line in self._map_magic())

    def _statement(self) -> list[str]:
        kinds: tuple[tuple[int, Callable[[], Iterator[str]]], ...] = (
            (10, self._access), (8, self._tlbwe), (6, self._tlb_other), (8, self._mfspr), (8, self._mtspr),
            (5, self._mmio), (4, self._msr), (4, self._interrupt), (4, self._call), (3, self._trap), (3, self._odd),
            (3, self._user), (2, self._pid), (3, self._cache), (2, self._magic), (1, self._map_magic),
            (2, self._other_space), (1, self._away), (1, self._state), (2, self._section), (1, self._tsr),
            (1, self._debug), (1, self._epr), (2, self._timer),
        )  # fmt: skip
        weights = [weight for weight, _ in kinds]
        return [*self._random.choices([make for _, make in kinds], weights)[0]()]

    # --- statements -------------------------------------------------------------------------------
    def _access(self) -> Iterator[str]:
        reg, base = self._reg(), 18
        yield f"LDI r{base}, 0x{self._address():x}"
        name = self._random.choice(
            ("lwz", "lwz", "lhz", "lha", "lbz", "stw", "stw", "sth", "stb", "lwzu", "stwu", "lbzu", "sthu")
        )
        if name in ("stw", "sth", "stb", "stwu", "sthu"):
            yield f"LDI r{reg}, 0x{self._word():x}"
        yield f"{name} r{reg}, {self._random.randrange(0, 64, 4)}(r{base})"
        if name.startswith("l") and self._random.random() < 0.3:
            yield f"RES r{reg}"

    def _indexed(self) -> str:
        return self._random.choice(("lwzx", "lhzx", "lbzx", "lhax", "lwbrx", "lhbrx", "stwx", "sthx", "stbx", "stwbrx",
                                    "sthbrx", "lwzux", "stwux", "lwarx", "stwcx."))  # fmt: skip

    def _tlbwe(self) -> Iterator[str]:
        rnd = self._random
        tlb = rnd.random() < 0.5
        slot = rnd.randrange(2, 16) if tlb else rnd.randrange(16)
        size = rnd.choice((2, 2, 2, 4, 6, 8, 10, 14, rnd.randrange(16))) if tlb else rnd.choice((2, 2, 2, 0, 5))
        mas0 = tlb << 28 | slot << 16 | rnd.choice((0, 0, 1, 3))
        space = rnd.random() < 0.2
        mas1 = (rnd.random() < 0.85) << 31 | (rnd.random() < 0.15) << 30 | rnd.choice((0, 0, 0, 1, 2, 255)) << 16
        mas1 |= space << 12 | size << 7
        mas2 = rnd.choice(WINDOWS[:3]) + (rnd.randrange(16) << 12)
        mas2 |= rnd.choice((0, 0, 4, 0x1F & rnd.getrandbits(5), 0x60 & rnd.getrandbits(8)))
        real = rnd.randrange(0x100, 0xF00) << 12
        if rnd.random() < 0.15:
            real = rnd.choice((0x80000000, 0x01000000, 0x40000))
        if rnd.random() < 0.5:
            real &= ~((1 << 10 + size) - 1)
        mas3 = real | rnd.choice((0x3F, 0x15, 0x3FF, rnd.getrandbits(6)))
        for name, value in (("MAS0", mas0), ("MAS1", mas1), ("MAS2", mas2), ("MAS3", mas3)):
            yield f"LDI r3, 0x{value & 0xFFFFFFFF:x}"
            yield f"mtspr {name}, r3"
        if rnd.random() < 0.1:
            yield "li r3, 1"
            yield "mtspr MAS7, r3"
        yield from ("isync", "tlbwe", "isync", "li r3, 0", "mtspr MAS7, r3")

    def _mas(self) -> Iterator[str]:
        for name in self._random.sample(("MAS0", "MAS1", "MAS2", "MAS3", "MAS7"), self._random.randrange(1, 4)):
            yield f"mfspr r4, {name}"
            yield "RES r4"

    def _tlb_other(self) -> Iterator[str]:
        rnd = self._random
        kind = rnd.randrange(7)
        if kind == 0:
            yield f"LDI r3, 0x{rnd.choice((0, 0x10000, 0x20000, 0xFF0000)) | rnd.getrandbits(1):x}"
            yield "mtspr MAS6, r3"
            yield f"LDI r18, 0x{self._address():x}"
            yield "tlbsx 0, r18"
            yield from self._mas()
        elif kind == 1:
            yield f"LDI r3, 0x{rnd.getrandbits(1) << 28 | rnd.randrange(20) << 16:x}"
            yield "mtspr MAS0, r3"
            yield f"LDI r3, 0x{rnd.choice(WINDOWS) + (rnd.randrange(16) << 12):x}"
            yield "mtspr MAS2, r3"
            yield "tlbre"
            yield from self._mas()
        elif kind == 2:
            page = rnd.choice(WINDOWS[:3]) + (rnd.randrange(16) << 12)
            yield f"LDI r18, 0x{page | rnd.choice((0, 0, 8, 4)):x}"
            yield "tlbivax 0, r18"
        elif kind == 3:
            yield f"LDI r3, 0x{rnd.choice((0, 0x10000, 0x20000)):x}"
            yield "mtspr MAS6, r3"
            yield f"LDI r18, 0x{rnd.choice(WINDOWS[:3]) + (rnd.randrange(16) << 12):x}"
            yield ".long 0x7c000024 | 3 << 21 | 18 << 11"
        elif kind == 4:
            yield f"li r3, {rnd.choice((4, 4, 0, 1))}"
            yield "mtspr 1012, r3"
        elif kind == 5:
            yield f"LDI r3, 0x{rnd.choice((0, 1)) << 16 | rnd.choice((0x100, 0x300, 0xD, 0x40, 0)):x}"
            yield "mtspr MAS4, r3"
        else:
            yield rnd.choice(("tlbsync", "isync", "msync", "mbar 0"))

    def _sprn(self) -> int:
        return self._random.choice(SPRS) if self._random.random() < 0.8 else self._random.randrange(1024)

    def _mfspr(self) -> Iterator[str]:
        sprn, reg = self._sprn(), self._reg()
        if sprn in UNSTABLE:
            return
        yield f"li r{reg}, 77"
        yield f"mfspr r{reg}, {sprn}"
        yield f"RES r{reg}"

    def _mtspr(self) -> Iterator[str]:
        sprn, reg = self._sprn(), self._reg()
        if sprn in HARMFUL or sprn in UNSTABLE:
            return
        kept = 0xE000007F if sprn == 1 else 0xFFFFFFFF  # the host's core, QEMU, keeps what XER does not have
        yield f"LDI r{reg}, 0x{self._word() & kept:x}"
        yield f"mtspr {sprn}, r{reg}"
        if self._random.random() < 0.5:
            yield f"mfspr r{reg}, {sprn}"
            yield f"RES r{reg}"

    def _mmio(self) -> Iterator[str]:
        rnd, reg, at = self._random, self._reg(), 0x100 + self._random.randrange(0, 0xF0, 4)
        name = rnd.choice(("lwz", "lhz", "lha", "lbz", "stw", "sth", "stb", "lwzu", "stwu", "sthu", "lhau", "lmw",
                           "stmw", "x", "x", "x"))  # fmt: skip
        yield f"LDI r{reg}, 0x{self._word():x}"
        if name == "x":
            yield f"li r18, {at}"
            yield "mr r19, r28"
            yield f"{self._indexed()} r{reg}, r19, r18"
        elif name in ("lmw", "stmw"):
            yield f"{name} r30, {at}(r28)"
        else:
            yield "mr r18, r28"
            yield f"{name} r{reg}, {at}(r18)"
            if name.endswith("u"):
                yield "RES r18"
        yield f"RES r{reg}"

    def _msr(self) -> Iterator[str]:
        rnd = self._random
        kind = rnd.randrange(4)
        if kind == 0:
            yield f"wrteei {rnd.getrandbits(1)}"
        elif kind == 1:
            yield f"LDI r3, 0x{rnd.choice((0, 0x8000)):x}"
            yield "wrtee r3"
        elif kind == 2:
            yield "mfmsr r4"
            yield "RES r4"
        else:
            bits = sum(rnd.choice((0, bit)) for bit in (0x02000000, 0x00020000, 0x8000, 0x2000, 0x1000, 0x400, 0x4))
            yield f"LDI r3, 0x{bits:x}"
            yield "mtmsr r3"
            yield "isync"

    def _interrupt(self) -> Iterator[str]:
        value = self._random.choice((-1, -1, -3, -2, 5, -1))
        yield f"li r3, {value}"
        yield "stw r3, P_IRQ(r28)"
        if self._random.random() < 0.5:
            yield "wrteei 1"
            yield self._random.choice(("nop", "mfmsr r4", "isync"))
            yield "wrteei 0"

    def _call(self) -> Iterator[str]:
        rnd = self._random
        number = rnd.choice((0x002A0003, 0x00010001, 0x002A0099, 0, 0x00100004 if rnd.random() < 0.3 else 3))
        yield f"LDI r11, 0x{number:x}"
        yield f"LDI r0, 0x{rnd.choice((0x4B564D21, 0x4B564D21, 0x4B564D20)):x}"
        yield f"LDI r3, 0x{self._word():x}"
        yield f"LDI r4, 0x{self._word():x}"
        yield "sc"
        yield "nop"
        yield "RES r3"
        yield "RES r4"

    def _trap(self) -> Iterator[str]:
        rnd = self._random
        yield rnd.choice(("trap", f"twi {rnd.randrange(32)}, r{self._reg()}, {rnd.randrange(100)}",
                          f"tw {rnd.randrange(32)}, r{self._reg()}, r{self._reg()}"))  # fmt: skip

    def _odd(self) -> Iterator[str]:
        """Words that are no instructions, or are some that this core lacks."""
        rnd = self._random
        vector = 0x10000000 | 4 << 21 | 5 << 16 | 6 << 11 | rnd.choice((0x200, 0x204, 0x22D, 0x2C0, 0x301))
        word = rnd.choice((*ODD, 0x04000000 | rnd.getrandbits(8), vector, vector))
        yield f".long 0x{word:x}"

    def _user(self) -> Iterator[str]:
        """A stretch in user mode, ended by a system call."""
        label = self._labels()
        yield f"LDI r3, {label}"
        yield "mtspr SRR0, r3"
        yield f"LDI r3, 0x{0x4000 | self._random.choice((0, 0x8000, 0x1000)):x}"
        yield "mtspr SRR1, r3"
        yield "rfi"
        yield f"{label}:"
        for _ in range(self._random.randrange(1, 4)):
            pick = self._random.choice(
                (self._access, self._mfspr, self._mmio, self._trap, self._msr, self._cache, self._odd)
            )
            yield from pick()
        yield "li r15, 1"
        yield "sc"
        yield "nop"

    def _pid(self) -> Iterator[str]:
        yield f"li r3, {self._random.choice((0, 0, 1, 2, 255, 256))}"
        yield f"mtspr {self._random.choice((48, 48, 48, 633, 634))}, r3"
        yield "isync"

    def _cache(self) -> Iterator[str]:
        yield f"LDI r18, 0x{self._address():x}"
        yield self._random.choice(("dcbf", "dcbst", "dcbz", "icbi", "dcbt", "dcbtst", "dcba", "dcbi")) + " 0, r18"

    def _map_magic(self) -> Iterator[str]:
        yield f"LDI r3, 0x{MAGIC:x}"
        yield f"LDI r4, 0x{MAGIC | self._random.getrandbits(1):x}"
        yield "LDI r11, 0x002A0004"
        yield "LDI r0, 0x4B564D21"
        yield "sc"
        yield "nop"
        yield "RES r3"

    def _magic(self) -> Iterator[str]:
        rnd = self._random
        at = rnd.choice(
            (0x1C, 0x24, 0x2C, 0x34, 0x3C, 0x44, 0x4C, 0x54, 0x5C, 0x60, 0x64, 0xC0, 0xC4, 0xC8, 0xCC, 0xD0)
        )
        yield f"LDI r18, 0x{MAGIC:x}"
        if at not in (0x1C, 0x5C, 0x64) and rnd.random() < 0.4:
            yield f"LDI r4, 0x{self._word():x}"
            yield f"stw r4, {at}(r18)"
        yield f"lwz r4, {at}(r18)"
        yield "RES r4"

    def _section(self) -> Iterator[str]:
        """A critical section, in which an interrupt may come."""
        rnd = self._random
        yield f"LDI r18, 0x{MAGIC:x}"
        yield "stw r1, 0x1c(r18)"
        if rnd.random() < 0.7:
            yield f"LDI r3, 0x{rnd.choice((0, 0x8000)):x}"
            yield "stw r3, 0x5c(r18)"
        if rnd.random() < 0.7:
            yield f"li r3, {rnd.choice((-1, -1, -3))}"
            yield "stw r3, P_IRQ(r28)"
        yield "lwz r4, 0x64(r18)"
        yield "RES r4"
        if rnd.random() < 0.5:
            yield rnd.choice(("mfspr r4, 272", "mfmsr r4", "wrteei 1", "trap"))
        yield "stw r2, 0x1c(r18)" if rnd.random() < 0.9 else "li r3, 1"
        yield "li r3, 0"
        yield "stw r3, 0x1c(r18)"
        if rnd.random() < 0.5:
            yield "mfspr r4, 272"
        yield "stw r3, 0x5c(r18)"

    def _other_space(self) -> Iterator[str]:
        """A stretch in address space 1. Both bits of MSR: KVM runs a guest in one space, and never gets on in two."""
        there, back = self._labels(), self._labels()
        for name, value in (("MAS0", 0x10000000 | 15 << 16), ("MAS1", 0x80001700), ("MAS2", 0), ("MAS3", 0x3F)):
            yield f"LDI r3, 0x{value:x}"
            yield f"mtspr {name}, r3"
        yield "tlbwe"
        for label, msr in ((there, 0x30 | self._random.choice((0, 0x8000))), (back, 0)):
            yield f"LDI r3, {label}"
            yield "mtspr SRR0, r3"
            yield f"LDI r3, 0x{msr:x}"
            yield "mtspr SRR1, r3"
            yield "rfi"
            yield f"{label}:"
            self._magical = label == back
            if label == there:
                for _ in range(self._random.randrange(1, 4)):
                    yield from self._random.choice(
                        (self._access, self._access, self._tlb_other, self._mfspr, self._cache)
                    )()

    def _away(self) -> Iterator[str]:
        """A jump to where there may be nothing, or data."""
        label = self._labels()
        yield f"LDI r25, {label}"
        yield f"LDI r3, 0x{self._random.choice(WINDOWS[:3]) + (self._random.randrange(16) << 12):x}"
        yield "mtctr r3"
        if self._random.random() < 0.5:
            yield "bctr"
        else:
            yield "mtspr SRR0, r3"
            yield "mfmsr r3"
            yield "mtspr SRR1, r3"
            yield "rfi"
        yield f"{label}:"
        yield "LDI r25, last"

    def _state(self) -> Iterator[str]:
        yield "stw r3, P_STATE(r28)"

    def _timer(self) -> Iterator[str]:
        """The decrementer, waited for in a loop or asleep, or put off before it is let in. (No fixed-interval timer:
        Linux 6.1 gives a guest none, and one that waits for it waits for ever.)"""
        rnd = self._random
        yield "li r17, 0"
        repeat = rnd.random() < 0.4
        if repeat:
            yield f"LDI r3, {rnd.choice((400_000, 700_000))}"
            yield "mtspr DECAR, r3"
        yield f"LDI r3, {rnd.choice((0, 1, 100_000, 300_000))}"
        yield "mtspr DECSPR, r3"
        yield f"LDI r3, 0x{0x04000000 | repeat << 22 | (rnd.random() < 0.2) << 23:x}"
        yield "mtspr TCR, r3"
        if rnd.random() < 0.3:
            yield "mfspr r4, TCR"
            yield "RES r4"
            yield "wrteei 1"
            yield "wrteei 0"
        else:
            label = self._labels()
            if rnd.random() < 0.3:
                yield "LDI r3, 0x48000"
                yield "mtmsr r3"
                yield "isync"
            else:
                yield "wrteei 1"
            yield f"{label}:"
            yield f"cmpwi r17, {rnd.randrange(1, 3) if repeat else 1}"
            yield f"blt {label}"
            yield "wrteei 0"
        yield "li r3, 0"
        yield "mtspr TCR, r3"
        yield "LDI r3, 0x7fffffff"
        yield "mtspr DECSPR, r3"
        yield "lis r3, 0x0C00"
        yield "mtspr TSR, r3"

    def _debug(self) -> Iterator[str]:
        """Userspace has the guest stepped for some instructions, stopped at a breakpoint, or told nothing of either."""
        yield f"li r3, 0x{self._random.choice((3, 3, 1, 0)):x}"
        yield "stw r3, P_DBG(r28)"

    def _epr(self) -> Iterator[str]:
        """KVM_CAP_PPC_EPR, number 86: from here on userspace is asked for each external interrupt's EPR."""
        yield "li r3, 86"
        yield "stw r3, P_CAP(r28)"
        yield "mfspr r4, 702"
        yield "RES r4"

    def _tsr(self) -> Iterator[str]:
        rnd = self._random
        if rnd.random() < 0.5:
            yield f"LDI r3, 0x{rnd.choice((0x08000000, 0x04000000, 0x40000000, 0)):x}"
            yield "stw r3, P_TSR(r28)"
        else:
            yield f"LDI r3, 0x{rnd.choice((0x08000000, 0x04000000, 0x0C000000)):x}"
            yield "mtspr TSR, r3"
