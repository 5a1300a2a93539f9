"""A target's inputs tried in processes of their own, the numbers shared out among them; the figures of all together.

    python -m tests.fuzz.runs [--jobs N] [--seed TEXT] [--count N] [--hours H] [TARGET...]

prints a row a target: this is how the figures of the README come again. ``--count``: inputs of each target in place of
its own number; ``--hours``: what is not done then is left, and the row says how far it came. All of it is 35 minutes of
processor time, nearly half of that the packets: 0.1 ms an expression, a line of input, an object, 0.3 to 1.2 a trace, a
dump, a description, an image, a tree, a snapshot, 0.9 a packet, 2 a command, 4 a session. ``TMPDIR`` in memory
(``/dev/shm``) spares the disk, which else takes three times as long as the readers.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.harness import GROWTH
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (("HOME", "home"), ("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_STATE_HOME", "state"),
           ("XDG_CACHE_HOME", "cache"), ("TMPDIR", "tmp"))  # fmt: skip
Found = dict[str, object]


def begun(name: str, seed: str, first: int, count: int, folder: Path) -> subprocess.Popen[str]:
    """A process that tries some of a target's inputs, at home in a folder of its own."""
    home = {key: str(folder / where) for key, where in FOLDERS}
    for path in home.values():
        Path(path).mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fuzz.harness", name, seed, str(first), str(count), str(folder)],
        cwd=ROOT, env={**os.environ, **home, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def tried(name: str, seed: str, count: int, folder: Path, jobs: int = 1, seconds: float | None = None) -> Found:
    """The figures of one target. Raises AssertionError where a process died."""
    end = None if seconds is None else time.monotonic() + seconds
    shares = [(count * job // jobs, count * (job + 1) // jobs) for job in range(jobs)]
    running = [begun(name, seed, a, b - a, folder / f"job{a}") for a, b in shares if b > a]
    found: list[Found] = []
    try:
        for process in running:
            try:
                out, _ = process.communicate(timeout=None if end is None else max(end - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGTERM)
                out, _ = process.communicate()
            assert process.returncode == 0, f"{name}: a process died with {process.returncode}"
            found.append(json.loads(out.splitlines()[-1]))
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.wait()
    return together(found)


def together(found: Sequence[Found]) -> Found:
    """The figures of processes that shared the inputs of one target."""
    numbers = {key: sum(f[key] for f in found) for key in ("tried", "refused", "commonest", "seconds")}  # type: ignore[misc]
    most = {key: max(f[key] for f in found) for key in ("slowest", "elapsed", "grown", "ways")}  # type: ignore[type-var]
    lists = {key: [each for f in found for each in f[key]] for key in ("findings", "strays")}  # type: ignore[attr-defined]
    worst = max(found, key=lambda f: float(str(f["slowest"])))["slowest_number"]
    return {
        "target": found[0]["target"], "seed": found[0]["seed"], **numbers, **most, **lists, "slowest_number": worst,
    }  # fmt: skip


def row(found: Found) -> str:
    """The figures as a line."""
    tries, elapsed = int(str(found["tried"])), float(str(found["elapsed"]))
    return (
        f"{found['target']}: {tries:,} tried, {tries / max(elapsed, 0.001):,.0f} a second, "
        f"{found['refused']:,} refused, "
        f"{found['ways']} ways out (the commonest {int(str(found['commonest'])) / max(tries, 1):.0%}), "
        f"{len(found['findings'])} findings, slowest {found['slowest']} s "
        f"(number {found['slowest_number']}), "  # type: ignore[arg-type]
        f"memory grown by {found['grown']} MiB; seed {found['seed']}"
    )


def told(found: Found, keep: bool) -> str:
    """What is wrong, with the inputs kept; empty where nothing is."""
    import hashlib

    name = str(found["target"])
    lines = [f"stray files: {found['strays']}"] if found["strays"] else []
    if int(str(found["grown"])) > GROWTH:
        lines.append(f"memory grew by {found['grown']} MiB")
    for number, what, data in found["findings"]:  # type: ignore[attr-defined]
        lines.append(f"{name}, seed {found['seed']}, number {number}: {what}\n    {data[:400]}")
        if keep:
            folder = CORPUS / name.replace(" ", "-")
            folder.mkdir(parents=True, exist_ok=True)
            raw = bytes.fromhex(data)
            (folder / hashlib.sha256(raw).hexdigest()[:12]).write_bytes(raw)
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", metavar="TARGET", nargs="*", help=f"of {', '.join(TARGETS)}; all, if none is named")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", default="soak")
    parser.add_argument("--count", type=int)
    parser.add_argument("--hours", type=float)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # and with it who tries
    end = None if given.hours is None else time.monotonic() + given.hours * 3600
    wrong = False
    for name in given.targets or TARGETS:
        left = None if end is None else max(end - time.monotonic(), 1)
        with tempfile.TemporaryDirectory() as folder:
            found = tried(name, given.seed, given.count or TARGETS[name].many, Path(folder), given.jobs, left)
        print(row(found), flush=True)
        if text := told(found, keep=True):
            wrong = True
            print(text, flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
