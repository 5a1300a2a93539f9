"""Tell what is missing or slow on this machine, a line each: what it is, how it is, and what would be right.

The guest that it runs for a second is the bundled demo. Exit status 1 where something that ppcdbg needs is wrong; what
only one command wants is `missing` and no fault.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from ppcdbg.errors import PpcdbgError

LONG = 0.25
"""Seconds that the demo may take: ten times what it takes on an ordinary machine."""
ROOM = 100 << 20
"""Bytes that sessions and caches want to have."""


class How(Enum):
    """How something is."""

    OK = "ok"
    SLOW = "slow"
    MISSING = "missing"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``advice``: what would be right, where it is not."""

    name: str
    how: How
    told: str
    advice: str = ""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of ``doctor``."""
    parser.add_argument("--json", metavar="FILE", help="write the findings as data; - is stdout")


def run(options: argparse.Namespace) -> int:
    """Look at everything and tell; 1 where something is wrong."""
    from ppcdbg.cli.run import write_json
    from ppcdbg.cli.status import Status

    found = []
    for finding in findings():
        found.append(finding)
        if options.json != "-":
            print(f"{finding.how.value:8}{finding.name:10}{finding.told}", flush=True)
            if finding.advice:
                print(f"{'':18}{finding.advice}", flush=True)
    if options.json:
        write_json([{**asdict(each), "how": each.how.value} for each in found], options.json)  # type: ignore[arg-type]
    return Status.FINDING if any(each.how is How.WRONG for each in found) else Status.OK


def findings() -> Iterator[Finding]:
    """What there is to tell, in order; slow things are looked at only when their turn comes."""
    yield python()
    yield from (bytecode(), processors(), engine(), *places(), shipped(), own(), terminal())
    yield from (gdb(), program("qemu", "qemu-system-ppc", "bench --peer compares with it"))
    yield from (extra("perfetto", "perfetto", "session export FILE perfetto"), extra("dask", "distributed", "--dask"))
    yield demo()


def python() -> Finding:
    """The interpreter."""
    return Finding("python", How.OK, f"{'.'.join(map(str, sys.version_info[:3]))} ({sys.executable})")


def bytecode() -> Finding:
    """Whether imports are compiled anew at every start."""
    if not sys.dont_write_bytecode:
        return Finding("bytecode", How.OK, "kept between starts")
    from importlib.util import cache_from_source

    if Path(cache_from_source(__file__)).exists():
        return Finding("bytecode", How.OK, "not written here, but compiled already")
    package = Path(__file__).parents[1]
    advice = f"unset PYTHONDONTWRITEBYTECODE, or run once: {sys.executable} -m compileall -q {package}"
    return Finding("bytecode", How.SLOW, "sources are compiled anew at each start, 0.1 s of it", advice)


def processors() -> Finding:
    """What a recording and `--jobs` live from."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count > 1:
        return Finding("cpus", How.OK, f"{count}")
    return Finding("cpus", How.SLOW, "1", "a second one writes recordings behind the run, and shares a race search")


def engine() -> Finding:
    """What runs guests fast."""
    from ppcdbg.engine.choose import compiles

    if compiles():
        from importlib.metadata import version

        return Finding("engine", How.OK, f"llvm (llvmlite {version('llvmlite')})")
    advice = "pip install llvmlite"
    return Finding("engine", How.SLOW, "reference: no llvmlite, so guests run a hundred times slower", advice)


def places() -> Iterator[Finding]:
    """The folders that are written to."""
    from ppcdbg.paths import user_cache, user_data, user_state

    uses = (
        (user_cache, "cache", "compiled code is made anew at each start, 0.4 s of it", How.SLOW),
        (user_state, "state", "no history of commands is kept, and no report of a fault", How.WRONG),
        (user_data, "data", "recordings go to the current folder", How.OK),
    )
    for place, name, without, how in uses:
        yield folder(name, place(os.environ), without, how)


def folder(name: str, path: Path, without: str, how: How) -> Finding:
    """Whether a folder of the user's can be written to."""
    try:
        nearest = next(each for each in (path, *path.parents) if each.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            raise PermissionError(f"{nearest} cannot be written to")
        free = shutil.disk_usage(nearest).free
    except OSError as error:
        return Finding(name, how, f"{path}: {without}", str(error))
    if free < ROOM:
        return Finding(name, How.WRONG, f"{path}: {free >> 20} MiB are free", "free some: a session of a boot has 3 MB")
    return Finding(name, How.OK, f"{path}, {free >> 30} GiB free")


def shipped() -> Finding:
    """Themes and recordings."""
    from ppcdbg.paths import Kind, listing

    themes, sessions = (listing(kind, os.environ, mask) for kind, mask in
                        ((Kind.THEMES, "*.toml"), (Kind.SESSIONS, "*.ppcdbg")))  # fmt: skip
    told = f"{len(themes)} themes, {len(sessions)} recordings"
    if themes and sessions:
        return Finding("files", How.OK, told)
    return Finding("files", How.WRONG, told, "the installation is not whole: pip install --force-reinstall ppcdbg")


def own() -> Finding:
    """The user's and the project's files: a wrong setting is refused by whatever needs it, the rest is left out."""
    from ppcdbg.config import load_settings
    from ppcdbg.paths import Kind, folders, user_config
    from ppcdbg.tui.keys import read_keymap
    from ppcdbg.tui.saved import Layouts
    from ppcdbg.views.theme import choose, load_themes

    config = user_config(os.environ)
    skipped: list[str] = []
    try:
        usual = load_settings(os.environ, Path.cwd(), {}).text("theme")
    except PpcdbgError as error:
        usual = ""
        skipped.append(str(error))
    choose(load_themes(folders(Kind.THEMES, os.environ), skipped), None, usual, "dark", skipped)
    read_keymap(config / "keymap.toml", skipped)
    Layouts(config / "layout.toml", "exits", skipped)
    if skipped:
        return Finding("own", How.WRONG, f"of your files in {config} and here: {len(skipped)}", "; ".join(skipped))
    return Finding("own", How.OK, f"nothing is wrong with your files in {config}")


def terminal() -> Finding:
    """What the UI draws on."""
    from ppcdbg.views.terminal import colours, wants_ascii

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return Finding("terminal", How.MISSING, "stdin or stdout is none", "the UI needs one; other commands do not")
    size, depth = shutil.get_terminal_size(), colours(os.environ)
    drawn = "ASCII" if wants_ascii(os.environ) else "box drawing"
    told = f"{os.environ.get('TERM', 'no TERM')}, {size.columns}x{size.lines}, {depth} colours, {drawn}"
    if size.columns < 80 or size.lines < 24:
        return Finding("terminal", How.OK, told, "80x24 and more show whole panes")
    return Finding("terminal", How.OK, told)


def program(name: str, command: str, use: str) -> Finding:
    """Something of the system's that a command starts."""
    found = shutil.which(command)
    return Finding(name, How.OK, found) if found else Finding(name, How.MISSING, f"no {command}", use)


def gdb() -> Finding:
    """A gdb that knows PowerPC."""
    from subprocess import DEVNULL, run

    for command in ("gdb-multiarch", "powerpc-linux-gnu-gdb", "gdb"):
        found = shutil.which(command)
        if found is None:
            continue
        said = run([found, "-nx", "-batch", "-ex", "set architecture powerpc:e500"], stdin=DEVNULL, capture_output=True,
                   timeout=20, check=False)  # fmt: skip
        if b"ndefined item" not in said.stderr:
            return Finding("gdb", How.OK, found)
    return Finding("gdb", How.MISSING, "none knows powerpc:e500", "Debian: apt install gdb-multiarch")


def extra(name: str, module: str, use: str) -> Finding:
    """A library that one command wants."""
    from importlib.util import find_spec

    if find_spec(module) is not None:
        return Finding(name, How.OK, f"{module} is installed")
    return Finding(name, How.MISSING, f"no {module}", f"{use} wants it: pip install 'ppcdbg[{name}]'")


def demo() -> Finding:
    """The bundled guest, built and run to its end."""
    from ppcdbg.kvm.build import build_system
    from ppcdbg.machine.description import read_description
    from ppcdbg.machine.guests import DEMO, guest_file
    from ppcdbg.machine.system import Limits, StopKind

    took = []
    try:
        machine = read_description(guest_file(DEMO, os.environ))
        for _ in range(4):  # the first fills the cache
            begun = time.monotonic()
            stop = build_system(machine).run(Limits(1 << 40))
            took.append(time.monotonic() - begun)
    except PpcdbgError as error:
        return Finding("demo", How.WRONG, "the bundled guest does not run", str(error))
    told = f"built and run to its end in {min(took) * 1000:.0f} ms"
    if stop.kind is not StopKind.RESET:
        return Finding("demo", How.WRONG, f"it ends with {stop.kind.value}: {stop.detail}", "please report this")
    if min(took) > LONG:
        return Finding("demo", How.SLOW, told, f"{LONG * 1000:.0f} ms are expected at most; see `ppcdbg bench`")
    return Finding("demo", How.OK, told)
