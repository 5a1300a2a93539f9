"""Scripts: commands on several lines, with gdb's blocks (if, while, define, document), run on one debugger.

What belongs together is found here and carried out here, so the UI, the prompt, gdb's ``monitor`` and files share it.
A script is commands and nothing else: no way leads from here to Python or to a shell. Which commands take a block is
the registry's to say; what each does is in :mod:`ppcdbg.debugger.commands.scripts`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.debugger.commands import registry
from ppcdbg.debugger.commands.command import Block, Command, Result, Statement
from ppcdbg.debugger.expressions import Value
from ppcdbg.debugger.results import HelpEntry, Quit, Told
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.errors import InputError, Interrupted, PpcdbgError, UsageError, no_endless_number

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

DEEPEST = 64
"""How deep blocks may nest, and how deep commands and files may call each other."""
LONGEST = 4 << 20
"""Bytes of a script file that are read."""

Tell = Callable[[Statement, Result], None]
Failed = Callable[[Statement, PpcdbgError], None]

_ARGUMENT = re.compile(r"\$arg(\d+)\b|\$argc\b")
_WORDS = re.compile(r'"[^"]*"|\S+')


class _Ran(Exception):
    """A command in a block let the guest run while a breakpoint's commands are carried out: the rest is left out."""

    def __init__(self, stop: StopReport) -> None:
        self.stop = stop


class Unfinished(UsageError):
    """Lines are missing: an ``end``, or what follows a backslash."""


@dataclass(frozen=True)
class Defined:
    """A command that the user made of others. ``about`` is what ``document`` said."""

    name: str
    block: Block
    about: str = ""

    def help(self) -> HelpEntry:
        summary = self.about or "A command of your own; give it a text with: document " + self.name
        return HelpEntry(self.name, (), self.name, summary, "", "defined")


class Script:
    """The scripts of one debugger: what was defined, the variables, and how far a script is.

    ``tell`` gets each result of a script as it comes; where it is None they are kept, and given back as ``Told``.
    ``failed`` gets what went wrong in a statement of a file, which then goes on; where it is None, that ends it.
    """

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self.defined: dict[str, Defined] = {}
        self.variables: dict[str, Value] = {}
        self.tell: Tell | None = None
        self.failed: Failed | None = None
        self.confirm = True
        """Whether a prompt asks before something is lost: ``set confirm``."""
        self.pagination = True
        """Whether a prompt sends long results through a pager: ``set pagination``."""
        self._kept: list[Result] = []
        self._halt = False  # as ``Runner.interrupted``
        self._depth = 0
        self._in_lists = False

    # --- from any thread --------------------------------------------------------------------------------------------
    def interrupt(self) -> None:
        """Let the script that is going on end before its next statement."""
        self._halt = True

    def forget_interrupt(self) -> None:
        """Nothing is going on: an interrupt that came too late is served."""
        self._halt = False

    # --- text to statements -----------------------------------------------------------------------------------------
    def parse(self, lines: Sequence[str], name: str = "", before: int = 0) -> tuple[Statement, ...]:
        """The statements of some lines; ``name`` is their file's, and ``before`` how many stand above them.

        Raises Unfinished where an ``end`` is missing.
        """
        return _Parser(lines, name, before, self._command).all()

    @property
    def busy(self) -> bool:
        """Whether a script is going on, which looks at every statement whether it was interrupted."""
        return self._depth > 0

    def unfinished(self, text: str) -> bool:
        """Whether more lines must follow before the text can be carried out."""
        try:
            self.parse(text.split("\n"))
        except Unfinished:
            return True
        except UsageError:
            return False
        return False

    def depth(self, text: str) -> int:
        """How many blocks are open at the end of the text."""
        parser = _Parser(text.split("\n"), "", 0, self._command)
        with suppress(UsageError):
            parser.all()
        return parser.open

    def _command(self, line: str) -> Command | None:
        """The command of the registry that a line names; None for one of the user's own, or for none."""
        if line.split(None, 1)[0] in self.defined:
            return None
        try:
            return registry.find(line)[0]
        except UsageError:
            return None

    # --- carrying out -----------------------------------------------------------------------------------------------
    def execute(self, text: str) -> Result:
        """Carry out what was typed: one command, or several lines."""
        if not self._depth:
            self._halt = False
            self._kept = []
        if "\n" not in text and not text.rstrip().endswith("\\"):
            result = self._carry_out(Statement(text.strip()))
        else:
            result = self.run(self.parse(text.split("\n")))
        return Told(tuple(self._kept)) if isinstance(result, Told) and not self._depth else result

    def run(self, statements: Iterable[Statement], top: bool = False) -> Result:
        """Statements in order. ``Quit`` ends them and is given back. ``top``: an error may be told and passed over."""
        self._depth += 1
        try:
            if self._depth > DEEPEST:
                raise UsageError(f"commands and files call each other more than {DEEPEST} deep")
            if self._halt:  # a loop may have no statement
                raise Interrupted("interrupted")
            for statement in statements:
                if self._halt:
                    raise self._located(Interrupted("interrupted"), statement)
                before = self.debugger.last
                try:
                    result = self._carry_out(statement)
                except Interrupted:
                    raise
                except PpcdbgError as error:
                    if not top or self.failed is None:
                        raise
                    self.failed(statement, error)
                    continue
                if isinstance(result, Quit):
                    return result
                if self._in_lists and isinstance(result, StopReport) and result is not before:
                    raise _Ran(result)
                self._told(statement, result)
        finally:
            self._depth -= 1
        return Told()

    def _told(self, statement: Statement, result: Result) -> None:
        if isinstance(result, Told):
            return  # of a block or a file: its statements have told theirs
        if self.tell is not None:
            self.tell(statement, result)
        else:
            self._kept.append(result)
        if isinstance(result, StopReport) and result.cause is Cause.INTERRUPTED:
            raise self._located(Interrupted("interrupted"), statement)

    def _carry_out(self, statement: Statement) -> Result:
        try:
            return self._one(statement)
        except PpcdbgError as error:
            raise self._located(error, statement) from error

    def _one(self, statement: Statement) -> Result:
        line = statement.line
        no_endless_number(line)
        name, _, rest = line.partition(" ")
        own = self.defined.get(name)
        if own is not None:
            return self._call(own, rest)
        command, rest = registry.find(line)
        if not command.opens(line) or command.block is None:
            before = self.debugger.last
            result = command.run(self.debugger, rest)
            self.debugger.lessons.carried_out(command.name, line)
            self.debugger.branches.settle()
            return self._stopped(statement, result, before)
        if statement.block is None:
            raise Unfinished(f"the lines of {command.name!r} are missing, and the 'end' after them")
        return command.block(self.debugger, rest, statement.block)

    def _stopped(self, statement: Statement, result: Result, before: StopReport) -> Result:
        """A stop, then what its breakpoints' commands give, each told while it is the last. As in gdb, what stands
        behind a command that runs is left out, and the stop that it led to has commands of its own."""
        if self._in_lists or not isinstance(result, StopReport) or result is before:
            return result
        lines = result.commands
        if not lines:
            return result
        given: list[Result] = []
        self._in_lists = True
        try:
            while True:
                if "silent" not in lines:
                    self._give(statement, result, given)
                last = self._carried_out([line for line in lines if line != "silent"], given)
                if not isinstance(last, StopReport):
                    break
                result, lines = last, last.commands
        finally:
            self._in_lists = False
        if isinstance(last, Quit):
            return last
        if self.tell is not None:
            return Told()
        return given[0] if len(given) == 1 else tuple(given)

    def _give(self, statement: Statement, result: Result, given: list[Result]) -> None:
        if isinstance(result, Told):
            return
        if self.tell is not None:
            self.tell(statement, result)
        else:
            given.append(result)

    def _carried_out(self, lines: list[str], given: list[Result]) -> StopReport | Quit | None:
        """Give what the lines give, up to one that lets the guest run or leaves; its stop, or that it leaves."""
        for statement in self.parse(lines):
            before = self.debugger.last
            try:
                result = self._one(statement)
            except _Ran as ran:
                return ran.stop
            if isinstance(result, Quit) or isinstance(result, StopReport) and result is not before:
                return result
            self._give(statement, result, given)
        return None

    def _call(self, own: Defined, argument: str) -> Result:
        words = tuple(_WORDS.findall(argument))
        return self.run([_filled(s, words) for s in own.block.then])

    def _located(self, error: PpcdbgError, statement: Statement) -> PpcdbgError:
        """The error with the place in front, once for each file that it comes through."""
        file = statement.where.rpartition(":")[0]
        if (
            not file
            or str(error).startswith(file + ":")
            or not isinstance(error, UsageError | InputError | Interrupted)
        ):
            return error
        return type(error)(f"{statement.where}: {error}")

    # --- what blocks and files ask for ------------------------------------------------------------------------------
    def define(self, name: str, block: Block) -> None:
        """Make a command. Raises UsageError for a name that is no word or is taken."""
        if not re.fullmatch(r"[A-Za-z_][\w-]*", name):
            raise UsageError(f"{name!r} cannot name a command; letters, digits, - and _ can, with a letter first")
        if registry.commands().named(name) is not None:
            raise UsageError(f"{name} is a command of ppcdbg and stays what it is; choose another name")
        before = self.defined.get(name)
        self.defined[name] = Defined(name, block, before.about if before else "")

    def document(self, name: str, text: str) -> None:
        """Say what a command of the user's own does."""
        if name not in self.defined:
            raise UsageError(f"there is no command of your own called {name!r}; define it first")
        self.defined[name] = replace(self.defined[name], about=" ".join(text.split()))

    def source(self, path: Path) -> Result:
        """Carry out a file. Raises InputError for one that cannot be read; other errors name file and line."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read script {path}: {error.strerror or error}") from None
        if len(data) > LONGEST:
            raise InputError(f"script {path} has {len(data)} bytes; at most {LONGEST} are read")
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise InputError(f"script {path} is not UTF-8 text: {error.reason} at byte {error.start}") from None
        return self.run(self.parse(text.splitlines(), str(path)), top=True)


def _filled(statement: Statement, words: tuple[str, ...]) -> Statement:
    """A statement of a defined command with ``$arg0`` and ``$argc`` in it replaced, blocks included."""

    def word(found: re.Match[str]) -> str:
        if found[1] is None:
            return str(len(words))
        number = int(found[1])
        if number >= len(words):
            raise UsageError(f"$arg{number} is not there: {len(words)} arguments were given")
        return words[number]

    block = statement.block
    try:
        line = _ARGUMENT.sub(word, statement.line)
    except UsageError as error:
        raise UsageError(f"{statement.where}: {error}" if statement.where else str(error)) from None
    if block is not None:
        then, other = (tuple(_filled(s, words) for s in part) for part in (block.then, block.other))
        block = Block(then, other, tuple(_ARGUMENT.sub(word, text) for text in block.lines))
    return Statement(line, statement.where, block)


class _Parser:
    """Lines to statements. Blank lines and lines that begin with ``#`` are left out; a backslash joins two lines."""

    def __init__(self, lines: Sequence[str], name: str, before: int, command: Callable[[str], Command | None]) -> None:
        self.lines, self.name, self.before, self.command = lines, name, before, command
        self.at = self.open = 0
        self.defined: set[str] = set()

    def all(self) -> tuple[Statement, ...]:
        out, word = self.statements(0)
        if word:
            raise UsageError(f"{self.where(self.at)}'{word}' stands alone: no block is open here")
        return out

    def where(self, number: int) -> str:
        return f"{self.name}:{self.before + number}: " if self.name else ""

    def statements(self, depth: int) -> tuple[tuple[Statement, ...], str]:
        """Up to ``end``, ``else`` or the last line, and which of these it was."""
        out: list[Statement] = []
        while self.at < len(self.lines):
            number = self.at + 1
            line = self.joined()
            if not line or line.startswith("#"):
                continue
            if line in ("end", "else"):
                return tuple(out), line
            words = line.split(None, 2)
            command = None if words[0] in self.defined else self.command(line)
            if words[0] == "define" and len(words) > 1:
                self.defined.add(words[1])
            block = None
            if command is not None and command.opens(line):
                block = self.block(command, number, depth + 1)
            out.append(Statement(line, self.where(number).removesuffix(": "), block))
        return tuple(out), ""

    def joined(self) -> str:
        """The next line with those that a backslash at its end joins to it."""
        first, line = self.at + 1, ""
        while self.at < len(self.lines):
            part = self.lines[self.at].rstrip()
            self.at += 1
            if not part.endswith("\\"):
                return (line + part).strip()
            line += part[:-1]
        raise Unfinished(f"{self.where(first)}the last line ends with a backslash, and nothing follows")

    def block(self, command: Command, number: int, depth: int) -> Block:
        if depth > DEEPEST:
            raise UsageError(f"{self.where(number)}blocks nest more than {DEEPEST} deep")
        first = self.at
        self.open += 1
        missing = Unfinished(f"{self.where(number)}the 'end' of this {command.name!r} is missing")
        if command.prose:
            while self.at < len(self.lines):
                self.at += 1
                if self.lines[self.at - 1].strip() == "end":
                    self.open -= 1
                    return Block(lines=tuple(self.lines[first : self.at - 1]))
            raise missing
        then, word = self.statements(depth)
        other: tuple[Statement, ...] = ()
        if word == "else":
            if command.name != "if":
                raise UsageError(f"{self.where(self.at)}'else' belongs to 'if', not to {command.name!r}")
            other, word = self.statements(depth)
        if word != "end":
            raise missing if not word else UsageError(f"{self.where(self.at)}this 'if' has an 'else' already")
        self.open -= 1
        return Block(then, other, tuple(self.lines[first : self.at - 1]))
