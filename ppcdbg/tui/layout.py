"""Where each pane stands at a given size: numbers only, no widgets.

A desk is a tree of places for three widths: narrow, medium and wide. Each place has a pane that usually stands there;
a pane that is asked for takes one of its own homes, and the last place where the desk has none of them. Zoom gives one
pane the desk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ppcdbg.tui.panes.table import BY_NAME, KINDS

MEDIUM, WIDE = 110, 180
"""Columns from which two, and three, columns of panes are shown."""
MEDIUM_ROWS, WIDE_ROWS, TALL_ROWS = 15, 24, 34
"""Rows that these need, and from which three panes stand one below the other."""
LEAST_COLUMNS = 12

PASSING = "log"
"""The pane that takes the whole desk by itself, for as long as it is read."""

PANES: tuple[str, ...] = tuple(kind.name for kind in KINDS)
"""Every pane, in the order of the keys."""


def key_of(pane: str) -> str:
    """The key that chooses a pane."""
    return BY_NAME[pane].key


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
class Place:
    """One place, named after the pane that usually stands there, and the rows that it needs."""

    pane: str
    least: int = 3


@dataclass(frozen=True)
class Split:
    """Parts ``across`` (side by side) or one below the other, each with its share."""

    across: bool
    parts: tuple[tuple[float, Node], ...]


Node = Place | Split


def rows(*parts: tuple[float, Node]) -> Split:
    """One below the other."""
    return Split(False, parts)


def columns(*parts: tuple[float, Node]) -> Split:
    """Side by side."""
    return Split(True, parts)


@dataclass(frozen=True)
class Desktop:
    """One layout: a tree for each width; ``tall`` is the narrow one where there are many rows."""

    about: str
    narrow: Node
    tall: Node
    medium: Node
    wide: Node

    def at(self, width: int, height: int) -> Node:
        """The tree for a size."""
        if width >= WIDE and height >= WIDE_ROWS:
            return self.wide
        if width >= MEDIUM and height >= MEDIUM_ROWS:
            return self.medium
        return self.tall if height >= TALL_ROWS else self.narrow


def _narrow(first: str, second: str) -> Node:
    return rows((0.52, Place(first, 5)), (0.48, Place(second, 4)))


def _tall(first: str, second: str, third: str) -> Node:
    return rows((0.36, Place(first, 8)), (0.26, Place(second, 6)), (0.38, Place(third, 4)))


_EXITS = Desktop(
    "exits, code, registers and what waits",
    _narrow("exits", "console"),
    _tall("exits", "disassembly", "console"),
    columns(
        (0.6, rows((0.64, Place("exits", 4)), (0.36, columns((0.4, Place("irqprio", 6)), (0.6, Place("tlb", 6)))))),
        (0.4, rows((0.32, Place("disassembly", 5)), (0.45, Place("registers", 6)), (0.23, Place("console")))),
    ),
    columns(
        (0.35, rows((0.55, Place("exits", 8)), (0.28, Place("detail", 5)), (0.17, Place("irqprio", 4)))),
        (0.31, rows((0.4, Place("disassembly", 8)), (0.32, Place("registers", 8)), (0.28, Place("console", 4)))),
        (0.34, rows((0.3, Place("tlb", 6)), (0.38, Place("shadow", 6)), (0.32, Place("statistics", 4)))),
    ),
)
_TLB = Desktop(
    "the guest's TLB beside the shadow TLB",
    _narrow("exits", "tlb"),
    _tall("exits", "tlb", "shadow"),
    columns(
        (0.5, rows((0.4, Place("exits", 5)), (0.6, Place("tlb", 6)))),
        (0.5, rows((0.4, Place("detail", 5)), (0.6, Place("shadow", 6)))),
    ),
    columns(
        (0.33, rows((0.6, Place("exits", 8)), (0.4, Place("detail", 6)))),
        (0.34, rows((0.6, Place("tlb", 8)), (0.4, Place("disassembly", 6)))),
        (0.33, rows((0.6, Place("shadow", 8)), (0.4, Place("registers", 6)))),
    ),
)
_PARAVIRT = Desktop(
    "the magic page, the critical section and what it holds back",
    _narrow("exits", "paravirt"),
    _tall("exits", "irqprio", "paravirt"),
    columns(
        (0.46, rows((0.5, Place("exits", 5)), (0.2, Place("irqprio", 4)), (0.3, Place("disassembly", 5)))),
        (0.54, rows((0.7, Place("paravirt", 8)), (0.3, Place("console", 3)))),
    ),
    columns(
        (0.34, rows((0.6, Place("exits", 8)), (0.4, Place("irqprio", 6)))),
        (0.38, rows((0.8, Place("paravirt", 10)), (0.2, Place("console", 4)))),
        (0.28, rows((0.5, Place("disassembly", 8)), (0.5, Place("registers", 6)))),
    ),
)
_TEACHING = Desktop(
    "few panes, large: one exit, its code, its effect; and what the tutorial says",
    columns((0.45, Place("tutorial")), (0.55, _narrow("exits", "detail"))),
    columns((0.45, Place("tutorial")), (0.55, _tall("exits", "detail", "disassembly"))),
    columns(
        (0.28, Place("tutorial")),
        (0.38, rows((0.5, Place("exits", 5)), (0.5, Place("detail", 6)))),
        (0.34, rows((0.6, Place("disassembly", 6)), (0.4, Place("console", 4)))),
    ),
    columns(
        (0.2, Place("tutorial")),
        (0.3, rows((0.5, Place("exits", 8)), (0.5, Place("detail", 8)))),
        (0.27, rows((0.6, Place("disassembly", 8)), (0.4, Place("console", 5)))),
        (0.23, rows((0.5, Place("registers", 8)), (0.5, Place("irqprio", 6)))),
    ),
)

_FOUND = "races" if "races" in BY_NAME else "miss"
_RACES = Desktop(
    "what a search found, the section it is in, and what waits",
    _narrow("exits", _FOUND),
    _tall("exits", "paravirt", _FOUND),
    columns(
        (0.5, rows((0.4, Place("exits", 5)), (0.25, Place("irqprio", 4)), (0.35, Place("disassembly", 5)))),
        (0.5, rows((0.5, Place(_FOUND, 6)), (0.5, Place("paravirt", 6)))),
    ),
    columns(
        (0.33, rows((0.6, Place("exits", 8)), (0.4, Place("irqprio", 6)))),
        (0.37, rows((0.5, Place(_FOUND, 8)), (0.5, Place("paravirt", 8)))),
        (0.3, rows((0.5, Place("disassembly", 8)), (0.5, Place("registers", 6)))),
    ),
)

_MACHINE = Desktop(
    "code, registers, stack and memory of a machine without a hypervisor",
    _narrow("disassembly", "registers"),
    _tall("disassembly", "registers", "console"),
    columns(
        (0.55, rows((0.5, Place("disassembly", 6)), (0.2, Place("stack", 4)), (0.3, Place("console", 3)))),
        (0.45, rows((0.5, Place("registers", 6)), (0.25, Place("tlb", 4)), (0.25, Place("memory", 4)))),
    ),
    columns(
        (0.36, rows((0.6, Place("disassembly", 8)), (0.4, Place("console", 5)))),
        (0.32, rows((0.6, Place("registers", 8)), (0.4, Place("tlb", 6)))),
        (0.32, rows((0.35, Place("stack", 6)), (0.65, Place("memory", 8)))),
    ),
)

_SWITCH = Desktop(
    "the world switch: its steps, whose registers, and the audit of a nested exit",
    _narrow("switch", "owners"),
    _tall("switch", "owners", "nested"),
    columns(
        (0.56, rows((0.68, Place("switch", 6)), (0.32, Place("nested", 5)))),
        (0.44, Place("owners", 6)),
    ),
    columns(
        (0.4, Place("switch", 8)),
        (0.24, Place("owners", 8)),
        (0.36, Place("nested", 8)),
    ),
)

DESKTOPS: Mapping[str, Desktop] = {
    "exits": _EXITS, "tlb": _TLB, "paravirt": _PARAVIRT, "races": _RACES, "teaching": _TEACHING,
    "machine": _MACHINE, "switch": _SWITCH,
}  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """What the user chose to see. ``recent``: panes that were asked for, the last one last. ``sizes``: for a place,
    the cells by which its part is wider, and higher, than its share."""

    desktop: str = "exits"
    recent: tuple[str, ...] = ()
    zoom: str = ""
    sizes: tuple[tuple[str, int, int], ...] = ()

    def choose(self, pane: str) -> Choice:
        """The choice after asking for a pane; a long answer that took the whole desk gives it back."""
        recent = (*(one for one in self.recent if one != pane), pane)
        return replace(self, recent=recent, zoom=pane if self.zoom not in ("", PASSING) else "")

    def grow(self, place: str, wider: int, higher: int) -> Choice:
        """The choice with a place that is larger, or smaller."""
        sizes = {name: (x, y) for name, x, y in self.sizes}
        x, y = sizes.get(place, (0, 0))
        sizes[place] = (x + wider, y + higher)
        return replace(self, sizes=tuple((name, *size) for name, size in sorted(sizes.items())))


def places(node: Node) -> Iterator[str]:
    """The names of a tree's places in order."""
    if isinstance(node, Place):
        yield node.pane
    else:
        for _, part in node.parts:
            yield from places(part)


def standing(node: Node, recent: tuple[str, ...]) -> dict[str, str]:
    """Which pane stands at which place of a tree."""
    names = list(places(node))
    stand = {name: name for name in names}
    for pane in recent:
        homes = (pane, *BY_NAME[pane].homes)
        stand[next((home for home in homes if home in stand), names[-1])] = pane
    return stand


def arrange(width: int, height: int, choice: Choice) -> dict[str, Box]:
    """The panes that are visible on a desk of this size and where; every other pane is hidden."""
    if width <= 0 or height <= 0:
        return {}
    if choice.zoom:
        boxes = {choice.zoom: Box(0, 0, width, height)}
    else:
        tree = DESKTOPS[choice.desktop].at(width, height)
        sizes = {name: (x, y) for name, x, y in choice.sizes}
        boxes = dict(_boxes(tree, Box(0, 0, width, height), standing(tree, choice.recent), sizes))
    return _joined({name: box for name, box in boxes.items() if box.width > 0 and box.height > 0}, width)


def place_of(pane: str, width: int, height: int, choice: Choice) -> str:
    """The place at which a visible pane stands."""
    tree = DESKTOPS[choice.desktop].at(width, height)
    return next((name for name, one in standing(tree, choice.recent).items() if one == pane), pane)


def _least(node: Node, across: bool) -> int:
    """The columns or rows that a tree cannot do without."""
    if isinstance(node, Place):
        return LEAST_COLUMNS if across else node.least
    every = [_least(part, across) for _, part in node.parts]
    return sum(every) if node.across == across else max(every)


def _extra(node: Node, across: bool, sizes: Mapping[str, tuple[int, int]]) -> int:
    return sum(sizes.get(name, (0, 0))[0 if across else 1] for name in places(node))


def _boxes(
    node: Node, box: Box, stand: Mapping[str, str], sizes: Mapping[str, tuple[int, int]]
) -> Iterator[tuple[str, Box]]:
    if isinstance(node, Place):
        yield stand[node.pane], box
        return
    across = node.across
    rest = box.width if across else box.height
    parts = list(node.parts)
    while len(parts) > 1 and sum(_least(part, across) for _, part in parts) > rest:
        parts.pop()  # what has no room is one key away
    total, start = rest, box.x if across else box.y
    whole = sum(share for share, _ in parts)
    for index, (share, part) in enumerate(parts):
        more = sum(_least(later, across) for _, later in parts[index + 1 :])
        extra = _extra(part, across, sizes)
        if index == len(parts) - 2:  # what the last part has more, its neighbour has less
            extra -= _extra(parts[-1][1], across, sizes)
        size = rest if index == len(parts) - 1 else round(total * share / whole) + extra
        size = max(min(size, rest - more), min(_least(part, across), rest))
        inner = Box(start, box.y, size, box.height) if across else Box(box.x, start, box.width, size)
        yield from _boxes(part, inner, stand, sizes)
        start, rest = start + size, rest - size


def _joined(boxes: dict[str, Box], width: int) -> dict[str, Box]:
    """The boxes with what their right frame line meets."""
    out = {}
    for name, box in boxes.items():
        edge = box.right >= width
        neighbours = (other for other in boxes.values() if other.x == box.right)
        joins = frozenset(other.y - box.y for other in neighbours if box.y <= other.y < box.bottom)
        out[name] = replace(box, edge=edge, joins=joins)
    return out
