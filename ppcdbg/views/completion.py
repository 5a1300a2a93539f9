"""What may follow on a command line: each word with a few words of help, for whichever door completes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ppcdbg.debugger.commands import registry
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.events import ABOUT
from ppcdbg.debugger.fields import FIELDS, SYNONYMS
from ppcdbg.debugger.scope import OWN_VARIABLES
from ppcdbg.errors import PpcdbgError
from ppcdbg.views.numbers import ea


@dataclass(frozen=True, slots=True)
class Candidate:
    """``about`` is at most one short sentence, empty where there is nothing to say."""

    word: str
    about: str = ""


@dataclass(frozen=True)
class Candidates:
    """``words`` may replace ``text[start:]``."""

    start: int
    words: tuple[Candidate, ...] = ()


def candidates(debugger: Debugger, text: str) -> Candidates:
    """What the end of a line may become; none where it is not understood. Raises InputError for damaged symbols."""
    try:
        found = debugger.complete(text)
        before = text[: found.start]
        words = _unlike(found.words) if not before.strip() else found.words
        about = _Helper(debugger, before)
        return Candidates(found.start, tuple(Candidate(word, about(word)) for word in words))
    except PpcdbgError:
        return Candidates(len(text))


def after(word: str) -> str:
    """What follows a word that was taken: a blank, but for a folder, behind which more is to come."""
    return "" if word.endswith("/") else " "


def _unlike(words: Sequence[str]) -> list[str]:
    """Names of commands without those aliases whose own command is offered too."""
    named = registry.commands().named
    return [w for w in words if (command := named(w)) is None or command.name == w or command.name not in words]


class _Helper:
    """The words of help beside a candidate; ``before`` is what stands to its left."""

    def __init__(self, debugger: Debugger, before: str) -> None:
        self.debugger = debugger
        self.lead = before.strip()
        self.first = not self.lead
        self.conditional = " if " in before or self.lead.startswith("exits")

    def __call__(self, word: str) -> str:
        d = self.debugger
        name = word if self.first else f"{self.lead} {word}"
        known = registry.commands().named(name) or (self.lead in ("help", "h", "monitor", "mon") and self._named(word))
        if known:
            return known.summary
        if self.first:
            own = d.script.defined.get(word)
            return own.help().summary if own else ""
        if word.removeprefix("$") in OWN_VARIABLES:
            return OWN_VARIABLES[word[1:]]
        if word.startswith("$"):
            return f"{d.evaluate(word).number:#x}"
        if self.conditional and SYNONYMS.get(word, word) in FIELDS:
            return FIELDS[SYNONYMS.get(word, word)][1]
        address = d.symbols.address(word)
        if address is not None:
            return ea(address)
        return next((about for kind, about in ABOUT.items() if kind.value == word), "")

    def _named(self, word: str) -> Command | None:
        return registry.commands().named(word)
