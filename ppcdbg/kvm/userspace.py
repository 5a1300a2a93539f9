"""The userspace side of KVM_RUN: the exit as data, and who answers it (facts 3.4).

A userspace may read and write a vcpu only through what an ioctl could do. Whatever it answers is completed by the
next entry, not by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ppcdbg.cpu.plain import Saved, attributes, octets, put_attributes, table
from ppcdbg.kvm import codes
from ppcdbg.machine.system import StopKind

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu


@dataclass
class Mmio:
    """``data`` is in guest memory order; ``phys_addr`` is guest-physical."""

    phys_addr: int = 0
    data: bytes = b""
    len: int = 0
    is_write: bool = False


@dataclass
class SprExit:
    """KVM_EXIT_SPR as proposed: ``failed`` is userspace's status, and then the guest gets Program (PIL)."""

    sprn: int = 0
    data: int = 0
    msr: int = 0
    is_write: bool = False
    failed: bool = False


@dataclass
class KvmRun:
    """struct kvm_run, as far as Book E uses it."""

    exit_reason: int = codes.KVM_EXIT_UNKNOWN
    hardware_exit_reason: int = 0
    mmio: Mmio = field(default_factory=Mmio)
    debug_address: int = 0
    debug_status: int = 0
    epr: int = 0
    spr: SprExit = field(default_factory=SprExit)

    def save(self) -> Saved:
        """See ``plain.Saves``."""
        mmio = {"data": self.mmio.data, **attributes(self.mmio, _MMIO)}
        return {"mmio": mmio, "spr": attributes(self.spr, _SPR), **attributes(self, _RUN)}

    def restore(self, state: Saved) -> None:
        """See ``plain.Saves``."""
        mmio = table(state["mmio"])
        self.mmio.data = octets(mmio["data"])
        put_attributes(self.mmio, _MMIO, mmio)
        put_attributes(self.spr, _SPR, table(state["spr"]))
        put_attributes(self, _RUN, state)


_MMIO, _SPR = ("phys_addr", "len", "is_write"), ("sprn", "data", "msr", "is_write", "failed")
_RUN = ("exit_reason", "hardware_exit_reason", "debug_address", "debug_status", "epr")


@dataclass(frozen=True, slots=True)
class Ending:
    """Userspace will not enter the guest again; ``detail`` is one plain sentence."""

    kind: StopKind
    detail: str


class Userspace(Protocol):
    """A VMM."""

    def save(self) -> Saved:
        """See ``plain.Saves``; the board is saved by itself."""

    def restore(self, state: Saved) -> None:
        """See ``plain.Saves``."""

    def handle(self, vcpu: Vcpu) -> Ending | None:
        """Answer the exit in ``vcpu.run``; an ending ends the guest, None enters it again."""
