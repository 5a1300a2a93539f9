"""The whole of it in a real terminal: ``ppcdbg debug`` on the demo guest and on a real Linux guest under KVM."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .tmux import Terminal, command

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "ppcdbg", "debug"]


def start(terminal: Terminal, folder: Path, *arguments: str) -> dict[str, str]:
    """Start ``ppcdbg debug``; gives the state that the terminal must come back to."""
    terminal.type(f"export XDG_STATE_HOME={folder} XDG_CONFIG_HOME={folder} PYTHONPATH={ROOT}")
    terminal.type(f"cd {folder}; clear; stty -g > before")
    before = terminal.state()
    terminal.type(f"{command([*PROGRAM, *arguments])}; echo STATUS $?; stty -g > after")
    terminal.shows("1 Exits", "at the start", seconds=60)
    return before


def leave(terminal: Terminal, folder: Path, before: dict[str, str]) -> None:
    """Quit; the terminal must be as it was."""
    terminal.keys("C-q")
    terminal.shows("STATUS 0")
    terminal.until(lambda: (folder / "after").exists() and (folder / "after").read_text())
    assert (folder / "after").read_text() == (folder / "before").read_text()
    assert terminal.state() == before


def counted(terminal: Terminal, what: str) -> int:
    """A number of the title line: ``insn`` or ``exits``."""
    found = re.search(rf"\b{what} ([\d,]+)", terminal.rows()[0])
    assert found, terminal.rows()[0]
    return int(found[1].replace(",", ""))


def selected(terminal: Terminal) -> str:
    """The row of the exits list that is selected."""
    return next((row for row in terminal.rows() if row.startswith("▸")), "")


def at_pc(terminal: Terminal) -> str:
    """The disassembly's row of the next instruction, once it is drawn: on a busy host a screen comes in parts."""
    terminal.until(lambda: any("▶" in row for row in terminal.rows()))
    return next((row for row in terminal.rows() if "▶" in row), "▶ ?")


def test_demo_guest_by_exits_to_its_end(tmp_path: Path) -> None:
    with Terminal(tmp_path, 120, 36) as terminal:
        before = start(terminal, tmp_path)
        pcs = set()
        for number in range(3):
            terminal.keys("]")
            terminal.until(lambda number=number: counted(terminal, "exits") == number + 1)
            terminal.until(lambda number=number: re.match(rf"▸ +{number} ", selected(terminal)))
            story = terminal.text().split("F5 go")[0][-300:]
            assert f"Exit {number}:" in story
            pcs.add(at_pc(terminal).split("▶")[1].split()[0])
        assert len(pcs) > 1, "the disassembly did not follow"
        insn = counted(terminal, "insn")
        terminal.keys("F11")
        terminal.until(lambda: counted(terminal, "insn") == insn + 1)
        terminal.keys("/")
        terminal.type("exit == PROGRAM")
        terminal.shows("filter: exit == PROGRAM")
        terminal.keys("F5")
        terminal.shows("ended: guest reset", "demo: done")
        assert all("PROGRAM" in row for row in terminal.rows()[3:10] if re.match(r"[ ▸] +\d", row))
        leave(terminal, tmp_path, before)


def test_linux_guest_to_start_kernel_and_to_its_last_line(
    tmp_path: Path, shared: Path, tool: Callable[[str], str]
) -> None:
    folder = shared / "guests" / "linux-e500v2-pv"
    arguments = [str(folder / "vmlinux"), "--cpu", "e500v2", "--memory", "128M"]
    arguments += ["--initrd", str(folder / "initrd.gz"), "--append", "console=ttyS0,115200"]
    with Terminal(tmp_path, 120, 36) as terminal:
        before = start(terminal, tmp_path, *arguments)
        for number in range(4):
            terminal.keys("]")
            terminal.until(lambda number=number: counted(terminal, "exits") == number + 1)
        terminal.keys(":")
        terminal.type("advance start_kernel")
        terminal.shows("Reached the place asked for", "start_kernel", seconds=120)
        terminal.until(lambda: "<start_kernel>" in at_pc(terminal))
        terminal.keys("F5")
        terminal.shows("▶ running")
        position = counted(terminal, "insn")
        terminal.until(lambda: counted(terminal, "insn") > position)
        began = time.monotonic()
        terminal.keys("Escape")
        terminal.shows("stopped: interrupted")
        assert time.monotonic() - began < 2, "interrupting took too long, even for a busy machine"
        terminal.keys("F5")
        terminal.until(lambda: "ended: guest reset" in terminal.rows()[0], seconds=600)
        assert "reboot: Restarting system" in terminal.text()
        leave(terminal, tmp_path, before)
