"""What a search finds in the guest that loses interrupts: the window of the seed by instructions, and no more."""

from __future__ import annotations

import pytest

from ppcdbg.explore import outcome
from ppcdbg.explore.conditions import Bounds, conditions, judge
from ppcdbg.explore.guest import Guest
from ppcdbg.explore.outcome import End
from ppcdbg.explore.schedule import parse
from ppcdbg.explore.sources import names
from ppcdbg.explore.states import States
from ppcdbg.explore.strategies import Plan
from ppcdbg.isa.disassemble import Disassembler
from ppcdbg.kvm.sections import Fate, others, section
from tests.explore.rig import SOURCES, explored, search, sites, words

ALL = Plan(SOURCES)
ENTER = 0x9020F01C  # stw r1,critical+4


def test_the_window_is_found_and_nothing_beside_it() -> None:
    """Facts 7.7: from behind the load of int_pending (W6, M5) to the store that ends the section (X5)."""
    found = explored(search(), ALL)
    assert found.covered == found.possible == 4 * (22 + 16 + 25)
    disassembler = Disassembler("e500v2")
    for site in (found.sites[0], found.sites[2]):
        for source in ("external", "level", "decrementer"):
            window = site.window(source)
            code = [str(disassembler.one(b.word, b.pc)) for b in site.boundaries]
            loads = next(i for i, text in enumerate(code) if text.endswith(",-3996(0)"))
            ends = next(i for i, text in enumerate(code) if text == "stw r2,-4068(0)")
            assert window == site.boundaries[loads + 1 : ends + 1] and len(window) == 7
            assert {v.word for v in site.verdicts[source] if v and v.condition} == {"LOST"}
    for source in ("external", "level", "decrementer"):
        assert not found.sites[1].window(source)  # wrteei 0 leaves interrupts disabled


def test_a_critical_interrupt_is_lost_in_a_section_that_never_looks() -> None:
    """Facts 7.7: CE stays set, so wrteei 0's section holds it back, and that one does not read int_pending at all."""
    site = explored(search(), Plan(("watchdog",))).sites[1]
    assert site.window("watchdog") == tuple(b for b in site.boundaries if b.section)


def test_a_lost_interrupt_is_proved_so() -> None:
    """Behind the last section the guest idles in two instructions that come round; at the first, another exit comes."""
    found = explored(search(), Plan(("external",)))
    ends = [{f.outcome.end for f in site.failures} for site in found.sites]
    assert ends == [{End.DONE}, set(), {End.STUCK}]


def test_states_seen_before_change_nothing_but_the_time() -> None:
    searching = search()
    with_futures = explored(searching, ALL)
    for site in with_futures.sites:
        path = searching.path(site.site)
        states = States(path.base)
        for source in SOURCES:
            for boundary, verdict in zip(path.boundaries, site.verdicts[source]):
                schedule = parse(f"{source}@{boundary.position}", False, _nowhere)
                assert searching.verdict(searching.outcome(path, schedule, states)) == verdict, schedule
    assert with_futures.factor > 3


@pytest.mark.parametrize("engine", ["reference", "llvm"])
def test_every_failure_replays_from_its_line_on_both_engines(engine: str) -> None:
    found = explored(search(), ALL)
    assert found.failures
    replaying = search(engine)
    for failure in found.failures:
        outcome, _ = replaying.replay(parse(failure.line, False, _nowhere))
        assert outcome == failure.outcome
        assert replaying.verdict(outcome) == failure.verdict


def test_pairs_fail_where_one_alone_fails_and_nowhere_else() -> None:
    """Two interrupts in a section are found by one look. So the least schedules of all failing pairs are single."""
    searching = search()
    found = explored(searching, Plan(("external", "decrementer", "watchdog"), span=5))
    single = explored(searching, Plan(("external", "decrementer", "watchdog")))
    assert found.tried > 1_500
    assert {f.line for f in found.failures} == {f.line for f in single.failures}


def test_drawn_schedules_are_those_of_their_seed() -> None:
    a, b, other = (
        explored(search(), Plan(("external", "decrementer"), 4, 60, seed)) for seed in (7, 7, 8)
    )  # fmt: skip
    assert a == b
    assert a != other
    lost = {b.position for site in explored(search(), ALL).sites for b in site.window("external")}
    assert {f.outcome.schedule[0].position for f in a.failures} <= lost


@pytest.mark.parametrize(("policy", "plain", "critical"), [
    ("stock", 14, 12), ("single-step", 0, 0), ("read-only", 0, 0), ("ordered", 0, 7),
])  # fmt: skip
def test_remedies_are_judged_by_the_same_search(policy: str, plain: int, critical: int) -> None:
    """``critical``: boundaries of wrteei 0's section that lose a critical interrupt. The ordering rule does not help
    there: the section's store of MSR proves nothing, because no look at int_pending follows."""
    found = explored(search(deferral=policy), Plan(("external", "watchdog")))
    assert sum(len(site.window("external")) for site in found.sites) == plain
    assert len(found.sites[1].window("watchdog")) == critical


def test_a_place_can_be_named_by_address_and_time() -> None:
    searching = search()
    schedule = parse("external@0x100404+watchdog@99", False, lambda pc, time: {(0x100404, 1): 96}[pc, time])
    assert [str(e) for e in schedule] == ["external@96", "watchdog@99"]
    outcome, boundaries = searching.replay(schedule)
    assert outcome.fates[0].pc == next(b.pc for b in boundaries if b.position == 96) == 0x100404


def test_a_source_that_the_guest_has_off_is_masked_and_not_lost() -> None:
    searching = search(bounds=Bounds(steps=200))
    found = explored(searching, Plan(("decrementer",)), sites(searching)[:1])
    assert set(words(found, "decrementer")[0]) >= {"LOST", "delivered"}
    early, _ = searching.replay(parse("decrementer@5", False, _nowhere))
    assert searching.verdict(early).word == "masked"


def test_sources_are_those_of_the_flavour() -> None:
    assert "doorbell" in names(True) and "doorbell" not in names(False)


def _nowhere(pc: int, time: int) -> int:
    raise AssertionError("no address in this line")


def test_what_is_found_by_trying_is_what_follows_from_the_code() -> None:
    """``kvm.sections`` reads a section's instructions and says where an interrupt would be lost; it runs nothing."""
    searching = search()
    found = explored(searching, Plan(("external",)))
    for site in found.sites:
        word = Guest(searching.system).word
        read = section(word, next(b.pc for b in site.boundaries if b.word == ENTER), 0xFFFFF000)
        assert tuple(b.pc for b in site.window("external")) == read.window


@pytest.mark.parametrize("policy", ["stock", "single-step", "read-only", "ordered"])
def test_what_is_said_of_the_other_classes_is_what_is_found(policy: str) -> None:
    """A critical interrupt at every boundary, under each policy that asks nothing of the guest."""
    searching = search(deferral=policy)
    found = explored(searching, Plan(("watchdog",)))
    word = Guest(searching.system).word
    for site in found.sites:
        start = next(b.pc for b in site.boundaries if b.word == ENTER)
        steps = {b.address: b for b in section(word, start, 0xFFFFF000).steps}
        told = [b.pc for b in site.boundaries if b.pc in steps and others(policy, steps[b.pc]).fate is Fate.LOST]
        assert [b.pc for b in site.window("watchdog")] == told
        ends = [b for b in site.boundaries if b.pc in steps and others(policy, steps[b.pc]).fate is Fate.END]
        if policy in ("single-step", "read-only"):
            assert len(ends) == sum(b.section for b in site.boundaries)


def test_an_interrupt_that_was_overlooked_and_then_masked_is_told_of_so() -> None:
    (event,) = parse("external@100", False, _nowhere)
    fate = outcome.Fate(100, 0x1000, True, enabled=None, overlooked=107)
    found = outcome.Outcome((event,), (fate,), End.BOUND, 5_107, "not decided")
    verdict = judge(found, conditions(), Bounds())
    assert verdict.condition == "never-lost"
    assert verdict.reason == "lost: free to come at position 107, it did not come in 5000 instructions"
