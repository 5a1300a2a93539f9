"""Exit statuses: what each means, and which one the end of a run gives. Documented in --help from this table."""

from __future__ import annotations

from enum import IntEnum

from ppcdbg.machine.system import StopKind


class Status(IntEnum):
    """What the process ends with. ``value`` is the number, ``about`` what --help says."""

    about: str

    def __new__(cls, value: int, about: str) -> Status:
        member = int.__new__(cls, value)
        member._value_ = value
        member.about = about
        return member

    OK = 0, "the guest ended by itself, or the command did its work"
    FINDING = 1, "the work was done, and there is a finding"
    USAGE = 2, "the command line cannot be understood"
    INPUT = 3, "a file cannot be used: missing, damaged, of the wrong kind, or it does not fit"
    GUEST = 4, "the guest failed: it crashed, hangs, or waits for what can never come"
    DIVERGENCE = 5, "two runs that must be equal are not"
    LIMIT = 6, "a limit was reached first, such as --max-insns"
    INTERNAL = 70, "a fault of ppcdbg itself"
    HUNG_UP = 129, "the terminal went away (SIGHUP)"
    INTERRUPTED = 130, "interrupted (SIGINT)"
    PIPE = 141, "whoever read the output went away (SIGPIPE)"


WORDS: dict[Status, str] = {
    Status.OK: "ok",
    Status.FINDING: "finding",
    Status.USAGE: "usage",
    Status.INPUT: "input",
    Status.GUEST: "guest-failed",
    Status.DIVERGENCE: "divergence",
    Status.LIMIT: "limit",
    Status.INTERNAL: "internal",
    Status.HUNG_UP: "hung-up",
    Status.INTERRUPTED: "interrupted",
    Status.PIPE: "pipe",
}
"""The ``status`` of machine-readable output."""

_BY_STOP: dict[StopKind, Status] = {
    StopKind.RESET: Status.OK,
    StopKind.POWEROFF: Status.OK,
    StopKind.LIMIT: Status.LIMIT,
    StopKind.IDLE: Status.GUEST,
    StopKind.STUCK: Status.GUEST,
    StopKind.CRASH: Status.GUEST,
    StopKind.INTERRUPTED: Status.INTERRUPTED,
}


def of_stop(kind: StopKind) -> Status:
    """The status of a run that ended like this; a stop that a debugger asked for is no end and raises KeyError."""
    return _BY_STOP[kind]


def help_text() -> str:
    """The lines of --help."""
    return "\n".join(f"  {status.value:>3}  {status.about}" for status in Status)
