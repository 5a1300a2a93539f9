"""Commands about other futures: what if, and branches with names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ppcdbg.debugger.arguments import count_of
from ppcdbg.debugger.branches import BranchList
from ppcdbg.debugger.commands.command import Block, Command
from ppcdbg.debugger.futures import Comparison
from ppcdbg.debugger.results import Note
from ppcdbg.debugger.stops import StopReport
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
WORDS = ("switch", "compare", "delete", "list")
_PART = re.compile(r"(?:^|\s)(at|for|until)\s+")


def whatif(debugger: Debugger, argument: str) -> Comparison:
    """``whatif [at PLACE] [for N] [until EVENT]; EDIT; EDIT``"""
    head, *edits = argument.split(";")
    return _what_if(debugger, head, [line.strip() for line in edits if line.strip()])


def whatif_block(debugger: Debugger, argument: str, block: Block) -> Comparison:
    return _what_if(debugger, argument, [line.strip() for line in block.lines if line.strip()])


def _what_if(debugger: Debugger, head: str, edits: list[str]) -> Comparison:
    parts = _parts(head, "at", "for", "until")
    if not edits:
        raise UsageError("whatif needs what is to be other, for example: whatif at exit:42; set $r3 = 0")
    instructions = count_of(debugger, parts["for"]) if "for" in parts else 0
    return debugger.what_if(*edits, at=parts.get("at", ""), instructions=instructions, until=parts.get("until", ""))


def _parts(text: str, *words: str) -> dict[str, str]:
    """What follows each of some words."""
    pieces = _PART.split(text.strip())
    if pieces[0].strip() or not {*pieces[1::2]} <= {*words} or len({*pieces[1::2]}) != len(pieces[1::2]):
        forms = {"at": "[at PLACE]", "for": "[for INSTRUCTIONS]", "until": "[until EVENT]"}
        raise UsageError(f"{text.strip()!r} cannot be understood; it is {' '.join(forms[w] for w in words)}")
    return {word: value.strip() for word, value in zip(pieces[1::2], pieces[2::2], strict=True)}


def branch(debugger: Debugger, argument: str) -> BranchList | Note | StopReport | Comparison:
    """Without a name, the list."""
    first, _, rest = argument.strip().partition(" ")
    rest = rest.strip()
    match first:
        case "" | "list":
            return debugger.branches.rows()
        case "switch":
            return debugger.branches.switch(rest)
        case "delete":
            debugger.branches.delete(rest)
            return Note(f"branch {rest} is forgotten{debugger.branches.keep()}")
        case "compare":
            return _compare(debugger, rest)
    if rest or not NAME.fullmatch(first):
        raise UsageError(f"a branch's name is a word such as without_timer, and not {argument.strip()!r}")
    made = debugger.branch(first)
    return Note(
        f"branch {first} begins at position {made.position:,}; what is done to the guest from now on is its own, "
        f"`branch switch {made.parent}` goes back{debugger.branches.keep()}"
    )


def _compare(debugger: Debugger, text: str) -> Comparison:
    found = _PART.search(text)
    names, rest = (text[: found.start()], text[found.start() :]) if found else (text, "")
    given, parts = names.split(), _parts(rest, "for", "until")
    if not 1 <= len(given) <= 2:
        raise UsageError("branch compare needs one name or two, for example: branch compare main whatif-1")
    first, second = given if len(given) == 2 else (debugger.branches.current, given[0])
    instructions = count_of(debugger, parts["for"]) if "for" in parts else 0
    return debugger.branches.compare(first, second, instructions, parts.get("until", ""))


def branches(debugger: Debugger, argument: str) -> BranchList:
    return debugger.branches.rows()


def _names(debugger: Debugger, argument: str) -> list[str]:
    return [*WORDS, *debugger.branches.names]


COMMANDS: tuple[Command, ...] = (
    Command(
        "whatif",
        whatif,
        "whatif [at PLACE] [for N] [until EVENT], commands, end | whatif ...; COMMAND; COMMAND",
        "Run this future and the one in which something is other (set, inject, withhold, send), and show where they "
        "part and what differs in the end. The guest stays where it is; the other future is a branch to switch to.",
        "whatif at exit:42; withhold DECREMENTER",
        "time",
        ("what-if",),
        lambda debugger, argument: ["at", "for", "until", "set", "inject", "withhold", "send"],
        block=whatif_block,
        inline=True,
    ),
    Command(
        "branch",
        branch,
        "branch [NAME | switch NAME | compare NAME [NAME] [for N] [until EVENT] | delete NAME]",
        "Begin another future here, go to one, or compare two; without a name, list them.",
        "branch without_timer",
        "time",
        (),
        _names,
    ),
    Command(
        "branches",
        branches,
        "branches",
        "The futures that there are, and what was done in each.",
        "branches",
        "time",
        ("info branches",),
    ),
)
