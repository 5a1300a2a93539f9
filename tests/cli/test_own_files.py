"""What becomes of a user's own files that are wrong: settings are refused before anything began, looks are left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ppcdbg.cli.doctor import How, own
from tests.cli.conftest import Cli


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's configuration folder, and a project's to be in."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("PPCDBG_THEMES", raising=False)
    (tmp_path / "ppcdbg" / "themes").mkdir(parents=True)
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "ppcdbg"


@pytest.mark.parametrize("where", ["config.toml", "../project/.ppcdbg.toml", "../project/pyproject.toml"])
@pytest.mark.parametrize(
    "arguments",
    [("run", "demo"), ("repl", "demo", "-c", "step"), ("debug", "demo"), ("debug", "demo", "--engine", "reference"),
     ("debug", "demo", "--snapshot", "screen.svg"), ("record", "demo", "-o", "demo.ppcdbg")],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_setting_is_refused_before_anything_began(
    cli: Cli, config: Path, where: str, arguments: tuple[str, ...]
) -> None:
    """A setting says which engine runs and whether there is a screen at all: nobody wants another one guessed."""
    head = "[tool.ppcdbg]\n" if "pyproject" in where else ""
    (config / where).write_text(f'{head}engin = "reference"\n')
    done = cli(*arguments)
    assert (done.status, done.out) == (3, "")
    assert done.err.count("\n") == 1 and Path(where).name in done.err and "did you mean 'engine'?" in done.err
    assert {path.name for path in Path().iterdir()} <= {Path(where).name}


@pytest.mark.parametrize("arguments", [("info", "exits"), ("man",), ("completion", "bash"), ("doctor",)], ids=" ".join)
def test_what_needs_no_setting_looks_at_none(cli: Cli, config: Path, arguments: tuple[str, ...]) -> None:
    (config / "config.toml").write_text("=")
    done = cli(*arguments)
    assert done.out and (done.status == 0 or "own" in done.out)


def test_a_prompt_names_and_leaves_out_a_theme_that_is_wrong(cli: Cli, config: Path) -> None:
    """It once did not open."""
    (config / "themes" / "bad.toml").write_text('name = "bad"\n[roles]\ntext = "puce"\n')
    (config / "config.toml").write_text('theme = "bad"\n')
    done = cli("repl", "demo", "-n", "--color", "always", "-c", "print 42")
    assert done.status == 0 and done.out == "42\n"
    first, second = done.err.splitlines()
    assert first.startswith("ppcdbg: skipped: ") and "bad.toml" in first
    assert "the settings name a theme 'bad'; there are" in second
    asked = cli("repl", "demo", "-n", "--color", "always", "--theme", "bad", "-c", "print 42")
    assert asked.status == 3 and "no theme is named 'bad'" in asked.err and "skipped: " in asked.err


def test_doctor_names_every_one(cli: Cli, config: Path) -> None:
    assert own().how is How.OK
    (config / "keymap.toml").write_text('stepp = "s"\n')
    (config / "layout.toml").write_text('layout = "sideways"\n')
    (config / "themes" / "bad.toml").write_text('name = "bad"\n[roles]\ntext = "puce"\n')
    Path(".ppcdbg.toml").write_text("ascii = 1\n")
    done = cli("doctor", "--json", "d.json")
    told = {each["name"]: each for each in json.loads(Path("d.json").read_text())}["own"]
    assert done.status == 1 and told["how"] == "wrong"
    for part in ("did you mean 'step'", "no layout is named 'sideways'", "bad.toml", "true or false"):
        assert part in told["advice"]
