"""What kvm_stat shows, of a guest of the model: the kernel's counters, and the exits by reason as it never could here.

kvm_stat of Linux 6.1 knows no exit reasons on PowerPC and does not look at trace system kvm_booke, where kvm_exit is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ppcdbg.errors import UsageError
from ppcdbg.kvm.timing import STATS
from ppcdbg.kvm.trace import EXIT_NAMES, exit_name
from ppcdbg.kvm.vcpu import Vcpu


@dataclass(frozen=True, slots=True)
class Count:
    """One event: ``total`` since the guest began, ``delta`` since the sample before."""

    name: str
    total: int
    delta: int


@dataclass(frozen=True)
class Sample:
    """All fields at one position (retired instructions); ``ticks`` of the time base, idle time included."""

    position: int
    ticks: int
    counts: tuple[Count, ...]


class KvmStat:
    """Samples of one vcpu. ``fields``: a regular expression that names must match from their beginning, as -f has it;
    ``counters`` and ``events``: the kernel's counters, and kvm_exit by reason. Raises UsageError for an expression that
    is none, or that nothing matches."""

    def __init__(self, vcpu: Vcpu, fields: str = "", *, counters: bool = True, events: bool = True) -> None:
        self._vcpu = vcpu
        try:
            wanted = re.compile(fields)
        except re.error as error:
            raise UsageError(f"the fields {fields!r} are no regular expression: {error}") from None
        every = (STATS if counters else ()) + (
            tuple(f"kvm_exit({name})" for name in EXIT_NAMES.values()) if events else ()
        )
        self.names = tuple(name for name in every if wanted.match(name))
        if not self.names:
            raise UsageError(f"no field matches {fields!r}; -f help lists them")
        self._before = dict.fromkeys(self.names, 0)

    def sample(self) -> Sample:
        """The counts now."""
        v = self._vcpu
        now = v.stat | {f"kvm_exit({exit_name(n)})": count for n, count in v.exit_counts.items()}
        totals = {name: now.get(name, 0) for name in self.names}
        counts = tuple(Count(name, total, total - self._before[name]) for name, total in totals.items())
        self._before = totals
        return Sample(v.core.retired, v.core.now, counts)
