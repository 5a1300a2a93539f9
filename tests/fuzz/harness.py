"""One reader, many damaged inputs, in a process with bounds: memory, time, and where it may write.

    python -m tests.fuzz.harness TARGET SEED COUNT FOLDER

prints one line of JSON. Every input is made from the seed and its number alone, so a number reproduces it.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

GROWTH = 256
"""MiB of memory that a process may come to use beyond what it uses when it begins, whatever it reads."""
PATIENCE = 10.0
"""Seconds of processor time for one input."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
MOST = 5


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


def inputs(target: str, seed: str, corpus: list[bytes], count: int) -> Iterator[tuple[int, bytes]]:
    from tests.fuzz.mutate import mutated
    from tests.fuzz.targets import TARGETS

    for number in range(count):
        rng = random.Random(f"{target}/{seed}/{number}")
        yield number, mutated(rng, corpus, TARGETS[target].kinds)


def run(name: str, seed: str, count: int, folder: Path) -> dict[str, object]:
    """The figures; ``findings`` are (number, what, the input in hexadecimal)."""
    from ppcdbg.errors import PpcdbgError
    from tests.fuzz.targets import TARGETS, one_sentence

    target = TARGETS[name]
    work = folder / "work"
    work.mkdir()
    os.chdir(work)
    corpus, read = target.prepare(work)
    for good in corpus:  # what is imported late is imported now
        _try(read, good)
    guard((work, folder / "state", folder / "cache", Path(os.environ.get("TMPDIR", "/tmp"))))
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + target.room,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 << 20, 256 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.signal(signal.SIGPROF, _late)
    signal.signal(signal.SIGALRM, _late)
    findings: list[tuple[int, str, str]] = []
    refused, slowest, begin = 0, 0.0, time.process_time()
    for number, data in inputs(name, seed, corpus, count):
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)
        signal.alarm(int(60 * PATIENCE))
        start = time.process_time()
        try:
            read(data)
        except PpcdbgError as error:
            refused += 1
            try:
                one_sentence(error, data)
            except AssertionError as wrong:
                findings.append((number, str(wrong), data.hex()))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            frames = [f for f in traceback.extract_tb(error.__traceback__) if "ppcdbg/" in f.filename][-2:]
            at = " <- ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
            findings.append((number, f"{type(error).__name__}: {str(error)[:200]} at {at}", data.hex()))
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.alarm(0)
        slowest = max(slowest, time.process_time() - start)
        if len(findings) >= MOST:
            break
    return {
        "target": name, "seed": seed, "tried": number + 1, "refused": refused, "slowest": round(slowest, 3),
        "seconds": round(time.process_time() - begin, 1), "findings": findings,
        "grown": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024,
        "strays": strays(folder),
    }  # fmt: skip


def _try(read: Any, data: bytes) -> None:
    from ppcdbg.errors import PpcdbgError

    with contextlib.suppress(PpcdbgError):
        read(data)


def _late(number: int, frame: FrameType | None) -> None:
    raise TooLong(f"more than {PATIENCE} s of processor time")


def strays(folder: Path) -> list[str]:
    """Files in the user's folders that have no business there."""
    allowed = ("work/", "state/ppcdbg/", "cache/ppcdbg/", "tmp/")
    found = (str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    return [name for name in found if not name.startswith(allowed)]


def main() -> None:
    name, seed, count, folder = sys.argv[1:]
    print(json.dumps(run(name, seed, int(count), Path(folder))))


if __name__ == "__main__":
    main()
