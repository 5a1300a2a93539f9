"""Where each pane stands at a given size: numbers only, no widgets.

Three shapes: narrow (two or three panes stacked), medium (two columns) and wide (three columns). A pane that has no
place is one key away: choosing it puts it into the place of its neighbours in kind. Zoom gives one pane the desk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

MEDIUM, WIDE = 110, 180
"""Columns from which two, and three, columns of panes are shown."""

HOMES: dict[str, tuple[str, ...]] = {
    "exits": ("exits",),
    "disassembly": ("disassembly",),
    "registers": ("registers",),
    "irqprio": ("irqprio", "statistics"),
    "tlb": ("tlb", "shadow", "detail"),
    "console": ("console", "log", "paravirt"),
}
"""Each place of the medium desk and the panes that can stand in it, its usual one first."""

PANES = ("exits", "disassembly", "registers", "tlb", "shadow", "irqprio", "console", "detail", "statistics", "log",
         "paravirt")  # fmt: skip
"""Every pane, in the order of the keys 1, 2, ... 9, 0 and those of ``LETTERS``."""
LETTERS = {"paravirt": "p"}
"""The keys of the panes beyond the tenth."""


def key_of(pane: str) -> str:
    """The key that chooses a pane."""
    return LETTERS.get(pane) or str((PANES.index(pane) + 1) % 10)


@dataclass(frozen=True, slots=True)
class Box:
    """A pane's rectangle on the desk, in cells. ``joins``: rows at which the pane to the right has its title rule."""

    x: int
    y: int
    width: int
    height: int
    edge: bool = True  # stands at the right edge of the desk: no frame line there
    joins: frozenset[int] = frozenset()

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height


@dataclass(frozen=True)
class Choice:
    """What the user chose to see. ``places``: for a place, the pane that stands there instead of the usual one."""

    places: tuple[tuple[str, str], ...] = ()
    zoom: str = ""
    second: str = "console"  # the lower pane of the narrow desk

    def choose(self, pane: str) -> Choice:
        """The choice after asking for a pane: it takes its home place, and the narrow desk's lower place."""
        home = next(place for place, panes in HOMES.items() if pane in panes)
        places = dict(self.places) | {home: pane}
        second = self.second if pane == "exits" else pane
        zoom = pane if self.zoom else ""
        return replace(self, places=tuple(sorted(places.items())), second=second, zoom=zoom)

    def at(self, place: str) -> str:
        return dict(self.places).get(place, place)


def arrange(width: int, height: int, choice: Choice) -> dict[str, Box]:
    """The panes that are visible on a desk of this size and where; every other pane is hidden."""
    if width <= 0 or height <= 0:
        return {}
    if choice.zoom:
        boxes = {choice.zoom: Box(0, 0, width, height)}
    elif width >= WIDE and height >= 24:
        boxes = _wide(width, height, choice)
    elif width >= MEDIUM:
        boxes = _medium(width, height, choice)
    else:
        boxes = _narrow(width, height, choice)
    return _joined({name: box for name, box in boxes.items() if box.width > 0 and box.height > 0}, width)


def _stack(x: int, y: int, width: int, height: int, panes: list[tuple[str, float, int]]) -> dict[str, Box]:
    """Panes one below the other: (name, share of the height, least rows); the last one takes what is left."""
    boxes: dict[str, Box] = {}
    rest = height
    for index, (name, share, least) in enumerate(panes):
        last = index == len(panes) - 1
        rows = rest if last else min(rest, max(least, round(height * share)))
        if rows > 0:
            boxes[name] = Box(x, y + height - rest, width, rows)
        rest -= rows
    return boxes


def _narrow(width: int, height: int, choice: Choice) -> dict[str, Box]:
    if height >= 34 and choice.second not in ("disassembly", "registers"):
        panes = [("exits", 0.36, 8), ("disassembly", 0.26, 6), (choice.second, 0.38, 4)]
    else:
        panes = [("exits", 0.52, 5), (choice.second, 0.48, 4)]
    return _stack(0, 0, width, height, panes)


def _medium(width: int, height: int, choice: Choice) -> dict[str, Box]:
    left = round(width * 0.6)
    lower = max(6, round(height * 0.36)) if height >= 18 else 0
    half = round(left * 0.4)
    y = height - lower
    boxes = _stack(0, 0, left, y, [("exits", 1.0, 4)])
    if lower:
        boxes[choice.at("irqprio")] = Box(0, y, half, lower)
        boxes[choice.at("tlb")] = Box(half, y, left - half, lower)
    column = [("disassembly", 0.32, 6), ("registers", 0.45, 6), (choice.at("console"), 0.23, 3)]
    if height < 16:
        column = [("disassembly", 0.5, 3), (choice.at("console"), 0.5, 3)]
    return boxes | _stack(left, 0, width - left, height, column)


def _wide(width: int, height: int, choice: Choice) -> dict[str, Box]:
    left = round(width * 0.35)
    middle = round(width * 0.31)
    right = width - left - middle
    boxes = _stack(0, 0, left, height, [("exits", 0.55, 8), ("detail", 0.28, 5), ("irqprio", 0.17, 4)])
    boxes |= _stack(
        left, 0, middle, height, [("disassembly", 0.4, 8), ("registers", 0.32, 8), (choice.at("console"), 0.28, 4)]
    )
    return boxes | _stack(
        left + middle, 0, right, height, [("tlb", 0.3, 6), ("shadow", 0.38, 6), ("statistics", 0.32, 4)]
    )


def _joined(boxes: dict[str, Box], width: int) -> dict[str, Box]:
    """The boxes with what their right frame line meets."""
    out = {}
    for name, box in boxes.items():
        edge = box.right >= width
        neighbours = (other for other in boxes.values() if other.x == box.right)
        joins = frozenset(other.y - box.y for other in neighbours if box.y <= other.y < box.bottom)
        out[name] = replace(box, edge=edge, joins=joins)
    return out
