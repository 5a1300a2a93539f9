"""Every key of the key map, every key that a pane speaks of, and every way to move, each pressed and its effect seen.

The tables below are held to the data that the UI is made from: a key, a pane or a view that is new fails here until
something presses it. By how many terminals and sizes they can be pressed is tried in ``test_hands``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.tui.app import PpcdbgApp
from ppcdbg.tui.help import HelpScreen
from ppcdbg.tui.keys import KEYS, MOVING
from ppcdbg.tui.layout import DESKTOPS, Choice
from ppcdbg.tui.opening import Options, make_app
from ppcdbg.tui.panes.pane import Pane
from ppcdbg.tui.panes.table import KINDS
from ppcdbg.tui.snapshot import _settled
from ppcdbg.tui.source import DebuggerSource

from .screen import text_of, until

AT = 60
"""The exit at which everything is tried; the guest has run further, so that there is a way forward."""


Look = Callable[["Stage"], Any]
More = Callable[[Any, Any], object]


@dataclass
class Stage:
    """The UI on a guest, and what a test looks at."""

    app: PpcdbgApp
    debugger: Debugger
    pilot: Pilot[int]

    @property
    def position(self) -> int:
        return self.debugger.position

    @property
    def pane(self) -> Pane:
        assert isinstance(self.app.focused, Pane)
        return self.app.focused

    @property
    def line(self) -> str:
        """What is being typed: sign and text; empty while nothing is."""
        prompt = self.app.prompt
        return f"{prompt.sign}{prompt.line.value}" if prompt.line.has_focus else ""

    @property
    def text(self) -> str:
        return " ".join(" ".join(text_of(self.app)).split())

    async def settled(self) -> None:
        await _settled(self.app)
        await self.pilot.pause(0.01)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.settled()

    async def drive(self, what: str, key: str, look: Look, how: More) -> None:
        """Press a key, and see what comes of it."""
        was = look(self)
        await self.press(key)
        try:
            await until(self.pilot, lambda: how(was, look(self)), 20)
        except AssertionError as error:
            raise AssertionError(f"{what} ({key}): {was!r} became {look(self)!r}; {error}") from None

    async def again(self) -> None:
        """The same place, layout, and pane as ever."""
        while len(self.app.screen_stack) > 1:
            self.app.pop_screen()
            await self.settled()
        if self.line:
            await self.press("escape")
        self.app.filter, self.app.trail = "", []
        self.app.desk.use(Choice("exits"))
        self.app.desk.show("exits")
        for pane in self.app.desk.panes.values():
            pane.view, pane.order, pane.sought = (pane.about.views or ("",))[0], 0, ""
            pane.release()
        self.app.worker.execute(f"seek exit:{AT}")
        await self.settled()


def grew(before: Any, after: Any) -> bool:  # noqa: ANN401
    return bool(after > before)


def fell(before: Any, after: Any) -> bool:  # noqa: ANN401
    return bool(after < before)


def other(before: Any, after: Any) -> bool:  # noqa: ANN401
    return bool(after != before)


def becomes(what: object) -> More:
    return lambda before, after: before != what and after == what


def box(pane: str, side: str) -> Look:
    return lambda s: getattr(s.app.desk.panes[pane].box, side)


def points(s: Stage) -> int:
    return len(list(s.debugger.breakpoints))


BREAK = (":", *"break puts", "enter", "b")
DRIVEN: dict[str, tuple[tuple[str, ...], Look, More]] = {
    "continue": ((":", *"tbreak puts", "enter"), lambda s: s.position, grew),
    "next": ((), lambda s: s.position, grew),
    "step": ((), lambda s: s.position, lambda before, after: after == before + 1),
    "next-exit": ((), lambda s: len(s.debugger.exits), lambda before, after: after == before + 1),
    "previous-exit": ((), lambda s: s.app.selected, lambda before, after: after == before - 1),
    "breakpoint": (("2", "down", "down"), points, grew),
    "interrupt": (("z",), lambda s: s.app.desk.choice.zoom, becomes("")),
    "back": ((), lambda s: s.position, fell),
    "back-next": (("f11", "f11"), lambda s: s.position, lambda before, after: after == before - 1),
    "back-step": (("f11", "f11"), lambda s: s.position, lambda before, after: after == before - 1),
    "bookmark": ((), lambda s: s.line, becomes(":bookmark ")),
    "seek": ((), lambda s: s.line, becomes(":seek ")),
    "filter": ((), lambda s: s.line, becomes("/")),
    "next-alike": (("[", "[", "["), lambda s: s.app.selected, grew),
    "previous-alike": ((), lambda s: s.app.selected, fell),
    "now": (("[", "["), lambda s: s.position, grew),
    "open": ((), lambda s: s.pane.kind, becomes("detail")),
    "return": (("enter",), lambda s: s.pane.kind, becomes("exits")),
    "command": ((), lambda s: s.line, becomes(":")),
    "focus-next": ((), lambda s: s.pane.kind, other),
    "focus-previous": ((), lambda s: s.pane.kind, other),
    "zoom": ((), lambda s: s.app.desk.choice.zoom, becomes("exits")),
    "view": (("4",), lambda s: s.pane.view, becomes("map")),
    "order": (("9",), lambda s: s.pane.filled.head, other),
    "edit": (("3",), lambda s: s.line, becomes(":set var $")),
    "past": (("4", "down"), lambda s: s.pane.view, becomes("slot")),
    "delete": (BREAK, points, fell),
    "close": (("x",), lambda s: s.app.desk.panes["memory"].box.width, becomes(0)),
    "wider": ((), box("exits", "width"), grew),
    "narrower": ((), box("exits", "width"), fell),
    "higher": ((), box("exits", "height"), grew),
    "lower": ((), box("exits", "height"), fell),
    "tell": (("6",), lambda s: s.text, lambda before, after: "critical section" in after and after != before),
    "copy": ((), lambda s: s.app.clipboard, lambda before, after: after != before and "\n" not in after),
    "copy-all": ((), lambda s: s.app.clipboard, lambda before, after: after != before and after.count("\n") > 5),
    "theme": ((), lambda s: s.app.looks.theme.name, other),
    "layout": ((), lambda s: s.app.layout_name, other),
    "save-layout": ((), lambda s: bool(s.app.layouts.file and s.app.layouts.file.exists()), becomes(True)),
    "picture": ((), lambda s: Path("ppcdbg-1.svg").exists(), becomes(True)),
    "help": ((), lambda s: isinstance(s.app.screen, HelpScreen), becomes(True)),
    "palette": ((), lambda s: type(s.app.screen).__name__, becomes("CommandPalette")),
    **{f"pane-{kind.name}": ((), lambda s: s.pane.kind, becomes(kind.name)) for kind in KINDS if kind.name != "exits"},
    "pane-exits": (("2",), lambda s: s.pane.kind, becomes("exits")),
}
"""By the name of a key: what is pressed before it, what is looked at, and how that changes."""
ELSEWHERE = {"interrupt-too", "quit"}
"""Keys that are pressed in a test of their own, below."""
AGAIN = {"help", "save-layout", "picture"}
"""Keys whose effect another spelling cannot have a second time."""


def stage_on(guest: str, tmp_path: Path) -> tuple[PpcdbgApp, Debugger]:
    debugger = open_guest(guest, engine="reference")
    options = Options("dark", False, layout_file=tmp_path / "layout.toml")
    return make_app(DebuggerSource(debugger), options, {}), debugger


def test_every_key_is_driven() -> None:
    assert {*DRIVEN} | ELSEWHERE == {key.id for key in KEYS}, "a key that nothing here presses"
    assert not {*DRIVEN} & ELSEWHERE


async def test_every_key_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # for the picture
    app, debugger = stage_on("demo", tmp_path)
    debugger.step_exit(AT + 20)
    async with app.run_test(size=(120, 36)) as pilot:
        s = Stage(app, debugger, pilot)
        for key in (one for one in KEYS if one.id in DRIVEN):
            before, look, how = DRIVEN[key.id]
            for spelled in key.keys.split(",")[: 1 if key.id in AGAIN else None]:
                if not key.id.startswith("pane-"):
                    await s.again()
                await s.press(*before)
                await s.drive(key.id, spelled, look, how)
        assert app.crash is None


@pytest.mark.parametrize("key", [spelled for one in KEYS if "interrupt" in one.id for spelled in one.keys.split(",")])
async def test_an_endless_guest_is_interrupted(tmp_path: Path, key: str) -> None:
    app, debugger = stage_on("window", tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await _settled(app)
        await pilot.press("f5")
        await until(pilot, lambda: app.worker.running and debugger.position > 1000)
        await pilot.press(key)
        await until(pilot, lambda: not app.worker.running)
        assert app.is_running and app.crash is None


async def test_the_ui_is_left_by_its_key(tmp_path: Path) -> None:
    app, _ = stage_on("demo", tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await _settled(app)
        await pilot.press(*next(key.keys for key in KEYS if key.id == "quit").split(","))
        await pilot.pause(0.05)
    assert app.return_value == 0


# --- what panes say of keys -------------------------------------------------------------------------------------------
SWITCH = {
    "step": ((), lambda s: s.debugger.world_switch.last.position, grew),
    "next": ((), lambda s: s.debugger.world_switch.last.position, grew),
    "continue": ((), lambda s: s.debugger.world_switch.last.position, grew),
    "back-step": (("f11", "f11"), lambda s: s.debugger.world_switch.last.position, fell),
    "back": (("f11", "f11"), lambda s: s.debugger.world_switch.last.position, becomes(0)),
    "edit": ((), lambda s: s.line, becomes(":world-switch inject ")),
}  # fmt: skip
PANE_KEYS: dict[str, dict[str, tuple[tuple[str, ...], Look, More]]] = {
    "disassembly": {
        "filter": ((), lambda s: s.line, becomes("?")),
        "breakpoint": (("down",), points, grew),
    },
    "registers": {
        "edit": ((), lambda s: s.line, becomes(":set var $")),
        "past": (("v", "v", "v", "v"), lambda s: s.debugger.past.here, other),
    },
    "tlb": {"past": (("down",), lambda s: s.pane.view, becomes("slot"))},
    "shadow": {"past": (("down",), lambda s: s.pane.view, becomes("slot"))},
    "console": {"open": ((), lambda s: s.line, becomes(">"))},
    "memory": {
        "filter": ((), lambda s: s.line, becomes("?")),
        "edit": (("down",), lambda s: s.line, lambda before, after: after.startswith(":set var *(u32 *)0x")),
        "past": (("down",), lambda s: len(s.app.log_rows), grew),
    },
    "breakpoints": {
        "edit": (BREAK[:-1], lambda s: all(one.enabled for one in s.debugger.breakpoints), becomes(False)),
        "delete": (BREAK[:-1], points, fell),
    },
    "timeline": {"scrub": ((), lambda s: s.position, other)},
    "switch": SWITCH,
    "owners": SWITCH,
    "nested": {"edit": ((), lambda s: s.line, becomes(":nested-example "))},
}
"""What each pane says of its keys."""


def test_every_key_of_a_pane_is_driven() -> None:
    assert {kind.name: {name for name, _ in kind.keys} for kind in KINDS if kind.keys} == {
        name: {*keys} for name, keys in PANE_KEYS.items()
    }
    assert {name for kind in KINDS for name, _ in kind.moves} <= {*SWITCH}


async def test_every_pane_s_keys_and_orders(tmp_path: Path) -> None:
    app, debugger = stage_on("demo", tmp_path)
    debugger.step_exit(AT + 20)
    spelled = {key.id: key.keys.split(",")[0] for key in KEYS} | {"scrub": "left"}
    async with app.run_test(size=(120, 36)) as pilot:
        s = Stage(app, debugger, pilot)
        for kind in KINDS:
            for name, (before, look, how) in PANE_KEYS.get(kind.name, {}).items():
                await s.again()
                await s.press(*before, kind.key) if before[:1] == (":",) else await s.press(kind.key, *before)
                await s.drive(f"{kind.name} {name}", spelled[name], look, how)
            if not kind.orders:  # views are gone through in test_panes
                continue
            await s.again()
            await s.press(kind.key)
            heads = {(s.pane.filled.head, s.pane.filled.note)}
            for _ in kind.orders[1:]:
                await s.press("o")
                heads.add((s.pane.filled.head, s.pane.filled.note))
            assert len(heads) == max(1, len(kind.orders)), f"{kind.name}: an order that does not show"
        assert app.crash is None


async def test_every_layout_comes_by_its_key(tmp_path: Path) -> None:
    app, debugger = stage_on("demo", tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        s = Stage(app, debugger, pilot)
        await s.settled()
        seen = []
        for _ in DESKTOPS:
            await s.press("f3")
            seen.append(app.layout_name)
            assert f"Layout {app.layout_name}:" in s.text
        assert sorted(seen) == sorted(DESKTOPS)


# --- moving -----------------------------------------------------------------------------------------------------------
MOVED: dict[str, tuple[tuple[tuple[str, More], ...], str, Look]] = {
    "↑ ↓": ((("up", fell), ("down", grew), ("k", fell), ("j", grew)), "1", lambda s: s.pane.cursor),
    "PgUp PgDn": ((("pageup", fell), ("pagedown", grew), ("pageup", fell), ("space", grew)), "1",
                  lambda s: s.pane.cursor),
    "Home End": ((("home", becomes(0)), ("end", grew), ("g", becomes(0)), ("G", grew)), "1", lambda s: s.pane.cursor),
    "← →": ((("right", grew), ("left", fell), ("l", grew), ("h", fell)), "p", lambda s: s.pane.shift),
}  # fmt: skip


async def test_every_way_to_move(tmp_path: Path) -> None:
    assert [*MOVED] == [names for names, _ in MOVING]
    app, debugger = stage_on("demo", tmp_path)
    debugger.step_exit(AT + 20)
    async with app.run_test(size=(120, 36)) as pilot:
        s = Stage(app, debugger, pilot)
        for presses, pane, look in MOVED.values():
            await s.again()
            await s.press(pane)
            for key, how in presses:
                await s.drive(pane, key, look, how)
        assert app.crash is None
