"""Device registers that an engine serves by itself: that nobody can tell, but by the time it takes."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES
from ppcdbg.cpu.shortcuts import LOG_LENGTH
from ppcdbg.engine.api import Engine
from ppcdbg.engine.journal import Kind
from ppcdbg.engine.llvm.engine import LlvmEngine
from ppcdbg.engine.llvm.layout import Left
from ppcdbg.engine.llvm.policy import Policy
from ppcdbg.engine.lockstep import LockstepEngine
from ppcdbg.engine.reference.engine import ReferenceEngine
from ppcdbg.machine.board import MPIC_BASE, SERIAL0, Board
from ppcdbg.machine.input import InputKind, InputQueue
from ppcdbg.machine.machine import Machine
from ppcdbg.machine.system import Limits
from tests.cpu.rig import ALL, asm, spr_field

Factory = Callable[[Core], Engine]
CODE, HANDLER = 0x1000, 0x1800
PORTS, PIC = 0x400000, 0x500000  # effective addresses of the page of both serial ports, and of the MPIC's last pages
THR, IER, IIR, LSR, MSR = 0, 1, 2, 5, 6
EE = 0x8000
NOP = 0x60000000
HOT = Policy(period=200, longest=200, hot=2, background=False, optimize=0)


def lbz(rt: int, offset: int, base: int = 9) -> int:
    return asm("lbz", RT=rt, RA0=base, D=offset)


def stb(rs: int, offset: int, base: int = 9) -> int:
    return asm("stb", RS=rs, RA0=base, D=offset)


def machine(engine: Factory, *words: int, position: bool = True) -> Machine:
    """A guest on a board: r9 points to serial0, r10 to the MPIC's registers of its core, the handler serves serial0."""
    cores: list[Core] = []
    board = Board(1 << 20, lambda: cores[0].now, "e500mc", (lambda: cores[0].retired) if position else None)
    core = Core(CORES["e500mc"], board.bus)
    cores.append(core)
    handler = (lbz(20, IIR), lbz(21, LSR), lbz(22, 0), asm("stw", RS=0, RA0=10, D=0xB0), asm("rfi"))
    for at, code in ((CODE, words), (HANDLER, handler)):
        for i, word in enumerate(code):
            board.bus.ram[at + 4 * i : at + 4 * i + 4] = word.to_bytes(4, "big")
    for index, ea, real, mas2 in ((0, 0, 0, 0), (1, PORTS, SERIAL0 & -0x1000, 0xA), (2, PIC, MPIC_BASE + 0x20000, 0xA)):
        core.tlb.write(512 + index, 0x80000000 | (10 if not index else 2) << 7, ea | mas2, real & 0xFFFFF000 | ALL,
                       real >> 32, 0)  # fmt: skip
    core.write_spr("IVPR", 0)
    core.write_spr("IVOR4", HANDLER)
    for offset, value in ((0x20080, 0), (0x10000 + 42 * 0x20, 8 << 16 | 42), (0x10000 + 42 * 0x20 + 0x10, 1)):
        board.bus.write(MPIC_BASE + offset, 4, value)
    core.state.gpr[9], core.state.gpr[10] = PORTS + (SERIAL0 & 0xFFF), PIC
    core.state.pc = CODE
    it = Machine(core, engine(core), board, InputQueue(lambda: core.retired))
    it.engine.translations_changed()
    return it


def whole(it: Machine) -> tuple[object, ...]:
    """Everything that a front end could tell two runs apart by."""
    return bytes(it.core.state.block), it.board.save(), it.board.mmio_count, bytes(it.board.bus.ram)


def endless(*words: int) -> tuple[int, ...]:
    return (*words, asm("b", LI=-len(words) & 0xFFFFFF))


def left(it: Machine) -> int:
    """How often compiled code came back for a device."""
    counts = it.engine.left  # type: ignore[attr-defined]
    return counts[Left.READ] + counts[Left.WRITE]


POLLING = endless(lbz(4, LSR), asm("andi.", RS=4, RA=5, UI=0x20), asm("addi", RT=3, RA0=3, SI=1), stb(3, THR))


def test_a_polled_console_does_not_leave_compiled_code_and_is_exact_to_the_byte() -> None:
    it, witness = machine(LlvmEngine, *POLLING), machine(ReferenceEngine, *POLLING)
    heard: list[list[tuple[bytes, int]]] = [[], []]
    for one, to in zip((it, witness), heard):
        one.board.console.listeners.append(lambda data, at, to=to: to.append((data, at)))
        one.run(Limits(1000))
    assert left(it) == 0
    assert it.board.mmio_count == {"serial0": (200, 200), "mpic": (0, 3)}
    assert whole(it) == whole(witness)
    assert heard[0] == heard[1] and heard[0][:2] == [(b"\1", 3), (b"\2", 8)]


def test_a_full_log_is_settled_on_the_way() -> None:
    it, witness = machine(LlvmEngine, *POLLING), machine(ReferenceEngine, *POLLING)
    for one in (it, witness):
        one.run(Limits(5 * LOG_LENGTH + 2))
    assert 0 < left(it) <= 2
    assert whole(it) == whole(witness)


@pytest.mark.parametrize("engine", [LlvmEngine, ReferenceEngine])
def test_what_arrives_withdraws_the_status_at_its_position(engine: Factory) -> None:
    it = machine(engine, *endless(lbz(4, LSR), NOP))
    it.input.console(b"x", position=300)
    it.input.add(InputKind.BREAK, position=600)  # the FIFO is off, and x is in the way: an overrun as well
    status = {}
    for position in (300, 303, 600, 603, 606):
        it.run(Limits(position))
        status[position] = it.core.state.gpr[4]
    assert status == {300: 0x60, 303: 0x61, 600: 0x61, 603: 0x73, 606: 0x61}


def test_a_transmitter_that_interrupts_is_asked_for_each_byte() -> None:
    it = machine(LlvmEngine, *endless(stb(3, THR)))
    it.board.serial0.write(IER, 1, 2)
    it.run(Limits(200))
    assert left(it) == 100
    it.board.serial0.write(IER, 1, 0)
    it.run(Limits(400))
    assert left(it) == 100


def test_where_positions_are_not_instructions_no_byte_waits() -> None:
    it = machine(LlvmEngine, *endless(stb(3, THR), lbz(4, MSR)), position=False)
    it.run(Limits(300))
    assert left(it) == 100 and len(it.board.console.output) == 100


def random_program(rng: random.Random) -> tuple[int, ...]:
    """Accesses to any register of the port, in any width, mostly those that drivers make; interrupts on and off."""
    words = []
    for _ in range(rng.randrange(5, 60)):
        offset = rng.choice((LSR, LSR, LSR, MSR, THR, THR, THR, IIR, rng.randrange(8), rng.randrange(8)))
        name = rng.choices(("lbz", "stb", "lhz", "sth", "lwz", "stw"), (20, 8 if offset == THR else 2, 1, 1, 1, 1))[0]
        field = "RT" if name.startswith("l") else "RS"
        words.append(asm(name, **{field: rng.randrange(11, 20)}, RA0=9, D=offset))
        if rng.random() < 0.3:
            words.append(asm("addi", RT=rng.randrange(11, 20), RA0=0, SI=rng.choice((0, 1, 2, 3, 7, 0x80, 0x10, 0x55))))
        if rng.random() < 0.1:
            words.append(asm("mtspr", RS=3, SPR=spr_field(1)))
        if rng.random() < 0.05:
            words.append(asm("wrteei", E=rng.randrange(2)))
    return endless(*words)


ENGINES: dict[str, Factory] = {
    "tier 0": lambda core: LlvmEngine(core, None),
    "tier 1": lambda core: LlvmEngine(core, HOT),
    "lockstep": lambda core: LockstepEngine(core, LlvmEngine),
}


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("seed", range(12))
def test_random_drivers_leave_the_same_machine_as_on_the_reference_engine(name: str, seed: int) -> None:
    rng = random.Random(seed)
    program = random_program(rng)
    both = machine(ENGINES[name], *program), machine(ReferenceEngine, *program)
    positions = sorted(rng.randrange(1, 6000) for _ in range(12))
    for it in both:
        it.core.set_msr(it.core.msr | EE * (seed % 2))
    for position in (rng.randrange(6000) for _ in range(20)):
        data, broken = bytes(rng.getrandbits(8) for _ in range(rng.randrange(1, 5))), rng.random() < 0.2
        for it in both:
            if broken:
                it.input.add(InputKind.BREAK, position=position)
            else:
                it.input.console(data, position=position)
    for position in positions:
        stops = [it.run(Limits(position)) for it in both]
        assert stops[0] == stops[1], f"seed {seed}, position {position}"
        assert whole(both[0]) == whole(both[1]), f"seed {seed}, position {position}"


def test_a_restored_board_offers_what_it_was_saved_with() -> None:
    it = machine(LlvmEngine, *endless(lbz(4, LSR)))
    before = it.board.save()
    it.board.serial0.receive(b"x")
    it.run(Limits(10))
    assert it.core.state.gpr[4] == 0x61
    it.board.restore(before)
    it.run(Limits(20))
    assert it.core.state.gpr[4] == 0x60
    assert it.board.mmio_count["serial0"] == (5, 0)


def test_lockstep_writes_down_what_was_served() -> None:
    it = machine(ENGINES["lockstep"], *POLLING)
    it.run(Limits(4))
    entries = it.engine._journal.entries  # type: ignore[attr-defined]
    assert [(q.kind, q.address, q.size, q.value, a.value) for q, a in entries] == [
        (Kind.READ, SERIAL0 + LSR, 1, 0, 0x60),
        (Kind.WRITE, SERIAL0 + THR, 1, 1, None),
    ]


def test_a_wrong_offer_shows() -> None:
    """That these tests can fail: a status offered by mistake is seen by the guest, and its state differs."""
    it, witness = machine(LlvmEngine, *POLLING), machine(ReferenceEngine, *POLLING)
    assert it.board.bus.shortcuts is not None
    for slot, register in enumerate(it.board.bus.shortcuts.registers):
        if register.address == SERIAL0 + LSR:
            it.board.bus.shortcuts.offer(slot, 0x61)
    for one in (it, witness):
        one.run(Limits(10))
    assert whole(it) != whole(witness)
