"""The desk's arithmetic: every cell belongs to one pane, at every size and choice."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ppcdbg.tui.layout import HOMES, PANES, Box, Choice, arrange

choices = st.lists(st.sampled_from(PANES), max_size=4)
sizes = st.tuples(st.integers(1, 260), st.integers(1, 80))


def chosen(panes: list[str]) -> Choice:
    choice = Choice()
    for pane in panes:
        choice = choice.choose(pane)
    return choice


@settings(deadline=None)
@given(sizes, choices)
def test_boxes_tile_the_desk(size: tuple[int, int], panes: list[str]) -> None:
    width, height = size
    boxes = arrange(width, height, chosen(panes))
    assert boxes
    assert sum(box.width * box.height for box in boxes.values()) == width * height
    for box in boxes.values():
        assert box.x >= 0 and box.y >= 0 and box.right <= width and box.bottom <= height
        assert box.edge == (box.right == width)
        assert all(0 <= row < box.height for row in box.joins)


@settings(deadline=None)
@given(st.tuples(st.integers(60, 260), st.integers(18, 80)), choices, st.sampled_from(PANES))
def test_a_chosen_pane_is_visible_and_the_exits_stay(size: tuple[int, int], panes: list[str], last: str) -> None:
    boxes = arrange(*size, chosen([*panes, last]))
    assert boxes[last].height >= 3
    assert "exits" in boxes


def test_every_pane_has_one_home() -> None:
    assert sorted(pane for panes in HOMES.values() for pane in panes) == sorted(PANES)


def test_the_named_sizes() -> None:
    assert list(arrange(80, 19, Choice())) == ["exits", "console"]
    assert set(arrange(120, 31, Choice())) == {"exits", "irqprio", "tlb", "disassembly", "registers", "console"}
    wide = arrange(220, 46, Choice())
    assert set(wide) == set(PANES) - {"log", "paravirt"}
    assert wide["tlb"].x == wide["shadow"].x > wide["registers"].x > 0


def test_zoom_and_joints() -> None:
    assert arrange(100, 30, Choice(zoom="tlb")) == {"tlb": Box(0, 0, 100, 30)}
    boxes = arrange(120, 31, Choice())
    left, right = boxes["exits"], boxes["registers"]
    assert right.y - left.y in left.joins and 0 in left.joins
