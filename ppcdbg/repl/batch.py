"""Scripts without a prompt: files and commands in order, text or JSON, and what it all came to.

It says how it ended as data; the command line turns that into an exit status. Errors name file and line and end the
scripts, unless they may go on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ppcdbg.debugger.commands.command import Result, Statement
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.results import Check, Note, Quit
from ppcdbg.debugger.script import Unfinished
from ppcdbg.errors import Interrupted, PpcdbgError
from ppcdbg.paths import named
from ppcdbg.repl.output import Output
from ppcdbg.repl.shell import Shell, Teller, TextTeller
from ppcdbg.views import results
from ppcdbg.views.data import plain
from ppcdbg.views.spans import Span

SCHEMA = "ppcdbg-repl"
SCHEMA_VERSION = 1
COMMANDS = "-c"
"""The name of the script that the command line's own commands make."""
TYPED = "stdin"


@dataclass(frozen=True)
class Source:
    """One script: a file, or lines that the command line gave."""

    file: Path | None = None
    lines: tuple[str, ...] = ()


@dataclass
class Outcome:
    """What the scripts came to. ``quit`` is the status that one asked for; ``error`` the first that was said."""

    error: PpcdbgError | None = None
    findings: int = 0
    quit: int | None = None


class JsonTeller:
    """One JSON object a line for each result, error and piece of the guest's console."""

    def __init__(self, debugger: Debugger, stream: TextIO) -> None:
        self.debugger, self.stream = debugger, stream
        self._write({"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "guest": debugger.name})

    def _write(self, value: object) -> None:
        self.stream.write(json.dumps(value) + "\n")
        self.stream.flush()

    def tell(self, statement: Statement, result: Result) -> None:
        """One result, beside the command and its place."""
        if isinstance(result, Note) and not result.text:
            return
        self._write({**self._about(statement), "position": self.debugger.position, "result": plain(result)})

    def error(self, statement: Statement | None, error: PpcdbgError) -> None:
        """What went wrong."""
        about = {} if statement is None else self._about(statement)
        code = {"class": type(error).__name__, "status": error.exit_status, "message": str(error)}
        self._write({**about, "position": self.debugger.position, "error": code})

    def console(self, text: str, position: int) -> None:
        """A piece of what the guest printed; its last byte came at ``position``."""
        self._write({"position": position, "console": text})

    def _about(self, statement: Statement) -> dict[str, str]:
        return {"command": statement.line} | ({"where": statement.where} if statement.where else {})


class Batch:
    """Runs scripts on one debugger."""

    def __init__(self, debugger: Debugger, output: Output, as_json: bool = False, keep_going: bool = False) -> None:
        self.debugger, self.output = debugger, output
        self.json = JsonTeller(debugger, output.stream) if as_json else None
        self.text = TextTeller(debugger, output)
        teller: Teller = self.json or self.text
        self.shell = Shell(debugger, output, self)
        self._teller = teller
        self.outcome = Outcome()
        debugger.script.failed = self._failed if keep_going else None

    # --- Teller -----------------------------------------------------------------------------------------------------
    def tell(self, statement: Statement, result: Result) -> None:
        """Show a result, and count a check that did not hold."""
        if isinstance(result, Check):
            self.outcome.findings += not result.holds
            if result.holds and self.json is None:
                return
            if self.json is None:
                where = f"{statement.where}: " if statement.where else ""
                rows = results.lines(result, self.debugger, self.output.width() - len(where))
                self.output.lines([(Span(where, "label"), *rows[0])])
                return
        self._teller.tell(statement, result)

    def console(self, text: str, position: int) -> None:
        """Show what the guest printed."""
        self._teller.console(text, position)

    # --- running ----------------------------------------------------------------------------------------------------
    def start_file(self, path: Path) -> bool:
        """The user's start file, where there is one; False when it ended everything."""
        return not path.is_file() or self.run([Source(path)])

    def run(self, sources: Iterable[Source]) -> bool:
        """Scripts in order, until one quits or fails; False then."""
        for source in sources:
            lines, name = source.lines, COMMANDS
            if source.file is not None:
                lines, name = (f"source {source.file}",), ""
            if not self._guarded(lines, name):
                return False
        return True

    def run_stream(self, stream: TextIO) -> bool:
        """Commands as they come in: a program at the other end may wait for each answer."""
        kept: list[str] = []
        for number, line in enumerate(stream, 1):
            kept.append(line.rstrip("\n"))
            if self.debugger.script.unfinished("\n".join(kept)):
                continue
            if not self._guarded(kept, TYPED, number - len(kept)):
                return False
            kept = []
        return not kept or self._guarded(kept, TYPED, 0)

    def _guarded(self, lines: Iterable[str], name: str, before: int = 0) -> bool:
        script = self.debugger.script
        try:
            with self.shell.running():
                result = script.run(script.parse(tuple(lines), name, before), top=True)
        except PpcdbgError as error:
            self._failed(None, error)
            return script.failed is not None and not isinstance(error, Interrupted | Unfinished)
        if isinstance(result, Quit):
            self.outcome.quit = result.status
            return False
        return True

    def _failed(self, statement: Statement | None, error: PpcdbgError) -> None:
        self.shell.guest_console.flush()
        self.outcome.error = self.outcome.error or error
        if self.json is not None:
            self.json.error(statement, error)
        self.output.error(f"ppcdbg: {error}")


def sources_of(given: Iterable[tuple[str, str]]) -> Iterator[Source]:
    """``-x`` and ``-c`` in their order: commands that follow each other are one script, so a block may span several."""
    commands: list[str] = []
    for kind, text in given:
        if kind == "file":
            if commands:
                yield Source(lines=tuple(commands))
                commands = []
            yield Source(named(text))
        else:
            commands.append(text)
    if commands:
        yield Source(lines=tuple(commands))
