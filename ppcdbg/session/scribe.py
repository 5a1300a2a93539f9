"""What a recorder tells, written into a store: states are hashed, logs packed, and all of it committed at intervals.

Nobody here knows the machine that is recorded: what is told is plain data, so that another process can be who writes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from ppcdbg.cpu.plain import Plain, Saved
from ppcdbg.machine.console import LONGEST
from ppcdbg.machine.input import InputEvent, Moment
from ppcdbg.session.checkpoints import Writer
from ppcdbg.session.pages import Known
from ppcdbg.session.snapshots import hash_of
from ppcdbg.session.store import Mark, Store

MomentData = tuple[int, int, int, int | None]
"""The fields of a ``Moment``."""


class Scribe:
    """``kept``: the position up to which the file holds the run; ``hashing``: seconds that the last hash took, with the
    looks that it was made of."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = Known()
        self.shelf: Writer | None = None
        self.kept: int | None = None
        self.hashing = self._looking = 0.0
        self.lines: dict[int, tuple[int, bytes]] = {}
        """By port: number and text of a line that goes on."""

    def look(self, stretches: Iterable[tuple[int, bytes | memoryview]]) -> None:
        """Stretches of pages, by address, as they are now."""
        begun = time.monotonic()
        self._known.look(stretches)
        self._known.total()  # what there is to hash is hashed at once: more may be on its way meanwhile
        self._looking += time.monotonic() - begun

    def mark(self, moment: MomentData, state: Saved) -> None:
        """A state, whose RAM is what was looked at last: its hash is what replays are held to."""
        begun = time.monotonic()
        self._store.add_marks([Mark(Moment(*moment), hash_of(state, self._known.total()))])
        self.hashing, self._looking = self._looking + time.monotonic() - begun, 0.0

    def begin(self) -> None:
        """The state that was told last is where checkpoints begin, unless somebody knows an earlier one."""
        self.shelf = self.shelf or Writer(self._store, self._known.all())

    def shelve(self, moment: MomentData, taken: int, state: Saved) -> None:
        """A checkpoint, before which ``taken`` pieces of input lie."""
        assert self.shelf is not None
        self.shelf.add(Moment(*moment), taken, state, self._known.all(), self._known.total)

    def note(
        self, first: Mapping[str, int], events: Sequence[Plain], exits: Sequence[object],
        interrupts: Sequence[Sequence[int]], consoles: Sequence[tuple[bytes, Sequence[int]]],
    ) -> None:  # fmt: skip
        """What happened since the last note. ``first``: the number of the first entry of each log."""
        store = self._store
        store.add_input([InputEvent.of(event) for event in events], first["input"])
        store.add_exits(first["exit"], exits)
        store.add_chunk("interrupt", first["interrupt"], interrupts)
        for port, (output, positions) in enumerate(consoles):
            store.add_chunk(f"console{port}", first[f"console{port}"], [*zip(output, positions, strict=True)])
            if output:
                self._lines(port, output, positions)

    def _lines(self, port: int, output: bytes, positions: Sequence[int]) -> None:
        """A line is one row, however many notes it comes in; one that does not end is closed when it is long."""
        number, before = self.lines.pop(port, (0, b""))
        at, line = -len(before), b""
        for line in (before + output).splitlines(keepends=True):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if number and at < 0:
                self._store.change_line(number, text)
            else:
                number = self._store.add_line(port, positions[at], text)
            at += len(line)
        if not line.endswith(b"\n") and len(line) < LONGEST:
            self.lines[port] = number, line

    def end(self, ended: Sequence[object] | None) -> None:
        """How the guest ended, if it did."""
        self._store.set("end", ended)

    def commit(self, moment: MomentData) -> None:
        """All of it stays, up to this moment."""
        self._store.set("reached", [*moment])
        self._store.commit()
        self.kept = moment[0]
