"""Who does the pieces of a search: processes of this host. A piece goes to whoever is free, in order, so that each
process only ever goes forward through the guest; one that dies is replaced, and its piece is done again."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from ppcdbg.errors import EngineError
from ppcdbg.explore import wire
from ppcdbg.explore.search import Search

Done = list[tuple[int, bytes]]
DEPTH = 2
"""Pieces that a process has at a time: the next one is there when it has finished one."""
DEATHS = 3
"""Of processes on the same piece, after which it is given up."""


class Workers(Protocol):
    """Anybody who does pieces."""

    def put(self, number: int, piece: bytes) -> None:
        """One more piece."""

    def done(self, seconds: float) -> Done:
        """The pieces that were finished meanwhile, by number; waits so long for one."""

    @property
    def waiting(self) -> int:
        """Pieces that are not done."""

    def close(self) -> None:
        """Nobody works any more."""


class Processes:
    """``jobs`` of them, each begun when there is a piece for it."""

    def __init__(self, task: bytes, jobs: int) -> None:
        self._task, self._jobs = task, jobs
        # A forked child would share the compiled code's threads and files; a new one makes everything anew.
        self._context = get_context("spawn")
        self._has: dict[Connection, list[int]] = {}
        self._all: dict[Connection, BaseProcess] = {}
        self._pieces: dict[int, bytes] = {}
        self._todo: deque[int] = deque()
        self._deaths: dict[int, int] = {}

    @property
    def waiting(self) -> int:
        return len(self._pieces)

    @property
    def processes(self) -> list[int]:
        """Their process ids."""
        return [process.pid or 0 for process in self._all.values()]

    def put(self, number: int, piece: bytes) -> None:
        self._pieces[number] = piece
        self._todo.append(number)
        self._give()

    def _give(self) -> None:
        while self._todo:
            worker = min(self._all, key=lambda w: len(self._has[w]), default=None)
            if len(self._all) < self._jobs and (worker is None or self._has[worker]):
                worker = self._start()
            if worker is None or len(self._has[worker]) >= DEPTH:
                return
            self._has[worker].append(number := self._todo.popleft())
            try:
                worker.send_bytes(self._pieces[number])
            except OSError:
                self._died(worker)

    def _start(self) -> Connection:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, self._task), daemon=True)
        process.start()
        theirs.close()
        self._all[ours], self._has[ours] = process, []
        return ours

    def done(self, seconds: float) -> Done:
        found: Done = []
        for worker in wait(list(self._all), seconds):
            assert isinstance(worker, Connection)
            try:
                answer = worker.recv_bytes()
            except (EOFError, OSError):
                self._died(worker)
                continue
            number = self._has[worker].pop(0)
            del self._pieces[number]
            found.append((number, answer))
        self._give()
        return found

    def _died(self, worker: Connection) -> None:
        had, process = self._has.pop(worker), self._all.pop(worker)
        process.join()
        worker.close()
        for number in had[:1]:
            self._deaths[number] = self._deaths.get(number, 0) + 1
            if self._deaths[number] >= DEATHS:
                raise EngineError(f"a process of the search ended with status {process.exitcode}, again and again")
        self._todo.extendleft(reversed(had))

    def close(self) -> None:
        for worker, process in self._all.items():
            process.terminate()
            worker.close()
        for process in self._all.values():
            process.join()
        self._all.clear()
        self._has.clear()


def serve(pieces: Connection, task: bytes) -> None:
    """A process of its own: pieces come, results go, until nobody is there any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's goes to all of its processes: the first one decides
    with TemporaryDirectory(prefix="ppcdbg-race-") as folder:
        work = worker(task, Path(folder))
        while True:
            try:
                piece = pieces.recv_bytes()
            except EOFError:
                return
            try:
                pieces.send_bytes(work(piece))
            except BrokenPipeError:
                return


def worker(task: bytes, folder: Path) -> Callable[[bytes], bytes]:
    """What does pieces of a task, with one guest for all of them."""
    what = wire.task_of(task, folder)
    search: Search = what.begin()

    def work(piece: bytes) -> bytes:
        units, sites = wire.piece_of(piece)
        return wire.results_bytes([search.unit(what.plan, unit, sites[unit.site]) for unit in units])

    return work
