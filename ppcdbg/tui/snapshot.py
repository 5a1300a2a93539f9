"""A picture of the UI without a terminal: the same app, run headless until it shows what was asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from ppcdbg.errors import InputError
from ppcdbg.session.files import write_whole
from ppcdbg.tui.app import PpcdbgApp
from ppcdbg.tui.picture import picture

PATIENCE = 60.0
"""Seconds after which a screen that never settles is drawn as it is."""
PAUSE = 0.01


def screen_text(app: PpcdbgApp) -> str:
    """Every row of the screen as plain text."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    rows = ("".join(segment.text for segment in strip)[:width].rstrip() for strip in strips[:height])
    return "\n".join(rows) + "\n"


def take(app: PpcdbgApp, path: Path, size: tuple[int, int], keys: Sequence[str] = ()) -> None:
    """Press the keys, wait after each until the screen shows what came of it, and write the screen.

    The file's ending says how: ``.svg`` a picture, anything else plain text. Raises InputError where it cannot be
    written, and whatever the app died of.
    """
    drawn = asyncio.run(_drawn(app, path.suffix == ".svg", size, keys))
    if app.crash is not None:
        raise app.crash
    try:
        write_whole(path, drawn)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


async def _drawn(app: PpcdbgApp, drawing: bool, size: tuple[int, int], keys: Sequence[str]) -> str:
    async with app.run_test(size=size) as pilot:
        await _settled(app)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(PAUSE)
            await _settled(app)
        await pilot.pause(PAUSE)
        return picture(app) if drawing else screen_text(app)


async def _settled(app: PpcdbgApp) -> None:
    end = time.monotonic() + PATIENCE
    while not app.settled and app.crash is None and time.monotonic() < end:
        await asyncio.sleep(PAUSE)
