"""Layouts between sessions, small TOML files in the user's configuration folder: ``layout.toml``, which the UI opens
with, and ``layouts/NAME.toml`` for each that has a name."""

from __future__ import annotations

import re
from pathlib import Path

from ppcdbg.config import parse_toml
from ppcdbg.errors import InputError, UsageError
from ppcdbg.session.files import write_whole
from ppcdbg.tui.layout import DESKTOPS, PANES, Choice

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def write_choice(path: Path, choice: Choice) -> None:
    """Keep a choice. Raises OSError."""
    sizes = "".join(f"{name} = [{x}, {y}]\n" for name, x, y in choice.sizes if x or y)
    panes = ", ".join(f'"{name}"' for name in choice.recent)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, f'layout = "{choice.desktop}"\npanes = [{panes}]\n\n[sizes]\n{sizes}')


def read_choice(path: Path, usual: str = "exits") -> Choice:
    """The choice that was kept, or without a file the layout that is usual. Raises InputError, which names file and
    key."""
    try:
        data = parse_toml(path.read_bytes(), str(path))
    except FileNotFoundError:
        return Choice(usual)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    desktop, panes, sizes = data.get("layout", "exits"), data.get("panes", []), data.get("sizes", {})
    if not isinstance(desktop, str) or desktop not in DESKTOPS:
        raise InputError(f"{path}: no layout is named {desktop!r}; there are: {', '.join(DESKTOPS)}")
    if not isinstance(panes, list) or not isinstance(sizes, dict):
        raise InputError(f"{path}: panes is a list of names and sizes a table, as F4 writes them")
    for name in [*panes, *sizes]:
        if not isinstance(name, str) or name not in PANES:
            raise InputError(f"{path}: no pane is named {name!r}; there are: {', '.join(PANES)}")
    try:
        kept = tuple((str(name), int(x), int(y)) for name, (x, y) in sizes.items())
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{path}: a size is two whole numbers, wider and higher: exits = [4, 2]") from None
    return Choice(desktop, tuple(panes), "", kept)


class Layouts:
    """Every layout by its name: those that ship, then the user's own. ``file`` is what ``F4`` writes; None keeps
    nothing. What is wrong with a file is said in ``skipped``."""

    def __init__(self, file: Path | None, usual: str, skipped: list[str]) -> None:
        self.file = file
        self.first = Choice(usual)
        self.named: dict[str, Choice] = {name: Choice(name) for name in DESKTOPS}
        if file is None:
            return
        try:
            self.first = read_choice(file, usual)
        except InputError as error:
            skipped.append(str(error))
        for path in sorted(self.folder.glob("*.toml")):
            if path.stem in DESKTOPS or not _NAME.fullmatch(path.stem):
                skipped.append(f"{path}: {path.stem!r} cannot be the name of a layout of one's own")
                continue
            try:
                self.named[path.stem] = read_choice(path)
            except InputError as error:
                skipped.append(str(error))

    @property
    def folder(self) -> Path:
        """Where the named ones are."""
        assert self.file is not None
        return self.file.with_name("layouts")

    def keep(self, choice: Choice) -> Path | None:
        """Open with this one from now on; the file, None where nothing is kept. Raises OSError."""
        if self.file is not None:
            write_choice(self.file, choice)
        return self.file

    def save(self, name: str, choice: Choice) -> Path | None:
        """Keep a layout under a name. Raises UsageError for a name that it cannot have, and OSError."""
        if name in DESKTOPS:
            raise UsageError(f"{name} is a layout that ships; take another name")
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} cannot name a layout; a name is of small letters, digits, - and _")
        self.named[name] = choice
        if self.file is None:
            return None
        write_choice(self.folder / f"{name}.toml", choice)
        return self.folder / f"{name}.toml"

    def delete(self, name: str) -> None:
        """Forget a layout of the user's. Raises UsageError, and OSError."""
        if name in DESKTOPS or name not in self.named:
            own = ", ".join(one for one in self.named if one not in DESKTOPS) or "none"
            raise UsageError(f"there is no layout {name!r} of your own; there are: {own}")
        del self.named[name]
        if self.file is not None:
            (self.folder / f"{name}.toml").unlink(missing_ok=True)

    def get(self, name: str) -> Choice:
        """A layout by its name. Raises UsageError."""
        if name not in self.named:
            raise UsageError(f"there is no layout {name!r}; there are: {', '.join(self.named)}")
        return self.named[name]

    def about(self, name: str) -> str:
        """What it is for."""
        return DESKTOPS[name].about if name in DESKTOPS else f"your own, made from {self.named[name].desktop}"
