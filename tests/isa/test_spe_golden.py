"""The SPE's chapters against QEMU's answers for all instructions, with special and random operands."""

from __future__ import annotations

import pytest

from tests.golden.spe.cases import MEMORY_EA, TARGET_BEFORE, Case
from tests.golden.spe.deviations import ABSENT, DEVIATIONS, Deviation
from tests.golden.spe.qemu import Outcome, load
from tests.isa.spe_machine import SPE, SpeMachine

Answers = list[tuple[Case, Outcome, Outcome]]


def execute(case: Case) -> Outcome:
    m = SpeMachine()
    m.set_wide(1, case.a)
    m.set_wide(2, case.b)
    m.set_wide(4, TARGET_BEFORE)
    m.acc, m.spefscr = case.acc, case.spefscr
    m.cr = [case.cr >> 28 - 4 * i & 15 for i in range(8)]
    m.store64(MEMORY_EA, case.memory)
    m.run(case.word)
    cr = int("".join(f"{field:x}" for field in m.cr), 16)
    return Outcome(m.wide(4), m.acc, m.load64(MEMORY_EA), m.spefscr, cr, 0)


@pytest.fixture(scope="module")
def answers() -> Answers:
    """Every case with our outcome and QEMU's."""
    return [(case, execute(case), theirs) for case, theirs in load()]


def unexcused(case: Case, ours: Outcome, theirs: Outcome, deviations: tuple[Deviation, ...]) -> list[int]:
    """The differing bits, field by field, that no deviation allows."""
    left = [a ^ b for a, b in zip(ours, theirs)]
    for deviation in deviations:
        if any(left):
            left = [bits & ~mask for bits, mask in zip(left, deviation.mask(case, ours))]
    return left


def test_every_case_is_answered_as_qemu_does_but_for_listed_deviations(answers: Answers) -> None:
    for case, ours, theirs in answers:
        left = unexcused(case, ours, theirs, DEVIATIONS)
        assert not any(left), f"{case}\nours   {[hex(x) for x in ours]}\ntheirs {[hex(x) for x in theirs]}"


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda d: d.name)
def test_deviation_is_still_one(deviation: Deviation, answers: Answers) -> None:
    """Some case differs in what only this deviation excuses."""
    others = tuple(d for d in DEVIATIONS if d is not deviation)
    assert any(any(unexcused(case, ours, theirs, others)) for case, ours, theirs in answers)


def test_golden_cases_cover_every_instruction(answers: Answers) -> None:
    assert {case.name for case, _, _ in answers} == set(SPE)
    refused = {case.name for case, _, theirs in answers if theirs.interrupts}
    assert refused == {name for name in SPE if ABSENT.fullmatch(name)}
    agreed = {case.name for case, ours, theirs in answers if ours == theirs}
    assert len(agreed) > 120
