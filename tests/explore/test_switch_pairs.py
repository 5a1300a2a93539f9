"""Two events in one world switch, the same search by several processes, and failures as session files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.engine.choose import compiles
from ppcdbg.explore.switch import SwitchReport, SwitchSearch, parse
from ppcdbg.explore.switch_events import event
from ppcdbg.explore.switch_jobs import Wanted, searched
from ppcdbg.explore.switch_judge import judge
from ppcdbg.explore.switch_run import LIMIT
from ppcdbg.kvm.switch.variants import Variant, variant
from ppcdbg.kvm.switch.ways import WAYS
from tests.cli.conftest import Cli, cli

__all__ = ["cli"]  # a fixture
SAFE = variant("dmiuh-first")
EVENTS = tuple(map(event, ("machine-check", "critical", "external", "data-miss")))


def at(one: Variant, step: str, span: int, *names: str) -> SwitchReport:
    """Pairs whose first event comes at one step."""
    search = SwitchSearch(one)
    number = [s.name for s in search.steps()].index(step)
    return SwitchSearch(one).search([event(n) for n in names], span=span, part=(number, number + 1))


@pytest.mark.parametrize("step", ["entry.22", "exit.5", "exit.85"])
def test_a_safe_order_survives_two_events_wherever_the_second_comes(step: str) -> None:
    """All through the handlers of the first: the second one comes in its vector, in its body, behind its return."""
    found = at(SAFE, step, 70, "critical", "data-miss", "machine-check")
    assert found.pairs is not None and found.pairs.failures == () and found.pairs.covered == 0
    assert found.pairs.runs > 130


@pytest.mark.soak
def test_a_safe_order_survives_every_pair() -> None:
    found = SwitchSearch(SAFE).search(span=4)
    assert found.pairs is not None and found.pairs.failures == () and found.pairs.runs > 20_000


def test_a_pair_fails_that_neither_of_its_events_fails_alone() -> None:
    """PR mode: an interrupt that was held comes in the guest, and a critical one finds IVPR still KVM's."""
    found = at(variant("linux-pr"), "entry.46", 2, "external", "critical")
    assert found.pairs is not None
    assert [f.line for f in found.pairs.failures] == ["linux-pr:external@entry.46+critical@+2"]
    run = parse(found.pairs.failures[0].line)
    for engine in ("reference", "llvm") if compiles() else ("reference",):
        again = SwitchSearch(run.variant, run.way, engine=engine)
        for events, condition in (((run.event, run.then), "right-handler"), ((run.event, None), "")):
            again.seek(run.step)
            observed = again.observe(events[0], events[1], run.after)
            assert observed is not None and judge(observed).condition == condition
    assert [c.after for c in observed.events] == [0]
    again.seek(run.step)
    alone = again.run()
    assert not alone.go(run.after) and alone.comes(event("critical")) and alone.go()
    assert judge(alone.observed()).condition == "", "nor does the second one fail alone"


def test_a_handler_that_is_not_reentrant_is_found_by_pairs_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A critical interrupt in the midst of a TLB miss, with a miss of its own: what the first kept must be kept."""
    from ppcdbg.kvm.switch import host

    handler = host._handler
    careless = replace(SAFE, name="careless")
    monkeypatch.setattr(host, "_handler", lambda n, v: handler(n, replace(v, miss="trusting") if v == careless else v))
    found = at(careless, "entry.22", 40, "critical", "data-miss")
    assert found.pairs is not None and found.singles == ()
    assert {(f.first, f.second, f.verdict.condition) for f in found.pairs.failures} == {
        ("data-miss", "critical", "guest-mas")
    }


def test_one_level_is_one_interrupt() -> None:
    found = at(SAFE, "entry.22", 3, "critical", "external")
    assert found.pairs is not None and [found.pairs.tried[i][i] for i in range(2)] == [0, 0]
    assert found.pairs.tried[0][1] == 4 and found.pairs.tried[1][0] == 3, "at one instruction their order is nothing"


def test_two_processes_find_the_same_to_the_byte() -> None:
    wanted = Wanted(((variant("linux-pr"), WAYS[0]), (variant("pr-is"), WAYS[1])), EVENTS[:2] + EVENTS[3:], 1)
    told: list[tuple[int, int, str]] = []
    one = searched(wanted, 1, lambda *done: told.append(done), lambda: False)
    two = searched(wanted, 2, lambda *done: None, lambda: False)
    assert one == two and [r.name for r in one] == ["linux-pr", "pr-is/hypercall"]
    whole = SwitchSearch(variant("linux-pr")).search(wanted.events, span=1)
    assert one[0] == whole and told[-1][2] == "pr-is/hypercall"


def test_a_search_that_is_called_off_gives_what_is_whole() -> None:
    done = [0]

    def asked() -> bool:
        done[0] += 1
        return done[0] > 5

    wanted = Wanted(((variant("linux-pr"), WAYS[0]), (SAFE, WAYS[0])), EVENTS[:1])
    assert [r.name for r in searched(wanted, 1, lambda *_: None, asked)] == ["linux-pr"]


def test_a_line_of_two_events_is_kept_in_a_file_and_held_to_it(cli: Cli, tmp_path: Path) -> None:
    file, line = tmp_path / "pair.ppcdbg", "linux-pr:external@entry.46+critical@+2"
    done = cli("race", "--world-switch", "--replay", line, "--record", file)
    assert done.status == 1 and "2 instructions later, in the host" in done.out
    for engine in ("reference", "llvm") if compiles() else ("reference",):
        again = cli("race", file, "--engine", engine)
        assert (again.status, again.out) == (1, done.out)
    assert line in cli("session", "info", file).out and cli("replay", file, "--verify").status == 3
    _spoil(file, "right-handler", "guest-mas")
    assert cli("race", file).status == 5
    _spoil(file, "world switch", "weather")
    assert "damaged" in cli("race", file).err


def test_an_order_of_two_cores_is_kept_in_a_file_with_its_guest(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "order.ppcdbg"
    done = cli("race", "brokenlock", "--vcpus", "2", "--hv", "kvm", "--replay", "1@35+0@50", "--record", file)
    assert done.status == 1
    for engine in ("reference", "llvm") if compiles() else ("reference",):
        again = cli("race", file, "--engine", engine)
        assert (again.status, again.out) == (1, done.out)
    assert "1@35+0@50" in cli("session", "info", file).out
    refused = cli("run", file)
    assert refused.status == 3 and f"ppcdbg race {file}" in refused.err


def _spoil(file: Path, was: str, now: str) -> None:
    import sqlite3

    with sqlite3.connect(file) as db:
        db.execute("UPDATE session SET value = replace(value, ?, ?) WHERE key = 'schedule'", (was, now))
    db.close()


def test_the_longest_pair_ends_before_it_is_given_up() -> None:
    search = SwitchSearch(SAFE)
    search.seek("load.0")
    run = search.run()
    before = search.rig.core.retired
    for name in ("machine-check", "critical"):
        assert run.comes(event(name))
    assert run.go() and run.end == "guest" and search.rig.core.retired - before < LIMIT - 300
