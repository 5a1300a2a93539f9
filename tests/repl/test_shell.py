"""What is carried out at a prompt: results, repeats, Ctrl-C, the guest's console, progress."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from ppcdbg.debugger.stops import Cause
from ppcdbg.paths import CHECKOUT
from ppcdbg.repl.guestconsole import GuestConsole
from ppcdbg.repl.output import Output
from ppcdbg.repl.progress import Progress
from ppcdbg.repl.shell import repeated
from ppcdbg.views.ansi import Ansi
from ppcdbg.views.spans import line
from ppcdbg.views.theme import load_themes
from tests.debugger.rig import NOP, SPIN, branch, debugger, li
from tests.repl.rig import Tty, demo, shell


def test_results_errors_and_quit() -> None:
    sh, out, errors = shell(debugger(li(3, 7), NOP, SPIN))
    assert sh.enter("stepi") is None and sh.enter("print $r3") is None
    assert out.getvalue().endswith("0x7\n")
    assert sh.enter("prnt $r3") is None
    assert errors.getvalue() == "there is no command 'prnt'; did you mean 'print'?\n"
    left = sh.enter("quit 3")
    assert left is not None and left.status == 3


def test_an_empty_line_repeats_what_can_be_repeated() -> None:
    d = debugger(li(3, 7), NOP, NOP, NOP, NOP, SPIN)
    sh, out, errors = shell(d)
    sh.enter("stepi 2")
    sh.enter("")
    assert d.position == 4
    sh.enter("print 1")
    sh.enter("")
    assert d.position == 4 and not errors.getvalue() and out.getvalue().count("1\n") == 1, "print is not repeated"
    sh.enter("x/2xw $pc")
    sh.enter("")
    assert [row.split(":")[0] for row in out.getvalue().splitlines()[-2:]] == ["00001010", "00001018"]


@pytest.mark.parametrize(
    ("text", "again"),
    [("x/8xw $r1", "x/8xw"), ("x $r1", "x"), ("xp/4xw 0", "xp/4xw"), ("si 3", "si 3"), ("c", "c"), ("print 1", ""),
     ("nonsense", ""), ("if 1\nstepi\nend", "")],
)  # fmt: skip
def test_what_an_empty_line_means(text: str, again: str) -> None:
    assert repeated(text) == again


def test_the_guests_console_is_told_from_the_debuggers_words() -> None:
    sh, out, _ = shell(demo())
    sh.enter("continue")
    rows = out.getvalue().splitlines()
    assert rows[0] == "│ demo: a kernel in miniature on an e500v2, PVR 80210030"
    assert rows[-3] == "│ demo: done" and rows[-2].startswith("Exit 2,158")


def test_text_that_ends_no_line_is_ended_before_anything_else() -> None:
    out = io.StringIO()
    output = Output(out, io.StringIO())
    output.text("no end")
    output.lines([line("next")])
    output.console("login: ")
    output.console("root\n")
    output.console("part")
    output.text("said\n")
    output.console("ial\n")
    assert out.getvalue() == "no end\nnext\n│ login: root\n│ part\nsaid\n│ ial\n"


def test_nothing_the_guest_or_a_script_prints_drives_the_terminal() -> None:
    out = io.StringIO()
    output = Output(out, io.StringIO())
    output.console("\x1b[2Jwiped\x07\n")
    output.text("\x1b[2J\tx\n")
    output.lines([line("a")])
    assert out.getvalue() == "│ wiped·\n·[2J\tx\na\n"


def test_the_beginning_of_a_line_is_shown_when_the_guest_waits() -> None:
    now, shown = 0.0, list[tuple[str, int]]()
    console = GuestConsole(lambda text, position: shown.append((text, position)), lambda: now)
    for n, byte in enumerate("grüße\nlogin: ".encode()):
        console(bytes((byte,)), n)
    console.pause()
    assert shown == [("grüße\n", 7)]
    now = 0.2
    console.pause()
    assert shown[1] == ("login: ", 14)
    console(b"\xc3", 20)
    console.flush()
    console(b"\xbc", 21)
    console.flush()
    assert "".join(text for text, _ in shown[2:]) == "ü", "a character may come in two pieces"


def test_progress_from_half_a_second_on_and_only_on_a_terminal() -> None:
    d = debugger(NOP, SPIN)
    for stream, terminal in ((Tty(), True), (io.StringIO(), False)):
        now = [0.0]
        output = Output(stream, stream, terminal=terminal)
        progress = Progress(d, output, lambda now=now: now[0])
        for now[0] in (0.1, 0.4, 0.6, 0.65, 0.9):
            progress.pause()
        output.lines([line("done")])
        assert stream.getvalue().count("Running: 0 instructions in ") == 2 * terminal
        assert stream.getvalue().endswith(("\r\x1b[K" if terminal else "") + "done\n")


def after(seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    return timer


def test_control_c_stops_the_guest_at_a_consistent_place() -> None:
    d = debugger(NOP, branch(-4))
    sh, out, _ = shell(d)
    after(0.3)
    began = time.process_time()
    sh.enter("continue")
    assert time.process_time() - began < 0.3 + 0.2, (
        "200 ms, in this process's own time: others may keep the machine busy"
    )
    assert d.last.cause is Cause.INTERRUPTED and out.getvalue().startswith("Interrupted at")
    position = d.position
    sh.enter("stepi")
    assert d.position == position + 1, "the next command runs as ever"


def test_control_c_ends_a_script_and_work_without_the_guest() -> None:
    d = debugger(NOP, branch(-4))
    sh, _, errors = shell(d)
    for text in ("while 1\nend", "while 1\nset $i = 1\nend", "while 1\nstepi\nend", "if 1\ncontinue\nend"):
        after(0.3)
        sh.enter(text)
    assert errors.getvalue() == "interrupted\n" * 4
    d.memory.find = lambda *a, **k: time.sleep(60)  # type: ignore[method-assign,assignment]
    timer = after(0.3)
    sh.enter("find 0, 0x1000, 1")
    timer.join()
    assert errors.getvalue().endswith("interrupted\n")


def test_what_leaving_would_lose() -> None:
    d = debugger(li(3, 7), NOP, SPIN)
    sh, _, _ = shell(d)
    sh.enter("stepi")
    assert not sh.lost(), "a run can always be had again"
    sh.enter("set $r3 = 1")
    sh.enter("send ls")
    assert sh.lost().startswith("2 changes to the guest by hand")
    sh.enter("set confirm off")
    assert not sh.lost()


@pytest.mark.parametrize("depth", [1, 16, 256, 1 << 24])
@pytest.mark.parametrize("name", ["dark", "terminal", "plain", "high-contrast"])
def test_escape_sequences_of_every_depth(name: str, depth: int) -> None:
    theme = load_themes([CHECKOUT / "themes"])[name]
    row = line(("a", "error"), ("b", "text"), ("c", "address"))
    text = Ansi(theme, depth)(row)
    codes = [c for part in text.split("\x1b[")[1:] for c in part.split("m")[0].split(";")]
    colours = [c for c in codes if c.isdigit() and int(c) >= 30]
    assert ("38" in codes) == (name in ("dark", "high-contrast") and depth >= 256)
    assert bool(colours) == (name != "plain" and depth > 1)
    assert "b" in text and text.endswith(("c", "m"))


def test_files_of_this_room_open_no_door_but_their_own() -> None:
    """Scripts pay for no toolkit: the parts that they use import none."""
    import subprocess
    import sys

    code = "import sys, ppcdbg.repl.batch, ppcdbg.repl.plain; print(*(m in sys.modules for m in sys.argv[1:]))"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, "prompt_toolkit", "pygments"], capture_output=True, text=True, cwd=root, timeout=60
    )
    assert done.stdout.split() == ["False", "False"], done.stderr


def test_long_results_go_through_the_users_pager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ppcdbg.repl.pager import Pager

    seen = tmp_path / "seen"
    script = tmp_path / "my pager"
    script.write_text(f'#!/bin/sh\necho "$LESS" > {seen}\ncat >> {seen}\n')
    script.chmod(0o755)
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("COLUMNS", "80")
    sh, out, _ = shell(demo())
    sh.output.pager = Pager.of({"PAGER": f"'{script}' -x"})
    sh.enter("help")
    assert out.getvalue() == "" and seen.read_text().startswith("FRX\nrunning\n")
    sh.enter("echo 1\\n")
    assert out.getvalue() == "1\n", "what fits stays"
    sh.enter("set pagination off")
    sh.enter("help")
    assert "breakpoints\n" in out.getvalue()
    sh.enter("set pagination on")
    sh.enter("if 1\nhelp\nend")
    assert len(out.getvalue().splitlines()) > 50, "what a script says is never held back"


def test_no_pager_where_there_is_none() -> None:
    from ppcdbg.repl.pager import Pager

    assert all(Pager.of({"PAGER": name}) is None for name in ("", "cat", "no-such-program-here"))
