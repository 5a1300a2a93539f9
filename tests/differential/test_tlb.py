"""The TLB instructions and translation through what they write: our engines against QEMU."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.differential.compare import Comparison, Difference
from tests.differential.tlbs import TlbSteps

STEPS = 1500
MOST = 10


def test_random_tlb_use(comparison: Comparison, core_name: str, option: Callable[[str, str], str]) -> None:
    name = f"{core_name}/tlb/{option('seed', '0')}"
    differences: list[Difference] = []
    for i, step in enumerate(TlbSteps(core_name, random.Random(name)).steps(STEPS)):
        fields = comparison.compare(step)
        if fields:
            differences.append(Difference(comparison.case(step), fields, f"{name} step {i}"))
        if len(differences) >= MOST:
            break
    assert not differences, "\n".join(d.text() for d in differences)
