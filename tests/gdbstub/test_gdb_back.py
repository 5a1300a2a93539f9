"""A real gdb that goes back: every word that it has for it, sessions with their two ends, recording, and Ctrl-C."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from ppcdbg.session.machines import session_machine
from ppcdbg.session.replay import verify
from ppcdbg.session.store import Store
from tests.gdbstub.rig import gdb, linux, ppcdbg
from tests.gdbstub.test_gdb import Terminal, Tool, value

PLACE = 'printf "at %llu %#x\\n", $position, $pc'


@pytest.fixture(scope="module", autouse=True)
def real_gdb(tool: Tool) -> str:
    return tool("gdb-multiarch")


def leave(terminal: Terminal) -> None:
    """End the guest, and gdb."""
    terminal.type("kill\n")
    terminal.until("(y or n)")
    terminal.type("y\n")
    terminal.until("(gdb)")
    terminal.type("quit\n")
    time.sleep(0.5)
    assert terminal.close() == 0


def places(out: str) -> list[tuple[int, int]]:
    return [(int(p), int(pc, 16)) for p, pc in re.findall(r"^at (\d+) (0x[0-9a-f]+)$", out, re.M)]


def test_steps_of_every_kind_are_undone() -> None:
    """stepi, nexti and finish forwards; reverse-stepi, reverse-nexti and reverse-finish come by the same places."""
    out = gdb(
        ["demo"], ["break puts", "continue", "delete", PLACE, *["stepi", PLACE] * 6, *["reverse-stepi", PLACE] * 6]
    )
    seen = places(out)
    assert len(seen) == 13 and seen[:6] == seen[12:6:-1], out
    out = gdb(["demo"], [
        "break puts", "continue", "delete", "up", "print/x $pc", "down", PLACE, "reverse-finish", PLACE,
        "nexti", PLACE, "reverse-nexti", PLACE, "reverse-step", PLACE, "reverse-next", PLACE, "step", PLACE,
    ])  # fmt: skip
    entered, called, over, back, *rest = places(out)
    assert called[0] < entered[0] <= called[0] + 4 and int(value(out, 1), 16) == called[1] + 4, out
    assert over[1] == called[1] + 4 and over[0] > entered[0] and back == called, out
    assert len(rest) == 3 and rest[1][0] < rest[0][0] < back[0], out


@pytest.mark.parametrize("points", [
    ["break puts"], ["break puts if $position & 1"], ["monitor break exit DTLB_MISS after"],
    ["monitor break delivered", "break puts"],
])  # fmt: skip
def test_stops_mirror_themselves(points: list[str]) -> None:
    out = gdb(["demo"], [*points, *["continue", PLACE] * 6, *["reverse-continue", PLACE] * 5])
    seen = places(out)
    assert len(seen) == 11 and seen[6:] == seen[4::-1], (points, seen)


def test_a_watchpoint_takes_back_what_it_told() -> None:
    """The count of ticks that the demo's handler keeps."""
    out = gdb(["demo"], ["watch *(int *)0x103040", *["continue"] * 3, *["reverse-continue"] * 3, PLACE])
    told = [(int(old), int(new)) for old, new in re.findall(r"Old value = (-?\d+)\nNew value = (-?\d+)\n", out)]
    assert len(told) == 6 and told[3:] == [(new, old) for old, new in told[2::-1]], out


def test_a_session_has_two_ends_for_gdb_and_is_recorded_by_it(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    gdb(["demo"], ["break puts", "continue", f"monitor record {path}", "continue", "continue", "monitor record stop"])
    store = Store.open(path)
    found = verify(store, session_machine(path, {"engine": "reference"}))
    assert found.complete and found.position > 0
    reached = store.reached().position
    store.close()
    out = gdb([path], ["continue", PLACE, "reverse-continue", PLACE, "monitor seek %50",
                       "maintenance flush register-cache", PLACE, "continue", "continue", PLACE])  # fmt: skip
    end, start, half, beyond = (position for position, _ in places(out))
    assert (end, start) == (reached, 0) and half in (reached // 2, reached // 2 + 1) and beyond > reached, out
    assert out.count("No more reverse-execution history") >= 3, out


def test_ctrl_c_ends_a_long_way_back_where_it_began(shared: Path, tmp_path: Path) -> None:
    """Linux, and a condition that never holds at a place that is often passed."""
    terminal = Terminal(ppcdbg("gdb", *linux(shared, "linux-e500v2-pv"), "--", "-nx"))
    terminal.until("(gdb)")
    terminal.type("set pagination off\n")
    terminal.until("(gdb)")
    terminal.type("monitor run-to 150000000\n")
    terminal.until("(gdb)", 120)
    terminal.type("maintenance flush register-cache\n")
    terminal.until("(gdb)")
    terminal.type("monitor break exit DTLB_MISS if cost == 123456789\n")
    terminal.until("(gdb)")
    for told in (True, False, False):
        terminal.type("reverse-continue\n")
        if told:
            terminal.until("Looking back: ")  # how far it is, from half a second on
        time.sleep(0.4)
        terminal.type("\x03")
        assert terminal.until("SIGINT") < 2  # gdb's own work included, on a busy machine
        terminal.until("(gdb)")
        terminal.type("print $position\n")
        terminal.until("= 150000000")
        terminal.until("(gdb)")
    leave(terminal)


def test_ctrl_c_ends_a_long_command_of_monitor_and_gdb_asks_what_it_likes(shared: Path) -> None:
    """gdb tells nobody that it left: it reads the next packet, and no more. The guest goes no further, and what was
    under way is no answer to what gdb asks next. All of this guest's life is a second on a quick host."""
    terminal = Terminal(ppcdbg("gdb", *linux(shared, "linux-e500v2-pv"), "--", "-nx", "-ex", "set width 0"))
    terminal.until("(gdb)")
    for command, first in (("run-to 100000000000", 0.2), ("last write 0xc0000000", 0.1), ("run-to 200000000000", 0.2)):
        terminal.type(f"monitor {command}\n")
        terminal.until(command)
        time.sleep(first)
        terminal.type("\x03")
        assert terminal.until("Quit") < 1  # 0.1 s, and gdb's own work on a busy machine
        terminal.until("(gdb)")
        time.sleep(0.3)
        terminal.type("monitor print $position\n")
        terminal.until("\n")
        terminal.until("gdb does not know" if "run-to" in command else "(gdb)")
        for question, answer in (("x/4xb 0x4", "Cannot access"), ("monitor print 6 * 7", "42"),
                                 ("maint flush register-cache", "flushed"), ("stepi", "0xc0")):  # fmt: skip
            terminal.type(f"{question}\n")
            terminal.until(answer, 5)
            terminal.until("(gdb)", 5)
    leave(terminal)
