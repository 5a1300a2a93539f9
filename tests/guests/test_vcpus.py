"""The guests of two cores: their images come from their sources, and they run on QEMU's two cores too."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ppcdbg.debugger.symbols import read_symbols
from tests.guests.expected import DEMO, IMAGE

VCPUS = DEMO.parent / "vcpus"
GUESTS = ("spinlock", "brokenlock", "ticketlock", "atomic", "lostupdate", "deadlock", "doorbell", "lostwakeup",
          "lostdoorbell", "idlebell", "ipi", "lostipi")  # fmt: skip
Tool = Callable[[str], str]


def test_the_images_in_the_package_are_what_the_sources_give(tool: Tool, tmp_path: Path) -> None:
    tool("powerpc-linux-gnu-gcc")
    for folder in (DEMO, VCPUS):
        shutil.copytree(folder, tmp_path / "elsewhere" / folder.name)
    subprocess.run([str(tmp_path / "elsewhere" / "vcpus" / "build"), str(tmp_path)], check=True, timeout=60)
    assert {path.stem for path in tmp_path.glob("*.elf")} == set(GUESTS)
    for name in GUESTS:
        built = (tmp_path / f"{name}.elf").read_bytes()
        assert built == IMAGE.with_name(f"{name}.elf").read_bytes(), "run tests/guests/vcpus/build"


@pytest.mark.parametrize(
    ("guest", "word", "value"), [("spinlock", "counter", 4), ("doorbell", "received", 42), ("ipi", "received", 2)]
)
def test_they_run_on_two_cores_of_qemu(tool: Tool, guest: str, word: str, value: int) -> None:
    image = IMAGE.with_name(f"{guest}.elf")
    address = read_symbols(image).address(word)
    command = [tool("qemu-system-ppc"), "-M", "ppce500", "-cpu", "e500mc", "-smp", "2", "-kernel", str(image)]
    command += ["-nographic", "-serial", "none", "-monitor", "stdio", "-nic", "none"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as qemu:
        assert qemu.stdin is not None and qemu.stdout is not None
        try:
            for _ in range(100):
                qemu.stdin.write(f"xp /1xw {address:#x}\n")
                qemu.stdin.flush()
                line = ""
                while not line.startswith(f"{address:016x}:"):
                    line = qemu.stdout.readline()
                if int(line.split()[1], 16) == value:
                    break
                time.sleep(0.1)
            else:
                pytest.fail(f"{word} is {line.split()[1]}")
        finally:
            qemu.kill()
