"""SPR exits: what becomes of the guest in every configuration, on both cores."""

from __future__ import annotations

import pytest

from ppcdbg.explore.spr_exits import CONFIGURATIONS, Outcome, outcomes, rows
from ppcdbg.machine.description import describe
from tests.guests.expected import IMAGE

Unknown, Epr = tuple[int, ...] | None, tuple[int, ...] | None
PIL: Unknown = None
TWICE, ONCE, NEVER = (42, 42), (42, 0xFFFF), (0, 0)
PR: dict[str, tuple[Unknown, int, Epr, bool, dict[str, int]]] = {
    # unknown SPR, debug interrupts, EPR, reset by DBCR0[RST], exits to userspace
    "the bare machine": (PIL, 1, TWICE, True, {}),
    "Linux 6.1": (PIL, 1, TWICE, False, {"UNKNOWN": 1}),
    "Linux 6.1, MPIC in userspace": (PIL, 1, TWICE, False, {"EPR": 1, "UNKNOWN": 1}),
    "unknown: ignore": ((0, 0), 1, TWICE, False, {}),
    "unknown: exit, userspace fails it": (PIL, 1, TWICE, False, {"SPR": 1}),
    "unknown: exit, userspace has it": ((0x1234, 0x5678), 1, TWICE, False, {"SPR": 18}),
    "as posted": ((0x1234, 0x5678), 0, ONCE, True, {"SPR": 24}),
    "as posted, MPIC in KVM": ((0x1234, 0x5678), 0, None, True, {"SPR": 24}),
    "(a) EPR is the MPIC's": ((0x1234, 0x5678), 0, TWICE, True, {"SPR": 22}),
    "(b) KVM keeps some bits": ((0x1234, 0x5678), 1, ONCE, True, {"SPR": 21}),
    "a later KVM, unasked": ((0, 0x5678), 1, ONCE, True, {"SPR": 3}),
    "(c) a capability, not enabled": ((0x1234, 0x5678), 1, ONCE, True, {"SPR": 21}),
    "(c) a capability, enabled": ((0x1234, 0x5678), 1, ONCE, True, {"SPR": 3}),
    "KVM_EXIT_RESET instead": (PIL, 1, TWICE, True, {"EPR": 1, "RESET": 1, "UNKNOWN": 1}),
    "KVM_EXIT_SYSTEM_EVENT instead": (PIL, 1, TWICE, True, {"EPR": 1, "SYSTEM_EVENT": 1, "UNKNOWN": 1}),
}
"""On e500v2 every privileged SPR traps, so all of it is KVM's to decide."""
HV: dict[str, tuple[Unknown, int, Epr, bool, dict[str, int]]] = {
    # the hardware has EPR for the guest, and tells it itself that SPR 976 is illegal: nothing but DBCR0 traps
    "the bare machine": (PIL, 1, TWICE, True, {}),
    "Linux 6.1": (PIL, 1, TWICE, False, {}),
    "Linux 6.1, MPIC in userspace": (PIL, 1, TWICE, False, {"EPR": 1}),
    "unknown: ignore": (PIL, 1, TWICE, False, {}),
    "unknown: exit, userspace fails it": (PIL, 1, TWICE, False, {}),
    "unknown: exit, userspace has it": (PIL, 1, TWICE, False, {}),
    "as posted": (PIL, 0, NEVER, True, {"SPR": 4}),
    "as posted, MPIC in KVM": (PIL, 0, NEVER, True, {"SPR": 4}),
    "(a) EPR is the MPIC's": (PIL, 0, TWICE, True, {"SPR": 4}),
    "(b) KVM keeps some bits": (PIL, 1, NEVER, True, {"SPR": 1}),
    "a later KVM, unasked": (PIL, 1, NEVER, True, {"SPR": 1}),
    "(c) a capability, not enabled": (PIL, 1, NEVER, True, {"SPR": 1}),
    "(c) a capability, enabled": (PIL, 1, NEVER, True, {"SPR": 1}),
    "KVM_EXIT_RESET instead": (PIL, 1, TWICE, True, {"EPR": 1, "RESET": 1}),
    "KVM_EXIT_SYSTEM_EVENT instead": (PIL, 1, TWICE, True, {"EPR": 1, "SYSTEM_EVENT": 1}),
}
WANTED = {"e500v2": PR, "e500mc": HV}


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], Outcome]:
    return {(o.cpu, o.name): o for cpu in WANTED for o in outcomes(cpu)}


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("cpu", WANTED)
def test_what_becomes_of_the_guest(cpu: str, name: str, found: dict[tuple[str, str], Outcome]) -> None:
    o = found[cpu, name]
    assert (o.unknown, o.debug, o.epr, o.reset, o.exits) == WANTED[cpu][name], o.console
    assert o.reset is ("DBCR0" in o.end or "KVM_EXIT" in o.end)


def test_userspace_that_has_dbcr0_keeps_it_and_the_vcpu_never_sees_it(found: dict[tuple[str, str], Outcome]) -> None:
    """Why case (b) is asked for: the guest reads back what it wrote, and its debug interrupt does not come."""
    posted, split = found["e500v2", "as posted"], found["e500v2", "(b) KVM keeps some bits"]
    assert posted.dbcr0 == split.dbcr0 == 0x40800000 and (posted.debug, split.debug) == (0, 1)


def test_the_table_has_a_row_for_each() -> None:
    table = rows("e500v2")
    assert [row["configuration"] for row in table] == [*CONFIGURATIONS]
    posted = next(row for row in table if row["configuration"] == "as posted")
    assert (posted["unknown SPR"], posted["debug"], posted["EPR"], posted["reset"], posted["exits"]) == (
        "1234 5678", 0, "42 65535", "yes", "SPR 24"
    )  # fmt: skip
    assert posted["options"] == "--unknown-spr exit --user-sprs 0x3d0=0x1234 --irqchip user --spr-exits all"


def test_every_value_of_the_option_is_in_the_table() -> None:
    from ppcdbg.kvm.spr_exits import SprExits
    from ppcdbg.machine.description import CHOICES

    assert {s.value for s in SprExits} == {*CHOICES["spr_exits"]}
    assert {o.get("spr_exits", "off") for o in CONFIGURATIONS.values()} == {*CHOICES["spr_exits"]}
    assert {o.get("unknown_spr", "fail") for o in CONFIGURATIONS.values()} == {*CHOICES["unknown_spr"]}


@pytest.mark.parametrize("engine", ["reference", "llvm"])
@pytest.mark.parametrize("name", ["as posted", "(b) KVM keeps some bits", "(c) a capability, enabled"])
def test_either_engine_gives_it(engine: str, name: str, found: dict[tuple[str, str], Outcome]) -> None:
    from ppcdbg.explore.spr_exits import outcome

    options = CONFIGURATIONS[name]
    machine = describe(IMAGE.with_name("spr-exits.toml"), {**options, "engine": engine})
    assert outcome(name, options, machine) == found["e500v2", name]
