"""Our engines against each other: long random programs, stopped anywhere, end in the same state to the bit."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from ppcdbg.engine.api import Stops, Why
from ppcdbg.isa import slots
from tests.differential.compare import pristine
from tests.differential.conftest import DEFAULT_INSNS
from tests.differential.generate import Start
from tests.differential.ours import OurPeer, ready
from tests.differential.programs import Programmer, random_budgets, vectors
from tests.differential.world import CODE

PROGRAMS = 6
WITNESS = "reference"


def prepared(core: str, engine: str, start: Start) -> OurPeer:
    peer = ready(core, engine)
    for address, words in [*vectors(core), (CODE, list(start.words))]:
        peer.write_memory(address, b"".join(w.to_bytes(4, "big") for w in words))
    for address, data in pristine():
        peer.write_memory(address, data)
    peer.write(start.others)
    peer.set_general(start.general)
    return peer


def run_to(peer: OurPeer, limit: int) -> Why:
    """Up to ``limit`` more than at the start, whatever interrupts come on the way."""
    return peer.engine.run(limit, Stops()).why


def differences(a: OurPeer, b: OurPeer) -> list[str]:
    """Slots, floating-point registers, counters, TLB words and RAM pages that differ; an engine's scratch aside."""
    found = [
        f"{kind}[{i}]: {a.name} {x:#x}, {b.name} {y:#x}"
        for kind in ("reg", "fpr", "counters", "tlb")
        for i, (x, y) in enumerate(zip(getattr(a.state, kind), getattr(b.state, kind), strict=True))
        if x != y and (kind, i) != ("reg", slots.EA)
    ]
    if a.bus.ram != b.bus.ram:
        pages = [p for p in range(0, len(a.bus.ram), 4096) if a.bus.ram[p : p + 4096] != b.bus.ram[p : p + 4096]]
        found += [f"RAM page {p:#x}" for p in pages]
    return found


@pytest.mark.parametrize("number", range(PROGRAMS))
def test_budgets_do_not_show(number: int, core_name: str, engine_name: str, option: Callable[[str, str], str]) -> None:
    seed = f"{core_name}/program/{option('seed', '0')}.{number}"
    rng = random.Random(seed)
    # QEMU is no party here: half of e500v2's programs use its SPE, all of it.
    start = Programmer(core_name, rng, vector=core_name == "e500v2" and number % 2 == 1).program()
    whole, pieces = prepared(core_name, WITNESS, start), prepared(core_name, engine_name, start)
    beginning = whole.core.retired
    total = int(option("insns", str(DEFAULT_INSNS))) // 4
    end = run_to(whole, beginning + total)
    for limit in random_budgets(rng, whole.core.retired - beginning):
        why = run_to(pieces, beginning + limit)
    assert (why, pieces.core.retired) == (end, whole.core.retired), seed
    found = differences(whole, pieces)
    assert not found, f"{seed}: " + "; ".join(found[:20])
    assert end is Why.LIMIT, f"{seed} got stuck and shows little"
