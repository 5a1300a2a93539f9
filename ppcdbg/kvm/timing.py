"""CONFIG_KVM_EXIT_TIMING and the vcpu statistics, with the kernel's names (facts 8.5).

Durations are time-base ticks of the model: what a handler would have cost the host (``HostModel.costs``), and the
guest's own time between entry and exit.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from math import sqrt

from ppcdbg.cpu.plain import Saved, numbers
from ppcdbg.isa.bits import M64
from ppcdbg.kvm import codes
from ppcdbg.kvm.words import table

MIN_INIT = 0xFFFFFFFF
STAT_OF_TYPE: dict[int, str] = {
    codes.MMIO_EXITS: "mmio_exits", codes.SIGNAL_EXITS: "signal_exits",
    codes.ITLB_REAL_MISS_EXITS: "itlb_real_miss_exits", codes.ITLB_VIRT_MISS_EXITS: "itlb_virt_miss_exits",
    codes.DTLB_REAL_MISS_EXITS: "dtlb_real_miss_exits", codes.DTLB_VIRT_MISS_EXITS: "dtlb_virt_miss_exits",
    codes.SYSCALL_EXITS: "syscall_exits", codes.ISI_EXITS: "isi_exits", codes.DSI_EXITS: "dsi_exits",
    codes.EMULATED_INST_EXITS: "emulated_inst_exits", codes.DEC_EXITS: "dec_exits",
    codes.EXT_INTR_EXITS: "ext_intr_exits", codes.DBELL_EXITS: "dbell_exits", codes.GDBELL_EXITS: "gdbell_exits",
}  # fmt: skip
STATS: tuple[str, ...] = (
    "sum_exits", "mmio_exits", "signal_exits", "light_exits", "itlb_real_miss_exits", "itlb_virt_miss_exits",
    "dtlb_real_miss_exits", "dtlb_virt_miss_exits", "syscall_exits", "isi_exits", "dsi_exits", "emulated_inst_exits",
    "dec_exits", "ext_intr_exits", "halt_successful_wait", "dbell_exits", "gdbell_exits", "ld", "st", "pthru_all",
    "pthru_host", "pthru_bad_aff",
)  # fmt: skip
STAT: dict[str, int] = {name: i for i, name in enumerate(STATS)}


@dataclass(frozen=True)
class TimingRow:
    """One exit type: durations in ticks. ``minimum`` is 0xFFFFFFFF while the count is 0."""

    name: str | None
    count: int
    minimum: int
    maximum: int
    total: int
    squares: int

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else 0.0

    @property
    def deviation(self) -> float:
        """Standard deviation: square root of squares/n - mean**2."""
        return sqrt(max(0.0, self.squares / self.count - self.mean**2)) if self.count else 0.0


_COLUMNS = ("count", "minimum", "maximum", "total", "squares")


class Timing:
    """The timing table of one vcpu; sums are unsigned 64-bit numbers and wrap."""

    def __init__(self) -> None:
        self.count, self.minimum, self.maximum, self.total, self.squares = (table(codes.EXIT_TYPES) for _ in range(5))
        self.reset()

    def reset(self) -> None:
        """What writing 'c' to the debugfs file does."""
        for i in range(codes.EXIT_TYPES):
            self.count[i] = self.maximum[i] = self.total[i] = self.squares[i] = 0
            self.minimum[i] = MIN_INIT

    def save(self) -> Saved:
        """See ``plain.Saves``."""
        return {name: [*getattr(self, name)] for name in _COLUMNS}

    def restore(self, state: Saved) -> None:
        """See ``plain.Saves``."""
        for name in _COLUMNS:
            getattr(self, name)[:] = array("Q", numbers(state[name]))

    def add(self, duration: int, exit_type: int) -> None:
        self.count[exit_type] += 1
        self.total[exit_type] = self.total[exit_type] + duration & M64
        self.squares[exit_type] = self.squares[exit_type] + duration * duration & M64
        if duration < self.minimum[exit_type]:
            self.minimum[exit_type] = duration
        if duration > self.maximum[exit_type]:
            self.maximum[exit_type] = duration

    def add_exit(self, cost: int, exit_type: int, in_guest: int) -> None:
        """One exit of the past and the guest's time after it, as kvmppc_update_timing_stats books them."""
        count, total, squares = self.count, self.total, self.squares
        minimum, maximum, guest = self.minimum, self.maximum, codes.TIMEINGUEST
        count[exit_type] += 1
        total[exit_type] = total[exit_type] + cost & M64
        squares[exit_type] = squares[exit_type] + cost * cost & M64
        if cost < minimum[exit_type]:
            minimum[exit_type] = cost
        if cost > maximum[exit_type]:
            maximum[exit_type] = cost
        count[guest] += 1
        total[guest] = total[guest] + in_guest & M64
        squares[guest] = squares[guest] + in_guest * in_guest & M64
        if in_guest < minimum[guest]:
            minimum[guest] = in_guest
        if in_guest > maximum[guest]:
            maximum[guest] = in_guest

    def rows(self) -> list[TimingRow]:
        return [
            TimingRow(name, count, minimum, maximum, total, squares)
            for name, count, minimum, maximum, total, squares in zip(
                codes.EXIT_TYPE_NAMES, self.count, self.minimum, self.maximum, self.total, self.squares, strict=True
            )
        ]

    def text(self, ticks_per_usec: int, squared_divided_once: bool = True) -> str:
        """The debugfs file ``timing``; unnamed types print as the kernel's null string does."""
        lines = ["type\tcount\tmin\tmax\tsum\tsum_squared"]
        square = ticks_per_usec if squared_divided_once else ticks_per_usec**2
        for r in self.rows():
            mn, mx, total = r.minimum // ticks_per_usec, r.maximum // ticks_per_usec, r.total // ticks_per_usec
            name = r.name or "(null)"
            lines.append(f"{name:>12}\t{r.count:>10}\t{mn:>10}\t{mx:>10}\t{total:>20}\t{r.squares // square:>20}")
        return "\n".join(lines) + "\n"
