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
