"""Sessions as futures of each other: make a second one with something other in it, and compare two."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.cli.progress import Progress
from ppcdbg.cli.run import Interruption
from ppcdbg.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.machine.description import MachineDescription
    from ppcdbg.session.store import Store

WIDTH = 120
MORE = 1_000_000
"""Instructions that a branch may take more than a run that has ended, and a quarter of the run's besides."""


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """A session file, closed at the end."""
    from ppcdbg.session.store import Store

    store = Store.open(path)
    try:
        yield store
    finally:
        store.close()


def guest(machine: MachineDescription, engine: str | None = None) -> Debugger:
    """A debugger on the guest of a session, at its first instruction."""
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.machine.guests import symbol_file
    from ppcdbg.session.systems import open_system

    machine = replace(machine, engine=engine or machine.engine)
    return Debugger(open_system(machine), symbol_file(machine))


def diff(options: argparse.Namespace, paths: list[Path], machines: list[MachineDescription], names: list[str]) -> int:
    """Replay two sessions side by side: 0 where they are the same run, 1 with where they part and what differs."""
    from ppcdbg.debugger.futures import Side, compare
    from ppcdbg.machine.input import apart_at
    from ppcdbg.views.data import plain
    from ppcdbg.views.results import lines
    from ppcdbg.views.spans import to_text

    engines = (options.engine or "").split(",")
    if len(engines) > 2:
        raise UsageError(f"--engine takes one name, or two such as reference,llvm; not {options.engine}")
    reached, inputs = [], []
    for path in paths:
        with opened(path) as store:
            reached.append(store.reached().position)
            inputs.append(store.input())
    short = [Path(name).stem for name in names]
    if short[0] == short[1]:
        short = names
    sides = [Side(guest(machine, engine or None), name)
             for machine, engine, name in zip(machines, engines * 2, short)]  # fmt: skip
    with Interruption() as interruption, Progress("compared") as progress:
        asked = _asked(sides[0].debugger, progress, max(reached), interruption)
        try:
            found = compare(sides[0], sides[1], max(reached), asked, suspects=apart_at(*inputs))
        except Interrupted:
            return 130
    if options.json:
        print(json.dumps(plain(found), indent=2))
    else:
        print(to_text(lines(found, sides[0].debugger, WIDTH)))
    return 0 if found.same else 1


def _asked(debugger: Debugger, progress: Progress, last: int, interruption: Interruption) -> Callable[[], bool]:
    def asked() -> bool:
        progress(min(debugger.position, last), last)
        return interruption.wanted()

    return asked


def branch(options: argparse.Namespace, path: Path, machine: MachineDescription, name: str) -> int:
    """A second session: the run of the first up to a place, some commands there, and what became of it."""
    from ppcdbg.debugger.arguments import count_of
    from ppcdbg.debugger.positions import where_of
    from ppcdbg.machine.input import first_apart
    from ppcdbg.session.files import claim, remove

    if options.output is None or not options.edit:
        raise UsageError(
            "session branch needs at least one --edit COMMAND and -o FILE, for example: "
            "session branch a.ppcdbg --at exit:42 --edit 'inject DECREMENTER' -o b.ppcdbg"
        )
    out = Path(options.output)
    claim(out)  # what cannot be written is said before a guest runs for it
    remove(out)
    debugger = guest(machine, options.engine)
    with opened(path) as store:
        reached, ended = store.reached().position, store.get("end") is not None
    with Interruption() as interruption, Progress("run") as progress:
        debugger.past.go(where_of(debugger, options.at))
        before = debugger.past.timeline.history
        here = debugger.past.here
        for line in options.edit:
            debugger.execute(line)
        if first_apart(before, debugger.past.timeline.history) is None:
            raise UsageError(f"{'; '.join(options.edit)} changes nothing of what comes into the guest")
        last = reached + (reached // 4 + MORE if ended else 0)
        if getattr(options, "for") is not None:
            last = here[0] + count_of(debugger, getattr(options, "for"))
        last = max(last, debugger.position)
        asked = _asked(debugger, progress, last, interruption)
        debugger.runner.between = lambda: debugger.interrupt() if asked() else None
        debugger.runner.ceiling = last
        debugger.continue_()
        if interruption.asked:
            return 130
        debugger.past.recording.save(out)
    _note(out, name, here, options.edit)
    end = debugger.system.ended
    print(f"{out}: {debugger.position:,} instructions, parted from {name} at {here[0]:,}; "
          f"{'goes on' if end is None else end.detail}; `ppcdbg session diff {name} {out}` compares them")  # fmt: skip
    return 0


def _note(out: Path, name: str, here: tuple[int, int], edits: list[str]) -> None:
    """What the session came of, in it, and a bookmark where it begins to be another."""
    from ppcdbg.session.store import Bookmark

    with opened(out) as store:
        store.set("branch", {"of": name, "at": here[0], "edits": edits})
        store.set_bookmark(Bookmark("branch", *here, "; ".join(edits)))
