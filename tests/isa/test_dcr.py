"""Device control registers of a 440-style core: what mfdcr and mtdcr reach, who may use them, both engines."""

from __future__ import annotations

import pytest

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import core_model
from ppcdbg.cpu.msr import MSR_PR
from ppcdbg.engine.choose import engine_factory
from ppcdbg.isa.assemble import word
from ppcdbg.isa.operands import operands
from ppcdbg.isa.sprs import SLOT
from ppcdbg.isa.table import by_name
from ppcdbg.machine.board import Board
from ppcdbg.machine.input import InputQueue
from ppcdbg.machine.machine import Machine
from ppcdbg.machine.system import Limits

MEMORY, ENTRY = 1 << 20, 0x1000
ENGINES = ("reference", "llvm", "lockstep")


def machine(engine: str, code: list[int], *, dcr: bool = True, msr: int = 0) -> Machine:
    """A bare e500v2 about to run some words at ENTRY, everything mapped one to one for everybody."""
    cores: list[Core] = []
    board = Board(MEMORY, lambda: cores[0].now if cores else 0, "e500v2", dcr=dcr)
    core = Core(core_model("e500v2", dcr=dcr), board.bus)
    cores.append(core)
    for i, each in enumerate(code):
        board.ram.view[ENTRY + 4 * i : ENTRY + 4 * i + 4] = each.to_bytes(4, "big")
    board.ram.view[0x2000:0x2004] = (0x48000000).to_bytes(4, "big")
    made = Machine(core, engine_factory(engine)(core), board, InputQueue(lambda: core.retired))
    core.tlb.write(next(iter(core.tlb.entries(1))), 0xC0000000 | 10 << 7, 0, 0x3F, 0)
    core.state.pc = ENTRY
    core.write_spr("IVOR6", 0x2000)
    core.set_msr(msr)
    return made


def text(*lines: str) -> list[int]:
    return [word(line, 0, {}) for line in lines]


def dcr(name: str, number: int, register: int) -> int:
    field = "RT" if name == "mfdcr" else "RS"
    return by_name(name).form.encode(**{field: register, "SPR": (number & 31) << 5 | number >> 5})


@pytest.mark.parametrize("engine", ENGINES)
def test_what_was_written_is_read_by_either_form(engine: str) -> None:
    m = machine(engine, [*text("li r3, 0x123"), dcr("mtdcr", 0x0C5, 3), dcr("mfdcr", 0x0C5, 4),
                         *text("li r5, 0x0c5", "mfdcrx r6, r5", "li r5, 0x3ff", "mtdcrx r5, r6"),
                         dcr("mfdcr", 0x3FF, 7), dcr("mfdcr", 1, 8)])  # fmt: skip
    m.core.state.gpr[8] = 5
    m.run(Limits(9))
    assert [*m.core.state.gpr[4:9]] == [0x123, 0x3FF, 0x123, 0x123, 0]
    assert m.board.bus.device_at((1 << 40) + 4) == "dcr" and m.board.mmio_count["dcr"] == (4, 2)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_number_that_nobody_has_reads_as_zero_and_takes_writes(engine: str) -> None:
    m = machine(engine, text("li r5, 0x1000", "li r6, 7", "mtdcrx r5, r6", "mfdcrx r6, r5"))
    m.run(Limits(4))
    assert m.core.state.gpr[6] == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("has", "msr", "esr"), [(True, MSR_PR, 0x04000000), (False, 0, 0x08000000),
                                                 (False, MSR_PR, 0x08000000)])  # fmt: skip
def test_who_may_not(engine: str, has: bool, msr: int, esr: int) -> None:
    m = machine(engine, [dcr("mfdcr", 7, 3)], dcr=has, msr=msr)
    m.run(Limits(1))
    assert m.core.state.reg[SLOT["ESR"]] == esr and m.core.state.reg[SLOT["SRR0"]] == ENTRY


def test_the_registers_are_saved() -> None:
    first = machine("reference", [*text("li r3, 0x77"), dcr("mtdcr", 9, 3), dcr("mfdcr", 9, 4)])
    first.run(Limits(2))
    second = machine("reference", [dcr("mfdcr", 9, 4)])
    second.board.restore(first.board.save())
    second.run(Limits(1))
    assert second.core.state.gpr[4] == 0x77
    assert "dcr" not in machine("reference", [], dcr=False).board.save()["devices"]  # type: ignore[operator]


def test_the_text_has_the_number() -> None:
    made = dcr("mfdcr", 0x0C5, 4)
    assert operands(by_name("mfdcr"), made) == "r4,197" and made == 0x7C853286
