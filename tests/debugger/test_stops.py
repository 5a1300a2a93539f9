"""Every kind of stop, from the command language, on the bundled demo, the Linux guests and the bare machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.events import ABOUT, EventKind, Seen
from ppcdbg.debugger.eventwords import parse_event
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.errors import UsageError
from ppcdbg.kvm import booke
from ppcdbg.kvm.build import build_system
from ppcdbg.machine.description import describe
from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import FINAL, StopKind
from ppcdbg.views import results
from tests.debugger.rig import NOP, RFI, SC, SPIN, addi, debugger, li, mtspr, put
from tests.debugger.test_kvm import DEMO

PR, HV = "linux-e500v2-pv", "linux-e500mc"


def demo(cpu: str = "e500v2", engine: str = "auto") -> Debugger:
    description = describe(DEMO, {"engine": engine, "cpu": cpu})
    return Debugger(build_system(description), description.kernel)


def linux(shared: Path, name: str, engine: str = "auto") -> Debugger:
    folder = shared / "guests" / name
    text = f'kernel = "{folder}/vmlinux"\ninitrd = "{folder}/initrd.gz"\nappend = "console=ttyS0,115200"\n'
    cpu = "e500mc" if name == HV else "e500v2"
    description = describe(_file(text + f'cpu = "{cpu}"\nmemory = "128M"\n'), {"engine": engine})
    return Debugger(build_system(description), folder / "vmlinux")


@cache
def _file(text: str) -> Path:
    import tempfile

    path = Path(tempfile.mkdtemp()) / "guest.toml"
    path.write_text(text)
    return path


def ran(d: Debugger, line: str = "continue") -> StopReport:
    report = d.execute(line)
    assert isinstance(report, StopReport), line
    return report


def shown(d: Debugger, result: object) -> str:
    return " ".join("".join(span.text for span in row) for row in results.lines(result, d, 300))


def end(d: Debugger) -> tuple[object, ...]:
    """Let the guest run to its end without breakpoints: everything that can be compared of it."""
    d.breakpoints.clear()
    stop = d.continue_().stop
    assert stop.kind in FINAL
    state = hashlib.sha256(bytes(d.core.state.block) + bytes(d.core.bus.ram)).hexdigest()
    return stop, state, d.console(), len(d.exits), hash(tuple(r for r in d.exits))


# --- one test a kind, on the demo ---------------------------------------------------------------------------------
AT_INSTRUCTION = (Seen.ARRIVAL, Seen.CLASS)


@pytest.mark.parametrize("words, check", [
    ("exit DTLB_MISS", lambda d, r: r.held and r.record.name == "DTLB_MISS" and d.pc == r.record.pc),
    ("exit PROGRAM if inst is mtspr", lambda d, r: r.held and "mtspr" in shown(d, d.disassemble(d.pc, 1))),
    ("exit PROGRAM after", lambda d, r: not r.held and r.record.actions),
    ("exit DTLB_MISS if did == mmio", lambda d, r: not r.held and r.record.actions[0].device),
    ("insn tlbwe", lambda d, r: r.held and "tlbwe" in shown(d, d.disassemble(d.pc, 1))),
    ("insn 0x7c0007a4", lambda d, r: r.held and d.memory.instruction(d.pc) == 0x7C0007A4),
    ("insn sc any", lambda d, r: d.disassemble(d.pc, 1).rows[0].mnemonic == "sc"),
    ("spr IVPR write", lambda d, r: r.held and r.record.vector == 6),
    ("spr CTR write", lambda d, r: not r.held and d.disassemble(d.pc, 1).rows[0].mnemonic.startswith("mt")),
    ("mmio serial0 write", lambda d, r: dict(r.fields)["write"] == 1),
    ("hcall", lambda d, r: r.held and dict(r.fields)["token"] == d.register("r11").value),
    ("userspace", lambda d, r: r.left and r.record.actions[-1].left.name == "KVM_EXIT_MMIO"),
    ("userspace after", lambda d, r: dict(r.fields)["exit_reason"] == "KVM_EXIT_MMIO" and "HOST" in r.record.resume),
    ("userspace MMIO if is_write && phys_addr == 0xfe0004500", lambda d, r: dict(r.fields)["len"] == 1),
    ("hcall after", lambda d, r: any(a.token is not None for a in r.record.actions)),
    ("irqprio queue DECREMENTER", lambda d, r: 18 in r.record.queued),
    ("irqprio deliver DECREMENTER", lambda d, r: r.record.delivered == 18 and d.pc in d.guest.vectors()),
    ("irqprio withhold", lambda d, r: r.record.queued and dict(r.fields)["reason"]),
    ("taken DTLB_MISS", lambda d, r: r.record.delivered is not None and d.pc in d.guest.vectors()),
    ("tlb write", lambda d, r: r.held and "tlbwe" in shown(d, d.disassemble(d.pc, 1))),
    ("stlb write if ea == 0x100000", lambda d, r: dict(r.fields)["mas1"] >> 31 == 1),
    ("stlb invalidate", lambda d, r: dict(r.fields)["what"] == "invalidate"),
    ("miss data guest", lambda d, r: r.record.vector == 13 and 8 <= min(r.record.queued) <= 14 or r.record.queued),
    ("miss fetch", lambda d, r: r.held and r.record.vector == 14),
    ("magic srr0 kvm", lambda d, r: dict(r.fields)["field"] == "srr0" and dict(r.fields)["by"] == "kvm"),
    ("switch user", lambda d, r: "rfi" in shown(d, d.disassemble(d.pc, 1)) and d.register("srr1").value & 0x4000),
    ("switch kernel", lambda d, r: d.pc in d.guest.vectors()),
    ("position 12_345", lambda d, r: r.position == 12345),
    ('console "o"', lambda d, r: d.console().endswith("o")),
])  # fmt: skip
def test_each_kind_stops_where_it_says_and_leaves_the_run_as_it_was(
    words: str, check: Callable[[Debugger, StopReport], bool]
) -> None:
    d = demo()
    d.execute(f"break {words}")
    report = ran(d)
    assert report.cause is Cause.BREAKPOINT and report.breakpoints == (1,), shown(d, report)
    assert check(d, report), shown(d, report)
    assert "topped by breakpoint 1" in shown(d, report)
    ran(d)
    assert end(d) == _plain("e500v2")


@pytest.mark.parametrize("words", ["insn mtspr any", "spr CTR", "switch kernel", "magic srr1", "exit SYSCALL",
                                   "data --real 0x100000,+4096 access", "taken", "tlb write",
                                   'console "e"'])  # fmt: skip
def test_both_engines_stop_at_the_same_places(words: str) -> None:
    stops = []
    for engine in ("reference", "auto"):
        d = demo(engine=engine)
        d.execute(f"break {words}")
        stops.append([(r.position, r.pc, r.fields, r.record) for r in (ran(d) for _ in range(12))])
    assert stops[0] == stops[1]


@cache
def _plain(cpu: str) -> tuple[object, ...]:
    return end(demo(cpu))


def test_every_kind_is_tried_or_has_its_own_test() -> None:
    """A new kind must come with words, an example that can be understood, and a test here."""
    tried = {parse_event(demo(), w).kind for w in (
        "exit", "insn", "spr", "mmio", "hcall", "irqprio queue", "irqprio deliver", "irqprio withhold", "taken", "tlb",
        "stlb", "miss", "userspace", "magic", "switch", "position 5", "console x", "resched")}  # fmt: skip
    own = {EventKind.ADDRESS, EventKind.DATA, EventKind.CRITICAL, EventKind.REWRITTEN, EventKind.FETCH_FAULT}
    assert tried | own == set(EventKind) == set(ABOUT)


@pytest.mark.parametrize("words", ["exit HV_PRIV if inst is mtspr", "insn mtspr", "spr SPRG0", "hcall", "tlb write",
                                   "irqprio deliver DECREMENTER", "spr PID write", "taken SYSCALL"])  # fmt: skip
def test_an_hv_guest_stops_too(words: str) -> None:
    d = demo("e500mc")
    d.execute(f"break {words}")
    report = ran(d)
    assert report.breakpoints == (1,), shown(d, report)
    if "mtspr" in words:
        assert report.held and d.disassemble(d.pc, 1).rows[0].mnemonic == "mtspr"
    if words == "taken SYSCALL":
        assert not report.held and dict(report.fields)["name"] == "SYSCALL" and d.pc in d.guest.vectors()
    assert end(d) == _plain("e500mc")


# --- the bare machine ---------------------------------------------------------------------------------------------
BARE = (li(3, 0x8000), NOP, li(3, 0x100), mtspr(408, 3), SC, li(4, 1), SPIN)  # IVOR8, sc


@pytest.mark.parametrize("words, at", [
    ("insn sc any", 4), ("insn mtspr", 3), ("spr IVOR8 write", 3), ("taken SYSCALL", 5), ("taken", 5),
    ("position 3", 3), ("insn rfi", 6), ("position +2", 2),
])  # fmt: skip
def test_the_bare_machine_stops_by_class_and_by_interrupt(words: str, at: int) -> None:
    d = debugger(*BARE)
    put(d, 0x100, addi(5, 5, 1), RFI)
    d.execute(f"break {words}")
    report = ran(d)
    assert (report.breakpoints, report.position) == ((1,), at), shown(d, report)
    if words.startswith("taken"):
        assert d.pc == 0x100 and dict(report.fields)["pc"] == 0x1014


def test_what_a_machine_cannot_see_is_refused_in_a_sentence() -> None:
    bare, hv = debugger(SPIN), demo("e500mc")
    for d, words in ((bare, "exit"), (bare, "hcall"), (bare, "stlb"), (bare, "magic"), (bare, "critical"),
                     (bare, "miss shadow"), (hv, "magic critical"), (hv, "critical"), (bare, "insn"),
                     (hv, "tlb flush"), (hv, "irqprio"), (hv, "position"), (hv, "taken NOTHING"),
                     (hv, "rewritten")):  # fmt: skip
        with pytest.raises(UsageError):
            d.execute(f"break {words}")


# --- conditions, counts, lists ------------------------------------------------------------------------------------
def test_counts_traces_and_temporary_ones() -> None:
    d = demo()
    d.execute("tbreak exit PROGRAM if inst is tlbwe")
    d.execute("trace exit SYSCALL")
    d.execute("break insn mfspr")
    d.execute("ignore 3 2")
    report = ran(d)
    while report.breakpoints != (1,):
        report = ran(d)
    assert [b.number for b in d.breakpoints] == [2, 3] and d.breakpoints.get(3).hits == 1
    d.execute("disable 3")
    report = ran(d)
    assert report.cause is Cause.ENDED and report.traces and all(t.record and t.record.actions for t in report.traces)
    assert end(d) == _plain("e500v2")


def test_an_exit_stops_before_its_handler_and_again_after_it() -> None:
    d = demo()
    d.execute("break exit DTLB_MISS both")
    first, second = ran(d), ran(d)
    assert first.held and not second.held and first.record and second.record
    assert first.record.number == second.record.number and not first.record.actions and second.record.actions
    assert first.position <= second.position and end(d) == _plain("e500v2")


def test_a_condition_that_is_added_later_moves_the_stop_behind_the_handler() -> None:
    d = demo()
    made = d.execute("break exit DTLB_MISS")
    assert made.event.seen == {Seen.ARRIVAL}
    changed = d.execute("condition 1 did == map")
    assert changed.event.seen == {Seen.EXIT} and "after" in str(changed.event)
    assert ran(d).record.actions


# --- Linux --------------------------------------------------------------------------------------------------------
@cache
def _booted(shared: Path, name: str) -> tuple[object, ...]:
    return end(linux(shared, name))


@pytest.mark.parametrize("name", [PR, HV])
def test_linux_stops_and_boots_on_as_ever(shared: Path, name: str) -> None:
    """The stops that the product names, in one boot, and the boot afterwards to the bit as without them."""
    d = linux(shared, name)
    stops: list[str] = []

    def at(words: str) -> StopReport:
        d.breakpoints.clear()
        d.execute(f"break {words}")
        report = ran(d)
        assert report.cause is Cause.BREAKPOINT, f"{words}: {shown(d, report)}"
        stops.append(words)
        return report

    report = at("start_kernel")
    assert d.symbols.name(d.pc) == "start_kernel"
    report = at("exit DTLB_MISS if dear >= 0xc0000000")
    assert report.held and report.record is not None and report.record.dar >= 0xC0000000 and d.pc == report.record.pc
    report = at("exit HV_PRIV if inst is mtspr" if name == HV else "exit PROGRAM if inst is mtspr")
    assert report.held and d.disassemble(d.pc, 1).rows[0].mnemonic == "mtspr"
    report = at("tlb write")
    assert report.held and d.disassemble(d.pc, 1).rows[0].mnemonic == "tlbwe"
    report = at("hcall")
    assert report.held and d.disassemble(d.pc - 4, 1).rows[0].mnemonic == "sc", "which saves the address behind it"
    report = at("irqprio deliver DECREMENTER")
    assert report.record is not None and report.record.delivered == 18 and d.pc in d.guest.vectors()
    report = at("data jiffies_64 change")
    (hit,) = report.hits
    assert d.memory.number(hit.address & ~7, 8) == hit.new if hit.size == 8 else hit.new is not None
    assert hit.pc == d.pc - 4 and d.disassemble(hit.pc, 1).rows[0].mnemonic.startswith("st")
    if name == PR:
        report = at("magic critical")
        assert dict(report.fields)["field"] == "critical" and dict(report.fields)["by"] == "guest"
        report = at("critical entered")
        vcpu = d.system.kvm  # type: ignore[attr-defined]
        assert booke.critical_section(vcpu) and dict(report.fields)["new"] == d.register("r1").value
        report = at("critical left")
        assert not booke.critical_section(vcpu)
    report = at('console "Run /init"')
    assert d.console().endswith("Run /init")
    assert len(stops) >= 7 and end(d) == _booted(shared, name)


def test_an_interrupt_that_comes_in_a_critical_section_is_caught(shared: Path) -> None:
    """facts 4.4: critical == r1 in supervisor state holds it back; the stop tells which exit and what waits."""
    d = linux(shared, PR)
    d.execute("break critical entered")
    ran(d, "continue")
    d.execute("delete")
    d.system.input.add(InputKind.KVM, name="interrupt", value=2)  # KVM_INTERRUPT
    d.execute("break critical interrupted")
    report = ran(d)
    assert dict(report.fields)["what"] == "interrupted" and report.record is not None
    assert booke.critical_section(d.system.kvm)  # type: ignore[attr-defined]
    assert report.stop.kind is StopKind.BREAKPOINT
