"""Python's way in: opening a guest as the command line does, actions on events, reading and writing, all typed."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import ppcdbg.debugger
from ppcdbg.debugger import Cause, Debugger, InputError, Space, TraceHit, UsageError, api, open_guest
from tests.debugger.rig import ENTRY, NOP, SPIN, addi, branch, debugger, li

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def demo() -> Debugger:
    return open_guest(engine="reference")


def test_every_public_name_comes_by_the_room_itself() -> None:
    for name in api.__all__:
        assert getattr(ppcdbg.debugger, name) is getattr(api, name)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        ppcdbg.debugger.nothing  # noqa: B018


def test_the_types_of_the_lazy_names_are_known() -> None:
    """What a user's type checker sees: the names that the room declares are those that it gives."""
    text = (ROOT / "ppcdbg/debugger/__init__.py").read_text(encoding="utf-8")
    assert ppcdbg.debugger.__all__ == api.__all__
    assert all(f"        {name},\n" in text for name in api.__all__)


def test_options_are_those_of_the_command_line(tmp_path: Path) -> None:
    image = tmp_path / "raw.bin"
    image.write_bytes(b"".join(w.to_bytes(4, "big") for w in (li(3, 5), SPIN)))
    guest = open_guest(image, cpu="e500mc", hv="none", load=0x1000, memory="64M", engine="reference", max_insns=2)
    assert not guest.has_exits and guest.core.model.name == "e500mc" and guest.pc == 0x1000
    guest.step()
    assert guest.value("$r3") == 5
    with pytest.raises(UsageError, match="option --cpu is 'z80'"):
        open_guest(cpu="z80")
    with pytest.raises(InputError, match="there is no guest or command nothing"):
        open_guest("nothing")


def test_a_session_is_a_guest_too(tmp_path: Path) -> None:
    image, file = tmp_path / "raw.bin", tmp_path / "raw.session"
    image.write_bytes(b"".join(w.to_bytes(4, "big") for w in (li(3, 5), addi(3, 3, 1), branch(-4))))
    command = [sys.executable, "-m", "ppcdbg", "record", str(image), "--hv", "none", "--load", "0x1000",
               "--max-insns", "1k", "-o", str(file)]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, timeout=60, capture_output=True, text=True)
    assert done.returncode == 6, done.stderr
    replayed = open_guest(file)
    replayed.continue_(position=101)
    assert (replayed.position, replayed.value("$r3"), replayed.has_exits) == (101, 55, False)


def test_a_limit_ends_every_run(demo: Debugger) -> None:
    demo.runner.ceiling = 1000
    assert (demo.continue_().cause, demo.position) == (Cause.LIMIT, 1000)
    demo.add_breakpoint(ppcdbg.debugger.Verb.BREAK, ppcdbg.debugger.Event(ppcdbg.debugger.EventKind.CONSOLE, text="x"))
    assert (demo.continue_().cause, demo.position) == (Cause.LIMIT, 1000)


def test_actions_see_every_event_and_stop_only_when_they_say_so(demo: Debugger) -> None:
    seen: Counter[str] = Counter()
    last: list[TraceHit] = []

    def count(hit: TraceHit) -> bool:
        assert hit.record is not None
        seen[hit.record.name] += 1
        last.append(hit)
        assert demo.position >= hit.position and demo.registers(["pc"]).rows[0].name == "pc"
        return seen["PROGRAM"] == 5

    b = demo.on("exit", count)
    stop = demo.continue_()
    assert stop.breakpoints == (b.number,) and seen["PROGRAM"] == 5
    assert [h.record for h in last] == list(demo.exits)
    demo.breakpoints.delete(b.number)
    demo.on("exit DTLB_MISS", lambda hit: seen.update(missed=1), condition="dear >= 0xe0000000")
    demo.continue_()
    wanted = sum(r.name == "DTLB_MISS" and r.dar >= 0xE0000000 for r in demo.exits[len(last) :])
    assert seen["missed"] == wanted > 10


def test_a_run_with_actions_is_the_same_run(demo: Debugger) -> None:
    demo.on("exit PROGRAM", lambda hit: None)
    demo.on("puts", lambda hit: None)
    demo.continue_()
    other = open_guest(engine="reference")
    other.continue_()
    assert bytes(demo.core.state.block) == bytes(other.core.state.block)
    assert list(demo.exits) == list(other.exits) and demo.console() == other.console()


def test_an_action_may_write_and_may_not_run() -> None:
    d = debugger(li(3, 0), addi(3, 3, 1), branch(-4))
    d.on(f"*{ENTRY + 8:#x}", lambda hit: d.set_register("r3", 40))
    d.continue_(position=3)
    assert d.value("$r3") == 40
    d.on(f"*{ENTRY + 4:#x}", lambda hit: d.step())
    with pytest.raises(UsageError, match="the guest runs already"):
        d.continue_()
    d.breakpoints.clear()
    assert d.step().cause is Cause.STEP, "what an action raised leaves everything in order"


def test_memory_and_registers_by_value() -> None:
    d = debugger(NOP, SPIN)
    d.write(0x2000, b"abcd")
    assert d.read(0x2000, 4) == b"abcd" == d.read(0x2000, 4, Space.REAL)
    assert d.value("*(u16 *)0x2002") == 0x6364
    d.set_register("r7", 0x1234)
    assert d.register("r7").value == 0x1234
    with pytest.raises(UsageError, match="cannot read at 0xf0000000: no TLB entry"):
        d.read(0xF0000000, 4)
    with pytest.raises(UsageError, match="there is no register"):
        d.set_register("r99", 1)


def example(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ppcdbg.examples.exits_per_symbol", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)


def test_the_example_on_the_demo_guest() -> None:
    done = example("--most", "3")
    rows = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert rows[:2] == ["demo.elf: ended after 36,493 instructions", "2,159 exits of 28 functions"]
    assert len(rows) == 5
    counts = [int(row.split()[0].replace(",", "")) for row in rows[2:]]
    assert counts == sorted(counts, reverse=True)
    assert example("nothing").returncode == 3


def test_the_example_on_linux(shared: Path) -> None:
    folder = shared / "guests" / "linux-e500v2-pv"
    done = example(str(folder / "vmlinux"), "--initrd", str(folder / "initrd.gz"), "--append", "console=ttyS0,115200",
                   "--max-insns", "6M")  # fmt: skip
    rows = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert rows[0] == "vmlinux: limit after 6,000,000 instructions"
    counts = {row.split()[1]: row for row in rows[2:]}
    assert "DTLB_MISS" in counts["udbg_uart_out_mmio"] and "PROGRAM" in counts["__printk_safe_enter"]
