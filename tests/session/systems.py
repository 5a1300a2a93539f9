"""Systems for the tests of this room, and all that can be said of one."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ppcdbg.cpu.plain import Saved
from ppcdbg.kvm.build import build_system
from ppcdbg.machine.description import MachineDescription, describe
from ppcdbg.machine.system import System
from ppcdbg.session.machines import read_machine
from ppcdbg.session.replay import verify
from ppcdbg.session.store import Store
from tests.guests.expected import IMAGE

DEMOS = [("e500v2", "kvm"), ("e500mc", "kvm"), ("e500v2", "none"), ("e500mc", "none")]
LINUX = [("linux-e500mc", "none"), ("linux-e500mc", "kvm"), ("linux-e500v2", "none"), ("linux-e500v2-pv", "kvm")]


def demo(cpu: str, hv: str, engine: str = "reference") -> MachineDescription:
    return describe(IMAGE, {"cpu": cpu, "hv": hv, "engine": engine, "memory": "32M"})


def linux(shared: Path, name: str, hv: str, options: Mapping[str, object] | None = None) -> MachineDescription:
    """A Linux guest as ``tests/linux`` boots it."""
    folder = shared / "guests" / name
    given: dict[str, object] = {
        "cpu": "e500mc" if "mc" in name else "e500v2", "hv": hv, "initrd": str(folder / "initrd.gz"),
        "append": "console=ttyS0,115200", "engine": "llvm", "memory": "96M",
    }  # fmt: skip
    return describe(folder / "vmlinux", given | dict(options or {}))


def make(description: MachineDescription) -> System:
    return build_system(description)


def everything(system: System) -> tuple[Saved, int, bytes, object]:
    """State, RAM byte by byte, console and exits: not by the means under test."""
    kvm = getattr(system, "kvm", None)
    exits = None if kvm is None else [(*row[:8], *row[-3:]) for row in kvm.exits.rows(0)]
    ram = zlib.crc32(system.board.bus.ram)
    state = system.save()
    if kvm is not None:
        loop: Any = state["loop"]
        del loop["vcpu"]["copies"]  # what compiled code has of the rest, as old as its last exit
    return state, ram, bytes(system.board.console.output), exits


def comes_again(file: Path, position: int) -> None:
    """A session file replays on either engine, to the end of its run at a position."""
    store = Store.open(file)
    try:
        for engine in ("reference", "llvm"):
            found = verify(store, replace(read_machine(store), engine=engine))
            assert found.complete and found.position == position, str(found.divergence)
    finally:
        store.close()


def whole_up_to(path: Path) -> int:
    """The position up to which a file of a killed recorder holds the run, every bit of it; 0 where it was killed before
    there was a machine in it."""
    store = Store.open(path)
    try:
        if store.get("reached") is None:
            return 0
        reached = store.reached()
        found = verify(store, replace(read_machine(store), engine="llvm"))
        assert found.complete, str(found.divergence)
        assert (found.position, found.exits) == (reached.position, store.count("exit"))
        return reached.position
    finally:
        store.close()
