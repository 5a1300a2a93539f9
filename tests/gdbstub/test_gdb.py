"""A real gdb in batch mode, started by ``ppcdbg gdb`` and by hand, on the demo guest and on Linux under KVM."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ppcdbg.kvm.build import build_system
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.system import Limits
from tests.gdbstub.rig import ROOT, demo, gdb, linux, ppcdbg

Tool = Callable[[str], str]
GUESTS = ("linux-e500v2", "linux-e500mc")


@pytest.fixture(scope="module", autouse=True)
def real_gdb(tool: Tool) -> str:
    return tool("gdb-multiarch")


def value(output: str, number: int) -> str:
    """What gdb printed as ``$number``."""
    found = re.search(rf"^\${number} = (.*)$", output, re.M)
    assert found, output
    return found[1]


# --- the demo -----------------------------------------------------------------------------------------------
def test_registers_of_each_kind_and_flags() -> None:
    out = gdb(["demo"], ["stepi 200", "print $msr", "print/x $ev1", "set var $ev1.uint64 = 0x123456789abcdef0",
                         "print/x $r1", "print/x $ev1.uint64", "print $mas1", "print $position",
                         "print/x $magic_critical",
                         "print/x $ivor3 & 0xf", "print $tlb0cfg != 0"])  # fmt: skip
    assert value(out, 1).startswith("[ ") and value(out, 3) == "0x9abcdef0" and value(out, 4) == "0x123456789abcdef0"
    assert "TSIZE" in value(out, 5) and value(out, 6) == "200" and value(out, 7) == "0x0" and value(out, 9) == "1"


def test_floating_point_of_e500mc(shared: Path) -> None:
    out = gdb(linux(shared, "linux-e500mc"), ["set var $f1 = 1.5", "print $f1", "print/x $lpidr", "info float"])
    assert value(out, 1) == "1.5" and "f31 " in out and "fpscr" in out


def test_tables_threads_and_monitor() -> None:
    out = gdb(["demo"], ["stepi 300", "monitor run-to 3000", "maintenance flush register-cache",
                         "info os", "info os exits", "info os tlb1", "info os irqprio", "info os stlb",
                         "info os magic", "info threads", "monitor info tlb", "monitor nonsense"])  # fmt: skip
    assert re.search(r"^reason +count", out, re.M) and re.search(r"^DTLB_MISS +\d+", out, re.M)
    assert "TLB1[0]" in out and re.search(r"^18 +DECREMENTER", out, re.M) and re.search(r"^critical +0x018", out, re.M)
    assert re.search(r'"vcpu0" \(stopped, PR=\d EE=\d IS=\d DS=\d PID=\d+, at 3,000, KVM, PR mode\)', out)
    assert "there is no command 'nonsense'" in out


def test_other_futures_and_questions_about_the_past_by_monitor() -> None:
    look = "maintenance flush register-cache"
    out = gdb(["demo"], ["monitor run-to 16000", "monitor whatif; withhold DECREMENTER",
                         "monitor branch switch whatif-1", "monitor run-to 40000", look, "print $position",
                         "monitor branch switch main", "monitor last tlb TLB0[17,1]", look, "print/x $pc",
                         "reverse-stepi", "print/x $pc", "monitor writers 0x103c00..0x103cff"])  # fmt: skip
    assert "The flow parts at 17,871:" in out and "The first exit that differs is 1,297:" in out
    assert value(out, 1) == "40000"  # without the interrupt it waits for ever, and the demo's end is at 36,493
    assert "by tlbwe at 00100380" in out and (value(out, 2), value(out, 3)) == ("0x100384", "0x100380")
    assert "writes of 00103c00..00103cff from 0 to 5,315" in out


def test_the_users_breakpoints_stop_gdbs_run_with_a_reason() -> None:
    """facts: T3. gdb has no breakpoint there; a swbreak would make it resume for ever."""
    out = gdb(["demo"], ["monitor break exit DTLB_MISS", "continue", "monitor info breakpoints", "continue"])
    assert out.count("SIGTRAP") == 2 and "breakpoint 1" in out and "DTLB_MISS" in out


def test_the_end_of_the_guest_is_a_stop_and_then_an_exit_and_run_begins_again() -> None:
    out = gdb(["demo"], ["continue", "print $position > 20000", "continue", "starti", "print $position", "stepi",
                         "print $position", "kill", "starti", "print $position"])  # fmt: skip
    assert "The run is over" in out and "exited normally" in out
    assert [value(out, n) for n in (1, 2, 3, 4)] == ["1", "0", "1", "0"]


def test_a_debugged_run_ends_as_one_that_nobody_looked_at() -> None:
    plain = demo()
    plain.continue_()
    out = gdb(["demo"], [
        "hbreak *0x100498", "break *0x100500", "watch *(int *)0x103c90", "awatch *(int *)0x103ca0", "stepi 20",
        "monitor break exit PROGRAM", "continue", "continue", "continue", "info registers", "x/64xw $sp",
        "x/8xw 0xfe004500", "info os tlb0", "monitor info irqprio", "monitor x/4xw 0xe0004500", "delete",
        "monitor delete", "continue", "print $position", "print/x $r31", "print/x $mas0",
    ])  # fmt: skip
    assert value(out, 1) == str(plain.position)
    assert (
        value(out, 2) == f"{plain.register('r31').value:#x}" and value(out, 3) == f"{plain.register('mas0').value:#x}"
    )


# --- Linux ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", GUESTS)
def test_a_kernel_is_debugged_as_on_hardware(shared: Path, name: str) -> None:
    out = gdb(linux(shared, name), [
        "compare-sections .text", "break start_kernel", "continue", "info registers pc msr",
        "print $pc == start_kernel", "stepi", "nexti", "print/x $pc - (long)start_kernel", "x/s &linux_banner",
        "tbreak vsnprintf", "continue", "bt 3", "finish", "print $_exitcode", "info symbol $pc",
        "break vsnprintf if $r4 > 0", "ignore 3 2", "continue", "info breakpoints", "next", "info symbol $pc",
        "set var *(int *)($sp - 64) = 0x12345678", "x/xw $sp - 64", "print/x *(unsigned short *)($sp - 62)",
        "find/1 (char *)&linux_banner, +200, 'L', 'i', 'n', 'u', 'x'", "find/1 0xc0000000, +0x1000, 0xdeadbeef12345678",
        "x/xw 0", "monitor explain 0xc0000000",
    ])  # fmt: skip
    assert re.search(r"Section \.text, range 0x\w+ -- 0x\w+: matched\.", out)
    assert "Breakpoint 1, 0x" in out and "in start_kernel ()" in out and value(out, 1) == "1"
    assert value(out, 2) == "0x8" and "Linux version 6.1" in out
    assert re.search(r"^#0 .* in vsnprintf \(\)$", out, re.M) and re.search(r"^#1 .* in \w+ \(\)$", out, re.M)
    assert re.search(r"vprintk_store \+ \d+ in section .text", out)  # where finish came to
    assert "breakpoint already hit 3 times" in out
    # next, without lines, goes through the range of the function and over its calls, until it has left it.
    left = out.partition("Single stepping until exit from function vsnprintf")[2]
    assert re.search(r"^(?!vsnprintf)\w+ \+ \d+ in section .text", left, re.M), out
    assert value(out, 4) == "0x5678" and re.search(r":\s+0x12345678$", out, re.M)
    assert "1 pattern found" in out and "Pattern not found" in out
    assert "Cannot access memory at address 0x0" in out and "guest TLB1" in out


EVENTS = (
    "exit DTLB_MISS if dear >= 0xc0000000", "exit PROGRAM if inst is mtspr", "tlb write", "hcall", "magic critical",
    "irqprio deliver DECREMENTER", 'console "Run /init"',
)  # fmt: skip
"""In the order in which they happen in a boot."""


def test_events_by_monitor_stop_gdb_and_the_boot_ends_as_without(shared: Path) -> None:
    commands = []
    for event in EVENTS:
        commands += [f"monitor break {event}", "continue", "monitor info breakpoints", "monitor delete"]
    guest = linux(shared, "linux-e500v2-pv")
    out = gdb(guest, [*commands, "continue", "print $position"])
    stopped = re.findall(r"Stopped by breakpoint (\d), (.+?)[.:] ", out.replace("\n", " "))
    assert [int(number) for number, _ in stopped] == list(range(1, len(EVENTS) + 1)), out
    assert out.count("SIGTRAP") == len(EVENTS) + 1 and "Run /init" in out
    machine = MachineDescription(Path(guest[0]), "e500v2", memory=128 << 20, initrd=Path(guest[4]),
                                 append=str(guest[6]))  # fmt: skip
    assert value(out, 1) == str(build_system(machine).run(Limits(1 << 62)).position)


@pytest.mark.parametrize("name", GUESTS)
def test_watchpoints_under_linux(shared: Path, name: str) -> None:
    out = gdb(linux(shared, name), [
        "break start_kernel", "continue", "watch *((unsigned int *)&jiffies_64 + 1)", "continue", "info symbol $pc",
        "delete 2", "rwatch *(int *)&system_state", "continue", "x/i $pc - 4",
        "delete 3", "awatch *(int *)&system_state", "continue", "x/i $pc - 4",
    ])  # fmt: skip
    changed = re.search(r"Old value = (\d+)\nNew value = (\d+)\n", out)
    assert changed and int(changed[2]) == int(changed[1]) + 1, out
    assert re.search(r"Hardware read watchpoint 3: .*\n\nValue = \d", out)
    assert re.search(r"Hardware access \(read/write\) watchpoint 4: .*\n\n(Old )?[Vv]alue = \d", out)
    assert len(re.findall(r":\tlwz +r\d+,", out)) >= 1, out


def test_backwards_under_linux(shared: Path) -> None:
    out = gdb(linux(shared, "linux-e500mc"), [
        "break start_kernel", "continue", "print $position", "watch *((unsigned int *)&jiffies_64 + 1)", "continue",
        "print $position", "print/x $pc", "stepi", "reverse-stepi", "print $position", "print/x $pc",
        "reverse-continue", "reverse-continue", "print $position", "print $pc == start_kernel", "reverse-continue",
        "print $position", "delete", "tbreak vsnprintf", "continue", "print $position", "finish", "reverse-stepi",
        "info symbol $pc", "reverse-finish", "print $position", "info symbol $pc",
    ])  # fmt: skip
    assert value(out, 3) == value(out, 5) and value(out, 2) == value(out, 4)
    assert value(out, 6) == value(out, 1) and value(out, 7) == "1", out
    assert "No more reverse-execution history" in out and value(out, 8) == "0"
    back = out.rpartition(f"$9 = {value(out, 9)}")[2]
    assert "vsnprintf" in back and int(value(out, 10)) < int(value(out, 9)), out


def test_user_addresses_under_linux(shared: Path) -> None:
    """The first system call of /init: its text and its stack, which only the guest's TLB maps."""
    out = gdb(linux(shared, "linux-e500v2"), [
        "monitor wait-for exit SYSCALL after if pc < 0x80000000", "maintenance flush register-cache",
        "print/x $srr0 >> 28", "x/i $srr0 - 4", "x/2xw $r1", "monitor x/2xw $r1",
    ])  # fmt: skip
    assert value(out, 1) in ("0x0", "0x1") and re.search(r":\tsc\b", out)
    assert re.search(r"^0x\w+:\t0x\w{8}\t0x\w{8}$", out, re.M), out


def test_conditions_are_evaluated_here_and_agree_with_gdbs(shared: Path) -> None:
    commands = ["break vsnprintf if *(unsigned char *)$r5 == 'Q'", "continue", "print $position", "x/s $r5"]
    here = gdb(linux(shared, "linux-e500mc"), commands)
    there = gdb(linux(shared, "linux-e500mc"), ["set breakpoint condition-evaluation host", *commands])
    assert "in vsnprintf ()" in here and "QEMU ppce500" in here and value(here, 1) == value(there, 1)


def test_a_dprintf_of_style_agent_prints_without_stopping(shared: Path) -> None:
    out = gdb(linux(shared, "linux-e500mc"), [
        "set dprintf-style agent", 'dprintf vsnprintf,"%d bytes, %s\\n",$r4,$r5', "tbreak setup_arch", "continue",
        "info breakpoints",
    ])  # fmt: skip
    assert "in setup_arch ()" in out and re.search(r"^\d+ bytes, .*Memory CAM mapping", out, re.M), out


# --- connecting -------------------------------------------------------------------------------------------------
@contextmanager
def serving(tmp_path: Path, guest: list[str | Path]) -> Iterator[str]:
    path = tmp_path / "gdb.sock"
    server = subprocess.Popen(ppcdbg("serve", *guest, "--gdb", f"unix:{path}"), cwd=ROOT, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # fmt: skip
    try:
        assert server.stderr is not None and "target extended-remote" in server.stderr.readline()
        yield str(path)
    finally:
        server.send_signal(signal.SIGINT)
        _, err = server.communicate(timeout=20)
        assert server.returncode == 130 and "Traceback" not in err


def plain_gdb(program: str, commands: list[str]) -> str:
    words = [w for c in ("set confirm off", *commands) for w in ("-ex", c)]
    done = subprocess.run([program, "-nx", "-batch", *words], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL)  # fmt: skip
    return done.stdout + done.stderr


def test_symbols_before_or_after_connecting_and_coming_back(tmp_path: Path, real_gdb: str) -> None:
    image = ROOT / "ppcdbg/_guests/demo.elf"
    with serving(tmp_path, ["demo"]) as path:
        first = plain_gdb(real_gdb, [f"file {image}", f"target extended-remote {path}", "stepi 5", "print $position",
                                     "x/i $pc", "break *0x100498", "detach"])  # fmt: skip
        # A gdb without an ELF takes the target for little-endian unless it is told (facts: T1).
        second = plain_gdb(real_gdb, ["set endian big", f"target extended-remote {path}", "print $position",
                                      f"file {image}", "info symbol $pc", "stepi", "print $position",
                                      "disconnect"])  # fmt: skip
        third = plain_gdb(real_gdb, ["set endian big", f"target remote {path}", "print $position", "kill"])
        fourth = plain_gdb(real_gdb, ["set endian big", f"target remote {path}", "print $position"])
    assert value(first, 1) == "5" and value(second, 1) == "5" and value(second, 2) == "6" and " in section" in second
    assert value(third, 1) == "6" and value(fourth, 1) == "0"


def test_over_a_pipe(real_gdb: str) -> None:
    ours = " ".join(ppcdbg("serve", "demo", "--gdb", "-"))
    out = plain_gdb(real_gdb, ["set endian big", f"target extended-remote | {ours}", "stepi 7", "print $position",
                               "continue", "kill", "starti", "print $position"])  # fmt: skip
    assert value(out, 1) == "7" and value(out, 2) == "0" and "The run is over" in out and "demo: done" in out


class Terminal:
    """A program on a terminal of its own, typed at."""

    def __init__(self, command: list[str]) -> None:
        self.process, self.master = os.forkpty()
        if not self.process:
            os.chdir(ROOT)
            os.environ["TERM"] = "dumb"
            os.execv(command[0], command)
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def until(self, text: str, seconds: float = 60) -> float:
        """Read until a text is shown; how many seconds that took."""
        start = time.monotonic()
        end = start + seconds
        while text not in self.shown:
            assert select.select([self.master], [], [], max(end - time.monotonic(), 0))[0], self.shown
            try:
                self.shown += os.read(self.master, 65536).decode(errors="replace")
            except OSError:  # the program has ended, and with it its side of the terminal
                assert text in self.shown, self.shown
        self.shown = self.shown.partition(text)[2]
        return time.monotonic() - start

    def close(self) -> int:
        os.close(self.master)
        _, status = os.waitpid(self.process, 0)
        return os.waitstatus_to_exitcode(status)


def spinning(folder: Path) -> list[str | Path]:
    """A guest that runs for ever."""
    image = folder / "spin.bin"
    image.write_bytes(bytes.fromhex("60000000" * 3 + "4bfffff8"))  # nop; nop; nop; b .-8
    return [image, "--load", "0x1000", "--hv", "none", "--memory", "64M"]


def test_ctrl_c_on_a_terminal_belongs_to_gdb(tmp_path: Path) -> None:
    """The terminal sends it to ppcdbg as well, which must leave it to gdb."""
    terminal = Terminal(ppcdbg("gdb", *spinning(tmp_path), "--", "-nx"))
    terminal.until("(gdb)")
    for _ in range(5):
        terminal.type("continue\n")
        terminal.until("Continuing.")
        time.sleep(0.05)
        terminal.type("\x03")
        assert terminal.until("SIGINT") < 2  # gdb's own work included, on a busy machine
        terminal.until("(gdb)")
    terminal.type("print $position > 1000\n")
    terminal.until("$1 = 1")
    terminal.type("quit\n")
    terminal.until("(y or n)")
    terminal.type("y\n")
    time.sleep(0.2)
    assert terminal.close() == 0


def test_ctrl_c_stops_a_running_guest_and_gdb_goes_on(tmp_path: Path) -> None:
    """The interrupt comes from a timer in gdb itself, as a user's would: it sends 0x03 and waits for the stop."""
    guest = spinning(tmp_path)
    script = tmp_path / "late.py"
    script.write_text(
        "import gdb, threading, time, os, signal\n"
        "def later():\n    time.sleep(0.5); os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=later, daemon=True).start()\n"
    )
    start = time.monotonic()
    out = gdb(guest, [f"source {script}", "continue", "print $position > 0", "stepi", "print $position > 1"])
    assert "SIGINT" in out and value(out, 1) == "1" and value(out, 2) == "1", out
    assert time.monotonic() - start < 30
