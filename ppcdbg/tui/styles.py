"""Roles become styles: one theme of :mod:`ppcdbg.views.theme` as rich styles and as textual's own theme.

Nothing else in this room names a colour.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

from rich.color import Color, ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.theme import Theme as TextualTheme

from ppcdbg.views.spans import Line
from ppcdbg.views.theme import Look, Theme

TRUE_COLOUR = 1 << 24
DRAWN = frozenset({"rule", "arrow"})
"""What is no text."""


LEAST = 4.5
"""Contrast that a text has at least on whatever it stands (WCAG 2.1, 1.4.3)."""
_Rgb = tuple[int, int, int]


@cache
def fixed_colours() -> dict[_Rgb, _Rgb]:
    """The colours of a 256-colour terminal (a cube, and a row of greys), each with what rich must be told to send it:
    light greys it sends a step darker than they are."""
    steps = (0, 95, 135, 175, 215, 255)
    every = [(r, g, b) for r in steps for g in steps for b in steps] + [(v, v, v) for v in range(256)]
    return {_sent(one): one for one in every} | {one: one for one in every if one == _sent(one)}


def _sent(colour: _Rgb) -> _Rgb:
    r, g, b = Color.from_rgb(*colour).downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
    return r, g, b


@lru_cache(maxsize=256)
def nearest(colour: str) -> str:
    """What rich must be told for the nearest of ``fixed_colours``. Its own choice turns a dark grey with a touch of
    blue into teal."""
    r, g, b = _rgb(colour)
    best = min(fixed_colours(), key=lambda p: 3 * (p[0] - r) ** 2 + 4 * (p[1] - g) ** 2 + 2 * (p[2] - b) ** 2)
    return "#{:02x}{:02x}{:02x}".format(*fixed_colours()[best])


def _rgb(colour: str) -> _Rgb:
    r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return r, g, b


def luminance(colour: _Rgb) -> float:
    """Relative luminance (WCAG 2.1)."""
    r, g, b = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in (one / 255 for one in colour))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: _Rgb, other: _Rgb) -> float:
    """Contrast ratio of two colours (WCAG 2.1)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@lru_cache(maxsize=256)
def lifted(ink: str, paper: str, depth: int) -> str:
    """An ink that can be read on a paper: the same, or as much nearer to white or black as it takes."""
    few = depth <= 256
    below = _sent(_rgb(paper)) if few else _rgb(paper)
    end = 255 if luminance(below) < 0.18 else 0  # where white and black are as far
    for part in range(17):
        r, g, b = (one + (end - one) * part // 16 for one in _rgb(ink))
        found = f"#{r:02x}{g:02x}{b:02x}"
        if few:
            found = nearest(found)
        if contrast(_sent(_rgb(found)) if few else (r, g, b), below) >= LEAST:
            break
    return found


def style_of(look: Look, depth: int = TRUE_COLOUR) -> Style:
    """A look as a rich style for a terminal of so many colours."""

    def colour(name: str | None) -> str | None:
        if name is None:
            return None
        if name.startswith("#"):
            return name if depth > 256 else nearest(name)
        return name.replace("-", "_")

    on = dict.fromkeys(look.attributes, True)
    return Style(color=colour(look.colour), bgcolor=colour(look.background), **on)  # type: ignore[arg-type]


def legible(style: Style, depth: int) -> Style:
    """The style on a terminal of sixteen colours, where a colour and its background may become the same one."""
    ink, paper = style.color, style.bgcolor
    if depth > 16 or ink is None or paper is None or ink.is_default or paper.is_default:
        return style
    below = paper.downgrade(ColorSystem.STANDARD)
    if ink.downgrade(ColorSystem.STANDARD).number != below.number:
        return style
    light = sum(below.get_truecolor()) > 3 * 127
    return style + Style(color="black" if light else "bright_white")


class Styles:
    """The styles of one theme, made once. ``base`` fills what no span covers."""

    def __init__(self, theme: Theme, depth: int = TRUE_COLOUR) -> None:
        self.theme = theme
        self.depth = depth
        self.base = style_of(theme.look("background"), depth)
        self._made: dict[str, Style] = {}

    def __getitem__(self, role: str) -> Style:
        style = self._made.get(role)
        if style is None:
            style = self._made[role] = legible(self.base + style_of(self.theme.look(role), self.depth), self.depth)
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
            whole = self.base + style_of(look, self.depth) + style_of(below, self.depth)
            style = self._made[key] = legible(self._lifted(whole, role), self.depth)
        return style

    def _lifted(self, style: Style, role: str) -> Style:
        """On a surface, which its theme chose without regard to each role, a text that can be read."""
        ink, paper = style.color, style.bgcolor
        if role in DRAWN or ink is None or paper is None or ink.triplet is None or paper.triplet is None:
            return style
        return style + Style(color=lifted(ink.triplet.hex, paper.triplet.hex, self.depth))

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
