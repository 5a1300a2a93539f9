"""A terminal of our own for the UI: a pseudo-terminal whose bytes are timed and drawn on a model of a screen.

It knows what the UI sends: cursor addresses, text, erasing, private modes, and the marks around a frame (synchronized
output, private mode 2026), which it offers as today's terminals do. Colours are read over. A time is that of the
``read`` that brought the last byte in question, so the drawing of the model is in no figure.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from ppcdbg.bench.clock import now
from ppcdbg.bench.results import NotRun

FRAME = b"\x1b[?2026l"
"""Ends a frame."""
ASKED, OFFERED = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
"""Whether frames may be marked, and that they may."""
_SEQUENCE = re.compile(
    r"\x1b(?:\[([0-9;:<=>?]*)([ -/]*[@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]*[0-Z\\^-~])"
)
PATIENCE = 60.0
"""Seconds after which what does not come is given up."""


class Screen:
    """Characters by rows, as the bytes so far have left them."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns = columns
        self.cells = [[" "] * columns for _ in range(rows)]
        self.x = self.y = 0
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> None:
        """Draw bytes; a sequence that is not whole yet waits for the rest."""
        text, self._rest = self._rest + self._decoder.decode(data), ""
        at = 0
        while at < len(text):
            escape = text.find("\x1b", at)
            self._write(text[at:] if escape < 0 else text[at:escape])
            if escape < 0:
                return
            found = _SEQUENCE.match(text, escape)
            if found is None:
                self._rest = text[escape:]
                return
            if found[2]:
                self._control(found[1], found[2])
            at = found.end()

    def _control(self, parameters: str, final: str) -> None:
        numbers = [int(n) if n.isdecimal() else 0 for n in parameters.split(";")]
        if final in "Hf":
            self.y = min(max(numbers[0], 1), len(self.cells)) - 1
            self.x = max(numbers[1] if len(numbers) > 1 else 1, 1) - 1
        elif final == "J" and numbers[0] in (2, 3):
            self.cells = [[" "] * self.columns for _ in self.cells]
        elif final == "K" and not numbers[0]:
            self.cells[self.y][self.x :] = " " * (self.columns - self.x)

    def _write(self, text: str) -> None:
        for piece in re.split("([\r\n])", text):
            if piece == "\r":
                self.x = 0
            elif piece == "\n":
                self.y = min(self.y + 1, len(self.cells) - 1)
            elif piece:
                row = self.cells[self.y]
                row[self.x : self.x + len(piece)] = piece
                del row[self.columns :]
                self.x += len(piece)

    @property
    def rows(self) -> list[str]:
        return ["".join(row) for row in self.cells]

    @property
    def text(self) -> str:
        return "\n".join(self.rows)


@dataclass(frozen=True)
class Painted:
    """Seconds since the process was made until its screen last changed, and processor seconds of it until then."""

    seconds: float
    processor: float


class Terminal:
    """One process on a pseudo-terminal; a context manager that ends it."""

    def __init__(
        self, command: Sequence[str], size: tuple[int, int], environment: Mapping[str, str], folder: Path
    ) -> None:
        self.command, self.size, self.folder = list(command), size, folder
        self.environment = {**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        for name in ("NO_COLOR", "COLUMNS", "LINES", "TMUX"):
            self.environment.pop(name, None)
        self.screen = Screen(*size)
        self.frames = 0
        """Frames that were whole so far."""
        self.process = 0
        self.began = self.heard = 0.0
        """When the process was made, and when something last came from it."""
        self._master = -1
        self._tail = b""

    def __enter__(self) -> Terminal:
        self._master, slave = pty.openpty()
        columns, rows = self.size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        # What a leader of a session opens first controls it: if we end, it is told so (SIGHUP) and ends as well.
        opened = (os.POSIX_SPAWN_OPEN, 0, os.ttyname(slave), os.O_RDWR, 0)
        copied = [(os.POSIX_SPAWN_DUP2, 0, number) for number in (1, 2)]
        self.began = now()
        self.process = os.posix_spawn(
            self.command[0], self.command, self.environment, file_actions=[opened, *copied], setsid=True
        )
        os.close(slave)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._master)
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)

    def send(self, keys: bytes) -> float:
        """Type; gives the time before it was done."""
        start = now()
        os.write(self._master, keys)
        return start

    def hear(self, patience: float) -> bool:
        """Take what comes within so many seconds, at the first that there is; false where nothing came."""
        if not select.select([self._master], [], [], patience)[0]:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            raise NotRun(f"the UI ended; its screen: {self._last_words()}") from None
        self.heard = now()
        kept = self._tail + data
        self.frames += kept.count(FRAME)
        if ASKED in kept:
            os.write(self._master, OFFERED)
        at = max(kept.rfind(FRAME) + len(FRAME), kept.rfind(ASKED) + len(ASKED), len(kept) - len(ASKED) + 1)
        self._tail = kept[at:] if kept.rfind(b"\x1b") >= at else b""
        self.screen.feed(data)
        return True

    def until(self, shows: Callable[[Screen], bool], patience: float = PATIENCE) -> float:
        """When the screen came to show something; NotRun where it does not in time."""
        end = now() + patience
        while not shows(self.screen):
            if not self.hear(max(0.0, end - now())):
                raise NotRun(f"waited {patience:.0f} s for the UI; its screen: {self._last_words()}")
        return self.heard

    def rests(self, quiet: float = 0.5) -> Painted:
        """The last change of the screen before so many seconds in which nothing comes."""
        before, changed, used = "", self.began, 0.0
        while self.hear(quiet if before else PATIENCE):
            if self.screen.text != before:
                before, changed, used = self.screen.text, self.heard, self.processor
        if not before.strip():
            raise NotRun("the UI paints nothing")
        return Painted(changed - self.began, used)

    @property
    def processor(self) -> float:
        """Processor seconds of all threads of the process."""
        return sum(_used(task) for task in Path(f"/proc/{self.process}/task").iterdir())

    @property
    def first_thread(self) -> float:
        """Processor seconds of the thread that the process began with: the one of the screen."""
        return _used(Path(f"/proc/{self.process}/task/{self.process}"))

    def _last_words(self) -> str:
        return " / ".join(row.strip() for row in self.screen.rows if row.strip())[-300:] or "empty"


def _used(task: Path) -> float:
    return int((task / "schedstat").read_text().split()[0]) / 1e9
