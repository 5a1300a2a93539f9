"""gdb ports, QEMU's and ours, spoken to by one client: what a debugger outside the process pays.

step      one ``vCont;s`` a step, from a guest's first instruction; pc comes with each stop reply
g         the general registers
m 2048    2 KiB of memory, the most that QEMU 7.2 answers at once
m 4       four bytes, as gdb's prologue scan reads them by the thousand

The guest is hot loop a, stopped; the port is a Unix socket; the client is gdb's way of talking in its fewest words. It
does without acknowledgements where the other end offers that, as gdb does; QEMU 7.2 and ours do not. Neither end keeps
a history; beside our steps stand those with the checkpoints that ``ppcdbg serve`` takes by default, for the way back.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ppcdbg.bench import qemu
from ppcdbg.bench.clock import now, pause
from ppcdbg.bench.guests import LOOP_CPU, LOOP_MEMORY
from ppcdbg.bench.results import Ask, Better, NotRun
from ppcdbg.bench.row import Row, Subject
from ppcdbg.bench.whole import OURS, PEER, inherited
from ppcdbg.paths import PACKAGE
from ppcdbg.scratch import scratch

WAITING = ("-S", "-gdb", "unix:{port},server=on,wait=off")
"""QEMU's options for a guest that stands still behind a port."""
CONNECT_TRIES, CONNECT_PAUSE = 500, 0.02
REPLY_SECONDS = 20.0
HISTORY = f"{OURS}, with a way back"
TEXT = 0x100000
"""Where the loop guests are linked: mapped in both machines from the first instruction on."""


@dataclass(frozen=True)
class Work:
    """One row: a packet, how its reply must begin, how often it is sent in a measurement, and what is asked."""

    name: str
    title: str
    packet: bytes
    reply: bytes
    times: int
    asks: tuple[Ask, ...]


STEP = Work("gdb-step", "single steps over the gdb port", b"vCont;s:p1.1;c:p1.-1", b"T05", 5_000,
            (Ask(OURS, 2.0, PEER),))  # fmt: skip
WORKS = (
    STEP,
    Work("gdb-g", "reads of all general registers over the gdb port", b"g", b"0", 10_000, (Ask(OURS, 1.0, PEER),)),
    Work("gdb-m-2k", "reads of 2 KiB over the gdb port", b"m%x,780" % TEXT, b"", 10_000, (Ask(OURS, 1.0, PEER),)),
    Work("gdb-m-4", "reads of 4 bytes over the gdb port", b"m%x,4" % TEXT, b"", 20_000, (Ask(OURS, 20_000.0),)),
)  # fmt: skip


class Client:
    """One connection to a gdb port."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        connection.settimeout(REPLY_SECONDS)
        self.acks = True
        self._rest = b""
        offers = self.ask(b"qSupported:multiprocess+;vContSupported+")
        if b"QStartNoAckMode+" in offers and self.ask(b"QStartNoAckMode") == b"OK":
            self.acks = False

    def ask(self, packet: bytes) -> bytes:
        """Send a packet, and give the body of its reply."""
        self.connection.sendall(b"$%b#%02x" % (packet, sum(packet) & 0xFF))
        data = self.connection.recv(65536)
        while not (data[-3:-2] == b"#" and b"$" in data):
            if not data:
                raise NotRun("the other end closed its gdb port")
            data += self.connection.recv(65536)
        if self.acks:
            self.connection.sendall(b"+")
        return data[data.index(b"$") + 1 : -3]

    def monitor(self, command: str) -> None:
        """Carry out a command of the other end's own; what it says is not looked at."""
        packet = b"qRcmd,%b" % command.encode().hex().encode()
        self.connection.sendall(b"$%b#%02x" % (packet, sum(packet) & 0xFF))
        if (body := self.reply()) != b"OK":
            raise NotRun(f"the gdb port answers `monitor {command}` with {body[:40].decode(errors='replace')!r}")

    def reply(self) -> bytes:
        """The next packet that is no output: a slow end says in such how far it is."""
        while (body := self.receive())[:1] == b"O" and body != b"OK":
            pass
        return body

    def receive(self) -> bytes:
        """The body of the next packet, asked for or not; NotRun where none comes in time."""
        while (end := self._rest.find(b"#")) < 0 or len(self._rest) < end + 3:
            try:
                data = self.connection.recv(65536)
            except TimeoutError:
                raise NotRun(f"the gdb port gave no answer in {self.connection.gettimeout():.0f} s") from None
            if not data:
                raise NotRun("the other end closed its gdb port")
            self._rest += data
        body, self._rest = self._rest[self._rest.index(b"$") + 1 : end], self._rest[end + 3 :]
        if self.acks:
            self.connection.sendall(b"+")
        return body

    def stop(self, packet: bytes) -> bytes:
        """Send a packet that moves the guest, and give its stop reply; NotRun for any other answer."""
        self.connection.sendall(b"$%b#%02x" % (packet, sum(packet) & 0xFF))
        return self.stopped(packet.decode())

    def stopped(self, what: str) -> bytes:
        """The stop reply that is due."""
        body = self.reply()
        if body[:1] != b"T":
            raise NotRun(f"the gdb port answers {what} with {body[:40].decode(errors='replace')!r}")
        return body

    def rate(self, work: Work) -> float:
        """How many times a second the port does one thing."""
        packet, reply, ask = work.packet, work.reply, self.ask
        found = ask(packet)
        if not found.startswith(reply) or found[:1] in (b"", b"E"):
            raise NotRun(f"the gdb port answers {packet.decode()} with {found[:40].decode(errors='replace')!r}")
        start = now()
        for _ in range(work.times):
            ask(packet)
        return work.times / (now() - start)


def steps_per_second(image: Path, steps: int) -> float:
    """Steps a second of QEMU over its gdb port."""
    with port(qemu_port(image)) as client:
        return client.rate(Work(STEP.name, STEP.title, STEP.packet, STEP.reply, steps, ()))


def rows(image: Path) -> tuple[Row, ...]:
    """A row for each kind of work; ``image`` is hot loop a with repetitions enough."""
    return tuple(_row(work, image) for work in WORKS)


def _row(work: Work, image: Path) -> Row:
    def ours() -> Mapping[str, float]:
        with port([*ppcdbg_port(image), "--no-history"], inherited(os.environ)) as client:
            return {OURS: client.rate(work)}

    def with_history() -> Mapping[str, float]:
        with port(ppcdbg_port(image), inherited(os.environ)) as client:
            return {HISTORY: client.rate(work)}

    def peer() -> Mapping[str, float]:
        with port(qemu_port(image)) as client:
            return {PEER: client.rate(work)}

    subjects = [Subject(OURS, ours), Subject(PEER, peer, True)]
    if work is STEP:
        subjects.append(Subject(HISTORY, with_history))
    return Row(work.name, work.title, "1/s", Better.HIGHER, tuple(subjects), work.asks)


def qemu_port(image: Path) -> list[str]:
    return [*qemu.loop(image, ()), *WAITING]


def ppcdbg_port(image: Path) -> list[str]:
    machine = ["--cpu", LOOP_CPU, "--hv", "none", "--memory", f"{LOOP_MEMORY >> 20}M"]
    return [sys.executable, "-m", "ppcdbg", "serve", str(image), *machine, "--quiet", "--gdb", "unix:{port}"]


@contextmanager
def port(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[Client]:
    """A process with a gdb port, and a client of it; ``{port}`` in the command is the socket's path."""
    with scratch("bench") as folder:
        path = folder / "gdb"
        words = [word.replace("{port}", str(path)) for word in command]
        with subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment, cwd=PACKAGE
        ) as process:
            try:
                with _connect(path, process, words[0]) as connection:
                    yield Client(connection)
            finally:
                process.kill()


def _connect(path: Path, process: subprocess.Popen[bytes], program: str) -> socket.socket:
    for _ in range(CONNECT_TRIES):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(path))
            return connection
        except OSError:
            connection.close()
            if process.poll() is not None:
                break
            pause(CONNECT_PAUSE)
    raise NotRun(f"{Path(program).name} opens no gdb port")
