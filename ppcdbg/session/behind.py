"""Work that is done behind the run that it is about: one thread, one thing after the other, in the order given.

Packing, hashing and writing a recording take as long as the guest's own work at a start; here they take the other
processor. What is handed over must be nobody else's any more, and nothing comes back but an error: so no thread has a
say in what a guest does. Who hands over more than is done waits.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

Work = Callable[[], object]
AHEAD = 8
"""Pieces of work that may wait."""


class Behind:
    """One thread, from the first piece of work to ``close``."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Work | None] = queue.Queue(AHEAD)
        self._failed: Exception | None = None
        self._told = False
        self._thread = threading.Thread(target=self._run, name="session", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            work = self._waiting.get()
            try:
                if work is None:
                    return
                if self._failed is None:
                    work()
            except Exception as error:  # whoever waits next is told; what came after it would have holes
                self._failed = error
            finally:
                self._waiting.task_done()

    def put(self, work: Work) -> None:
        """Have something done. Raises what earlier work failed with: from then on nothing is done any more."""
        self._tell()
        self._waiting.put(work)

    def here(self) -> bool:
        """Whether this is the thread itself."""
        return threading.current_thread() is self._thread

    def wait(self) -> None:
        """Return when everything is done. Raises what it failed with."""
        self._waiting.join()
        self._tell()

    @property
    def failed(self) -> bool:
        """Whether anything has."""
        return self._failed is not None

    def close(self) -> None:
        """As ``wait``, and the thread is gone; what it failed with is raised unless that was done before."""
        self._waiting.put(None)
        self._thread.join()
        if not self._told:
            self._tell()

    def _tell(self) -> None:
        if self._failed is not None:
            self._told = True
            raise self._failed
