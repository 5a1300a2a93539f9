"""Questions about the past: each is held to what running forwards shows, and leads to where it happened."""

from __future__ import annotations

import pytest

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.entries import place, read
from ppcdbg.debugger.searches import Change
from ppcdbg.debugger.stops import Cause
from ppcdbg.errors import Interrupted, UsageError
from ppcdbg.machine.system import Limits
from tests.session.systems import demo, everything, make
from tests.views.golden import check

TWO = [("e500v2", "kvm"), ("e500mc", "none")]


def on(cpu: str, hv: str, engine: str = "llvm") -> Debugger:
    machine = demo(cpu, hv, engine)
    return Debugger(make(machine), machine.kernel)


def where(d: Debugger) -> tuple[int, int, int]:
    return d.position, d.system.steps, d.pc


def test_an_interrupt_ends_a_search_of_all_addresses() -> None:
    d = on("e500v2", "kvm")
    looks = iter(range(1 << 20))
    d.runner.between = lambda: d.interrupt() if next(looks) == 3 else None
    with pytest.raises(Interrupted, match="looked for up to 0x300000"):
        d.execute("find 0, 0xffffffff, 0x12345678")
    d.runner.between = None
    d.forget_interrupt()
    assert d.execute("stepi").stop.position == 1


@pytest.mark.parametrize(("cpu", "hv"), TWO)
def test_the_last_change_of_a_register_is_the_last_by_stepping(cpu: str, hv: str) -> None:
    plain = on(cpu, hv)
    names = ["r1", "r5", "r20", "msr", "srr0", "sprg0"]
    plain.system.run(Limits(17_000))
    changed: dict[str, tuple[int, int, int]] = {}
    before = {n: plain.register_file.read(n) for n in names}
    for position in range(17_001, 18_501):
        plain.system.run(Limits(position))
        for n in names:
            now = plain.register_file.read(n)
            if now != before[n]:
                changed[n] = (position, before[n], now)
                before[n] = now
    assert len(changed) >= 4
    d = on(cpu, hv)
    d.execute("run-to 18500")
    here = everything(d.system)
    for n, (position, old, new) in changed.items():
        change, report = d.execute(f"last ${n}")
        assert (change.old, change.new, change.exact) == (f"{old:08x}", f"{new:08x}", True), n
        assert d.position == position == report.position and d.value(f"${n}") == new
        d.execute("back")
        assert everything(d.system) == here
    with pytest.raises(UsageError, match="is a clock"):
        d.execute("last $tbl")
    with pytest.raises(UsageError, match=r"\$usprg0 did not change between position 0 and here"):
        d.execute("last $usprg0")
    assert everything(d.system) == here


def test_far_back_a_register_is_found_by_halving(monkeypatch: pytest.MonkeyPatch) -> None:
    from ppcdbg.debugger import searches

    near = on("e500v2", "kvm").execute  # the same question with every instruction looked at
    near("run-to 20000")
    change, _ = near("last $ivpr")
    monkeypatch.setattr(searches, "STEPS", 4_000)
    d = on("e500v2", "kvm")
    d.execute("run-to 20000")
    halved, _ = d.execute("last $ivpr")
    assert (halved.position, halved.old, halved.new, halved.exact) == (change.position, change.old, change.new, False)


@pytest.mark.parametrize(("cpu", "hv"), TWO)
def test_the_last_change_of_a_tlb_entry(cpu: str, hv: str) -> None:
    """Held to the entry's words at each exit, or each instruction, of a stretch."""
    d = on(cpu, hv)
    d.execute("run-to 9000")
    here = where(d)
    for name in ("TLB0[17,1]", "TLB1[0]", "0x40011000"):
        at = place(d, name)
        now = read(d, at)
        change, _ = d.execute(f"last tlb {name}")
        assert isinstance(change, Change) and change.what == str(at) and "tlb" in change.how
        assert read(d, at) == now and where(d) < here
        d.execute(f"seek {change.position}")
        if hv == "none":
            assert read(d, at) != now
        d.execute("seek 9000")
    with pytest.raises(UsageError, match=r"TLB1\[9\] did not change between position 0 and here"):
        d.execute("last tlb TLB1[9]")
    assert where(d) == here


@pytest.mark.parametrize(("cpu", "hv"), TWO)
def test_a_change_of_an_entry_from_outside_is_one(cpu: str, hv: str) -> None:
    d = on(cpu, hv)
    d.execute("run-to 9000")
    d.execute("set tlb TLB1[2] v=1 ea=0x90000000 pa=0 size=1M sr=1")
    d.execute("run-to 12000")
    change, report = d.execute("last tlb TLB1[2]")
    assert (change.how, change.position, report.position) == ("userspace", 9_000, 9_000)


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_the_last_change_of_a_shadow_entry(cpu: str) -> None:
    d = on(cpu, "kvm")
    d.execute("run-to 9000")
    row = next(r for r in d.tlb().shadow if r.where.startswith("TLB0"))
    change, _ = d.execute(f"last stlb {row.where}")
    assert change.how in ("write", "evict") and change.exit is not None
    assert any(r.where == row.where and r.ea == row.ea for r in d.tlb().shadow)
    assert d.exits[-1].number == change.exit
    with pytest.raises(UsageError, match="no exits to a hypervisor"):
        on(cpu, "none").execute("last stlb TLB0[0,0]")


def test_the_last_exit_of_a_kind_or_about_an_address() -> None:
    d = on("e500v2", "kvm")
    d.execute("run-to 20000")
    records = list(d.exits)
    wanted = [r for r in records if 0x40011000 in (r.pc, r.dar) and r.name == "DTLB_MISS"][-1]
    for line in ("last exit at 0x40011000", "last exit DTLB_MISS at 0x40011000"):
        report = d.execute(line)
        assert report.held and report.record is not None and report.record.number == wanted.number
        assert (d.position, report.record.pc) == (wanted.position, wanted.pc)
        d.execute("back")
        assert d.position == 20_000
    by_pc = [r for r in records if r.pc == 0x100858][-1]
    assert d.execute("last exit at 0x100858").record.number == by_pc.number
    d.execute("seek 20000")
    assert d.execute("last exit").record.number == records[-1].number
    assert d.execute("last exit").record.number == records[-1].number - 1
    d.execute("seek 20000")
    with pytest.raises(UsageError, match="exit PROGRAM at 0x7 did not happen"):
        d.execute("last exit PROGRAM at 7")
    first = next(r for r in records if r.name == "DTLB_MISS")
    assert d.execute("first exit DTLB_MISS").record.number == first.number
    with pytest.raises(UsageError, match="does not happen"):
        d.execute('first console "never printed"')
    assert d.position == first.position


@pytest.mark.parametrize(("cpu", "hv"), TWO)
def test_the_writers_of_a_range_are_its_watchpoints_hits(cpu: str, hv: str) -> None:
    plain = on(cpu, hv)
    plain.execute("break data 0x103c00..0x103cff write")
    hits: dict[int, list[int]] = {}
    while plain.execute("continue").cause is Cause.BREAKPOINT and plain.position <= 3_000:
        hit = plain.last.hits[-1]
        hits.setdefault(hit.pc, []).append(hit.position)
    d = on(cpu, hv)
    d.execute("run-to 3000")
    here = everything(d.system)
    found = d.execute("writers 0x103c00..0x103cff")
    assert everything(d.system) == here and not list(d.breakpoints)
    assert {w.pc: (w.count, w.first_position, w.last_position) for w in found.rows} == {
        pc: (len(at), at[0], at[-1]) for pc, at in hits.items()
    }
    most = found.rows[0]
    assert d.execute(f"seek {most.last_position}").pc == most.pc
    d.execute("seek 3000")
    part = d.execute("writers 0x103c00..0x103cff from 1200")
    assert sum(w.count for w in part.rows) == sum(at >= 1_200 for times in hits.values() for at in times)
    d.execute("set var *(u32 *)0x103c10 = 7")
    outside = d.execute("writers 0x103c10,+4 from 2999").rows
    assert [(w.pc, w.place, w.count, w.value) for w in outside] == [(None, "from outside", 1, 7)]
    if (cpu, hv) == ("e500v2", "kvm"):
        check("writers", _shown(found, d), 100)


def _shown(found: object, d: Debugger) -> list[tuple[object, ...]]:
    from ppcdbg.views.results import lines

    return lines(found, d, 100)  # type: ignore[return-value]


@pytest.mark.parametrize("line", ["last $usprg0", "last tlb TLB1[9]", "writers 0x103c00..0x103cff"])
def test_a_search_can_be_stopped_and_the_guest_stays(line: str) -> None:
    d = on("e500v2", "kvm")
    d.execute("run-to 20000")
    here = everything(d.system)
    d.runner.between = d.interrupt
    with pytest.raises(Interrupted):
        d.execute(line)
    d.runner.between = None
    d.forget_interrupt()
    assert everything(d.system) == here
