"""The world switch explored: the hazards that the review of 2012 names fail where they must, safe orders are clean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ppcdbg.cpu.msr import MSR_CE, MSR_EE, MSR_ME
from ppcdbg.engine.choose import compiles
from ppcdbg.errors import UsageError
from ppcdbg.explore.switch import Step, SwitchReport, SwitchSearch, parse
from ppcdbg.explore.switch_events import EVENTS, event
from ppcdbg.explore.switch_judge import CANNOT, judge
from ppcdbg.kvm.switch import layout as at
from ppcdbg.kvm.switch.rig import GuestState
from ppcdbg.kvm.switch.variants import ENTRY, EXIT, LOAD, RESUME, VARIANTS, Variant, moved, swapped, variant
from ppcdbg.kvm.switch.ways import WAYS, way

SAFE = variant("dmiuh-first")


def search(one: Variant, *names: str) -> SwitchReport:
    return SwitchSearch(one).search([event(n) for n in names] if names else EVENTS)


def failing(found: SwitchReport, name: str) -> list[str]:
    """Names of the steps at which an event fails."""
    column = [e.name for e in found.events].index(name)
    return [step.name for step, row in zip(found.steps, found.rows) if row[column].condition]


def between(steps: Sequence[Step], first: str, last: str, *, phase: str) -> list[Step]:
    """The steps behind the instruction ``first`` up to and with ``last``, in one phase."""
    of_phase = [s for s in steps if s.phase == phase]
    texts = [s.text for s in of_phase]
    return of_phase[texts.index(first) + 1 : texts.index(last) + 1]


def loads(steps: Sequence[Step]) -> list[str]:
    return [s.name for s in steps if s.text.startswith(("lwz", "stw"))]


@pytest.mark.parametrize("name", ["dmiuh-first", "ivpr-gs"])
def test_a_safe_order_is_clean_whatever_comes(name: str) -> None:
    found = search(variant(name))
    assert found.failures == () and found.alone.word == "clean"
    assert {v.word.split()[0] for row in found.rows for v in row} == {"handled", "held", "suppressed", "cannot"}
    for column, what in enumerate(found.events):
        come = sum(row[column] is not CANNOT for row in found.rows)
        assert come > 60 or what.name == "instruction-miss", (what.name, come)


@pytest.mark.parametrize("out", [w.name for w in WAYS if w is not WAYS[0]])
def test_a_safe_order_is_clean_whatever_makes_the_guest_leave(out: str) -> None:
    found = SwitchSearch(SAFE, way(out)).search([event("critical"), event("data-miss")])
    assert found.failures == () and found.name == f"dmiuh-first/{out}"
    texts = [s.text for s in found.steps if s.phase == "guest"][1:]
    assert texts[-1] == way(out).instruction
    assert len(texts) == 1 or out == "scheduled", "another vcpu of the guest runs in between"


def test_a_guest_that_masks_critical_interrupts_and_machine_checks_cannot_keep_them_from_the_host() -> None:
    masked = GuestState({}, {"MSR": at.GUEST_MSR & ~(MSR_CE | MSR_ME | MSR_EE)})
    search = SwitchSearch(SAFE, guest=masked)
    found = search.search([event("critical"), event("machine-check"), event("external")])
    assert found.failures == ()
    enable = [s.name for s in found.steps if s.text == "mtmsr r7"]
    assert len(enable) == 1, "this guest's exit has to set CE and ME"
    at_enable = [s.name for s in found.steps].index(enable[0])
    words = [row[0].word.split()[0] for row in found.rows]
    assert words[at_enable] == "held" and words[at_enable + 1] == "handled"
    kept = replace(SAFE, exit=tuple(g for g in SAFE.exit if g != "enable"))
    assert SwitchSearch(kept, guest=masked).search([event("critical")]).alone.condition == "host-state"


@pytest.mark.soak
@pytest.mark.parametrize("out", [w.name for w in WAYS])
@pytest.mark.parametrize("name", ["dmiuh-first", "ivpr-gs", "linux"])
def test_every_way_out_with_every_event(name: str, out: str) -> None:
    chosen = replace(variant(name), debug_scratch="SPRG8")
    assert SwitchSearch(chosen, way(out)).search().failures == ()


def test_a_debug_exit_of_linux_costs_the_guest_its_sprg9() -> None:
    found = SwitchSearch(variant("linux"), way("debug")).search()
    assert found.alone.condition == "guest-registers" and "SPRG9" in found.alone.reason
    assert parse(found.failures[0][0]).way is way("debug")


def test_linux_is_clean_but_that_its_debug_vector_uses_sprg9() -> None:
    """The debug vector of a 32-bit host keeps r8 in SPRG9, which is the guest's when a debug interrupt leaves it."""
    found = search(variant("linux"))
    assert [line for line, _ in found.failures] == ["linux:debug@guest.0", "linux:debug@guest.1"]
    assert all("SPRG9" in verdict.reason for _, verdict in found.failures)
    assert search(replace(variant("linux"), debug_scratch="SPRG8"), "debug").failures == ()


def test_mas_before_dmiuh_are_overwritten_by_a_miss_in_between() -> None:
    found = search(variant("dmiuh-last"), "data-miss", "critical", "machine-check")
    window = between(found.steps, "mtspr MAS0, r3", "mtspr EPCR, r3", phase="entry")
    assert failing(found, "data-miss") == loads(window) != []
    assert {v.condition for _, v in found.failures} == {"guest-mas"}


def test_at_the_exit_dmiuh_must_stay_until_mas_are_saved() -> None:
    found = search(variant("dmiuh-early-off"), "data-miss")
    window = between(found.steps, "mtspr EPCR, r3", "stw r3, S_MAS7(r11)", phase="exit")
    # the last of them, MAS7, has been read when its store misses
    assert failing(found, "data-miss") == loads(window)[:-1] != []
    assert {v.condition for _, v in found.failures} == {"guest-mas"}


def test_while_ivpr_is_kvms_what_interrupts_the_host_goes_wrong() -> None:
    found = search(variant("ivpr"), "machine-check", "critical", "data-miss", "external", "debug")
    entry = between(found.steps, "mtspr IVPR, r3", "rfi", phase="entry")
    exit_ = [s for s in found.steps if s.phase == "exit"]
    out = [s.text for s in exit_].index("mtspr IVPR, r3")
    window = [s.name for s in (*entry, *exit_[: out + 1])]
    assert failing(found, "machine-check") == failing(found, "critical") == window
    column = [e.name for e in found.events].index("data-miss")
    possible = {s.name for s, row in zip(found.steps, found.rows) if row[column] is not CANNOT}
    assert failing(found, "data-miss") == [name for name in window if name in possible] != []
    assert {v.condition for _, v in found.failures} == {"right-handler"}


def test_srr0_and_srr1_survive_no_miss() -> None:
    found = search(variant("srr-early"), "data-miss")
    window = between(found.steps, "mtspr SRR0, r3", "rfi", phase="entry")
    assert failing(found, "data-miss") == loads(window)
    assert {v.condition for _, v in found.failures} == {"saved-state"}


def test_a_handler_that_trusts_mas_puts_the_guests_into_the_hosts_tlb() -> None:
    """What Linux relies on pinned memory for: with DMIUH=1 the miss handler finds the guest's MAS0 to MAS2."""
    found = search(variant("linux-ioremap"), "critical")
    window = between(found.steps, "mtspr EPCR, r3", "rfi", phase="entry")
    exit_ = [s for s in found.steps if s.phase == "exit"]
    out = [s.text for s in exit_].index("mtspr EPCR, r3")
    assert failing(found, "critical") == [s.name for s in (*window, *exit_[: out + 1])]
    assert {v.condition for _, v in found.failures} == {"host-tlb"}


def test_pr_mode_rewrites_ivpr_and_reads_the_instruction_through_the_tlb() -> None:
    """Facts 8.4, H1 and H4: the window, and the load of an exit's instruction that finds no translation."""
    found = search(variant("linux-pr"))
    entry = between(found.steps, "mtspr IVPR, r3", "rfi", phase="entry")
    exit_ = [s for s in found.steps if s.phase == "exit"]
    window = [s.name for s in (*entry, *exit_[: [s.text for s in exit_].index("mtspr IVPR, r3") + 1])]
    assert failing(found, "machine-check") == failing(found, "critical") == window
    load = next(s.name for s in exit_ if s.text == "lwz r9, 0(r9)")
    assert failing(found, "data-miss") == [load]
    assert not failing(found, "debug") and not failing(found, "external") and not failing(found, "decrementer")
    tested = search(variant("pr-is"))
    assert [(line.partition("@")[0], v.condition) for line, v in tested.failures] == [("pr-is:data-miss", "goes-on")]


def test_guest_state_begins_with_rfi_and_not_before() -> None:
    found = search(variant("gs-early"), "critical")
    assert found.alone.condition == "goes-on" and found.tried == 1
    assert [line for line, _ in found.failures] == ["gs-early:nothing@load.0"]


FAULTS: dict[str, tuple[dict[str, tuple[str, ...]], str]] = {
    "dmiuh and mas": ({"entry": swapped(SAFE.entry, "dmiuh", "mas")}, "host-state"),
    "host-mas and mas": ({"entry": swapped(SAFE.entry, "host-mas", "mas")}, "host-state"),
    "no dmiuh": ({"entry": tuple(g for g in SAFE.entry if g != "dmiuh")}, "guest-mas"),
    "no sprg": ({"entry": tuple(g for g in SAFE.entry if g != "sprg")}, "guest-registers"),
    "no guest pid": ({"entry": tuple(g for g in SAFE.entry if g != "pid")}, "guest-registers"),
    "sprg after gprs": ({"entry": swapped(SAFE.entry, "sprg", "gprs")}, "goes-on"),
    "cr after the last loads": ({"entry": swapped(SAFE.entry, "cr", "srr-pinned")}, "goes-on"),
    "exit: mas and dmiuh": ({"resume": swapped(RESUME, "mas", "dmiuh")}, "guest-mas"),
    "exit: mas and host-mas": ({"resume": swapped(RESUME, "mas", "host-mas")}, "guest-mas"),
    "exit: dmiuh stays": ({"resume": tuple(g for g in RESUME if g != "dmiuh")}, "host-state"),
    "exit: guest pid stays": ({"exit": tuple(g for g in SAFE.exit if g != "pid")}, "host-state"),
    "exit: guest stack stays": ({"exit": tuple(g for g in SAFE.exit if g != "stack")}, "host-state"),
    "exit: stack before the vcpu": ({"exit": swapped(SAFE.exit, "park", "stack")}, "goes-on"),
    "ee stays on": ({"load": tuple(g for g in LOAD if g != "ee-off")}, "goes-on"),
    "no epcr": ({"load": tuple(g for g in LOAD if g != "epcr")}, "guest-registers"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str) -> None:
    change, condition = FAULTS[name]
    found = search(replace(SAFE, name="fault", **change), "external", "data-miss")
    assert found.failures[0][1].condition == condition, found.failures[:3]


def test_what_commutes_is_no_fault() -> None:
    for change in (
        {"entry": swapped(SAFE.entry, "pid", "host-r2")}, {"entry": moved(SAFE.entry, "lr-xer-ctr", "gprs")},
        {"resume": moved(RESUME, "volatiles", "dmiuh")}, {"load": swapped(LOAD, "lpid", "epcr")},
    ):  # fmt: skip
        found = search(replace(SAFE, name="other", **change), "data-miss")
        assert found.failures == (), change


def test_every_failure_replays_from_its_line() -> None:
    found = search(variant("dmiuh-last"), "data-miss")
    for line, verdict in found.failures:
        run = parse(line)
        again = SwitchSearch(run.variant, run.way)
        again.seek(run.step)
        observed = again.observe(run.event)
        assert observed is not None and judge(observed) == verdict


def both(name: str, out: str) -> SwitchReport:
    """What one engine finds, which the other finds as well: each failure is one event at one step, and its line."""
    found, other = (SwitchSearch(variant(name), way(out), engine=engine).search() for engine in ("reference", "llvm"))
    assert found == other
    return found


@pytest.mark.skipif(not compiles(), reason="llvmlite is not installed")
@pytest.mark.parametrize("name", ["ivpr", "linux-pr"])
def test_every_line_gives_the_same_verdict_on_both_engines(name: str) -> None:
    found = both(name, WAYS[0].name)
    assert found.failures and not found.alone.condition  # with the event taken away nothing fails
    run = parse(found.failures[-1][0])
    again = SwitchSearch(run.variant, run.way, engine="llvm")
    again.seek(run.step)
    observed = again.observe(run.event)
    assert observed is not None and judge(observed) == found.failures[-1][1]


@pytest.mark.soak
@pytest.mark.skipif(not compiles(), reason="llvmlite is not installed")
@pytest.mark.parametrize("out", [w.name for w in WAYS])
@pytest.mark.parametrize("name", [v.name for v in VARIANTS])
def test_every_line_of_every_variant_gives_the_same_verdict_on_both_engines(name: str, out: str) -> None:
    both(name, out)


def test_what_is_no_line_is_refused() -> None:
    for line, part in (("x", "EVENT@STEP"), ("linus:critical@entry.1", "no variant 'linus'"),
                       ("linux:thunder@entry.1", "no event 'thunder'")):  # fmt: skip
        with pytest.raises(UsageError, match=part):
            parse(line)
    with pytest.raises(UsageError, match=r"no step 'entry.999'"):
        SwitchSearch(variant("linux")).seek("entry.999")


def test_the_groups_of_linux_are_all_used() -> None:
    one = variant("linux")
    assert (one.load, one.entry, one.exit, one.resume) == (LOAD, ENTRY, EXIT, RESUME)
