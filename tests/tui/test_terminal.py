"""The terminal is left as it was found, after quitting, an error, SIGTERM; and what it can show is honoured."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .tmux import Terminal, command

PROGRAM = command([sys.executable, str(Path(__file__).with_name("double_main.py"))])


def start(terminal: Terminal, folder: Path) -> dict[str, str]:
    """Start the screen; gives the state that the terminal must come back to."""
    terminal.type(f"cd {folder}; clear; stty -g > before")
    before = terminal.state()
    terminal.type(f"{PROGRAM}; echo STATUS $?; stty -g > after")
    terminal.shows("1 Exits", "100,000")
    return before


def check_restored(terminal: Terminal, folder: Path, before: dict[str, str], status: int) -> None:
    terminal.shows(f"STATUS {status}")
    terminal.until(lambda: (folder / "after").exists() and (folder / "after").read_text())
    assert (folder / "after").read_text() == (folder / "before").read_text()
    assert terminal.state() == before
    assert "1 Exits" not in terminal.text()


def screen_process(terminal: Terminal) -> int:
    """The process of the screen: the shell's only child."""
    shell = terminal._run("display-message", "-p", "#{pane_pid}").strip()
    return int(Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0])


def quit_by_key(terminal: Terminal) -> int:
    terminal.keys("C-q")
    return 0


def quit_while_running(terminal: Terminal) -> int:
    terminal.keys("F5")
    terminal.shows("running")
    terminal.keys("C-q")
    return 0


def quit_by_command(terminal: Terminal) -> int:
    terminal.type(":quit")
    return 0


def internal_error(terminal: Terminal) -> int:
    terminal.type(":crash")
    terminal.shows("RuntimeError: an internal error, on purpose", "Traceback")
    return 1


def terminated(terminal: Terminal) -> int:
    terminal.keys("F5")
    terminal.shows("running")
    os.kill(screen_process(terminal), signal.SIGTERM)
    return 128 + signal.SIGTERM


@pytest.mark.parametrize("leave", [quit_by_key, quit_while_running, quit_by_command, internal_error, terminated])
def test_the_terminal_is_restored(tmp_path: Path, leave: Callable[[Terminal], int]) -> None:
    with Terminal(tmp_path, 100, 30) as terminal:
        before = start(terminal, tmp_path)
        assert terminal.state()["alternate_on"] == "1"
        check_restored(terminal, tmp_path, before, leave(terminal))


def test_control_c_and_sigint_interrupt_and_never_end(tmp_path: Path) -> None:
    with Terminal(tmp_path, 80, 24) as terminal:
        start(terminal, tmp_path)
        process = screen_process(terminal)
        for stop in (lambda: terminal.keys("C-c"), lambda: os.kill(process, signal.SIGINT)):
            terminal.keys("F5")
            terminal.shows("running")
            began = time.monotonic()
            stop()
            terminal.shows("stopped")
            assert time.monotonic() - began < 1.0
        assert "STATUS" not in terminal.text()


@pytest.mark.parametrize("signal_comes", [True, False])
def test_the_screen_ends_with_its_terminal(tmp_path: Path, signal_comes: bool) -> None:
    """Where no SIGHUP comes (nohup, or a terminal that is not the controlling one) it once read the end for ever."""
    master, slave = pty.openpty()
    ignored = signal.signal(signal.SIGHUP, signal.SIG_DFL if signal_comes else signal.SIG_IGN)
    try:
        program = [sys.executable, str(Path(__file__).with_name("double_main.py"))]
        process = subprocess.Popen(
            program, stdin=slave, stdout=slave, stderr=slave, cwd=tmp_path, start_new_session=not signal_comes
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGHUP, ignored)
    os.close(slave)
    seen = b""
    while b"Exits" not in seen:
        seen += os.read(master, 4096)
    os.close(master)
    if signal_comes:
        process.send_signal(signal.SIGHUP)  # as the kernel does to who is controlled by it
    assert process.wait(20) == 128 + signal.SIGHUP


def test_keys_typed_in_one_go_are_meant_for_what_they_open(tmp_path: Path) -> None:
    with Terminal(tmp_path, 120, 36) as terminal:
        start(terminal, tmp_path)
        terminal._run("send-keys", "-l", "3z")
        terminal.until(lambda: terminal.rows()[1].startswith("━ 3 registers ━"))
        terminal.keys("z")
        terminal.shows("1 Exits")
        terminal.type(":print 42")
        terminal.shows("$1 = 0x2a")


@pytest.mark.parametrize(
    ("environment", "allowed"),
    [({"NO_COLOR": "1"}, r"[0-9]|2[0-9]|39|49"), ({"TERM": "xterm"}, r"[0-9]|2[0-9]|[34][0-79]|9[0-7]")],
)
def test_no_color_and_sixteen_colours(tmp_path: Path, environment: dict[str, str], allowed: str) -> None:
    exported = "; ".join(f"export {name}={value}" for name, value in environment.items())
    with Terminal(tmp_path, 120, 36) as terminal:
        terminal.type(exported)
        start(terminal, tmp_path)
        terminal.keys(":", "x")
        terminal.until(lambda: ":x" in terminal.rows()[-2])
        assert not re.search(r"38;5;16m.{0,12}:", terminal.colours()), "the line that is typed is black on black"
        codes = {code for sgr in re.findall(r"\x1b\[([0-9;]*)m", terminal.colours()) for code in sgr.split(";") if code}
        assert codes and all(re.fullmatch(allowed, code) for code in codes), codes


def test_an_old_locale_gets_ascii(tmp_path: Path) -> None:
    with Terminal(tmp_path, 120, 36) as terminal:
        terminal.type("export LC_ALL=de_DE.ISO-8859-1")
        start(terminal, tmp_path)
        assert terminal.text().isascii()
