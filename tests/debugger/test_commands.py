"""The command language: names, abbreviations, help, completion, and one clear sentence for what is wrong."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.commands.registry import commands, complete, execute, find
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.results import Disassembly, Examined, Help, Printed, Quit, Registers, Text
from ppcdbg.errors import PpcdbgError, UsageError
from ppcdbg.machine.description import describe
from ppcdbg.nested.examples import right
from ppcdbg.nested.snapshot import as_json
from ppcdbg.views import results
from ppcdbg.views.spans import to_text
from tests.debugger.rig import ENTRY, NOP, SPIN, addi, branch, debugger, elf, li

DEMO = Path(__file__).resolve().parents[2] / "ppcdbg/_guests/demo.toml"

GDB = {
    "b main": "break", "br main": "break", "tb main": "tbreak", "c": "continue", "si": "stepi", "s": "stepi",
    "ni": "nexti", "n": "nexti", "p 1": "print", "p/x 1": "print", "x/8i $pc": "x", "disas": "disassemble",
    "info r": "info registers", "i r": "info registers", "info b": "info breakpoints", "i b": "info breakpoints",
    "info sym 0": "info symbol", "d 1": "delete", "dis 1": "disable", "en 1": "enable", "cond 1": "condition",
    "fin": "finish", "u": "until", "set var $r3 = 1": "set var", "set $r3 = 1": "set var", "h break": "help",
    "q": "quit", "mon info b": "monitor", "info exits": "exits", "se": "step-exit", "fini": "finish",
    "adv main": "advance", "irqprio": "info irqprio", "info tlb": "info tlb", "exp 0": "explain",
}  # fmt: skip


@pytest.mark.parametrize(("text", "name"), GDB.items(), ids=list(GDB))
def test_gdb_names_and_abbreviations(text: str, name: str) -> None:
    assert find(text)[0].name == name


@pytest.fixture
def d(tmp_path: Path) -> Debugger:
    image = elf([("main", ENTRY, 12, True), ("main_loop", ENTRY + 4, 8, True)], tmp_path / "g.elf")
    return debugger(li(3, 0), addi(3, 3, 1), branch(-4), image=image)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no command on this line"),
        ("braek main", "there is no command 'braek'; did you mean 'break'?"),
        ("info regsters", "did you mean 'info registers'?"),
        ("en-able", "did you mean 'enable'?"),
        ("co", "'co' is ambiguous: commands, condition, console, continue"),
        ("break mian", "nothing is called 'mian'; did you mean main?"),
        ("break exit DTLB_MIS", "there is no exit DTLB_MIS; did you mean DTLB_MISS?"),
        ("break spr SRR9", "there is no SPR SRR9; did you mean SRR"),
        ("break insn mfsrp", "there is no instruction mfsrp; did you mean mfspr?"),
        ("break queued DECREMENTOR", "there is no interrupt priority DECREMENTOR; did you mean DECREMENTER?"),
        ("break mmio serial9", "there is no device serial9; did you mean serial"),
        ("break mmio 0x20..0x10", "ends before it starts"),
        ("break console", "the text to wait for is missing"),
        ("break main if", "a condition must follow 'if'"),
        ("break main if $r3 ==", "ends where a value should follow"),
        ("break main if $r99", "there is no register $r99; did you mean $r"),
        ("delete 7", "there is no breakpoint 7"),
        ("delete all", "'all' is not a breakpoint number"),
        ("ignore 1", "ignore needs a breakpoint's number and a count"),
        ("x/8q 0", "'q' is neither a format"),
        ("x/0x 0", "a count of 0"),
        ("x", "x needs an address"),
        ("print", "print needs an expression"),
        ("stepi 0", "a count between 1 and"),
        ("set 5 = 6", "'5' cannot be set"),
        ("set $r3", "set needs TARGET = VALUE"),
        ("set $no.pe = 1", "can be neither a register nor a variable"),
        ("set $_insn = 1", "is the debugger's own"),
        ("end", "there is no command 'end'"),
        ("set var *(u32*)0xf0000000 = 1", "cannot write at 0xf0000000: no TLB entry of the guest maps it"),
        ("find 1", "find needs START, END and a pattern"),
        ("find 10, 5, 1", "is empty"),
        ("info registers r99", "there is no register 'r99'; did you mean"),
        ("run-to 0x0 - 1", "lies before the current one"),
        ("run-until", "run-until needs a place or an event"),
        ("advance", "advance needs a place"),
        ("disassemble 0,0x7fffffff", "up to 256 KiB"),
        ("continue 3", "does not stand at a breakpoint"),
        ("help nothing", "there is no command 'nothing'"),
    ],
)  # fmt: skip
def test_one_clear_sentence(d: Debugger, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        execute(d, text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_print_and_examine(d: Debugger) -> None:
    assert execute(d, "print/x main + 4") == Printed(ENTRY + 4, "x", 32, False, "main_loop")
    words = execute(d, "x/3xw main")
    assert isinstance(words, Examined)
    assert [u.value for u in words.units] == [li(3, 0), addi(3, 3, 1), branch(-4)]
    assert [u.address for u in execute(d, "x/2").units] == [ENTRY + 12, ENTRY + 16], "an empty x goes on"
    assert isinstance(execute(d, "x/2i $pc"), Disassembly)
    assert execute(d, "x/1xb 0xf0000000").units[0].value is None
    assert [u.value for u in execute(d, f"xp/2xh {ENTRY}").units] == [li(3, 0) >> 16, li(3, 0) & 0xFFFF]


def test_reading_memory_changes_nothing(d: Debugger) -> None:
    before = bytes(d.core.state.block)
    counts = dict(d.system.board.mmio_count)
    for text in (
        "x/64xw 0",
        "x/4xw --real 0xfe0004500",
        "x/s main",
        "info tlb",
        "explain 0x5000",
        "disas",
        "info r all",
    ):
        execute(d, text)
    assert bytes(d.core.state.block) == before
    assert d.system.board.mmio_count == counts


def test_looking_at_a_device_takes_nothing_from_it(d: Debugger) -> None:
    d.system.board.serial0.receive(b"k")
    execute(d, "x/16xb --real 0xfe0004500")
    assert d.core.bus.read(0xFE0004500, 1) == ord("k"), "the byte is still there for the guest"


def test_find(d: Debugger) -> None:
    found = execute(d, f"find/w main, +0x100, {branch(-4):#x}")
    assert found.addresses == (ENTRY + 8,) and found.symbols == ("main_loop+0x4",)
    d.core.bus.ram[0x1FFE:0x2003] = b"Linux"
    assert execute(d, 'find 0x1000, 0x3000, "Linux"').addresses == (0x1FFE,), "a pattern may cross a page"


def test_disassemble_takes_the_function_around(d: Debugger) -> None:
    rows = execute(d, "disassemble main_loop").rows
    assert [r.address for r in rows] == [ENTRY + 4, ENTRY + 8]
    assert rows[1].target_name == "main_loop"


def test_every_command_has_an_example_that_is_its_own() -> None:
    for command in commands().all:
        assert find(command.example)[0] is command, command.name
        assert command.summary.endswith(".") and command.usage.startswith(command.name.split()[0])


def demo() -> Debugger:
    """The demo guest under KVM, at the start of puts."""
    from ppcdbg.kvm.build import build_system

    description = describe(DEMO, {"engine": "reference"})
    d = Debugger(build_system(description), description.kernel)
    execute(d, 'run-until console "demo:"')
    execute(d, "advance puts")
    return d


@pytest.mark.parametrize("command", commands().all, ids=[c.name for c in commands().all])
def test_every_example_works_on_the_demo_guest(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Functions of Linux are missing in the demo; everything else must work as it stands."""
    text = command.example
    monkeypatch.chdir(tmp_path)
    (tmp_path / "checks.gdb").write_text("echo here\\n\ncheck $r1 != 0\n", encoding="utf-8")
    (tmp_path / "exit.json").write_text(json.dumps(as_json(right())), encoding="utf-8")
    for kernel, own in (("start_kernel", "try_magic_page"), ("schedule", "try_magic_page"), ("memset", "puts")):
        text = text.replace(kernel, own)
    d = demo()
    for _ in range(4):
        d.execute("break *0x100000")
    if "Linux version" in text:
        with pytest.raises(UsageError, match="leaves 32 bits|nothing"):
            execute(d, text.replace("0xc0000000, +0x100000", "0xffff0000, +0x100000"))
        text = 'find 0x100000, +0x10000, "demo"'
    if command.name == "document":
        d.execute("define regs\n  info registers\nend")
    if command.name == "forward":
        d.execute("back")
    if command.name.startswith("loop_"):
        text = f"while 1\n  print $r3\n  if $r3\n    {text}\n  end\n  loop_break\nend"
        d.execute("set $r3 = 0")
    shown = results.lines(execute(d, text), d)
    assert shown or command.name in ("quit", "define", "document", "set confirm", "set pagination")
    shown += results.lines(execute(d, f"help {command.name}"), d)
    assert all(c.isprintable() for row in shown for s in row for c in s.text)
    assert all(len("".join(s.text for s in row)) <= 100 for row in shown)


def test_results_are_frozen_values(d: Debugger) -> None:
    for text in ("info registers", "break main", "stepi", "help", "info tlb", "explain 0", "x/4xw 0", "echo hello"):
        result = execute(d, text)
        assert dataclasses.is_dataclass(result), text
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(result, dataclasses.fields(result)[0].name, None)
    assert isinstance(execute(d, "quit"), Quit)
    assert execute(d, "echo hello\\n") == Text("hello\n")
    assert isinstance(execute(d, "monitor info registers"), Registers)
    assert isinstance(execute(d, "info"), Help)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("bre", "break"),
        ("info re", "registers"),
        ("break exit DTLB", "DTLB_MISS"),
        ("break main_", "main_loop"),
        ("break ex", "exit"),
        ("print $ms", "$msr"),
        ("break spr SRR", "SRR0"),
        ("break exit DTLB_MISS if de", "dear"),
        ("info registers ms", "msr"),
        ("info registers ", "msr"),
        ("world-switch inject ", "critical"),
        ("help br", "break"),
        ("mon", "monitor"),
    ],
)
def test_completion(d: Debugger, text: str, word: str) -> None:
    found = complete(d, text)
    assert word in found.words
    assert all(w.startswith(text[found.start :]) for w in found.words)


def test_completion_of_anything_is_quiet(d: Debugger) -> None:
    for text in ("", " ", "nonsense ", "break exit NOPE if ", "x/", "info nothing here", "set var $"):
        complete(d, text)


WORDS = ["break", "info", "x", "/8xw", "$r3", "main", "if", "exit", "DTLB_MISS", "delete", "1", "*", "0x1000", "-5",
         "set", "=", '"',
         "stepi", "print", "/z", "find", ",", "+4", "help", "until", "condition", "finish", "nexti", "tlb"]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=6), st.data())
@settings(max_examples=200, deadline=None)
def test_any_line_gives_a_result_that_can_be_shown_or_one_sentence(words: list[str], data: st.DataObject) -> None:
    d = debugger(li(3, 0), NOP, NOP, NOP, NOP, NOP, 0x3C600004, 0x7C600124, SPIN)  # ends idle, so that runs end
    joined = data.draw(st.sampled_from([" ", ""])).join(words)
    try:
        text = to_text(results.lines(execute(d, joined), d, 80))
    except PpcdbgError as error:
        assert "\n" not in str(error)
    else:
        assert all(len(row) <= 80 for row in text.split("\n")), text
