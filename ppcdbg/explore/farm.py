"""Who does the pieces of a search: a Dask cluster (``pip install ppcdbg[dask]``). What goes over its wire is bytes of
:mod:`.wire` and the name of a function; a piece whose worker dies is done by another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from ppcdbg.errors import EngineError, UsageError
from ppcdbg.explore.workers import Done, worker
from ppcdbg.scratch import Scratch

if TYPE_CHECKING:
    from distributed import Client, Future

DEATHS = 10
"""Of workers on one piece, after which it is given up."""
SECONDS = 5
"""To find the cluster."""


class Farm:
    """The workers of the cluster whose scheduler is at ``address``, such as ``tcp://host:8786``. Raises UsageError."""

    def __init__(self, task: bytes, address: str, seconds: float = SECONDS) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise UsageError("option --dask needs Dask: pip install 'ppcdbg[dask]'") from None
        try:
            self._client: Client = Client(address, timeout=seconds, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise UsageError(f"there is no Dask scheduler at {address}: {error}; one is tcp://HOST:PORT") from None
        self._task = self._client.scatter(task, broadcast=False, hash=True)
        self._futures: dict[Future[bytes], int] = {}
        self._some = threading.Event()
        """One is done, perhaps."""

    @property
    def waiting(self) -> int:
        return len(self._futures)

    def put(self, number: int, piece: bytes) -> None:
        future = self._client.submit(work, self._task, piece, pure=False, retries=DEATHS, priority=-number)
        self._futures[future] = number
        future.add_done_callback(lambda _: self._some.set())

    def stand(self, position: int) -> None:
        pass

    def last(self) -> None:
        pass

    def done(self, seconds: float) -> Done:
        if seconds and not any(future.done() for future in self._futures):
            self._some.wait(seconds)
        self._some.clear()
        found: Done = []
        for future in [f for f in self._futures if f.done()]:
            number = self._futures.pop(future)
            try:
                found.append((number, future.result()))
            except Exception as error:  # whatever a worker raised comes as itself
                raise EngineError(f"a Dask worker failed at a piece of the search: {error}") from error
        return found

    def close(self) -> None:
        self._client.cancel(list(self._futures))
        self._futures.clear()
        self._client.close()


def work(task: bytes, piece: bytes) -> bytes:
    """On a worker: one piece of a task. A thread that has done one keeps its guest for the next."""
    return _worker(task, threading.get_ident())(piece)


@lru_cache(maxsize=16)
def _worker(task: bytes, thread: int) -> Callable[[bytes], bytes]:
    folder = Scratch("race")
    made = worker(task, folder.path)

    def do(piece: bytes, folder: Scratch = folder) -> bytes:  # the folder lives as long as this does
        return made(piece)

    return do
