"""The way out when the guest's thread is scheduled off: vcpu_put, another vcpu of the guest's, vcpu_load."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ppcdbg.explore.switch import SwitchReport, SwitchSearch, parse
from ppcdbg.explore.switch_events import event
from ppcdbg.explore.switch_judge import judge
from ppcdbg.kvm.switch.variants import LOAD, PUT, Variant, variant
from ppcdbg.kvm.switch.ways import way

SAFE = variant("dmiuh-first")
OUT = way("scheduled")


def search(one: Variant, *names: str) -> SwitchReport:
    return SwitchSearch(one, OUT).search([event(name) for name in names])


@pytest.mark.parametrize("name", ["dmiuh-first", "pr-is"])
def test_a_safe_order_is_clean_whatever_comes(name: str) -> None:
    found = search(variant(name), "critical", "data-miss")
    assert found.failures == () and found.alone.word == "clean"
    phases = [step.phase for step in found.steps]
    assert list(dict.fromkeys(phases)) == ["load", "entry", "guest", "exit", "put", "reload"]
    words = {row[0].word.split()[0] for row in found.rows}
    assert words == {"handled"}, "also while the thread is scheduled off and on"


@pytest.mark.soak
@pytest.mark.parametrize("name", ["dmiuh-first", "linux", "ivpr-gs", "pr-is"])
def test_every_event(name: str) -> None:
    chosen = replace(variant(name), debug_scratch="SPRG8")
    assert SwitchSearch(chosen, OUT).search().failures == ()


FAULTS = {
    "no put": ({"put": tuple(g for g in PUT if g != "guest-sprs")}, "GSPRG0"),
    "no load": ({"load": tuple(g for g in LOAD if g != "guest-sprs")}, "GSPRG0"),
    "no flush": ({"load": tuple(g for g in LOAD if g != "flush")}, "r21"),
    "no lpid": ({"load": tuple(g for g in LOAD if g != "lpid")}, ""),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_with_no_event_at_all(name: str) -> None:
    """Without the flush the guest reads by the translation that another vcpu of the same LPID has left."""
    change, register = FAULTS[name]
    found = SwitchSearch(replace(SAFE, name="fault", **change), OUT).search([])
    assert found.alone.condition and register in found.alone.reason, found.alone


def test_the_flush_is_left_out_where_nobody_else_ran_here() -> None:
    steps = SwitchSearch(SAFE, OUT).steps()
    flushes = [step.phase for step in steps if step.text.startswith("tlbilx")]
    assert flushes == ["reload"]


def test_in_the_reload_no_interrupt_of_the_base_class_comes_between_mas5_and_the_flush() -> None:
    found = search(SAFE, "external", "critical")
    words = {step.text: row for step, row in zip(found.steps, found.rows) if step.phase == "reload"}
    assert words["tlbilx 0, 0, r0"][0].word.startswith("held") and words["tlbilx 0, 0, r0"][1].word == "handled"
    assert found.failures == ()


def test_a_line_replays() -> None:
    line = parse("linux/scheduled:critical@put.12")
    again = SwitchSearch(line.variant, line.way)
    step = again.seek(line.step)
    observed = again.observe(line.event)
    assert step.phase == "put" and observed is not None and judge(observed).word == "handled"
