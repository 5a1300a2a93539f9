"""The desk's arithmetic: every cell belongs to one pane, at every size, layout and choice; and what is kept of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcdbg.errors import InputError, UsageError
from ppcdbg.tui.layout import DESKTOPS, PANES, Box, Choice, arrange, place_of, places
from ppcdbg.tui.panes.table import KINDS
from ppcdbg.tui.saved import Layouts, read_choice, write_choice

sizes = st.tuples(st.integers(1, 260), st.integers(1, 80))
choices = st.lists(st.sampled_from(PANES), max_size=5)
desktops = st.sampled_from(list(DESKTOPS))
grown = st.lists(st.tuples(st.sampled_from(PANES), st.integers(-40, 40), st.integers(-20, 20)), max_size=3)


def chosen(desktop: str, panes: list[str], sizes: list[tuple[str, int, int]] | None = None) -> Choice:
    choice = Choice(desktop)
    for pane in panes:
        choice = choice.choose(pane)
    for size in sizes or []:
        choice = choice.grow(*size)
    return choice


@settings(deadline=None)
@given(sizes, desktops, choices, grown)
def test_boxes_tile_the_desk(
    size: tuple[int, int], desktop: str, panes: list[str], grown: list[tuple[str, int, int]]
) -> None:
    width, height = size
    boxes = arrange(width, height, chosen(desktop, panes, grown))
    assert boxes
    assert sum(box.width * box.height for box in boxes.values()) == width * height
    for box in boxes.values():
        assert box.x >= 0 and box.y >= 0 and box.right <= width and box.bottom <= height
        assert box.edge == (box.right == width)
        assert all(0 <= row < box.height for row in box.joins)


@settings(deadline=None)
@given(st.tuples(st.integers(60, 260), st.integers(18, 80)), desktops, choices, st.sampled_from(PANES))
def test_a_chosen_pane_is_visible_and_the_exits_stay(
    size: tuple[int, int], desktop: str, panes: list[str], last: str
) -> None:
    boxes = arrange(*size, chosen(desktop, [*panes, last]))
    assert boxes[last].height >= 3
    assert "exits" in boxes or desktop in ("machine", "switch")


def test_places_and_homes_are_panes() -> None:
    every = {name for desktop in DESKTOPS.values() for tree in (desktop.narrow, desktop.tall, desktop.medium,
             desktop.wide) for name in places(tree)}  # fmt: skip
    assert every <= set(PANES)
    assert all(set(kind.homes) <= set(PANES) for kind in KINDS)
    assert len({kind.key for kind in KINDS}) == len(KINDS)


def test_the_named_sizes() -> None:
    assert list(arrange(80, 19, Choice())) == ["exits", "console"]
    assert set(arrange(120, 31, Choice())) == {"exits", "irqprio", "tlb", "disassembly", "registers", "console"}
    wide = arrange(220, 46, Choice())
    assert set(wide) == set(PANES[:9])
    assert wide["tlb"].x == wide["shadow"].x > wide["registers"].x > 0


def test_zoom_and_joints() -> None:
    assert arrange(100, 30, Choice(zoom="tlb")) == {"tlb": Box(0, 0, 100, 30)}
    boxes = arrange(120, 31, Choice())
    left, right = boxes["exits"], boxes["registers"]
    assert right.y - left.y in left.joins and 0 in left.joins


def test_a_pane_that_grows_takes_cells_from_its_neighbours_and_leaves_them_their_least() -> None:
    before = arrange(120, 31, Choice())["exits"]
    after = arrange(120, 31, Choice().grow("exits", 4, 2))["exits"]
    assert (after.width, after.height) == (before.width + 4, before.height + 2)
    assert all(box.height >= 3 for box in arrange(120, 31, Choice().grow("registers", 0, 99)).values())
    assert place_of("shadow", 120, 31, Choice().choose("shadow")) == "tlb"


def test_a_layout_is_kept_and_a_bad_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "layout.toml"
    assert read_choice(path) == Choice()
    choice = Choice("tlb").choose("console").choose("statistics").grow("exits", 4, -2)
    write_choice(path, choice)
    assert read_choice(path) == choice
    for text, said in (("layout = 3", "no layout is named 3"), ('panes = ["x"]', "no pane is named 'x'"),
                       ("[sizes]\nexits = 3", "two whole numbers"), ("=", "not valid TOML")):  # fmt: skip
        path.write_text(text)
        with pytest.raises(InputError, match=said):
            read_choice(path)


def test_layouts_have_names_and_bad_files_are_skipped_by_name(tmp_path: Path) -> None:
    file, skipped = tmp_path / "layout.toml", list[str]()
    layouts = Layouts(file, "exits", skipped)
    mine = Choice("tlb").choose("console").grow("exits", 4, 0)
    assert layouts.save("mine", mine) == tmp_path / "layouts" / "mine.toml"
    for text, name in (("=", "broken"), ('layout = "nowhere"', "other"), ("", "exits"), ("panes = 3", "odd"),
                       ("", "Not a name")):  # fmt: skip
        (tmp_path / "layouts" / f"{name}.toml").write_text(text)
    (tmp_path / "layouts" / "folder.toml").mkdir()
    file.write_text("[[")
    again = Layouts(file, "machine", skipped)
    assert again.first == Choice("machine"), "what the UI opens with was bad, so it opens as usual"
    assert list(again.named) == [*DESKTOPS, "mine"] and again.get("mine") == mine
    assert again.about("mine") == "your own, made from tlb"
    said = "\n".join(skipped)
    assert all(name in said for name in ("layout.toml", "broken", "other", "exits.toml", "odd", "Not a name", "folder"))
    again.delete("mine")
    assert not (tmp_path / "layouts" / "mine.toml").exists()
    for wrong, said in ((lambda: again.delete("mine"), "no layout 'mine' of your own; there are: none"),
                        (lambda: again.delete("exits"), "no layout 'exits' of your own"),
                        (lambda: again.save("tlb", mine), "ships; take another"),
                        (lambda: again.save("../x", mine), "cannot name a layout"),
                        (lambda: again.get("mine"), "no layout 'mine'; there are: exits")):  # fmt: skip
        with pytest.raises(UsageError, match=said):
            wrong()
    assert Layouts(None, "tlb", []).save("mine", mine) is None
