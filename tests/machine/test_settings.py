"""Where files are found, and where settings come from."""

from __future__ import annotations

import sys
from pathlib import Path

import platformdirs
import pytest

from ppcdbg.config import load_settings, parse_toml
from ppcdbg.errors import InputError, UsageError
from ppcdbg.paths import Kind, find, folders, listing, user_cache, user_config, user_data, user_state


def environment(home: Path) -> dict[str, str]:
    return {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}


def test_the_user_wins_over_the_environment_and_both_over_what_ships(tmp_path: Path) -> None:
    env = environment(tmp_path)
    own, given = tmp_path / "data/ppcdbg/themes", tmp_path / "given"
    own.mkdir(parents=True)
    given.mkdir()
    env["PPCDBG_THEMES"] = str(given)
    for folder, names in ((own, ["a.toml"]), (given, ["a.toml", "b.toml"])):
        for name in names:
            (folder / name).write_text(str(folder))
    assert folders(Kind.THEMES, env)[:2] == (own, given)
    assert find(Kind.THEMES, "a.toml", env) == own / "a.toml"
    assert find(Kind.THEMES, "b.toml", env) == given / "b.toml"
    assert find(Kind.THEMES, "../a.toml", env) is None
    assert find(Kind.THEMES, "no-such.toml", env) is None
    files = listing(Kind.THEMES, env, "*.toml")
    assert files["a.toml"] == own / "a.toml"
    assert list(files) == sorted(files)


def test_xdg_directories(tmp_path: Path) -> None:
    env = environment(tmp_path)
    assert user_config(env) == tmp_path / "config/ppcdbg"
    assert user_cache({"XDG_CACHE_HOME": "relative"}).is_absolute()


def test_precedence_and_origins(tmp_path: Path) -> None:
    env, project = environment(tmp_path), tmp_path / "project"
    (tmp_path / "config/ppcdbg").mkdir(parents=True)
    project.mkdir()
    user = tmp_path / "config/ppcdbg/config.toml"
    user.write_text('theme = "dark"\nengine = "llvm"\n')
    assert load_settings(env, project, {}).origins["engine"] == str(user)
    (project / ".ppcdbg.toml").write_text('theme = "light"\nengine = "reference"\n')
    env |= {"PPCDBG_THEME": "plain", "PPCDBG_ASCII": "yes"}
    settings = load_settings(env, project, {"theme": "mine", "ascii": None})
    assert dict(settings.values) == {
        "theme": "mine",
        "engine": "reference",
        "ascii": True,
        "plain": False,
        "editing": "emacs",
    }
    assert dict(settings.origins) == {
        "theme": "--theme", "engine": str(project / ".ppcdbg.toml"), "ascii": "$PPCDBG_ASCII",
        "plain": "default", "editing": "default",
    }  # fmt: skip


def test_a_project_may_use_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.ppcdbg]\ntheme = "light"\n[tool.other]\nx = 1\n')
    assert load_settings(environment(tmp_path), tmp_path, {})["theme"] == "light"


@pytest.mark.parametrize(
    ("text", "words"),
    [("thme = 'x'", "did you mean 'theme'"), ("theme = 1", "must be text"),
     ("ascii = 1", "true or false"), ("engine = 'fast'", "auto or reference or llvm"), ("=", "not valid TOML")],
)  # fmt: skip
def test_bad_settings_are_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / ".ppcdbg.toml").write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        load_settings(environment(tmp_path), tmp_path, {})
    assert ".ppcdbg.toml" in str(caught.value)


def test_a_number_longer_than_python_reads(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^x.toml is not valid TOML: Exceeds the limit"):
        parse_toml(b"a = " + b"9" * 5000, "x.toml")


@pytest.mark.parametrize("text", ["a." * 200_000 + "b = 1", "[" + "a." * 257 + "b]", "# " + "x" * (1 << 20)])
def test_a_file_that_would_take_minutes_is_not_read(text: str) -> None:
    """The time that Python's reader takes for a key goes with the square of its parts."""
    with pytest.raises(InputError, match=r"^x.toml has .* at most .* are read$"):
        parse_toml(text.encode(), "x.toml")
    assert parse_toml(b"a." * 256 + b"b = 1", "x.toml")


def test_bad_variables_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\$PPCDBG_ASCII"):
        load_settings(environment(tmp_path) | {"PPCDBG_ASCII": "many"}, tmp_path, {})


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs is asked")
def test_the_directories_without_variables_are_those_that_platformdirs_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.delenv(f"XDG_{name}_HOME", raising=False)
    for ours, theirs in (
        (user_config, platformdirs.user_config_dir),
        (user_data, platformdirs.user_data_dir),
        (user_state, platformdirs.user_state_dir),
        (user_cache, platformdirs.user_cache_dir),
    ):
        assert ours({}) == Path(theirs("ppcdbg", appauthor=False))


@pytest.mark.parametrize("text", ['[tool.ppcdbg]\nengine = "llvm"\n', '[tool."pp\\u0063dbg"]\nengine = "llvm"\n'])
def test_a_project_that_says_nothing_of_ppcdbg_is_not_parsed(tmp_path: Path, text: str) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text("this is not TOML")
    assert load_settings(environment(tmp_path), tmp_path, {})["engine"] == "auto"
    project.write_text(text)
    assert load_settings(environment(tmp_path), tmp_path, {})["engine"] == "llvm"
