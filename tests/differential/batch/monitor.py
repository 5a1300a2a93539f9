"""A guest that runs random programs by itself and writes down what they did: the same words on all engines and in QEMU.

A gdb port tells the state after each instruction, but slowly. Here the guest tells it: programs wait in slots of real
memory, and each interrupt that one takes, each ``sc`` at the end of a few instructions among them, leaves a record of
all registers in its log. The host puts programs in, lets the guest run to ``DONE``, and compares the logs.

What QEMU is known to leave in a register that is not the core's is put right by the handler *after* it was written
down, so that one difference that has a reason does not become another that has none.
"""

from __future__ import annotations

from dataclasses import dataclass

from ppcdbg.cpu import interrupts as I
from ppcdbg.isa.sprs import SPRS, Access
from tests.differential.asm import encode, load_immediate, set_spr
from tests.differential.defects import SPRS_EXCLUDED
from tests.differential.generate import STORED_SPRS
from tests.differential.tlbs import TLB1_BASE
from tests.differential.world import CODE, setup_program, vector_address, vector_numbers

WORDS = 2016
"""Of a program; the last is the `sc` that ends it."""
CODE_STOP = CODE + 4 * WORDS

# Effective and real addresses in the low, plainly mapped memory.
LOG, LIMIT, SLOT_AT, LEFT, RANDOM = 0x100, 0x104, 0x108, 0x10C, 0x110
SAVED_CR = 0x118
SAVED = {False: (0x120, 0x124), True: (0x128, 0x12C)}
GPRS = 0x180
DONE, LOADER, HANDLERS, HANDLER_ROOM = 0x9000, 0xA000, 0x20000, 0x800

# Real addresses; the guest reaches them at ALIAS + address.
ALIAS = 0x80000000
SLOTS, SLOT, SLOT_COUNT = 0x400000, 0x4000, 16
LOGS, LOG_ROOM, RECORD = 0x500000, 0xA0000, 0x280
RAM = 0x1000000

TRANSLATED = 8
"""Entries of TLB1 that change all the time, from number 2 on, each with 16 MiB of its own from ``TLB1_BASE``."""

BEHIND = (I.DATA_STORAGE, I.ALIGNMENT, I.PROGRAM, I.FP_UNAVAIL, I.AP_UNAVAIL, I.DTLB_MISS, I.SPE_UNAVAIL, I.SPE_FP_DATA,
          I.SPE_FP_ROUND)  # fmt: skip
"""After these the guest goes on behind the instruction; it is written down as well."""
NO_WORD = 0xFFFFFFFF
TSR_DIS, TCR_DIE = 0x08000000, 0x04000000


def logged_sprs(core: str) -> tuple[str, ...]:
    named = [s.name for s in SPRS if s.name in STORED_SPRS and s.on(core) and s.read is not Access.NONE]
    return (*(n for n in named if n not in SPRS_EXCLUDED), "PID")


def record_fields(core: str) -> tuple[str, ...]:
    """The words of a record, in order; ``f0h`` and ``f0l`` are the halves of a register."""
    plain = ("vector", *(f"r{i}" for i in range(32)), "cr", "xer", "lr", "ctr", *map(str.lower, logged_sprs(core)))
    floats = [f"f{i}{half}" for i in range(32) for half in "hl"] if core == "e500mc" else []
    return (*plain, "word", "random", *(["fpscr"] if floats else []), *floats)


def state_sprs(core: str) -> tuple[str, ...]:
    """What a slot sets besides the general registers."""
    return tuple(n for n in logged_sprs(core) if n not in ("PID", "SRR0", "SRR1"))


def state_fields(core: str) -> tuple[str, ...]:
    """The words of a slot before its program, in order."""
    floats = [f"f{i}{half}" for i in range(32) for half in "hl"] if core == "e500mc" else []
    plain = (*(f"r{i}" for i in range(32)), "cr", "xer", "lr", "ctr", "msr", "random")
    fpscr = ["fpscrh", "fpscr"] if floats else []
    return (*plain, *map(str.lower, state_sprs(core)), *fpscr, *floats)


PROGRAM_AT = 0x400
"""Of the slot's words: the program; its state comes first, behind a word where the log's end is put."""


class Asm:
    """Words with branches over a few of them."""

    def __init__(self, base: int) -> None:
        self.base = base
        self.words: list[int] = []

    def __call__(self, name: str, **fields: int | str) -> None:
        self.words.append(encode(name, **fields))

    @property
    def here(self) -> int:
        return self.base + 4 * len(self.words)

    def number(self, register: int, value: int) -> None:
        self.words += load_immediate(register, value)

    def spr(self, name: str, value: int, scratch: int = 30) -> None:
        self.words += set_spr(name, value, scratch)

    def branch(self, target: int) -> None:
        self("b", LI=target - self.here)

    def branch_if(self, bo: int, bi: int, target: int) -> None:
        assert abs(target - self.here) < 0x8000
        self("bc", BO=bo, BI=bi, BD=target - self.here)

    def branch_unless(self, bo: int, bi: int, target: int) -> None:
        """To anywhere, unless the condition holds."""
        hole = self.hole()
        self.branch(target)
        self.fill(hole, bo, bi)

    def hole(self) -> int:
        self.words.append(0)
        return len(self.words) - 1

    def fill(self, hole: int, bo: int, bi: int) -> None:
        """Make the hole a conditional branch to here."""
        self.words[hole] = encode("bc", BO=bo, BI=bi, BD=4 * (len(self.words) - hole))


IF, IF_NOT, COUNT = 12, 4, 16
LT, EQ = 0, 2


@dataclass(frozen=True)
class Monitor:
    """``pieces``: (real address, words). ``returns``: where the handlers go back to the program."""

    core: str
    pieces: tuple[tuple[int, tuple[int, ...]], ...]
    next: int
    returns: frozenset[int]


def monitor(core: str) -> Monitor:
    """The whole guest but for the programs."""
    loader, end = _loader(core)
    pieces = [(0x1000, _setup(core)), (DONE, [encode("b", LI=0)]), (LOADER, loader)]
    returns = set()
    for number in vector_numbers(core):
        at = HANDLERS + HANDLER_ROOM * number
        words = _handler(core, number, at, end)
        assert 4 * len(words) <= HANDLER_ROOM
        returns.add(at + 4 * len(words) - 4)
        pieces += [(vector_address(number), [encode("b", LI=at - vector_address(number))]), (at, words)]
    return Monitor(core, tuple((a, tuple(w)) for a, w in pieces), LOADER, frozenset(returns))


def _setup(core: str) -> list[int]:
    """The little world, the alias of all memory, and timers that may interrupt; then to ``DONE``."""
    a = Asm(0x1000)
    a.words += setup_program(core)
    _entry(a, 15, 0xC0000000 | 14 << 7, ALIAS, 0x15)
    a.spr("TCR", TCR_DIE)
    a.branch(DONE)
    return a.words


def _entry(a: Asm, number: int, mas1: int, mas2: int, mas3: int) -> None:
    for name, value in (("MAS0", 0x10000000 | number << 16), ("MAS1", mas1), ("MAS2", mas2), ("MAS3", mas3)):
        a.spr(name, value)
    a.spr("MAS7", 0)
    a("tlbwe")
    a("isync")


def _loader(core: str) -> tuple[list[int], int]:
    """Take the next slot: forget translations, copy the program to ``CODE``, load its state, go. Also gives where a
    program's end comes in: the log's end is put at the head of its slot."""
    a = Asm(LOADER)
    skip = a.hole()
    end = a.here
    a("lwz", RT=3, RA0=0, D=SLOT_AT)
    a("lwz", RT=4, RA0=0, D=LOG)
    a("stw", RS=4, RA0=3, D=0)
    a.number(5, SLOT)
    a("add", RT=3, RA=3, RB=5)
    a("stw", RS=3, RA0=0, D=SLOT_AT)
    a.words[skip] = encode("b", LI=a.here - LOADER)
    a("lwz", RT=3, RA0=0, D=LEFT)
    a("cmpi", BF=0, RA=3, SI=0)
    more = a.hole()
    a.branch(DONE)
    a.fill(more, IF_NOT, EQ)
    a("addi", RT=3, RA0=3, SI=-1)
    a("stw", RS=3, RA0=0, D=LEFT)
    _fresh_log(a)
    _forget(a, core)
    _copy_program(a)
    _load_state(a, core)
    return a.words, end


def _fresh_log(a: Asm) -> None:
    """Logs are as far apart as their limit is from their beginning."""
    a("lwz", RT=4, RA0=0, D=LIMIT)
    a("stw", RS=4, RA0=0, D=LOG)
    a.number(5, LOG_ROOM)
    a("add", RT=4, RA=4, RB=5)
    a("stw", RS=4, RA0=0, D=LIMIT)


def _forget(a: Asm, core: str) -> None:
    a.spr("PID", 0, 3)
    a.spr("TSR", TSR_DIS, 3)
    if core == "e500mc":
        a.number(3, 0)
        a("msgclr", RB=3)
    a.spr("MAS1", 0, 3)
    for number in range(TRANSLATED):
        a.spr("MAS0", 0x10000000 | 2 + number << 16, 3)
        a("tlbwe")
    a("isync")


def _copy_program(a: Asm) -> None:
    """28 words at a time, but stored one by one: after a ``stmw`` QEMU 7.2 forgets translations of its first byte only
    (``probe_access`` gives ``notdirty_write`` the size 1)."""
    a("lwz", RT=3, RA0=0, D=SLOT_AT)
    a("addi", RT=3, RA0=3, SI=PROGRAM_AT)
    a.number(2, CODE)
    a.spr("CTR", WORDS // 28, 4)
    top = a.here
    a("lmw", RT=4, RA0=3, D=0)
    for i in range(28):
        a("stw", RS=4 + i, RA0=2, D=4 * i)
    a("addi", RT=3, RA0=3, SI=112)
    a("addi", RT=2, RA0=2, SI=112)
    a.branch_if(COUNT, 0, top)
    a("sync")
    a("isync")


def _load_state(a: Asm, core: str) -> None:
    fields = state_fields(core)
    at = {name: 4 + 4 * i for i, name in enumerate(fields)}
    a("lwz", RT=31, RA0=0, D=SLOT_AT)
    if "f0h" in at:
        a("mfmsr", RT=3)
        a("ori", RS=3, RA=3, UI=0x2000)
        a("mtmsr", RS=3)
        a("isync")
        a("lfd", FRT=0, RA0=31, D=at["fpscrh"])
        a("mtfsf", FLM=0xFF, FRB=0)
        for i in range(32):
            a("lfd", FRT=i, RA0=31, D=at[f"f{i}h"])
    for name in state_sprs(core):
        a("lwz", RT=3, RA0=31, D=at[name.lower()])
        a("mtspr", SPR=name, RS=3)
    for name, spr in (("xer", "XER"), ("lr", "LR"), ("ctr", "CTR"), ("msr", "SRR1")):
        a("lwz", RT=3, RA0=31, D=at[name])
        a("mtspr", SPR=spr, RS=3)
    a("lwz", RT=3, RA0=31, D=at["random"])
    a("stw", RS=3, RA0=0, D=RANDOM)
    a("lwz", RT=3, RA0=31, D=at["cr"])
    a("mtcrf", FXM=0xFF, RS=3)
    a.spr("SRR0", CODE, 3)
    for i in range(32):
        a("lwz", RT=3, RA0=31, D=at[f"r{i}"])
        a("stw", RS=3, RA0=0, D=GPRS + 4 * i)
    a("lwz", RT=0, RA0=0, D=GPRS)
    a("lmw", RT=1, RA0=0, D=GPRS + 4)
    a("rfi")


def _handler(core: str, number: int, at: int, end: int) -> list[int]:
    critical = number in (I.CRITICAL, I.WATCHDOG, I.DOORBELL_CRITICAL)
    a = Asm(at)
    saved = SAVED[critical]
    a("stw", RS=30, RA0=0, D=saved[0])
    a("stw", RS=31, RA0=0, D=saved[1])
    a("lwz", RT=31, RA0=0, D=LOG)
    _record(a, core, number, saved)
    _put_right(a, number)
    a("addi", RT=31, RA0=31, SI=RECORD)
    a("stw", RS=31, RA0=0, D=LOG)
    a("lwz", RT=30, RA0=0, D=LIMIT)
    a("cmpl", BF=0, RA=31, RB=30)
    a.branch_unless(IF, LT, end)
    if number == I.SYSCALL:
        _after_call(a, core, end)
    a("lwz", RT=30, RA0=0, D=SAVED_CR)
    a("mtcrf", FXM=0xFF, RS=30)
    a("lwz", RT=30, RA0=0, D=saved[0])
    a("lwz", RT=31, RA0=0, D=saved[1])
    a("rfci" if critical else "rfi")
    return a.words


def _record(a: Asm, core: str, number: int, saved: tuple[int, int]) -> None:
    """Everything into the log at r31."""
    fields = record_fields(core)
    at = {name: 4 * i for i, name in enumerate(fields)}
    assert 4 * len(fields) <= RECORD
    a("addi", RT=30, RA0=0, SI=number)
    a("stw", RS=30, RA0=31, D=0)
    a("lwz", RT=30, RA0=0, D=saved[0])
    a("stmw", RS=0, RA0=31, D=at["r0"])
    a("lwz", RT=30, RA0=0, D=saved[1])
    a("stw", RS=30, RA0=31, D=at["r31"])
    a("mfcr", RT=30)
    a("stw", RS=30, RA0=31, D=at["cr"])
    a("stw", RS=30, RA0=0, D=SAVED_CR)
    for name in ("XER", "LR", "CTR", *logged_sprs(core)):
        a("mfspr", RT=30, SPR=name)
        a("stw", RS=30, RA0=31, D=at[name.lower()])
    if number in BEHIND:
        a("mfspr", RT=30, SPR="SRR0")
        a("lwz", RT=30, RA0=30, D=0)
    else:
        a.number(30, NO_WORD)
    a("stw", RS=30, RA0=31, D=at["word"])
    a("lwz", RT=30, RA0=0, D=RANDOM)
    a("stw", RS=30, RA0=31, D=at["random"])
    if "fpscr" not in at:
        return
    a("mfmsr", RT=30)
    a("ori", RS=30, RA=30, UI=0x2000)
    a("mtmsr", RS=30)
    a("isync")
    for i in range(32):
        a("stfd", FRS=i, RA0=31, D=at[f"f{i}h"])
    a("mffs", FRT=0)
    a("addi", RT=30, RA0=31, SI=at["fpscr"])
    a("stfiwx", FRS=0, RA0=0, RB=30)
    a("lfd", FRT=0, RA0=31, D=at["f0h"])


def _put_right(a: Asm, number: int) -> None:
    """What the program may see of an interrupt that is not the same on both sides, and where it goes on."""
    a.spr("ESR", 0)
    a.spr("DEAR", 0)
    match number:
        case I.DTLB_MISS | I.ITLB_MISS:
            a.spr("MAS0", 0)
            _and_spr(a, "MAS2", 27, 24)  # without X0 and X1
        case I.DECREMENTER:
            a.spr("TSR", TSR_DIS)
        case I.PROGRAM:
            _and_spr(a, "SRR1", 15, 10)  # without CE and the three bits above, where QEMU says the cause
            _and_spr(a, "SRR1", 18, 16)  # come back as supervisor
    if number in BEHIND:
        a("mfspr", RT=30, SPR="SRR0")
        a("addi", RT=30, RA0=30, SI=4)
        a("mtspr", SPR="SRR0", RS=30)
    if number in (I.INST_STORAGE, I.ITLB_MISS):
        a("mfspr", RT=30, SPR="LR")
        a("mtspr", SPR="SRR0", RS=30)


def _and_spr(a: Asm, name: str, first: int, last: int) -> None:
    a("mfspr", RT=30, SPR=name)
    a("rlwinm", RS=30, RA=30, SH=0, MASK=first << 5 | last)
    a("mtspr", SPR=name, RS=30)


def _after_call(a: Asm, core: str, end: int) -> None:
    """The end, or what chance says: another translation, the decrementer, a doorbell, another PID, nothing."""
    a("mfspr", RT=30, SPR="SRR0")
    a.number(31, CODE_STOP)
    a("cmpl", BF=0, RA=30, RB=31)
    a.branch_unless(IF_NOT, EQ, end)
    _chance(a, 30, 3, 29, 31)
    choices = (_translation, _translation, _decrementer, _doorbell if core == "e500mc" else _decrementer, _pid)
    for i, choice in enumerate(choices):
        a("cmpli", BF=0, RA=30, UI=i)
        other = a.hole()
        choice(a)
        a("addi", RT=30, RA0=0, SI=7)
        a.fill(other, IF_NOT, EQ)


def _chance(a: Asm, register: int, rotate: int, first: int, last: int) -> None:
    """The next of a linear congruential sequence, some bits of it."""
    a("lwz", RT=register, RA0=0, D=RANDOM)
    a("mulli", RT=register, RA=register, SI=25173)
    a("addi", RT=register, RA0=register, SI=13849)
    a("stw", RS=register, RA0=0, D=RANDOM)
    a("rlwinm", RS=register, RA=register, SH=rotate, MASK=first << 5 | last)


def _decrementer(a: Asm) -> None:
    """Let it run down here, where EE is 0: then the place where it interrupts is the program's alone. Not where one
    waits already: the loop would end before the new one has run down."""
    a("mfspr", RT=30, SPR="TSR")
    a("andis.", RS=30, RA=30, UIS=TSR_DIS >> 16)
    waits = a.hole()
    a("addi", RT=30, RA0=0, SI=1)
    a("mtspr", SPR="DEC", RS=30)
    top = a.here
    a("mfspr", RT=30, SPR="TSR")
    a("andis.", RS=30, RA=30, UIS=TSR_DIS >> 16)
    a.branch_if(IF, EQ, top)
    a.fill(waits, IF_NOT, EQ)


def _doorbell(a: Asm) -> None:
    a("addi", RT=30, RA0=0, SI=0)
    a("msgsnd", RB=30)


def _pid(a: Asm) -> None:
    _chance(a, 30, 2, 31, 31)
    a("mtspr", SPR="PID", RS=30)
    a("isync")


def _translation(a: Asm) -> None:
    """Write one of the changing entries: any page, rights without execution, space, PID, now and then invalid."""
    a.spr("MAS7", 0)
    _chance(a, 31, 3, 29, 31)
    a("rlwinm", RS=31, RA=30, SH=24, MASK=5 << 5 | 7)
    a("oris", RS=30, RA=30, UIS=TLB1_BASE >> 16)
    a("mtspr", SPR="MAS2", RS=30)
    a("ori", RS=30, RA=30, UI=8)
    a("tlbivax", RA0=0, RB=30)
    a("rlwinm", RS=31, RA=31, SH=16, MASK=13 << 5 | 15)
    a("addis", RT=31, RA0=31, SIS=0x1002)
    a("mtspr", SPR="MAS0", RS=31)
    _chance(a, 30, 1, 31, 31)
    a("rlwinm", RS=30, RA=30, SH=16, MASK=15 << 5 | 15)  # TID
    _chance(a, 31, 13, 19, 19)  # TS
    a("or", RS=30, RA=30, RB=31)
    _chance(a, 31, 2, 30, 31)
    a("neg", RT=31, RA=31)  # three times of four with the highest bit
    a("rlwinm", RS=31, RA=31, SH=0, MASK=0)
    a("or", RS=30, RA=30, RB=31)
    a("ori", RS=30, RA=30, UI=0x100)
    a("mtspr", SPR="MAS1", RS=30)
    _chance(a, 30, 14, 18, 19)
    _chance(a, 31, 4, 28, 31)
    a("or", RS=30, RA=30, RB=31)
    a("oris", RS=30, RA=30, UIS=0x20)
    a("mtspr", SPR="MAS3", RS=30)
    a("tlbwe")
    a("isync")
