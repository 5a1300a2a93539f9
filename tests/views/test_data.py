"""Every command's result is data: JSON can hold it, addresses are text, and nothing of the debugger's own gets in."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.commands.registry import commands
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.errors import Interrupted, UsageError
from ppcdbg.kvm.build import build_system
from ppcdbg.machine.description import describe
from ppcdbg.views.data import HEXADECIMAL, plain

DEMO = Path(__file__).resolve().parents[2] / "ppcdbg/_guests/demo.toml"


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Debugger:
    """In a folder of its own: some examples write a file."""
    monkeypatch.chdir(tmp_path)
    description = describe(DEMO, {"engine": "reference"})
    return Debugger(build_system(description), description.kernel)


@pytest.mark.parametrize("command", commands().all, ids=[c.name for c in commands().all])
def test_every_result_is_json(command: Command, demo: Debugger) -> None:
    """Whatever an example gives; those that need a Linux guest or a file may refuse."""
    demo.execute("step-exit 3")
    demo.execute("break puts if $r3 != 0")
    demo.execute("set $r3 = 0")
    timer = threading.Timer(5, demo.interrupt)  # for a loop or a run that waits for what Linux would bring
    timer.start()
    try:
        result = demo.execute(command.example)
    except (UsageError, Interrupted):
        return
    except Exception as error:
        assert command.name in ("source", "nested"), error  # their examples name files
        return
    finally:
        timer.cancel()
    value = plain(result)
    assert json.loads(json.dumps(value)) == value
    walk(value)


def walk(value: object, name: str = "") -> None:
    if isinstance(value, dict):
        for key, part in value.items():
            assert key not in ("compiled", "action"), "the debugger's own"
            walk(part, key)
    elif isinstance(value, list):
        for part in value:
            walk(part, name)
    elif name in HEXADECIMAL:
        assert value is None or isinstance(value, bool | str), (name, value)


def test_what_is_no_data_is_refused() -> None:
    with pytest.raises(AssertionError, match="which is no data"):
        plain({"x": object()})
