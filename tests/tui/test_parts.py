"""The parts without a screen: keys, glyphs, history, themes as styles, what a terminal can show."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.color import Color, ColorSystem
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip

from ppcdbg.errors import InputError
from ppcdbg.tui.bars import BARS
from ppcdbg.tui.history import History
from ppcdbg.tui.keys import KEYS, read_keymap, show, spelled, with_keymap
from ppcdbg.tui.lines import KEPT, Lines, Part, Parts
from ppcdbg.tui.styles import DRAWN, TRUE_COLOUR, Styles, contrast, fixed_colours, nearest
from ppcdbg.views.glyphs import TWINS, to_ascii
from ppcdbg.views.spans import ROLES, Line, Span
from ppcdbg.views.terminal import default_theme, wants_ascii
from ppcdbg.views.theme import Theme


def test_keys_are_named_once_and_clash_nowhere() -> None:
    assert len({key.id for key in KEYS}) == len(KEYS)
    spelled = [one for key in KEYS for one in key.keys.split(",")]
    assert len(set(spelled)) == len(spelled)
    assert not {"ctrl+a", "ctrl+b", "ctrl+s"} & set(spelled), "these belong to screen, tmux and flow control"


def test_a_keymap_takes_keys_from_what_had_them() -> None:
    changed = {key.id: key.keys for key in with_keymap({"step": "s"})}
    assert changed["step"] == "s" and changed["pane-stack"] == "" and changed["continue"] == "f5"


@pytest.mark.parametrize(
    ("written", "keys"),
    [("s", "s"), ("]", "right_square_bracket"), (" F7, Ctrl+N ", "f7,ctrl+n"), ("shift+s", "S"), ("+", "plus"),
     ("alt+ctrl+x", "alt+ctrl+x"), ("PageUp", "pageup"), ("semicolon", "semicolon"), ("é", "é")],
)  # fmt: skip
def test_keys_as_a_user_writes_them(written: str, keys: str) -> None:
    assert spelled(written) == keys


@pytest.mark.parametrize("written", ["", "f77", "strg+x", "ctrl+", "nothing", "a,,b", "\t", "f5 f6"])
def test_what_is_no_key_is_said(written: str) -> None:
    with pytest.raises(InputError, match="no key is called"):
        spelled(written)


@pytest.mark.parametrize(
    ("text", "good", "said"),
    [
        ('contine = "f7"\nstep = "s"\n', {"step": "s"}, ["did you mean 'continue'"]),
        ('step = "f5"\nnext = "F5"\n', {"step": "f5"}, ["F5 is given to both 'step' and 'next'"]),
        ('step = 5\nnext = "F5"\nzzz = "x"', {"next": "f5"}, ["step must be a key", "`ppcdbg info keys` lists"]),
        ('step = "f77"\n', {}, ["no key is called 'f77'"]),
        ("step = s\n", {}, ["not valid TOML"]),
        ('step = ["s"]\n[more]\nx = 1\n', {}, ["step must be", "no action is named 'more'"]),
    ],
)
def test_what_is_wrong_in_a_keymap_is_named_and_left_out(
    tmp_path: Path, text: str, good: dict[str, str], said: list[str]
) -> None:
    (tmp_path / "keymap.toml").write_text(text)
    skipped: list[str] = []
    assert read_keymap(tmp_path / "keymap.toml", skipped) == good
    assert len(skipped) == len(said)
    for part, note in zip(said, skipped, strict=True):
        assert part in note and "keymap.toml" in note and "\n" not in note


def test_a_keymap_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    skipped: list[str] = []
    assert read_keymap(tmp_path / "none.toml", skipped) == {} and not skipped
    assert read_keymap(tmp_path, skipped) == {} and "cannot be read" in skipped[0]


@pytest.mark.parametrize(("keys", "shown"), [("f5", "F5"), ("ctrl+p", "^P"), ("question_mark,f1", "?"), ("n", "n")])
def test_keys_as_shown(keys: str, shown: str) -> None:
    assert show(keys) == shown


def test_ascii_keeps_every_column() -> None:
    assert all(twin.isascii() and len(twin) == cell_len(sign) == 1 for sign, twin in TWINS.items())
    assert set(BARS) <= set(TWINS)
    for text in ("┌─ Exits ─┐", "▸ c0013a48 → memcpy…", "EE 1→0", "naïve 漢字", "\N{COMBINING ACUTE ACCENT}a"):
        plain = to_ascii(text)
        assert plain.isascii() and len(plain) == cell_len(text), text


def test_history_is_kept_and_walked(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "history"
    history = History(path)
    for line in ("one", "two", "two", " "):
        history.add(line)
    again = History(path)
    assert again.lines == ["one", "two"]
    assert [again.move(-1, "draft"), again.move(-1, ""), again.move(-1, "")] == ["two", "one", "one"]
    assert [again.move(1, ""), again.move(1, ""), again.move(1, "draft")] == ["two", "draft", "draft"]


def test_history_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    history = History(tmp_path / "file" / "history")
    history.add("one")
    assert history.lines == ["one"]


@pytest.mark.parametrize(
    ("environment", "theme"),
    [
        ({"TERM": "xterm-256color"}, "dark"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "dark"),
        ({"TERM": "xterm"}, "terminal"),
        ({"TERM": "linux"}, "terminal"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "plain"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "dark"),
        ({"TERM": "vt220"}, "plain"),
    ],
)
def test_the_theme_for_a_terminal(environment: dict[str, str], theme: str) -> None:
    assert default_theme(environment) == theme


def test_ascii_by_locale() -> None:
    assert wants_ascii({"LANG": "de_DE.ISO-8859-1"})
    assert wants_ascii({"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"})
    assert not wants_ascii({"LC_CTYPE": "C.UTF-8"})


def test_every_theme_styles_every_role(themes: dict[str, Theme]) -> None:
    for theme in themes.values():
        styles = Styles(theme)
        for role in ROLES:
            assert styles[role] is styles[role]
            assert styles.on(role, "cursor").bgcolor != styles.base.bgcolor or theme.terminal


def test_plain_theme_has_no_colour_and_marks_by_weight(themes: dict[str, Theme]) -> None:
    styles = Styles(themes["plain"])
    for role in ROLES:
        assert styles[role].color is None and styles[role].bgcolor is None
    assert styles["changed"].bold and styles.on("text", "cursor").reverse


@pytest.mark.parametrize(
    ("colour", "found"),
    [("#2d3b52", "#3a3a3a"), ("#222831", "#262626"), ("#ff0000", "#ff0000"), ("#14171c", "#1c1c1c"),
     ("#e9e7e0", "#e4e4e4"), ("#eceae4", "#eeeeee"), ("#c9c6bd", "#c6c6c6")],
)  # fmt: skip
def test_a_surface_stays_grey_with_256_colours(colour: str, found: str) -> None:
    """The bar of the light theme was pink."""
    r, g, b = sent(nearest(colour))
    assert f"#{r:02x}{g:02x}{b:02x}" == found


def sent(colour: str) -> tuple[int, int, int]:
    """What a terminal of 256 colours gets."""
    r, g, b = Color.parse(colour).downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
    return r, g, b


@pytest.mark.parametrize("depth", [TRUE_COLOUR, 256])
@pytest.mark.parametrize("name", ["dark", "light", "high-contrast", "colour-blind"])
def test_every_role_can_be_read_on_every_surface(themes: dict[str, Theme], name: str, depth: int) -> None:
    """What is dim could hardly be read under the cursor. On the background the nearest of 256 may be a little less."""
    styles = Styles(themes[name], depth)
    for role, surface in product((*ROLES, "key"), ("", "bar", "cursor", "cursor-idle")):
        style = styles.on(role, surface) if surface else styles[role]
        if role in DRAWN or "match" in role and not surface:
            continue
        assert style.color and style.color.triplet and style.bgcolor and style.bgcolor.triplet
        ink, paper = style.color.triplet.hex, style.bgcolor.triplet.hex
        if depth == 256:
            found, least = contrast(sent(ink), sent(paper)), 4.5 if surface else 3.9
        else:
            found, least = contrast(tuple(style.color.triplet), tuple(style.bgcolor.triplet)), 4.5
        assert found >= least, (role, surface, ink, paper, found)


def test_with_256_colours_every_style_is_one_of_them(themes: dict[str, Theme]) -> None:
    styles = Styles(themes["dark"], 256)
    for role in ROLES:
        colour = styles[role].color
        assert colour is not None and colour.triplet is not None
        assert sent(colour.triplet.hex) in fixed_colours()


def test_a_strip_is_exactly_as_wide_as_asked(themes: dict[str, Theme]) -> None:
    styles = Styles(themes["dark"])
    row = (("漢字", "text"), ("abc", "address"))
    for width in range(12):
        assert styles.strip(row, width).cell_length == width
        assert styles.strip(row, width, "cursor", shift=3).cell_length == width


class Told(Lines):
    """Lines that a test says."""

    def __init__(self, styles: Styles) -> None:
        super().__init__(styles, "told", "")
        self.rows: list[Line] = []
        self.made = 0

    def parts(self, y: int) -> Parts:
        return (Part(self.rows[y] if y < len(self.rows) else (), self.size.width, fits=True),)

    def _strip(self, parts: Parts) -> Strip:
        self.made += parts not in self._strips
        return super()._strip(parts)


async def test_only_lines_that_changed_are_painted_and_a_strip_is_made_once(themes: dict[str, Theme]) -> None:
    told = Told(Styles(themes["dark"]))
    told.rows = [(Span(f"row {i}"),) for i in range(5)]

    class One(App[None]):
        def compose(self) -> ComposeResult:
            yield told

    async with One().run_test(size=(8, 5)) as pilot:
        await pilot.pause()
        assert told.made == 5
        told._exchange_repaint_regions()
        told.rows = [told.rows[0], (Span("another row"),), *told.rows[1:4]]
        told.repaint()
        assert sorted(told._exchange_repaint_regions(), key=lambda r: r.y) == [Region(0, y, 8, 1) for y in range(1, 5)]
        assert [strip.text for strip in told.render_lines(Region(2, 0, 4, 3))] == ["w 0 ", "othe", "w 1 "]
        assert told.made == 6, "three rows moved; only one is new"
        told.repaint()
        assert not told._exchange_repaint_regions()


async def test_strips_are_kept_in_bounds_however_long_lines_change(themes: dict[str, Theme]) -> None:
    """A guest that ran for an hour once left thousands of each pane, some 6 KiB each."""
    told, stays = Told(Styles(themes["dark"])), (Span("stays"),)
    told.rows = [stays]

    class One(App[None]):
        def compose(self) -> ComposeResult:
            yield told

    async with One().run_test(size=(8, 3)) as pilot:
        await pilot.pause()
        before = told.made
        for number in range(3 * KEPT):
            told.rows = [stays, (Span(f"{number}"),)]
            told.repaint()
            told.render_lines(Region(0, 0, 8, 3))
            assert len(told._strips) <= KEPT
        assert told.made - before == 3 * KEPT, "what is on the screen is not drawn again"


def test_no_role_has_the_colour_of_what_it_stands_on_in_sixteen_colours(themes: dict[str, Theme]) -> None:
    """Arrows in the row of the cursor once were drawn in its colour."""
    for name, role in product(themes, (*ROLES, "rule", "key")):
        styles = Styles(themes[name], 16)
        for style in (styles[role], *(styles.on(role, surface) for surface in ("bar", "cursor", "cursor-idle"))):
            codes = style.render("x", color_system=ColorSystem.STANDARD)
            found = re.match(r"\x1b\[(?:\d;)*([39]\d);(4|10)(\d)m", codes)
            assert not found or found[1] != ("3" if found[2] == "4" else "9") + found[3], (name, role, codes)
