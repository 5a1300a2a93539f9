"""Interleavings of two cores: broken guests are caught, correct ones are clean, and nothing is lost by leaving out."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from ppcdbg.debugger.symbols import read_symbols
from ppcdbg.engine.choose import compiles
from ppcdbg.errors import UsageError
from ppcdbg.explore.interleaving import parse, text
from ppcdbg.explore.interleavings import Interleavings, Plan, Report
from ppcdbg.explore.together import EXCLUSIVE, FINAL, PROGRESS, Broken, rules_of
from ppcdbg.explore.vcpus import Vcpus
from ppcdbg.explore.vcpus_kvm import KvmVcpus
from ppcdbg.kvm.cluster import KvmCluster
from ppcdbg.machine.cluster import build_cluster
from ppcdbg.machine.description import describe
from ppcdbg.machine.guests import guest_file

CLEAN = ("spinlock", "ticketlock", "atomic", "doorbell", "ipi")
BROKEN = {
    "brokenlock": "exclusive", "lostupdate": "final", "deadlock": "progress", "lostwakeup": "doorbell",
    "lostdoorbell": "doorbell", "lostipi": "progress",
}  # fmt: skip
STEPS = Plan().steps


def search(
    guest: str, cpu: str = "e500mc", count: int = 2, hv: str = "none", engine: str = "reference"
) -> Interleavings:  # fmt: skip
    file = guest_file(guest, os.environ)
    machine = replace(describe(file), cpu=cpu, hv=hv, memory=64 << 20, engine=engine)
    vcpus = Vcpus(build_cluster(machine, count)[0]) if hv == "none" else KvmVcpus(KvmCluster(machine, count))
    symbols = read_symbols(machine.kernel)
    addresses = {name: at for name in symbols.names() if (at := symbols.address(name)) is not None}
    return Interleavings(vcpus, rules_of(addresses, vcpus.cluster.board.bus.ram))


def shortened(guest: str) -> Interleavings:
    """The same with one round for each core in place of two: a tenth of the states."""
    searching = search(guest)
    ram, rules = searching.vcpus.cluster.board.bus.ram, searching.judge.rules
    rounds = bytes(ram[0x100000:0x100200]).find((0x39200002).to_bytes(4, "big"))  # li r9,2
    if rounds >= 0:
        ram[0x100000 + rounds + 3] = 1
        rules = replace(rules, finals=tuple(replace(final, expected=2) for final in rules.finals))
    return Interleavings(Vcpus(searching.vcpus.cluster), rules)


def found(guest: str, plan: Plan | None = None, hv: str = "none") -> Report:
    return search(guest, hv=hv).search(plan or Plan())


@pytest.mark.parametrize(("guest", "hv"), [
    *((guest, "none") for guest in CLEAN), ("atomic", "kvm"), ("doorbell", "kvm"), ("idlebell", "kvm"),
    ("ipi", "kvm"),
])  # fmt: skip
def test_a_correct_guest_is_clean_in_every_interleaving(guest: str, hv: str) -> None:
    report = found(guest, hv=hv)
    assert report.complete and not report.undecided and not report.failures
    assert report.states > 50


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_locks_work_on_either_core(cpu: str) -> None:
    assert not search("spinlock", cpu).search(Plan()).failures
    assert {f.broken.condition for f in search("brokenlock", cpu).search(Plan()).failures} == {"exclusive"}


@pytest.mark.parametrize(("guest", "condition", "hv"), [
    *((guest, condition, "none") for guest, condition in BROKEN.items()), ("lostdoorbell", "doorbell", "kvm"),
    ("lostipi", "progress", "kvm"),
])  # fmt: skip
def test_a_broken_guest_is_caught_by_lines_that_replay_and_are_least(guest: str, condition: str, hv: str) -> None:
    searching = search(guest, hv=hv)
    report = searching.search(Plan())
    assert {f.broken.condition for f in report.failures} == {condition}
    for failure in report.failures:
        switches = parse(failure.line, 2)
        assert switches == failure.switches
        broken, _ = searching.tell(switches, STEPS)
        assert broken == failure.broken
        for leave in range(len(switches)):
            assert searching.replay(switches[:leave] + switches[leave + 1 :], STEPS)[0] is None


@pytest.mark.skipif(not compiles(), reason="llvmlite is not installed")
@pytest.mark.parametrize(("guest", "hv"), [*((guest, "none") for guest in BROKEN), ("lostdoorbell", "kvm")])
def test_every_failing_line_replays_on_the_other_engine_and_needs_all_of_its_switches(guest: str, hv: str) -> None:
    failures = found(guest, hv=hv).failures
    other = search(guest, hv=hv, engine="llvm")
    assert failures and type(other.vcpus.cluster.engines[0]) is not type(search(guest).vcpus.cluster.engines[0])
    for failure in failures:
        switches = parse(failure.line, 2)
        assert other.replay(switches, STEPS) == search(guest, hv=hv).replay(switches, STEPS), failure.line
        assert other.tell(switches, STEPS)[0] == failure.broken
        for leave in range(len(switches)):
            assert other.replay(switches[:leave] + switches[leave + 1 :], STEPS)[0] is None, failure.line


@pytest.mark.skipif(not compiles(), reason="llvmlite is not installed")
@pytest.mark.parametrize(("guest", "hv"), [("brokenlock", "none"), ("idlebell", "kvm")])
def test_the_other_engine_finds_the_same(guest: str, hv: str) -> None:
    """Each of its instructions was held to the reference engine's, to the bit."""
    assert search(guest, hv=hv, engine="llvm").search(Plan()) == found(guest, hv=hv)


def test_a_lost_doorbell_says_what_became_of_the_message() -> None:
    woken = found("lostwakeup").failures[0].broken.reason
    assert "a message at position" in woken and "its handler had it" in woken
    assert "msgclr threw it away" in found("lostdoorbell").failures[0].broken.reason


def test_kvm_does_not_change_what_a_guest_does_wrong() -> None:
    """Its exits are no instructions of the guest's: the same lines, on both cores."""
    for guest, cpu in (("lostwakeup", "e500mc"), ("lostupdate", "e500v2")):
        bare, under = (search(guest, cpu, hv=hv).search(Plan()) for hv in ("none", "kvm"))
        assert [(f.line, f.broken) for f in bare.failures] == [(f.line, f.broken) for f in under.failures]


def test_a_vcpu_that_kvm_halted_is_woken_by_a_message() -> None:
    searching = search("idlebell", hv="kvm")
    broken, tale = searching.tell(parse("1@30", 2), STEPS)
    assert broken is None
    assert [letter.fate for letter in tale.letters] == ["taken"]
    cluster = searching.vcpus.cluster
    assert isinstance(cluster, KvmCluster)
    assert cluster.systems[1].kvm.hypercalls == {0x00010010: 1}


def test_fewer_switches_do_not_reach_what_needs_more() -> None:
    assert not found("brokenlock", Plan(switches=1)).failures
    assert all(len(f.switches) == 2 for f in found("brokenlock", Plan(switches=2)).failures)
    assert not found("brokenlock", Plan(switches=0)).failures


@pytest.mark.parametrize("guest", ["brokenlock", "lostupdate", "atomic", "lostwakeup"])
def test_nothing_is_lost_against_every_step_of_every_core(guest: str) -> None:
    """All states that there are, by the plainest means: from each, either core takes one step."""
    searching = shortened(guest)
    v, judge, finals = searching.vcpus, searching.judge, searching.judge.rules.finals
    searching.begin()
    todo, seen = [v.moment()], {v.key(False)}
    broken: set[Broken] = set()
    ends: set[int] = set()
    stuck = False
    while todo:
        moment = todo.pop()
        idle = rest = 0
        for core in range(2):
            v.put(moment)
            if v.cluster.rests(core):
                rest += 1
                continue
            v.step(core)
            wrong = judge.state()
            if wrong is not None:
                broken.add(wrong)
            elif (key := v.key(False)) not in seen:
                seen.add(key)
                todo.append(v.moment())
            idle += v.pc(core) in judge.rules.done
        if idle == 2:  # nobody will change anything any more
            ram = v.cluster.board.bus.ram
            ends.update(int.from_bytes(ram[f.address : f.address + 4], "big") for f in finals)
        stuck = stuck or idle + rest == 2 and rest > 0
    for prune in (True, False):
        report = searching.search(Plan(prune=prune))
        assert searching.broken(EXCLUSIVE) == broken
        assert bool(searching.broken(PROGRESS)) is stuck
        wrong = {end for end in ends if end != finals[0].expected}
        assert {int(b.reason.split()[2]) for b in searching.broken(FINAL)} == wrong
    assert wrong == ({1} if guest == "lostupdate" else set())
    assert report.states > len(seen) * 0.9  # of the last, which leaves nothing out
    assert searching.search(Plan()).states < len(seen)


def test_drawn_schedules_depend_on_their_seed_alone_and_find_it_too() -> None:
    plan = Plan(samples=40, seed=7)
    first, again = found("brokenlock", plan), found("brokenlock", plan)
    assert first.failures == again.failures and first.failures
    assert not first.complete
    assert not found("spinlock", plan).failures


def test_a_search_that_is_asked_to_end_says_so() -> None:
    asked = iter([False] * 40 + [True] * 10)
    report = search("spinlock").search(Plan(), asked=lambda: next(asked))
    assert report.interrupted and not report.complete and not report.decided and 0 < report.states < 500


def test_a_third_core_waits_for_ever_in_the_spin_table() -> None:
    assert not search("spinlock", count=3).search(Plan()).failures


def test_a_guest_that_tells_the_time_has_time_in_its_states() -> None:
    """The time base read in place of what does nothing: states with other times are other states."""
    searching = search("atomic")
    ram = searching.vcpus.cluster.board.bus.ram
    symbols = read_symbols(describe(guest_file("atomic", os.environ)).kernel)
    main = symbols.address("main")
    assert main is not None
    assert not found("atomic").clock
    ram[main + 8 : main + 12] = (0x7D0C42A6).to_bytes(4, "big")  # mfspr r8, TBL, in place of `lis r8`
    ram[main + 12 : main + 16] = (0x39040000 | 128).to_bytes(4, "big")  # addi r8, r4, 128: the counter
    timed = Interleavings(Vcpus(searching.vcpus.cluster), searching.judge.rules).search(Plan(switches=2))
    assert timed.clock and not timed.failures


def test_timers_are_refused_under_kvm() -> None:
    searching = search("atomic", hv="kvm")
    main = read_symbols(describe(guest_file("atomic", os.environ)).kernel).address("main")
    assert main is not None
    searching.vcpus.cluster.board.bus.ram[main : main + 4] = (0x7C3603A6).to_bytes(4, "big")  # mtdec r1
    with pytest.raises(UsageError, match="searched without timers"):
        searching.search(Plan())


def test_lines() -> None:
    assert text(parse("0@63+1@57", 2)) == "1@57+0@63"
    assert parse("0@0", 2) == () and text(()) == "0@0"
    for line in ("", "1@", "2@5", "x@5", "1@5+"):
        with pytest.raises(UsageError):
            parse(line, 2)
