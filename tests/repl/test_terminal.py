"""The prompt in a real terminal: what the screen shows, Ctrl-C while the guest runs, and how the terminal is left."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.tmux import Terminal, command

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "ppcdbg", "repl"]


def start(terminal: Terminal, folder: Path, *arguments: str) -> dict[str, str]:
    """Start the prompt; gives the state that the terminal must come back to."""
    terminal.type(f"export XDG_STATE_HOME={folder} XDG_CONFIG_HOME={folder} PYTHONPATH={ROOT}")
    terminal.type(f"cd {folder}; clear; stty -g > before")
    before = terminal.state()
    terminal.type(f"{command([*PROGRAM, *arguments])}; echo STATUS $?; stty -g > after")
    terminal.shows("(ppcdbg)", seconds=60)
    return before


def leave(terminal: Terminal, folder: Path, before: dict[str, str]) -> None:
    """Ctrl-D; the terminal must be as it was."""
    terminal.keys("C-d")
    terminal.shows("STATUS 0")
    terminal.until(lambda: (folder / "after").exists() and (folder / "after").read_text())
    assert (folder / "after").read_text() == (folder / "before").read_text()
    assert terminal.state() == before


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_the_demo_guest_at_the_prompt(tmp_path: Path, width: int, height: int) -> None:
    with Terminal(tmp_path, width, height) as terminal:
        before = start(terminal, tmp_path, "demo")
        terminal.shows("insn 0   exits 0   00100498 _start", "■ stopped: at the start")
        terminal.type("break exit DTLB_MISS")
        terminal.type("c")
        terminal.shows("Stopped by breakpoint 1", "■ stopped: breakpoint 1, exit DTLB_MISS")
        terminal._run("send-keys", "-l", "bre")
        terminal.keys("Tab")
        terminal.shows("(ppcdbg) break")
        terminal.keys("C-c")
        terminal._run("send-keys", "-l", "info i")
        terminal.keys("Tab")
        terminal.shows("irqprio", "The 23 interrupt priorities")
        terminal.keys("C-c", "C-r")
        terminal._run("send-keys", "-l", "DTLB")
        terminal.shows("(ppcdbg) break exit DTLB_MISS", "I-search backward: DTLB")
        terminal.keys("Enter", "C-c")
        terminal.type("delete")
        terminal.type("")
        terminal.type("c")
        terminal.shows("│ demo: done", "■ ended: guest reset")
        rows = [row.rstrip() for row in terminal.rows() if row.strip()]
        assert all(len(row) <= width for row in rows) and re.match(r" insn 36,493   exits 2,159", rows[-1])
        leave(terminal, tmp_path, before)


def test_control_c_stops_linux_and_input_reaches_it(tmp_path: Path, shared: Path, tool: Callable[[str], str]) -> None:
    folder = shared / "guests" / "linux-e500v2-pv"
    arguments = [str(folder / "vmlinux"), "--initrd", str(folder / "initrd.gz"), "--append", "console=ttyS0,115200"]
    with Terminal(tmp_path, 120, 40) as terminal:
        before = start(terminal, tmp_path, *arguments)
        terminal.type("advance start_kernel")
        terminal.shows("Reached the place asked for", "start_kernel", seconds=120)
        terminal.type("c")
        terminal.shows("│ [    0.000000]", seconds=60)
        began = time.monotonic()
        terminal.keys("C-c")
        terminal.shows("Interrupted at", "■ stopped: interrupted")
        assert time.monotonic() - began < 2, "interrupting took too long, even for a busy machine"
        terminal.type("while 1")
        terminal.type("step-exit")
        terminal.type("end")
        terminal.until(lambda: len(re.findall(r"Exit [\d,]+:", terminal.text())) > 8)
        terminal.keys("C-c")
        terminal.until(lambda: "interrupted" in terminal.text() and terminal.rows()[-2].startswith(" insn"))
        leave(terminal, tmp_path, before)


def quit_by_command(terminal: Terminal) -> int:
    terminal.type("quit 7")
    return 7


def terminated(terminal: Terminal) -> int:
    os.kill(process_of(terminal), signal.SIGTERM)
    return 128 + signal.SIGTERM


def terminated_while_running(terminal: Terminal) -> int:
    terminal.type("while 1")
    terminal.type("end")
    terminal.until(lambda: not terminal.rows()[-2].startswith(" insn"))
    os.kill(process_of(terminal), signal.SIGTERM)
    return 128 + signal.SIGTERM


def process_of(terminal: Terminal) -> int:
    """The prompt's process: the shell's only child."""
    shell = terminal._run("display-message", "-p", "#{pane_pid}").strip()
    return int(Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0])


@pytest.mark.parametrize("leave", [quit_by_command, terminated, terminated_while_running])
def test_the_terminal_is_left_as_it_was(tmp_path: Path, leave: Callable[[Terminal], int]) -> None:
    with Terminal(tmp_path, 80, 24) as terminal:
        before = start(terminal, tmp_path, "demo")
        terminal.shows(" insn 0")
        status = leave(terminal)
        terminal.shows(f"STATUS {status}")
        terminal.until(lambda: (tmp_path / "after").exists() and (tmp_path / "after").read_text())
        assert (tmp_path / "after").read_text() == (tmp_path / "before").read_text()
        assert terminal.state() == before


@pytest.mark.parametrize(
    ("environment", "allowed"),
    [({"NO_COLOR": "1"}, r"[0-9]|2[0-9]|39|49"), ({"TERM": "xterm"}, r"[0-9]|2[0-9]|[34][0-79]|9[0-7]")],
)
def test_no_color_and_sixteen_colours(tmp_path: Path, environment: dict[str, str], allowed: str) -> None:
    with Terminal(tmp_path, 100, 30) as terminal:
        terminal.type("; ".join(f"export {name}={value}" for name, value in environment.items()))
        start(terminal, tmp_path, "demo")
        terminal.type("step-exit 5")
        terminal.type("x/8i $pc")
        terminal.shows("▶")
        codes = {code for sgr in re.findall(r"\x1b\[([0-9;]*)m", terminal.colours()) for code in sgr.split(";") if code}
        assert codes and all(re.fullmatch(allowed, code) for code in codes), codes


def test_a_dumb_terminal_and_an_old_locale(tmp_path: Path) -> None:
    with Terminal(tmp_path, 100, 30) as terminal:
        terminal.type("export TERM=dumb LC_ALL=de_DE.ISO-8859-1")
        start(terminal, tmp_path, "demo")
        terminal.type("step-exit")
        terminal.shows("Exit 0:")
        terminal.type("disas")
        terminal.shows("<_start>")
        assert terminal.text().isascii() and "\x1b" not in terminal.colours().replace("\x1b[0m", "")
        terminal.keys("C-d")
        terminal.shows("STATUS 0")
