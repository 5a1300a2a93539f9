"""Plain text mode: nothing is drawn, panes are lines, and what changed is said."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ppcdbg.cli.main import main
from ppcdbg.debugger import open_guest
from ppcdbg.debugger.topics import TOPICS
from ppcdbg.errors import UsageError
from ppcdbg.repl.output import Output
from ppcdbg.repl.plain import KEYS, Candidates, run_plain
from ppcdbg.repl.shell import Shell
from ppcdbg.views.glyphs import DRAWN, undrawn
from tests.debugger.rig import NOP, SPIN, debugger
from tests.repl.rig import demo, shell


def said(*lines: str) -> list[str]:
    """What plain text mode says to lines that are typed on the demo guest."""
    out = io.StringIO()
    on = Shell(open_guest("demo", engine="reference"), Output(out, out, ascii_only=True, plain=True))
    assert run_plain(on, io.StringIO("".join(f"{line}\n" for line in lines))) == 0
    on.close()
    return out.getvalue().splitlines()


def test_nothing_is_drawn() -> None:
    shown = "\n".join(said("run-until withheld DECREMENTER", *(f"pane {topic.key}" for topic in TOPICS)))
    assert shown.isascii() and "\x1b" not in shown and "guest: demo: a kernel in miniature" in shown
    assert undrawn("│ a ─ ▂▇ →") == "  a      >" and all(undrawn(chr(sign)) == " " for sign in DRAWN)


def test_a_digit_is_a_pane_in_a_sentence_and_a_table() -> None:
    rows = said("step-exit 3", "4", "]", "[", "quit")
    at = next(i for i, row in enumerate(rows) if "entries of TLB1 and" in row or "entry of TLB1 and" in row)
    assert rows[at + 1].split()[:2] == ["entry", "effective"]
    assert any("Exit 3:" in row for row in rows), "the closing bracket goes on to the next exit"
    assert sum("Reached exit" in row for row in rows) == 1, "the opening one goes back"
    assert set(KEYS) == {"[", "]", *"123456789"}


def test_what_changed_is_announced_once() -> None:
    rows = said("run-until withheld DECREMENTER", "stepi", "wait-for delivered DECREMENTER", "stepi")
    told = [row for row in rows if row.removeprefix("(ppcdbg) ").startswith(("irqprio: ", "paravirt: "))]
    assert told[0].endswith("DECREMENTER waits: critical section (critical == r1).")
    assert told[1].startswith("paravirt: The guest has the magic page at fffff000; in a critical section: yes")
    assert len(told) == 4 and "in a critical section: no" in told[3], "the steps between changed nothing"


def test_any_prompt_announces_what_it_is_asked_to() -> None:
    sh, out, errors = shell(demo())
    sh.enter("step-exit")
    sh.enter("announce 3 exits")
    assert out.getvalue().endswith("announced when it changes: registers, exits\n")
    sh.enter("step-exit")
    assert "exits: 2 exits so far" in out.getvalue()
    sh.enter("announce off")
    sh.enter("step-exit")
    assert "3 exits so far" not in out.getvalue() and not errors.getvalue()
    with pytest.raises(UsageError, match="did you mean irqprio"):
        sh.debugger.execute("announce irqpri")


def test_completion_as_readline_asks_for_it() -> None:
    d = debugger(NOP, SPIN)
    for typed, first in (
        ("world-switch un", "until"),
        ("info irq", "irqprio"),
        ("announce irq", "irqprio"),
        ("x q", None),
    ):
        begin = typed.rindex(" ") + 1
        ask = Candidates(d, lambda typed=typed: typed, lambda begin=begin: begin, lambda typed=typed: len(typed))
        assert ask(typed[begin:], 0) == first
    assert Candidates(d, lambda: "conti", lambda: 0, lambda: 5)("conti", 0) == "continue"


def test_the_setting_opens_it_and_needs_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO("]\nquit 3\n"))
    monkeypatch.setenv("PPCDBG_PLAIN", "yes")
    assert main(["debug", "demo"]) == 3
    assert "Exit 0: the fetch" in capsys.readouterr().out
    monkeypatch.delenv("PPCDBG_PLAIN")
    monkeypatch.setattr("sys.stdin", io.StringIO("tutorial next\n"))
    assert main(["tutorial", "--plain"]) == 0
    assert "A guest of KVM runs on the real processor" in capsys.readouterr().out
