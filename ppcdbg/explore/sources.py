"""What can interrupt a guest under KVM from outside, and the one way in which the explorer makes it do so.

Each goes through the input queue, so that a recording of the queue replays it. What it does there is KVM's own request:
an ioctl that userspace makes, what a timer's expiry does, another vcpu's doorbell.
"""

from __future__ import annotations

from dataclasses import dataclass

from ppcdbg.cpu.msr import TSR_DIS, TSR_ENW, TSR_WIS
from ppcdbg.errors import UsageError
from ppcdbg.kvm import irqprio
from ppcdbg.kvm.codes import KVM_INTERRUPT_SET, KVM_INTERRUPT_SET_LEVEL, KVM_INTERRUPT_UNSET
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.devices.mpic import SOURCES as MPIC_SOURCES
from ppcdbg.machine.input import InputKind


@dataclass(frozen=True)
class Source:
    """``priority``: the irqprio that it makes pending. ``letter``: its column in a map. ``hv``: only there, None: in
    both flavours. ``release``: what ends it once it is delivered, where the guest's handler cannot."""

    name: str
    about: str
    priority: int
    kind: InputKind
    request: str = ""
    value: int = 0
    target: int = 0
    release: int | None = None
    hv: bool | None = None


_FIXED: tuple[Source, ...] = (
    Source("external", "KVM_INTERRUPT, an edge", irqprio.EXTERNAL, InputKind.KVM, "interrupt", KVM_INTERRUPT_SET),
    Source("level", "KVM_INTERRUPT SET_LEVEL, which its device withdraws when the interrupt is delivered",
           irqprio.EXTERNAL_LEVEL, InputKind.KVM, "interrupt", KVM_INTERRUPT_SET_LEVEL, release=KVM_INTERRUPT_UNSET),
    Source("decrementer", "TSR[DIS], as at its expiry", irqprio.DECREMENTER, InputKind.KVM, "or-tsr", TSR_DIS),
    Source("watchdog", "TSR[ENW,WIS], as at its first time-out; a critical interrupt", irqprio.WATCHDOG, InputKind.KVM,
           "or-tsr", TSR_ENW | TSR_WIS),
    Source("doorbell", "another vcpu's msgsnd", irqprio.DBELL, InputKind.KVM, "queue", irqprio.DBELL, hv=True),
    Source("critical-doorbell", "another vcpu's msgsnd; a critical interrupt", irqprio.DBELL_CRIT, InputKind.KVM,
           "queue", irqprio.DBELL_CRIT, hv=True),
)  # fmt: skip


def names(hv: bool) -> tuple[str, ...]:
    """The sources that a guest of a flavour can have, the lines of the MPIC aside."""
    return tuple(s.name for s in _FIXED if s.hv is None or s.hv is hv)


def table() -> tuple[Source, ...]:
    """All sources but the lines of the MPIC."""
    return _FIXED


def source(name: str, hv: bool) -> Source:
    """The source with a name; ``irq:N`` is line N of the board's MPIC. Raises UsageError."""
    for known in _FIXED:
        if known.name == name and known.hv in (None, hv):
            return known
    line = name.removeprefix("irq:")
    if line != name and line.isascii() and line.isdecimal() and int(line) < MPIC_SOURCES:
        about = f"line {line} of the MPIC goes high"
        return Source(name, about, irqprio.EXTERNAL_LEVEL, InputKind.IRQ, value=1, target=int(line), release=0)
    known_names = ", ".join(names(hv))
    raise UsageError(f"there is no source of interrupts {name!r} here; it must be one of {known_names}, irq:NUMBER")


def inject(system: KvmSystem, source: Source, position: int | None = None) -> None:
    """The interrupt comes at this moment, or at a position that is still to come."""
    system.input.add(source.kind, target=source.target, value=source.value, name=source.request, position=position)


def release(system: KvmSystem, source: Source) -> None:
    """It was delivered: a device whose handler asks it lets its line go."""
    if source.release is not None:
        system.input.add(source.kind, target=source.target, value=source.release, name=source.request)
