"""Disassembly: capstone's text where it is right, ours where it does not know or is wrong."""

from __future__ import annotations

import random
import re

import pytest

from ppcdbg.isa.disassemble import Disassembler
from ppcdbg.isa.flow import To, flow
from ppcdbg.isa.operands import mnemonic, operands
from ppcdbg.isa.table import TABLE

CASES = [
    # What capstone does not know.
    (0x4C0000CC, "e500mc", "rfgi"),
    (0x7C00719C, "e500mc", "msgsnd r14"),
    (0x7DE17A1C, "e500mc", "ehpriv 15407"),
    (0x7C00203E, "e500mc", "lwepx r0,0,r4"),
    (0x7CF99E15, "e500v2", "addo. r7,r25,r19"),
    # What it gets wrong, or says in another processor's words.
    (0x7C7A02A6, "e500v2", "mfspr r3,SRR0"),
    (0x7C9FFBA6, "e500v2", "mtspr SVR,r4"),
    (0x7C6802A6, "e500v2", "mflr r3"),
    (0x429F0005, "e500v2", "bcl 20,31,0xc0001004"),
    (0x4E800020, "e500v2", "blr"),
    (0x4E800421, "e500v2", "bctrl"),
    (0x54A5F0BF, "e500v2", "rlwinm. r5,r5,30,2,31"),
    # Branch targets are absolute.
    (0x409EFFEC, "e500v2", "bne cr7,0xc0000fec"),
    (0x4BFFFF00, "e500v2", "b 0xc0000f00"),
    (0x48423D0F, "e500v2", "bla 0x423d0c"),
    # What a core lacks.
    (0x4C0000CC, "e500v2", ".long 0x4c0000cc"),
    (0x00000000, "e500mc", ".long 0x00000000"),
    (0xFC01002A, "e500v2", ".long 0xfc01002a"),
    (0x7C0004A6, "e500mc", ".long 0x7c0004a6"),  # mfsr
    (0x94860004, "e500v2", "stwu r4,4(r6)"),
    (0x60000000, "e500v2", "nop"),
]


@pytest.mark.parametrize(("word", "core", "expected"), CASES, ids=[c[2] for c in CASES])
def test_text(word: int, core: str, expected: str) -> None:
    assert str(Disassembler(core).one(word, 0xC0001000)) == expected


def test_every_instruction_of_the_table_has_text() -> None:
    chance = random.Random(20)
    for insn in TABLE:
        for core in insn.cores:
            disassembler = Disassembler(core)
            word = insn.form.encode(**{f.name: chance.getrandbits(f.last - f.first + 1) for f in insn.form.fields})
            d = disassembler.one(word, 0xC0001000)
            assert d.known and d.mnemonic and not d.mnemonic.startswith(".long"), insn.name
            own = operands(insn, word, 0xC0001000, core)
            assert not re.search(r"\b(R[ABST]0?|FR[ABCST]|SI|UI|BF|PMR|DCR|MASK)\b", own), (insn.name, own)
            assert mnemonic(insn, word).startswith(insn.name)


@pytest.mark.parametrize(
    ("word", "to", "target", "conditional", "link"),
    [
        (0x48000101, To.TARGET, 0xC0001100, False, True),
        (0x4182FFF8, To.TARGET, 0xC0000FF8, True, False),
        (0x429F0005, To.TARGET, 0xC0001004, False, True),
        (0x4E800020, To.LR, None, False, False),
        (0x4D9E0020, To.LR, None, True, False),
        (0x4E800421, To.CTR, None, False, True),
        (0x44000002, To.SYSCALL, None, False, False),
        (0x0FE00000, To.TRAP, None, True, False),
        (0x4C000064, To.RETURN, None, False, False),
        (0x38600001, To.NEXT, None, False, False),
    ],
)
def test_flow(word: int, to: To, target: int | None, conditional: bool, link: bool) -> None:
    f = flow(word, 0xC0001000)
    assert (f.to, f.target, f.conditional, f.link) == (to, target, conditional, link)


def test_two_disassemblers_share_nothing() -> None:
    a, b = Disassembler("e500mc"), Disassembler("e500v2")
    assert str(a.one(0x4C0000CC, 0)) == "rfgi"
    assert str(b.one(0x4C0000CC, 0)) == ".long 0x4c0000cc"
