"""Commands that scripts are made of: blocks, files, text, and a check that a test run can fail on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ppcdbg.debugger.arguments import file_of
from ppcdbg.debugger.commands.command import Block, Command, Result
from ppcdbg.debugger.printf import formatted, unescaped
from ppcdbg.debugger.results import Check, Note, Quit, Table, Text, Told
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


class LoopBreak(UsageError):
    """Leaves the innermost while; an error where there is none."""


class LoopContinue(UsageError):
    """Begins the innermost while again; an error where there is none."""


def _block(debugger: Debugger, argument: str) -> NoReturn:
    raise AssertionError("a command with a block is never run without it")


def _condition(debugger: Debugger, command: str, argument: str) -> bool:
    if not argument:
        raise UsageError(f"{command} needs an expression, for example: {command} $r3 == 0")
    return debugger.compile(argument).true()


def if_(debugger: Debugger, argument: str, block: Block) -> Result:
    return debugger.script.run(block.then if _condition(debugger, "if", argument) else block.other)


def while_(debugger: Debugger, argument: str, block: Block) -> Result:
    while _condition(debugger, "while", argument):
        try:
            result = debugger.script.run(block.then)
        except LoopBreak:
            break
        except LoopContinue:
            continue
        if isinstance(result, Quit):
            return result
    return Told()


def loop_break(debugger: Debugger, argument: str) -> NoReturn:
    raise LoopBreak("loop_break stands outside of any while")


def loop_continue(debugger: Debugger, argument: str) -> NoReturn:
    raise LoopContinue("loop_continue stands outside of any while")


def define(debugger: Debugger, argument: str, block: Block) -> Note:
    debugger.script.define(argument, block)
    return Note("")


def document(debugger: Debugger, argument: str, block: Block) -> Note:
    debugger.script.document(argument, "\n".join(block.lines))
    return Note("")


def show_user(debugger: Debugger, argument: str) -> Table:
    """The commands that were defined, or the lines of one."""
    defined = debugger.script.defined
    if argument and argument not in defined:
        raise UsageError(f"there is no command of your own called {argument!r}; 'show user' lists them")
    if argument:
        lines = enumerate(defined[argument].block.lines, 1)
        return Table(argument, ("line", "command"), tuple((n, text.rstrip()) for n, text in lines))
    rows = tuple((d.name, d.about) for d in defined.values())
    return Table("commands of your own", ("name", "about"), rows, () if rows else ("none is defined",))


def source(debugger: Debugger, argument: str) -> Result:
    if not argument:
        raise UsageError("source needs a file of commands, for example: source checks.gdb")
    return debugger.script.source(file_of(debugger, argument))


def echo(debugger: Debugger, argument: str) -> Text:
    return Text(unescaped(argument))


def printf(debugger: Debugger, argument: str) -> Text:
    return Text(formatted(debugger, argument))


def check(debugger: Debugger, argument: str) -> Check:
    return Check(argument, _condition(debugger, "check", argument))


def set_confirm(debugger: Debugger, argument: str) -> Note:
    debugger.script.confirm = _on(argument, "confirm")
    return Note("")


def set_pagination(debugger: Debugger, argument: str) -> Note:
    debugger.script.pagination = _on(argument, "pagination")
    return Note("")


def _on(argument: str, what: str) -> bool:
    if argument not in ("on", "off", ""):
        raise UsageError(f"set {what} takes on or off, not {argument!r}")
    return argument != "off"


def _switch(debugger: Debugger, argument: str) -> list[str]:
    return ["on", "off"]


def _files(debugger: Debugger, argument: str) -> list[str]:
    """Files and folders that continue the path typed so far."""
    try:
        folder = file_of(debugger, argument.rpartition("/")[0] + "/" if "/" in argument else ".")
        return sorted(p.name + "/" * p.is_dir() for p in folder.iterdir())
    except (OSError, UsageError):
        return []


def _defined(debugger: Debugger, argument: str) -> list[str]:
    return sorted(debugger.script.defined)


COMMANDS: tuple[Command, ...] = (
    Command(
        "source",
        source,
        "source FILE",
        "Carry out the commands of a file; an error names its line and ends the file.",
        "source checks.gdb",
        "scripts",
        (),
        _files,
    ),
    Command(
        "define",
        _block,
        "define NAME ... end",
        "Make a command of the lines that follow; $arg0, $arg1 and $argc are what it is given.",
        "define regs\n  info registers $arg0\nend",
        "scripts",
        (),
        _defined,
        block=define,
    ),
    Command(
        "document",
        _block,
        "document NAME ... end",
        "Say what a command of your own does; help shows it.",
        "document regs\n  Registers by name.\nend",
        "scripts",
        (),
        _defined,
        block=document,
        prose=True,
    ),
    Command(
        "show user",
        show_user,
        "show user [NAME]",
        "The commands that you defined, or the lines of one.",
        "show user",
        "scripts",
        (),
        _defined,
    ),
    Command(
        "if",
        _block,
        "if EXPRESSION ... [else ...] end",
        "Carry out the lines that follow where the expression is not 0.",
        "if $msr & 0x8000\n  echo interrupts are on\\n\nelse\n  info irqprio\nend",
        "scripts",
        block=if_,
    ),
    Command(
        "while",
        _block,
        "while EXPRESSION ... end",
        "Carry out the lines that follow as long as the expression is not 0.",
        "while $r3 > 100\n  stepi\nend",
        "scripts",
        block=while_,
    ),
    Command("loop_break", loop_break, "loop_break", "Leave the innermost while.", "loop_break", "scripts"),
    Command(
        "loop_continue", loop_continue, "loop_continue", "Begin the innermost while again.", "loop_continue", "scripts"
    ),
    Command(
        "echo",
        echo,
        "echo TEXT",
        "Say a text as it stands; \\n ends the line, as in gdb.",
        "echo booted\\n",
        "scripts",
    ),
    Command(
        "printf",
        printf,
        'printf "FORMAT", EXPRESSION...',
        "Say values in C's formats: d i u x X o c s p; s takes text or the address of some.",
        'printf "r3=%08x after %u exits\\n", $r3, $_exits',
        "scripts",
    ),
    Command(
        "set confirm",
        set_confirm,
        "set confirm [on|off]",
        "Whether a prompt asks before something is lost.",
        "set confirm off",
        "scripts",
        (),
        _switch,
    ),
    Command(
        "set pagination",
        set_pagination,
        "set pagination [on|off]",
        "Whether a prompt sends long results through a pager.",
        "set pagination off",
        "scripts",
        (),
        _switch,
    ),
    Command(
        "check",
        check,
        "check EXPRESSION",
        "Say whether an expression holds; where not, a script goes on and ends with status 1.",
        "check $r1 % 4 == 0",
        "scripts",
    ),
)
