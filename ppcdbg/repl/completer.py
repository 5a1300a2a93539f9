"""What Tab offers: the registry's words and the guest's names, each with a few words of help beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from ppcdbg.debugger.commands import registry
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.events import ABOUT
from ppcdbg.debugger.fields import FIELDS, SYNONYMS
from ppcdbg.debugger.scope import OWN_VARIABLES
from ppcdbg.errors import PpcdbgError
from ppcdbg.views.numbers import ea


class GuestCompleter(Completer):
    """Asks the debugger; a command that is not understood offers nothing."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Candidates for the line that the cursor is in."""
        line = document.current_line_before_cursor
        try:
            found = self.debugger.complete(line)
            about = Helper(self.debugger, line[: found.start])
            words = _unlike(found.words) if not line[: found.start].strip() else found.words
            for word in words:
                after = " " if len(words) == 1 and not word.endswith("/") else ""
                yield Completion(word + after, found.start - len(line), display=word, display_meta=about(word))
        except PpcdbgError:
            return


def _unlike(words: Sequence[str]) -> list[str]:
    """Names of commands without those aliases whose own command is offered too."""
    named = registry.commands().named
    return [w for w in words if (command := named(w)) is None or command.name == w or command.name not in words]


class Helper:
    """The words of help beside a candidate; ``before`` is what stands to its left."""

    def __init__(self, debugger: Debugger, before: str) -> None:
        self.debugger = debugger
        self.lead = before.strip()
        self.first = not self.lead
        self.conditional = " if " in before or self.lead.startswith("exits")

    def __call__(self, word: str) -> str:
        """At most one short sentence; empty where there is nothing to say."""
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
