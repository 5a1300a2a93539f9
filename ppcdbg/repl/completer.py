"""What Tab offers at the prompt: the candidates of :mod:`ppcdbg.views.completion`, as the toolkit wants them."""

from __future__ import annotations

from collections.abc import Iterable

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.views.completion import after, candidates


class GuestCompleter(Completer):
    """Asks the debugger; a command that is not understood offers nothing."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Candidates for the line that the cursor is in."""
        line = document.current_line_before_cursor
        found = candidates(self.debugger, line)
        for one in found.words:
            behind = after(one.word) if len(found.words) == 1 else ""
            yield Completion(one.word + behind, found.start - len(line), display=one.word, display_meta=one.about)
