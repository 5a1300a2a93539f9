"""``ppcdbg debug --snapshot``: a picture of the UI without a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ppcdbg.cli.main import main


def test_a_picture_and_a_text_of_the_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, text = tmp_path / "screen.svg", tmp_path / "screen.txt"
    for path in (picture, text):
        arguments = ["debug", "demo", "-c", "step-exit 5", "--keys", "9 z", "--size", "90x20", "--snapshot", str(path)]
        assert main(arguments) == 0
    assert picture.read_text().startswith("<svg") and "Statistics" in picture.read_text()
    assert 'xml:space="preserve"' in picture.read_text(), "librsvg trims the blanks before a number"
    rows = text.read_text().splitlines()
    assert len(rows) == 20 and "9 Statistics" in rows[1] and "PROGRAM" in text.read_text()
    assert re.findall(r"url\(\W*http", picture.read_text(encoding="utf-8")) == [], "it loads nothing from anywhere"


@pytest.mark.parametrize(
    ("more", "says"), [(["--size", "9x9"], "is no size"), (["--theme", "none"], "no theme is named")]
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], says: str
) -> None:
    assert main(["debug", "demo", "--snapshot", str(tmp_path / "x.svg"), *more]) in (2, 3)
    assert says in capsys.readouterr().err
