"""A session file that another process writes, so that the guest's has nothing to do but to tell it what happened.

Packing, hashing and writing a recording of a boot take a fifth of the boot's processor time, and on a thread most of
that is taken from the run, for one interpreter runs one thread at a time. The process is forked before there is much
to fork and ends when it hears no more: so a run that is killed leaves all that it told up to its last commit.

What is told goes through a pipe, as ``marshal`` has it, which is data between two halves of one program; what is large
through memory that both have, a ring. Back come reports, one for each thing told:

    u64 told    how many things are done
    u64 freed   how far the ring is free again
    i64 kept    ``Writes.kept``; -1: None
    f64 hashing ``Writes.hashing``
    u32 fault   what failed: the length of a text that follows, 0 for nothing; bit 31: a fault of our own
"""

from __future__ import annotations

import marshal
import mmap
import os
import signal
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from select import select
from typing import TYPE_CHECKING, Any, NoReturn

from ppcdbg.errors import InputError
from ppcdbg.session.files import claim, remove
from ppcdbg.session.pages import PAGE
from ppcdbg.session.writes import Stretch

if TYPE_CHECKING:
    from ppcdbg.session.scribe import Scribe
    from ppcdbg.session.store import Store

RING = 32 << 20
PART = RING // 4
"""Bytes that go through the ring in one piece."""
LOOK = 1 << 19
"""Bytes of RAM that are told at once: the other process works on them while more are copied."""
AT_ONCE = 8 << 20
"""Bytes of the ring that are touched by the other process first, while there is nothing to do."""
INLINE = 4096
"""Bytes of something that goes through the pipe itself."""
_ORDER, _REPORT = struct.Struct("<QQQ"), struct.Struct("<QQqdI")
"""An order: where the ring is used up to; where in it what is told lies (``NOWHERE``: it follows); how long that is."""
NOWHERE = (1 << 64) - 1
OURS = 1 << 31


class Elsewhere:
    """A new session file; see ``Writes``. ``begin`` puts in what is known before there is a machine."""

    def __init__(self, path: Path, begin: Callable[[Store], object]) -> None:
        claim(path)
        self.path = path
        self.kept: int | None = None
        self.hashing = 0.0
        self._ring, self._used, self._freed = mmap.mmap(-1, RING), 0, 0
        self._told, self._done = 0, 0
        self._failed: Exception | None = None
        self._gone, self._said = False, False
        self._heard = b""
        orders, self._orders = os.pipe()
        self._reports, reports = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            os.close(self._orders)
            os.close(self._reports)
            _serve(path, begin, memoryview(self._ring), orders, reports)
        os.close(orders)
        os.close(reports)
        os.set_blocking(self._reports, False)

    # --- telling ----------------------------------------------------------------------------------
    def look(self, ram: memoryview, stretches: Iterable[Stretch]) -> None:
        """See ``Writes``."""
        self._listen(wait=False)
        part, size = list[tuple[int, int, int]](), 0
        for begin, end in stretches:
            if size + end - begin > LOOK:
                self.tell("look", part)
                part, size = [], 0
            part.append((begin, self._put(ram[begin:end]), end - begin))
            size += end - begin
        if part:
            self.tell("look", part)

    def tell(self, name: str, *said: Any) -> None:
        """See ``Writes``."""
        data, at = marshal.dumps((name, said)), NOWHERE
        self._listen(wait=False)
        if INLINE < len(data) <= PART:
            at = self._put(data)
        order = _ORDER.pack(self._used, at, len(data)) + (data if at == NOWHERE else b"")
        try:
            while order:
                order = order[os.write(self._orders, order) :]
        except BrokenPipeError:
            self._listen(wait=True)
            self._raise()
        self._told += 1

    def _put(self, data: bytes | memoryview) -> int:
        """Where in the ring it lies now, in one piece."""
        size, at, empty = len(data), self._used % RING, self._used == self._freed
        if at and (empty or at + size > RING):  # memory that was used before costs no page faults
            self._used += RING - at
            self._freed = self._used if empty else self._freed
        while self._used + size - self._freed > RING:
            self._listen(wait=True)
        at = self._used % RING
        self._ring[at : at + size] = data
        self._used += size
        return at

    # --- hearing ----------------------------------------------------------------------------------
    def _listen(self, *, wait: bool) -> None:
        """Take the reports that have come; ``wait``: at least one, unless none can come. Raises what failed."""
        if wait and not self._gone:
            select([self._reports], [], [])
        try:
            while not self._gone:
                heard = os.read(self._reports, 1 << 16)
                self._gone = not heard
                self._heard += heard
        except BlockingIOError:
            pass
        heard, at = self._heard, 0
        while len(heard) - at >= _REPORT.size:
            done, freed, kept, hashing, fault = _REPORT.unpack_from(heard, at)
            end = at + _REPORT.size + fault % OURS
            if end > len(heard):
                break
            self._done, self._freed, self.kept, self.hashing = done, freed, None if kept < 0 else kept, hashing
            if fault:
                text = heard[at + _REPORT.size : end].decode()
                self._failed = RuntimeError(text) if fault & OURS else InputError(text)
            at = end
        self._heard = heard[at:]
        if self._failed is not None or self._gone and self._done < self._told:
            self._raise()

    def _raise(self) -> NoReturn:
        self._said = True
        raise self._failed or InputError(f"cannot write session {self.path}: the process that writes it has ended")

    def settle(self) -> None:
        """See ``Writes``."""
        self._listen(wait=False)
        while self._done < self._told:
            self._listen(wait=True)

    def close(self) -> None:
        """The file has all that was told, and nobody writes it any more. Raises what failed and was not raised yet."""
        os.close(self._orders)
        try:
            while not self._gone:
                self._listen(wait=True)
        except (InputError, RuntimeError):
            if not self._said:
                raise
        finally:
            os.waitpid(self.process, os.WNOHANG)  # whether it is gone or not, the file is whole
            os.close(self._reports)

    def remove(self) -> None:
        """Take the file away, which is closed: nothing is in it."""
        remove(self.path)


# --- the other process ---------------------------------------------------------------------------------------------
def _serve(path: Path, begin: Callable[[Store], object], ring: memoryview, orders: int, reports: int) -> NoReturn:
    """Do what is told until nothing more is. Who ends the run does not end this, which ends after it."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    status = 1
    try:
        status = _Half(path, ring, reports).serve(begin, orders)
    finally:
        os._exit(status)


class _Half:
    """The half of this program that writes."""

    def __init__(self, path: Path, ring: memoryview, reports: int) -> None:
        self._path, self._ring, self._reports = path, ring, reports
        self._done = self._used = 0
        self._scribe: Scribe | None = None

    def serve(self, begin: Callable[[Store], object], orders: int) -> int:
        """Everything, from the making of the file on; an exit status."""
        try:
            self._ring[:AT_ONCE:PAGE].tobytes()  # reading has the system find memory, which is what takes time
            from ppcdbg.session.scribe import Scribe
            from ppcdbg.session.store import Store

            store = Store.begun(self._path, behind=False)
            try:
                store.carry_out(begin)
                self._scribe = Scribe(store)
                with open(orders, "rb") as source:
                    while len(head := source.read(_ORDER.size)) == _ORDER.size:
                        self._used, at, size = _ORDER.unpack(head)
                        data = source.read(size) if at == NOWHERE else self._ring[at : at + size]
                        if len(data) < size:
                            break  # who told it was killed
                        store.carry_out(partial(self._do, *marshal.loads(data)))
                        self._done += 1
                        self._report()
            finally:
                store.close(keep=False)  # who was killed may have told half of a moment
            os.close(self._reports)  # who waits need not see this process go
        except InputError as error:
            self._report(str(error).encode())
            return 1
        except Exception:  # the other half raises it
            from traceback import format_exc

            self._report(format_exc().encode(), OURS)
            return 1
        return 0

    def _do(self, name: str, said: tuple[Any, ...], _: Store) -> None:
        if name == "look":
            said = ([(page, self._ring[at : at + size]) for page, at, size in said[0]],)
        getattr(self._scribe, name)(*said)

    def _report(self, fault: bytes = b"", whose: int = 0) -> None:
        scribe = self._scribe
        kept, hashing = (None, 0.0) if scribe is None else (scribe.kept, scribe.hashing)
        head = self._done, self._used, -1 if kept is None else kept, hashing, whose | len(fault)
        with suppress(BrokenPipeError):  # who told it was killed; what was told is written all the same
            os.write(self._reports, _REPORT.pack(*head) + fault)
