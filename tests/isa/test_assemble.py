"""The assembler: words against those of GNU as, and against our own operand text."""

from __future__ import annotations

import random

import pytest

from ppcdbg.errors import UsageError
from ppcdbg.isa.assemble import assemble, word
from ppcdbg.isa.operands import mnemonic, operands
from ppcdbg.isa.table import TABLE, by_name

# As GNU as 2.40 gives them: -me500mc.
GNU = """
7c734aa6 mfspr r3, EPCR
7c734ba6 mtspr EPCR, r3
64630040 oris r3, r3, 0x40
90640014 stw r3, OFFSET(r4)
80c4fffc lwz r6, -4(r4)
38600028 li r3, 40
3c60c000 lis r3, -0x4000
7c832378 mr r3, r4
7c6ff120 mtcr r3
7caf2120 mtcrf 242, r5
7ca00026 mfcr r5
54630256 rlwinm r3, r3, 0, 9, 11
74841000 andis. r4, r4, 0x1000
40820010 bne there
48000011 bl there
4c000064 rfi
4c00012c isync
7c0007a4 tlbwe
4e800020 blr
7c6803a6 mtlr r3
"""


@pytest.mark.parametrize("line", [line for line in GNU.splitlines() if line], ids=lambda line: str(line)[9:])
def test_words_are_those_of_gnu_as(line: str) -> None:
    wanted, _, text = line.partition(" ")
    assert word(text, 0x1000, {"OFFSET": 0x14, "there": 0x1010}) == int(wanted, 16)


def test_text_of_random_words_comes_back_as_the_same_words() -> None:
    rng = random.Random(6)
    tried = 0
    for insn in TABLE:
        if "e500mc" not in insn.cores or {"PMR", "DCR"} & {*insn.operands.split(", ")} or "SPR" in insn.operands:
            continue
        for _ in range(4):
            raw = {f.name: rng.getrandbits(f.last - f.first + 1) for f in insn.form.fields if f.name != "OE"}
            shown = [f.name for f in insn.form.fields if f.name in insn.operands]
            made = insn.form.encode(**{n: raw[n] for n in raw if n in shown})
            address = 0x100000
            text = f"{mnemonic(insn, made)} {operands(insn, made, address)}".strip()
            assert word(text, address, {}) == made, text
            tried += 1
    assert tried > 400


def test_what_is_wrong_is_named_with_its_line() -> None:
    for text, part in (("lwz r3", "RT, D"), ("frob r3", "frob"), ("mtspr XYZ, r3", "XYZ"), ("b nowhere", "nowhere"),
                       ("addi r3, r3, 0x12345", "too far"), ("a: nop\na: nop", "twice")):  # fmt: skip
        with pytest.raises(UsageError, match=part):
            assemble(text, 0)


def test_a_program_keeps_its_lines_and_labels() -> None:
    program = assemble("start: li r3, 1   # one\n\n  b start", 0x2000)
    assert [line.address for line in program.lines] == [0x2000, 0x2004]
    assert program.lines[0].note == "one" and program.labels == {"start": 0x2000} and program.end == 0x2008
    assert program.lines[1].word == by_name("b").form.encode(LI=0xFFFFFF)
