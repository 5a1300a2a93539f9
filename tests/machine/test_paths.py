"""Names of files as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcdbg.cli.main import main
from ppcdbg.errors import InputError
from ppcdbg.paths import named


def test_a_name_is_what_a_shell_makes_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert named("~/a") == tmp_path / "a" and named("a/~") == Path("a/~")
    assert named("~nobody-of-that-name/a") == Path("~nobody-of-that-name/a")


def test_no_file_has_a_zero_in_its_name() -> None:
    with pytest.raises(InputError, match="no zero byte"):
        named("a\0b")


@pytest.mark.parametrize("words", [("run",), ("session", "info"), ("replay",), ("repl", "-n", "demo", "-c")])
def test_the_home_of_nobody_is_a_sentence(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    name = "~nobody-of-that-name/a"
    assert main([*words, f"source {name}" if words[0] == "repl" else name]) in (1, 2, 3)
    said = capsys.readouterr().err
    assert name in said and "Traceback" not in said


def test_a_description_names_no_file_with_a_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.toml"
    path.write_text('kernel = "a\\u0000b"\n')
    assert main(["run", str(path)]) == 3
    assert "no zero byte" in capsys.readouterr().err
