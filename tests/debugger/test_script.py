"""Scripts: blocks, files, commands of the user's own, variables, formats; and errors that name the line."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcdbg.debugger.commands.command import Result, Statement
from ppcdbg.debugger.commands.registry import complete
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.results import Check, Help, Note, Printed, Quit, Text, Told
from ppcdbg.debugger.stops import StopReport
from ppcdbg.errors import InputError, Interrupted, PpcdbgError, UsageError
from ppcdbg.views import results
from ppcdbg.views.spans import to_text
from tests.debugger.rig import ENTRY, NOP, SPIN, addi, branch, debugger, elf, li


@pytest.fixture
def d(tmp_path: Path) -> Debugger:
    image = elf([("main", ENTRY, 12, True)], tmp_path / "g.elf")
    return debugger(li(3, 0), addi(3, 3, 1), branch(-4), image=image)


def said(result: Result) -> str:
    """Everything that a script said, in one string."""
    assert isinstance(result, Told)
    return "".join(r.text if isinstance(r, Text) else f"[{r}]" for r in result.results if not isinstance(r, Note))


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ("if 1\necho a\nelse\necho b\nend", "a"),
        ("if 0\necho a\nelse\necho b\nend", "b"),
        ("if 0\necho a\nend", ""),
        ("set $i = 0\nwhile $i < 3\n  echo x\n  set $i = $i + 1\nend", "xxx"),
        ("set $i = 5\nwhile $i\nset $i=$i-1\nif $i == 3\nloop_continue\nend\nif $i == 1\nloop_break\nend\n"
         'printf "%d", $i\nend', "42"),
        ("set $i = -1\nif $i < 0\necho negative\nend", "negative"),
        ("# a comment\n\n   # another\necho a\\\nb", "ab"),
        ("define twice\necho $arg0$arg0\nend\ntwice ab\ntwice 'c d'", "abab'c'c"),
        ('define count\nprintf "%d", $argc\nend\ncount\ncount a "b c" d', "03"),
        ("define outer\nif $arg0\ninner $arg0\nend\nend\ndefine inner\necho <$arg0>\nend\nouter 7", "<7>"),
        ("define whil\necho own\nend\nwhil", "own"),
        ("if 1\nif 0\necho a\nelse\nif 1\necho b\nend\nend\nelse\necho c\nend", "b"),
        ('printf "%s %5d|%-5d|%05x %u %c%% %o %p\\n", "t", -3, 4, 255, 0xffffffff, 65, 8, 16',
         "t    -3|4    |000ff 4294967295 A% 10 0x10\n"),
        ('printf "%d %lld %x", 0xffffffff, (u64)1 << 40, -1', "-1 1099511627776 ffffffff"),
        ('printf "no values"', "no values"),
        ('printf "%d", $_insn', "0"),
        ('printf "%x %d", (1 + 2) * 3, (u8)(255)', "9 255"),
        ("echo tab\\there\\x41\\101", "tab\thereAA"),
    ],
)  # fmt: skip
def test_scripts(d: Debugger, script: str, wanted: str) -> None:
    result = d.execute("echo\n" + script)
    assert said(result) == wanted


def test_printf_reads_text_of_the_guest(d: Debugger) -> None:
    d.core.bus.ram[0x2000:0x2006] = b"hello\0"
    assert d.execute('printf "<%.3s>", 0x2000') == Text("<hel>")
    with pytest.raises(UsageError, match="there is no text at 0xf0000000: no TLB entry"):
        d.execute('printf "%s", 0xf0000000')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("if 1\necho a", "the 'end' of this 'if' is missing"),
        ("if 1", "the lines of 'if' are missing"),
        ("end\n", "'end' stands alone"),
        ("echo\nelse", "'else' stands alone"),
        ("while 1\nelse\nend", "'else' belongs to 'if', not to 'while'"),
        ("if 1\nelse\nelse\nend", "has an 'else' already"),
        ("if\nend", "if needs an expression"),
        ("while $nope\nend", "there is no register $nope"),
        ("define break\nend", "break is a command of ppcdbg"),
        ("define c\nend", "c is a command of ppcdbg"),
        ("define 1x\nend", "'1x' cannot name a command"),
        ("define f\necho $arg1\nend\nf a", "$arg1 is not there: 1 arguments"),
        ("document f\ntext\nend", "there is no command of your own called 'f'"),
        ("define f\nf\nend\nf", "call each other more than 64 deep"),
        ("loop_break", "outside of any while"),
        ("echo a\\", "ends with a backslash"),
        ("show user f", "there is no command of your own called 'f'"),
        ('printf "%d"', "asks for more than the 0 values"),
        ('printf "x", 1', "takes 0 values, and 1 follow"),
        ('printf "%q", 1', "is no conversion"), ('printf "%٣x", 1', "is no conversion"),
        ('printf "%99999d", 1', "is wider than"),
        ("printf x", "printf needs a format in quotes"),
        ('printf "%d" 1', "a comma must follow"),
        ("quit 256", "an exit status lies between 0 and 255"),
        ("check", "check needs an expression"),
        ("source", "source needs a file"),
        ("send", "send needs a text"),
        ('send "a" b', "send needs a text"),
    ],
)  # fmt: skip
def test_one_clear_sentence(d: Debugger, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        d.execute(text)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_block_in_a_block_may_nest_only_so_deep(d: Debugger) -> None:
    with pytest.raises(UsageError, match="blocks nest more than 64 deep"):
        d.execute("if 1\n" * 70 + "end\n" * 70)


def test_errors_of_files_name_file_and_line(d: Debugger, tmp_path: Path) -> None:
    inner, outer = tmp_path / "inner.gdb", tmp_path / "outer.gdb"
    inner.write_text("echo ok\nif 1\n  bogus\nend\n")
    outer.write_text(f"# first\n\nsource {inner}\n")
    with pytest.raises(UsageError) as caught:
        d.execute(f"source {outer}")
    assert str(caught.value).startswith(f"{outer}:3: {inner}:3: there is no command 'bogus'")
    with pytest.raises(InputError, match=r"cannot read script .*nothing\.gdb: No such file"):
        d.execute(f"source {tmp_path}/nothing.gdb")
    inner.write_bytes(b"echo \xff")
    with pytest.raises(InputError, match="is not UTF-8"):
        d.execute(f"source {inner}")


def test_a_file_may_go_on_after_an_error(d: Debugger, tmp_path: Path) -> None:
    file = tmp_path / "a.gdb"
    file.write_text("echo a\nbogus\nif 1\nprint $nope\necho never\nend\necho b\n")
    failed: list[str] = []
    d.script.failed = lambda statement, error: failed.append(f"{statement.where} {error}")
    assert said(d.execute(f"source {file}")) == "ab"
    assert len(failed) == 2 and ":2 " in failed[0] and ":4: there is no register $nope" in failed[1]


def test_results_are_told_as_they_come(d: Debugger) -> None:
    told: list[tuple[Statement, Result, int]] = []
    d.script.tell = lambda statement, result: told.append((statement, result, d.position))
    assert d.execute("stepi\nif 1\nprint $r3\nstepi\nend") == Told()
    assert [(s.line, type(r), at) for s, r, at in told] == [
        ("stepi", StopReport, 1), ("print $r3", Printed, 1), ("stepi", StopReport, 2),
    ]  # fmt: skip


def test_quit_ends_a_script_from_within_a_block(d: Debugger) -> None:
    assert d.execute("while 1\nif 1\nquit 3\nend\nend\necho never") == Quit(3)


def test_own_commands_are_completed_and_explained(d: Debugger) -> None:
    d.execute("define regs\n  info registers r3\nend\ndocument regs\n  One\n  register.\nend")
    assert "regs" in complete(d, "reg").words
    found = d.execute("help regs")
    assert isinstance(found, Help) and found.entries[0].summary == "One register."
    assert d.execute("show user regs").rows == ((1, "  info registers r3"),)
    d.execute("define regs\n  info registers r4\nend")
    assert d.script.defined["regs"].about == "One register.", "a new body keeps its text"


def test_variables_are_values_of_their_own(d: Debugger) -> None:
    d.execute("set $big = (u64)1 << 33")
    assert d.evaluate("$big + 1").number == (1 << 33) + 1
    assert d.evaluate("$BIG").number == 1 << 33
    before = bytes(d.core.state.block)
    d.execute("set var $i = 7")
    assert bytes(d.core.state.block) == before
    with pytest.raises(UsageError, match="is text"):
        d.execute('set $i = "text"')


def test_check_and_the_debuggers_own_variables(d: Debugger) -> None:
    assert d.execute("check $r3 == 1") == Check("$r3 == 1", False)
    d.execute("break main + 4")
    d.execute("continue")
    assert d.execute("check $_breakpoint == 1 && $_insn == 1 && !$_ended && $_exits == 0").holds


def test_displays_are_shown_at_every_stop(d: Debugger) -> None:
    shown = d.execute("display/x $r3 + 1")
    assert (shown[0].number, shown[0].value.value) == (1, 1)
    d.execute("display/2i $pc")
    d.execute("x/2xw main")
    text = to_text(results.lines(d.execute("stepi 2"), d, 80))
    assert "1: /x $r3 + 1 = 0x2\n2: /2i $pc\n" in text and "▶ 00001008  b " in text
    assert d.execute("x/1xw").units[0].address == ENTRY + 8, "the user's own x goes on where it ended"
    assert d.execute("info display").rows == ((1, "/x $r3 + 1"), (2, "/2i $pc"))
    d.execute("undisplay 2")
    with pytest.raises(UsageError, match="there is no register"):
        d.execute("display $nope")
    with pytest.raises(UsageError, match="there is no display 2"):
        d.execute("undisplay 2")
    d.execute("set $r3 = 0")
    d.execute("display *(u32 *)($r3 * 0x10000000)")
    d.execute("set $r3 = 15")
    assert "3: *(u32 *)($r3 * 0x10000000) = cannot read 4 bytes" in to_text(results.lines(d.execute("stepi"), d, 80))
    assert d.execute("undisplay") == Note("deleted 2 displays") and d.execute("display") == ()


def test_what_is_sent_arrives_at_the_serial_port(d: Debugger) -> None:
    d.execute('send "k"')
    d.execute("stepi")
    assert d.core.bus.read(0xFE0004500, 1) == ord("k")


def test_send_goes_through_the_input_queue(d: Debugger) -> None:
    d.execute('send "ls\\n"')
    d.execute("send two words")
    assert [e.data for e in d.system.input.pending()] == [b"ls\n", b"two words\n"]


@pytest.mark.parametrize(
    "script", ["while 1\nend", "while 1\nset $i = 1\nend", "while 1\nstepi\nend", "continue\necho never"]
)
def test_a_script_can_be_interrupted(d: Debugger, script: str) -> None:
    timer = threading.Timer(0.2, d.interrupt)
    timer.start()
    try:
        with pytest.raises(Interrupted, match="interrupted"):
            d.execute("set $i = 0\n" + script)
    finally:
        timer.cancel()
    assert isinstance(d.execute("stepi"), StopReport), "the next command runs as ever"


def test_what_is_unfinished(d: Debugger) -> None:
    script = d.script
    assert script.unfinished("if 1") and script.unfinished("define f\nif 1\nend") and script.unfinished("echo a\\")
    assert not script.unfinished("if 1\nend") and not script.unfinished("bogus") and not script.unfinished("end")
    assert script.unfinished("document f\nif this is prose") and not script.unfinished("document f\nif\nend")


WORDS = ["if", "else", "end", "while", "define", "f", "0", "$r3", "\n", "\n", "\\", "echo", "a", "document", "#",
         "printf", '"%d', '"', ",", "loop_break", "set", "$i", "=", "quit", "check", "stepi", "$arg0"]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=14))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_a_result_or_one_sentence(words: list[str]) -> None:
    d = debugger(li(3, 0), NOP, SPIN)
    timer = threading.Timer(1.0, d.interrupt)  # a while may go on for ever
    timer.start()
    try:
        d.script.unfinished(" ".join(words))
        d.execute(" ".join(words))
    except PpcdbgError as error:
        assert "\n" not in str(error), str(error)
    finally:
        timer.cancel()


def test_a_breakpoints_commands_are_told_as_they_come(d: Debugger) -> None:
    """A trace by hand, and a stop that ends the script: each is told while the guest stands there."""
    d.execute("break main + 4")
    d.execute('commands\n  silent\n  printf "%d ", $r3\n  if $r3 == 3\n    quit 5\n  end\n  continue\nend')
    told: list[tuple[str, int]] = []
    d.script.tell = lambda statement, result: told.append((getattr(result, "text", "stop"), d.position))
    assert d.execute("continue") == Quit(5)
    assert told == [("0 ", 1), ("1 ", 3), ("2 ", 5), ("3 ", 7)]
    d.execute('commands 1\n  printf "here"\nend')
    told.clear()
    assert d.execute("continue") == Told()
    assert told == [("stop", 9), ("here", 9)]
    d.execute('commands 1\n  silent\n  if $r3 < 7\n    continue\n    echo never\n  end\n  printf "%d", $r3\nend')
    told.clear()
    d.execute("continue")
    assert told == [("7", 15)], "the commands of the stop that a block led to come next"
