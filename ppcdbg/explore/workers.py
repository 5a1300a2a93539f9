"""Who does the pieces of a search: processes of this host. A piece goes to whoever is free, in order, so that each
process only ever goes forward through the guest; one that dies is replaced, and its piece is done again."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from errno import ENOMEM
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

from ppcdbg.errors import EngineError, InputError
from ppcdbg.explore import wire
from ppcdbg.explore.search import Search
from ppcdbg.explore.strategies import Plan
from ppcdbg.explore.task import Task
from ppcdbg.scratch import scratch

Work = Callable[[bytes], bytes]
"""Does a piece."""
Start = Callable[[Connection, Sequence[Connection]], BaseProcess]
Done = list[tuple[int, bytes]]
DEPTH = 2
"""Pieces that a process has at a time while more may come: the next one is there when it has finished one."""
FAR = 20_000_000
"""Instructions that a process of a search is spared where that costs two forks: a tenth of a second."""
POLL = 0.05
"""Seconds between two looks at whether a search is to stop."""
DEATHS = 3
"""Of processes on the same piece, after which it is given up."""
NO_MEMORY = 12
"""The status of a process that got no memory for a piece, which another may get."""


class Workers(Protocol):
    """Anybody who does pieces."""

    def put(self, number: int, piece: bytes) -> None:
        """One more piece."""

    def done(self, seconds: float) -> Done:
        """The pieces that were finished meanwhile, by number; waits so long for one."""

    def stand(self, position: int) -> None:
        """The guest of whoever looks for sites has come here, and has no site behind it that was not put in."""

    def last(self) -> None:
        """No piece comes any more, so that whoever puts them has time to hand them out one by one."""

    @property
    def waiting(self) -> int:
        """Pieces that are not done."""

    def close(self) -> None:
        """Nobody works any more."""


class Processes:
    """``jobs`` of them, each begun when there is a piece for it. ``start`` begins one that serves its end of a pipe;
    the other ends, which it is given as well, are not its own. ``copies``: it then stands where the guest of this
    process does, so that they are begun anew where that has come far and found nothing."""

    def __init__(self, start: Start, jobs: int, copies: bool = False) -> None:
        self._begin, self._jobs, self._copies = start, jobs, copies
        self._stood = 0
        self._has: dict[Connection, list[int]] = {}
        self._all: dict[Connection, BaseProcess] = {}
        self._pieces: dict[int, bytes] = {}
        self._todo: deque[int] = deque()
        self._deaths: dict[int, int] = {}
        self._depth = DEPTH
        self._worked = False

    @property
    def waiting(self) -> int:
        return len(self._pieces)

    @property
    def processes(self) -> list[int]:
        """Their process ids."""
        return [process.pid or 0 for process in self._all.values()]

    def put(self, number: int, piece: bytes) -> None:
        self._worked = True
        self._pieces[number] = piece
        self._todo.append(number)
        self._give()

    def stand(self, position: int) -> None:
        if self._copies and not self._worked and position - self._stood >= FAR:
            self._stood = position
            self.close()
            for _ in range(self._jobs):
                self._start()

    def last(self) -> None:
        self._depth = 1

    def _give(self) -> None:
        while self._todo:
            worker = min(self._all, key=lambda w: len(self._has[w]), default=None)
            if len(self._all) < self._jobs and (worker is None or self._has[worker]):
                worker = self._start()
            if worker is None or len(self._has[worker]) >= self._depth:
                return
            self._has[worker].append(number := self._todo.popleft())
            try:
                worker.send_bytes(self._pieces[number])
            except OSError:
                self._died(worker)

    def _start(self) -> Connection:
        ours, theirs = Pipe()
        process = self._begin(theirs, [*self._all, ours])
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
            if self._deaths[number] >= DEATHS and process.exitcode == NO_MEMORY:
                raise InputError("the host gives the processes of the search no more memory; fewer --jobs need less")
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


def processes(task: Task, search: Search, jobs: int) -> Processes:
    """Who does a task's pieces: forks of this process, whose guest stands where ``search`` does and costs nothing to
    make; or new processes, where this one has threads that a fork would not have, or the host does not fork."""
    search.system.engine.rest()
    if _forks():
        return Processes(lambda theirs, ours: _forked(task, search, theirs, ours), jobs, copies=True)
    with scratch("race") as folder:
        data = wire.task_bytes(task, folder)
    return spawned(data, jobs)


def apart(work: Work, jobs: int) -> Processes:
    """Who does pieces that say all that is needed: ``work`` is a function of a module."""
    if _forks():
        return Processes(lambda theirs, ours: _begun("fork", _serve_apart, theirs, ours, work), jobs)
    return Processes(lambda theirs, ours: _begun("spawn", _serve_apart, theirs, (), work), jobs)


def spawned(task: bytes, jobs: int) -> Processes:
    """New processes, which make everything anew."""
    return Processes(lambda theirs, ours: _begun("spawn", _serve_task, theirs, task), jobs)


def _forked(task: Task, search: Search, theirs: Connection, ours: Sequence[Connection]) -> BaseProcess:
    search.system.engine.rest()  # what compiles behind the guest would be missing there, and might hold a lock
    return _begun("fork", _serve_search, theirs, ours, task, search)


def _forks() -> bool:
    """Whether a fork would have all that this process has: threads it would not have."""
    return sys.platform == "linux" and threading.active_count() == 1


def _begun(how: str, serve: Callable[..., None], *told: object) -> BaseProcess:
    process: BaseProcess = get_context(how).Process(target=serve, args=told, daemon=True)  # type: ignore[attr-defined]
    process.start()
    return process


def _serve_search(pieces: Connection, others: Sequence[Connection], task: Task, search: Search) -> None:
    for connection in others:
        connection.close()  # or nobody would ever see that the first process is gone
    search.detach()
    _serve(pieces, doing(task.plan, search))


def _serve_apart(pieces: Connection, others: Sequence[Connection], work: Work) -> None:
    for connection in others:
        connection.close()
    _serve(pieces, work)


def _serve_task(pieces: Connection, task: bytes) -> None:
    with scratch("race") as folder:
        _serve(pieces, worker(task, folder))


def _serve(pieces: Connection, work: Work) -> None:
    """A process of its own: pieces come, results go, until nobody is there any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's goes to all of its processes: the first one decides
    while True:
        try:
            piece = pieces.recv_bytes()
        except EOFError:
            return
        try:
            pieces.send_bytes(work(piece))
        except BrokenPipeError:
            return
        except (MemoryError, OSError) as error:
            if isinstance(error, OSError) and error.errno != ENOMEM:
                raise
            os._exit(NO_MEMORY)


def worker(task: bytes, folder: Path) -> Work:
    """What does pieces of a task, with one guest for all of them."""
    what = wire.task_of(task, folder)
    return doing(what.plan, what.begin())


def doing(plan: Plan, search: Search) -> Work:
    """What does pieces with the guest of a search."""

    def work(piece: bytes) -> bytes:
        units, sites = wire.piece_of(piece)
        return wire.results_bytes([search.unit(plan, unit, sites[unit.site]) for unit in units])

    return work
