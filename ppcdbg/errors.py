"""Floor 0: every exception the project raises on purpose, with the sentence that a user reads.

A message says in one sentence what is wrong, where, and what would be right. The command line turns each class
into its exit status; no other floor knows about exit statuses. Architected interrupts of the guest are not
errors and live in :mod:`ppcdbg.cpu.interrupts`.
"""

from __future__ import annotations

LONGEST = 1000
"""Characters of a sentence. One that quotes a file may be given a name as long as the file."""
END = 300
DIGITS = 4000


class PpcdbgError(Exception):
    """Anything that a user can cause and mend. ``exit_status`` is what the process ends with."""

    exit_status = 3

    def __str__(self) -> str:
        """The sentence; of one that is too long the beginning and the end, where it says what would be right."""
        text = super().__str__()
        return text if len(text) <= LONGEST else f"{text[: LONGEST - END - 5]} ... {text[-END:]}"


class UsageError(PpcdbgError):
    """A command line or a command that cannot be understood."""

    exit_status = 2


def no_endless_number(text: str) -> None:
    """Raise UsageError where somebody gives a number longer than any is: ``int`` takes 4,300 digits and raises
    ValueError for more."""
    if len(text) > DIGITS:
        import re  # nobody gives so much

        if re.search(rf"[0-9_]{{{DIGITS}}}", text):
            raise UsageError(f"{text[:20]}... has a number of more than {DIGITS} digits; 20 are enough for any")


class InputError(PpcdbgError):
    """A file (image, initrd, machine description, session) that is damaged or does not fit."""

    exit_status = 3


class Interrupted(PpcdbgError):
    """The user stopped a script or a search before its end."""

    exit_status = 130


class EngineError(PpcdbgError):
    """An engine cannot be made or disagrees with its witness."""

    exit_status = 70


class LockstepError(EngineError):
    """Two engines differ; the message names register, both values, instruction and address."""

    exit_status = 5
