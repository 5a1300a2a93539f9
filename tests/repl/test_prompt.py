"""The prompt by the toolkit's own pipe: keys in, and what became of them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import to_formatted_text
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from prompt_toolkit.styles import Style

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.paths import CHECKOUT
from ppcdbg.repl.completer import GuestCompleter
from ppcdbg.repl.look import style_of
from ppcdbg.repl.past import KEPT, Past
from ppcdbg.repl.prompt import CommandColours, Prompt, Setup
from ppcdbg.views.theme import load_themes
from tests.debugger.rig import ENTRY, NOP, SPIN, debugger, elf, li
from tests.repl.rig import shell

THEMES = load_themes([CHECKOUT / "themes"])
CTRL_A, CTRL_C, CTRL_D, UP, ESCAPE = "\x01", "\x03", "\x04", "\x1b[A", "\x1b"


@pytest.fixture
def d(tmp_path: Path) -> Debugger:
    image = elf([("main", ENTRY, 12, True), ("main_loop", ENTRY + 4, 8, True)], tmp_path / "g.elf")
    return debugger(li(3, 7), NOP, NOP, NOP, SPIN, image=image)


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    with create_pipe_input() as made, create_app_session(input=made, output=DummyOutput()):
        yield made


def typed(d: Debugger, keys: PipeInput, text: str, **more: object) -> tuple[int, str, str]:
    """Type keys at a prompt, then Ctrl-D; the status, what was said, and the complaints."""
    sh, out, errors = shell(d)
    keys.send_text(text + CTRL_D)
    setup = Setup(THEMES["terminal"], **more)  # type: ignore[arg-type]
    return Prompt(sh, setup, keys, DummyOutput()).run(), out.getvalue(), errors.getvalue()


def test_a_line_and_its_repeat(d: Debugger, keys: PipeInput) -> None:
    assert typed(d, keys, "stepi\r\r\rprint $r3\r")[0] == 0
    assert d.position == 3


def test_control_c_clears_the_line(d: Debugger, keys: PipeInput) -> None:
    status, out, errors = typed(d, keys, "nonsense" + CTRL_C + "echo 5\\n\r")
    assert (status, out, errors) == (0, "5\n", "")


def test_blocks_and_backslashes_ask_for_more(d: Debugger, keys: PipeInput) -> None:
    _, out, errors = typed(d, keys, "if 1\recho 3\\n\rend\rdefine f\recho $arg0\\n\rend\rf ok\recho a\\\rb\r")
    assert (out, errors) == ("3\nok\nab\n", "")


def test_alt_enter_begins_a_line(d: Debugger, keys: PipeInput) -> None:
    assert typed(d, keys, "echo 1\\n" + ESCAPE + "\recho 2\\n\r")[1] == "1\n2\n"


def test_history_is_kept_and_searched(d: Debugger, keys: PipeInput, tmp_path: Path) -> None:
    file = tmp_path / "state" / "repl-history"
    typed(d, keys, "echo 11\\n\rstepi\rif 1\recho 22\\n\rend\r", history=file)
    assert Past(file).load_history_strings()[:3] == ["if 1\n  echo 22\\n\nend", "stepi", "echo 11\\n"]
    _, out, _ = typed(d, keys, "ec" + UP + "\r", history=file)
    assert out == "11\n"


def test_history_is_bounded_and_no_file_is_no_error(tmp_path: Path) -> None:
    file = tmp_path / "history"
    past = Past(file)
    for n in range(KEPT + 10):
        past.store_string(f"print {n}\nend")
    assert len(list(past.load_history_strings())) == KEPT
    again = list(Past(file).load_history_strings())
    assert len(again) == KEPT and again[0] == f"print {KEPT + 9}\nend" and again[-1] == "print 10\nend"
    nowhere = Past(file / "below-a-file" / "history")
    nowhere.store_string("print")
    assert list(nowhere.load_history_strings()) == []


def test_emacs_keys_and_vi_keys(d: Debugger, keys: PipeInput) -> None:
    assert typed(d, keys, "7\\n" + CTRL_A + "echo \r")[1] == "7\n"
    assert typed(d, keys, "xecho 8\\n" + ESCAPE + "0x\r", vi=True)[1] == "8\n"


def test_leaving_asks_only_where_something_would_be_lost(d: Debugger, keys: PipeInput) -> None:
    _, out, _ = typed(d, keys, "set $r3 = 1\r" + CTRL_D + "n\rprint $r3\rquit\ry\r")
    assert out.endswith("0x1\n")


def offered(d: Debugger, text: str) -> dict[str, str]:
    found = GuestCompleter(d).get_completions(Document(text), CompleteEvent())
    return {c.text.rstrip(): "".join(part[1] for part in to_formatted_text(c.display_meta)) for c in found}


@pytest.mark.parametrize(
    ("text", "word", "about"),
    [
        ("stepi\nbre", "break", "Stop at a place"),
        ("info irq", "irqprio", "The 23 interrupt priorities"),
        ("break main_", "main_loop", "00001004"),
        ("print $r3", "$r3", "0x7"),
        ("print $_ins", "$_insn", "the position"),
        ("break ", "exit", "an exit to KVM"),
        ("break exit DTLB_MISS if de", "dear", "data address"),
        ("help con", "continue", "Run on"),
        ("hel", "hello", "Says hello."),
    ],
)
def test_each_completion_has_help_beside_it(d: Debugger, text: str, word: str, about: str) -> None:
    d.step()
    d.execute("define hello\necho hello\nend\ndocument hello\nSays hello.\nend")
    assert offered(d, text)[word].startswith(about)


def test_a_name_and_its_alias_are_offered_once(d: Debugger) -> None:
    assert "br" not in offered(d, "br") and "break" in offered(d, "br")
    assert offered(d, "nonsense here ") == {}


def test_blocks_are_indented_as_they_are_typed(d: Debugger, keys: PipeInput) -> None:
    text = "define f\rif $argc\recho a\\n\relse\rif 1\recho b\\n\rend\rend\rend\rf\r"
    assert typed(d, keys, text)[1] == "b\n"
    lines = d.script.defined["f"].block.lines
    assert lines == ("  if $argc", "    echo a\\n", "  else", "    if 1", "      echo b\\n", "    end", "  end")


@pytest.mark.parametrize("name", sorted(THEMES))
def test_every_theme_is_a_style(name: str) -> None:
    style = style_of(THEMES[name])
    assert isinstance(style, Style)
    style.get_attrs_for_style_str("class:role-error class:bottom-toolbar class:bar-stopped")


def test_what_is_typed_is_coloured_line_by_line(d: Debugger) -> None:
    document = Document("if $r3 == 0\n  bogus\nend")
    row = CommandColours().lex_document(document)
    assert row(0)[:2] == [("class:role-selected", "if"), ("class:role-text", " ")]
    assert ("class:role-register", "$r3") in row(0) and ("class:role-text", "bogus") in row(1)
    assert ["".join(part[1] for part in row(n)) for n in range(3)] == document.lines
    assert row(7) == []


def test_plain_prompt_of_a_terminal_that_can_do_nothing(d: Debugger) -> None:
    from ppcdbg.repl import plain

    sh, out, errors = shell(d)
    assert plain.run(sh, io.StringIO("echo 1\\n\n\nif 1\necho 2\\n\nend\nbogus\n")) == 0
    assert out.getvalue() == "(ppcdbg) 1\n(ppcdbg) (ppcdbg) > > 2\n(ppcdbg) (ppcdbg) \n"
    assert "no command 'bogus'" in errors.getvalue()
    assert plain.run(sh, io.StringIO("quit 4\n")) == 4
