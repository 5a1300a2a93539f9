"""The host's clock, and processes timed by it: the only place of the benchmark that knows what time it is.

Nothing read here goes anywhere but into a figure. What is measured, and how a figure is made of it, is elsewhere.
"""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

now = time.perf_counter
"""Seconds from an arbitrary start."""

pause = time.sleep
"""Wait for so many seconds; for another process, never within a measurement."""


@dataclass(frozen=True)
class Finished:
    """A process that ended: wall seconds from before its creation until it was reaped, and what it printed.

    ``processor``: seconds of processor time, the system's included, of all its threads.
    """

    seconds: float
    processor: float
    status: int
    output: bytes
    errors: bytes


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Wall seconds that a call took, and its result."""
    start = now()
    result = work()
    return now() - start, result


def worked(work: Callable[[], Result]) -> tuple[float, Result]:
    """Processor seconds that a call took of this thread, and its result: for work that waits for nothing."""
    start = time.thread_time()
    result = work()
    return time.thread_time() - start, result


def process(
    command: Sequence[str], timeout: float, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Finished | None:
    """Run a command with no input to its end; None if it was still running after ``timeout`` seconds.

    ``environment`` and ``folder`` are where it runs, by default as this process.
    """
    before, start = _processor(), now()
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            env=environment,
            cwd=folder,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return Finished(now() - start, _processor() - before, done.returncode, done.stdout, done.stderr)


def _processor() -> float:
    """Seconds that the processes used which were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
