"""Roles become styles: one theme of :mod:`ppcdbg.views.theme` as rich styles and as textual's own theme.

Nothing else in this room names a colour.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.theme import Theme as TextualTheme

from ppcdbg.views.spans import Line
from ppcdbg.views.theme import Look, Theme


def style_of(look: Look) -> Style:
    """A look as a rich style."""

    def colour(name: str | None) -> str | None:
        return None if name is None else name.replace("-", "_")

    on = dict.fromkeys(look.attributes, True)
    return Style(color=colour(look.colour), bgcolor=colour(look.background), **on)  # type: ignore[arg-type]


class Styles:
    """The styles of one theme, made once. ``base`` fills what no span covers."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.base = style_of(theme.look("background"))
        self._made: dict[str, Style] = {}

    def __getitem__(self, role: str) -> Style:
        style = self._made.get(role)
        if style is None:
            style = self._made[role] = self.base + style_of(self.theme.look(role))
        return style

    def on(self, role: str, surface: str) -> Style:
        """A role's style on a surface (a bar, the cursor): the surface's background, and its colour if it has one.

        On a reversed surface only the role's weight is kept: its colour would become a patch of background.
        """
        key = f"{role} {surface}"
        style = self._made.get(key)
        if style is None:
            look, below = self.theme.look(role), self.theme.look(surface)
            if "reverse" in below.attributes:
                look = Look(attributes=look.attributes - {"dim"})
            style = self._made[key] = self.base + style_of(look) + style_of(below)
        return style

    def strip(self, row: Iterable[tuple[str, str]], width: int, surface: str = "", shift: int = 0) -> Strip:
        """One line as a strip of exactly ``width`` cells; ``shift`` cells are cut off at the left."""
        if surface:
            segments = [Segment(text, self.on(role, surface)) for text, role in row]
            fill = self.on("text", surface)
        else:
            segments = [Segment(text, self[role]) for text, role in row]
            fill = self.base
        strip = Strip(segments)
        if shift:
            strip = strip.crop(shift, max(shift, strip.cell_length))
        return strip.adjust_cell_length(width, fill)


def blank(row: Line) -> bool:
    """True for a row without visible text."""
    return not any(text.strip() for text, _ in row)


@lru_cache(maxsize=32)
def _hex(name: str | None, default: str) -> str:
    if name is None:
        return default
    return name if name.startswith("#") else "ansi_" + name.replace("-", "_")


def textual_theme(theme: Theme) -> TextualTheme:
    """What textual's own widgets (palette, input) are coloured by."""
    none = "ansi_default" if theme.terminal else ("#000000" if theme.dark else "#ffffff")
    ground = theme.look("background")
    accent = _hex(theme.look("accent").colour, none)
    text = _hex(ground.colour, "ansi_default" if theme.terminal else "#808080")
    paper = _hex(ground.background, none)
    bar = _hex(theme.look("bar").background, paper)
    cursor = theme.look("cursor")
    chosen = _hex(cursor.background, "ansi_default")
    variables = {
        "block-cursor-background": chosen,
        "block-cursor-foreground": _hex(cursor.colour, text),
        "block-cursor-text-style": "reverse" if theme.terminal else "none",
        "input-cursor-background": text,
        "input-cursor-foreground": paper,
        "input-cursor-text-style": "reverse" if theme.terminal else "none",
        "input-selection-background": chosen,
        "border": accent,
        "border-blurred": accent,
        "footer-key-foreground": accent,
    }
    if theme.terminal:
        # textual's sheets use these two with such a theme, and only the theme can give them
        variables |= {"ansi-background": "ansi_default", "ansi-foreground": "ansi_default"}
    return TextualTheme(
        name="ppcdbg-" + theme.name,
        primary=accent,
        secondary=accent,
        accent=accent,
        warning=_hex(theme.look("warning").colour, text),
        error=_hex(theme.look("error").colour, text),
        success=_hex(theme.look("ok").colour, text),
        foreground=text,
        background=paper,
        surface=bar,
        panel=bar,
        dark=theme.dark,
        ansi=theme.terminal,
        variables=variables,
    )
