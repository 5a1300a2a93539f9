"""Roles as prompt_toolkit's styles, and lines as its formatted text. Nothing else in this room names a colour."""

from __future__ import annotations

from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from ppcdbg.views.glyphs import to_ascii
from ppcdbg.views.spans import ROLES, Line
from ppcdbg.views.theme import SURFACES, Look, Theme

_DEPTHS = {1: ColorDepth.DEPTH_1_BIT, 16: ColorDepth.DEPTH_4_BIT, 256: ColorDepth.DEPTH_8_BIT}
# The toolkit calls the terminal's white grey and its bright white white.
_WHITES = {"white": "ansigray", "bright-white": "ansiwhite"}


def depth_of(colours: int) -> ColorDepth:
    """The toolkit's name for how many colours a terminal has."""
    return _DEPTHS.get(colours, ColorDepth.DEPTH_24_BIT)


def style_of(theme: Theme) -> Style:
    """Every role as class ``role-NAME``, and what the toolkit itself draws."""
    rules = {f"role-{name}": _rule(theme.look(name)) for name in (*ROLES, *SURFACES)}
    rules |= {f"bar-{name}": _rule(_on_bar(theme, name)) for name in ROLES}
    bar, chosen, quiet = (_rule(theme.look(n)) for n in ("bar", "cursor", "dim"))
    rules |= {
        "role-text": "",
        "auto-suggestion": quiet,
        "bottom-toolbar": f"noreverse {bar}",
        "completion-menu": f"noreverse {bar}",
        "completion-menu.completion": bar,
        "completion-menu.completion.current": f"noreverse {chosen} bold" if bar != chosen else "noreverse bold",
        "completion-menu.meta.completion": bar,
        "completion-menu.meta.completion.current": f"noreverse {chosen}" if bar != chosen else "noreverse",
        "prompt": _rule(theme.look("title-focus")),
        "prompt-continuation": quiet,
    }
    return Style.from_dict(rules)


def _on_bar(theme: Theme, role: str) -> Look:
    """A role on the bar. On a reversed one its colour would become a patch of background: only its weight is kept."""
    look = theme.look(role)
    if role == "text":
        return Look()
    if "reverse" in theme.look("bar").attributes:
        return Look(attributes=look.attributes - {"dim", "reverse"})
    return Look(look.colour, None, look.attributes)


def _rule(look: Look) -> str:
    words = sorted(look.attributes)
    if look.colour:
        words.append(_colour(look.colour))
    if look.background:
        words.append("bg:" + _colour(look.background))
    return " ".join(words)


def _colour(name: str) -> str:
    if name.startswith("#"):
        return name
    return _WHITES.get(name) or "ansi" + name.replace("-", "")


def fragments(row: Line, ascii_only: bool = False, kind: str = "role") -> StyleAndTextTuples:
    """A line for the toolkit; ``kind`` is ``bar`` for one that lies on the bar."""
    return [(f"class:{kind}-{s.role}", to_ascii(s.text) if ascii_only else s.text) for s in row]
