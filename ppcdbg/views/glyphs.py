"""ASCII only: every sign that a view or the UI draws has a plain twin of the same width.

Terminals and fonts without the signs (a serial line, a log) get the twins; alignment stays because each sign becomes
exactly one character.
"""

from __future__ import annotations

import unicodedata

TWINS = {
    **dict.fromkeys("─╌┄━═▔▁╴╶", "-"),
    **dict.fromkeys("│┃║▌▐▏▕╎┆", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼┏┓┗┛╭╮╰╯┠┨┯┷╞╡", "+"),
    **dict.fromkeys("▶▸►❯›→⇒", ">"),
    **dict.fromkeys("◀◂◄❮‹←⇐", "<"),
    **dict.fromkeys("▲△▴↑⇡", "^"),
    **dict.fromkeys("▼▽↓⇣▾", "v"),
    **dict.fromkeys("●◆■⏺★•", "*"),
    **dict.fromkeys("○◇□☆◦", "o"),
    **dict.fromkeys("–—‐−", "-"),
    **dict.fromkeys("’‘′", "'"),
    **dict.fromkeys("“”″", '"'),
    **dict.fromkeys("·∙⋅", "."),
    **dict.fromkeys("▂", "."),
    **dict.fromkeys("▃▄", ":"),
    **dict.fromkeys("▅▆", "="),
    **dict.fromkeys("▇█▉▊▋▆", "#"),
    **dict.fromkeys("▀▎▍", "'"),
    "…": "~",
    "×": "x",
    "✓": "y",
    "✗": "x",
    "≥": ">",
    "≤": "<",
    "≠": "!",
    "\N{NO-BREAK SPACE}": " ",
}

_TABLE = str.maketrans(TWINS)


DRAWN = dict.fromkeys(
    map(ord, "─╌┄━═▔▁╴╶│┃║▌▐▏▕╎┆┌┐└┘├┤┬┴┼┏┓┗┛╭╮╰╯┠┨┯┷╞╡▂▃▄▅▆▇█▉▊▋▀▎▍"), " "
)  # fmt: skip
"""Rules, frames and bars: to someone who has a line read out they say nothing."""


def undrawn(text: str) -> str:
    """``text`` in ASCII without what is only drawn, column for column."""
    return to_ascii(text if text.isascii() else text.translate(DRAWN))


def to_ascii(text: str) -> str:
    """``text`` in ASCII, column for column: a wide sign becomes two question marks."""
    if text.isascii():
        return text
    text = text.translate(_TABLE)
    if text.isascii():
        return text
    return "".join(_plain(sign) for sign in text)


def _plain(sign: str) -> str:
    if sign.isascii():
        return sign
    base = unicodedata.normalize("NFKD", sign)[0]
    return base if base.isascii() and base.isprintable() else "?" * _cells(sign)


def _cells(sign: str) -> int:
    """Columns that a terminal gives one character (Unicode TR11; marks take none)."""
    if unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1
