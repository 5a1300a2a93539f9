"""What KVM_RUN comes back with, a frozen class for each exit: the fields of struct kvm_run by their names (facts 3.4).

``ANSWERS`` are the fields that userspace may fill in before it enters the guest again; whatever it does is completed
by that entry. The layout of each is the kernel's, big endian, and what a recording keeps of an answer. Exits that were
proposed and never merged have no number there; theirs are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from struct import Struct, error
from typing import ClassVar, Self

from ppcdbg.kvm import codes

SPR_STATUS_OK, SPR_STATUS_FAIL = 0, 1
EVENT_SHUTDOWN, EVENT_RESET, EVENT_CRASH = 1, 2, 3  # KVM_SYSTEM_EVENT_*
Cell = int | bytes | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class UserspaceExit:
    """One of them. ``immediate_exit``: the next KVM_RUN completes the answer and comes back at once, with EINTR."""

    immediate_exit: bool = field(default=False, kw_only=True)

    REASON: ClassVar[int] = codes.KVM_EXIT_UNKNOWN
    LAYOUT: ClassVar[str] = ""
    ANSWERS: ClassVar[tuple[str, ...]] = ()

    @property
    def name(self) -> str:
        """``KVM_EXIT_SPR``."""
        return codes.EXIT_REASON_NAMES[self.REASON]

    def answers(self) -> tuple[str, ...]:
        """The fields that are userspace's in this one: of a write the data is the guest's."""
        write = getattr(self, "is_write", False)
        return tuple(name for name in self.ANSWERS if name != "data" or not write)

    def payload(self) -> dict[str, Cell]:
        """The fields of the union, in the order of their offsets."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "immediate_exit"}

    def pack(self) -> bytes:
        """The union as bytes."""
        cells: list[int | bytes] = []
        for cell in self.payload().values():
            cells += cell if isinstance(cell, tuple) else (cell,)
        return Struct(">" + self.LAYOUT).pack(*cells)

    @classmethod
    def size(cls) -> int:
        """Of the union, in bytes."""
        return Struct(">" + cls.LAYOUT).size

    def filled(self, data: bytes) -> Self:
        """The same kind of exit with the union of these bytes. Raises ValueError where they are too few or too many."""
        try:
            cells = iter(Struct(">" + self.LAYOUT).unpack(data))
        except error:
            raise ValueError(f"{self.name} has {self.size()} bytes in struct kvm_run, not {len(data)}") from None
        found: dict[str, Cell] = {}
        for name, was in self.payload().items():
            if isinstance(was, tuple):
                found[name] = tuple(int(next(cells)) for _ in was)
            elif isinstance(was, bytes):
                found[name] = bytes(next(cells))[: len(was)]
            else:
                found[name] = next(cells)
        return replace(self, **found)  # type: ignore[arg-type]

    def asks(self) -> tuple[Cell, ...]:
        """What is not userspace's to change."""
        own = self.answers()
        return tuple(cell for name, cell in self.payload().items() if name not in own)

    def __str__(self) -> str:
        cells = (f"{name}={_shown(cell)}" for name, cell in self.payload().items())
        return " ".join((self.name, *cells))


def _shown(cell: Cell) -> str:
    if isinstance(cell, bytes):
        return cell.hex() or "-"
    if isinstance(cell, tuple):
        last = max((i for i, value in enumerate(cell) if value), default=-1) + 1
        return "[" + ",".join(f"{value:#x}" for value in cell[:last]) + "]"
    return str(int(cell)) if isinstance(cell, bool) or cell < 10 else f"{cell:#x}"


@dataclass(frozen=True, slots=True)
class UnknownExit(UserspaceExit):
    """An instruction that cannot be emulated, or a machine check."""

    hardware_exit_reason: int = 0
    REASON = codes.KVM_EXIT_UNKNOWN
    LAYOUT = "Q"


@dataclass(frozen=True, slots=True)
class DebugExit(UserspaceExit):
    """A breakpoint or a step of the debugger that userspace is (debug.arch)."""

    address: int = 0
    status: int = 0
    reserved: int = 0
    REASON = codes.KVM_EXIT_DEBUG
    LAYOUT = "QII"


@dataclass(frozen=True, slots=True)
class MmioExit(UserspaceExit):
    """An access to what is no memory. ``data`` is in the guest's order of bytes, ``phys_addr`` guest-physical."""

    phys_addr: int = 0
    data: bytes = b""
    len: int = 0
    is_write: bool = False
    REASON = codes.KVM_EXIT_MMIO
    LAYOUT = "Q8sI?"
    ANSWERS = ("data",)


@dataclass(frozen=True, slots=True)
class IntrExit(UserspaceExit):
    """KVM_RUN failed with EINTR: a signal waits, or immediate_exit was set. Nothing is left to complete."""

    REASON = codes.KVM_EXIT_INTR


@dataclass(frozen=True, slots=True)
class DcrExit(UserspaceExit):
    """An mfdcr or mtdcr of a guest on a 440-style core."""

    dcrn: int = 0
    data: int = 0
    is_write: bool = False
    REASON = codes.KVM_EXIT_DCR
    LAYOUT = "II?"
    ANSWERS = ("data",)


@dataclass(frozen=True, slots=True)
class InternalErrorExit(UserspaceExit):
    """KVM_RUN failed with EINVAL: the vcpu is insane, which on Book E only KVM_ENABLE_CAP of PAPR makes it (powerpc.c,
    kvmppc_sanity_check)."""

    suberror: int = 0
    ndata: int = 0
    data: tuple[int, ...] = (0,) * 16
    REASON = codes.KVM_EXIT_INTERNAL_ERROR
    LAYOUT = "II16Q"


@dataclass(frozen=True, slots=True)
class WatchdogExit(UserspaceExit):
    """The guest's watchdog expired for the last time."""

    REASON = codes.KVM_EXIT_WATCHDOG


@dataclass(frozen=True, slots=True)
class EprExit(UserspaceExit):
    """An external interrupt was delivered, and userspace has the MPIC. ``epr`` is what the guest will read."""

    epr: int = 0
    REASON = codes.KVM_EXIT_EPR
    LAYOUT = "I"
    ANSWERS = ("epr",)


@dataclass(frozen=True, slots=True)
class SystemEventExit(UserspaceExit):
    """The guest asks for the end of the system. ``type`` is one of KVM_SYSTEM_EVENT_*."""

    type: int = 0
    ndata: int = 0
    data: tuple[int, ...] = (0,) * 16
    REASON = codes.KVM_EXIT_SYSTEM_EVENT
    LAYOUT = "II16Q"


@dataclass(frozen=True, slots=True)
class HcallExit(UserspaceExit):
    """A hypercall that KVM does not know (proposed in 2013). ``args`` are r3 to r10 and become
    r4 to r11. (KVM_EXIT_PAPR_HCALL is Book III-S's.)"""

    nr: int = 0
    ret: int = 0
    args: tuple[int, ...] = (0,) * 8
    REASON = codes.KVM_EXIT_EPAPR_HCALL
    LAYOUT = "QQ8Q"
    ANSWERS = ("ret", "args")


@dataclass(frozen=True, slots=True)
class SprExit(UserspaceExit):
    """An mtspr or mfspr that KVM leaves to userspace (proposed in 2012). ``msr`` is the guest's, for
    checks of permission; ``status`` SPR_STATUS_FAIL has KVM inject a Program interrupt."""

    sprn: int = 0
    data: int = 0
    msr: int = 0
    is_write: bool = False
    status: int = SPR_STATUS_OK
    REASON = codes.KVM_EXIT_SPR
    LAYOUT = "QQQ?B"
    ANSWERS = ("data", "status")


@dataclass(frozen=True, slots=True)
class ResetExit(UserspaceExit):
    """The guest asked for a reset (that thread's alternative). No payload was proposed."""

    REASON = codes.KVM_EXIT_RESET


PAYLOADS: dict[int, type[UserspaceExit]] = {
    kind.REASON: kind
    for kind in (UnknownExit, DebugExit, MmioExit, IntrExit, DcrExit, InternalErrorExit, WatchdogExit, EprExit,
                 SystemEventExit, HcallExit, SprExit, ResetExit)
}  # fmt: skip
"""By exit reason."""
SHORT_NAMES: dict[str, int] = {kind().name.removeprefix("KVM_EXIT_"): reason for reason, kind in PAYLOADS.items()}
"""Exit reasons by what follows ``KVM_EXIT_`` in their names."""
NEVER: dict[int, tuple[str, str]] = {
    5: ("KVM_EXIT_HLT", "the kernel halts the vcpu itself (powerpc.c: kvm_vcpu_halt)"),
    18: ("KVM_EXIT_OSI", "only book3s_pr.c sets it, which Book E's KVM does not contain (kvm/Makefile); the capability"
         " OSI is taken, and changes nothing"),
    19: ("KVM_EXIT_PAPR_HCALL", "only book3s_pr.c, book3s_hv.c and book3s_emulate.c set it; with the capability PAPR"
         " no vcpu runs: INTERNAL_ERROR"),
}  # fmt: skip
"""Exits that Linux 6.1 cannot make on Book E, by number: their names, and why."""
