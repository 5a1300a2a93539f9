"""What a scribe writes of what it is told."""

from __future__ import annotations

from pathlib import Path

from ppcdbg.machine.console import LONGEST
from ppcdbg.session.scribe import Scribe
from ppcdbg.session.store import Store

FIRST = {"input": 0, "exit": 0, "interrupt": 0}


def test_a_line_that_never_ends_is_closed_when_it_is_long(tmp_path: Path) -> None:
    """A guest that floods its console without a line's end: each note wrote the whole line again, from the start."""
    store = Store.new(tmp_path / "a.ppcdbg")
    scribe, told = Scribe(store), 0
    for _ in range(9):
        text = b"x" * (LONGEST // 4 + 1)
        first = {**FIRST, "console0": told}
        scribe.note(first, [], [], [], [(text, range(told, told + len(text)))])
        told += len(text)
        assert all(len(line) <= 2 * LONGEST for _, line in scribe.lines.values())
    scribe.note({**FIRST, "console0": told}, [], [], [], [(b"end\nmore\n", range(told, told + 9))])
    store.commit()
    rows = store.lines(0)
    assert [(at, len(text)) for at, text in rows] == [
        (0, LONGEST + 4), (LONGEST + 4, LONGEST + 4), (2 * LONGEST + 8, LONGEST // 4 + 4), (told + 4, 4),
    ]  # fmt: skip
    assert "".join(text for _, text in rows) == "x" * told + "endmore"
    store.close()
