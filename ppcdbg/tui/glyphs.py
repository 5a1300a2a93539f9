"""ASCII only: every sign that the UI draws has a plain twin of the same width.

Terminals and fonts without the signs (a serial line, a log) get the twins; alignment stays because each sign becomes
exactly one character. The filter sits at the end of drawing, so frames, palette and footer are covered too.
"""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

TWINS = {
    **dict.fromkeys("─╌┄━═▔▁╴╶", "-"),
    **dict.fromkeys("│┃║▌▐▏▕╎┆", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼┏┓┗┛╭╮╰╯┠┨┯┷╞╡", "+"),
    **dict.fromkeys("▶▸►❯›→⇒", ">"),
    **dict.fromkeys("◀◂◄❮‹←⇐", "<"),
    **dict.fromkeys("▲△↑⇡", "^"),
    **dict.fromkeys("▼▽↓⇣", "v"),
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
    return base if base.isascii() and base.isprintable() else "?" * cell_len(sign)


class AsciiOnly(LineFilter):
    """Textual's hook on every drawn line."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments with their text in ASCII; styles stay."""
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]
