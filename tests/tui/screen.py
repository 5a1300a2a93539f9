"""The screen as text, and waiting for it: what a test may look at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from textual.pilot import Pilot

from ppcdbg.tui.app import PpcdbgApp


def text_of(app: PpcdbgApp) -> list[str]:
    """Every row of the screen, as drawn."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip)[:width].rstrip() for strip in strips[:height]]


async def until(pilot: Pilot[object], condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Let the app work until the condition holds; fails with the screen's text."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            assert isinstance(pilot.app, PpcdbgApp)
            raise AssertionError("waited in vain; the screen:\n" + "\n".join(text_of(pilot.app)))
        await pilot.pause()
        await asyncio.sleep(0.01)
