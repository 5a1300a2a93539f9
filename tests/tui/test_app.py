"""Keys and what they do, on the double: a guest that runs by sleeping and 100,000 exits made by arithmetic."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ppcdbg.errors import InputError
from ppcdbg.tui import opening
from ppcdbg.tui.app import PpcdbgApp
from ppcdbg.tui.help import help_rows
from ppcdbg.tui.layout import PANES, key_of
from ppcdbg.tui.scene import Move, Reply
from ppcdbg.views.spans import Span, length

from .double import Double
from .screen import text_of, until

Make = Callable[..., PpcdbgApp]
SIZES = [(80, 24), (120, 36), (220, 50)]


@pytest.mark.parametrize("size", SIZES)
async def test_first_screen_shows_the_newest_exit_and_no_row_wraps(make_app: Make, size: tuple[int, int]) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: any("▸ 100,000" in row for row in text_of(app)))
        rows = text_of(app)
        assert len(rows) == size[1]
        assert all(len(row) <= size[0] for row in rows)
        assert "ppcdbg" in rows[0] and "stopped" in rows[0]
        assert "F5 go" in rows[-1] and "^Q quit" in rows[-1]
        assert any("Exit 100,000:" in row for row in rows)


async def test_a_hundred_thousand_exits_are_not_built(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.selected == 100_000)
        await pilot.press("g")
        await until(pilot, lambda: app.selected == 1)
        await pilot.press("pagedown", "pagedown", "up")
        await until(pilot, lambda: app.selected is not None and app.selected > 20)
        await pilot.press("G")
        await until(pilot, lambda: app.selected == 100_000)
        assert source.made < 2_000


async def test_the_guest_is_read_by_one_thread_and_never_in_motion(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("f5")
        await until(pilot, lambda: "running" in text_of(app)[0])
        for key in ("up", "tab", "down", "4", "1", "up", "G"):
            await pilot.press(key)
            await pilot.pause(0.05)
        await pilot.press("escape")
        await until(pilot, lambda: "stopped" in text_of(app)[0])
        assert source.threads == {"ppcdbg-guest"}
        assert not source.torn


async def test_interrupt_is_quick_and_does_not_end_anything(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("escape", "ctrl+c"):
            await pilot.press("f5")
            await until(pilot, lambda: "running" in text_of(app)[0])
            before = source.exits
            await pilot.press(key)
            await until(pilot, lambda: "stopped" in text_of(app)[0])
            # 0.2 s on a host that has time: so many slices of 10 ms, each of which makes seven exits
            assert 0 <= (source.exits - before) // 7 < 20
            assert app.is_running
        assert source.moves == [Move.CONTINUE, Move.CONTINUE]


async def test_an_interrupt_that_comes_before_the_run_begins_is_kept(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5", "escape")
        await until(pilot, lambda: not app.worker.running)
        assert source.moves == [Move.CONTINUE]


async def test_step_keys(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        for key, move in (("f11", Move.STEP), ("f10", Move.NEXT), ("]", Move.EXIT)):
            await pilot.press(key)
            await until(pilot, lambda: not app.worker.running)
            assert source.moves[-1] is move
        await until(pilot, lambda: app.selected == 100_001)
        assert any(row.find("▶c0013a50") > 0 for row in text_of(app))


@pytest.mark.parametrize(("times", "wanted"), [(2, ["exit", "exit"]), (4, ["exit", "step-exit 3"])])
async def test_exits_asked_for_while_the_guest_is_on_its_way_to_one_are_gone_to(
    make_app: Make, times: int, wanted: list[str]
) -> None:
    """``]`` pressed twice quickly went to one exit only."""
    gate, done = threading.Event(), list[str]()

    class Slow(Double):
        def move(self, move: Move, between: Callable[[], None]) -> Reply:
            gate.wait(20)
            done.append(move.value)
            return super().move(move, between)

        def execute(self, text: str, between: Callable[[], None]) -> Reply:
            done.append(text)
            return super().move(Move.EXIT, between)

    app = make_app(Slow())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.selected == 100_000)
        await pilot.press(*["]"] * times)
        gate.set()
        await until(pilot, lambda: done == wanted and app.settled)
        assert not app.ahead and not app.stepping


async def test_every_character_can_be_typed_into_the_line(make_app: Make) -> None:
    """A slash, with which a file's name begins, was taken for the key that opens a filter."""
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        for opened in ":/":
            await pilot.press(opened)
            await pilot.press(*"a/b:c]d.e?f0")
            assert app.prompt.line.value == "a/b:c]d.e?f0"
            await pilot.press("escape", "escape")


async def test_brackets_walk_the_past_and_full_stop_comes_back(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.selected == 100_000)
        await pilot.press("[", "[")
        await until(pilot, lambda: app.selected == 99_998)
        assert any("Exit 99,998:" in row for row in text_of(app))
        await pilot.press("]")
        await until(pilot, lambda: app.selected == 99_999)
        assert source.moves == []
        await pilot.press("N")
        await until(pilot, lambda: app.selected == 99_994)
        await pilot.press("n")
        await until(pilot, lambda: app.selected == 99_999)
        await pilot.press(".")
        await until(pilot, lambda: app.selected == 100_000)


async def test_the_past_stays_selected_while_the_guest_runs(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await until(pilot, lambda: source.exits > 100_050)
        await pilot.press("g")
        await until(pilot, lambda: app.selected == 1)
        before = source.exits
        await until(pilot, lambda: source.exits > before + 50)
        await pilot.pause(0.15)
        assert app.selected == 1
        await pilot.press("escape")


async def test_filter_shows_matches_only_and_a_bad_one_says_why(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("/", *"SYSCALL", "enter")
        await until(pilot, lambda: any("filter: SYSCALL" in row for row in text_of(app)))
        await until(pilot, lambda: not any("DTLB_MISS" in row for row in text_of(app)))
        assert any("20,000" in row for row in text_of(app))
        await pilot.press("/", "x", "enter")
        await until(pilot, lambda: any("no field is named 'SYSCALLx'" in row for row in text_of(app)))
        assert app.filter == "SYSCALL"
        await pilot.press("/", *["backspace"] * 7, "enter")
        await until(pilot, lambda: app.filter == "" and any("DTLB_MISS" in row for row in text_of(app)))


async def test_filtering_keeps_the_selected_exit(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.selected == 100_000)
        await pilot.press("[", "[")
        await until(pilot, lambda: app.selected == 99_998)
        await pilot.press("/", *"SYSCALL", "enter")
        await until(pilot, lambda: app.filter == "SYSCALL" and app.selected == 99_998)
        await pilot.press("up")
        await until(pilot, lambda: app.selected == 99_993)


async def test_command_line_answers_completes_and_remembers(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press(":", *"print 42", "enter")
        await until(pilot, lambda: any("$1 = 0x2a" in row for row in text_of(app)))
        await pilot.press(":", *"con", "tab")
        await until(pilot, lambda: any(" continue   let the guest run" in row for row in text_of(app)))
        await pilot.press(*"ti")
        await until(pilot, lambda: len(app.offers.words) == 1)
        await pilot.press("escape", "tab")
        await until(pilot, lambda: app.prompt.line.value == "continue ")
        await pilot.press("escape", ":", "up")
        assert app.prompt.line.value == "print 42"
        await pilot.press("down")
        assert app.prompt.line.value == ""
        await pilot.press("escape", ":", *"nonsense", "enter")
        await until(pilot, lambda: any("no command is named 'nonsense'" in row for row in text_of(app)))
        assert source.executed == ["print 42", "nonsense"]


async def test_the_list_of_candidates_is_gone_through_taken_and_left(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        line = app.prompt.line
        await pilot.press(":", *"x co", "tab")
        await until(pilot, lambda: app.offers.open)
        assert line.value == "x con", "as far as all candidates agree"
        for key, shown in (("tab", "continue"), ("down", "condition"), ("down", "continue"), ("up", "condition")):
            await pilot.press(key)
            assert line.value == f"x {shown}"
        await pilot.press("escape")
        assert line.value == "x con" and not app.offers.display and line.has_focus
        await pilot.press("tab")
        await until(pilot, lambda: app.offers.open)
        await pilot.press("shift+tab", "enter")
        assert line.value == "x condition " and not app.offers.display
        assert source.executed == [], "the first Enter takes the candidate"
        await pilot.press(*["backspace"] * 7, "tab")
        await until(pilot, lambda: app.offers.open)
        rows = text_of(app)
        assert "continue   let the guest run " in rows[-3] and "condition  of a breakpoint" in rows[-2]
        await pilot.click("#offers", offset=(4, 0))
        await until(pilot, lambda: line.value == "x continue " and line.has_focus)
        await pilot.press("enter")
        await until(pilot, lambda: source.executed == ["x continue "[:-1]])
        await pilot.press(":", "c", "tab")
        await until(pilot, lambda: app.offers.open)
        await pilot.press("z")
        await until(pilot, lambda: not app.offers.display)


async def test_layouts_are_saved_by_name_and_gone_through(make_app: Make, tmp_path: Path) -> None:
    source = Double()
    app = make_app(source, layout_file=tmp_path / "layout.toml")
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("x", ":", *"layout save mine", "enter")
        await until(pilot, lambda: any("Layout mine is kept in" in row for row in text_of(app)))
        await until(pilot, lambda: source.layouts[-1] == "mine")
        await pilot.press("f3")
        await until(pilot, lambda: any("Layout exits:" in row for row in text_of(app)))
        assert not app.desk.panes["memory"].box.width
        await pilot.press(":", *"layout mine", "enter")
        await until(pilot, lambda: app.desk.panes["memory"].box.width > 20)
        await pilot.press(":", *"layout nowhere", "enter")
        await until(pilot, lambda: any("there is no layout 'nowhere'" in row for row in text_of(app)))
        await pilot.press("f4")
        await until(pilot, lambda: (tmp_path / "layout.toml").exists())
        await pilot.press(":", *"layout delete mine", "enter")
        await until(pilot, lambda: source.layouts[-1] == "switch")
    again = make_app(layout_file=tmp_path / "layout.toml")
    assert "memory" in again.desk.choice.recent


async def test_a_long_answer_opens_from_its_beginning_and_escape_closes_it(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(":", *"long", "enter")
        await until(pilot, lambda: any("line 0 of a long answer" in row for row in text_of(app)))
        assert not any(" 1 Exits" in row for row in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: any(" 1 Exits" in row for row in text_of(app)))


async def test_after_a_long_answer_whoever_asked_has_the_keys_again(make_app: Make) -> None:
    """In the tutorial Enter went on being the output's, and nothing said so."""
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("2")
        app.answer(Reply(rows=tuple((Span(f"line {n}"),) for n in range(60))))
        await until(pilot, lambda: app.desk.panes["log"].size.width == 120)
        await pilot.press("escape")
        await until(pilot, lambda: app.focused is app.desk.panes["disassembly"])


async def test_a_long_answer_gives_the_desk_back_when_another_pane_is_asked_for(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press(":", *"long", "enter")
        await until(pilot, lambda: app.desk.panes["log"].size.width == 120)
        await pilot.press("2")
        await until(pilot, lambda: 20 < app.desk.panes["disassembly"].size.width < 80)
        await pilot.press("z", "3")
        await until(pilot, lambda: app.desk.panes["registers"].size.width == 120)


async def test_a_command_that_runs_the_guest_can_be_interrupted(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(":", *"continue", "enter")
        await until(pilot, lambda: "running" in text_of(app)[0])
        assert "Esc interrupt" in text_of(app)[-1]
        await pilot.press("escape")
        await until(pilot, lambda: "stopped" in text_of(app)[0])


async def test_a_command_while_the_guest_runs_is_refused_in_words(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await until(pilot, lambda: "running" in text_of(app)[0])
        await pilot.press(":", *"print 42", "enter")
        await until(pilot, lambda: any("Interrupt it first" in row for row in text_of(app)))
        await pilot.pause(0.3)
        assert any("Interrupt it first" in row for row in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "stopped" in text_of(app)[0])
        assert source.executed == []


async def test_breakpoint_key_acts_on_the_cursor_of_the_disassembly(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("2", "down", "down", "f9")
        await until(pilot, lambda: source.breakpoints == {0xC0013A50})
        await until(pilot, lambda: any("●c0013a50" in row for row in text_of(app)))
        await pilot.press("f9")
        await until(pilot, lambda: source.breakpoints == set())


@pytest.mark.parametrize("size", SIZES)
async def test_every_pane_is_one_key_away(make_app: Make, size: tuple[int, int]) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        for kind in PANES:
            await pilot.press(key_of(kind))
            await pilot.pause()
            pane = app.desk.panes[kind]
            assert app.focused is pane
            assert pane.size.width > 20 and pane.size.height >= 3, kind


async def test_tab_goes_around_and_zoom_gives_the_desk(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        seen = []
        for _ in range(6):
            seen.append(app.focused and app.focused.id)
            await pilot.press("tab")
        assert sorted(map(str, seen)) == ["console", "disassembly", "exits", "irqprio", "registers", "tlb"]
        assert app.focused is app.desk.panes["exits"]
        await pilot.press("3", "z")
        await until(pilot, lambda: app.desk.panes["registers"].size.width == 120)
        await pilot.press("escape")
        await until(pilot, lambda: app.desk.panes["registers"].size.width < 60)


async def test_enter_opens_details_and_backspace_returns(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: app.focused is app.desk.panes["detail"])
        await pilot.press("backspace")
        await until(pilot, lambda: app.focused is app.desk.panes["exits"])


async def test_help_lists_every_key_and_closes(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(140, 130)) as pilot:
        await pilot.press("?")
        await until(pilot, lambda: any("stop a guest that runs" in row for row in text_of(app)))
        page = "\n".join(text_of(app))
        for key in app.keys:
            assert not key.help or key.help in page
        assert all(length(row) <= 76 for row in help_rows(app.keys)), "a terminal of 80 columns shows all of it"
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_palette_finds_panes_themes_and_commands(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.commands)
        await pilot.press("ctrl+p", *"theme: light")
        await until(pilot, lambda: any("Theme: light" in row for row in text_of(app)))
        await pilot.press("enter")
        await until(pilot, lambda: app.looks.theme.name == "light")
        await pilot.press("ctrl+p", *"print")
        await until(pilot, lambda: any(": print[/FORMAT] EXPR" in row for row in text_of(app)))
        await pilot.press("enter")
        await until(pilot, lambda: app.prompt.line.has_focus and app.prompt.line.value == "print ")


async def test_sizes_change_while_it_runs(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(220, 50)) as pilot:
        await pilot.press("5")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: app.desk.panes["exits"].size.width == 80)
        assert app.focused is not None and app.focused.display
        await pilot.resize_terminal(20, 6)
        await pilot.pause()
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: app.desk.panes["disassembly"].display)


async def test_quitting_while_the_guest_runs_stops_it(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await until(pilot, lambda: app.worker.running)
        await pilot.press("ctrl+q")
    assert source.stop.is_set()
    assert app.return_value == 0


@pytest.mark.parametrize("where", ["command", "scene"])
async def test_an_internal_error_ends_the_screen_and_is_kept(make_app: Make, where: str) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        if where == "command":
            await pilot.press(":", *"crash", "enter")
        else:
            source.crash = RuntimeError("the scene failed, on purpose")
            await pilot.press("up")
        await pilot.pause(0.3)
    assert isinstance(app.crash, RuntimeError) and "on purpose" in str(app.crash)
    assert app.return_value == 70


async def test_ascii_only_draws_nothing_else(make_app: Make) -> None:
    app = make_app(ascii_only=True)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.selected == 100_000)
        await pilot.press("?")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        text = "\n".join(text_of(app))
        assert text.isascii()


async def test_keys_can_be_changed(make_app: Make) -> None:
    source = Double()
    app = make_app(source, keymap={"step": "s"})
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: source.moves == [Move.STEP])


async def test_a_keymap_that_is_wrong_is_named_and_the_rest_of_it_holds(tmp_path: Path) -> None:
    source = Double()
    (tmp_path / "keymap.toml").write_text('stepp = "x"\nstep = "f10"\nnext = "f11"\ncontinue = "]"\n')
    options = opening.Options("dark", keymap_file=tmp_path / "keymap.toml", usual="puce")
    app = opening.make_app(source, options, {})
    async with app.run_test(size=(220, 36)) as pilot:
        await until(pilot, lambda: any("skipped" in row and "did you mean 'step'?" in row for row in text_of(app)))
        for key, move in (("f10", Move.STEP), ("f11", Move.NEXT), ("right_square_bracket", Move.CONTINUE)):
            await pilot.press(key, "escape")
            await until(pilot, lambda: not app.worker.running)
            assert source.moves[-1] is move
        assert app.looks.theme.name == "dark", "what is asked for goes before the settings"


async def test_a_theme_of_the_settings_that_is_not_there_is_named(tmp_path: Path) -> None:
    app = opening.make_app(Double(), opening.Options(usual="puce"), {"TERM": "xterm-256color"})
    async with app.run_test(size=(160, 36)) as pilot:
        await until(pilot, lambda: any("the settings name a theme 'puce'; there are" in row for row in text_of(app)))
        assert app.looks.theme.name == "dark"


async def test_every_key_does_its_work_or_nothing(
    make_app: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # for the picture
    app = make_app(layout_file=tmp_path / "layout.toml")
    panes = ("exits", "disassembly", "console", "breakpoints", "memory")
    async with app.run_test(size=(120, 36)) as pilot:
        for number, key in enumerate(app.keys):
            if key.id != "quit":
                app.desk.show(panes[number % len(panes)])
                await pilot.press(*key.keys.split(","), "escape")
                await until(pilot, lambda: not app.worker.running)
                while len(app.screen_stack) > 1:
                    await pilot.press("escape")
        assert app.crash is None and app.is_running
    assert (tmp_path / "layout.toml").exists() and (tmp_path / "ppcdbg-1.svg").exists()


async def test_a_line_typed_into_the_console_and_escape_ends_typing(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("7", "enter", *"ls", "enter")
        await until(pilot, lambda: source.typed == ["ls\n"])
        await pilot.press("p", "enter")
        await until(pilot, lambda: source.typed == ["ls\n", "p\n"])
        await pilot.press("escape", "1")
        assert app.focused is app.desk.panes["exits"]


async def test_a_search_leads_to_its_row_and_says_when_there_is_none(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("3", "slash", *"there", "enter")
        await until(pilot, lambda: app.desk.panes["registers"].cursor == 3)
        await pilot.press("slash", *["backspace"] * 5, *"nowhere", "enter")
        await until(pilot, lambda: any("'nowhere' was not found" in row for row in text_of(app)))


async def test_a_layout_is_chosen_changed_kept_and_comes_back(make_app: Make, tmp_path: Path) -> None:
    path = tmp_path / "layout.toml"
    app = make_app(layout_file=path)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("f3")
        await until(pilot, lambda: any("Layout tlb" in row for row in text_of(app)))
        before = app.desk.panes["exits"].box
        await pilot.press("1", "plus", "greater_than_sign", "f4")
        await until(pilot, lambda: any("opens with this layout" in row for row in text_of(app)))
        box = app.desk.panes["exits"].box
        assert (box.width, box.height) == (before.width + 4, before.height + 2)
    again = make_app(layout_file=path)
    async with again.run_test(size=(120, 36)) as pilot:
        await pilot.pause(0.1)
        assert again.desk.choice.desktop == "tlb" and again.desk.panes["exits"].box == box


async def test_a_theme_that_is_wrong_is_named_and_skipped(tmp_path: Path) -> None:
    (tmp_path / "themes").mkdir()
    (tmp_path / "themes" / "bad.toml").write_text('name = "bad"\n[roles]\ntext = "puce"\n')
    environment = {"PPCDBG_THEMES": str(tmp_path / "themes")}
    app = opening.make_app(Double(), opening.Options("dark"), environment)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: any("skipped" in row and "bad.toml" in row for row in text_of(app)))
    with pytest.raises(InputError, match="no theme is named 'bad'.*skipped: .*bad.toml"):
        opening.make_app(Double(), opening.Options("bad"), environment)


async def test_everything_by_mouse(make_app: Make) -> None:
    source = Double()
    app = make_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.selected == 100_000)
        await pilot.click("#exits", offset=(20, 5))
        await until(pilot, lambda: app.selected is not None and app.selected < 100_000)
        line = app.desk.panes["disassembly"]
        await pilot.click("#disassembly", offset=(5, 2), times=2)  # an address: its code, with the cursor there
        await until(pilot, lambda: app.focused is line and line.cursor == line.top + 1)
        await pilot.click("#registers", offset=(5, 0), times=2)
        await until(pilot, lambda: app.desk.choice.zoom == "registers")
        await pilot.press("z")
        await pilot.click("#keys", offset=(2, 0))  # F5
        await until(pilot, lambda: app.worker.running)
        await pilot.click("#keys", offset=(2, 0))  # Esc, where F5 was
        await until(pilot, lambda: not app.worker.running)
        await pilot.click("#timeline", offset=(23, 0))
        await until(pilot, lambda: source.executed == ["seek 5000"])
        await pilot.click("#status", offset=(9, 0))
        await until(pilot, lambda: len(app.screen_stack) == 2)


async def test_the_list_is_filtered_while_one_types_and_escape_brings_the_old_filter_back(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.selected == 100_000)
        await pilot.press("slash", *"SYSC")
        await pilot.pause(0.4)
        assert app.filter == "", "no condition yet"
        await pilot.press(*"ALL")
        await until(pilot, lambda: app.filter == "SYSCALL" and any("filter: SYSCALL" in row for row in text_of(app)))
        await pilot.press("escape")
        await until(pilot, lambda: app.filter == "" and not any("filter: SYSCALL" in row for row in text_of(app)))


async def test_a_dragged_rule_changes_sizes(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.selected == 100_000)
        before = app.desk.panes["console"].box
        await pilot.mouse_down("#console", offset=(20, 0))
        await pilot.mouse_up("#console", offset=(20, -3))
        await until(pilot, lambda: app.desk.panes["console"].box.height == before.height + 3)
