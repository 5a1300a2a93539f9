"""The screen as text at three sizes and in some states: the layout's contract. Rows come from the double.

Pinned to text, not to pictures: a release of textual may change neither. Renew with ``pytest --snapshot-update``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from syrupy.assertion import SnapshotAssertion

from ppcdbg.tui.app import PpcdbgApp

from .screen import text_of, until

Make = Callable[..., PpcdbgApp]


async def drawn(app: PpcdbgApp, size: tuple[int, int], *keys: str) -> str:
    """The screen once the newest exit is shown and the keys have had their effect."""
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.selected == 100_000 and app.commands)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.1)
        await pilot.pause(0.1)
        assert app.crash is None
        return "\n".join(text_of(app))


@pytest.mark.parametrize("size", [(80, 24), (80, 50), (120, 36), (220, 50)])
async def test_sizes(make_app: Make, size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    assert await drawn(make_app(), size) == snapshot


STATES = {
    "looking_back": ["[", "["],
    "filtered": ["/", *"SYSCALL", "enter"],
    "code_focused": ["2", "down"],
    "zoomed": ["4", "z"],
    "command_line": [":", *"cont"],
    "candidates": [":", *"co", "tab", "down"],
    "answer": [":", *"print 42", "enter"],
    "error": [":", *"nonsense", "enter"],
    "long_answer": [":", *"long", "enter"],
    "help": ["?"],
    "other_pane": ["8"],
}


@pytest.mark.parametrize("name", STATES)
async def test_states(make_app: Make, name: str, snapshot: SnapshotAssertion) -> None:
    assert await drawn(make_app(), (100, 30), *STATES[name]) == snapshot


async def test_ascii(make_app: Make, snapshot: SnapshotAssertion) -> None:
    assert await drawn(make_app(ascii_only=True), (120, 36)) == snapshot
