"""What handlers answer with: error numbers, and the one exception by which a handler refuses.

Numbers are the host's errno values that gdb and QEMU use; gdb prints the text too where it has said that it can
(error-message+), and otherwise only the number.
"""

from __future__ import annotations

from ppcdbg.errors import PpcdbgError

OK = b"OK"
UNSUPPORTED = b""
"""The one answer that tells gdb to do without: to anything that is not known here."""

EPERM, ESRCH, EFAULT, EINVAL = 1, 3, 14, 22


class Refused(PpcdbgError):
    """A packet that is understood and cannot be carried out, or cannot be understood. ``number`` is an errno."""

    def __init__(self, number: int, sentence: str) -> None:
        super().__init__(sentence)
        self.number = number


def malformed(what: str) -> Refused:
    """A packet that is not built as its kind must be."""
    return Refused(EINVAL, f"malformed packet: {what}")


def error(number: int, sentence: str, in_words: bool) -> bytes:
    """The reply to a packet that was refused."""
    if not in_words:
        return b"E%02x" % number
    text = "".join(c if c.isprintable() and c not in "#$}*" else "?" for c in sentence)
    return b"E." + text.encode("utf-8", "replace")
