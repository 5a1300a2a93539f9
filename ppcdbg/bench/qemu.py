"""The peer: command lines of qemu-system-ppc for the same guests on its ppce500 machine.

QEMU is a process of its own and nothing of it is used but its console and its exit.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ppcdbg.bench.clock import Finished, process
from ppcdbg.bench.guests import LINUX_APPEND, LINUX_MEMORY, LOOP_CPU, LOOP_MEMORY, Linux
from ppcdbg.bench.results import NotRun

PROGRAM = "qemu-system-ppc"
ICOUNT = ("-icount", "shift=0")
"""Instructions are counted and give the time: what QEMU's record and replay needs, and nearest to what ppcdbg does."""

CPUS = {"e500v2": "e500v2_v30", "e500mc": "e500mc"}


def program() -> str:
    """The path of QEMU; NotRun if it is not installed."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise NotRun(f"{PROGRAM} is not installed")
    return found


def version() -> str:
    """QEMU's version, or an empty text."""
    if shutil.which(PROGRAM) is None:
        return ""
    done = process([PROGRAM, "--version"], 20)
    words = done.output.decode().split() if done is not None else []
    return words[3] if len(words) > 3 else ""


def machine(cpu: str, memory: int) -> list[str]:
    """The machine without a guest: the serial port on stdout, no display, ending at a reset."""
    return [
        program(), "-M", "ppce500", "-cpu", CPUS[cpu], "-m", str(memory >> 20), "-no-reboot",
        "-display", "none", "-monitor", "none", "-serial", "stdio",
        "-nic", "none",  # its boot ROM is in a package of its own, and we have no network either
    ]  # fmt: skip


def loop(image: Path, options: tuple[str, ...]) -> list[str]:
    """A loop guest."""
    return [*machine(LOOP_CPU, LOOP_MEMORY), *options, "-kernel", str(image)]


def linux(guest: Linux) -> list[str]:
    """A Linux guest, bare."""
    place = ["-kernel", str(guest.kernel), "-initrd", str(guest.initrd)]
    return [*machine(guest.cpu, LINUX_MEMORY), *place, "-append", LINUX_APPEND]


def recording(mode: str, file: Path) -> tuple[str, ...]:
    """Options to ``record`` into a file or to ``replay`` it, with a snapshot at the beginning to go back to."""
    return (ICOUNT[0], f"{ICOUNT[1]},rr={mode},rrfile={file},rrsnapshot=begin")


def run(command: list[str], timeout: float) -> Finished:
    """Run QEMU to its end. NotRun if it fails or does not end in time."""
    done = process(command, timeout)
    if done is None:
        raise NotRun(f"QEMU was still running after {timeout:.0f} s")
    if done.status != 0:
        raise NotRun(f"QEMU failed: {done.errors.decode(errors='replace').strip() or done.status}")
    return done
