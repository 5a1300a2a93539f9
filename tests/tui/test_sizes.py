"""The Linux guest under KVM in a real terminal: three sizes and sixteen colours, every pane and layout, left whole."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from ppcdbg.tui.layout import DESKTOPS
from ppcdbg.tui.panes.table import KINDS

from .tmux import Terminal, command

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("size", "colours"), [((80, 24), 16), ((120, 40), 256), ((220, 60), 256)])
def test_every_pane_of_the_linux_guest_is_reachable(
    tmp_path: Path, shared: Path, size: tuple[int, int], colours: int
) -> None:
    folder = shared / "guests" / "linux-e500v2-pv"
    arguments = [str(folder / "vmlinux"), "--cpu", "e500v2", "--memory", "128M", "--append", "console=ttyS0,115200"]
    arguments += ["--initrd", str(folder / "initrd.gz"), "-c", "advance start_kernel", "-c", "step-exit 600"]
    with Terminal(tmp_path, *size) as terminal:
        terminal.type(f"export XDG_STATE_HOME={tmp_path} XDG_CONFIG_HOME={tmp_path} PYTHONPATH={ROOT}")
        terminal.type(f"cd {tmp_path}; {'export TERM=xterm; ' if colours == 16 else ''}clear; stty -g > before")
        before = terminal.state()
        terminal.type(f"{command([sys.executable, '-m', 'ppcdbg', 'debug', *arguments])}; echo STATUS $?")
        terminal.shows("1 Exits", "exits 1,403", seconds=90)
        for kind in KINDS:
            terminal.keys(kind.key)
            terminal.until(lambda kind=kind: re.search(rf"━ {kind.key} \S", terminal.text()))
            for _ in kind.views[1:]:
                terminal.keys("v")
            assert "Traceback" not in terminal.text()
        for name in [*[*DESKTOPS][1:], "exits"]:
            terminal.keys("F3")
            terminal.shows(f"Layout {name}")
        terminal.keys("1")
        if colours == 16:
            codes = {c for sgr in re.findall(r"\x1b\[([0-9;]*)m", terminal.colours()) for c in sgr.split(";") if c}
            assert codes and all(re.fullmatch(r"[0-9]|2[0-9]|[34][0-79]|9[0-7]", code) for code in codes), codes
        terminal.keys("Up", "Up")
        terminal.shows("exit 1,400 · . ")
        terminal.keys(".")
        terminal.until(lambda: "■ stopped" in terminal.text())
        terminal.keys("C-q")
        terminal.shows("STATUS 0")
        assert terminal.state() == before
