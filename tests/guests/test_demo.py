"""The demo guest by itself: its image comes from its sources, and it is a guest that runs elsewhere too (QEMU)."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.guests.expected import DEMO, IMAGE, SECTIONS, WINDOW, console

Tool = Callable[[str], str]


def test_the_image_in_the_package_is_what_the_sources_give(tool: Tool, tmp_path: Path) -> None:
    tool("powerpc-linux-gnu-gcc")
    elsewhere = tmp_path / "somewhere" / "else"
    shutil.copytree(DEMO, elsewhere)
    subprocess.run([str(elsewhere / "build"), str(tmp_path / "demo.elf")], check=True, timeout=60)
    assert (tmp_path / "demo.elf").read_bytes() == IMAGE.read_bytes(), "run tests/guests/demo/build"


def test_the_guest_of_sections_is_what_its_source_gives(tool: Tool, tmp_path: Path) -> None:
    tool("powerpc-linux-gnu-gcc")
    for folder in (DEMO, SECTIONS.parent):
        shutil.copytree(folder, tmp_path / "elsewhere" / folder.name)
    built = tmp_path / "sections.elf"
    subprocess.run([str(tmp_path / "elsewhere" / "sections" / "build"), str(built)], check=True, timeout=60)
    assert built.read_bytes() == SECTIONS.read_bytes(), "run tests/guests/sections/build"


def test_so_is_the_guest_of_the_window(tool: Tool, tmp_path: Path) -> None:
    tool("powerpc-linux-gnu-gcc")
    for folder in (DEMO, WINDOW):
        shutil.copytree(folder, tmp_path / "elsewhere" / folder.name)
    built = tmp_path / "window.elf"
    for kept, option in ((IMAGE.with_name("window.elf"), ""), (WINDOW / "nested.elf", "-DNESTED")):
        subprocess.run([str(tmp_path / "elsewhere" / "window" / "build"), str(built), option], check=True, timeout=60)
        assert built.read_bytes() == kept.read_bytes(), "run tests/guests/window/build"


@pytest.mark.parametrize(("cpu", "model"), [("e500v2", "e500v2_v30"), ("e500mc", "e500mc")])
def test_it_runs_in_qemu(tool: Tool, cpu: str, model: str) -> None:
    command = [
        tool("qemu-system-ppc"),
        "-M",
        "ppce500",
        "-cpu",
        model,
        "-kernel",
        str(IMAGE),
        "-no-reboot",
        "-nic",
        "none",
    ]
    done = subprocess.run(
        [*command, "-nographic", "-monitor", "none", "-serial", "stdio"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    # A busy host may let the decrementer, which follows its clock, tick once more.
    printed = re.sub(r"DECREMENTER \d+", "DECREMENTER 4", done.stdout)
    assert printed == console(cpu, "none")
