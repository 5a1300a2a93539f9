"""Whole-process rows: wall time from before a process is made until it is gone, everything included.

Linux to its own reboot, bare and under the KVM model with every exit recorded; the demo guest; the import of our own
code. Ours is `ppcdbg run` as a user types it, output to a pipe as for QEMU, after one unmeasured run that fills the
caches. QEMU boots the same image bare, for it has no KVM here.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ppcdbg.bench import qemu
from ppcdbg.bench.clock import Finished, process
from ppcdbg.bench.guests import LINUX_APPEND, LINUX_DONE, LINUX_MEMORY, linux
from ppcdbg.bench.results import Ask, Better, NotRun
from ppcdbg.bench.row import Row, Subject
from ppcdbg.paths import PACKAGE, Kind, find

OURS, PEER = "ppcdbg", "qemu"
IMPORT = re.compile(r"^import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)$", re.MULTILINE)
"""A line of ``python -X importtime``: microseconds of the module by itself, cumulated, the module."""


@dataclass(frozen=True)
class Boot:
    """A Linux row: the guest of ours, the guest that QEMU boots bare beside it, and how many times as long ours may."""

    name: str
    guest: str
    hv: str
    peer: str
    bound: float | None


BOOTS = (
    Boot("linux-e500mc-bare", "e500mc", "none", "e500mc", 1.0),
    Boot("linux-e500mc-kvm", "e500mc", "kvm", "e500mc", 3.0),
    Boot("linux-e500v2-bare", "e500v2", "none", "e500v2", None),
    Boot("linux-e500v2-pv-kvm", "e500v2-pv", "kvm", "e500v2", 4.0),
    Boot("linux-e500v2-kvm", "e500v2", "kvm", "e500v2", 7.0),
)


def ppcdbg(arguments: Sequence[str], timeout: float, python: Sequence[str] = ()) -> Finished:
    """Run this very package's command line in a new process; NotRun if it fails or does not end in time.

    It starts in a folder without settings, so that those of a project at hand are not measured.
    """
    command = [sys.executable, *python, "-m", "ppcdbg", *arguments]
    done = process(command, timeout, inherited(os.environ), PACKAGE)
    if done is None:
        raise NotRun(f"still running after {timeout:.0f} s")
    if done.status != 0:
        last = done.errors.decode(errors="replace").strip().splitlines()[-1:] or [""]
        raise NotRun(f"exit status {done.status}: {last[0]}")
    return done


def inherited(own: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that runs this package; it may keep its bytecode, as an installed package does."""
    kept = {name: value for name, value in own.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, (str(PACKAGE.parent), own.get("PYTHONPATH"))))}


def boot_row(boot: Boot, folder: Path | None, timeout: float) -> Row:
    """A Linux guest from power-on to its reboot."""

    def ours() -> Mapping[str, float]:
        guest = linux(boot.guest, folder)
        done = ppcdbg(
            [
                "run", "--quiet", "--cpu", guest.cpu, "--hv", boot.hv, "--memory", str(LINUX_MEMORY >> 20),
                "--initrd", str(guest.initrd), "--append", LINUX_APPEND, str(guest.kernel),
            ],
            timeout,
        )  # fmt: skip
        return {OURS: booted(done)}

    def peer() -> Mapping[str, float]:
        return {PEER: booted(qemu.run(qemu.linux(linux(boot.peer, folder)), timeout))}

    return Row(
        name=boot.name,
        title=f"Linux {boot.guest} to its reboot, --hv {boot.hv}; QEMU: linux-{boot.peer} bare",
        unit="s",
        better=Better.LOWER,
        subjects=(Subject(OURS, ours), Subject(PEER, peer, peer=True)),
        asks=() if boot.bound is None else (Ask(OURS, boot.bound, PEER),),
        warm=ours,
    )


def booted(done: Finished) -> float:
    """The seconds of a boot that came to its end."""
    if LINUX_DONE not in done.output:
        raise NotRun(f"the guest did not print {LINUX_DONE.decode()}")
    return done.seconds


def demo_row(timeout: float) -> Row:
    """The bundled guest under KVM, from nothing to its end."""

    def ours() -> Mapping[str, float]:
        return {OURS: ppcdbg(["run", "demo"], timeout).seconds}

    def peer() -> Mapping[str, float]:
        image = find(Kind.GUESTS, "demo.elf", os.environ)
        return {PEER: qemu.run([*qemu.machine("e500v2", 128 << 20), "-kernel", str(image)], timeout).seconds}

    return Row(
        name="demo",
        title="cold start: `ppcdbg run demo`, whole process; QEMU: the same guest bare",
        unit="s",
        better=Better.LOWER,
        subjects=(Subject(OURS, ours), Subject(PEER, peer, peer=True)),
        asks=(Ask(OURS, 0.35),),
        warm=ours,
    )


def import_row(timeout: float) -> Row:
    """What of that goes into importing: modules by themselves, by ``python -X importtime`` (which adds a little)."""

    def ours() -> Mapping[str, float]:
        done = ppcdbg(["run", "--quiet", "demo"], timeout, ("-X", "importtime"))
        own, other = import_seconds(done.errors.decode(errors="replace"))
        return {"our own code": own, "other modules": other}

    return Row(
        name="import",
        title="imports of `ppcdbg run demo`",
        unit="s",
        better=Better.LOWER,
        subjects=(Subject("our own code", ours),),
        asks=(Ask("our own code", 0.1),),
        warm=ours,
    )


def import_seconds(log: str) -> tuple[float, float]:
    """Seconds spent in the modules of ppcdbg themselves, and in all others, from an import log."""
    own = other = 0
    for microseconds, module in IMPORT.findall(log):
        if module.split(".")[0] == "ppcdbg":
            own += int(microseconds)
        else:
            other += int(microseconds)
    return own / 1e6, other / 1e6


def rows(folder: Path | None, timeout: float) -> tuple[Row, ...]:
    """The whole-process rows."""
    return (*(boot_row(boot, folder, timeout) for boot in BOOTS), demo_row(timeout), import_row(timeout))
