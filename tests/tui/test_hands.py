"""The program in a real terminal: every key at every size and in few colours, resized in a hurry, and left whole.

The terminal is tmux's. Whatever happens, an error's traceback is looked for, and what is written can be read: nothing
stands in its own colour. How the ends of a double are left is in ``test_terminal``; here it is the program on a guest.
"""

from __future__ import annotations

import os
import random
import re
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ppcdbg.tui.keys import KEYS
from ppcdbg.tui.layout import DESKTOPS
from ppcdbg.tui.panes.table import KINDS

from .test_terminal import screen_process
from .tmux import Terminal, command

ROOT = Path(__file__).resolve().parents[2]
SIZES = ((80, 24), (120, 40), (220, 60))
FEW = r"[0-9]|2[0-9]|[34][0-79]|9[0-7]|10[0-7]"
"""SGR codes of sixteen colours."""
NONE = r"[0-9]|2[0-9]|39|49"
TERMINALS = {
    "xterm-256color": r"[0-9]+", "xterm-16color": FEW, "screen": FEW, "vt220": NONE, "NO_COLOR": NONE,
}  # fmt: skip
NAMES = {
    "left_square_bracket": "[", "right_square_bracket": "]", "full_stop": ".", "slash": "/", "apostrophe": "'",
    "enter": "Enter", "backspace": "BSpace", "colon": ":", "tab": "Tab", "shift+tab": "BTab", "delete": "DC",
    "greater_than_sign": ">", "less_than_sign": "<", "plus": "+", "minus": "-", "question_mark": "?",
    "escape": "Escape", "space": "Space",
}  # fmt: skip
"""tmux's names of keys that are not their own."""
MOVES = ("Up", "Down", "PPage", "NPage", "Home", "End", "Left", "Right", "j", "k", "g", "G", "h", "l")


def tmux_name(key: str) -> str:
    """A key of the key map as tmux spells it."""
    if key in NAMES:
        return NAMES[key]
    modifiers = {"shift": "S-", "ctrl": "C-"}
    *before, last = key.split("+")
    return "".join(modifiers[one] for one in before) + (last.upper() if re.fullmatch(r"f\d+", last) else last)


def test_every_key_has_a_name_in_tmux() -> None:
    assert [tmux_name(k) for k in ("f5", "shift+f10", "ctrl+p", "z", "colon", "N")] == [
        "F5",
        "S-F10",
        "C-p",
        "z",
        ":",
        "N",
    ]


LOOK = """
import sys
from ppcdbg.cli.main import main
def fail(*_):
    raise RuntimeError("an internal error, on purpose")
def arm(self, *rest):
    cls, name = {place}
    setattr(cls, name, fail)
    self.ask_again()
    self.desk.panes["exits"].refresh()
import ppcdbg.tui.windows, ppcdbg.tui.source, ppcdbg.tui.panes.pane
ppcdbg.tui.windows.Windows.action_tell = arm
sys.exit(main({arguments!r}))
"""
"""The program, but for ``i``: from then on the worker, or the drawing of a pane, fails."""
PLACES = {
    "worker": "(ppcdbg.tui.source.DebuggerSource, 'draw')",
    "screen": "(ppcdbg.tui.panes.pane.Pane, 'parts')",
}


def linux(shared: Path, name: str = "linux-e500v2-pv") -> list[str]:
    folder = shared / "guests" / name
    return [
        str(folder / "vmlinux"), "--cpu", "e500v2", "--memory", "128M", "--append", "console=ttyS0,115200",
        "--initrd", str(folder / "initrd.gz"),
    ]  # fmt: skip


@contextmanager
def opened(
    folder: Path, size: tuple[int, int], guest: list[str], term: str = "", place: str = ""
) -> Iterator[Terminal]:
    """The UI on a guest; at the end it may be there or gone."""
    arguments = ["debug", *guest]
    program = [sys.executable, "-m", "ppcdbg", *arguments]
    if place:
        program = [sys.executable, "-c", LOOK.format(place=PLACES[place], arguments=arguments)]
        (folder / "program.py").write_text(program[2])
        program = [sys.executable, str(folder / "program.py")]
    with Terminal(folder, *size) as terminal:
        terminal.type(f"export XDG_STATE_HOME={folder} XDG_CONFIG_HOME={folder} PYTHONPATH={ROOT}")
        chosen = "export NO_COLOR=1; " if term == "NO_COLOR" else f"export TERM={term}; " if term else ""
        terminal.type(f"cd {folder}; {chosen}clear; stty -a > before")
        terminal.type(f"{command(program)}; echo STATUS $?; stty -a > after")
        terminal.shows("1 Exits", " ppcdbg ", seconds=120)
        yield terminal


def whole(terminal: Terminal, folder: Path, status: int) -> None:
    """The program has ended with a status; the terminal is as it was, and the shell answers on it."""
    terminal.shows(f"STATUS {status}", seconds=60)
    terminal.until(lambda: (folder / "after").exists() and (folder / "after").read_text())
    assert (folder / "after").read_text() == (folder / "before").read_text()
    assert " echo " in (folder / "after").read_text(), "what is typed is not shown"
    state = terminal.state()
    assert (state["alternate_on"], state["cursor_flag"], state["mouse_any_flag"]) == ("0", "1", "0"), state
    terminal.type("echo the shell counts $((40 + 2))")
    terminal.shows("echo the shell counts $((40 + 2))", "the shell counts 42")


def illegible(drawn: str) -> list[str]:
    """What stands in the colour of its own background, of a screen with its escape sequences."""
    found, ink, paper, bare = [], "39", "49", ""
    for code, text in re.findall(r"\x1b\[([0-9;]*)m|([^\x1b]+)", drawn):
        if text:
            if text.strip() and ink == paper and not bare:
                found.append(text)
            continue
        codes = (code or "0").split(";")
        while codes:
            one = codes.pop(0)
            if one in ("38", "48"):
                taken = codes[: 2 if codes[0] == "5" else 4]
                del codes[: len(taken)]
                ink, paper = (":".join(taken), paper) if one == "38" else (ink, ":".join(taken))
            elif one in ("0", "", "39", "49"):
                ink, paper = ("39", paper) if one == "39" else (ink, "49") if one == "49" else ("39", "49")
            elif re.fullmatch(r"[39][0-7]", one):
                ink = f"{one[0]}-{one[1]}"
            elif re.fullmatch(r"4[0-7]|10[0-7]", one):
                paper = f"{'3' if one[0] == '4' else '9'}-{one[-1]}"
    return found


def test_what_cannot_be_read_is_found() -> None:
    assert illegible("\x1b[31;41mred\x1b[0m \x1b[38;5;7;48;5;7mgrey\x1b[97;107m\x1b[39mx") == ["red", "grey"]
    assert illegible("\x1b[31;44mred\x1b[41m \x1b[0mtext\x1b[91;41mbright") == []


def escape(terminal: Terminal) -> None:
    """Escape, and so long nothing that it is no key with Alt."""
    terminal.keys("Escape")
    time.sleep(0.2)


def check(terminal: Terminal, term: str) -> None:
    """Nothing has failed, and what is shown can be read."""
    drawn = terminal.colours()
    assert "Traceback" not in drawn and "STATUS" not in drawn, terminal.text()
    hidden = [text for text in illegible(drawn) if text.strip(" \n─│━┃")]  # a rule behind a dialog's shade is no text
    assert not hidden, (hidden, [row for row in drawn.split("\n") if hidden[0] in row], terminal.rows()[0])
    codes = {c for sgr in re.findall(r"\x1b\[([0-9;]*)m", drawn) for c in sgr.split(";") if c}
    assert all(re.fullmatch(TERMINALS[term], code) for code in codes), codes


@pytest.mark.soak
@pytest.mark.parametrize(
    ("size", "term"),
    [(size, term) for size in SIZES for term in TERMINALS if size == SIZES[0] or term.startswith("xterm")],
    ids=lambda one: one if isinstance(one, str) else f"{one[0]}x{one[1]}",
)
def test_every_key_on_the_linux_guest(tmp_path: Path, shared: Path, size: tuple[int, int], term: str) -> None:
    name = "linux-e500v2" if size == SIZES[1] else "linux-e500v2-pv"
    guest = [*linux(shared, name), "-c", "advance start_kernel", "-c", "step-exit 600"]
    with opened(tmp_path, size, guest, term) as terminal:
        for running in (False, True):
            for key in (one for known in KEYS if known.id not in ("quit", "picture") for one in known.keys.split(",")):
                if running and key != "f5":
                    terminal.keys("F5")
                terminal.keys(tmux_name(key))
                check(terminal, term)
                escape(terminal)
                escape(terminal)
                terminal.keys("1")
            for kind in KINDS:
                terminal.keys(tmux_name(kind.key))
                terminal.until(lambda kind=kind: re.search(rf"[━=] {kind.key} \S", terminal.text()))
                for _ in kind.views[1:]:
                    terminal.keys("v")
                terminal.keys(*MOVES, *("v" if kind.views else ""))
                check(terminal, term)
            seen: set[str] = set()
            for _ in DESKTOPS:
                terminal.keys("F3")
                terminal.until(lambda: {*re.findall(r"Layout (\w+)", terminal.text())} - seen)  # noqa: B023
                seen |= {*re.findall(r"Layout (\w+)", terminal.text())}
                check(terminal, term)
            assert seen == {*DESKTOPS}
        escape(terminal)
        terminal.keys("C-q")
        whole(terminal, tmp_path, 0)


def by_key(terminal: Terminal) -> int:
    terminal.keys("C-q")
    return 0


def by_two_interrupts_and_a_command(terminal: Terminal) -> int:
    terminal.keys("C-c")
    terminal.shows("stopped: interrupted")
    terminal.keys("C-c", "C-c")
    terminal.shows("stopped: interrupted")
    terminal.type(":quit")
    return 0


def by(number: signal.Signals) -> Callable[[Terminal], int]:
    def leave(terminal: Terminal) -> int:
        os.kill(screen_process(terminal), number)
        return 128 + number

    leave.__name__ = number.name
    return leave


def by_an_error(terminal: Terminal) -> int:
    terminal.keys("i")
    terminal.shows("RuntimeError: an internal error, on purpose", "this is a fault of ppcdbg")
    return 70


LEAVES = [(by_key, ""), (by_two_interrupts_and_a_command, ""), (by(signal.SIGTERM), ""), (by(signal.SIGHUP), ""),
          (by_an_error, "worker"), (by_an_error, "screen")]  # fmt: skip


def leave_whole(
    folder: Path, size: tuple[int, int], guest: list[str], leave: tuple[Callable[[Terminal], int], str]
) -> None:
    with opened(folder, size, guest, "", leave[1]) as terminal:
        assert terminal.state()["mouse_any_flag"] == "1"
        terminal.keys("F5")
        terminal.until(lambda: "▶ running" in terminal.rows()[0] or guest == ["demo"])
        whole(terminal, folder, leave[0](terminal))


@pytest.mark.parametrize("place", PLACES)
def test_the_terminal_is_whole_after_an_error_of_the_program(tmp_path: Path, place: str) -> None:
    leave_whole(tmp_path, (100, 30), ["demo"], (by_an_error, place))


@pytest.mark.soak
@pytest.mark.parametrize("leave", LEAVES, ids=lambda leave: leave[0].__name__ + leave[1])
@pytest.mark.parametrize("size", SIZES)
def test_the_terminal_is_whole_however_an_endless_guest_is_left(
    tmp_path: Path, endless: list[str], size: tuple[int, int], leave: tuple[Callable[[Terminal], int], str]
) -> None:
    leave_whole(tmp_path, size, endless, leave)


@pytest.mark.soak
@pytest.mark.parametrize("leave", LEAVES, ids=lambda leave: leave[0].__name__ + leave[1])
@pytest.mark.parametrize("name", ["linux-e500v2", "linux-e500v2-pv"])
def test_the_terminal_is_whole_however_a_linux_that_runs_is_left(
    tmp_path: Path, shared: Path, name: str, leave: tuple[Callable[[Terminal], int], str]
) -> None:
    """It boots for seconds: whatever ends the UI comes in the middle of it."""
    leave_whole(tmp_path, SIZES[0] if name.endswith("pv") else SIZES[1], linux(shared, name), leave)


# A guest that prints without end. It maps the serial port of the ppce500 (TLB1[1]: 1 MB at e0000000, real fe0000000),
# and then stores letters there; after so many as it compares with, a new line.
FLOOD = (
    0x3C601001, 0x7C709BA6, 0x3C608000, 0x60630500, 0x7C719BA6, 0x3C60E000, 0x6063000A, 0x7C729BA6, 0x3C60E000,
    0x6063003F, 0x7C739BA6, 0x3860000F, 0x7C70EBA6, 0x7C0007A4, 0x4C00012C, 0x3CA0E000, 0x60A54500, 0x38E00000,
    0x38C00078, 0x98C50000, 0x38E70001, 0x2C070000, 0x4082FFF4, 0x38E00000, 0x38C0000A, 0x98C50000, 0x4BFFFFE0,
)  # fmt: skip
COMPARE = 21


@pytest.fixture
def endless(tmp_path: Path) -> list[str]:
    return flood(tmp_path, 70)


def flood(folder: Path, line: int) -> list[str]:
    """A guest that prints lines of so many letters for ever."""
    words = list(FLOOD)
    words[COMPARE] |= line
    image = folder / f"flood-{line}.bin"
    image.write_bytes(struct.pack(f">{len(words)}I", *words))
    return [str(image), "--load", "0x800000", "--cpu", "e500v2", "--memory", "64M"]


def insn(terminal: Terminal) -> int:
    found = re.search(r"insn ([\d,]+)", terminal.rows()[0])
    return int(found[1].replace(",", "")) if found else 0


@pytest.mark.parametrize(
    "line", [pytest.param(3, marks=pytest.mark.soak), pytest.param(70, marks=pytest.mark.soak), 30_000]
)
def test_a_flood_on_the_console_stops_nothing(tmp_path: Path, line: int) -> None:
    with opened(tmp_path, (120, 40), flood(tmp_path, line)) as terminal:
        terminal.keys("F5", "7", "z")
        terminal.shows("━ 7 ", "xxx", "running")
        for key in ("z", "z", "End", "Home", "PPage", "z"):
            before = insn(terminal)
            terminal.keys(key)
            terminal.until(lambda before=before: insn(terminal) > before, 15)
        check(terminal, "xterm-256color")
        began = time.monotonic()
        terminal.keys("Escape")
        terminal.shows("stopped: interrupted")
        assert time.monotonic() - began < 5, "a busy machine, but not that busy"
        terminal.keys("C-q")
        whole(terminal, tmp_path, 0)


def resize(terminal: Terminal, width: int, height: int) -> None:
    terminal._run("resize-window", "-x", str(width), "-y", str(height))


def storm(terminal: Terminal, times: int, seed: int) -> None:
    """Sizes as by a mouse that drags a corner, and leaps between."""
    chance = random.Random(seed)
    width, height = 120, 40
    for _ in range(times):
        if chance.randrange(6):
            width, height = width + chance.randrange(-9, 10), height + chance.randrange(-4, 5)
        else:
            width, height = chance.randrange(5, 260), chance.randrange(2, 75)
        width, height = min(max(width, 2), 260), min(max(height, 2), 75)
        resize(terminal, width, height)
        time.sleep(chance.choice((0.0, 0.005, 0.03)))


def weather(folder: Path, guest: list[str], times: int, seed: int) -> None:
    with opened(folder, (120, 40), guest) as terminal:
        terminal.keys("F5")
        storm(terminal, times, seed)
        for size in ((20, 5), (10, 3), (2, 2), (250, 70), (20, 6), (35, 12)):
            resize(terminal, *size)
            terminal.keys("Tab", "z", "z", "Down", ":", "x")
            escape(terminal)
            terminal.keys("?")
            escape(terminal)
            assert "Traceback" not in terminal.text() and "STATUS" not in terminal.text(), (seed, size)
        resize(terminal, 120, 40)
        terminal.keys(*["F3"] * len(DESKTOPS), "1")  # around all layouts, which ends a zoom
        terminal.shows(" ppcdbg ", "━ 1 ", " 2 Disassembly", " 3 Registers", " 7 ", "quit")
        check(terminal, "xterm-256color")
        terminal.keys("C-q")
        whole(terminal, folder, 0)


def test_a_storm_of_sizes_and_tiny_ones(tmp_path: Path, endless: list[str]) -> None:
    weather(tmp_path, endless, 25, 20_131)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20_140, 20_146))
def test_storms_of_sizes_on_the_linux_guest(tmp_path: Path, shared: Path, seed: int) -> None:
    weather(tmp_path, linux(shared), 400, seed)
