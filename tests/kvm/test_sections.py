"""What is said of a critical section without running it, against what running it showed (``test_deferral``)."""

from __future__ import annotations

import pytest

from ppcdbg.debugger import Debugger, open_guest
from ppcdbg.kvm.sections import Fate, Section, outcome, section
from ppcdbg.kvm.walk import Role
from tests.guests.expected import SECTIONS
from tests.kvm.test_deferral import late, rows

PAGE = 0xFFFFF000
ENTER = 0x9020F01C
ROUNDS = ("plain", "nop exit", "notify", "disordered")
IN_LINE = 19
"""Instructions of the section up to its end where nothing is pending; the disordered one has one more."""


@pytest.fixture(scope="module")
def guest() -> Debugger:
    return open_guest(SECTIONS)


def sections(guest: Debugger) -> dict[str, Section]:
    read = guest.memory.instruction
    starts = [at for at in range(0x100000, 0x100800, 4) if read(at) == ENTER]
    return {name: section(read, at, PAGE) for name, at in zip(ROUNDS, starts, strict=True)}


def boundaries(found: Section, policy: str, fate: Fate) -> list[int]:
    """How many instructions have been carried out at the boundaries with one fate."""
    return [i for i, b in enumerate(found.steps) if outcome(policy, b).fate is fate]


@pytest.mark.parametrize("policy", ["stock", "single-step", "read-only", "ordered"])
@pytest.mark.parametrize("name", ["plain", "disordered"])
def test_the_window_is_where_interrupts_were_late(guest: Debugger, policy: str, name: str) -> None:
    assert boundaries(sections(guest)[name], policy, Fate.LOST) == late(rows(policy)[0][name])


def test_a_delay_is_as_long_as_was_said(guest: Debugger) -> None:
    """The policies that deliver at the end: the longest delay that was measured is the longest that was foretold."""
    for policy in ("single-step", "read-only"):
        told = [outcome(policy, b) for found in sections(guest).values() for b in found.steps]
        ends = [o.wait for o in told if o.fate is Fate.END and o.wait is not None]
        assert max(most for _, most in ends) == rows(policy)[1].longest


def test_the_lanes(guest: Debugger) -> None:
    found = sections(guest)["plain"]
    roles = [b.role for b in found.steps]
    assert roles[0] is Role.ENTER and roles.count(Role.LEAVE) == 2 and roles[-1] is Role.REAL
    assert [" ".join(b.saved) for b in found.steps[:7]] == [
        "", "", "r31", "r31 r30", "r31 r30", "r31 r30 CR", "r31 r30 CR",
    ]  # fmt: skip
    assert [" ".join(b.saved) for b in found.steps[14:19]] == ["r31 r30 CR", "r30 CR", "r30 CR", "r30", ""]
    assert not found.steps[0].inside and all(b.inside for b in found.steps[1:IN_LINE])
    assert found.problems == ()
    assert "ordering rule" in sections(guest)["disordered"].problems[0]


def code(words: list[int]) -> Section:
    return section(lambda at: words[at // 4] if 0 <= at // 4 < len(words) else None, 0, PAGE)


def test_a_section_that_cannot_be_followed_says_so() -> None:
    assert "leaves at 0x4 by lr" in code([ENTER, 0x4E800020]).problems[0]
    assert "cannot be read" in code([ENTER, 0x60000000]).problems[0]
    endless = code([ENTER, 0x48000000])
    assert endless.problems == ("no store ends the section",)
    assert endless.steps[1].end is None and endless.steps[1].stock.fate is Fate.MASKED
    assert "no store of r1" in code([0x60000000, 0x9040F01C]).problems[0]


def test_a_loop_in_a_section_has_a_least_way_out() -> None:
    """Ours, as the demo guest waits: look at int_pending until it is set."""
    words = [ENTER, 0x82A0F064, 0x2C150000, 0x4182FFF8, 0x9040F01C, 0x7C008146]
    found = code(words)
    assert [b.end for b in found.steps] == [None, (4, 4), (3, 3), (2, 2), (1, 1), None]
    assert found.steps[4].stock.fate is Fate.REAL
