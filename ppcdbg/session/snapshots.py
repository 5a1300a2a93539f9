"""A system at one moment, whole: everything that decides what it does next, and a hash of it.

A snapshot keeps a reference to each page of RAM, so that the pages that stay as they are exist once however many
snapshots there are. What snapshots are good for is :mod:`ppcdbg.session.timeline`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ppcdbg.cpu.plain import Plain, Saved, octets, table
from ppcdbg.cpu.state import FPR_OFFSET, IN_A_ROW, TAKEN_AT, State
from ppcdbg.isa import slots
from ppcdbg.machine.system import System
from ppcdbg.session.pages import ZERO, Pages
from ppcdbg.session.plain import encode

SNAPSHOT_FORMAT = 7
"""Of saved states and of their hashes: a change of what any room saves, or of what is hashed, is another one."""
SCRATCH = slice(slots.EA * 4, slots.EA * 4 + 4)
"""What an engine computes with and the guest cannot see."""
PARTS = ("core", "board", "kvm", "ram")
assert SCRATCH.stop <= FPR_OFFSET


@dataclass(frozen=True)
class Snapshot:
    """``pages`` by real address; what is not there is zero."""

    position: int
    steps: int
    state: Saved
    pages: Mapping[int, bytes]


@dataclass(frozen=True)
class Root:
    """A moment of a run from which another future can begin, and how much of the run's input had come by then."""

    snapshot: Snapshot
    taken: int


@dataclass(frozen=True, slots=True)
class StateHash:
    """One number of 64 bits for each part of a state, so that a difference says where to look."""

    core: int
    board: int
    kvm: int
    ram: int

    def parts(self) -> Iterator[tuple[str, int]]:
        return ((name, getattr(self, name)) for name in PARTS)

    def differing(self, other: StateHash) -> tuple[str, ...]:
        """The names of the parts that differ."""
        return tuple(name for name, value in self.parts() if value != getattr(other, name))


def registers_of(state: Saved) -> State:
    """Registers and counters of a saved state."""
    found = State()
    found.block[:] = octets(table(state["core"])["block"])
    return found


def take(system: System, pages: Pages) -> Snapshot:
    """The state of a system that stands still; ``pages`` are its."""
    system.complete()
    state = system.save()
    pages.changed()
    return Snapshot(system.position, system.steps, state, dict(pages.all()))


def put(system: System, pages: Pages, snapshot: Snapshot) -> None:
    """Make the system what it was, on this engine or another."""
    wanted = {page: snapshot.pages.get(page, ZERO) for page in (*pages.all(), *snapshot.pages)}
    pages.put(wanted)
    system.restore(snapshot.state)


def state_hash(system: System, pages: Pages) -> StateHash:
    """The hash of a system's state now: what its guest can ever see, and what decides what it sees."""
    pages.changed()
    return hash_of(system.save(), pages.total())


def hash_of(state: Saved, ram: int) -> StateHash:
    """The hash of a saved state and of the RAM beside it."""
    core = registers_of(state)
    block, in_a_row = core.block, core.taken_in_a_row
    block[SCRATCH] = bytes(4)
    core.counters[TAKEN_AT], core.counters[IN_A_ROW] = 0, in_a_row  # where nothing is taken in a row decides nothing
    parts = hashed(state)
    return StateHash(
        _digest([bytes(block), parts["core"]]), _digest(parts["board"]), _digest(parts["kvm"]), ram & (1 << 64) - 1
    )


def hashed(state: Saved) -> dict[str, Plain]:
    """What counts of a saved state, by part, beside the register block and RAM; counts that decide nothing do not."""
    core, board, loop = table(state["core"]), table(state["board"]), table(state["loop"])
    return {
        "core": {name: core[name] for name in ("edges", "reset")},
        "board": {name: board[name] for name in _OF_BOARD},
        "kvm": _of_kvm(loop),
    }


def _of_kvm(loop: Saved) -> Plain:
    vcpu = loop.get("vcpu")
    if vcpu is None:
        return None
    kept = {name: value for name, value in table(vcpu).items() if name not in _ACCOUNTS}
    for part in ("parts", "lists"):
        kept[part] = {name: value for name, value in table(kept[part]).items() if name not in _ACCOUNTS}
    return {**kept, "userspace": loop["userspace"]}


_OF_BOARD = ("devices", "serial_lines", "reset", "poweroff", "console", "console1")
_ACCOUNTS = frozenset({"stats", "counts", "emulated", "hypercalls", "mmio_counts", "timing", "host_log", "copies",
                       "deferral_counts"})  # fmt: skip


def _digest(value: Plain) -> int:
    from hashlib import blake2b

    return int.from_bytes(blake2b(encode(value), digest_size=8).digest(), "big") >> 1
