"""Two sessions side by side: the same run, or where and in what they part."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcdbg.cli.main import main
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import Limits, System
from tests.session.systems import demo
from tests.session.test_files import record


def changed(system: System) -> None:
    system.run(Limits(12_345))
    system.input.add(InputKind.REGISTER, name="r29", value=0x1234)


@pytest.mark.parametrize("hv", ["kvm", "none"])
def test_the_first_divergence_is_named(tmp_path: Path, hv: str, capsys: pytest.CaptureFixture[str]) -> None:
    one, same, other = (tmp_path / f"{name}.ppcdbg" for name in ("one", "same", "other"))
    record(one, demo("e500v2", hv, "llvm"))
    record(same, demo("e500v2", hv, "reference"))
    record(other, demo("e500v2", hv, "llvm"), changed)
    assert main(["session", "diff", str(one), str(same)]) == 0
    assert "the same" in capsys.readouterr().out
    assert main(["session", "diff", str(one), str(other)]) == 1
    told = capsys.readouterr().out
    assert "The states part at 12,345: r29 is" in told and "00001234 in other" in told
