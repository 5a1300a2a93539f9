"""The command palette: every action, pane, theme and command of the command line, found by name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.markup import escape

from ppcdbg.tui.keys import show
from ppcdbg.tui.layout import PANES, key_of
from ppcdbg.tui.panes.table import BY_NAME

if TYPE_CHECKING:
    from ppcdbg.tui.app import PpcdbgApp


class Everything(Provider):
    """All that can be done, as (title, explanation, action) triples of the running app."""

    @property
    def ui(self) -> PpcdbgApp:
        from ppcdbg.tui.app import PpcdbgApp

        assert isinstance(self.app, PpcdbgApp)
        return self.app

    def entries(self) -> Iterator[tuple[str, str, Callable[[], Any]]]:
        """Titles begin as in the key bar or as the command is typed."""
        ui = self.ui
        for key in ui.keys:
            if key.help and key.action not in ("command_palette",):
                yield f"{key.help[0].upper()}{key.help[1:]}", f"key {show(key.keys)}", partial(ui.perform, key.action)
        for kind in PANES:
            about = f"key {key_of(kind)}: {BY_NAME[kind].about}"
            yield f"Pane: {kind}", about, partial(ui.perform, f"pane('{kind}')")
        for name in ui.layouts.named:
            yield f"Layout: {name}", ui.layouts.about(name), partial(ui.use_layout, name)
        for theme in ui.themes.values():
            yield f"Theme: {theme.name}", theme.description, partial(ui.use_theme, theme.name)
        for command in ui.commands:
            yield f": {command.usage}", command.summary, partial(ui.prompt.open, ":", command.name + " ")

    async def discover(self) -> Hits:
        for title, explanation, act in self.entries():
            yield DiscoveryHit(escape(title), act, help=escape(explanation))

    async def search(self, query: str) -> AsyncIterator[Hit]:
        matcher = self.matcher(query)
        for title, explanation, act in self.entries():
            score = max(matcher.match(title), matcher.match(explanation) * 0.5)
            if score > 0:
                yield Hit(score, matcher.highlight(escape(title)), act, help=escape(explanation))
