"""The SPE on the whole core, by every engine: availability, its interrupts, and the upper halves of the GPRs."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from ppcdbg.cpu.bus import BusFault
from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES
from ppcdbg.cpu.msr import ESR_PIL, ESR_SPV, ESR_ST, MSR_SPE
from ppcdbg.cpu.tlb import TLB0_ENTRIES
from ppcdbg.engine.api import Engine, Stops
from ppcdbg.engine.llvm.engine import LlvmEngine
from ppcdbg.engine.reference.engine import ReferenceEngine
from ppcdbg.isa import slots
from ppcdbg.isa.insn import E500MC, E500V2
from tests.isa.spe_machine import SPE, word_of

CODE, VECTORS, DATA = 0x1000, 0x4000, 0x2000
ENGINES: list[Callable[[Core], Engine]] = [ReferenceEngine, LlvmEngine]
both = pytest.mark.parametrize("engine", ENGINES, ids=["reference", "llvm"])
DSI, ALIGNMENT, PROGRAM, DTLB_MISS, UNAVAILABLE, FP_DATA, FP_ROUND = 2, 5, 6, 13, 32, 33, 34
ONE, INFINITY, THREE = 0x3F800000, 0x7F800000, 0x40400000


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


def vector_address(number: int) -> int:
    return VECTORS + 16 * number


def world(model: str, *code: int, msr: int = MSR_SPE, spefscr: int = 0) -> Core:
    """Words at CODE; r1 = r2 = DATA with upper words of ones, r3 = 1.0 and 3.0 in its words; RAM is at 0, 64 KiB."""
    core = Core(CORES[model], RamOnly())
    core.tlb.write(TLB0_ENTRIES, 0xC0000300, 0, 0x3F, 0)
    core.state.set_spr("IVPR", 0)
    for number in (*range(16), *range(32, 36)):
        if number < 16 or model == E500V2 or number == 35:
            core.state.set_spr(f"IVOR{number}", vector_address(number))
    for i, word in enumerate(code):
        core.bus.ram[CODE + 4 * i : CODE + 4 * i + 4] = word.to_bytes(4, "big")
    for register, high, low in ((1, 0xFFFFFFFF, DATA), (2, 0xFFFFFFFF, DATA), (3, ONE, THREE)):
        core.state.reg[slots.GPRH + register], core.state.gpr[register] = high, low
    core.state.set_spr("SPEFSCR", spefscr)
    core.state.pc = CODE
    core.set_msr(msr)
    return core


def run(engine: Callable[[Core], Engine], core: Core, count: int = 1) -> Core:
    engine(core).run(count, Stops(frozenset({vector_address(n) for n in range(36)})))
    return core


def outcome(core: Core) -> tuple[int, int, int]:
    """pc, SRR0, ESR."""
    return core.state.pc, core.state.spr("SRR0"), core.state.spr("ESR")


@both
def test_unavailable_without_msr_spe(engine: Callable[[Core], Engine]) -> None:
    for name, insn in SPE.items():
        core = run(engine, world(E500V2, insn.form.match, msr=0))
        if insn.spe:
            assert outcome(core) == (vector_address(UNAVAILABLE), CODE, ESR_SPV), name
        else:
            assert core.state.pc == CODE + 4 and (name == "brinc" or name.startswith("efs")), name


@both
def test_other_words_of_the_opcode_are_illegal(engine: Callable[[Core], Engine]) -> None:
    efdcfsid, evmwhgumiaa, vaddubm = 0x10000000 | 739, 0x10000000 | 1380, 0x10000000
    for model, word in ((E500V2, efdcfsid), (E500V2, evmwhgumiaa), (E500V2, vaddubm), (E500MC, word_of("evor"))):
        for msr in (0, MSR_SPE if model == E500V2 else 0):
            core = run(engine, world(model, word, msr=msr))
            assert outcome(core) == (vector_address(PROGRAM), CODE, ESR_PIL)


@both
def test_interrupts_of_accesses_say_spv(engine: Callable[[Core], Engine]) -> None:
    core = run(engine, world(E500V2, word_of("evlddx", RT=4, RA0=1, RB=1)))
    assert core.state.pc == CODE + 4, "0x4000 is aligned and mapped"
    load, store = word_of("evldh", RT=4, RA0=1), word_of("evstwwe", RS=3, RA0=1)
    for word, address, vector, esr in (
        (load, DATA + 4, ALIGNMENT, ESR_SPV),
        (store, DATA + 2, ALIGNMENT, ESR_SPV | ESR_ST),
        (load, 0x20000, DTLB_MISS, ESR_SPV),
        (store, 0x20000, DTLB_MISS, ESR_SPV | ESR_ST),
    ):
        core = world(E500V2, word)
        core.state.gpr[1] = address
        run(engine, core)
        assert outcome(core) == (vector_address(vector), CODE, esr)
        assert core.state.spr("DEAR") == address
    core = world(E500V2, store)
    core.tlb.write(TLB0_ENTRIES, 0xC0000300, 0, 0x33, 0)
    assert outcome(run(engine, core)) == (vector_address(DSI), CODE, ESR_SPV | ESR_ST)
    core = world(E500V2, 32 << 26 | 4 << 21 | 1 << 16)  # lwz r4, 0(r1)
    core.state.gpr[1] = 0x20000
    assert outcome(run(engine, core)) == (vector_address(DTLB_MISS), CODE, 0)


@both
def test_loads_and_stores_move_all_64_bits(engine: Callable[[Core], Engine]) -> None:
    core = run(engine, world(E500V2, word_of("evstdd", RS=3, RA0=1, D=1), word_of("evldd", RT=4, RA0=1, D=1)), 2)
    assert bytes(core.bus.ram[DATA + 8 : DATA + 16]) == (ONE << 32 | THREE).to_bytes(8, "big")
    assert (core.state.reg[slots.GPRH + 4], core.state.gpr[4]) == (ONE, THREE)


@both
def test_32_bit_instructions_leave_the_upper_word(engine: Callable[[Core], Engine]) -> None:
    addi, lwz = 14 << 26 | 1 << 21 | 1 << 16 | 8, 32 << 26 | 2 << 21 | 2 << 16
    core = run(engine, world(E500V2, addi, lwz), 2)
    assert (core.state.gpr[1], core.state.gpr[2]) == (DATA + 8, 0)
    assert core.state.reg[slots.GPRH + 1] == core.state.reg[slots.GPRH + 2] == 0xFFFFFFFF


@both
@pytest.mark.parametrize("msr", [0, MSR_SPE])
def test_data_interrupt_is_at_the_instruction(engine: Callable[[Core], Engine], msr: int) -> None:
    core = world(E500V2, word_of("efsadd", RT=4, RA=1, RB=1), msr=msr, spefscr=0x20)
    core.state.gpr[1] = INFINITY
    run(engine, core)
    assert outcome(core) == (vector_address(FP_DATA), CODE, ESR_SPV)
    assert (core.state.gpr[4], core.state.spr("SPEFSCR")) == (0, 0x100820)
    assert core.retired == 0


@both
def test_round_interrupt_is_after_the_instruction(engine: Callable[[Core], Engine]) -> None:
    core = world(E500V2, word_of("efsdiv", RT=4, RA=5, RB=3), spefscr=0x40)
    core.state.gpr[5] = ONE
    run(engine, core, 2)
    assert outcome(core) == (vector_address(FP_ROUND), CODE + 4, ESR_SPV)
    assert core.state.gpr[4] == 0x3EAAAAAA, "truncated; to nearest it is one more"
    assert core.retired == 1


def test_engines_agree_on_simple_instructions() -> None:
    """Those that are compiled, with all operands alive: random sequences give the same registers."""
    chance = Random(9)
    compiled = [i for i in SPE.values() if i.native]
    assert len(compiled) > 30
    code = []
    for insn in compiled * 8:
        code.append(insn.form.encode(**{f.name: chance.getrandbits(f.last - f.first + 1) for f in insn.form.fields}))
    chance.shuffle(code)
    states = []
    for engine in ENGINES:
        core = world(E500V2, *code)
        values = Random(10)
        for slot in (*range(32), *range(slots.GPRH, slots.GPRH + 32)):
            core.state.reg[slot] = values.getrandbits(32)
        run(engine, core, len(code))
        assert core.state.pc == CODE + 4 * len(code)
        states.append(bytes(core.state.reg[:32]) + bytes(core.state.reg[slots.CR : slots.CR + 8]) + bytes(
            core.state.reg[slots.GPRH : slots.GPRH + 32]
        ))  # fmt: skip
    assert states[0] == states[1]
