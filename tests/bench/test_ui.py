"""What measures the UI: a model of a terminal's screen, a process on a pseudo-terminal, a guest that exits for ever."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ppcdbg.bench import rows, ui
from ppcdbg.bench.results import NotRun
from ppcdbg.bench.terminal import FRAME, Screen, Terminal
from ppcdbg.debugger import open_guest
from ppcdbg.errors import UsageError
from ppcdbg.isa.disassemble import Disassembler
from ppcdbg.isa.insn import E500V2


def drawn(data: bytes, columns: int = 10, count: int = 3) -> list[str]:
    screen = Screen(columns, count)
    screen.feed(data)
    return screen.rows


def test_a_screen_is_drawn_as_its_bytes_say() -> None:
    assert drawn(b"\x1b[2;3Hab\x1b[1;31mc\x1b[m\r\nd") == [" " * 10, "  abc     ", "d" + " " * 9]
    assert drawn("\x1b[H──▸\x1b[3;9Hwxyz".encode()) == ["──▸       ", " " * 10, "        wx"]
    assert drawn(b"abc\x1b[?2026h\x1b]52;c;QUJD\x07\x1b[1;2H\x1b[K") == ["a         ", " " * 10, " " * 10]


def test_what_comes_in_pieces_is_drawn_once_it_is_whole() -> None:
    whole = "\x1b[2;2H┃x\x1b[?2026l\x1b[38;2;1;2;3my".encode()
    for cut in range(len(whole)):
        screen = Screen(6, 2)
        screen.feed(whole[:cut])
        screen.feed(whole[cut:])
        assert screen.rows == [" " * 6, " ┃xy  "], cut


PROGRAM = """
import os, sys, tty
tty.setraw(0)
os.write(1, b"\\x1b[?2026$p")
assert os.read(0, 99) == b"\\x1b[?2026;2$y"
os.write(1, b"\\x1b[?2026h\\x1b[2J\\x1b[1;1Hready\\x1b[?20")
os.write(1, b"26l")
key = os.read(0, 1)
os.write(1, b"\\x1b[?2026h\\x1b[2;1H" + key + b" %d" % os.get_terminal_size().columns + b"\\x1b[?2026l")
os.read(0, 1)
"""


def test_a_process_on_a_terminal_is_told_its_size_and_its_frames_are_counted(tmp_path: Path) -> None:
    with Terminal([sys.executable, "-c", PROGRAM], (33, 7), os.environ, tmp_path) as terminal:
        painted = terminal.rests(0.3)
        assert terminal.frames == 1 and min(painted.processor, painted.seconds) > 0
        began = terminal.send(b"k")
        assert terminal.until(lambda screen: screen.rows[1].startswith("k 33")) >= began
        assert terminal.frames == 2
        terminal.send(b"q")
        with pytest.raises(NotRun, match=r"the UI ended; its screen: ready / k 33"):
            terminal.until(lambda screen: False)
    assert FRAME.endswith(b"l")


def test_the_guest_is_what_its_words_say(tmp_path: Path) -> None:
    disassembler = Disassembler(E500V2)
    for number, (word, text) in enumerate(ui.ENDLESS):
        found = disassembler.one(word, ui.LOAD + 4 * number)
        assert f"{found.mnemonic:<7} {found.operands}" == text
    image = ui.endless(tmp_path, 300)
    debugger = open_guest(image, cpu="e500v2", load=ui.LOAD, engine="reference")
    debugger.step_exit(6)
    told = [record.name for record in debugger.exits]
    assert told == ["ITLB_MISS", "PROGRAM", "PROGRAM", "DTLB_MISS", "PROGRAM", "PROGRAM"]
    assert debugger.exits[4].position - debugger.exits[1].position == 300 + 8


def test_the_list_is_read_off_the_screen_where_every_row_is_there() -> None:
    screen = Screen(30, 7)
    screen.feed("title\r\n━ 1 Exits ━━ 3 ━\r\n   # exit\r\n  998 A\r\n▸ 1000000 B\r\n─ 6 irqprio ──".encode())
    assert ui.listed(screen) == [998, 1000000] and ui.selected(screen) == "1000000"
    screen.feed("\x1b[5;1H\x1b[K▸108,026 B".encode())
    assert ui.selected(screen) == "108,026", "where the column is full the sign stands close to it"
    screen.feed(b"\x1b[4;1H\x1b[K")
    assert ui.listed(screen) == []


def test_a_group_is_the_rows_that_begin_with_its_name(tmp_path: Path) -> None:
    every = rows.catalogue(rows.Settings(tmp_path, None))
    names = [row.name for row in rows.chosen(every, ["ui"])]
    assert names == ["ui-paint", "ui-key", "ui-frames", "ui-filter", "ui-scroll"]
    assert [row.name for row in rows.chosen(every, ["race"])] == ["race"]
    assert [row.name for row in rows.chosen(every, ["ui-paint", "gdb"])][:2] == ["gdb-step", "gdb-g"]
    with pytest.raises(UsageError, match="no row is called u;"):
        rows.chosen(every, ["u"])


def test_the_first_paint_and_keys_are_measured(tmp_path: Path) -> None:
    """With as little as there may be; how long anything takes is never asserted."""
    guests = {"exits": ui.at_endless(ui.endless(tmp_path, 20_000))}
    paint, press = ui.paint_row(None, tmp_path), ui.key_row(guests, tmp_path, ui.Amounts(keys=3))
    found = {**paint.subjects[0].measure(), **press.subjects[0].measure()}
    assert {*found} == {"demo", "demo, processor", "exits", "exits, median", "exits, slowest"}
    assert all(value > 0 for value in found.values())
    with pytest.raises(NotRun, match="no Linux guests"):
        paint.subjects[1].measure()


def test_filters_are_measured(tmp_path: Path) -> None:
    row = ui.filter_row(ui.endless(tmp_path, 1), ui.Amounts(exits_at=2_000_000))
    found = row.subjects[0].measure()
    assert {*found} == {ui.FILTERS[0], f"{ui.FILTERS[0]}, again"} and all(value > 0 for value in found.values())
    with pytest.raises(NotRun, match="lets 0 of 1 exits through"):
        ui.filter_row(ui.endless(tmp_path, 1), ui.Amounts(exits_at=1)).subjects[0].measure()


@pytest.mark.soak
def test_every_row_measures(tmp_path: Path) -> None:
    every = ui.rows(None, tmp_path, ui.endless(tmp_path, 300), ui.Amounts(keys=8, seconds=0.3, exits_at=2_000_000))
    for row in every[1:]:
        for subject in row.subjects:
            assert all(value > 0 for value in subject.measure().values()), (row.name, subject.name)
