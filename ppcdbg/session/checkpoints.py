"""Checkpoints in a session file: states with their RAM, so that nobody need replay a long session to be anywhere in it.

Each holds the pages that differ from the one before, the first those that differ from the machine as built, and the
hash of the whole state. All hang together by a digest that begins with the machine and its input: so one that was
damaged, or belongs to another run, is known before anything of it is used, and the state that is made of it is held to
its hash. What does not hold is left out, and replaying takes its place. A reader believes no size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from struct import error as OutOfRange
from typing import TYPE_CHECKING, Any

from ppcdbg.cpu.plain import Plain, Saved, numbers, octets, table, whole
from ppcdbg.errors import InputError
from ppcdbg.session import columns
from ppcdbg.session.pace import SPACING, next_checkpoint
from ppcdbg.session.pages import PAGE, ZERO
from ppcdbg.session.plain import DamagedError, decode, encode
from ppcdbg.session.snapshots import SNAPSHOT_FORMAT, StateHash, hash_of

if TYPE_CHECKING:
    from ppcdbg.machine.input import Moment
    from ppcdbg.session.store import Store

MOST_PAGES = 48 << 10
"""Pages that the checkpoints of one file hold at most, all together: 192 MiB before compression."""
MOST_BYTES = 64 << 20
"""And as they stand in the file."""
LARGEST_STATE = 32 << 20
BROKEN = (DamagedError, TypeError, ValueError, LookupError, OverflowError, OutOfRange, AttributeError)
"""What a state raises that is none."""
DIGEST = 16
_ADDRESS = Struct("<Q")


@dataclass(frozen=True)
class Kept:
    """One checkpoint. ``pages``: those that differ from the one before; ``taken``: pieces of input that lie before;
    ``hash`` works out that of the state."""

    moment: Moment
    taken: int
    state: Saved
    pages: Mapping[int, bytes]
    hash: Callable[[], StateHash]


class Writer:
    """Puts checkpoints behind those that a store has. ``pages``: RAM as the first differs from."""

    def __init__(self, store: Store, pages: Mapping[int, bytes], spacing: float = SPACING) -> None:
        self._store = store
        self._before: Mapping[int, bytes] = dict(pages)
        self._spacing = spacing
        self._number = 0
        self._taken = 0
        self._digest = b""
        self._room, self._bytes = MOST_PAGES, MOST_BYTES
        self.full = False

    @property
    def count(self) -> int:
        """How many were written."""
        self._store.settle()
        return self._number

    def due(self, seconds: float) -> float:
        """When the next is to come, where ``seconds`` of running lie before the last one."""
        return next_checkpoint(seconds, self._spacing)

    def close(self) -> None:
        """No more: some of those that were written are taken out again."""
        self.full = True

    def add(
        self, moment: Moment, taken: int, state: Saved, pages: Mapping[int, bytes], total: Callable[[], int]
    ) -> None:
        """Have a state written down, with all of RAM; nothing where the file has no room for more.

        ``total`` gives the hash of that RAM, and is called behind the run.
        """
        differing = self._differing(dict(pages))
        if self.full:
            return
        kept = Kept(moment, taken, state, differing, lambda: hash_of(state, total()))
        self._store.later(lambda _: self._write(kept))

    def _differing(self, ram: Mapping[int, bytes]) -> dict[int, bytes]:
        """The pages of RAM that a checkpoint has to hold; without room for them it is the last."""
        before, self._before = self._before, ram
        differing = {page: now for page, now in ram.items() if (was := before.get(page, ZERO)) is not now != was}
        self._room -= len(differing)
        self.full = self.full or self._room < 0
        return differing

    def again(self, kept: Kept) -> None:
        """Put back the checkpoint that a session begins with; RAM is known as it is there."""
        self._store.later(lambda _: self._write(kept))

    def _write(self, kept: Kept) -> None:
        if self.full:
            return
        store = self._store
        if not self._digest:
            self._digest = identity(store)
        stated = [*dict(kept.hash().parts()).values()]
        made: dict[str, Plain] = {"format": SNAPSHOT_FORMAT, "taken": kept.taken, "hash": stated, "state": kept.state}
        body = columns.compress(encode(made))
        order = sorted(kept.pages)
        addresses = columns.compress(b"".join(map(_ADDRESS.pack, order)))
        pages = columns.compress(b"".join(kept.pages[page] for page in order))
        self._bytes -= len(body) + len(addresses) + len(pages)
        if self._bytes < 0:
            self.full = True
            return
        m = kept.moment
        self._digest = _chained(self._digest, store, (m.position, m.skipped, m.steps, m.pc), self._taken, kept.taken,
                                (body, addresses, pages))  # fmt: skip
        row = (self._number, m.position, m.skipped, m.steps, m.pc, self._digest + body, addresses, pages)
        self._keep(row)
        self._number += 1
        self._taken = kept.taken

    def _keep(self, row: Sequence[object]) -> None:
        self._store.put_checkpoint(row)


def identity(store: Store) -> bytes:
    """What a checkpoint belongs to: the machine with its images."""
    images = [[image[0], image[1]] for image in store.rows("SELECT role, sha256 FROM image ORDER BY role")]
    machine = store.rows("SELECT value FROM session WHERE key = 'machine'")
    return _hash(encode([*images, str(machine[0][0]) if machine else ""]))


def _chained(
    before: bytes, store: Store, moment: Sequence[int | None], taken: int, upto: int, blobs: Sequence[bytes]
) -> bytes:
    """The digest of a checkpoint: of the one before, the input since, and all that it consists of."""
    rows = store.rows("SELECT * FROM input WHERE number >= ? AND number < ? ORDER BY number", (taken, upto))
    return _hash(encode([before, [*moment], [list(row) for row in rows], [*blobs]]))


def _hash(data: bytes) -> bytes:
    from hashlib import blake2b

    return blake2b(data, digest_size=DIGEST).digest()


# --- reading -------------------------------------------------------------------------------------------------------
def places(store: Store) -> list[tuple[int, int]]:
    """Position and exits of each checkpoint, in order of time, without a look at what is in it."""
    rows = store.rows("SELECT position, steps FROM checkpoint ORDER BY number")
    found = [(position, steps) for position, steps in rows if isinstance(position, int) and isinstance(steps, int)]
    return found if found == sorted(found) and len(found) == len(rows) else []


def read(store: Store) -> Iterator[Kept]:
    """The checkpoints in order. Raises InputError at the first that is not what was written: it and those after it are
    useless."""
    digest, taken, room, hashes = identity(store), 0, MOST_PAGES, {m.moment: m.hash for m in store.marks()}
    count = len(store.rows("SELECT number FROM checkpoint"))
    for number in range(count):
        rows = store.rows("SELECT * FROM checkpoint WHERE number = ?", (number,))
        try:
            kept, digest, taken, room = _read(store, rows[0], digest, taken, room)
            if hashes.get(kept.moment, kept.hash()) != kept.hash():
                raise DamagedError("the recording has another state there")
        except BROKEN as error:
            raise InputError(f"checkpoint {number} of {store.path} is damaged or of another run: {error!s}") from None
        yield kept


def _read(store: Store, row: Sequence[Any], digest: bytes, taken: int, room: int) -> tuple[Kept, bytes, int, int]:
    from ppcdbg.machine.input import Moment

    _, position, skipped, steps, pc, state, addresses, pages = row
    signed, body = octets(state)[:DIGEST], octets(state)[DIGEST:]
    saved = table(decode(columns.decompress(body, LARGEST_STATE)))
    upto = whole(saved["taken"])
    moment = Moment(whole(position), whole(skipped), whole(steps), whole(pc))
    blobs = (body, octets(addresses), octets(pages))
    found = _chained(digest, store, (moment.position, moment.skipped, moment.steps, moment.pc), taken, upto, blobs)
    if found != signed:
        raise DamagedError("its bytes are not those that were written")
    if saved["format"] != SNAPSHOT_FORMAT:
        raise DamagedError(f"its state has format {saved['format']!r}, and this ppcdbg makes {SNAPSHOT_FORMAT}")
    where = [at for (at,) in _ADDRESS.iter_unpack(columns.decompress(blobs[1], _ADDRESS.size * room))]
    content = columns.decompress(blobs[2], PAGE * len(where)) if where else b""
    if len(content) != PAGE * len(where) or any(page % PAGE for page in where):
        raise DamagedError(f"it has {len(content)} bytes for {len(where)} pages")
    held = {page: content[PAGE * i : PAGE * (i + 1)] for i, page in enumerate(where)}
    stated = StateHash(*numbers(saved["hash"]))
    return Kept(moment, upto, table(saved["state"]), held, lambda: stated), found, upto, room - len(where)
