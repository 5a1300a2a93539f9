"""The manual of the command language, made of the registry: what is typed, said and documented is one table.

Nothing here names a command. Text for a terminal, Markdown for a page, rows for JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from ppcdbg.debugger.commands import registry
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.events import ABOUT, EventKind
from ppcdbg.debugger.fields import FIELDS
from ppcdbg.debugger.scope import OWN_VARIABLES

INTRODUCTION = (
    "These commands are the same in the UI, at the prompt, in scripts, in gdb (monitor COMMAND) and from Python "
    "(Debugger.execute). A name may be shortened as long as it is clear; gdb's own short names always are. Numbers are "
    "decimal, or hexadecimal with 0x; $name is a register or a variable, a bare word a symbol of the guest.",
    "break, trace, run-until and wait-for take a place or one of the events below, and a condition after if. In a "
    "condition on exits the fields below are those of the exit; elsewhere a register's name means the register.",
)


def rows() -> list[dict[str, str | int | bool | None]]:
    """One row a command, in the order of the registry."""
    return [
        {
            "family": c.family,
            "name": c.name,
            "aliases": " ".join(a.replace(" ", "\N{NO-BREAK SPACE}") for a in c.aliases) or None,
            "usage": c.usage,
            "summary": c.summary,
            "example": c.example,
            "repeats": c.repeats,
            "block": c.block is not None,
        }
        for c in registry.commands().all
    ]


def families() -> dict[str, list[Command]]:
    """The commands by family, in the order in which the families come."""
    found: dict[str, list[Command]] = {}
    for command in registry.commands().all:
        found.setdefault(command.family, []).append(command)
    return found


def tables() -> dict[str, dict[str, str]]:
    """What commands speak of: events, fields of an exit, the debugger's variables; each word with its meaning."""
    return {
        "events": {"PLACE" if k is EventKind.ADDRESS else k.value: about for k, about in ABOUT.items()},
        "fields of an exit": {name: about for name, (_, about) in FIELDS.items()},
        "variables": {f"${name}": about for name, about in OWN_VARIABLES.items()},
    }


def text(width: int = 80) -> list[str]:
    """The manual for a terminal."""
    out = list(_paragraphs(width))
    for family, commands in families().items():
        out += [family.upper(), ""]
        for c in commands:
            also = f"   (also {', '.join(c.aliases)})" if c.aliases else ""
            out += wrap(c.usage + also, width, initial_indent="  ", subsequent_indent="    ")
            out += wrap(c.summary, width, initial_indent="      ", subsequent_indent="      ")
            out += [f"      > {line}" for line in c.example.split("\n")]
            out.append("")
    for title, table in tables().items():
        out += [title.upper(), ""]
        out += [f"  {name:<12} {about}" for name, about in table.items()]
        out.append("")
    return out[:-1]


def _paragraphs(width: int) -> Iterator[str]:
    for paragraph in INTRODUCTION:
        yield from wrap(paragraph, width)
        yield ""


def markdown() -> list[str]:
    """The manual as a page."""
    out = ["# The commands of ppcdbg", ""]
    for paragraph in INTRODUCTION:
        out += [*wrap(paragraph, 120), ""]
    for family, commands in families().items():
        out += [f"## {family.capitalize()}", ""]
        for c in commands:
            out += [f"### `{c.name}`", "", "    " + c.usage, "", c.summary.replace("<", "&lt;")]
            out += [f"Also: {', '.join(f'`{a}`' for a in c.aliases)}."] if c.aliases else []
            out += ["An empty line repeats it."] if c.repeats else []
            out += ["", "Example:", "", *("    " + line for line in c.example.split("\n")), ""]
    for title, table in tables().items():
        out += [f"## {title.capitalize()}", "", "| word | means |", "|---|---|"]
        out += [f"| `{name}` | {_cell(about)} |" for name, about in table.items()]
        out.append("")
    return out[:-1]


def markdown_table(rows: list[dict[str, str | int | bool | None]]) -> list[str]:
    """Any reference table as a page's."""
    names = list(rows[0])
    cells = [[_cell("" if row[n] is None else str(row[n])) for n in names] for row in rows]
    return ["| " + " | ".join(line) + " |" for line in (names, ["---"] * len(names), *cells)]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", "; ")
