"""The guests of SPR and DCR exits: their images come from their source, and a DCR is what was written on every way."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.codes import EMULATE_EXIT_USER
from ppcdbg.kvm.records import Did
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import describe
from ppcdbg.machine.system import Limits
from ppcdbg.session.machines import write_machine
from ppcdbg.session.recorder import Recorder
from ppcdbg.session.replay import verify
from ppcdbg.session.store import Store
from ppcdbg.session.writes import Threaded
from tests.guests.expected import DEMO, IMAGE

DCR = IMAGE.with_name("dcr-exits.toml")
HELD = "DCR: 12345678 was written, 12345678 and 12345678 are read"
FAILED = "DCR: a program interrupt, ESR 08000000"
STEPS = 20_000


def test_the_images_in_the_package_are_what_the_source_gives(tool: Callable[[str], str], tmp_path: Path) -> None:
    tool("powerpc-linux-gnu-gcc")
    for folder in (DEMO, DEMO.parent / "sprs"):
        shutil.copytree(folder, tmp_path / "elsewhere" / folder.name)
    subprocess.run([str(tmp_path / "elsewhere" / "sprs" / "build"), str(tmp_path)], check=True, timeout=60)
    for name in ("spr-exits.elf", "dcr-exits.elf"):
        built = (tmp_path / name).read_bytes()
        assert built == IMAGE.with_name(name).read_bytes(), "run tests/guests/sprs/build"


@pytest.mark.parametrize("engine", ["reference", "llvm", "lockstep"])
@pytest.mark.parametrize(("options", "said", "exits"), [
    ({}, HELD, 3), ({"hv": "none"}, HELD, 0), ({"dcr": "off"}, FAILED, 0), ({"hv": "none", "dcr": "off"}, FAILED, 0),
])  # fmt: skip
def test_a_dcr_holds_what_was_written(engine: str, options: dict[str, str], said: str, exits: int) -> None:
    system = build_system(describe(DCR, {"engine": engine, **options}))
    system.run(Limits(STEPS))
    assert system.board.console.text.splitlines()[0] == said
    if isinstance(system, KvmSystem):
        left = [str(a.left) for e in system.kvm.exits for a in e.actions if a.note == "KVM_EXIT_DCR"]
        assert left[:exits] == left and len(left) == exits
        emulated = [a for e in system.kvm.exits for a in e.actions if a.did is Did.EMULATED]
        assert all(a.value is None for a in emulated if a.result == EMULATE_EXIT_USER)


def test_a_recording_of_it_replays_on_the_other_engine(tmp_path: Path) -> None:
    machine = describe(DCR, {"engine": "llvm", "memory": "32M"})
    store = Store.new(tmp_path / "x.ppcdbg")
    write_machine(store, machine)
    recorder = Recorder(build_system(machine), Threaded(store), 200)
    recorder.system.run(Limits(STEPS))
    recorder.finish()
    found = verify(store, replace(machine, engine="reference", session=tmp_path / "x.ppcdbg"))
    store.close()
    assert found.complete and found.marks > 10 and found.divergence is None
