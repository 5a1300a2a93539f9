"""The way back over the gdb port, QEMU's and ours, by one client: 100 million instructions into a loop.

back-step       one ``bs``
back-continue   ``bc`` to a breakpoint on the instruction that stands there, which the loop came by a million times
back-far        ``bc`` to a breakpoint that was hit once, at the beginning: all the way is searched
seek            a monitor's command to a position drawn from a fixed seed, of all before there

The guest is hot loop a, so long that it ends well behind that place. Ours is ``ppcdbg serve`` as it comes, which takes
its checkpoints on the way there. QEMU goes back only in a recording that has ended: it makes one first, unmeasured,
with one snapshot at its beginning, which is all that it takes by itself. Each figure is the median of its round.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from ppcdbg.bench import gdbpeer, qemu
from ppcdbg.bench.clock import timed
from ppcdbg.bench.gdbpeer import TEXT, Client
from ppcdbg.bench.guests import loop_image
from ppcdbg.bench.results import Ask, Better, NotRun
from ppcdbg.bench.row import Row, Subject
from ppcdbg.bench.whole import OURS, PEER, inherited

PLACE = 100_000_000
REPETITIONS = 1_000
"""Of loop a, some 195,000 instructions each: nearly twice as far as ``PLACE``."""
PC = 0x40
"""gdb's number of pc, in both ends' descriptions; ``p`` reads it."""
FIRST = TEXT + 0x14
"""Where the loop guests go on after their head: an instruction that is carried out once."""
SEED = 20_130


@dataclass(frozen=True)
class Way:
    """One end: a port with the guest at its beginning, and how it is told to go to a position."""

    name: str
    port: Callable[[], Iterator[Client]]
    go: Callable[[Client, int], None]


@dataclass(frozen=True)
class Motion:
    """One row: what is done from ``PLACE`` on, and how often in a round, by us and by QEMU."""

    name: str
    title: str
    act: Callable[[Way, Client, int], list[float]]
    times: int
    peer_times: int
    bound: float | None


def steps(way: Way, client: Client, times: int) -> list[float]:
    """Seconds of single steps back."""
    return [timed(partial(client.stop, b"bs"))[0] for _ in range(times)]


def passes(way: Way, client: Client, times: int) -> list[float]:
    """Seconds from each pass of the loop to the one before."""
    here = pc(client)
    client.ask(b"Z0,%x,4" % here)
    found = [timed(partial(client.stop, b"bc"))[0] for _ in range(times)]
    if pc(client) != here:
        raise NotRun(f"bc went to {pc(client):#x}, not to its breakpoint at {here:#x}")
    client.ask(b"z0,%x,4" % here)
    return found


def to_the_first(way: Way, client: Client, times: int) -> list[float]:
    """Seconds of the search for the only pass, at the beginning."""
    client.ask(b"Z0,%x,4" % FIRST)
    seconds, _ = timed(partial(client.stop, b"bc"))
    if pc(client) != FIRST:
        raise NotRun(f"bc went to {pc(client):#x}, not to its breakpoint at {FIRST:#x}")
    return [seconds]


def seeks(way: Way, client: Client, times: int) -> list[float]:
    """Seconds to positions all over the past."""
    drawn = random.Random(SEED)
    return [timed(partial(way.go, client, drawn.randrange(1, PLACE)))[0] for _ in range(times)]


MOTIONS = (
    Motion("back-step", "reverse-stepi", steps, 41, 5, 10.0),
    Motion("back-continue", "reverse-continue to a breakpoint hit a million times on the way", passes, 7, 1, 300.0),
    Motion("back-far", "reverse-continue to a breakpoint hit once, at the beginning", to_the_first, 1, 1, None),
    Motion("seek", "seek to a random position", seeks, 41, 11, 50.0),
)


def pc(client: Client) -> int:
    """Where the guest stands. QEMU answers ``p`` to those alone who have asked for its descriptions."""
    client.ask(b"qXfer:features:read:target.xml:0,20")
    found = client.ask(b"p%x" % PC)
    if not found or found[:1] == b"E":
        raise NotRun(f"the gdb port answers the question for pc with {found.decode(errors='replace')!r}")
    return int(found, 16)


def rows(folder: Path, timeout: float) -> tuple[Row, ...]:
    """A row for each motion; what is recorded lies in ``folder``."""
    image = folder / "back-a.elf"
    image.write_bytes(loop_image("a", REPETITIONS))
    ours = Way(OURS, partial(_ours, image, timeout), _our_go)
    peer = Way(PEER, partial(_peer, image, folder, timeout), _peer_go)
    return tuple(_row(motion, ours, peer) for motion in MOTIONS)


def _row(motion: Motion, ours: Way, peer: Way) -> Row:
    def measure(way: Way, times: int) -> Mapping[str, float]:
        with contextmanager(way.port)() as client:
            way.go(client, PLACE)
            return {way.name: 1e3 * median(motion.act(way, client, times))}

    return Row(
        name=motion.name,
        title=f"{motion.title}; {PLACE // 1_000_000} million instructions into hot loop a, over the gdb port",
        unit="ms",
        better=Better.LOWER,
        subjects=(
            Subject(OURS, lambda: measure(ours, motion.times)),
            Subject(PEER, lambda: measure(peer, motion.peer_times), peer=True),
        ),
        asks=() if motion.bound is None else (Ask(OURS, motion.bound),),
    )


def _ours(image: Path, timeout: float) -> Iterator[Client]:
    with gdbpeer.port(gdbpeer.ppcdbg_port(image), inherited(os.environ)) as client:
        client.connection.settimeout(timeout)
        yield client


def _our_go(client: Client, position: int) -> None:
    client.monitor(f"seek {position}")


def _peer(image: Path, folder: Path, timeout: float) -> Iterator[Client]:
    record, disk = folder / "back-a.rr", folder / "back-a.qcow2"
    options = ("-drive", f"file={disk},if=none,id=rr")
    if not record.exists():
        disk.write_bytes(empty_qcow2())
        qemu.run(qemu.loop(image, (*qemu.recording("record", record), *options)), timeout)
    command = [*qemu.loop(image, (*qemu.recording("replay", record), *options)), *gdbpeer.WAITING]
    with gdbpeer.port(command) as client:
        client.connection.settimeout(timeout)
        yield client


def _peer_go(client: Client, position: int) -> None:
    """Its ``replay_seek`` answers at once and stops later, which it tells as any other stop."""
    client.monitor(f"replay_seek {position}")
    client.stopped("replay_seek")


def empty_qcow2() -> bytes:
    """A disk image without content, in which QEMU keeps its snapshots; its qemu-img may not be installed.

    Version 2 (QEMU's docs/interop/qcow2.txt): a cluster each for the header, the table of reference counts, the one
    block of them, and the table of contents of 1 MiB.
    """
    bits, size = 16, 1 << 20
    cluster = 1 << bits
    head = struct.pack(
        ">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, bits, size, 0, 1, 3 * cluster, cluster, 1, 0, 0
    )  # fmt: skip
    parts = (head, struct.pack(">Q", 2 * cluster), struct.pack(">4H", 1, 1, 1, 1), b"")
    return b"".join(part.ljust(cluster, b"\0") for part in parts)
