"""Debug events against QEMU: those of the silicon but for what is listed, and those of the core that is QEMU's."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from tests.differential.compare import Comparison, Difference
from tests.differential.debugs import DEVIATIONS, DebugSteps
from tests.differential.ours import OurPeer
from tests.differential.peers import Peer

STEPS = 700
MOST = 8


def test_events_are_qemus_but_for_the_listed_deviations(
    comparison: Comparison, core_name: str, option: Callable[[str, str], str]
) -> None:
    name = f"{core_name}/debug/{option('seed', '0')}"
    differences: list[Difference] = []
    seen: Counter[str] = Counter()
    for i, step in enumerate(DebugSteps(core_name, random.Random(name)).steps(STEPS)):
        fields = comparison.compare(step)
        excuses = [d.name for d in DEVIATIONS if d.applies(step)]
        if fields and excuses:
            seen.update(excuses)
        elif fields:
            differences.append(Difference(comparison.case(step), fields, f"{name} step {i}"))
        seen["events"] += bool(comparison.ours.read(("dbsr",))["dbsr"])
        if len(differences) >= MOST:
            break
    assert not differences, "\n".join(d.text() for d in differences)
    assert seen["events"] > STEPS / 8
    assert all(seen[d.name] for d in DEVIATIONS), f"no deviation any more: {seen}"


@pytest.mark.parametrize("core_name", ["e500v2"], scope="session")
def test_the_core_that_conform_uses_has_qemus_events(
    core_name: str, engine_name: str, qemu_peer: Peer, option: Callable[[str, str], str]
) -> None:
    comparison = Comparison(core_name, OurPeer(core_name, engine_name, as_qemu=True), qemu_peer)
    comparison.set_up()
    name = f"{core_name}/debug/qemu.{option('seed', '0')}"
    differences: list[Difference] = []
    for i, step in enumerate(DebugSteps(core_name, random.Random(name)).steps(STEPS)):
        fields = comparison.compare(step)
        if fields:
            differences.append(Difference(comparison.case(step), fields, f"{name} step {i}"))
        if len(differences) >= MOST:
            break
    assert not differences, "\n".join(d.text() for d in differences)
