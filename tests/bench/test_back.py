"""The rows of the way back: both ends are taken to the same places, and the breakpoint is hit as often as is said."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from ppcdbg.bench import back, gdbpeer, inside, qemu
from ppcdbg.bench.back import Way
from ppcdbg.bench.guests import loop_image
from ppcdbg.bench.results import NotRun
from ppcdbg.bench.systems import LLVM, limits
from ppcdbg.bench.whole import inherited
from ppcdbg.engine.api import Stops
from ppcdbg.gdbstub.packets import frame

NEAR = 300_000


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a.elf"
    path.write_bytes(loop_image("a", 3))
    return path


def visited(way: Way) -> list[int]:
    """pc after every motion of the rows, from a place near the beginning."""
    with contextmanager(way.port)() as client:
        way.go(client, NEAR)
        found = [back.pc(client)]
        back.steps(way, client, 3)
        found.append(back.pc(client))
        back.passes(way, client, 2)
        client.stop(b"bs")
        found.append(back.pc(client))
        way.go(client, 123_456)
        return [*found, back.pc(client)]


def ours(image: Path) -> Way:
    return Way("ours", partial(back._ours, image, 60.0), back._our_go)


def test_our_port_is_taken_to_the_positions_that_are_named(image: Path) -> None:
    machine = inside.loop_machine(image, LLVM)
    run, state, pcs = machine.engine.run, machine.core.state, dict[int, int]()
    for position in range(inside.LEAD + 1, NEAR + 1):
        run(position, Stops())
        pcs[position] = state.pc
    here = pcs[NEAR - 3]
    before = [position for position in range(NEAR - 3) if pcs.get(position) == here][-2]
    assert visited(ours(image)) == [pcs[NEAR], here, pcs[before - 1], pcs[123_456]]


def test_both_ends_go_to_the_same_places(image: Path, tmp_path: Path, tool: Callable[[str], str]) -> None:
    tool(qemu.PROGRAM)
    peer = Way("peer", partial(back._peer, image, tmp_path, 60.0), back._peer_go)
    assert visited(peer) == visited(ours(image))


def test_the_breakpoint_of_the_row_is_hit_a_million_times_on_the_way(image: Path) -> None:
    """Counted over one repetition of the loop, which is the same work each time; and the rest is arithmetic."""
    image.write_bytes(loop_image("a", back.REPETITIONS))
    machine = inside.loop_machine(image, LLVM)
    run, state, pcs = machine.engine.run, machine.core.state, list[int]()
    for position in range(machine.position + 1, machine.position + 200_001):
        run(position, Stops())
        pcs.append(state.pc)
    machine.run(limits(back.PLACE))
    hits = pcs.count(state.pc)
    assert 0.9e6 < hits / len(pcs) * back.PLACE < 1.2e6


def test_the_only_pass_is_at_the_beginning(image: Path) -> None:
    way = ours(image)
    with contextmanager(way.port)() as client:
        way.go(client, NEAR)
        assert len(back.to_the_first(way, client, 1)) == 1
        assert b"replaylog:begin" in client.stop(b"bc")


def test_a_port_that_cannot_go_back_is_no_figure(image: Path) -> None:
    command = [*gdbpeer.ppcdbg_port(image), "--no-history"]
    with gdbpeer.port(command, inherited(os.environ)) as client, pytest.raises(NotRun, match="answers bs with ''"):
        client.stop(b"bs")


def test_what_is_said_before_a_stop_is_not_the_stop() -> None:
    """A search that takes longer than half a second tells how far it is."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(frame(b""))
        client = gdbpeer.Client(ours)
        for body in (b"O" + b"looking back".hex().encode(), b"O", b"T05thread:p1.1;", b"O4f", b"OK"):
            theirs.sendall(frame(body))
        assert client.stop(b"bc") == b"T05thread:p1.1;"
        client.monitor("seek 1")


def test_rows_ask_for_what_the_issue_asks(tmp_path: Path) -> None:
    asked = {row.name: [(a.figure, a.bound) for a in row.asks] for row in back.rows(tmp_path, 60.0)}
    assert asked == {
        "back-step": [("ppcdbg", 10.0)], "back-continue": [("ppcdbg", 300.0)], "back-far": [],
        "seek": [("ppcdbg", 50.0)],
    }  # fmt: skip
