"""The one thread that touches the debugger: it runs the guest, carries out commands and draws scenes.

The guest is read only by the thread that runs it, and only while it pauses at an exact position, so no scene can be
torn. While the guest runs the debugger calls back between its slices of work; thirty times a second a scene is drawn
there. The screen takes the newest scene when it is told that there is one; older ones are dropped.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ppcdbg.errors import PpcdbgError
from ppcdbg.session.pace import steady
from ppcdbg.tui.scene import Ask, Move, Reply, Scene, Source
from ppcdbg.views.spans import Line, Span

PERIOD = 0.03
"""Seconds from scene to scene while the guest runs: the screen is to have thirty of them a second."""
SHARE = 3
"""Scenes that on the average cost more than this part of the period come less often, so that the guest has the rest."""
PAINT = 0.02
"""Seconds for which a scene without the guest may stand, so that the screen paints it undisturbed and who goes through
a list quickly need not wait for the guest."""
LATELY = 8
"""Scenes that the average is of, about."""


class Worker:
    """``notify`` is called on the worker's thread when :meth:`take` has something new; it must only post a message."""

    def __init__(self, source: Source, notify: Callable[[], None]) -> None:
        self.source = source
        self.running = False
        self._notify = notify
        self._wake = threading.Condition()
        self._jobs: deque[Callable[[], Reply | None]] = deque()
        self._ask: Ask | None = None
        self._fresh = False
        self._rest = False
        """Whether the guest is still to be brought to where the screen looks."""
        self._closing = False
        self._halt = False  # asked to stop; kept because a run that is just beginning may forget an early interrupt
        self._scene: Scene | None = None
        self._replies: deque[Reply] = deque()
        self._progress: Line = ()
        self._crash: BaseException | None = None
        self._clock, self._drawn = steady(), 0.0
        """When the last scene was begun."""
        self._due = 0.0
        """When the next one is to be, while the guest runs."""
        self._cost = 0.0
        """Processor seconds of a scene, lately: one that is dear among cheap ones keeps none of them back."""
        self._thread = threading.Thread(target=self._serve, name="ppcdbg-guest", daemon=True)

    def start(self) -> None:
        """Start the thread; call once."""
        self._thread.start()

    def close(self, patience: float = 2.0) -> None:
        """Interrupt the guest and end the thread; waits at most ``patience`` seconds."""
        with self._wake:
            self._closing = True
            self._jobs.clear()
            self._wake.notify()
        self.source.interrupt()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(patience)

    # What the screen calls.

    def ask(self, ask: Ask) -> None:
        """From now on scenes answer this; one is drawn at once, or at the next pause of a running guest."""
        with self._wake:
            self._ask = ask
            self._fresh = True
            self._wake.notify()

    def move(self, move: Move) -> None:
        """Let the guest run."""
        self._run(lambda: self.source.move(move, self._between))

    def execute(self, line: str) -> None:
        """Carry out a command line; it may let the guest run."""
        self._run(lambda: self.source.execute(line, self._between))

    def do(self, job: Callable[[], Reply | None]) -> None:
        """Carry out a short job: while the guest stands, or at its next pause."""
        with self._wake:
            self._jobs.append(job)
            self._wake.notify()

    @property
    def busy(self) -> bool:
        """Whether the guest runs, or a job or a drawing is still to come."""
        return self.running or bool(self._jobs) or self._fresh or self._rest or bool(self._replies)

    @property
    def progress(self) -> Line:
        """How far a drawing is that takes long; () while none does."""
        return self._progress

    def interrupt(self) -> None:
        """Stop a running guest soon; nothing happens when it stands."""
        if self.running:
            self._halt = True
            self.source.interrupt()

    def take(self) -> tuple[Scene | None, tuple[Reply, ...], BaseException | None]:
        """The newest scene, the replies since the last call in order, and what the worker died of, each once."""
        with self._wake:
            scene, self._scene = self._scene, None
            replies = tuple(self._replies)
            self._replies.clear()
            crash, self._crash = self._crash, None
        return scene, replies, crash

    # What the thread does.

    def _run(self, run: Callable[[], Reply]) -> None:
        with self._wake:
            if self.running:
                return
            self._halt = False
            self.running = True  # at once, so that a second key press cannot start a second run

            def job() -> Reply:
                try:
                    return run()
                finally:
                    self.running = False

            self._jobs.append(job)
            self._wake.notify()

    def _serve(self) -> None:
        try:
            while True:
                with self._wake:
                    if self._rest and not (self._jobs or self._fresh or self._closing):
                        self._wake.wait(PAINT)
                    while not (self._jobs or self._fresh or self._rest or self._closing):
                        self._wake.wait()
                    if self._closing:
                        return
                    job = self._jobs.popleft() if self._jobs else None
                if job is not None:
                    self._carry_out(job)
                self._draw()
        except BaseException as error:  # handed to the screen's thread, which leaves with it
            with self._wake:
                self._crash = error
            self.running = False
            self._notify()

    def _carry_out(self, job: Callable[[], Reply | None]) -> None:
        try:
            reply = job()
        except PpcdbgError as error:
            reply = Reply(((Span(str(error), "error"),),), failed=True)
        if reply is not None and reply != Reply():
            with self._wake:
                self._replies.append(reply)
            self._notify()

    def _between(self) -> None:
        if self._halt or self._closing:
            self.source.interrupt()
        if not (self._jobs or self._fresh) and self._clock() < self._due:
            return  # the usual case, and with a breakpoint on exits one for every exit
        with self._wake:
            job = self._jobs.popleft() if self._jobs else None
            due = self._fresh or self._clock() >= self._due
        if job is not None:
            self._carry_out(job)
        if (due or job is not None) and not self._closing:
            self._draw()

    def _begin(self) -> None:
        """A scene is begun. The one after it is not later for this one's being late: guests pause when they can."""
        now, period = self._clock(), max(PERIOD, SHARE * self._cost)
        self._drawn = now
        self._due = now + period if now < self._due else max(self._due + period, now + period / 2)

    def _pulse(self, progress: Line) -> bool:
        """Called while a scene is drawn that takes long: whether something else is wanted by now."""
        if progress and self._clock() - self._drawn >= PERIOD:
            self._drawn, self._progress = self._clock(), progress
            self._notify()
        return bool(self._fresh or self._jobs or self._closing)

    def _draw(self) -> None:
        with self._wake:
            ask = self._ask
            self._fresh = self._rest = False
        if ask is None:
            return
        self._begin()
        used = time.thread_time()
        try:
            scene = self.source.draw(ask, self.running, self._pulse)
        except PpcdbgError as error:
            with self._wake:
                self._replies.append(Reply(((Span(str(error), "error"),),), failed=True))
            self._notify()
            return
        with self._wake:
            self._scene = scene
            self._progress = ()
            self._rest = len(scene.panes) < len(ask.needs) and not self.running
            self._fresh |= scene.partial and not self.running and not self._rest
        self._cost += (time.thread_time() - used - self._cost) / LATELY
        self._notify()
