"""Shadow ids of PR mode: which hardware PID stands for one (address space, guest PID, MSR[PR]) of the guest.

Follows e500.c (facts 5.4): ids 1..255 are handed out in order; when they run out the host TLB is flushed and counting
starts again. PID0 holds the id of the current guest PID, PID1 that of guest PID 0, so that TID 0 entries always match.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

from ppcdbg.cpu.plain import Saved, attributes, numbers, put_attributes
from ppcdbg.kvm.words import table

NUM_TIDS = 256
_KEYS = 1 << 10
_NONE = table(_KEYS)


def key(space: int, tid: int, pr: int) -> int:
    """Index of one identity in the id table."""
    return space << 9 | tid << 1 | pr


class ShadowIds:
    """The id table of one vcpu on the one host CPU that it runs on.

    ``current`` gives the guest's (address space, PID, PR); ``flush_host`` drops every unprotected host TLB entry.
    """

    def __init__(self, current: Callable[[], tuple[int, int, int]], flush_host: Callable[[], None]) -> None:
        self._current = current
        self._flush_host = flush_host
        self.table = table(_KEYS)
        """By key: the live id of an identity, or 0."""
        self.last_used = 0
        self.pid0 = 0
        self.pid1 = 0

    def save(self) -> Saved:
        """See ``plain.Saves``."""
        return {"table": [*self.table], **attributes(self, ("last_used", "pid0", "pid1"))}

    def restore(self, state: Saved) -> None:
        """See ``plain.Saves``."""
        self.table[:] = array("Q", numbers(state["table"]))
        put_attributes(self, ("last_used", "pid0", "pid1"), state)

    def lookup(self, space: int, tid: int, pr: int) -> int:
        """The live id of an identity, or 0."""
        return self.table[space << 9 | tid << 1 | pr]

    def get(self, space: int, tid: int, pr: int, within_recalc: bool = False) -> int:
        """The id of an identity, allocated when there is none; the hardware PIDs follow."""
        k = space << 9 | tid << 1 | pr
        sid = self.table[k]
        while not sid:
            self.last_used += 1
            if self.last_used < NUM_TIDS:
                sid = self.table[k] = self.last_used
            else:
                self._flush_host()
                self.last_used = 0
                self.table[:] = _NONE
            if not within_recalc:
                self.recalculate()
        return sid

    def recalculate(self) -> None:
        """Set PID0 and PID1 for the guest's current state (after MSR, PID or table changes)."""
        space, pid, pr = self._current()
        ids = self.table
        base = space << 9 | pr
        self.pid0 = ids[base | pid << 1] or self.get(space, pid, pr, True)
        self.pid1 = ids[base] or self.get(space, 0, pr, True)

    def reset_all(self) -> None:
        """Forget every id: host entries made with old ones can never match again."""
        self.table[:] = _NONE
        self.recalculate()

    def reset_one(self, space: int, tid: int, pr: int) -> None:
        self.table[space << 9 | tid << 1 | pr] = 0
        self.recalculate()

    def owner(self, sid: int) -> tuple[int, int, int] | None:
        """(address space, guest PID, PR) that a live id stands for, for panes."""
        if not sid or sid not in self.table:
            return None
        k = self.table.index(sid)
        return k >> 9, k >> 1 & 0xFF, k & 1
