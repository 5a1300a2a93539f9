"""The prompt on a guest, stopped at its first instruction; or, with -x or -c, a script.

A script prints results on stdout, the guest's console among them with a bar before each line, and what went wrong on
stderr. It ends at the first error, which names file and line (-k goes on), and the exit status says how it went: that
of the error, or 4 when the guest failed, 6 when --max-insns came first, 1 when a `check` did not hold, or what `quit
STATUS` asked for. Commands may also come from a pipe on stdin.

Start file: init in the user's configuration folder (~/.config/ppcdbg/init), before anything else. A file in the current
folder is never run unasked; say -x FILE for that.

Keys at the prompt: Tab completes, with help; Up and Down search the history by what is typed, Ctrl-R anywhere in it;
Right takes the suggestion; Enter on an empty line repeats; Alt-Enter begins a line; Ctrl-X Ctrl-E opens $EDITOR; Ctrl-C
clears the line, or stops the guest; Ctrl-Z suspends; Ctrl-D leaves. Setting `editing = "vi"` has vi's keys.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppcdbg.cli.faults import reported
from ppcdbg.cli.guests import add_options, description, settings
from ppcdbg.machine.guests import symbol_file
from ppcdbg.paths import Kind, folders, user_config, user_state

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.repl.batch import Batch
    from ppcdbg.repl.output import Output
    from ppcdbg.views.theme import Theme

NARROWEST = 20
PIPE_WIDTH = 100
"""Columns of text that goes to no terminal; COLUMNS overrules it."""


class _Script(argparse.Action):
    """-x and -c in the order in which they stand."""

    def __call__(
        self,
        parser: object,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option: str | None = None,
    ) -> None:
        kind = "file" if option in ("-x", "--command-file") else "command"
        namespace.scripts = [*(namespace.scripts or []), (kind, str(values))]


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``repl``."""
    group = parser.add_argument_group("scripts")
    add = group.add_argument
    add("-x", "--command-file", metavar="FILE", dest="scripts", action=_Script, help="carry out a file of commands")
    add(
        "-c",
        "-ex",
        "--command",
        metavar="CMD",
        dest="scripts",
        action=_Script,
        help="carry out a command; any number of both",
    )
    add("-i", "--interactive", action="store_true", help="then stay at the prompt")
    add("-k", "--keep-going", action="store_true", help="go on after an error; the first one gives the exit status")
    add("-n", "--no-init", action="store_true", help="without the start file")
    add("--json", action="store_true", help="results, errors and the console as JSON, one object a line")
    look = parser.add_argument_group("looks")
    look.add_argument("--theme", metavar="NAME", help="colours (default: the terminal's own sixteen)")
    look.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="default: on a terminal")
    look.add_argument("--no-pager", action="store_true", help="let long results run through (default: $PAGER, less)")
    look.add_argument("--ascii", action="store_true", help="ASCII only (default: by the locale)")
    add_options(parser)


def run(options: argparse.Namespace) -> int:
    """Make the debugger, carry out scripts, or prompt."""
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.engine.choose import fallback
    from ppcdbg.repl.batch import Batch, sources_of
    from ppcdbg.session.systems import open_system

    machine = description(options, looking=True)
    slow = fallback(machine.engine)
    if slow is not None:
        print(f"ppcdbg: {slow}", file=sys.stderr)
    debugger = Debugger(open_system(machine), symbol_file(machine))
    if machine.max_insns is not None:
        debugger.runner.ceiling = machine.max_insns
    prompts = sys.stdin.isatty() and (options.interactive or not options.scripts) and not options.json
    batch = Batch(debugger, _output(options), options.json, options.keep_going)
    with reported(debugger.system, lambda: debugger.past.had):
        on = options.no_init or batch.start_file(user_config(os.environ) / "init")
        on = (on or prompts) and batch.run(sources_of(options.scripts or ()))
        if prompts and batch.outcome.quit is None:
            return _prompt(options, debugger, batch)
        if on and not options.scripts:
            batch.run_stream(sys.stdin)
    batch.shell.close()
    return status_of(batch, debugger)


def status_of(batch: Batch, debugger: Debugger) -> int:
    """How the scripts ended, the most serious first."""
    from ppcdbg.cli.status import Status, of_stop
    from ppcdbg.debugger.stops import Cause
    from ppcdbg.machine.system import StopKind

    outcome = batch.outcome
    if outcome.error is not None:
        return outcome.error.exit_status
    if outcome.quit is not None and (outcome.quit or not outcome.findings):
        return outcome.quit
    ended = debugger.system.ended
    if ended is not None and of_stop(ended.kind) is not Status.OK:
        return of_stop(ended.kind)
    if debugger.last.cause is Cause.LIMIT:
        return of_stop(StopKind.LIMIT)
    return Status.FINDING if outcome.findings else Status.OK


def _output(options: argparse.Namespace) -> Output:
    from ppcdbg.repl.output import Output
    from ppcdbg.views.ansi import Ansi
    from ppcdbg.views.terminal import colours, wants_ascii

    terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    coloured = options.color == "always" or options.color == "auto" and terminal and colours(os.environ) > 1
    skipped: list[str] = []
    ansi = None
    if coloured and not options.json:
        ansi = Ansi(theme_of(options.theme, skipped), max(colours(os.environ), 16))
    for note in skipped:
        print(f"ppcdbg: skipped: {note}", file=sys.stderr)

    def width() -> int:
        known = terminal or "COLUMNS" in os.environ
        return max(shutil.get_terminal_size().columns if known else PIPE_WIDTH, NARROWEST)

    plain = options.ascii or settings()["ascii"] is True or wants_ascii(os.environ)
    return Output(sys.stdout, sys.stderr, ansi, plain, width, terminal and not options.json)


def theme_of(name: str | None, skipped: list[str]) -> Theme:
    """The theme that was asked for, or that of the settings; else one that suits any background. What is wrong with a
    theme is added to ``skipped``. Raises InputError for an unknown name that was asked for."""
    from ppcdbg.views.theme import choose, load_themes

    themes = load_themes(folders(Kind.THEMES, os.environ), skipped)
    otherwise = "plain" if os.environ.get("NO_COLOR") else "terminal"
    return choose(themes, name, settings().text("theme"), otherwise, skipped)


def _prompt(options: argparse.Namespace, debugger: Debugger, batch: Batch) -> int:
    """The prompt, on the shell that the scripts ran on."""
    from ppcdbg.repl.shell import Shell

    batch.shell.close()
    output = batch.output
    shell = Shell(debugger, output)
    debugger.script.failed = None
    if not output.terminal:
        from ppcdbg.repl import plain

        return plain.run(shell, sys.stdin)
    from ppcdbg.repl.pager import of_environment
    from ppcdbg.repl.prompt import Prompt, Setup
    from ppcdbg.views.terminal import colours

    output.pager = None if options.no_pager else of_environment()
    vi = settings().text("editing") == "vi"
    history = Path(user_state(os.environ)) / "repl-history"
    depth = 1 if options.color == "never" else colours(os.environ)
    setup = Setup(theme_of(options.theme, []), depth, output.ascii_only, vi, history)
    print(f"{debugger.name}: type help for the commands, Tab to complete, Ctrl-D to leave", file=sys.stdout)
    return Prompt(shell, setup).run()
