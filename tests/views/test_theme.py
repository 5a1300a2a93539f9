"""Theme files: what they must hold, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcdbg.errors import InputError
from ppcdbg.paths import Kind, folders
from ppcdbg.views.spans import ROLES
from ppcdbg.views.theme import SURFACES, Look, Theme, load_themes, parse_look, parse_theme

THEMES = load_themes([Path(__file__).resolve().parents[2] / "themes"])


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_shipped_themes() -> None:
    assert set(THEMES) == {"dark", "light", "high-contrast", "colour-blind", "terminal", "plain"}


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_a_shipped_theme_is_complete(theme: Theme) -> None:
    assert set(theme.looks) == {*ROLES, *SURFACES}
    assert theme.description


@pytest.mark.parametrize(
    ("name", "least"), [("dark", 4.5), ("light", 4.5), ("colour-blind", 4.5), ("high-contrast", 7)]
)
def test_every_text_can_be_read(name: str, least: float) -> None:
    theme = THEMES[name]
    paper = theme.look("background").background
    assert paper is not None
    for role in ROLES:
        look = theme.look(role)
        if look.colour and role != "arrow":
            assert contrast(look.colour, look.background or paper) >= least, role


def test_looks() -> None:
    assert parse_look("bold #aabbcc on black", "x") == Look("#aabbcc", "black", frozenset({"bold"}))
    assert parse_look("", "x") == Look()
    assert THEMES["dark"].look("no such role") == THEMES["dark"].look("text")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "not valid TOML"),
        ("nam = 'x'", "unknown key 'nam'; did you mean 'name'"),
        ("[roles]\nadress = 'red'", "did you mean 'address'"),
        ("[roles]\naddress = 'rad'", r"\[roles\] address: 'rad' is no colour; did you mean 'red'"),
        ("[roles]\naddress = 'red blue'", "second colour"),
        ("[roles]\naddress = '#12345'", "a colour is #rrggbb"),
        ("[roles]\ntext = 'red'", "'background' is missing"),
    ],
)
def test_a_wrong_file_is_named_with_the_place(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        parse_theme(text, "mine.toml")
    assert str(caught.value).startswith("mine.toml")


def test_the_earlier_folder_counts(tmp_path: Path) -> None:
    shipped = Path(__file__).resolve().parents[2] / "themes" / "dark.toml"
    (tmp_path / "dark.toml").write_text(shipped.read_text().replace("Calm", "Mine"), encoding="utf-8")
    assert load_themes([tmp_path, shipped.parent])["dark"].description.startswith("Mine")


def test_a_user_s_own_themes_lie_beside_the_settings(tmp_path: Path) -> None:
    own = tmp_path / "ppcdbg" / "themes"
    own.mkdir(parents=True)
    assert own in folders(Kind.THEMES, {"XDG_CONFIG_HOME": str(tmp_path)})
