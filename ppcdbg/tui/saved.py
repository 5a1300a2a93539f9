"""A layout between sessions: one small TOML file in the user's configuration folder, ``layout.toml``."""

from __future__ import annotations

import tomllib
from pathlib import Path

from ppcdbg.errors import InputError
from ppcdbg.tui.layout import DESKTOPS, PANES, Choice


def write_choice(path: Path, choice: Choice) -> None:
    """Keep a choice. Raises OSError."""
    sizes = "".join(f"{name} = [{x}, {y}]\n" for name, x, y in choice.sizes if x or y)
    panes = ", ".join(f'"{name}"' for name in choice.recent)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'layout = "{choice.desktop}"\npanes = [{panes}]\n\n[sizes]\n{sizes}', encoding="utf-8")


def read_choice(path: Path, usual: str = "exits") -> Choice:
    """The choice that was kept, or without a file the layout that is usual. Raises InputError, which names file and
    key."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Choice(usual)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file: {error}") from None
    desktop, panes, sizes = data.get("layout", "exits"), data.get("panes", []), data.get("sizes", {})
    if desktop not in DESKTOPS:
        raise InputError(f"{path}: no layout is named {desktop!r}; there are: {', '.join(DESKTOPS)}")
    for name in [*panes, *sizes]:
        if name not in PANES:
            raise InputError(f"{path}: no pane is named {name!r}; there are: {', '.join(PANES)}")
    try:
        kept = tuple((str(name), int(x), int(y)) for name, (x, y) in sizes.items())
    except (TypeError, ValueError):
        raise InputError(f"{path}: a size is two whole numbers, wider and higher: exits = [4, 2]") from None
    return Choice(desktop, tuple(panes), "", kept)
