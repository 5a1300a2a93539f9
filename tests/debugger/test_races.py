"""A line of the explorer put in by a command."""

from __future__ import annotations

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.errors import UsageError


def test_a_line_of_the_explorer_replays_in_the_debugger() -> None:
    """What `ppcdbg race window` calls lost is: the guest idles on with the interrupt pending."""
    lost, found = open_guest("window"), open_guest("window")
    lost.execute("inject external@96")
    found.execute("inject external@93")
    for guest in (lost, found):
        guest.continue_(400)
    taken = [[record.delivered for record in guest.exits if record.delivered is not None] for guest in (lost, found)]
    assert taken == [[], [16]]
    assert [row.name for row in lost.irqprio().rows if row.pending] == ["EXTERNAL"]


def test_what_cannot_be_put_in() -> None:
    guest = open_guest("window")
    guest.step(10)
    for line, says in (
        ("inject doorbell@20", "no source of interrupts 'doorbell'"),
        ("inject external@5", "lies in the past"),
        ("inject external@0x100404", "is not known here"),
    ):
        with pytest.raises(UsageError, match=says):
            guest.execute(line)
    with pytest.raises(UsageError, match="the machine for itself"):
        open_guest("demo", hv="none").execute("inject external@5")


def test_a_search_from_where_the_guest_stands() -> None:
    """What it finds is what `ppcdbg race` finds, the guest has not moved, and a failure can be brought about."""
    guest = open_guest("window")
    guest.step(60)
    found = guest.execute("race 2 external")
    assert [len(site.window("external")) for site in found.report.sites] == [0, 7]
    assert found.data["covered"] == found.report.possible == 16 + 25 and found.report.complete
    assert guest.system.position == 60 and guest.execute("info race") == found
    note, stop = guest.execute(f"race-put {found.report.failures[0].line}")
    assert "external@94 happens" in note.text and guest.system.position == stop.position == 94
    guest.continue_(300)
    assert [row.name for row in guest.irqprio().rows if row.pending] == ["EXTERNAL"]


def test_a_search_that_is_interrupted_keeps_what_it_found() -> None:
    guest = open_guest("window")
    seen = []

    def between() -> None:
        found = guest.races.found()
        assert found is not None
        seen.append(found)
        if found.done == 3:
            guest.interrupt()

    guest.runner.between = between
    found = guest.execute("race")
    assert not found.report.complete and found.done == 3 and found.total == 6 and not found.searching
    assert seen[0].searching and [f.done for f in seen] == sorted(f.done for f in seen)
    assert found.report.failures


def test_a_search_that_cannot_be() -> None:
    guest = open_guest("window")
    for line, says in (
        ("race within 20", "enters no critical section in the next 20"),
        ("race thunder", "no source of interrupts 'thunder'"),
        ("race 1 2 3", "race takes how many sites"),
        ("race-put", "race-put needs the line"),
    ):
        with pytest.raises(UsageError, match=says):
            guest.execute(line)
    with pytest.raises(UsageError, match="no paravirtual critical sections"):
        open_guest("demo", cpu="e500mc").execute("race")


@pytest.mark.parametrize("policy", ["ordered", "read-only", "single-step"])
def test_a_search_under_another_policy_finds_what_one_in_a_guest_of_that_policy_finds(policy: str) -> None:
    here = open_guest("window").execute(f"race 8 external,decrementer under {policy}")
    there = open_guest("window", deferral=policy).execute("race 8 external,decrementer")
    assert (here.deferral, here.data) == (there.deferral, there.data)
    assert not any(site["failures"] for site in here.data["sites"])


def test_a_policy_that_the_guest_as_it_is_cannot_be_searched_under_is_refused() -> None:
    guest = open_guest("window")
    with pytest.raises(UsageError, match="under stock, single-step, read-only, ordered, not notify"):
        guest.execute("race under notify")
    guest.execute("race-put external@94")
    guest.execute("run-to 105")
    with pytest.raises(UsageError, match="is held back already"):
        guest.execute("race under ordered")
