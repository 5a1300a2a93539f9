"""One reader, many damaged inputs, in a process with bounds: memory, time, and where it may write.

    python -m tests.fuzz.harness TARGET SEED FIRST COUNT FOLDER

prints one line of JSON, and now and then on stderr how far it is; SIGTERM ends it with the figures so far. Every input
is made from the seed and its number alone. A target that keeps something from one input to the next begins anew at
every ``RENEWED``-th number, so a finding comes again from the last of those before it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from ppcdbg.errors import PpcdbgError

if TYPE_CHECKING:
    from tests.fuzz.targets import Reader, Reading

GROWTH = 256
"""MiB of memory that a process may come to use beyond what it uses when it begins, whatever it reads."""
PATIENCE = 10.0
"""Seconds of processor time for one input."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
MOST = 5
"""Findings after which a run ends."""
RENEWED = 500
TELL_EVERY = 10.0


class TooLong(BaseException):
    """No reader may catch this by accident."""


class Outside(BaseException):
    """A write where nothing may be written, or another program."""


def guard(allowed: tuple[Path, ...]) -> None:
    """Refuse to write outside some folders, and to start programs; for the rest of the process."""
    roots = tuple(str(path) for path in allowed)
    changing = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}

    def inside(path: Any) -> bool:
        if isinstance(path, int):
            return True
        text = os.path.abspath(os.fsdecode(path))
        return text == "/dev/null" or any(text == root or text.startswith(root + os.sep) for root in roots)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if (isinstance(mode, str) and set(mode) & set("wax+")) or (mode is None and flags & WRITING):
                if not inside(path):
                    raise Outside(f"opens {path!r} to write")
        elif event in changing:
            if not all(inside(p) for p in arguments[:2] if isinstance(p, (str, bytes, os.PathLike))):
                raise Outside(f"{event} {arguments!r}")
        elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect"):
            raise Outside(f"{event} {arguments[:1]!r}")
        elif event == "sqlite3.connect" and not str(arguments[0]).startswith(":"):
            name = str(arguments[0]).removeprefix("file:").split("?")[0]
            if not inside(name) and "mode=ro" not in str(arguments[0]) and name:
                raise Outside(f"sqlite3.connect {arguments!r}")

    sys.addaudithook(hook)


def inputs(name: str, seed: str, reading: Reading, first: int, count: int) -> Iterator[tuple[int, bytes]]:
    """Damaged ones only: a damage that changed nothing is done again."""
    from tests.fuzz.mutate import mutated
    from tests.fuzz.targets import TARGETS

    good = set(reading.corpus)
    for number in range(first, first + count):
        rng = random.Random(f"{name}/{seed}/{number}")
        forged = reading.forge is not None and rng.random() < TARGETS[name].forged
        for _ in range(100):
            if forged and reading.forge is not None:
                data = reading.forge(rng)
            else:
                data = mutated(rng, reading.corpus, TARGETS[name].kinds)
            if data not in good:
                break
        yield number, data


class Figures:
    """What a run has found. ``findings`` are (number, what, the input in hexadecimal)."""

    def __init__(self, name: str, seed: str, count: int) -> None:
        self.name, self.seed, self.count = name, seed, count
        self.findings: list[tuple[int, str, str]] = []
        self.outcomes: Counter[str] = Counter()
        self.tried = 0
        self.slowest = 0.0, -1
        self._begin, self._told = time.monotonic(), time.monotonic()
        self._used = time.process_time()

    def add(self, number: int, outcome: str, took: float) -> None:
        self.outcomes[outcome] += 1
        self.tried += 1
        self.slowest = max(self.slowest, (took, number))
        now = time.monotonic()
        if now - self._told >= TELL_EVERY:
            self._told = now
            rate = self.tried / (now - self._begin)
            left = (self.count - self.tried) / rate
            said = f"{rate:,.0f} a second, {left:,.0f} s left, {len(self.findings)} findings, {_size(1) >> 20} MiB"
            print(f"{self.name}: {self.tried:,} of {self.count:,}, {said}", file=sys.stderr, flush=True)

    def found(self, number: int, what: str, data: bytes) -> None:
        self.findings.append((number, what, data.hex()))
        print(f"{self.name}, seed {self.seed}, number {number}: {what[:300]}", file=sys.stderr, flush=True)

    def all(self) -> dict[str, object]:
        refusals = [count for outcome, count in self.outcomes.items() if not outcome.startswith("ok")]
        return {
            "target": self.name, "seed": self.seed, "tried": self.tried, "refused": sum(refusals),
            "ways": len(self.outcomes), "commonest": max(self.outcomes.values(), default=0),
            "slowest": round(self.slowest[0], 3), "slowest_number": self.slowest[1],
            "seconds": round(time.process_time() - self._used, 1), "elapsed": round(time.monotonic() - self._begin, 1),
            "findings": self.findings,
        }  # fmt: skip


def run(name: str, seed: str, first: int, count: int, folder: Path) -> dict[str, object]:
    """The figures of so many inputs from number ``first`` on."""
    from tests.fuzz.targets import TARGETS

    target = TARGETS[name]
    work = folder / "work"
    work.mkdir()
    os.chdir(work)
    reading = target.prepare(work)
    for good in reading.corpus:  # what is imported late is imported now
        with contextlib.suppress(PpcdbgError):
            reading.read(good, first)
    gc.freeze()  # what is there stays: each look through it for garbage would take long
    guard((work, folder / "state", folder / "cache", Path(os.environ.get("TMPDIR", "/tmp"))))
    resource.setrlimit(resource.RLIMIT_AS, (_size(0) + target.room,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 << 20, 256 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.signal(signal.SIGPROF, _late)
    signal.signal(signal.SIGALRM, _late)
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: ended.append(number))
    figures = Figures(name, seed, count)
    for number, data in inputs(name, seed, reading, first, count):
        _one(reading.read, number, data, figures)
        if ended or len(figures.findings) >= MOST:
            break
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    return {**figures.all(), "first": first, "grown": grown, "strays": strays(folder)}


def _size(field: int) -> int:
    """Bytes of this process: 0 for its address space, 1 for what is in memory of it."""
    return int(Path("/proc/self/statm").read_text().split()[field]) * resource.getpagesize()


def _one(read: Reader, number: int, data: bytes, figures: Figures) -> None:
    """Hand one input over, within the time that it may take."""
    from tests.fuzz.targets import one_sentence, place

    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    signal.alarm(int(60 * PATIENCE))
    start, outcome = time.process_time(), "finding"
    try:
        outcome = read(data, number)
    except PpcdbgError as error:
        outcome = place(error)
        try:
            one_sentence(error)
        except AssertionError as wrong:
            figures.found(number, str(wrong), data)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "ppcdbg/" in f.filename][-2:]
        at = " <- ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
        figures.found(number, f"{type(error).__name__}: {str(error)[:200]} at {at}", data)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
    figures.add(number, outcome, time.process_time() - start)


def _late(number: int, frame: FrameType | None) -> None:
    raise TooLong(f"more than {PATIENCE} s of processor time")


def strays(folder: Path) -> list[str]:
    """Files in the user's folders that have no business there."""
    allowed = ("work/", "state/ppcdbg/", "cache/ppcdbg/", "tmp/")
    found = (str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    return [name for name in found if not name.startswith(allowed)]


def main() -> None:
    name, seed, first, count, folder = sys.argv[1:]
    print(json.dumps(run(name, seed, int(first), int(count), Path(folder))))


if __name__ == "__main__":
    main()
