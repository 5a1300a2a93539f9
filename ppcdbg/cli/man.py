"""Print the manual page, for man(1): ppcdbg man | man -l -

It is made of what `--help` of every command says, so it is this version's.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module


def configure(parser: argparse.ArgumentParser) -> None:
    """``man`` has no options."""


def run(options: argparse.Namespace) -> int:
    """The page in roff."""
    print("\n".join(page()))
    return 0


def page() -> Iterator[str]:
    """The page, line by line."""
    from ppcdbg import __version__
    from ppcdbg.cli.main import COMMANDS, Parser
    from ppcdbg.cli.status import Status

    yield f'.TH PPCDBG 1 "" "ppcdbg {__version__}" "User Commands"'
    yield from (".SH NAME", r"ppcdbg \- debugger and exit tracer for KVM guests on Book E PowerPC")
    yield from (".SH SYNOPSIS", ".B ppcdbg", "[GUEST] [OPTION]...", ".br", ".B ppcdbg", "COMMAND [ARGUMENT]...")
    yield ".SH COMMANDS"
    for name, (module_name, about) in COMMANDS.items():
        module = import_module(module_name)
        parser = Parser(f"ppcdbg {name}", None)
        module.configure(parser)
        yield from (f".SS ppcdbg {_text(name)}", _text(about[:1].upper() + about[1:]) + ".")
        yield from (".PP", ".nf", *map(_text, (module.__doc__ or "").strip().splitlines()), ".fi")
        for action in parser._actions:
            if action.help and action.help is not argparse.SUPPRESS and action.dest != "help":
                yield from (".TP", f".B {_text(_form(action))}", _text(action.help))
    yield ".SH EXIT STATUS"
    for status in Status:
        yield from (".TP", f".B {status.value}", _text(status.about))
    yield ".SH ENVIRONMENT"
    for name, about in ENVIRONMENT.items():
        yield from (".TP", f".B {name}", _text(about))


ENVIRONMENT = {
    "PPCDBG_THEME, PPCDBG_ENGINE, PPCDBG_ASCII, PPCDBG_EDITING": "settings, before those of files",
    "PPCDBG_GUESTS, PPCDBG_SESSIONS, PPCDBG_THEMES": "folders in which names of such files are looked for first",
    "NO_COLOR, COLUMNS, PAGER": "as everywhere",
}


def _form(action: argparse.Action) -> str:
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper())
    if not action.option_strings:
        return str(value)
    return ", ".join(action.option_strings) + ("" if action.nargs == 0 else f" {value}")


def _text(text: str) -> str:
    """Text in roff: no line of it is a request."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return r"\&" + escaped if escaped[:1] in (".", "'") else escaped
