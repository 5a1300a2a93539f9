"""Lines as text with a terminal's escape sequences (ECMA-48 SGR), for doors that write and do not draw.

The background stays the terminal's: only a role that asks for one has its own. Plain text is :func:`spans.to_text`'s.
"""

from __future__ import annotations

from ppcdbg.views.spans import Line
from ppcdbg.views.theme import Look, Theme

_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_ATTRIBUTES = {"bold": "1", "dim": "2", "italic": "3", "underline": "4", "reverse": "7"}
_STEPS = (0, 95, 135, 175, 215, 255)
# xterm's defaults; what a terminal of sixteen colours makes of them is its own choice.
_SIXTEEN = ((0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205),
            (229, 229, 229), (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255),
            (0, 255, 255), (255, 255, 255))  # fmt: skip
RESET = "\x1b[0m"


class Ansi:
    """The escape sequences of one theme for a terminal of so many colours (1, 16, 256, 2**24)."""

    def __init__(self, theme: Theme, depth: int) -> None:
        self.theme, self.depth = theme, depth
        self._made: dict[str, str] = {"text": ""}

    def __call__(self, row: Line) -> str:
        """One line; trailing blanks go."""
        text = "".join(self.span(s.text, s.role) for s in row)
        return text.rstrip() if not text.endswith(RESET) else text

    def span(self, text: str, role: str) -> str:
        """A text in the look of its role."""
        start = self._made.get(role)
        if start is None:
            start = self._made[role] = self._start(self.theme.look(role))
        return f"{start}{text}{RESET}" if start and text else text

    def _start(self, look: Look) -> str:
        codes = [_ATTRIBUTES[a] for a in sorted(look.attributes)]
        if self.depth > 1:
            codes += self._colour(look.colour, 30) + self._colour(look.background, 40)
        return f"\x1b[{';'.join(codes)}m" if codes else ""

    def _colour(self, name: str | None, base: int) -> list[str]:
        """``base`` is 30 for the text and 40 for what lies behind it."""
        if name is None:
            return []
        if not name.startswith("#"):
            bright = name.startswith("bright-")
            return [str(base + 60 * bright + _NAMES.index(name.removeprefix("bright-")))]
        red, green, blue = (int(name[i : i + 2], 16) for i in (1, 3, 5))
        if self.depth > 256:
            return [f"{base + 8};2;{red};{green};{blue}"]
        if self.depth == 256:
            return [f"{base + 8};5;{_cube(red, green, blue)}"]
        nearest = min(range(16), key=lambda n: _distance(_SIXTEEN[n], (red, green, blue)))
        return [str(base + nearest if nearest < 8 else base + 52 + nearest)]


def _cube(red: int, green: int, blue: int) -> int:
    """The nearest of the 256: a cube of six steps, and 24 greys."""
    steps = [min(range(6), key=lambda i, v=v: abs(_STEPS[i] - v)) for v in (red, green, blue)]  # type: ignore[misc]
    grey = max(0, min(23, ((red + green + blue) // 3 - 3) // 10))
    level = 8 + 10 * grey
    cube = (_STEPS[steps[0]], _STEPS[steps[1]], _STEPS[steps[2]])
    if _distance((level, level, level), (red, green, blue)) < _distance(cube, (red, green, blue)):
        return 232 + grey
    return 16 + 36 * steps[0] + 6 * steps[1] + steps[2]


def _distance(a: tuple[int, int, int], b: tuple[int, int, int]) -> int:
    return 3 * (a[0] - b[0]) ** 2 + 4 * (a[1] - b[1]) ** 2 + 2 * (a[2] - b[2]) ** 2
