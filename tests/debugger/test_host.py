"""What the host has and does at an exit, and how long exits took: the tables of the host family."""

from __future__ import annotations

import pytest

from ppcdbg.debugger import Debugger, UsageError, open_guest
from ppcdbg.debugger.results import Table
from ppcdbg.kvm.codes import EXIT_TYPE_NAMES, UNNAMED_EXIT_TYPES
from ppcdbg.kvm.host_side import rows
from ppcdbg.kvm.vcpu import Vcpu


def side(guest: Debugger, number: int) -> tuple[dict[str, tuple[str, bool, str]], dict[str, str]]:
    has, does = guest.execute(f"info host-side {number}")
    assert isinstance(has, Table) and isinstance(does, Table)
    return (
        {str(name): (str(value), valid == "yes", str(why)) for name, value, valid, why in has.rows},
        {str(step).partition(" ")[0]: str(here) for _, step, here in does.rows},
    )


@pytest.fixture(scope="module", params=["e500v2", "e500mc"])
def ran(request: pytest.FixtureRequest) -> Debugger:
    guest = open_guest("demo", cpu=request.param)
    guest.continue_()
    return guest


def test_registers_that_an_exit_captures_are_its_own_and_the_others_an_earlier_ones(ran: Debugger) -> None:
    last: dict[str, int] = {}
    tried: set[str] = set()
    for record in ran.exits:
        if record.name not in tried and len(last) == 3:
            tried.add(record.name)
            has, _ = side(ran, record.number)
            for name, key, value in (("DEAR", "dear", record.dar), ("ESR", "esr", record.esr)):
                fresh = key in record.captured
                where = "of this exit" if fresh else f"of exit {last[key]} ({ran.exits[last[key]].name})"
                assert has[name] == (f"{value:08x}", fresh, where), record
                if not fresh:
                    before = ran.exits[last[key]]
                    assert value == (before.dar if key == "dear" else before.esr)
        last |= dict.fromkeys(record.captured, record.number)
    assert {"DTLB_MISS", "DECREMENTER"} <= tried


def test_the_hosts_work_is_told_by_exit(ran: Debugger) -> None:
    hv = ran.guest.kind == "hv"
    found = {r.name: r.number for r in ran.exits}
    _, does = side(ran, found["DECREMENTER"])
    assert does["kvmppc_restart_interrupt"] == "timer_interrupt"
    has, _ = side(ran, found["DECREMENTER"])
    assert has["pt_regs"][:2] == ("timer_interrupt", False)
    mmio = next(r.number for r in ran.exits if r.resume == "RESUME_HOST_NV")
    _, does = side(ran, mmio)
    assert does["need_resched"] == "not reached" and does["return"] == "RESUME_HOST_NV"
    assert ("kvmppc_get_last_inst" in does) is hv
    if hv:
        has, _ = side(ran, found["GUEST_DBELL"])
        assert has["r15-r31"][1] is False


def test_a_fault_of_the_hosts_own_load_has_overwritten_dear_and_esr() -> None:
    guest = open_guest("execute-only", instruction_fetch="lwepx-marker")
    guest.execute("run-until fetch-fault after if exit == DTLB_MISS")
    has, does = side(guest, len(guest.exits) - 1)
    lost = "overwritten by the host's own load"
    assert has["DEAR"] == ("5000000c", False, lost) and has["ESR"] == ("00000040", False, lost)
    assert has["last_inst"][:2] == ("ffffffff", False)
    assert does["kvmppc_get_last_inst"] == "could not be read"


def test_the_table_of_all_exits_agrees_with_what_records_say_is_fresh(ran: Debugger) -> None:
    table = {row["name"]: row for row in rows(ran.core.model.name)}
    for record in ran.exits:
        row = table[record.name]
        assert (row["DEAR"], row["ESR"]) == ("dear" in record.captured, "esr" in record.captured)
        if not any(a.did.value == "fetch-fault" for a in record.actions):
            assert row["instruction"] == ("inst" in record.captured), record


# --- exit timing ------------------------------------------------------------------------------------------------------
def test_exit_timing_books_each_exit_and_the_guests_time(ran: Debugger) -> None:
    """All but the last exit, and those before the first that had a type: what each cost, and the time between them."""
    v = ran.system.kvm  # type: ignore[attr-defined]
    assert isinstance(v, Vcpu)
    names = [name or UNNAMED_EXIT_TYPES[n] for n, name in enumerate(EXIT_TYPE_NAMES)]
    booked = [r for r in ran.exits[:-1] if r.accounted]
    rows_of = dict(zip(names, v.timing.rows(), strict=True))
    guest = rows_of.pop("TIMEINGUEST")
    for name, row in rows_of.items():
        own = [r.cost for r in booked if r.accounted == name]
        assert row.count == len(own), name
        if own:
            assert row.minimum >= min(own) and row.total >= sum(own)  # and what passed until the entry
            assert row.squares * row.count >= row.total**2 and row.minimum <= row.mean <= row.maximum
    assert guest.count == len(booked)
    first = booked[0]
    passed = sum(row.total for row in rows_of.values()) - sum(r.cost for r in booked)
    assert passed + guest.total == ran.exits[-1].tick - first.tick


def test_exit_timing_is_printed_as_the_kernel_does(ran: Debugger) -> None:
    v = ran.system.kvm  # type: ignore[attr-defined]
    shown = ran.execute("info timing us")
    assert isinstance(shown, Table)
    assert [row[0] for row in shown.rows] == [name or "(null)" for name in EXIT_TYPE_NAMES]
    mmio, row = shown.rows[0], v.timing.rows()[0]
    assert shown.columns == ("type", "count", "min", "max", "sum", "sum_squared")
    assert mmio == ("MMIO", row.count, *(n // 400 for n in (row.minimum, row.maximum, row.total, row.squares)))
    ticks = ran.execute("info timing")
    assert isinstance(ticks, Table)
    assert ticks.rows[0][-2:] == (row.total, row.squares)
    with pytest.raises(UsageError, match="takes us or nothing"):
        ran.execute("info timing ms")


def test_the_bare_machine_has_no_host() -> None:
    guest = open_guest("demo", hv="none")
    for command in ("info host-log", "info host-side", "info timing"):
        with pytest.raises(UsageError, match="the bare machine has no host"):
            guest.execute(command)
