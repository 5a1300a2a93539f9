"""The userspace side of KVM_RUN: struct kvm_run, and who answers an exit (facts 3.4).

A userspace may read and write a vcpu only through what an ioctl could do. Whatever it answers is completed by the
next entry, not by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from ppcdbg.cpu.plain import Saved, attributes, octets, put_attributes, table
from ppcdbg.kvm import codes
from ppcdbg.kvm.payloads import (
    PAYLOADS,
    DcrExit,
    DebugExit,
    EprExit,
    HcallExit,
    MmioExit,
    SprExit,
    SystemEventExit,
    UnknownExit,
    UserspaceExit,
)
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
class KvmRun:
    """struct kvm_run, as far as Book E uses it. What is rare is kept as the payload that userspace sees."""

    exit_reason: int = codes.KVM_EXIT_UNKNOWN
    immediate_exit: bool = False
    hardware_exit_reason: int = 0
    mmio: Mmio = field(default_factory=Mmio)
    debug_address: int = 0
    debug_status: int = 0
    epr: int = 0
    spr: SprExit = field(default_factory=SprExit)
    dcr: DcrExit = field(default_factory=DcrExit)
    hcall: HcallExit = field(default_factory=HcallExit)
    system_event: SystemEventExit = field(default_factory=SystemEventExit)

    def save(self) -> Saved:
        """See ``plain.Saves``."""
        mmio = {"data": self.mmio.data, **attributes(self.mmio, _MMIO)}
        kept = {name: getattr(self, name).pack() for name in _PAYLOADS}
        return {"mmio": mmio, **kept, **attributes(self, _RUN)}

    def restore(self, state: Saved) -> None:
        """See ``plain.Saves``."""
        mmio = table(state["mmio"])
        self.mmio.data = octets(mmio["data"])
        put_attributes(self.mmio, _MMIO, mmio)
        for name in _PAYLOADS:
            setattr(self, name, getattr(self, name).filled(octets(state[name])))
        put_attributes(self, _RUN, state)

    def left(self) -> UserspaceExit:
        """What KVM_RUN came back with."""
        match self.exit_reason:
            case codes.KVM_EXIT_MMIO:
                m = self.mmio
                return MmioExit(m.phys_addr, m.data if m.is_write else bytes(m.len), m.len, m.is_write)
            case codes.KVM_EXIT_UNKNOWN:
                return UnknownExit(self.hardware_exit_reason)
            case codes.KVM_EXIT_DEBUG:
                return DebugExit(self.debug_address, self.debug_status)
            case codes.KVM_EXIT_EPR:
                return EprExit(self.epr)
            case codes.KVM_EXIT_SPR:
                return self.spr
            case codes.KVM_EXIT_DCR:
                return self.dcr
            case codes.KVM_EXIT_EPAPR_HCALL:
                return self.hcall
            case codes.KVM_EXIT_SYSTEM_EVENT:
                return self.system_event
            case other:
                return PAYLOADS[other]()

    def answer(self, exit: UserspaceExit) -> None:
        """Userspace writes its answer into the union."""
        match exit:
            case MmioExit():
                self.mmio.data = exit.data
            case EprExit():
                self.epr = exit.epr
            case SprExit():
                self.spr = replace(exit, immediate_exit=False)
            case DcrExit():
                self.dcr = replace(exit, immediate_exit=False)
            case HcallExit():
                self.hcall = replace(exit, immediate_exit=False)
        self.immediate_exit = exit.immediate_exit


_MMIO = ("phys_addr", "len", "is_write")
_PAYLOADS = ("spr", "dcr", "hcall", "system_event")
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
