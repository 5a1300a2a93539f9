"""One client from its first byte to its last: packets off a channel, through the stub, and back.

Everything happens on one thread. While the guest runs, the debugger calls back between its slices of work, and the
channel is looked at there: an interrupt ends the run, anything else waits. A client that goes away in the middle of a
run stops the guest where it is.
"""

from __future__ import annotations

from collections import deque

from ppcdbg.gdbstub.channel import Channel, Gone
from ppcdbg.gdbstub.packets import Event, Signal, Wire
from ppcdbg.gdbstub.replies import EINVAL, error
from ppcdbg.gdbstub.stub import Stub
from ppcdbg.session.pace import steady
from ppcdbg.views.progress import Progress
from ppcdbg.views.spans import to_text

LOOK_SECONDS = 0.01
"""At most how often the channel is looked at during a run; a slice of a run under KVM takes some 30 ms. A look lets go
of the interpreter's lock for a moment: more often than every 5 ms (``sys.getswitchinterval``) it would wake another
thread that waits for the lock each time in vain, and that one would never ask for it."""
TELL_SECONDS = 1.0
"""Between two lines about how far something is."""
BEAT_SECONDS = 0.05
"""Between two empty pieces of output during a ``monitor``. gdb says nothing of a Ctrl-C there: it leaves when the next
packet comes (``remote_target::rcmd``), and from then on reads no more until it asks for something else."""
_RUNNING = (b"v", b"c", b"C", b"s", b"S", b"b")
"""How packets begin during which gdb shows what comes (O): those that let the guest run, forwards or backwards."""
_QUICK = (b"m", b"x", b"g", b"p", b"s", b"v", b"H", b"P")
"""How packets begin that are answered, or looked up from, before a client doubts that they have come."""
MOST_WAITING = 1024
"""Packets that may wait while the guest runs; a client that sends more is not one that waits for replies."""


class Connection:
    """Serves one client until it goes."""

    def __init__(self, stub: Stub, channel: Channel) -> None:
        self.stub, self.channel = stub, channel
        self.wire = Wire()
        self._events: deque[Event] = deque()
        self._gone = False
        self._clock, self._looked = steady(), 0.0
        self._progress: Progress | None = None
        """Of a packet that takes long, and whose client shows what comes before the reply."""
        self._listens = self._monitor = self._told = False
        self._within = 0
        self._sent = 0.0
        """When something was last sent that is no reply."""

    def serve(self) -> None:
        """Answer packets until the client is gone or says good-bye; the stub is left ready for the next."""
        stub = self.stub
        stub.greet()
        stub.output, stub.look = self._out, self._look
        try:
            while not self._gone and not stub.closing:
                if not self._events:
                    self._acknowledge()
                    self._events.extend(self.wire.receive(self.channel.receive()))
                while self._events and not stub.closing:
                    self._one(self._events.popleft())
            self._acknowledge()
        except Gone:
            pass
        finally:
            stub.output, stub.look = (lambda body: None), (lambda: None)
            stub.debugger.runner.between = None
            stub.debugger.branches.settle()  # what gdb itself has changed is input of a branch too
            self.channel.close()

    def _acknowledge(self) -> None:
        """What is owed the client and did not travel with a reply."""
        owed = self.wire.owed()
        if owed:
            self.channel.send(owed)

    def _one(self, event: Event) -> None:
        if isinstance(event, bytes):
            self._answer(event)
        elif event is Signal.RESEND:
            self.channel.send(self.wire.again())
        elif event is Signal.OVERLONG:
            self._send(error(EINVAL, f"a packet is longer than {self.wire.longest} bytes", self._in_words))
        elif event is Signal.DAMAGED and not self.wire.acks:
            # Nobody will send it again, and the client waits.
            self._send(error(EINVAL, "a packet's checksum does not fit", self._in_words))
        # An interrupt while the guest stands came too late and has what it wants.

    @property
    def _in_words(self) -> bool:
        return self.stub.client.error_message

    def _answer(self, body: bytes) -> None:
        stub = self.stub
        stub.interrupted = stub.abandoned = False
        stub.debugger.runner.between = self._look
        self._looked, self._sent = 0.0, self._clock()
        self._progress, self._told, self._monitor = None, False, body.startswith(b"qRcmd")
        self._listens = self._monitor or body[:1] in _RUNNING
        if body[:1] not in _QUICK or body.startswith(b"vRun"):
            self._acknowledge()
        reply = stub.handle(body)
        if reply is None or self._gone or stub.abandoned:
            return
        # Tables compress well; memory and registers seldom enough to be worth the time.
        self._send(reply, body[:1] == b"q")
        if stub.client.no_acks and self.wire.acks:
            self.wire.acks = False  # gdb acknowledges this reply still, which is noise from here on

    def _send(self, body: bytes, short: bool = False) -> None:
        wire = self.wire
        packet = wire.send(body, short)
        self.channel.send(wire.owed() + packet if wire.acks else packet)

    def _out(self, body: bytes) -> None:
        """A packet on the side; a client that does not read it is noticed by the next look."""
        if not self._gone and not self.stub.abandoned:
            self._told, self._sent = True, self._clock()
            try:
                self._send(body)
            except Gone:
                self._lost()

    def _look(self) -> None:
        """Between slices of work: has the client interrupted, or gone?"""
        now = self._clock()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        try:
            if not self._gone:
                self._acknowledge()
                self._hear(self.channel.pending())
                if self._monitor:
                    self._keep_in_touch(now)
        except Gone:
            self._lost()
        if len(self._events) > MOST_WAITING:
            self._lost()
        if self._listens:
            self._tell()
        if self._gone or Signal.INTERRUPT in self._events:
            while Signal.INTERRUPT in self._events:
                self._events.remove(Signal.INTERRUPT)
            self._end()

    def _hear(self, data: bytes) -> None:
        """Take what came while a packet is carried out. One that waits for a command's end asks for nothing else."""
        came = self.wire.receive(data)
        self._events.extend(came)
        if self._monitor and self._told and any(isinstance(event, bytes) for event in came):
            self.stub.abandoned = True
            self._end()

    def _keep_in_touch(self, now: float) -> None:
        """Send a client that waits for a command a packet now and then; where it does not read them, stand still until
        it does or wants something else."""
        wire = self.wire
        if not wire.acks or not wire.acknowledges or now - self._sent < BEAT_SECONDS:
            return
        if not wire.awaited:
            self._out(b"O")
        while wire.awaited and not (self.stub.abandoned or self._gone or Signal.INTERRUPT in self._events):
            self._acknowledge()
            self._hear(self.channel.receive())
            self._sent = self._clock()  # what it stood still for is no work

    def _end(self) -> None:
        """Have what goes on end soon."""
        self.stub.interrupted = True
        if self.stub.debugger.running or self._monitor:  # else the next run would end before it began
            self.stub.debugger.interrupt()

    def _tell(self) -> None:
        """Say on gdb's console how far it is, in a line of its own: gdb writes them one below the other."""
        if self._progress is None:
            self._progress = Progress(self.stub.debugger, "Ctrl-C")
        if self._progress.due(TELL_SECONDS):
            output = self.stub.debugger.system.board.console.output
            within = len(output) != self._within and output[-1:] != b"\n"
            self._within = len(output)  # a line of the guest's is broken off once
            self.stub.say("\n" * within + to_text([self._progress.line()]) + "\n")
            self._told = True

    def _lost(self) -> None:
        self._gone = True
