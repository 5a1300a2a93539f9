"""The start of the process: which command it is, and what becomes of its errors.

A command's module has ``configure(parser)`` and ``run(options) -> int``, and is imported only when used: nothing
heavy is imported here, for ``ppcdbg --help`` and a complaint about the command line must come at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from ppcdbg import __version__
from ppcdbg.cli import host
from ppcdbg.errors import PpcdbgError, UsageError, no_endless_number

COMMANDS: Mapping[str, tuple[str, str]] = {
    "debug": ("ppcdbg.cli.debug", "open the terminal UI on a guest (the same with no command at all)"),
    "repl": ("ppcdbg.cli.repl", "the prompt on a guest; with -x or -c a script, whose exit status means something"),
    "run": ("ppcdbg.cli.run", "run a guest without the UI: its console on stdout, a summary on stderr"),
    "stat": ("ppcdbg.cli.stat", "run a guest and show its exit statistics live, with kvm_stat's flags"),
    "serve": ("ppcdbg.cli.serve", "serve a guest to gdb, over TCP, a Unix socket or a pipe"),
    "gdb": ("ppcdbg.cli.gdb", "start gdb on a guest with everything set"),
    "gdbinit": ("ppcdbg.cli.gdbinit", "print the settings that gdb needs"),
    "record": ("ppcdbg.cli.record", "run a guest as `run` does and record it into a session file"),
    "replay": ("ppcdbg.cli.replay", "replay a session file: in the UI, headless, or compared with its recording"),
    "session": (
        "ppcdbg.cli.session",
        "work on session files: list, info, verify, diff, branch, checkpoint, index, export, sql",
    ),
    "import": (
        "ppcdbg.cli.importing",
        "read a trace of a real host, ftrace's text or trace-cmd's, into a session file",
    ),
    "race": ("ppcdbg.cli.race", "try an interrupt at every boundary of critical sections: which are lost, and why"),
    "conform": ("ppcdbg.cli.conform", "compare the model with traces of the real KVM, event for event"),
    "nested": ("ppcdbg.cli.nested", "audit an exit of a nested guest, field by field (VMX)"),
    "info": (
        "ppcdbg.cli.info",
        "print a reference table: exits, irqprio, sprs, hcalls, events, quirks, limits, machine, world-switch,"
        " patch-hazards, failure-policies, fetch-hazard, host-side, machine-checks, spr-exits,"
        " userspace-exits; or the manual of the commands",
    ),
    "tutorial": ("ppcdbg.cli.tutorial", "learn by doing, in five chapters, each on a guest that ships"),
    "completion": ("ppcdbg.cli.completion", "print what bash, zsh or fish needs to complete this command line"),
    "man": ("ppcdbg.cli.man", "print the manual page"),
    "doctor": ("ppcdbg.cli.doctor", "tell what is missing or slow on this machine"),
    "bench": ("ppcdbg.cli.bench", "measure how fast ppcdbg is here, alone or beside QEMU"),
}

USAGE = """\
usage: ppcdbg [GUEST] [OPTION]...          the terminal UI; with no GUEST, on the bundled demo
       ppcdbg COMMAND [ARGUMENT]...        see `ppcdbg COMMAND --help`

See every exit of a KVM guest on Book E PowerPC. Stop on any of them.

commands:
{commands}

GUEST is an ELF file, a uImage, a raw image (with --load), a machine description (.toml), or a bundled guest:
{guests}.

exit status:
{statuses}
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line, raised and not printed."""

    def __init__(self, prog: str, about: str | None) -> None:
        super().__init__(
            prog=prog,
            description=about,
            formatter_class=_narrow,
            epilog="Exit statuses: see `ppcdbg --help`.",
            allow_abbrev=False,
        )

    def format_help(self) -> str:
        """The help, as wide as the terminal."""
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `{self.prog} --help`")


def _narrow(prog: str) -> argparse.HelpFormatter:
    """What every new option is tried on; to ask for the terminal's width imports 3 ms of modules."""
    return argparse.RawDescriptionHelpFormatter(prog, width=80)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (default: the process's own) and return the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        status = dispatch(list(arguments))
        sys.stdout.flush()
        return status
    except PpcdbgError as error:
        complain(str(error))
        return error.exit_status
    except BrokenPipeError:
        host.mute()
        return 141
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        said = host.sentence(error)
        if said is not None:
            host.mute()
            complain(said)
            return host.status(error)
        import traceback

        traceback.print_exc()
        complain(f"this is a fault of ppcdbg {__version__} itself, not of your guest or your command line")
        return 70


def dispatch(arguments: list[str]) -> int:
    """Find the command that the arguments name; without a name they are ``debug``'s."""
    for word in arguments:
        no_endless_number(word)
    first = arguments[0] if arguments else ""
    if first in ("-h", "--help", "help"):
        print(usage(), end="")
        return 0
    if first in ("-V", "--version"):
        print(version())
        return 0
    if first not in COMMANDS:
        no_misspelt_command(first)
    name = first if first in COMMANDS else "debug"
    module = import_module(COMMANDS[name][0])
    parser = Parser(f"ppcdbg {name}", module.__doc__)
    module.configure(parser)
    own = arguments[1:] if first in COMMANDS else arguments
    rest: list[str] = []
    if getattr(module, "STARTS_A_PROGRAM", False) and "--" in own:
        at = own.index("--")
        own, rest = own[:at], own[at + 1 :]
    mixed = getattr(module, "MIXED", False)  # options may stand between its operands
    options = parser.parse_intermixed_args(own) if mixed else parser.parse_args(own)
    options.rest, options.command_line = rest, arguments
    status: int = module.run(options)
    return status


def version() -> str:
    """What a report of a fault is to say: this version, that of the files that it makes, and what runs guests."""
    from importlib.metadata import version as installed
    from platform import machine, python_version

    from ppcdbg.engine.choose import compiles
    from ppcdbg.session.format import FORMAT
    from ppcdbg.session.snapshots import SNAPSHOT_FORMAT

    engine = f"llvm (llvmlite {installed('llvmlite')})" if compiles() else "reference"
    return (
        f"ppcdbg {__version__} (e500v2, e500mc; KVM of Linux 6.1)\n"
        f"session format {FORMAT}, state format {SNAPSHOT_FORMAT}; engine {engine};"
        f" Python {python_version()} on {machine()}"
    )


def no_misspelt_command(word: str) -> None:
    """Raise UsageError for a word that is nearly a command's name and no file's; any other is a GUEST."""
    import difflib  # only a word that may be misspelt pays for it

    nearest = difflib.get_close_matches(word, COMMANDS, n=1, cutoff=0.6)
    if nearest and not os.path.exists(word):
        raise UsageError(f"there is neither a command nor a guest {word}; did you mean `ppcdbg {nearest[0]}`?")


def usage() -> str:
    """What ``ppcdbg --help`` prints."""
    from ppcdbg.cli.status import help_text
    from ppcdbg.machine.guests import bundled

    commands = "\n".join(f"  {name:<12}{about}" for name, (_, about) in COMMANDS.items())
    return USAGE.format(commands=commands, guests=_names(bundled(os.environ)), statuses=help_text())


def _names(names: list[str]) -> str:
    """Names in lines of at most 100 columns."""
    import textwrap

    return textwrap.fill(", ".join(names), 100, initial_indent="  ", subsequent_indent="  ")


def complain(sentence: str) -> None:
    """One line on stderr, if there is anybody who takes it."""
    with suppress(OSError):
        print(f"ppcdbg: {' '.join(sentence.split())}", file=sys.stderr, flush=True)
