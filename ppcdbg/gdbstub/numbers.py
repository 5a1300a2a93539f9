"""Numbers, hex data and thread ids as packets spell them. Whatever is not spelt so is refused, with its name."""

from __future__ import annotations

from typing import NamedTuple

from ppcdbg.gdbstub.replies import Refused, malformed

_DIGITS = frozenset(b"0123456789abcdefABCDEF")
LONGEST_NUMBER = 16


class ThreadId(NamedTuple):
    """A process and a thread of it: 0 is any, -1 is all."""

    process: int
    thread: int


def number(text: bytes, what: str) -> int:
    """A hexadecimal number of at most 64 bits."""
    if not text or len(text) > LONGEST_NUMBER or not _DIGITS.issuperset(text):
        raise malformed(f"{what} must be a hexadecimal number")
    return int(text, 16)


def pair(text: bytes, what: str) -> tuple[int, int]:
    """``ADDRESS,LENGTH``."""
    first, comma, second = text.partition(b",")
    if not comma:
        raise malformed(f"{what} must be two numbers with a comma between")
    return number(first, what), number(second, what)


def data(text: bytes, what: str) -> bytes:
    """Bytes in hexadecimal, two digits each."""
    if len(text) & 1 or not _DIGITS.issuperset(text):
        raise malformed(f"{what} must be hexadecimal, two digits a byte")
    return bytes.fromhex(text.decode("ascii"))


def thread_id(text: bytes) -> ThreadId:
    """``T``, ``pP`` or ``pP.T``; each number may be ``-1`` (all) or ``0`` (any)."""
    if not text.startswith(b"p"):
        return ThreadId(0, _id(text))
    process, dot, thread = text[1:].partition(b".")
    return ThreadId(_id(process), _id(thread) if dot else -1)


def _id(text: bytes) -> int:
    if text == b"-1":
        return -1
    found = number(text, "a thread id")
    if found > 0x7FFFFFFF:
        raise Refused(3, f"there is no thread {found:#x}")
    return found
