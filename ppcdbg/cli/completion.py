"""Print what a shell needs to complete ppcdbg's command line: eval "$(ppcdbg completion bash)" in its start-up file.

The shell asks ppcdbg itself what may come next, so what it offers is what this version takes: commands, options, their
values, guests, recordings, and files.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from importlib import import_module

from ppcdbg.errors import UsageError

SHELLS = {
    "bash": """\
_ppcdbg() {
    local IFS=$'\\n'
    COMPREPLY=($(ppcdbg completion --words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _ppcdbg ppcdbg
""",
    "zsh": """\
#compdef ppcdbg
_ppcdbg() {
    local -a found
    found=(${(f)"$(ppcdbg completion --words "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    if (( ${#found} )); then compadd -- $found; else _files; fi
}
compdef _ppcdbg ppcdbg
""",
    "fish": """\
complete -c ppcdbg -f -a '(ppcdbg completion --words (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
complete -c ppcdbg -F
""",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``completion``."""
    parser.add_argument("shell", metavar="SHELL", nargs="?", choices=sorted(SHELLS), help=", ".join(sorted(SHELLS)))
    parser.add_argument(
        "--words", nargs=argparse.REMAINDER, help="the words so far, the last one unfinished: for shells"
    )


def run(options: argparse.Namespace) -> int:
    """The script, or the candidates one a line."""
    if options.words is not None:
        for word in sorted(set(candidates(options.words or [""]))):
            print(word)
        return 0
    if options.shell is None:
        raise UsageError(f"completion needs a shell: {', '.join(sorted(SHELLS))}")
    print(SHELLS[options.shell], end="")
    return 0


def candidates(words: list[str]) -> Iterator[str]:
    """What the last word may become. Nothing where a file is wanted and no name of ours fits."""
    from ppcdbg.cli.main import COMMANDS, Parser

    *before, last = words
    name = before[0] if before and before[0] in COMMANDS else "debug"
    if not before:
        yield from _starting(last, COMMANDS)
    module = import_module(COMMANDS[name][0])
    parser = Parser(f"ppcdbg {name}", None)
    module.configure(parser)
    wanting = _wanting(parser, before[-1] if before else "")
    if wanting is not None:
        yield from _starting(last, map(str, wanting.choices or ()))
    elif last.startswith("-"):
        yield from _starting(last, (text for action in parser._actions for text in action.option_strings))
    else:
        yield from _starting(last, _positional(parser, before[before[:1] == [name] :]))


def _wanting(parser: argparse.ArgumentParser, word: str) -> argparse.Action | None:
    """The option whose value comes next."""
    for action in parser._actions:
        if word in action.option_strings and action.nargs != 0:
            return action
    return None


def _positional(parser: argparse.ArgumentParser, before: list[str]) -> Iterator[str]:
    """What stands at the next place: a word of its choices, a guest, or a recording."""
    from ppcdbg.machine.guests import bundled
    from ppcdbg.session.magic import recordings

    places = [action for action in parser._actions if not action.option_strings]
    taken = sum(not word.startswith("-") and _wanting(parser, previous) is None
                for previous, word in zip(["", *before], before))  # fmt: skip
    if not places or taken >= len(places) and places[-1].nargs not in ("*", "+"):
        return
    place = places[min(taken, len(places) - 1)]
    if place.choices:
        yield from map(str, place.choices)
    elif place.dest == "guest":
        yield from (*bundled(os.environ), *recordings(os.environ))
    elif place.dest == "operands":
        yield from recordings(os.environ)


def _starting(prefix: str, names: Iterable[str]) -> Iterator[str]:
    return (name for name in names if name.startswith(prefix))
