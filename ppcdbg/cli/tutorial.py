"""Learn by doing: five chapters in the terminal UI, each on a guest that ships.

A narrow column says what to do and goes on by itself once it was done. The same at a prompt: `ppcdbg repl demo -c
'tutorial 1'`. Without a terminal this prints the chapters.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial

from ppcdbg.cli import plain


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``tutorial``."""
    parser.add_argument("chapter", metavar="CHAPTER", nargs="?", default="1", help="by its number or name (default: 1)")
    parser.add_argument("--theme", metavar="NAME", help="colours of the UI (default: by the terminal)")
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII only (default: by the locale)")
    plain.add_option(parser)


def run(options: argparse.Namespace) -> int:
    """Open the UI on the chapter's guest, and after it on that of the chapter that the user went on to."""
    from ppcdbg.debugger.lessons import chapter_number

    number: int | None = chapter_number(options.chapter)
    in_lines = plain.wanted(options)
    if not in_lines and not (sys.stdin.isatty() and sys.stdout.isatty()):
        print_chapters()
        return 0
    from ppcdbg.cli.guests import settings
    from ppcdbg.debugger.api import open_guest
    from ppcdbg.debugger.chapters import CHAPTERS
    from ppcdbg.tui.opening import run_app

    chosen = settings()
    plain_signs = options.ascii or chosen["ascii"] is True or None
    show = partial(run_app, theme=options.theme, ascii_only=plain_signs, usual=chosen.text("theme"))
    status = 0
    while number is not None:
        debugger = open_guest(CHAPTERS[number - 1].opens)
        debugger.lessons.reopens = True
        debugger.lessons.begin(number)
        status = plain.run(debugger) if in_lines else show(debugger)
        number = debugger.lessons.wanted
    return status


def print_chapters() -> None:
    """The chapters, and how each is begun."""
    from ppcdbg.debugger.chapters import CHAPTERS

    for number, chapter in enumerate(CHAPTERS, 1):
        print(f"{number}  {chapter.title:<30} {len(chapter.steps)} steps on {chapter.opens}")
    print(
        "On a terminal `ppcdbg tutorial N` opens the UI; `ppcdbg repl GUEST -c 'tutorial N'` is the same at a prompt."
    )
