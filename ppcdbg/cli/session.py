"""Work on session files: what there are, what is in one, whether it replays, and questions in SQL."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.errors import InputError, Interrupted, UsageError
from ppcdbg.session.magic import is_session, session_file

if TYPE_CHECKING:
    from ppcdbg.explore.scheduled import Scheduled
    from ppcdbg.machine.description import MachineDescription
    from ppcdbg.session.store import Store

OPERANDS = (
    "list [FOLDER]; info FILE; verify FILE; checkpoint FILE; note FILE [TEXT]; diff FILE FILE; "
    "branch FILE --at PLACE --edit COMMAND -o OUT; "
    "export FILE csv|jsonl|ftrace|perfetto|html; "
    'sql FILE STATEMENT, such as "SELECT name, count(*) FROM exits GROUP BY 1"; index FILE puts the tables exits, '
    "interrupts and tlb into the file for any SQL tool, --drop takes them out; FILE may be the bare name of a "
    "recording in a folder of sessions"
)
EAGER = 1.0
"""Seconds of running before the first checkpoint of a file whose user asked for some."""
MIXED = True
Action = Callable[[argparse.Namespace, list[str]], int]
Going = Callable[[int, int], None]
"""As ``session.exports.Progress``."""


def configure(parser: argparse.ArgumentParser) -> None:
    """An action and what it works on."""
    parser.add_argument("action", metavar="ACTION", choices=tuple(ACTIONS), help=", ".join(ACTIONS))
    parser.add_argument("operands", metavar="OPERAND", nargs="*", help=OPERANDS)
    parser.add_argument("--engine", help="verify, diff, branch: the engine to replay on (default auto); "
                        "diff takes two as well: reference,llvm")  # fmt: skip
    parser.add_argument("--every", metavar="N", help="checkpoint: instructions between two (default: by what running "
                        "costs); k, M, G are decimal")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="list, info, note, sql, diff: as data")
    parser.add_argument("--drop", action="store_true", help="index: take the tables out again; note: take "
                        "out the one of a number")  # fmt: skip
    for role in ("kernel", "initrd", "dtb"):
        parser.add_argument(f"--{role}", metavar="FILE", help="the file, for a session that holds its hash only")
    parser.add_argument("-o", "--output", metavar="FILE", help="export: where to write (default stdout); branch: the "
                        "new session")  # fmt: skip
    parser.add_argument("--at", metavar="PLACE", default="start", help="branch: where it parts, as for `seek`")
    parser.add_argument("--edit", metavar="COMMAND", action="append", help="branch: what is other from there on, such "
                        "as 'inject DECREMENTER'; may be given again")  # fmt: skip
    parser.add_argument("--for", metavar="N", help="branch: so many instructions behind PLACE (default: as far as FILE "
                        "goes, or to the guest's end)")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Carry out one of them."""
    act, names = ACTIONS[options.action]
    given: list[str] = options.operands
    if not len([name for name in names if name[0] != "["]) <= len(given) <= len(names):
        raise UsageError(f"ppcdbg session {options.action} needs {' and '.join(names)}; see `ppcdbg session --help`")
    return act(options, given)


def _file(name: str) -> Path:
    """The session file that an operand means; where it means none, the path, about which the store will complain."""
    return session_file(name, os.environ) or Path(name)


def list_sessions(options: argparse.Namespace, given: list[str]) -> int:
    """One line a session; a damaged one is said to be."""
    folder = Path(given[0] if given else ".")
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}")
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and is_session(path):
            try:
                found.append(_facts(path))
            except InputError as error:
                found.append({"file": str(path), "error": str(error)})
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    for facts in found:
        if "error" in facts:
            print(f"{facts['file']}: {facts['error']}")
        else:
            print(f"{facts['file']}: {facts['kernel']} on {facts['cpu']}, hv {facts['hv']}; {facts['position']:,} "
                  f"instructions, {facts['exits']:,} exits; {facts['end']}")  # fmt: skip
    return 0


def info(options: argparse.Namespace, given: list[str]) -> int:
    """Everything that is known of one session."""
    facts = _facts(_file(given[0]))
    if options.json:
        print(json.dumps(facts, indent=2))
    else:
        for key, value in facts.items():
            for each in value if isinstance(value, list) else [value]:
                print(f"{key:<12} {each:,}" if isinstance(each, int) else f"{key:<12} {' '.join(str(each).split())}")
    return 0


def _facts(path: Path) -> dict[str, object]:
    from ppcdbg.explore.scheduled import read
    from ppcdbg.session.checkpoints import places
    from ppcdbg.session.importing import imported
    from ppcdbg.session.store import Store

    store = Store.open(path)
    try:
        if (facts := imported(store)) is not None:
            return _import_facts(path, store, facts)
        if (kept := read(store)) is not None:
            return _schedule_facts(path, store, kept)
        machine, reached, end = store.get("machine", {}), store.reached(), store.get("end")
        images = store.rows("SELECT role, name, size, data IS NOT NULL FROM image")
        names = {str(role): f"{name}{'' if held else ' (its hash only)'}" for role, name, _, held in images}
        if "kernel" not in names:
            raise ValueError("it names no kernel image")
        return {
            "file": str(path), "bytes": path.stat().st_size, **names, "cpu": machine.get("cpu"),
            "hv": machine.get("hv"), "memory": machine.get("memory"), "append": machine.get("append"),
            "position": reached.position, "exits": store.count("exit"), "interrupts": store.count("interrupt"),
            "input": len(store.input()), "states": len(store.marks()),
            "checkpoints": len(places(store)),
            "console": store.count("console0"), "bookmarks": len(store.bookmarks()),
            "branches": ", ".join(f.name for f in store.futures()) or "none", "note": store.notes(), **_parent(store),
            "end": "goes on" if end is None else f"{end[0]} at {end[1]:,}: {end[2]}",
        }  # fmt: skip
    except (AttributeError, TypeError, IndexError, KeyError, ValueError) as error:
        raise InputError(f"session {path} is damaged: {error}") from None
    finally:
        store.close()


def _parent(store: Store) -> dict[str, object]:
    """Of a session that came of another: which, and what is other in it."""
    kept = store.get("branch")
    if kept is None:
        return {}
    return {"branch of": f"{kept['of']} at {int(kept['at']):,}: {'; '.join(map(str, kept['edits']))}"}


def note(options: argparse.Namespace, given: list[str]) -> int:
    """Say something about a session, in its file; list what was said, or take one out."""
    from ppcdbg.debugger.notes import Notes
    from ppcdbg.debugger.sessionfile import UNKEPT, SessionFile

    path = _file(given[0])
    notes = Notes(SessionFile(path))
    if options.drop or len(given) > 1:
        text = given[1] if len(given) > 1 else ""
        if options.drop and not text.isdecimal():
            raise UsageError("session note FILE N --drop needs the number of a note")
        failed = notes.delete(int(text)) if options.drop else notes.add(text)
        if failed.startswith(UNKEPT):
            raise InputError(failed.removeprefix(UNKEPT))
    if options.json:
        print(json.dumps(notes.rows, indent=2))
    else:
        for number, said in enumerate(notes.rows, 1):
            print(f"{number}  {' '.join(said.split())}")
    return 0


def _schedule_facts(path: Path, store: Store, kept: Scheduled) -> dict[str, object]:
    """Of a schedule: what was run, the line, and what it broke."""
    machine, names = store.get("machine", {}), [name for (name,) in store.rows("SELECT name FROM image")]
    return {
        "file": str(path), "bytes": path.stat().st_size, "kernel": ", ".join(names) or kept.subject,
        "cpu": machine.get("cpu", "of its own"), "hv": machine.get("hv", "of its own"), "position": 0, "exits": 0,
        "subject": f"{kept.vcpus} vcpus" if names else kept.subject, "schedule": kept.line,
        "broken": f"{kept.condition}: {kept.reason}" if kept.condition else "nothing",
        "end": f"a schedule; ppcdbg race {path} replays it",
    }  # fmt: skip


def _import_facts(path: Path, store: Store, facts: dict[str, object]) -> dict[str, object]:
    """Of an imported trace: where it is from, what is in it, and the causes of its exits, the most frequent first."""
    from collections import Counter

    from ppcdbg.kvm.trace import exit_name

    named = Counter(exit_name(row[2]) for row in store.log("exit"))
    first, last = int(str(facts["first"])), int(str(facts["last"]))
    tasks, others, odd = dict(facts["tasks"]), dict(facts["others"]), list(facts["odd"])  # type: ignore[call-overload]
    return {
        "file": str(path), "bytes": path.stat().st_size, "kernel": facts["file"],
        "cpu": "e500mc" if facts["hv"] else "e500v2", "hv": "a real host", "position": 0,
        "lines": facts["lines"], "events": facts["events"], "exits": facts["exits"],
        "seconds": f"{(last - first) / 1e9:.6f}",
        "vcpus": ", ".join(f"{task} {count:,} exits" for task, count in tasks.items()) or "none",
        "causes": ", ".join(f"{name} {count:,}" for name, count in named.most_common()) or "none",
        "lost": facts["lost"], "malformed": facts["malformed"],
        "odd": "; ".join(f"line {n}: {text}" for n, text in odd) or "none",
        "others": ", ".join(f"{name} {count:,}" for name, count in others.items()) or "none",
        "end": "imported",
    }  # fmt: skip


def verify(options: argparse.Namespace, given: list[str]) -> int:
    """As ``ppcdbg replay FILE --verify``."""
    from ppcdbg.cli import replay

    parser = argparse.ArgumentParser()
    replay.configure(parser)
    own = [f"--{name}={value}" for name, value in _own(options).items()]
    engine = ["--engine", options.engine] if options.engine else []
    return replay.run(parser.parse_args([given[0], "--verify", *own, *engine]))


def _own(options: argparse.Namespace) -> dict[str, str]:
    """The files of the user's that stand for images."""
    given = {role: getattr(options, role) for role in ("kernel", "initrd", "dtb")}
    return {role: name for role, name in given.items() if name is not None}


def _machine(path: Path, options: argparse.Namespace) -> MachineDescription:
    from ppcdbg.session.machines import session_machine

    return session_machine(path, _own(options))


def index(options: argparse.Namespace, given: list[str]) -> int:
    """Put the tables that `sql` has into the file, or take them out."""
    from ppcdbg.cli.progress import Progress
    from ppcdbg.cli.run import Interruption
    from ppcdbg.session import tables

    path = _file(given[0])
    before = path.stat().st_size if path.exists() else 0
    if options.drop:
        there = tables.drop(path)
        size = path.stat().st_size
        print(f"{path}: its tables are gone, {before - size:,} bytes less" if there else f"{path} has no such tables")
        return 0
    with Interruption() as interruption, Progress("looked through") as progress:
        found = tables.index(path, lambda: _machine(path, options), progress, interruption.wanted)
    if found is None:
        print(f"ppcdbg: interrupted; {path} is as it was", file=sys.stderr)
        return 130
    rows = ", ".join(f"{count:,} rows in {name}" for name, count in found.items())
    print(f"{path}: {rows}; {path.stat().st_size - before:,} bytes more")
    return 0


def checkpoint(options: argparse.Namespace, given: list[str]) -> int:
    """Replay a session and put checkpoints into it, in place of those that it has."""
    from ppcdbg.cli.replay import held
    from ppcdbg.machine.description import parse_count
    from ppcdbg.session.keeping import Keeper
    from ppcdbg.session.machines import session_machine
    from ppcdbg.session.store import Store
    from ppcdbg.session.viewing import needs_a_machine

    path = _file(given[0])
    every = None if options.every is None else parse_count(options.every, ("option --every", UsageError))
    if every == 0:
        raise UsageError("option --every is 0; it must be at least 1")
    needs_a_machine(path)
    store = Store.open(path)
    try:
        if not store.writable():
            raise InputError(f"session {path} cannot be written, so no checkpoints can be put into it")
        keeper = Keeper(store, every, replace=True, spacing=EAGER)
        status = held(store, session_machine(path, {**_own(options), "engine": options.engine}), keeper)
        count = keeper.writer.count if keeper.writer else 0
        full = "; there is no room for more" if keeper.writer and keeper.writer.full else ""
    finally:
        store.close()
    print(f"{path}: {count} checkpoints{full}, {path.stat().st_size:,} bytes")
    return status


def sql(options: argparse.Namespace, given: list[str]) -> int:
    """Rows as tab-separated lines below a line of names."""
    from ppcdbg.cli.progress import Progress
    from ppcdbg.cli.run import Interruption
    from ppcdbg.session.queries import ask

    path = _file(given[0])
    with Interruption() as interruption, Progress("looked through") as progress:
        names, rows = ask(path, given[1], lambda: _machine(path, options), progress, interruption.wanted)
    if interruption.asked:
        print("ppcdbg: interrupted; there is no answer", file=sys.stderr)
        return 130
    if options.json:
        print(json.dumps([dict(zip(names, row, strict=True)) for row in rows], indent=2, default=bytes.hex))
        return 0
    print("\t".join(names))
    for row in rows:
        sys.stdout.write("\t".join(v.hex() if isinstance(v, bytes) else str(v) for v in row) + "\n")
    return 0


def export(options: argparse.Namespace, given: list[str]) -> int:
    """The session in another format, on stdout or in a file."""
    from ppcdbg.cli.progress import Progress
    from ppcdbg.cli.run import Interruption
    from ppcdbg.session.exports import FORMATS
    from ppcdbg.session.store import Store

    path, form = _file(given[0]), given[1]
    made = {"perfetto": _perfetto, "html": _html}
    if form not in FORMATS and form not in made:
        names = ", ".join((*FORMATS, *made))
        raise UsageError(f"there is no export format {form!r}; the formats are {names}")
    if form == "perfetto" and options.output is None and sys.stdout.isatty():
        raise UsageError("the format perfetto is not text; name a file by -o")
    machine = _machine(path, options)
    store = Store.open(path)
    try:
        with Interruption() as interruption, Progress("exported") as shown:

            def progress(position: int, last: int) -> None:
                if last:
                    shown(position, last)
                if interruption.asked:
                    raise Interrupted(f"interrupted; {options.output or 'the rest'} is not written")

            if form in made:
                pieces = made[form](store, machine, progress)
            else:
                pieces = (text.encode() for text in FORMATS[form](store, machine, progress))
            _write(pieces, options.output, lambda: progress(0, 0))
    except Interrupted as interrupted:
        print(f"ppcdbg: {interrupted}", file=sys.stderr)
        return 130
    finally:
        store.close()
    return 0


def _perfetto(store: Store, machine: MachineDescription, progress: Going) -> Iterator[bytes]:
    from ppcdbg.debugger.symbols import SymbolTable, read_symbols
    from ppcdbg.machine.guests import symbol_file
    from ppcdbg.session.perfetto import packets

    file = symbol_file(machine)
    return packets(store, machine, (SymbolTable() if file is None else read_symbols(file)).name, progress)


def _html(store: Store, machine: MachineDescription, progress: Going) -> Iterator[bytes]:
    from collections import Counter

    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.debugger.results import Table
    from ppcdbg.kvm.trace import exit_name
    from ppcdbg.machine.guests import symbol_file
    from ppcdbg.machine.system import Limits
    from ppcdbg.session.exports import SLICE, kernel_name
    from ppcdbg.session.systems import open_system
    from ppcdbg.views.report import pieces

    system, last = open_system(machine), store.reached().position
    progress(0, last)
    while system.ended is None and system.position < last:
        system.run(Limits(min(system.position + SLICE, last)))
        progress(system.position, last)
    taken = Counter(exit_name(vector) for vector, *_ in store.log("interrupt"))
    more = (
        Table("interrupts taken", ("interrupt", "count"), tuple(taken.most_common())),
        Table(
            "bookmarks", ("position", "name", "note"), tuple((b.position, b.name, b.note) for b in store.bookmarks())
        ),
    )
    debugger = Debugger(system, symbol_file(machine), kernel_name(store))
    for text in pieces(debugger, store.path.name, more, store.notes(), lambda: progress(last, last)):
        yield text.encode()


def _write(pieces: Iterator[bytes], name: str | None, look: Callable[[], None]) -> None:
    """Write what an export gives as it comes, and ``look`` between its pieces. What cannot be exported is said before a
    file is made, and a file gets its name when it is whole."""
    from ppcdbg.session.files import whole

    first = next(pieces, b"")
    try:
        with nullcontext(sys.stdout.buffer) if name is None else whole(Path(name)) as file:
            for piece in chain((first,), pieces):
                file.write(piece)
                look()
    except OSError as error:
        if name is None:
            raise
        raise InputError(f"cannot write {name}: {error.strerror or error}") from None


def diff(options: argparse.Namespace, given: list[str]) -> int:
    """See ``cli.futures``."""
    from ppcdbg.cli import futures
    from ppcdbg.session.viewing import needs_a_machine

    paths = [_file(name) for name in given]
    for path in paths:
        needs_a_machine(path)
    return futures.diff(options, paths, [_machine(path, options) for path in paths], given)


def branch(options: argparse.Namespace, given: list[str]) -> int:
    """See ``cli.futures``."""
    from ppcdbg.cli import futures
    from ppcdbg.session.viewing import needs_a_machine

    needs_a_machine(_file(given[0]))
    return futures.branch(options, _file(given[0]), _machine(_file(given[0]), options), given[0])


ACTIONS: dict[str, tuple[Action, tuple[str, ...]]] = {
    "list": (list_sessions, ("[FOLDER]",)), "info": (info, ("FILE",)), "verify": (verify, ("FILE",)),
    "checkpoint": (checkpoint, ("FILE",)), "note": (note, ("FILE", "[TEXT]")),
    "sql": (sql, ("FILE", "STATEMENT")), "export": (export, ("FILE", "FORMAT")),
    "diff": (diff, ("FILE", "FILE")), "branch": (branch, ("FILE",)), "index": (index, ("FILE",)),
}  # fmt: skip
