"""``ppcdbg tutorial`` where there is no terminal."""

from __future__ import annotations

import pytest

from ppcdbg.cli.main import main
from ppcdbg.debugger.chapters import CHAPTERS


def test_without_a_terminal_it_prints_the_chapters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tutorial"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split("  ")[1].strip() for row in rows[:5]] == [chapter.title for chapter in CHAPTERS]


def test_a_chapter_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tutorial", "nine"]) == 2
    assert "there is no chapter 'nine'; there are 1 exit, 2 miss" in capsys.readouterr().err
