"""Opening the UI: on a terminal, or headless for a picture; with the user's files and what the terminal can show."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.paths import Kind, folders, user_config, user_state
from ppcdbg.tui.app import PpcdbgApp
from ppcdbg.tui.keys import read_keymap
from ppcdbg.tui.scene import Source
from ppcdbg.tui.snapshot import take
from ppcdbg.tui.source import DebuggerSource
from ppcdbg.tui.styles import TRUE_COLOUR
from ppcdbg.views.terminal import colours, default_theme, wants_ascii
from ppcdbg.views.theme import Theme, choose, load_themes

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


@dataclass(frozen=True)
class Options:
    """How the UI looks and where its files are. ``theme`` None chooses by NO_COLOR and the terminal, ``ascii_only``
    None by the locale; ``themes`` None are those of the folders of :mod:`ppcdbg.paths`. ``usual``: the theme of the
    user's settings, which is named and left out where there is none of that name."""

    theme: str | None = None
    ascii_only: bool | None = None
    themes: Mapping[str, Theme] | None = None
    history: Path | None = None
    keymap_file: Path | None = None
    layout_file: Path | None = None
    depth: int | None = None
    usual: str = ""

    @staticmethod
    def of_user(theme: str | None, ascii_only: bool | None, environment: Mapping[str, str], usual: str = "") -> Options:
        """With the user's key map, layout and history."""
        config = user_config(environment)
        return Options(
            theme, ascii_only, None, user_state(environment) / "history", config / "keymap.toml",
            config / "layout.toml", usual=usual,
        )  # fmt: skip


def make_app(source: Source, options: Options, environment: Mapping[str, str]) -> PpcdbgApp:
    """The app on a source. Raises InputError for a theme that is asked for and does not exist."""
    skipped: list[str] = []
    themes = options.themes or load_themes(folders(Kind.THEMES, environment), skipped)
    theme = choose(themes, options.theme, options.usual, default_theme(environment), skipped)
    plain = wants_ascii(environment) if options.ascii_only is None else options.ascii_only
    depth = colours(environment) if options.depth is None else options.depth
    keymap = read_keymap(options.keymap_file, skipped) if options.keymap_file else None
    return PpcdbgApp(
        source, themes, theme.name, depth=depth, ascii_only=plain, history=options.history, keymap=keymap,
        layout_file=options.layout_file, notes=skipped,
    )  # fmt: skip


def open_screen(source: Source, options: Options, environment: Mapping[str, str] | None = None) -> int:
    """Open the terminal UI on a source until the user leaves; gives the exit status.

    An internal error is raised again after the terminal was restored.
    """
    app = make_app(source, options, os.environ if environment is None else environment)
    status = app.run()
    if app.crash is not None:
        raise app.crash
    return app.return_code or 0 if status is None else status


def run_app(debugger: Debugger, *, theme: str | None = None, ascii_only: bool | None = None, usual: str = "") -> int:
    """Open the terminal UI on a debugger with the user's own files; what is wrong in them it names and leaves out."""
    options = Options.of_user(theme, ascii_only, os.environ, usual)
    if debugger.lessons.on:  # it has a layout of its own
        options = replace(options, layout_file=None)
    return open_screen(DebuggerSource(debugger), options)


def picture(
    debugger: Debugger,
    path: Path,
    size: tuple[int, int],
    keys: Sequence[str] = (),
    *,
    theme: str | None = None,
    ascii_only: bool | None = None,
    usual: str = "",
) -> None:
    """Write the UI into a file without a terminal; see :func:`ppcdbg.tui.snapshot.take`."""
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    environment["COLORTERM"] = "truecolor"
    options = Options(theme, bool(ascii_only), depth=TRUE_COLOUR, usual=usual)
    take(make_app(DebuggerSource(debugger), options, environment), path, size, keys)
