"""Every bug that the differential tests found stays mended, on each engine."""

from __future__ import annotations

import pytest

from tests.differential.case import parse
from tests.differential.ours import ready
from tests.differential.peers import GENERAL_NAMES
from tests.differential.regressions import REGRESSIONS, Regression


@pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda r: r.name.replace(" ", "-"))
def test_regression(regression: Regression, engine_name: str) -> None:
    case = parse(regression.line)
    peer = ready(case.core, engine_name)
    peer.write_memory(case.general[32], case.word.to_bytes(4, "big"))
    found = dict(zip(GENERAL_NAMES, peer.step(case.general, case.others), strict=True))
    wanted = {name: int(value, 16) for name, _, value in (item.partition("=") for item in regression.after.split())}
    found |= peer.read(tuple(wanted))
    assert {name: f"{found[name]:08x}" for name in wanted} == {name: f"{v:08x}" for name, v in wanted.items()}


@pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda r: r.name.replace(" ", "-"))
def test_case_lines_survive_the_way_out_and_in(regression: Regression) -> None:
    case = parse(regression.line)
    assert parse(case.line()) == case
