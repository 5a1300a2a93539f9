"""Floor 1: where files are. The only room that knows the search order and the platform's directories.

Order: the user's directory, the environment, the checkout, the copy in the installed package. Nothing is created and
nothing is opened here; a directory that does not exist is left out of a search.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from ppcdbg.errors import InputError

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent
CHECKOUT_MARK = "pyproject.toml"


def named(name: str | Path) -> Path:
    """The file that somebody names; ``~`` is home, and of a user who is not there a name like any other, as in a shell.
    Raises InputError for a name that no file can have."""
    path = Path(name)
    if "\0" in str(path):
        raise InputError(f"no file is called {str(path)!r}: a name has no zero byte in it")
    try:
        return path.expanduser()
    except RuntimeError:
        return path


class Kind(Enum):
    """What ships with ppcdbg and can be added to by users: (folder, environment variable)."""

    THEMES = ("themes", "PPCDBG_THEMES")
    SESSIONS = ("sessions", "PPCDBG_SESSIONS")
    GUESTS = ("guests", "PPCDBG_GUESTS")


def folders(kind: Kind, environment: Mapping[str, str]) -> tuple[Path, ...]:
    """The existing folders of a kind, the one that wins first. The variable may name several, as PATH does."""
    name, variable = kind.value
    own = [user_config(environment)] if kind is Kind.THEMES else []
    candidates = [folder / name for folder in (*own, user_data(environment))]
    candidates += [named(part) for part in environment.get(variable, "").split(os.pathsep) if part]
    if kind is not Kind.GUESTS and (CHECKOUT / CHECKOUT_MARK).is_file():
        candidates.append(CHECKOUT / name)
    candidates.append(PACKAGE / f"_{name}")
    unique = dict.fromkeys(candidates)
    return tuple(folder for folder in unique if folder.is_dir())


def find(kind: Kind, name: str, environment: Mapping[str, str]) -> Path | None:
    """The file of that name in the first folder that has it. A name with a path in it is nobody's."""
    if not name or Path(name).name != name:
        return None
    for folder in folders(kind, environment):
        if (folder / name).is_file():
            return folder / name
    return None


def ships(path: Path) -> bool:
    """Whether a file is one of the recordings that ship: those of the checkout, or of the installed package."""
    own = [PACKAGE / "_sessions", *([CHECKOUT / "sessions"] if (CHECKOUT / CHECKOUT_MARK).is_file() else [])]
    return path.resolve().parent in own


def listing(kind: Kind, environment: Mapping[str, str], pattern: str = "*") -> dict[str, Path]:
    """All files of a kind by name; where two folders have the same name, the winner's."""
    found: dict[str, Path] = {}
    for folder in reversed(folders(kind, environment)):
        found.update((path.name, path) for path in sorted(folder.glob(pattern)) if path.is_file())
    return dict(sorted(found.items()))


def user_config(environment: Mapping[str, str]) -> Path:
    """The user's settings: ``$XDG_CONFIG_HOME/ppcdbg`` or what the platform has instead."""
    return _user("XDG_CONFIG_HOME", ".config", "user_config_dir", environment)


def user_data(environment: Mapping[str, str]) -> Path:
    """The user's own themes, sessions, guests and recordings."""
    return _user("XDG_DATA_HOME", ".local/share", "user_data_dir", environment)


def user_state(environment: Mapping[str, str]) -> Path:
    """Command history and crash reports."""
    return _user("XDG_STATE_HOME", ".local/state", "user_state_dir", environment)


def user_cache(environment: Mapping[str, str]) -> Path:
    """What can be thrown away: compiled engines."""
    return _user("XDG_CACHE_HOME", ".cache", "user_cache_dir", environment)


def _user(variable: str, at_home: str, directory: str, environment: Mapping[str, str]) -> Path:
    # XDG: a relative path in such a variable is to be ignored.
    if Path(environment.get(variable, "")).is_absolute():
        return Path(environment[variable]) / "ppcdbg"
    if sys.platform == "linux" and "ANDROID_DATA" not in os.environ:
        return Path.home() / at_home / "ppcdbg"  # XDG's own defaults; the library, which says the same, takes 5 ms
    import platformdirs

    path: str = getattr(platformdirs, directory)("ppcdbg", appauthor=False)
    return Path(path)
