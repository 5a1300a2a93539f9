"""The benchmark's loop guests: images come from their sources, and run alike on ppcdbg and on QEMU."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ppcdbg.bench.guests import LOOPS, loop_image
from ppcdbg.bench.systems import REFERENCE, bare, limits
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.machine import Machine
from ppcdbg.machine.system import StopKind

SOURCES = Path(__file__).parent / "bench"
IMAGES = Path(__file__).parents[2] / "ppcdbg" / "_guests"
Tool = Callable[[str], str]


def machine(loop: str, repetitions: int, folder: Path) -> Machine:
    """A loop guest before its first instruction, on the witness."""
    path = folder / f"{loop}-{repetitions}.elf"
    path.write_bytes(loop_image(loop, repetitions))
    return bare(MachineDescription(path, "e500mc", "none", 64 << 20), REFERENCE)


def test_the_images_in_the_package_are_what_the_sources_give(tool: Tool, tmp_path: Path) -> None:
    tool("powerpc-linux-gnu-gcc")
    elsewhere = tmp_path / "somewhere" / "else"
    shutil.copytree(SOURCES, elsewhere)
    subprocess.run([str(elsewhere / "build"), str(tmp_path)], check=True, timeout=60)
    for loop in LOOPS:
        image = f"bench-{loop}.elf"
        assert (tmp_path / image).read_bytes() == (IMAGES / image).read_bytes(), "run tests/guests/bench/build"


@pytest.mark.parametrize(("loop", "repetitions"), [("a", 1), ("b", 1), ("c", 2)])
def test_ppcdbg_and_qemu_print_the_same_checksum(tool: Tool, tmp_path: Path, loop: str, repetitions: int) -> None:
    ours = machine(loop, repetitions, tmp_path)
    code = bytes(ours.board.bus.ram[0x100000:0x101000])
    stop = ours.run(limits(10_000_000))
    assert stop.kind is StopKind.RESET
    assert ours.board.bus.ram[0x100000:0x101000] == code, "nothing that is written may share a page with code"
    image = tmp_path / f"{loop}-{repetitions}.elf"
    command = [
        tool("qemu-system-ppc"),
        "-M",
        "ppce500",
        "-cpu",
        "e500mc",
        "-kernel",
        str(image),
        "-no-reboot",
        "-nic",
        "none",
    ]
    done = subprocess.run(
        [*command, "-nographic", "-monitor", "none", "-serial", "stdio"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    assert done.stdout == bytes(ours.board.console.output)


def test_a_longer_run_is_the_shorter_one_continued(tmp_path: Path) -> None:
    """What the slope stands on. RAM differs in nothing but the repetition count and copies of it."""
    short, long = machine("c", 1, tmp_path), machine("c", 2, tmp_path)
    end = short.run(limits(1_000_000)).position
    again = machine("c", 1, tmp_path)
    for each in (again, long):
        each.run(limits(end - 200))
    assert again.core.state.pc == long.core.state.pc
    one, two = (each.board.bus.ram[: 16 << 20].cast("I") for each in (again, long))
    differing = {(a, b) for a, b in zip(one, two) if a != b}
    assert differing == {(1 << 24, 2 << 24)}  # the words as a little-endian host sees them
