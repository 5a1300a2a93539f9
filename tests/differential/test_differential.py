"""Random instructions on random state: our engines against QEMU, everything compared after each instruction."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from tests.differential.case import parse
from tests.differential.compare import Comparison, Difference
from tests.differential.conftest import DEFAULT_INSNS
from tests.differential.peers import General, OwnPeer

LENGTH = 250
MOST = 12  # differences worth printing
SHARES = {("e500mc", "integer"): 0.35, ("e500mc", "float"): 0.4, ("e500v2", "integer"): 0.25,
          ("e500v2", "vector"): 0.15}  # fmt: skip
"""Of the instructions asked for. e500v2 has no floating point; that it refuses it is part of the integer mix."""


def report(differences: list[Difference]) -> str:
    return "\n".join(
        [f"{len(differences)} differences; again with --differential-case 'LINE', or --differential-only SEQUENCE"]
        + [d.text() for d in differences]
    )


def run_mixes(comparison: Comparison, core: str, wanted: int, seed: str) -> list[Difference]:
    """Sequences of each mix that the core has, until their share of ``wanted`` instructions has been compared."""
    differences: list[Difference] = []
    for (of, mix), share in SHARES.items():
        number, before = 0, comparison.counts.total()
        while of == core and comparison.counts.total() - before < wanted * share and len(differences) < MOST:
            differences += comparison.sequence(f"{core}/{mix}/{seed}.{number}", LENGTH)
            number += 1
    return differences


def test_random_instructions(comparison: Comparison, core_name: str, option: Callable[[str, str], str]) -> None:
    if only := option("only", ""):
        differences = comparison.sequence(only, LENGTH) if only.startswith(core_name) else []
        assert not differences, report(differences)
        return
    wanted = int(option("insns", str(DEFAULT_INSNS)))
    differences = run_mixes(comparison, core_name, wanted, option("seed", "0"))
    assert not differences, report(differences)
    compared = comparison.counts.total()
    assert compared >= wanted * sum(share for (core, _), share in SHARES.items() if core == core_name)


@pytest.mark.soak
def test_many_random_instructions(comparison: Comparison, core_name: str, option: Callable[[str, str], str]) -> None:
    differences = run_mixes(comparison, core_name, int(option("insns", "1000000")), option("seed", "soak"))
    assert not differences, report(differences)


class Wrong:
    """A peer whose `add` forgets the carry into the highest byte."""

    def __init__(self, peer: OwnPeer) -> None:
        self._peer = peer

    def __getattr__(self, name: str) -> object:
        return getattr(self._peer, name)

    def step(self, general: General | None, others: dict[str, int]) -> General:
        after = self._peer.step(general, others)
        if general is None or general[2] & 0xFFFFFF == 0:
            return after
        return after[:1] + (after[1] ^ 0x01000000,) + after[2:]


def test_a_difference_is_found_and_shrunk(comparison: Comparison, core_name: str) -> None:
    """The harness itself: what a wrong instruction leaves is reported, with the one register that matters."""
    case = parse(f"{core_name} 7c221a14 pc=00002000 msr=00001000 r2=12345678 r3=ffffffff r9=12345678 lr=00000004")
    assert not comparison.run_case(case)
    comparison.ours = cast(OwnPeer, Wrong(comparison.ours))
    difference = comparison.shrunk(case, comparison.run_case(case), "a test")
    assert set(difference.fields) == {"r1"}
    assert set(difference.case.registers()) == {"pc", "msr", "r2"}
    assert "add r1,r2,r3" in difference.text()
    assert difference.case.line() in difference.text()


def test_one_case(comparison: Comparison, core_name: str, option: Callable[[str, str], str]) -> None:
    """The case given by --differential-case; without one, a case that must pass."""
    case = parse(option("case", f"{core_name} 7c221a14 pc=00002000 msr=00001000 r2=80000000 r3=ffffffff"))
    if case.core == core_name:
        fields = comparison.run_case(case)
        assert not fields, Difference(case, fields, "--differential-case").text()
