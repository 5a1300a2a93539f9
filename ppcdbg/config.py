"""Floor 1: settings, each with where it came from. A setting is how ppcdbg behaves, never what a machine is.

Precedence: option, environment (``PPCDBG_NAME``), project (``.ppcdbg.toml`` or ``[tool.ppcdbg]`` of pyproject.toml),
user (``config.toml`` in the user's configuration directory), default. No file here can make ppcdbg run anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppcdbg.errors import InputError, PpcdbgError, UsageError
from ppcdbg.paths import user_config

Value = str | bool
LARGEST, DOTS = 1 << 20, 256
"""Bytes of a TOML file, and dots in a line of it."""


@dataclass(frozen=True)
class Setting:
    """One setting: its type is its default's; ``choices`` empty means any value of the type."""

    name: str
    default: Value
    about: str
    choices: tuple[str, ...] = ()


SETTINGS: tuple[Setting, ...] = (
    Setting("theme", "", "the theme's name; empty chooses by the terminal's background"),
    Setting("engine", "auto", "the engine where no machine says otherwise", ("auto", "reference", "llvm")),
    Setting("ascii", False, "draw with ASCII only"),
    Setting("plain", False, "plain text in place of the UI, one line after the other, for screen readers"),
    Setting("editing", "emacs", "the keys of the prompt", ("emacs", "vi")),
)


@dataclass(frozen=True)
class Settings:
    """The values in force. ``origins`` says in words where each came from."""

    values: Mapping[str, Value]
    origins: Mapping[str, str]

    def __getitem__(self, name: str) -> Value:
        return self.values[name]

    def text(self, name: str) -> str:
        """A setting that is text."""
        return str(self.values[name])


def load_settings(environment: Mapping[str, str], directory: Path, options: Mapping[str, object]) -> Settings:
    """The settings for a process started in ``directory``; options that are None are unset.

    Raises UsageError for a bad option or variable, InputError for a bad file.
    """
    values: dict[str, Value] = {s.name: s.default for s in SETTINGS}
    origins = {s.name: "default" for s in SETTINGS}
    layers = [_file(user_config(environment) / "config.toml"), _project(directory)]
    for layer, where in layers:
        for name, raw in layer.items():
            key = _known(name, where)
            values[key], origins[key] = _checked(key, raw, f"{name!r} in {where}", InputError), where
    for setting in SETTINGS:
        variable = f"PPCDBG_{setting.name.upper()}"
        if environment.get(variable):
            parsed = _parsed(environment[variable], setting.default)
            values[setting.name] = _checked(setting.name, parsed, f"${variable}", UsageError)
            origins[setting.name] = f"${variable}"
        if options.get(setting.name) is not None:
            where = f"--{setting.name}"
            values[setting.name] = _checked(setting.name, options[setting.name], f"option {where}", UsageError)
            origins[setting.name] = where
    return Settings(values, origins)


def _project(directory: Path) -> tuple[Mapping[str, object], str]:
    layer, where = _file(directory / ".ppcdbg.toml")
    if layer:
        return layer, where
    whole, where = _file(directory / "pyproject.toml", holding=b"ppcdbg")
    tool = whole.get("tool")
    part = tool.get("ppcdbg", {}) if isinstance(tool, dict) else {}
    return (part if isinstance(part, dict) else {}), f"[tool.ppcdbg] of {where}"


def _file(path: Path, holding: bytes = b"") -> tuple[Mapping[str, object], str]:
    """A settings file as a table; one that does not exist, or cannot hold the key ``holding``, is an empty one."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}, str(path)
    except OSError as error:
        raise InputError(f"cannot read settings {path}: {error.strerror or error}") from None
    if holding not in data and b"\\" not in data:  # a key may be spelt with escapes
        return {}, str(path)
    return parse_toml(data, f"the settings file {path}"), str(path)


def parse_toml(data: bytes, what: str) -> dict[str, Any]:
    """A table from TOML; ``what`` begins the sentence of an InputError."""
    import tomllib  # only who has a file pays for reading it

    if len(data) > LARGEST:
        raise InputError(f"{what} has {len(data)} bytes; at most {LARGEST} are read")
    for number, line in enumerate(data.splitlines(), 1):
        if line.count(b".") > DOTS:  # the library's time goes with their square
            raise InputError(f"{what} has {line.count(b'.')} dots in line {number}; at most {DOTS} are read")
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, a number without end; or brackets without end
        raise InputError(f"{what} is not valid TOML: {error}") from None


def _known(name: str, where: str) -> str:
    names = [setting.name for setting in SETTINGS]
    if name in names:
        return name
    import difflib

    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"the settings are {', '.join(names)}"
    raise InputError(f"setting {name!r} in {where} is unknown; {hint}")


def _parsed(text: str, default: Value) -> object:
    """The text of a variable in the type of the setting; text that does not fit stays text and is refused later."""
    if isinstance(default, bool):
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(text.lower(), text)
    return text


def _checked(name: str, value: object, where: str, error: type[PpcdbgError]) -> Value:
    setting = next(s for s in SETTINGS if s.name == name)
    if not isinstance(value, str | bool) or type(value) is not type(setting.default):
        kind = "true or false" if isinstance(setting.default, bool) else "text"
        raise error(f"{where} is {value!r}; it must be {kind}")
    if setting.choices and value not in setting.choices:
        raise error(f"{where} is {value!r}; it must be {' or '.join(setting.choices)}")
    assert isinstance(value, str | int)
    return value
