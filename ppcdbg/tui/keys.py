"""Every key of the UI, once: from here come the bindings, the key bar, the help page and what a key map may change.

No entry, no key, no help line. Names in ``id`` are what ``keymap.toml`` uses.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from textual.binding import Binding

from ppcdbg.errors import InputError


@dataclass(frozen=True)
class Key:
    """``keys`` as textual spells them, the first one shown; ``short`` stands in the key bar when not empty."""

    id: str
    keys: str
    action: str
    help: str
    group: str
    short: str = ""
    priority: bool = False


RUN, LOOK, PANES, WINDOW = "Run the guest", "Look at exits", "Panes", "Window"

KEYS: tuple[Key, ...] = (
    Key("continue", "f5", "run('continue')", "continue until something stops the guest", RUN, "go"),
    Key("next", "f10", "run('next')", "step one instruction, calls in one go", RUN, "next"),
    Key("step", "f11", "run('step')", "step one instruction", RUN, "step"),
    Key(
        "next-exit",
        "right_square_bracket",
        "neighbour(1)",
        "next exit; at the newest, run to the next one",
        RUN,
        "exit",
    ),
    Key("previous-exit", "left_square_bracket", "neighbour(-1)", "previous exit", LOOK, "exit"),
    Key("breakpoint", "f9", "breakpoint", "set or delete a breakpoint at the cursor's instruction", RUN, "break"),
    Key("interrupt", "escape", "halt", "interrupt a running guest; else close what is open", RUN),
    Key("interrupt-too", "ctrl+c", "interrupt", "interrupt a running guest (never ends it)", RUN, priority=True),
    Key("filter", "slash", "prompt('/')", "filter the exits by a condition; empty shows all", LOOK, "filter", True),
    Key("next-alike", "n", "alike(1)", "next exit of the same kind", LOOK),
    Key("previous-alike", "N", "alike(-1)", "previous exit of the same kind", LOOK),
    Key("now", "full_stop", "now", "back to now: follow the newest exit and pc", LOOK),
    Key("open", "enter", "open", "details of the selected exit", LOOK),
    Key("return", "backspace", "return", "back to the pane before", LOOK),
    Key("command", "colon", "prompt(':')", "command line, with gdb's names; Tab completes", WINDOW, "command", True),
    Key("focus-next", "tab", "app.focus_next", "next pane", PANES, "pane"),
    Key("focus-previous", "shift+tab", "app.focus_previous", "previous pane", PANES),
    *(Key(f"pane-{i}", str(i), f"pane('{i}')", "", PANES) for i in range(10)),
    Key("paravirt", "p", "pane('p')", "paravirt: magic page, critical section, patched instructions", PANES),
    Key("zoom", "z", "zoom", "give the focused pane the whole desk, and back", PANES),
    Key("copy", "y", "copy", "copy the row to the terminal's clipboard", PANES),
    Key("theme", "f2", "theme", "next theme", WINDOW),
    Key("help", "question_mark,f1", "help", "this page", WINDOW, "help"),
    Key("palette", "ctrl+p", "command_palette", "command palette: everything by name", WINDOW),
    Key("quit", "ctrl+q", "quit", "quit", WINDOW, "quit", priority=True),
)

MOVING = (
    ("↑ ↓", "move the cursor; k j too"),
    ("PgUp PgDn", "a page; Space too"),
    ("Home End", "first row; the last one, and follow it"),
    ("← →", "shift long rows"),
)

_NAMES = {
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "slash": "/",
    "colon": ":",
    "full_stop": ".",
    "question_mark": "?",
    "escape": "Esc",
    "enter": "Enter",
    "backspace": "Bksp",
    "tab": "Tab",
    "shift+tab": "S-Tab",
}


def show(keys: str) -> str:
    """A key as a user reads it: ``F5``, ``^C``, ``]``."""
    key = keys.split(",")[0]
    if key in _NAMES:
        return _NAMES[key]
    if key.startswith("ctrl+"):
        return "^" + key[5:].upper()
    return key.upper() if key[:1] == "f" and key[1:].isdigit() else key


def with_keymap(keymap: Mapping[str, str]) -> tuple[Key, ...]:
    """The keys with a user's own. Raises InputError for a name that no key has and for a key given twice."""
    known = {key.id for key in KEYS}
    for name in keymap:
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), 1)
            hint = f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(sorted(known))
            raise InputError(f"key map: no action is named {name!r}; {hint}")
    keys = tuple(Key(k.id, keymap.get(k.id, k.keys), k.action, k.help, k.group, k.short, k.priority) for k in KEYS)
    seen: dict[str, str] = {}
    for key in keys:
        for one in key.keys.split(","):
            if one in seen:
                raise InputError(
                    f"key map: {one!r} is given to both {seen[one]!r} and {key.id!r}; a key has one action"
                )
            seen[one] = key.id
    return keys


def read_keymap(path: Path) -> dict[str, str]:
    """A user's ``keymap.toml``: names of actions and keys, ``step = "s"``. Empty without a file; raises InputError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a TOML file: {error}") from None
    for name, value in data.items():
        if not isinstance(value, str):
            raise InputError(f'{path}: {name!r} must be a key as text, such as "f7" or "ctrl+n"')
    return data


def bindings(keys: tuple[Key, ...] = KEYS) -> list[Binding]:
    """The keys as textual's bindings."""
    return [
        Binding(key.keys, key.action, key.help, show=bool(key.short), priority=key.priority, id=key.id) for key in keys
    ]
