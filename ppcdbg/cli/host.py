"""What the host does to a process from outside: a disk that fills, a terminal that goes, memory that it will not give.

None of it is a fault of ppcdbg's own or of the guest, so none of it has a traceback or a report: one sentence.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
"""What a file system says that takes no more."""
HUNG_UP = 129
"""As a shell has it of who was ended by SIGHUP."""


def from_outside(error: BaseException) -> bool:
    """Whether it is the host's doing."""
    return sentence(error) is not None


def sentence(error: BaseException) -> str | None:
    """What is to be said of it, None of any other error."""
    if isinstance(error, MemoryError):
        return (
            "the host gives this process no more memory (see `ulimit -v`); a smaller --memory or fewer --jobs need less"
        )
    if not isinstance(error, OSError):
        return None
    if error.errno in (errno.EIO, errno.ENXIO) and error.filename is None:
        return "the terminal is gone"
    if error.errno == errno.ENOMEM:
        return f"the host gives this process no more memory: {error.strerror}"
    if error.errno in NO_ROOM:
        return f"cannot write {error.filename or 'what this prints'}: {error.strerror}"
    return None


def status(error: BaseException) -> int:
    """The exit status that goes with it."""
    return HUNG_UP if isinstance(error, OSError) and error.errno in (errno.EIO, errno.ENXIO) else 3


def mute() -> None:
    """Nobody takes what goes to stdout: the interpreter's flush at exit must not say so again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
