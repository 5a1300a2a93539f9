"""Themes: which colour each role has. One TOML file a theme; every front end reads the same ones.

This room knows names of roles and looks, no toolkit; a front end turns a :class:`Look` into its own kind of style.
Where theme files lie is known to :mod:`ppcdbg.paths`; this room is given the folders.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ppcdbg.config import parse_toml
from ppcdbg.errors import InputError
from ppcdbg.views.spans import ROLES

NAMED = frozenset(
    prefix + colour
    for prefix in ("", "bright-")
    for colour in ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
)
"""The sixteen colours that every terminal has; what they look like is the terminal's choice."""

ATTRIBUTES = frozenset({"bold", "dim", "italic", "underline", "reverse"})

SURFACES = (
    "background",  # behind the panes
    "bar",  # the title and key bars; only its background counts with a colour theme
    "cursor",  # the selected row of the pane that has the focus
    "cursor-idle",  # the selected row of the other panes
    "rule",  # frames
    "rule-focus",  # the frame of the pane that has the focus
    "title-focus",
    "key",  # a key's name in the key bar
    "accent",  # what the command palette and inputs are drawn with
)

_HEX = re.compile(r"#[0-9a-fA-F]{6}\Z")


@dataclass(frozen=True)
class Look:
    """One role's look. Colours are ``#rrggbb``, a name of ``NAMED``, or None for what lies below."""

    colour: str | None = None
    background: str | None = None
    attributes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Theme:
    """One theme file. ``terminal``: its colours are the terminal's own sixteen, and its background the terminal's."""

    name: str
    description: str
    dark: bool
    terminal: bool
    looks: Mapping[str, Look]

    def look(self, role: str) -> Look:
        """The look of a role or surface; one that the theme has not looks like its family, or like plain text."""
        return self.looks.get(role) or self.looks.get(role.partition("-")[0]) or self.looks["text"]


def parse_look(text: str, where: str) -> Look:
    """``[ATTRIBUTE]... [COLOUR] [on COLOUR]``. Raises InputError, which names ``where``."""
    colour = background = None
    attributes = set()
    words = iter(text.split())
    for word in words:
        if word in ATTRIBUTES:
            attributes.add(word)
        elif word == "on":
            background = _colour(next(words, ""), where)
        elif colour is None:
            colour = _colour(word, where)
        else:
            raise InputError(f"{where}: {word!r} is a second colour in {text!r}; a look is '[bold] COLOUR [on COLOUR]'")
    return Look(colour, background, frozenset(attributes))


def _colour(word: str, where: str) -> str:
    if word in NAMED or _HEX.match(word):
        return word
    near = difflib.get_close_matches(word, sorted(NAMED | ATTRIBUTES), 1)
    hint = f"; did you mean {near[0]!r}?" if near else "; a colour is #rrggbb or one of the sixteen names"
    raise InputError(f"{where}: {word!r} is no colour{hint}")


def parse_theme(source: str, where: str) -> Theme:
    """One theme from TOML text. Raises InputError, which names ``where`` and the key."""
    data = parse_toml(source.encode(), where)
    allowed = {"name", "description", "dark", "terminal", "surfaces", "roles"}
    _refuse_unknown(data, allowed, where)
    looks: dict[str, Look] = {}
    for table, names in (("surfaces", SURFACES), ("roles", ROLES)):
        given = data.get(table, {})
        if not isinstance(given, dict):
            raise InputError(f"{where}: {table!r} must be a table of names and looks, [{table}]")
        _refuse_unknown(given, names, f"{where} [{table}]")
        looks.update({name: parse_look(str(text), f"{where} [{table}] {name}") for name, text in given.items()})
    missing = [name for name in (*SURFACES, "text") if name not in looks]
    if missing:
        raise InputError(f"{where}: {missing[0]!r} is missing; a theme gives 'text' and every surface a look")
    return Theme(
        name=str(data.get("name", where)),
        description=str(data.get("description", "")),
        dark=bool(data.get("dark", True)),
        terminal=bool(data.get("terminal", False)),
        looks=looks,
    )


def _refuse_unknown(given: Mapping[str, object], allowed: Iterable[str], where: str) -> None:
    names = sorted(allowed)
    for key in given:
        if key not in names:
            near = difflib.get_close_matches(key, names, 1)
            raise InputError(
                f"{where}: unknown key {key!r}; "
                + (f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(names))
            )


def load_themes(folders: Iterable[Path], skipped: list[str] | None = None) -> dict[str, Theme]:
    """Every theme of the folders by name; of two with one name the earlier folder's counts.

    A file that is no theme is left out, and what is wrong with it is added to ``skipped``; without that list it raises
    InputError.
    """
    themes: dict[str, Theme] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                theme = parse_theme(_text(path), str(path))
            except InputError as error:
                if skipped is None:
                    raise
                skipped.append(str(error))
            else:
                themes.setdefault(theme.name, theme)
    return themes


def choose(themes: Mapping[str, Theme], asked: str | None, usual: str, otherwise: str, skipped: list[str]) -> Theme:
    """The theme that was asked for; else the settings' ``usual`` one, which is added to ``skipped`` where there is none
    of that name; else another. Raises InputError for one that was asked for and does not exist."""
    there = ", ".join(sorted(themes))
    if asked and asked not in themes:
        raise InputError("; ".join((f"no theme is named {asked!r}", f"there are {there}", *map(_why, skipped))))
    if usual and usual not in themes and not asked:
        skipped.append(f"the settings name a theme {usual!r}; there are {there}")
    return themes[asked or (usual if usual in themes else otherwise)]


def _why(skipped: str) -> str:
    return f"skipped: {skipped}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a theme: {error}") from None
