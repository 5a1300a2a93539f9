"""Input that the machine cannot do: it never came, for a timeline as for a recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcdbg.machine.input import InputKind, RefusedError
from ppcdbg.machine.system import Limits
from ppcdbg.session.machines import write_machine
from ppcdbg.session.recorder import Recorder
from ppcdbg.session.store import Store
from ppcdbg.session.timeline import Timeline
from ppcdbg.session.writes import Threaded
from tests.session.systems import demo, make


def test_a_write_that_the_machine_refuses_never_came(tmp_path: Path) -> None:
    """It was kept with the input that comes again, so that a step back and a step forward ended in a traceback."""
    path, machine = tmp_path / "a.ppcdbg", demo("e500v2", "kvm", "llvm")
    store = Store.new(path)
    write_machine(store, machine)
    system = make(machine)
    timeline, recorder = Timeline(system), Recorder(system, Threaded(store))
    system.run(Limits(1_000))
    system.input.add(InputKind.REGISTER, name="MMUCFG", value=5)
    system.input.add(InputKind.REGISTER, name="sprg7", value=7)
    with pytest.raises(RefusedError, match="the input register MMUCFG at position 1,000 cannot be"):
        system.run(Limits(1_000))
    assert [event.name for event in timeline.taken] == ["sprg7"]
    recorder.finish()
    assert [event.name for event in store.input()] == ["sprg7"]
    store.close()
    timeline.seek(900)
    system.run(Limits(1_100))
    assert [event.name for event in timeline.taken] == ["sprg7"]


def test_a_name_as_long_as_a_file_is_told_in_part() -> None:
    """A forger's: it stood twice in one sentence."""
    system = make(demo("e500v2", "kvm", "llvm"))
    system.input.add(InputKind.REGISTER, name="[" * 5000, position=1_000)
    with pytest.raises(RefusedError) as found:
        system.run(Limits(2_000))
    assert len(str(found.value)) < 400
