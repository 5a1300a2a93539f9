"""A stub on a small guest, clients that speak to it over a socket pair or from memory, and a real gdb in batch mode."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.gdbstub.channel import SocketChannel
from ppcdbg.gdbstub.connection import Connection
from ppcdbg.gdbstub.packets import Signal, Wire
from ppcdbg.gdbstub.stub import Stub
from ppcdbg.kvm.build import build_system
from ppcdbg.machine.description import MachineDescription, describe
from tests.debugger.rig import ENTRY, addi, branch, debugger, li, lwz, stw

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "ppcdbg/_guests/demo.toml"
DATA = 0x3000
# r5 = DATA; r3 = 7; loop: r3 += 1; store it at DATA; load it into r4; back to the loop
LOOP = (li(5, DATA), li(3, 7), addi(3, 3, 1), stw(3, 0, 5), lwz(4, 0, 5), branch(-12))
SECONDS = 20


def bare(*words: int, cpu: str = "e500v2") -> Debugger:
    return debugger(*(words or LOOP), cpu=cpu)


def demo() -> Debugger:
    description = describe(DEMO, {})
    return Debugger(build_system(description), description.kernel)


def stub(d: Debugger | None = None) -> Stub:
    """A stub that a client has greeted, as gdb does."""
    made = Stub(d or bare(), restart=bare)
    made.greet()
    ask(made, b"qSupported:multiprocess+;swbreak+;hwbreak+;error-message+;xmlRegisters=i386")
    return made


def ask(s: Stub, body: bytes) -> bytes:
    reply = s.handle(body)
    assert reply is not None, body
    return reply


def state(s: Stub) -> tuple[bytes, bytes]:
    """All of the guest that a client could have changed: the core's block and the first of its RAM."""
    core = s.debugger.core
    return bytes(core.state.block), bytes(core.bus.ram[: 1 << 16])


class Client:
    """The other end of the protocol, over a socket: what gdb does, without gdb."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        connection.settimeout(SECONDS)
        self.wire = Wire()
        self.said: list[str] = []
        """What came as O packets."""
        self._replies: list[bytes] = []

    def send(self, body: bytes) -> None:
        self.connection.sendall(self.wire.send(body, short=False))

    def raw(self, data: bytes) -> None:
        self.connection.sendall(data)

    def reply(self) -> bytes:
        """The next packet that is no O packet; raises EOFError when the stub has hung up."""
        while not self._replies:
            data = self.connection.recv(65536)
            if not data:
                raise EOFError
            for event in self.wire.receive(data):
                if isinstance(event, Signal):
                    continue
                if event[:1] == b"O" and event != b"OK":
                    self.said.append(bytes.fromhex(event[1:].decode()).decode())
                else:
                    self._replies.append(event)
            owed = self.wire.owed()
            if owed:  # sending nothing fails too, once the stub has hung up
                self.connection.sendall(owed)
        return self._replies.pop(0)

    def ask(self, body: bytes) -> bytes:
        self.send(body)
        return self.reply()


@contextmanager
def served(s: Stub) -> Iterator[Client]:
    """One client of a stub; the stub must have let go of it at the end."""
    ours, theirs = socket.socketpair()
    failed: list[BaseException] = []

    def serve() -> None:
        try:
            Connection(s, SocketChannel(theirs)).serve()
        except BaseException as error:  # a thread's own would be printed and forgotten
            failed.append(error)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield Client(ours)
    finally:
        ours.close()
        thread.join(SECONDS)
        assert not thread.is_alive(), "the stub hangs on a client that has gone"
        if failed:
            raise failed[0]


def ppcdbg(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "ppcdbg", *map(str, arguments)]


def gdb(guest: Sequence[str | Path], commands: Sequence[str], seconds: int = 120) -> str:
    """What a real gdb prints that ``ppcdbg gdb`` starts on a guest, given commands in batch mode."""
    words = [w for c in ("set pagination off", "set confirm off", *commands) for w in ("-ex", c)]
    done = subprocess.run(
        ppcdbg("gdb", *guest, "--", "-nx", "-batch", *words), cwd=ROOT, capture_output=True, text=True, timeout=seconds,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def linux(shared: Path, name: str) -> list[str | Path]:
    """The command line of a Linux guest under KVM."""
    folder = shared / "guests" / name
    cpu = "e500mc" if "e500mc" in name else "e500v2"
    return [folder / "vmlinux", "--cpu", cpu, "--initrd", folder / "initrd.gz", "--append", "console=ttyS0,115200"]


def raw_guest(tmp_path: Path, *words: int) -> MachineDescription:
    """A raw image on the bare machine."""
    image = tmp_path / "guest.bin"
    image.write_bytes(b"".join(w.to_bytes(4, "big") for w in words))
    return MachineDescription(kernel=image, cpu="e500v2", hv="none", load=ENTRY, memory=64 << 20)
