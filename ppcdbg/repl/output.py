"""Where the prompt and scripts write: lines of views, text of scripts, the guest's console, and a line of progress.

One place knows whether a line is open and whose it is, so that what the guest prints never runs into what the debugger
says: each line of the guest's begins with a bar. Nothing is written but through here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TextIO

from ppcdbg.repl.pager import Pager, screen_height
from ppcdbg.views import console
from ppcdbg.views.ansi import Ansi
from ppcdbg.views.glyphs import to_ascii, undrawn
from ppcdbg.views.spans import Line, Span, clean, line, to_text

BAR = "│ "
SAYS = "guest: "
"""What stands before the guest's words where nothing is drawn."""


class Output:
    """``ansi`` None writes plain text; ``errors`` is where complaints go; ``progress`` needs a terminal. ``plain``: no
    bars and rules, for who has it read out."""

    def __init__(
        self,
        stream: TextIO,
        errors: TextIO,
        ansi: Ansi | None = None,
        ascii_only: bool = False,
        width: Callable[[], int] = lambda: 100,
        terminal: bool = False,
        plain: bool = False,
    ) -> None:
        self.stream, self.errors = stream, errors
        self.ansi, self.ascii_only, self.width, self.terminal = ansi, ascii_only, width, terminal
        self.plain = plain
        self._open = ""  # whose line has begun and not ended: "text", "console" or nobody's
        self.pager: Pager | None = None
        self._progress = False

    # --- the debugger's ---------------------------------------------------------------------------------------------
    def lines(self, rows: Iterable[Line], paged: bool = False) -> None:
        """Whole lines; ``paged`` sends those that the screen has no room for through the pager."""
        shown = [self._shown(row) for row in rows]
        if shown:
            self._begin("lines")
            if paged and self.pager is not None and self.pager.show("\n".join(shown) + "\n", screen_height()):
                return
            self.stream.write("\n".join(shown) + "\n")
            self.stream.flush()

    def text(self, text: str) -> None:
        """Text as a script says it; control characters that would drive the terminal are replaced."""
        if text:
            self._begin("text")
            shown = "\n".join("\t".join(clean(cell) for cell in part.split("\t")) for part in text.split("\n"))
            self.stream.write(to_ascii(shown) if self.ascii_only else shown)
            self._open = "" if text.endswith("\n") else "text"
            self.stream.flush()

    def error(self, sentence: str) -> None:
        """One line that says what is wrong."""
        self._begin("lines")
        self.stream.flush()
        row = line((clean(" ".join(sentence.split())), "error"))
        self.errors.write(self._shown(row) + "\n")
        self.errors.flush()

    # --- the guest's ------------------------------------------------------------------------------------------------
    def console(self, text: str) -> None:
        """What the guest printed: any piece of it, in order."""
        for part in text.splitlines(keepends=True):
            whole = part.endswith("\n")
            shown = "".join(s.text for row in console.text_rows(part.rstrip("\r\n"), 1 << 20) for s in row)
            bar = self._open != "console"
            self._begin("console")
            row = line(*((SAYS if self.plain else BAR, "dim"),) * bar, (shown, "console"))
            self.stream.write(self._shown(row, whole))
            self.stream.write("\n" if whole else "")
            self._open = "" if whole else "console"
        self.stream.flush()

    # --- progress -------------------------------------------------------------------------------------------------
    def progress(self, row: Line) -> None:
        """One line that the next one takes the place of; on a terminal only."""
        if self.terminal and self._open != "console":
            self._begin("lines")
            self.stream.write("\r\x1b[K" + self._shown(row))
            self.stream.flush()
            self._progress = True

    def settle(self) -> None:
        """End what is open, so that a prompt can stand at the left."""
        self._begin("lines")
        self.stream.flush()

    def disturbed(self) -> None:
        """The terminal has echoed something in the midst of a line (Ctrl-C)."""
        if self.terminal and not self._progress:
            self._open = "echo"

    def echoed(self) -> None:
        """The user's Enter has ended the line that a prompt began."""
        self._open = ""

    def _begin(self, whose: str) -> None:
        if self._progress:
            self.stream.write("\r\x1b[K")
            self._progress = False
        if self._open and self._open != whose:
            self.stream.write("\n")
            self._open = ""

    def _shown(self, row: Line, strip: bool = True) -> str:
        if self.plain:
            row = tuple(Span(undrawn(s.text), s.role) for s in row)
        elif self.ascii_only:
            row = tuple(Span(to_ascii(s.text), s.role) for s in row)
        text = to_text([row]) if strip else "".join(s.text for s in row)
        return text if self.ansi is None else self.ansi(row) if strip else "".join(self.ansi.span(*s) for s in row)
