"""The debugger on a guest under the KVM model: exits, filters, events, both TLBs, the guest's view."""

from __future__ import annotations

import random
from array import array
from operator import eq, ge, gt, le, lt, ne
from pathlib import Path

import pytest

from ppcdbg.cpu.mmu import Access
from ppcdbg.debugger.causes import cause_of
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.marked import Marked
from ppcdbg.debugger.quick import Both, Comparison, Either, Plan, compared, plan
from ppcdbg.debugger.results import Space
from ppcdbg.debugger.stops import Cause
from ppcdbg.debugger.syntax import parse
from ppcdbg.errors import UsageError
from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.records import Did
from ppcdbg.machine.description import MachineDescription, describe
from tests.debugger.rig import RFI, SPIN, addi, branch, elf, li, lwz, mfspr, mtspr

DEMO = Path(__file__).resolve().parents[2] / "ppcdbg/_guests/demo.toml"
ENTRY = 0x10000

# li; mtspr SPRG0,r3; mfspr r4,SPRG0; mfmsr r5; lwz r6,0x100(0); addi; back to the mtspr
GUEST = (li(3, 5), mtspr(272, 3), mfspr(4, 272), 0x7CA000A6, lwz(6, 0x100, 0), addi(3, 3, 1), branch(-20))


def raw(tmp_path: Path, *words: int, cpu: str = "e500v2") -> Debugger:
    """A raw guest under KVM at ENTRY."""
    image = tmp_path / "guest.bin"
    image.write_bytes(b"".join(w.to_bytes(4, "big") for w in words))
    symbols = elf([("entry", ENTRY, 4 * len(words), True)], tmp_path / "guest.elf")
    description = MachineDescription(kernel=image, cpu=cpu, load=ENTRY, memory=64 << 20, engine="reference")
    return Debugger(build_system(description), symbols, "raw")


def demo() -> Debugger:
    description = describe(DEMO, {"engine": "reference"})
    return Debugger(build_system(description), description.kernel)


def test_step_exit_stops_after_each_exit(tmp_path: Path) -> None:
    d = raw(tmp_path, *GUEST)
    reports = [d.step_exit() for _ in range(4)]
    assert [r.record.name for r in reports if r.record] == ["ITLB_MISS", "PROGRAM", "PROGRAM", "PROGRAM"]
    assert [cause_of(r.record) for r in reports if r.record] == [
        "fetch 00010000",
        "mtspr SPRG0",
        "mfspr SPRG0",
        "mfmsr r5",
    ]
    assert [r.position for r in reports] == [0, 2, 3, 4]
    assert d.register("sprg0").value == 5, "the guest's register, which the core does not hold"
    assert all(r.last_exit - r.first_exit == 1 for r in reports)


def test_a_step_counts_the_emulated_instruction_and_is_not_stopped_by_its_exit(tmp_path: Path) -> None:
    d = raw(tmp_path, *GUEST)
    pcs = [d.step().pc for _ in range(7)]
    assert pcs == [ENTRY + 4 * i for i in range(1, 7)] + [ENTRY + 4]
    assert d.position == 7


def test_filter_and_break_on_exit_fields(tmp_path: Path) -> None:
    d = raw(tmp_path, *GUEST)
    b = d.execute("break exit PROGRAM if inst == mfmsr and pc == entry + 12")
    report = d.continue_()
    assert report.breakpoints == (b.number,) and report.record is not None
    assert report.record.pc == ENTRY + 12
    d.execute("condition 1 inst == mtspr and spr == SPRG0")
    d.execute("ignore 1 2")
    d.continue_()
    found = d.exit_filter("exit == PROGRAM and did == emul and spr == SPRG0")
    assert len(found) == 6 and all(cause_of(r).endswith("SPRG0") for r in found.page(0, 99))
    assert d.exit_filter('cause == "mfspr*"')[1].pc == ENTRY + 8
    assert len(d.exit_filter("exit == DTLB_MISS and dear >= 0xc0000000")) == 0
    with pytest.raises(UsageError, match="did you mean"):
        d.exit_filter("exti == DTLB_MISS")


DTLB, DEAR = Comparison(2, "==", 13), Comparison(5, ">=", 0xC0000000)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("exit == DTLB_MISS and dear >= 0xc0000000", Plan(Both(DTLB, DEAR), True)),
        ("0xc0000000 <= dar", Plan(DEAR, True)),
        ("did == map and reason == 13", Plan(DTLB, False)),
        ("did == map and (exit == dtlb_miss or dear >= 0xc0000000)", Plan(Either(DTLB, DEAR), False)),
        ("exit == DTLB_MISS or did == map", None),
        ("not exit == DTLB_MISS", None),
        ("exit != DTLB_MISS", Plan(Comparison(2, "!=", 13), True)),
        ("exit is not 13 and did == map", Plan(Comparison(2, "!=", 13), False)),
        ("dear >= 0x1_0000_0000", None),
        ("pc == start", None),
    ],
)
def test_what_rows_tell_of_a_filter(text: str, wanted: Plan | None) -> None:
    assert plan(parse(text)) == wanted


def test_an_exit_name_alone_is_told_how_it_is_asked_for(tmp_path: Path) -> None:
    """It used to ask back: nothing is called 'DTLB_MISS'; did you mean DTLB_MISS?"""
    with pytest.raises(UsageError, match="did you mean exit == DTLB_MISS"):
        raw(tmp_path, *GUEST).exit_filter("dtlb_miss")


@pytest.mark.parametrize("kind", ["I", "Q"])
def test_a_column_is_compared_at_once_as_each_of_its_numbers(kind: str) -> None:
    chance = random.Random(7)
    bits = 8 * array(kind).itemsize
    some = [chance.getrandbits(chance.choice((3, 9, 17, bits))) for _ in range(300)]
    some += [0, 1, 255, 256, (1 << bits) - 1]
    column = array(kind, some)
    for value in (*some[:40], 0, 1, 255, 256, (1 << bits) - 1, 1 << bits, 1 << bits + 3):
        for how, test in (("<", lt), ("<=", le), (">", gt), (">=", ge), ("==", eq), ("!=", ne)):
            assert [*compared(column, how, value)] == [int(test(one, value)) for one in some], (how, value)


def test_a_filter_finds_the_same_with_and_without_its_short_cut() -> None:
    d = demo()
    d.continue_()
    for text in ("exit == PROGRAM and inst == mfmsr", "exit == DTLB_MISS or exit == SYSCALL", "8 == exit",
                 "pc >= 0x100c00 and pc < 0x100d00", "insn > 20000 or dear != 0", "0x100d18 != pc", "cost <= 960",
                 "did == map and (esr == 0 or tick >= 9000)", "exit is not PROGRAM", "spr == SPRG0", "inst == mtmsr",
                 "(dear & 0xfff) == 0 and not did == map", "cause == 'st *'", "cause == 'mfspr*' and insn > 5000",
                 "user or symbol == touch_pages", "msr.ee == 1 && spr", "cost / (esr - esr) == 1 or exit == PROGRAM",
                 "(exit == PROGRAM and cost > 900) or (exit == DTLB_MISS or dear < 0x1000) and insn < 20000",
                 "prio == DECREMENTER or exit == SYSCALL", "dear == $r1 or did == mmio", "number < 40"):  # fmt: skip
        found = d.exit_filter(text)
        wanted = [r for r in d.exits if found.accepts(r)]
        assert found.page(0, 10_000) == wanted, text
        assert len(found) or "/" in text or "$r1" in text
        piecemeal = d.exit_filter(text)
        while not piecemeal.extend(200):
            pass
        assert piecemeal.page(0, 10_000) == wanted, text


def test_marks_are_the_numbers_that_they_mark() -> None:
    chance, marked, numbers, start = random.Random(3), Marked(), list[int](), 0
    for _ in range(60):
        marks = bytes(chance.randrange(5) == 0 and chance.randrange(2) for _ in range(chance.randrange(1, 30)))
        marked.add(start, marks)
        numbers += [start + i for i, one in enumerate(marks) if one]
        start += len(marks) + chance.randrange(3)
    assert [*marked] == numbers and marked[-1] == numbers[-1] and numbers
    assert all(marked.below(n) == sum(one < n for one in numbers) for n in range(start + 5))


def test_filter_grows_with_the_log(tmp_path: Path) -> None:
    d = raw(tmp_path, *GUEST)
    found = d.exit_filter("inst == mfmsr")
    lengths = []
    for _ in range(5):
        d.step_exit(3)
        lengths.append(len(found))
    assert lengths == sorted(lengths) and lengths[-1] > lengths[0]
    assert [r.number for r in found.page(0, 2)] == [n for n in range(len(d.exits)) if found.accepts(d.exits[n])][:2]
    assert found.place(found[1].number) == 1


@pytest.mark.parametrize(
    ("event", "check"),
    [
        ("exit SYSCALL", lambda r: r.name == "SYSCALL"),
        ("insn tlbwe", lambda r: cause_of(r) == "tlbwe"),
        ("spr IVPR write", lambda r: cause_of(r) == "mtspr IVPR"),
        ("spr PVR read", lambda r: cause_of(r) == "mfspr PVR"),
        ("mmio serial0 write", lambda r: r.actions[0].device == "serial0" and r.actions[0].write),
        ("mmio 0xfe0004505", lambda r: r.actions[0].gpa == 0xFE0004505),
        ("hcall KVM_HC_FEATURES", lambda r: r.name == "SYSCALL" and not r.actions),
        ("hcall KVM_HC_FEATURES after", lambda r: any(a.did is Did.HYPERCALL for a in r.actions)),
        ("queued DECREMENTER", lambda r: 18 in r.queued),
        ("delivered EXTERNAL_LEVEL", lambda r: r.delivered == 20),
    ],
)
def test_run_until_every_kind_of_event(event: str, check) -> None:
    d = demo()
    report = d.execute(f"run-until {event}")
    assert report.cause is Cause.UNTIL and report.told == (event,)
    assert report.record is not None and check(report.record)
    earlier = [r for r in d.exits[: report.record.number] if check_safely(check, r)]
    assert not earlier, "the first such event stops, not a later one"


def check_safely(check, record) -> bool:
    return bool(record.actions) and check(record) or not record.actions and False


def test_trace_of_exits_equals_the_log() -> None:
    d = demo()
    d.execute("trace exit SYSCALL")
    report = d.continue_()
    assert report.cause is Cause.ENDED
    wanted = [r.number for r in d.exits if r.name == "SYSCALL"]
    assert [t.record.number for t in report.traces if t.record] == wanted and wanted


def test_stopping_at_every_exit_changes_nothing() -> None:
    """The same run whether the debugger looks at each exit or at none."""
    watched, alone = demo(), demo()
    while watched.step_exit().cause is not Cause.ENDED:
        pass
    alone.continue_()
    assert watched.position == alone.position
    assert list(watched.exits) == list(alone.exits)
    assert watched.console() == alone.console()
    assert bytes(watched.core.state.block) == bytes(alone.core.state.block)


def test_both_tlbs_are_linked_both_ways() -> None:
    d = demo()
    d.execute("run-until exit SYSCALL")
    view = d.tlb()
    assert view.guest and view.shadow
    for i, row in enumerate(view.guest):
        for j in row.links:
            child = view.shadow[j]
            assert child.links == (i,)
            assert row.ea <= child.ea < row.ea + row.size
            assert child.physical - child.ea == row.physical - row.ea
    assert any(not row.links or view.guest[row.links[0]] for row in view.shadow)


def test_explain_says_which_test_failed(tmp_path: Path) -> None:
    d = raw(tmp_path, *GUEST)
    d.step()
    found = d.explain(ENTRY, Access.FETCH)
    assert found.outcome == "mapped" and found.real == ENTRY and found.target == "RAM"
    assert [c.failed for c in found.candidates] == [""]
    assert found.next_event == "", "its shadow entry is there"
    assert d.explain(0x3000).next_event == "DTLB_MISS", "mapped by the guest, not yet by the shadow"
    missing = d.explain(0x90000000, Access.STORE)
    assert (missing.outcome, missing.next_event, missing.real) == ("miss", "DTLB_MISS", None)
    d.system.kvm.pid = 5
    entry = d.model.tlb().guest[0]
    gtlb = d.system.kvm.gtlb
    image = gtlb.entry(1, 0)
    gtlb.put(1, 0, image.mas1 | 7 << 16, image.mas2, image.mas7_3)
    assert [(c.failed, c.detail) for c in d.explain(ENTRY, Access.FETCH).candidates] == [("PID", "TID=7, PID=5")]
    gtlb.put(1, 0, image.mas1 | 0x1000, image.mas2, image.mas7_3)
    assert [c.failed for c in d.explain(ENTRY, Access.FETCH).candidates] == ["address space"]
    gtlb.put(1, 0, image.mas1, image.mas2, image.mas7_3 & ~0x10)
    assert [(c.failed, c.detail) for c in d.explain(ENTRY, Access.FETCH).candidates] == [("permission", "SX=0")]
    assert entry.where == "TLB1[0]"


def test_memory_in_three_spaces() -> None:
    d = demo()
    d.execute("advance puts")
    here = d.read_memory(d.pc, 4).data
    page = d.guest.page(d.pc)
    assert page is not None
    assert here == d.read_memory(page.gpa | d.pc & 0xFFF, 4, Space.GPA).data
    assert page.real is not None and here == d.read_memory(page.real | d.pc & 0xFFF, 4, Space.REAL).data
    beyond = d.system.kvm.vm.memory_size
    assert d.read_memory(beyond + 0x2000, 4, Space.GPA).data == (None,) * 4, "the host's pages are not the guest's"


def test_looking_at_everything_changes_nothing() -> None:
    d = demo()
    d.execute("step-exit 700")
    state, tlb = bytes(d.core.state.block), list(d.system.kvm.gtlb.mas1)
    ram = bytes(d.core.bus.ram[: 1 << 21])
    for text in ("info registers all", "info tlb", "info irqprio", "exits -50", "why", "statistics", "x/64xw 0",
                 "explain 0xe0004500", "disassemble", "exit 5", "console", "info machine"):  # fmt: skip
        d.execute(text)
    assert bytes(d.core.state.block) == state
    assert list(d.system.kvm.gtlb.mas1) == tlb
    assert bytes(d.core.bus.ram[: 1 << 21]) == ram


def test_a_fault_under_kvm_is_stepped_over_as_on_hardware(tmp_path: Path) -> None:
    """The guest's own handler mends the address; KVM reflects the miss to it."""
    handler = (addi(8, 8, 1), li(7, 0x3000), RFI)
    code = (li(9, 0x100), mtspr(413, 9), lwz(6, 0, 7), li(5, 1), SPIN)  # IVOR13 = 0x100, IVPR = ENTRY's page below
    start = (0x3D200001, mtspr(63, 9))  # lis r9,1; mtspr IVPR,r9
    padding = (0x60000000,) * (0x40 - len(start) - len(code))
    d = raw(tmp_path, *start, *code, *padding, *handler)
    d.step(4)
    d.execute("set $r7 = 0x90000000")
    assert d.pc == ENTRY + 16
    report = d.step()
    assert (report.pc, report.cause) == (ENTRY + 20, Cause.STEP)
    assert d.register("r8").value == 1
    assert any(r.delivered == 10 for r in d.exits)


def test_why_an_interrupt_waits_follows_the_real_msr_of_an_hv_guest(tmp_path: Path) -> None:
    wrteei = (0x7C008146, 0x7C000146)
    d = raw(tmp_path, *wrteei, SPIN, cpu="e500mc")
    d.system.kvm.pending = 1 << 18
    d.step()
    waits = [next(r.waits for r in d.irqprio().rows if r.number == 18)]
    d.system.kvm.pending = 1 << 18
    d.step()
    waits.append(next(r.waits for r in d.irqprio().rows if r.number == 18))
    assert waits == ["", "MSR[EE]=0"]


def test_hv_guest_shows_its_own_registers(tmp_path: Path) -> None:
    d = raw(tmp_path, li(3, 5), mtspr(272, 3), mfspr(4, 272), mfspr(5, 400), SPIN, cpu="e500mc")
    d.step(5)
    assert d.guest.kind == "hv"
    assert d.guest.msr & 0x10000000, "MSR[GS]"
    assert d.register("sprg0").value == 5
    assert [r.name for r in d.exits][-1] == "HV_PRIV", "reading IVOR0 goes to KVM"
    assert cause_of(d.exits[-1]) == "mfspr IVOR0"


def test_what_steps_remember_of_pages_changes_no_step() -> None:
    """Through TLB writes, address spaces, user mode and interrupts: the same places with and without the memory."""
    ours, fresh = demo(), demo()
    for start in (0, 9_000, 24_000, 33_000):
        ours.continue_(start)
        fresh.continue_(start)
        for _ in range(900):
            fresh.stepper._until = (-1, -1)
            a, b = ours.step_quickly(), fresh.step_quickly()
            assert (a.position, a.pc, a.cause) == (b.position, b.pc, b.cause)
    assert ours.core.state.block == fresh.core.state.block


def test_the_pids_of_a_pr_guest_are_its_own_and_not_the_shadow_ids() -> None:
    d = demo()
    d.execute("run-to 9000")
    assert (d.value("$pid1"), d.value("$pid2")) == (0, 0)
    assert d.core.read_spr("PID1") != 0
