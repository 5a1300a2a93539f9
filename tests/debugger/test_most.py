"""Which exit is most frequent, from where, and why: held to a count of the list by hand."""

from __future__ import annotations

from collections import Counter

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.errors import UsageError
from ppcdbg.views.kinds import kind_role
from ppcdbg.views.results import lines
from ppcdbg.views.spans import ROLES, to_text


@pytest.fixture(scope="module")
def demo() -> Debugger:
    debugger = open_guest("demo", engine="reference")
    debugger.step_exit(1500)
    return debugger


@pytest.mark.parametrize("name", ["", "program", "ITLB_MISS"])
def test_it_is_what_the_list_says(demo: Debugger, name: str) -> None:
    found = demo.execute(f"most {name}")
    kinds = Counter(record.name for record in demo.exits)
    assert found.kind == (name.upper() or kinds.most_common(1)[0][0])
    of_kind = [record for record in demo.exits if record.name == found.kind]
    assert (found.count, found.exits) == (len(of_kind), len(demo.exits))
    functions = Counter(demo.symbols.place(record.pc).name for record in of_kind)  # type: ignore[union-attr]
    assert functions[found.function] == found.inside == max(functions.values())
    there = [r for r in of_kind if r.pc == found.address]
    assert found.example.record is not None and found.example.record.number == there[-1].number
    said = " ".join(to_text(lines(found, demo, 300)).split())
    assert f"are {found.kind}; " in said and f"come from {found.function}, most at {found.address:08x}" in said
    assert f"For example, exit {there[-1].number:,}: " in said


def test_a_kind_that_did_not_come_is_named(demo: Debugger) -> None:
    with pytest.raises(UsageError, match="there was no exit HV_PRIV; there were: PROGRAM, DTLB_MISS"):
        demo.execute("most HV_PRIV")
    with pytest.raises(UsageError, match="no exit yet"):
        open_guest("demo", engine="reference").execute("most")


def test_every_family_of_exits_has_a_role() -> None:
    roles = {kind_role(name) for name in ("DTLB_MISS", "HV_PRIV", "SYSCALL", "DECREMENTER", "FP_UNAVAIL")}
    assert len(roles) == 5 and roles <= set(ROLES)
