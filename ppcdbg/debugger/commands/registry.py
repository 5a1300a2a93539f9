"""The command registry: names, gdb's abbreviations, help, completion, and carrying out a line.

A command is a frozen ``Command`` whose ``run`` gets the debugger and its arguments as text and gives a frozen value; it
never prints. Families are one file each and do not know each other.
"""

from __future__ import annotations

import difflib
from functools import cache
from typing import TYPE_CHECKING

from ppcdbg.debugger import topics
from ppcdbg.debugger.commands import (
    branches,
    breaks,
    changes,
    data,
    display,
    exits,
    frames,
    guest_debug,
    host,
    info,
    lessons,
    misc,
    nested,
    paravirt,
    races,
    record,
    running,
    scripts,
    searches,
    travel,
    userspace,
    world_switch,
)
from ppcdbg.debugger.commands.command import Command, Completion, Result
from ppcdbg.debugger.results import Help, HelpEntry, Shown, Summary, Table
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


def execute(debugger: Debugger, line: str) -> Result:
    """Carry out one line. Raises UsageError (one sentence, with the nearest command) when it is not understood."""
    return debugger.script.execute(line)


def help_for(debugger: Debugger, argument: str) -> Help:
    """Help on one command, on a family, or on all; those that the user defined come last."""
    registry = commands()
    text = argument.strip()
    own = debugger.script.defined
    if text in own:
        return Help((own[text].help(),))
    if not text:
        return Help((*(_entry(c) for c in registry.all), *(d.help() for d in own.values())))
    family = tuple(_entry(c) for c in registry.all if c.family == text)
    return Help(family or (_entry(registry.find(text)[0]),))


def apropos(debugger: Debugger, argument: str) -> Help:
    """Commands whose name, help or example has a word."""
    word = argument.strip().lower()
    if not word:
        raise UsageError("apropos needs a word, for example: apropos interrupt")
    texts = [(c, " ".join((c.name, *c.aliases, c.usage, c.summary, c.example, c.family))) for c in commands().all]
    return Help(tuple(_entry(c) for c, text in texts if word in text.lower()))


def info_words() -> Help:
    """What can follow ``info``."""
    return Help(tuple(_entry(c) for c in commands().all if any(n.startswith("info ") for n in (c.name, *c.aliases))))


def _entry(command: Command) -> HelpEntry:
    c = command
    return HelpEntry(c.name, c.aliases, c.usage, c.summary, c.example, c.family)


def pane(debugger: Debugger, argument: str) -> Table | Shown:
    """One topic by its sentence and its table, or which there are."""
    if not argument.strip():
        return Table("panes", ("key", "pane", "shows"), tuple((t.key, t.name, t.about) for t in topics.TOPICS))
    topic = topics.topic_of(argument.strip())
    return Shown(topic.name, (Summary(topic.name), execute(debugger, topic.command)))


def _help_words(debugger: Debugger, argument: str) -> list[str]:
    return [c.name for c in commands().all]


# These are about the registry itself, so they live with it.
OWN: tuple[Command, ...] = (
    Command(
        "help",
        help_for,
        "help [COMMAND | FAMILY]",
        "What commands there are, or how one is used.",
        "help break",
        "other",
        ("h", "?"),
        _help_words,
    ),
    Command(
        "apropos",
        apropos,
        "apropos WORD",
        "The commands that have to do with a word.",
        "apropos interrupt",
        "other",
    ),
    Command(
        "info",
        lambda debugger, argument: info_words(),
        "info [WORD]",
        "What can be asked after 'info'.",
        "info",
        "info",
    ),
    Command(
        "pane",
        pane,
        "pane [NAME | KEY]",
        "What a pane of the UI shows, in a sentence and as a table; in the UI, the pane itself.",
        "pane irqprio",
        "info",
        (),
        lambda debugger, argument: [*topics.names()],
    ),
    Command(
        "monitor",
        lambda debugger, argument: execute(debugger, argument),
        "monitor COMMAND",
        "Carry out a command, as gdb's monitor does.",
        "monitor info irqprio",
        "other",
        ("mon",),
        _help_words,
    ),
)


def complete(debugger: Debugger, text: str) -> Completion:
    """What could follow: command names first, then what the command's arguments can be."""
    registry = commands()
    word = text.lstrip()
    lead = len(text) - len(word)
    if " " not in word:
        own = sorted(n for n in debugger.script.defined if n.startswith(word))
        return Completion(lead, (*registry.names_starting(word), *own))
    first, _, rest = word.partition(" ")
    two = f"{registry.canonical_prefix(first)} {rest.lstrip()}"
    if registry.is_prefix(registry.canonical_prefix(first)) and " " not in rest.lstrip():
        start = len(text) - len(rest.lstrip())
        names = registry.names_starting(two)
        return Completion(start, tuple(dict.fromkeys(n.split(" ", 1)[1] for n in names if " " in n)))
    try:
        command, argument = find(text)
    except UsageError:
        return Completion(len(text), ())
    if command.complete is None:
        return Completion(len(text), ())
    last = _last_word(argument)
    words = tuple(w for w in command.complete(debugger, argument) if w.startswith(last))
    return Completion(len(text) - len(last), words[:200])


def _last_word(text: str) -> str:
    at = len(text)
    while at and (text[at - 1].isalnum() or text[at - 1] in "_$.-"):
        at -= 1
    return text[at:]


def find(line: str) -> tuple[Command, str]:
    """The command that a line names, by name, alias or unambiguous prefix, and the rest of the line."""
    return commands().find(line)


class Registry:
    """All commands by name. Made once from the families; holds no state of any debugger."""

    def __init__(self, all_commands: tuple[Command, ...]) -> None:
        self.all = all_commands
        self._by_name: dict[str, Command] = {}
        for command in all_commands:
            for name in (command.name, *command.aliases):
                clash = self._by_name.setdefault(name, command)
                assert clash is command, f"{name} names two commands"
        self._names = sorted(self._by_name)
        self._prefixes = {n.split(" ", 1)[0] for n in self._names if " " in n}

    def named(self, name: str) -> Command | None:
        """The command with exactly this name or alias."""
        return self._by_name.get(name)

    def is_prefix(self, word: str) -> bool:
        """Whether a word starts two-word commands (info, set)."""
        return word in self._prefixes

    def canonical_prefix(self, word: str) -> str:
        """``i`` and ``inf`` are ``info``, unless they name a command of their own."""
        if word in self._prefixes or word in self._by_name:
            return word
        found = [p for p in sorted(self._prefixes) if p.startswith(word)]
        others = [n for n in self._names if n.startswith(word) and " " not in n]
        if len(found) == 1 and (word == "i" or not others):
            return found[0]
        return word

    def names_starting(self, text: str) -> tuple[str, ...]:
        return tuple(n for n in self._names if n.startswith(text))

    def find(self, line: str) -> tuple[Command, str]:
        words = line.strip()
        if not words:
            raise UsageError("there is no command on this line; 'help' lists them")
        first, rest = _split(words)
        first = self.canonical_prefix(first)
        if first in self._prefixes and rest:
            second, tail = _split(rest)
            two = self._unique(f"{first} {second}", two=True)
            if two is not None:
                return two, tail
            own = self._by_name.get(first)
            if own is None or own.name == first:
                raise self._unknown(f"{first} {second}")
        one = self._unique(first, two=False)
        if one is None:
            raise self._unknown(first)
        return one, rest

    def _unique(self, name: str, two: bool) -> Command | None:
        """By exact name, else by a prefix that fits one command only. Raises UsageError when it fits several."""
        exact = self._by_name.get(name)
        if exact is not None:
            return exact
        fitting = [n for n in self._names if n.startswith(name) and (" " in n) is two]
        found = {self._by_name[n].name: self._by_name[n] for n in fitting}
        if len(found) > 1:
            raise UsageError(f"{name!r} is ambiguous: {', '.join(sorted(found))}")
        return next(iter(found.values()), None)

    def _unknown(self, name: str) -> UsageError:
        first = name.split(" ", 1)[0]
        own = [n for n in self._names if n.startswith(first + " ")] if " " in name else []
        near = difflib.get_close_matches(name, own, 1, 0.7) or difflib.get_close_matches(name, self._names, 1, 0.6)
        hint = f"; did you mean {near[0]!r}?" if near else "; 'help' lists what there is"
        return UsageError(f"there is no command {name!r}{hint}")


def _split(text: str) -> tuple[str, str]:
    """The first word and the rest. ``x/8i`` and ``p/x`` split before the slash, ``whatif;`` before what follows."""
    for i, letter in enumerate(text):
        if letter.isspace() or letter in "/*(;" and i:
            return text[:i], text[i:].strip()
    return text, ""


@cache
def commands() -> Registry:
    """Every command there is."""
    families = (
        running,
        breaks,
        changes,
        data,
        display,
        exits,
        info,
        frames,
        paravirt,
        guest_debug,
        host,
        userspace,
        world_switch,
        races,
        scripts,
        travel,
        searches,
        branches,
        record,
        lessons,
        nested,
        misc,
    )
    return Registry((*(command for family in families for command in family.COMMANDS), *OWN))
