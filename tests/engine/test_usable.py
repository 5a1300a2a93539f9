"""Which instructions a region may hold: each form of one that acts by its number is tried for itself."""

from __future__ import annotations

import pytest

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES
from ppcdbg.engine.api import Stops
from ppcdbg.engine.llvm.engine import LlvmEngine
from ppcdbg.engine.llvm.policy import Policy
from ppcdbg.engine.llvm.regions import usable
from ppcdbg.isa.sprs import Access, sprs_of
from ppcdbg.isa.table import by_name
from tests.cpu.rig import ALL, PlainBus, asm, spr_field


@pytest.mark.parametrize("cpu", ["e500mc", "e500v2"])
@pytest.mark.parametrize("name", ["mtspr", "mfspr"])
def test_what_is_known_of_one_register_is_not_taken_for_another(cpu: str, name: str) -> None:
    """Found by the soak: with bits of two numbers taken for each other, `mtspr TSR` in hot code ended ppcdbg."""
    core = Core(CORES[cpu], PlainBus(1 << 18))
    core.tlb.write(512, 0x80000000 | 8 << 7, 0, ALL, 0, 0)
    core.bus.ram[0x1000:0x1004] = asm("b", LI=0).to_bytes(4, "big")
    core.state.pc = 0x1000
    engine = LlvmEngine(core, Policy(period=100, longest=100, hot=1, background=False))
    engine.run(1000, Stops())
    tier1 = engine.tier1
    assert tier1 is not None
    insn = by_name(name)
    sprs = [s for s in sprs_of(cpu).values() if (s.write if name == "mtspr" else s.read) is not Access.NONE]
    for spr in sprs:
        word = asm(name, SPR=spr_field(spr.number), **{"RS" if name == "mtspr" else "RT": 3})
        assert tier1._usable(insn, word, 0x1000) == usable(core.model, insn, word), spr.name
