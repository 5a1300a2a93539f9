"""Every key of the UI, once: from here come the bindings, the key bar, the help page and what a key map may change.

No entry, no key, no help line. Names in ``id`` are what ``keymap.toml`` uses.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from ppcdbg.config import parse_toml
from ppcdbg.errors import InputError
from ppcdbg.tui.panes.table import KINDS


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


RUN, BACK, LOOK, PANES, WINDOW = "Run the guest", "Go back in time", "Look at exits", "Panes", "Window"
GROUPS = (RUN, BACK, LOOK, PANES, WINDOW)

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
    Key("breakpoint", "f9", "breakpoint", "set or delete a breakpoint at the cursor", RUN, "break"),
    Key("interrupt", "escape", "halt", "stop a guest that runs; else close what is open", RUN),
    Key("interrupt-too", "ctrl+c", "interrupt", "stop a guest that runs; never ends the program", RUN, priority=True),
    Key("back", "shift+f5,f17", "run('back')", "back to the last stop before this moment", BACK),
    Key("back-next", "shift+f10,f22", "run('back-next')", "back one instruction, calls in one go", BACK),
    Key("back-step", "shift+f11,f23", "run('back-step')", "back one instruction", BACK),
    Key("bookmark", "m", "prompt(':', 'bookmark ')", "name this moment", BACK),
    Key("seek", "apostrophe", "prompt(':', 'seek ')", "go to a bookmark, a position or exit:N", BACK),
    Key("filter", "slash", "search", "filter the exits by a condition; search any other pane", LOOK, "filter", True),
    Key("next-alike", "n", "alike(1)", "next exit of the same kind; next match of a search", LOOK),
    Key("previous-alike", "N", "alike(-1)", "the one before", LOOK),
    Key("now", "full_stop", "now", "back to now: every pane follows the guest", LOOK),
    Key("open", "enter", "open", "follow the row under the cursor: exit, address, entry", LOOK),
    Key("return", "backspace", "return", "back to where Enter came from", LOOK),
    Key("command", "colon", "prompt(':')", "command line, with gdb's names; Tab completes", WINDOW, "command", True),
    Key("focus-next", "tab", "app.focus_next", "next pane", PANES, "pane"),
    Key("focus-previous", "shift+tab", "app.focus_previous", "previous pane", PANES),
    *(Key(f"pane-{kind.name}", kind.key, f"pane('{kind.name}')", "", PANES) for kind in KINDS),
    Key("zoom", "z", "zoom", "give the focused pane the whole desk, and back", PANES),
    Key("view", "v", "view", "the focused pane's next view", PANES),
    Key("order", "o", "order", "sort the focused pane by its next column", PANES),
    Key("edit", "c", "edit", "change what the row shows: a word, a register, a breakpoint", PANES),
    Key("past", "d", "past", "what the row was before: TLB entry, register, memory", PANES),
    Key("delete", "delete", "delete", "delete the breakpoint under the cursor", PANES),
    Key("close", "q", "close", "close the pane: what stood there before comes back", PANES),
    Key("wider", "greater_than_sign", "grow(4, 0)", "make the focused pane wider", PANES),
    Key("narrower", "less_than_sign", "grow(-4, 0)", "make it narrower", PANES),
    Key("higher", "plus", "grow(0, 2)", "make it higher", PANES),
    Key("lower", "minus", "grow(0, -2)", "make it lower", PANES),
    Key("tell", "i", "tell", "the focused pane in one sentence", PANES),
    Key("copy", "y", "copy", "copy the row to the clipboard", PANES),
    Key("copy-all", "Y", "copy(True)", "copy all rows that are seen", PANES),
    Key("theme", "f2", "theme", "next theme", WINDOW),
    Key("layout", "f3", "layout", "next layout", WINDOW),
    Key("save-layout", "f4", "save_layout", "keep this layout for the next time", WINDOW),
    Key("picture", "f12", "picture", "write the screen into an SVG file", WINDOW),
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
    "apostrophe": "'",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "plus": "+",
    "minus": "-",
    "delete": "Del",
}


def hidden(key: str) -> bool:
    """Whether a key is another one by the name that some terminals give it: F17 is Shift-F5."""
    return key[:1] == "f" and key[1:].isdecimal() and int(key[1:]) > 12


def show(keys: str) -> str:
    """A key as a user reads it: ``F5``, ``^C``, ``]``."""
    key = keys.split(",")[0]
    if key in _NAMES:
        return _NAMES[key]
    if key.startswith("ctrl+"):
        return "^" + key[5:].upper()
    if key.startswith("shift+"):
        return "S-" + key[6:].upper()
    return key.upper() if key[:1] == "f" and key[1:].isdecimal() else key


_MODIFIERS = frozenset({"alt", "ctrl", "hyper", "meta", "shift", "super"})


def _called(name: str) -> bool:
    """Whether a key has this name: one of textual's, or a character's in Unicode."""
    if name in {key.value for key in Keys} and name.isalnum() or name in KEY_NAME_REPLACEMENTS.values():
        return True
    try:
        return bool(unicodedata.lookup(name.replace("_", " ")))
    except KeyError:
        return False


def spelled(keys: str) -> str:
    """Keys that a user wrote, ``]`` and ``F7, Ctrl+N`` too, as textual spells them. Raises InputError."""
    return ",".join(_spelled(one.strip()) for one in keys.split(","))


def _spelled(key: str) -> str:
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    modifiers = [one.lower() for one in modifiers]
    if len(last) > 1:
        last = last.lower()
    elif modifiers == ["shift"] and last.isalpha():  # what a terminal sends for it
        modifiers, last = [], last.upper()
    elif modifiers:
        last = last.lower()
    if len(last) == 1 and not last.isalnum():
        last = unicodedata.name(last, "").lower().replace("-", "_").replace(" ", "_")
        last = KEY_NAME_REPLACEMENTS.get(last, last)
    if not (len(last) == 1 or _called(last)) or not set(modifiers) <= _MODIFIERS:
        raise InputError(f'no key is called {key!r}; a key is such as "s", "]", "f7" or "ctrl+n"')
    return "+".join((*sorted(modifiers), last))


def with_keymap(keymap: Mapping[str, str]) -> tuple[Key, ...]:
    """The keys with a user's own, as :func:`read_keymap` gives them, which are taken from whatever had them before."""
    taken = {one: name for name, keys in keymap.items() for one in keys.split(",")}
    return tuple(replace(key, keys=_left(key, keymap, taken)) for key in KEYS)


def _left(key: Key, keymap: Mapping[str, str], taken: Mapping[str, str]) -> str:
    """The keys of an action: the user's, or those of its own that the user gave to no other."""
    if key.id in keymap:
        return keymap[key.id]
    return ",".join(one for one in key.keys.split(",") if one not in taken)


def read_keymap(path: Path, skipped: list[str]) -> dict[str, str]:
    """A user's ``keymap.toml``: names of actions and keys, ``step = "s"``; empty without a file.

    What is wrong in it is left out, as is all of a file that is no TOML, and said in ``skipped``.
    """
    try:
        data = parse_toml(path.read_bytes(), str(path))
    except FileNotFoundError:
        return {}
    except OSError as error:
        skipped.append(f"{path}: cannot be read: {error.strerror or error}")
        return {}
    except InputError as error:
        skipped.append(str(error))
        return {}
    return checked_keymap(data, str(path), skipped)


def checked_keymap(data: Mapping[str, object], where: str, skipped: list[str]) -> dict[str, str]:
    """What of a key map can be used: actions that exist, keys that are keys, and a key for one action only."""
    good: dict[str, str] = {}
    taken: dict[str, str] = {}
    for name, value in data.items():
        try:
            keys = _entry(name, value, taken)
        except InputError as error:
            skipped.append(f"{where}: {error}")
        else:
            good[name] = keys
            taken.update((one, name) for one in keys.split(","))
    return good


def _entry(name: str, value: object, taken: Mapping[str, str]) -> str:
    known = sorted(key.id for key in KEYS)
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else "`ppcdbg info keys` lists them"
        raise InputError(f"no action is named {name!r}; {hint}")
    if not isinstance(value, str):
        raise InputError(f'{name} must be a key as text, such as "f7" or "ctrl+n"')
    keys = spelled(value)
    for one in keys.split(","):
        if one in taken:
            raise InputError(f"{show(one)} is given to both {taken[one]!r} and {name!r}; a key has one action")
    return keys


def bindings(keys: tuple[Key, ...] = KEYS) -> list[Binding]:
    """The keys as textual's bindings."""
    return [
        Binding(key.keys, key.action, key.help, show=bool(key.short), priority=key.priority, id=key.id) for key in keys
    ]
