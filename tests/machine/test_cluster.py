"""Several cores over one memory: reservations across cores, messages, tlbivax, the spin table, one time for all."""

from __future__ import annotations

import pytest

from ppcdbg.cpu.models import CORES
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT
from ppcdbg.machine.board import SPIN_BASE
from ppcdbg.machine.cluster import Cluster

LWARX, STWCX, STW, STB = 0x7C602028, 0x7C60212D, 0x90640000, 0x98640000
"""lwarx r3,0,r4; stwcx. r3,0,r4; stw r3,0(r4); stb r3,0(r4)"""
MSGSND, WAIT = 0x7C00199C, 0x7C00007C  # msgsnd r3; wait
CODE, DATA = 0x1000, 0x4000
EE = 0x8000


def cluster(model: str = "e500mc", **code: tuple[int, ...]) -> Cluster:
    """Two cores; ``a`` is core 0's code, ``b`` core 1's. Effective addresses are real ones."""
    made = Cluster(model, 1 << 20, 2)
    for number, core in enumerate(made.cores):
        words = code.get("ab"[number], ())
        start = CODE + 0x1000 * number
        for i, word in enumerate(words):
            made.board.bus.ram[start + 4 * i : start + 4 * i + 4] = word.to_bytes(4, "big")
        core.tlb.write(512, 0x80000000 | 10 << 7, 4, 0x3F, 0, 0)  # 1 MiB from 0 on
        core.state.pc = start
        core.state.gpr[4] = DATA
        made.held[number] = False
        made.engines[number].translations_changed()
    return made


@pytest.mark.parametrize("model", ["e500v2", "e500mc"])
@pytest.mark.parametrize("store", [STW, STB, STWCX])
def test_a_store_of_another_core_to_the_granule_kills_a_reservation(model: str, store: int) -> None:
    line = CORES[model].cache_line
    for distance, kept in ((0, False), (line - 4, False), (line, True), (-4, True)):
        c = cluster(model, a=(LWARX, STWCX), b=(LWARX, store))
        c.cores[1].state.gpr[4] = DATA + distance
        c.step(0)
        c.step(1)
        c.step(1)
        c.step(0)
        assert bool(c.cores[0].state.cr[0] & 2) is kept, (model, distance)


def test_neither_ones_own_store_nor_anothers_load_kills_it() -> None:
    c = cluster(a=(LWARX, STW, STWCX), b=(LWARX, STWCX))
    for core in (0, 1, 0, 0):
        c.step(core)
    assert c.cores[0].state.cr[0] & 2
    c.step(1)
    assert not c.cores[1].state.cr[0] & 2  # and what the first stored killed the second's


def test_a_message_goes_to_the_core_with_that_pir_or_to_all() -> None:
    for message, meant in ((1, {1}), (0, {0}), (7, set()), (0x04000000, {0, 1})):
        c = cluster(a=(MSGSND,))
        c.cores[0].state.gpr[3] = message
        c.step(0)
        assert {n for n, core in enumerate(c.cores) if core.state.reg[slots.DOORBELLS]} == meant


def test_a_message_wakes_a_core_that_waits() -> None:
    c = cluster(a=(MSGSND,), b=(WAIT,))
    c.cores[0].state.gpr[3] = 1
    c.cores[1].set_msr(EE)
    c.cores[1].state.reg[SLOT["IVOR36"]] = 0x300
    c.board.bus.ram[0x300:0x304] = (0x60000000).to_bytes(4, "big")
    c.step(1)
    assert c.rests(1)
    c.step(0)
    assert not c.rests(1)
    c.step(1)
    assert c.cores[1].state.pc == 0x304


def test_tlbivax_is_heard_by_every_core() -> None:
    c = cluster(a=(0x7C002624,))  # tlbivax 0,r4
    for core in c.cores:
        core.tlb.write(513, 0x80000000 | 2 << 7, 0x80000004, 0x3F, 0, 0)
    c.cores[0].state.gpr[4] = 0x80000000 | 8
    c.step(0)
    assert not any(core.entry(513).valid for core in c.cores)


def test_a_store_by_one_core_changes_what_another_executes() -> None:
    c = cluster(a=(STW,), b=(0x38600001, 0x4BFFFFFC))  # li r3,1; b .-4
    c.step(1)
    c.step(1)
    c.cores[0].state.gpr[3], c.cores[0].state.gpr[4] = 0x38600002, CODE + 0x1000
    c.step(0)
    c.step(1)
    assert c.cores[1].state.gpr[3] == 2


def test_the_spin_table_lets_a_core_go_once() -> None:
    c = cluster(a=())
    c.held[1] = True
    c.board.bus.write(SPIN_BASE + 32 + 12, 4, 9)
    assert c.held[1]
    c.board.bus.write(SPIN_BASE + 32 + 4, 4, 0x04002000)
    core = c.cores[1]
    assert not c.held[1] and core.state.pc == 0x2000
    assert core.state.gpr[3] == 9 and core.entry(512).rpn == 0x04000000
    core.state.pc = 0x100
    c.board.bus.write(SPIN_BASE + 32 + 4, 4, 0x3000)
    assert core.state.pc == 0x100


def test_time_is_every_cores() -> None:
    c = cluster(a=(0x60000000,) * 8, b=(0x60000000,) * 8)
    for core in (0, 0, 1, 0):
        c.step(core)
    assert c.position == 4 and [core.now for core in c.cores] == [4, 4]
    c.cores[1].timers.set_dec(10)
    assert c.pass_time() and [core.now for core in c.cores] == [14, 14]
    assert not c.pass_time()
