"""Floating point on the whole core: unavailable, illegal, and the Program interrupt of an enabled exception."""

from __future__ import annotations

import pytest

from ppcdbg.cpu.bus import BusFault
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES
from ppcdbg.cpu.msr import ESR_FP, ESR_PIL, MSR_FE0, MSR_FE1, MSR_FP
from ppcdbg.cpu.tlb import TLB0_ENTRIES
from ppcdbg.engine.api import Stops
from ppcdbg.engine.reference.engine import ReferenceEngine
from ppcdbg.isa import slots
from ppcdbg.isa import softfloat_fpscr as status
from ppcdbg.isa.insn import E500MC, E500V2
from tests.isa.float_machine import word_of

CODE, VECTORS = 0x1000, 0x4000
ONE = 0x3FF0000000000000
DIVIDE_BY_ZERO = word_of("fdiv", FRT=4, FRA=1, FRB=2, Rc=1)


class RamOnly:
    """A bus with 64 KiB of RAM and no device."""

    shortcuts = None

    def __init__(self) -> None:
        self.ram = memoryview(bytearray(0x10000))

    def read(self, address: int, size: int) -> int:
        raise BusFault(address, False)

    def write(self, address: int, size: int, value: int) -> None:
        raise BusFault(address, True)

    def peek(self, address: int, size: int) -> int | None:
        return None


def step(model: str, word: int, msr: int, fpscr: int = 0) -> Core:
    """One instruction at CODE with f1 = 1.0 and f2 = 0; every vector is at VECTORS + 16 * its number."""
    bus = RamOnly()
    core = Core(CORES[model], bus)
    core.tlb.write(TLB0_ENTRIES, 0xC0000500, 0, 0x3F, 0)  # 1 MiB at 0, every permission
    core.state.set_spr("IVPR", 0)
    for number in range(16):
        core.state.set_spr(f"IVOR{number}", VECTORS + 16 * number)
    bus.ram[CODE : CODE + 4] = word.to_bytes(4, "big")
    core.state.fpr[1] = ONE
    core.state.reg[slots.FPSCR] = fpscr
    core.state.pc = CODE
    core.set_msr(msr)
    ReferenceEngine(core).run(1, Stops(frozenset({VECTORS + 16 * n for n in range(16)})))
    return core


@pytest.mark.parametrize("msr", [MSR_FE0, MSR_FE1, MSR_FE0 | MSR_FE1])
def test_enabled_exception_interrupts_with_its_effects_done(msr: int) -> None:
    core = step(E500MC, DIVIDE_BY_ZERO, MSR_FP | msr, status.ZE)
    assert core.state.pc == VECTORS + 16 * 6
    assert (core.state.spr("SRR0"), core.state.spr("SRR1")) == (CODE, MSR_FP | msr)
    assert core.state.spr("ESR") == ESR_FP
    assert core.state.reg[slots.FPSCR] == status.FX | status.FEX | status.ZX | status.ZE
    assert core.state.cr[1] == 0b1100
    assert core.state.fpr[4] == 0


def test_exceptions_are_ignored_with_fe0_and_fe1_clear() -> None:
    core = step(E500MC, DIVIDE_BY_ZERO, MSR_FP, status.ZE)
    assert core.state.pc == CODE + 4
    assert core.state.reg[slots.FPSCR] & status.FEX


@pytest.mark.parametrize("name", ["fdiv", "fmr", "lfd", "stfs", "mffs", "fsel"])
def test_unavailable_without_msr_fp(name: str) -> None:
    core = step(E500MC, word_of(name), 0)
    assert core.state.pc == VECTORS + 16 * 7
    assert core.state.spr("SRR0") == CODE


def test_load_and_store_through_the_engine() -> None:
    word = word_of("stfd", FRS=1, D=0x2000)
    core = step(E500MC, word, MSR_FP)
    assert bytes(core.bus.ram[0x2000:0x2008]) == ONE.to_bytes(8, "big")


def test_missing_instructions_are_illegal_even_without_msr_fp() -> None:
    fsqrt = 63 << 26 | 22 << 1
    for model, word in ((E500MC, fsqrt), (E500V2, DIVIDE_BY_ZERO)):
        core = step(model, word, 0)
        assert core.state.pc == VECTORS + 16 * 6
        assert core.state.spr("ESR") == ESR_PIL
