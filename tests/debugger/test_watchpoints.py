"""Data watchpoints from the command line: bare machine, both KVM flavours, conditions, and a run that ends as ever."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.engine.api import WatchKind
from ppcdbg.errors import UsageError
from ppcdbg.kvm.build import build_system
from ppcdbg.machine.description import MachineDescription, describe
from ppcdbg.views import results
from tests.debugger.rig import SPIN, addi, branch, debugger, elf, li, lwz, stw
from tests.debugger.test_kvm import DEMO

DATA = 0x2000
# r9 = data; store, load, store the same, add, store at +4, loop
PROGRAM = (li(9, DATA), li(3, 7), stw(3, 0, 9), lwz(4, 0, 9), stw(3, 0, 9), addi(3, 3, 1), stw(3, 4, 9), branch(-20))


def ran(d: Debugger, line: str) -> StopReport:
    report = d.execute(line)
    assert isinstance(report, StopReport)
    return report


def words(d: Debugger, result: object) -> str:
    return " ".join("".join(span.text for span in row) for row in results.lines(result, d, 200))


@pytest.mark.parametrize("command, at", [("watch", [2]), ("rwatch", [3]), ("awatch", [2, 3, 4])])
def test_the_three_commands_stop_after_their_accesses(command: str, at: list[int]) -> None:
    d = debugger(*PROGRAM)
    d.execute(f"{command} *(u32 *){DATA:#x}")
    found = []
    for _ in at:
        report = ran(d, "continue")
        assert report.cause is Cause.BREAKPOINT and report.breakpoints == (1,) and len(report.hits) == 1
        assert report.position == report.hits[0].position + 1
        found.append(report.hits[0].position)
    assert found == at


def test_conditions_see_the_access_and_hits_are_counted() -> None:
    d = debugger(*PROGRAM)
    d.execute(f"watch *{DATA + 4:#x} if new >= 9 and old == 8 and write")
    assert ran(d, "continue").hits[0].new == 9
    assert ran(d, "run-to +1000").breakpoints == ()
    assert d.breakpoints.get(1).hits == 1
    with pytest.raises(UsageError, match="nothing is called 'newt'"):
        d.execute(f"watch *{DATA:#x} if newt == 1")


def test_ranges_symbols_real_addresses_and_their_words(tmp_path: Path) -> None:
    image = elf([("table", DATA, 8, False)], tmp_path / "t.elf")
    d = debugger(*PROGRAM, image=image)
    assert words(d, d.execute("watch table")).endswith("data table change")
    assert words(d, d.execute(f"rwatch {DATA:#x}..{DATA + 7:#x}")).endswith("data 0x2000..0x2007 read")
    assert words(d, d.execute(f"awatch --real {DATA:#x},+2")).endswith("data 0x2000..0x2001 access real")
    assert words(d, d.execute("trace data table write")).endswith("data table write")
    report = ran(d, "continue")
    assert report.breakpoints == (1, 3), "both watches cover the word; the trace only logs"
    assert [t.number for t in report.traces] == [4]
    for wrong in ("watch", "watch $r3", "watch nowhere", "watch 5..4", "watch 0,+0x7fffffff"):
        with pytest.raises(UsageError):
            d.execute(wrong)


def test_a_stop_before_the_access_is_passed_by_the_next_run() -> None:
    d = debugger(*PROGRAM)
    d.add_watchpoint(WatchKind.WRITE, DATA)
    d.runner.before_access = True
    first = d.continue_()
    assert first.position == 2 == first.hits[0].position and d.read_memory(DATA, 4).data == (0, 0, 0, 0)
    assert d.step().position == 3 and d.read_memory(DATA, 4).data == (0, 0, 0, 7)
    assert d.continue_().position == 4


def test_a_device_is_watched_on_the_bare_machine() -> None:
    d = debugger(0x3D20FE00, 0x61294500, li(3, 65), 0x98690000, SPIN)  # lis, ori: the serial port; stb
    port = next(r.base for r in d.system.board.regions if r.device.name == "serial0")
    d.core.tlb.write((0xFE004 & 127) * 4, 0x80000100, 0xFE004000, port & 0xFFFFF000 | 0x3F, port >> 32)
    d.system.engine.translations_changed()
    d.execute("awatch *(u8 *)0xfe004500")
    d.execute(f"awatch --real {port:#x}")
    report = ran(d, "continue")
    assert report.position == 4 and [hit.new for hit in report.hits] == [65, 65]
    assert [hit.address for hit in report.hits] == [0xFE004500, port]


def _end(d: Debugger) -> tuple[object, ...]:
    stop = d.last.stop
    state = hashlib.sha256(bytes(d.core.state.block)).hexdigest()
    ram = hashlib.sha256(d.core.bus.ram).hexdigest()
    return stop.kind, stop.position, stop.pc, state, ram, d.console(), len(d.exits)


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
@pytest.mark.parametrize("engine", ["reference", "auto"])
def test_the_demo_under_watch_ends_as_without(cpu: str, engine: str) -> None:
    """Every access to its stack, its patched text and the console's device, and still the same run."""
    ends, stops = [], 0
    for watched in (False, True):
        description = describe(DEMO, {"engine": engine, "cpu": cpu})
        d = Debugger(build_system(description), description.kernel)
        if watched:
            sp = 0
            d.run_until("main" if d.symbols.address("main") else d.pc)
            sp = d.register("r1").value
            d.execute(f"awatch --real {sp & 0xFFFFFFF0:#x},+64" if sp else "awatch --real 0x20000,+4096")
            d.execute("trace data --real 0x10000..0x40000 write")
        while d.continue_().cause is Cause.BREAKPOINT:
            stops += 1
        ends.append(_end(d))
    assert ends[0] == ends[1]


def test_a_raw_guest_under_kvm_and_its_device(tmp_path: Path) -> None:
    words_ = (li(9, 0x2000), li(3, 7), stw(3, 0, 9), 0x3D20FE00, 0x61294500, 0x98690000, SPIN)
    image = tmp_path / "guest.bin"
    image.write_bytes(b"".join(w.to_bytes(4, "big") for w in words_))
    d = Debugger(build_system(MachineDescription(kernel=image, load=0x10000, memory=64 << 20)), None, "raw")
    d.execute("watch *(u32 *)0x2000")
    report = ran(d, "continue")
    assert (report.position, report.hits[0].pc) == (3, 0x10008)
