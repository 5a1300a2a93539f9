"""One guest behind gdb's protocol: what a client has asked for so far, and the answers. No transport, no thread.

``Stub.handle`` takes the body of a packet and gives the body of its reply; handlers are found by the packet's name
(:mod:`ppcdbg.gdbstub.commands`). The guest outlives its clients: what a client set is forgotten when the next one
comes, and the guest stands where it stood. Read next: ``stops``, ``resume``, then ``server``.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ppcdbg.debugger.results import Space
from ppcdbg.debugger.stops import StopReport
from ppcdbg.errors import PpcdbgError
from ppcdbg.gdbstub.agent import AgentError
from ppcdbg.gdbstub.commands import registry
from ppcdbg.gdbstub.numbers import ThreadId
from ppcdbg.gdbstub.points import Points
from ppcdbg.gdbstub.registers import RegisterAccess
from ppcdbg.gdbstub.replies import EINVAL, ESRCH, Refused, error
from ppcdbg.gdbstub.target_xml import target_xml

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

_READS = (b"m", b"x", b"g", b"p")
PROCESS, THREAD = 1, 1
"""The guest is process 1, its only vCPU thread 1."""


class Reverse(Protocol):
    """The past, as runs that go backwards: ``debugger.travel`` has it. Where there is no earlier stop the guest stands
    at the beginning, and the report's cause is BEGINNING: nothing ends."""

    def reverse_step(self) -> StopReport:
        """To where the guest stood before its last instruction."""

    def reverse_continue(self) -> StopReport:
        """To the last time before now that a breakpoint acted: the user's, or the runner's client's."""


@dataclass
class Client:
    """What one client has said about itself and asked for. Forgotten when the next one comes."""

    multiprocess: bool = False
    swbreak: bool = False
    hwbreak: bool = False
    error_message: bool = False
    no_acks: bool = False
    extended: bool = False
    physical: bool = False
    """QEMU's PhyMemMode: addresses of m, M, X are guest-physical."""
    resumes: ThreadId = ThreadId(0, 0)
    features: dict[str, str] = field(default_factory=dict)


class Stub:
    """``restart`` makes the guest anew, for ``run``; ``reverse`` gives the past, where there is one."""

    def __init__(
        self,
        debugger: Debugger,
        restart: Callable[[], Debugger] | None = None,
        reverse: Callable[[Debugger], Reverse | None] = lambda debugger: None,
    ) -> None:
        self.client = Client()
        self._restart = restart
        self._reverse = reverse
        self.step_into = False
        """QEMU's sstep without NOIRQ and NOTIMER: a step may end in an interrupt handler."""
        self.alive = True
        self.closing = False
        """The client said good-bye: the connection ends with this packet."""
        self.look: Callable[[], None] = lambda: None
        """Called by long work: lets the transport see whether the client interrupts or is gone."""
        self.output: Callable[[bytes], None] = lambda body: None
        """Sends a packet that is no reply (O)."""
        self.interrupted = False
        """The client has asked long work to end."""
        self.abandoned = False
        """The client waits for no reply: gdb leaves a ``monitor`` on Ctrl-C without a word, and then asks for something
        else."""
        self.known: tuple[int, int] | None = None
        """Where such a client last knew the guest: position and pc."""
        self._take(debugger)

    def _take(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self.registers = RegisterAccess(debugger)
        self.points = Points(self, self.say)
        debugger.runner.client = self.points
        # gdb steps over the access by itself when a watchpoint of a PowerPC target stops (its rs6000-tdep.c).
        debugger.runner.before_access = True
        self.reverse = self._reverse(debugger)
        self.ended_told = False
        self.transfer = "", b""
        """The table that is being read in pieces: its name and its text."""
        self._xml: bytes | None = None
        self._pages: dict[int, int | None] = {}

    # --- life ---------------------------------------------------------------------------------------------------------
    def greet(self) -> None:
        """A new client: nothing of the one before is left but the guest."""
        self.client = Client()
        self.points.clear()
        self.closing = self.interrupted = self.step_into = False
        self.known = None
        if not self.alive and self._restart is not None:
            self.restart()

    def restart(self) -> None:
        """The guest anew, at its first instruction. Raises Refused where nobody said how."""
        if self._restart is None:
            raise Refused(EINVAL, "this guest cannot be started again; start ppcdbg serve again")
        self._take(self._restart())
        self.alive = True
        # A machine is a web of references both ways, and the collector, which alone takes it apart, sees nothing of the
        # memory behind it: left to itself it would let dozens gather.
        gc.collect()

    def kill(self) -> None:
        """gdb killed the guest: it runs no more until it is started again."""
        self.alive = False
        self.points.clear()

    def need_life(self) -> None:
        if not self.alive:
            raise Refused(ESRCH, "the guest was killed; 'run' starts it again")

    # --- packets ------------------------------------------------------------------------------------------------------
    def handle(self, body: bytes) -> bytes | None:
        """The reply to a packet; empty for one that is not known, None for one that has none."""
        if body[:1] not in _READS:
            self._pages.clear()
        try:
            handler, argument = registry.find(body)
            return handler(self, argument)
        except Refused as refused:
            return error(refused.number, str(refused), self.client.error_message)
        except PpcdbgError as failed:
            return error(EINVAL, str(failed), self.client.error_message)

    def say(self, text: str) -> None:
        """Show a text on the client's console; only while the guest runs or a command is carried out."""
        data = text.encode("utf-8", "replace")
        for at in range(0, len(data), 2000):
            self.output(b"O" + data[at : at + 2000].hex().encode())

    def page(self, ea: int) -> int | None:
        """The real address of the RAM page at an effective one, kept while only reads follow each other."""
        real = self._pages.get(ea, -1)
        if real == -1:
            memory = self.debugger.memory
            real = memory.real(ea)
            if real is not None and real + 4096 > len(memory.bus.ram):
                real = None
            self._pages[ea] = real
        return real

    # --- what packets share -------------------------------------------------------------------------------------------
    @property
    def space(self) -> Space:
        """The address space of m, M and X."""
        return Space.GPA if self.client.physical else Space.EA

    def thread(self) -> bytes:
        """The id of the only thread, as this client spells it."""
        return b"p1.1" if self.client.multiprocess else b"1"

    def check_thread(self, wanted: ThreadId) -> None:
        """Raises Refused for the id of a thread that is not there; 0 and -1 mean any."""
        if wanted.process not in (PROCESS, 0, -1) or wanted.thread not in (THREAD, 0, -1):
            raise Refused(ESRCH, f"there is no thread {wanted.process}.{wanted.thread}; the only one is 1.1")

    def description(self) -> bytes:
        """target.xml."""
        if self._xml is None:
            self._xml = target_xml(self.registers.layout).encode()
        return self._xml

    # --- what bytecode sees (agent.Target) ----------------------------------------------------------------------------
    def register(self, number: int) -> int:
        try:
            return self.registers.value(number)
        except Refused as refused:
            raise AgentError(str(refused)) from None

    def load(self, address: int, size: int) -> int:
        value = self.debugger.memory.number(address & 0xFFFFFFFF, size)
        if value is None:
            raise AgentError(f"memory at {address & 0xFFFFFFFF:#x} cannot be read")
        return value
