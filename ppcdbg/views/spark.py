"""A row of numbers as a row of bars, one column each."""

from __future__ import annotations

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[int], width: int) -> str:
    """``width`` columns; several values share one, fewer spread over them; 0 is a blank.

    By the square root of the share, so that a quiet part still shows beside a storm.
    """
    if not values or width <= 0:
        return " " * max(width, 0)
    count = len(values)
    if count >= width:
        edges = [count * i // width for i in range(width + 1)]
        joined = [sum(values[a:b]) for a, b in zip(edges, edges[1:])]
    else:
        joined = [values[i * count // width] for i in range(width)]
    most = max(joined)
    return "".join(" " if not v else BARS[max(1, round(8 * (v / most) ** 0.5)) - 1] for v in joined)


def bar(share: float, width: int) -> str:
    """A share of the whole as a bar that begins at the left, in eighths of a column."""
    eighths = round(share * width * 8)
    whole, rest = divmod(max(eighths, 1 if share else 0), 8)
    return ("█" * whole + (" ▏▎▍▌▋▊▉"[rest] if rest else "")).ljust(width)[:width]
