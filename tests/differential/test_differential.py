"""Random instructions on random state: our engines against QEMU, everything compared after each instruction."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.differential.case import parse
from tests.differential.compare import Comparison, Difference
from tests.differential.conftest import DEFAULT_INSNS

LENGTH = 250
MOST = 12  # differences worth printing
SHARES = {("e500mc", "integer"): 0.35, ("e500mc", "float"): 0.4, ("e500v2", "integer"): 0.25}


def report(differences: list[Difference]) -> str:
    return "\n".join(
        [f"{len(differences)} differences; reproduce one with --differential-only NAME or --differential-case 'LINE'"]
        + [d.text() for d in differences]
    )


@pytest.mark.parametrize("mix", ["integer", "float"])
def test_random_instructions(
    comparison: Comparison, core_name: str, mix: str, option: Callable[[str, str], str]
) -> None:
    share = SHARES.get((core_name, mix))
    if share is None:
        pytest.skip("the core has no such instructions; that it refuses them is part of the other mix")
    if only := option("only", ""):
        if not only.startswith(f"{core_name}/{mix}/"):
            pytest.skip("another sequence was asked for")
        differences = comparison.sequence(only, LENGTH)
        assert not differences, report(differences)
        return
    wanted = int(int(option("insns", str(DEFAULT_INSNS))) * share)
    seed = option("seed", "0")
    differences = []
    number = 0
    while comparison.counts.total() < wanted and len(differences) < MOST:
        differences += comparison.sequence(f"{core_name}/{mix}/{seed}.{number}", LENGTH)
        number += 1
    assert not differences, report(differences)


def test_one_case(comparison: Comparison, core_name: str, option: Callable[[str, str], str]) -> None:
    """The case given by --differential-case; without one, a case that must pass."""
    case = parse(option("case", f"{core_name} 7c221a14 pc=00002000 msr=00001000 r2=80000000 r3=ffffffff"))
    if case.core != core_name:
        pytest.skip("a case of the other core")
    fields = comparison.run_case(case)
    assert not fields, Difference(case, fields, "--differential-case").text()
