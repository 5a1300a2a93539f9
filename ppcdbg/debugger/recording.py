"""Recording what is debugged into a session file, from any moment on: what is known of the run goes into it whole."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.errors import InputError, UsageError
from ppcdbg.session.following import Following, Row
from ppcdbg.session.store import Store

if TYPE_CHECKING:
    from ppcdbg.debugger.travel import Travel


class Recording:
    """The recording of one debugger, if there is one. ``path``: the file."""

    def __init__(self, travel: Travel) -> None:
        self._travel = travel
        self._recorder: Following | None = None
        self.path: Path | None = None

    @property
    def begins(self) -> int:
        """The position with which a file begins that is begun now."""
        return self._travel.timeline.start[0]

    @property
    def _annotations(self) -> tuple[list[Callable[[], None]], ...]:
        travel = self._travel
        return travel.bookmarks.changed, travel.notes.changed, travel.debugger.branches.changed

    def start(self, path: Path) -> None:
        """Begin to record. Raises UsageError where that cannot be, and InputError where no file can."""
        if self.path is not None:
            raise UsageError(f"this run is being recorded into {self.path}; say `record stop` first")
        self._recorder, self.path = self._begun(path), path
        for kept in self._annotations:
            kept.append(self._noted)
        atexit.register(self._leave)

    def save(self, path: Path) -> int:
        """Write the run up to now, whatever is being recorded; the size of the file. Raises as ``start``."""
        self._ended(self._begun(path))
        return path.stat().st_size

    def _begun(self, path: Path) -> Following:
        travel = self._travel
        system = travel.debugger.system
        if system.description is None:
            raise UsageError("this guest was not made from a description, so no file could make it again")
        timeline = travel.timeline
        if path.exists():
            raise UsageError(f"{path} exists already; name another file, or remove it")
        interrupts = [] if travel.debugger.has_exits else self._interrupts()
        store = Store.new(path)
        try:
            recorder = Following(system, store, timeline, interrupts)
            self._keep(recorder)
            store.settle()
        except InputError:
            with suppress(InputError):
                store.close(keep=False)
            store.remove()
            raise
        return recorder

    def _ended(self, recorder: Following) -> None:
        try:
            recorder.finish()
        finally:
            recorder.store.close()

    def _interrupts(self) -> list[Row]:
        """Those of a bare machine are known only to who runs through its past."""
        travel, debugger = self._travel, self._travel.debugger
        last, before = debugger.last, debugger.before
        with travel.unrecorded():
            rows = travel.interrupts()
        debugger.stands(last, before)
        if rows is None:
            raise UsageError("interrupted; nothing is recorded")
        return rows

    def stop(self) -> tuple[Path, int]:
        """End the recording: the file and its size. Raises UsageError where there is none, and InputError where
        it could not be written."""
        if self._recorder is None or self.path is None:
            raise UsageError("nothing is being recorded; `record FILE` begins")
        recorder, path = self._recorder, self.path
        self._recorder = self.path = None
        for kept in self._annotations:
            kept.remove(self._noted)
        atexit.unregister(self._leave)
        self._ended(recorder)
        try:
            return path, path.stat().st_size
        except OSError as error:
            raise UsageError(f"{path} is not there any more: {error.strerror}") from None

    def _noted(self) -> None:
        if self._recorder is not None:
            self._keep(self._recorder)

    def _keep(self, recorder: Following) -> None:
        travel, branches = self._travel, self._travel.debugger.branches
        recorder.keep(travel.bookmarks.of_file(), travel.notes.rows, branches.futures(branches.current))

    def _leave(self) -> None:
        if self._recorder is not None:
            with suppress(UsageError):  # what could not be written was said when it was to be, and nobody is left
                self.stop()
