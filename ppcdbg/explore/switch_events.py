"""What can come between two instructions of a world switch, and how it is made to come there."""

from __future__ import annotations

from dataclasses import dataclass

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu.state import TLB0_ENTRIES
from ppcdbg.errors import UsageError
from ppcdbg.isa import slots
from ppcdbg.isa.bits import M32, sign_extend
from ppcdbg.kvm.switch.rig import Rig


@dataclass(frozen=True)
class SwitchEvent:
    """``vector``: the interrupt that it makes, None for ``nothing``. ``hosts``: one that the host must handle once."""

    name: str
    about: str
    vector: int | None
    hosts: bool = False


EVENTS: tuple[SwitchEvent, ...] = (
    SwitchEvent("machine-check", "MCSR[MCP]; its handler prints", I.MACHINE_CHECK, True),
    SwitchEvent("critical", "the critical input, until the handler quiets the device", I.CRITICAL, True),
    SwitchEvent("debug", "a breakpoint set for the guest (IAC1) whose address is this instruction's", I.DEBUG),
    SwitchEvent("external", "the external input, until the handler quiets the device", I.EXTERNAL, True),
    SwitchEvent("decrementer", "TSR[DIS]", I.DECREMENTER, True),
    SwitchEvent("data-miss", "the entry for what this instruction accesses has left the TLB", I.DTLB_MISS),
    SwitchEvent("instruction-miss", "the entry for this instruction has left the TLB", I.ITLB_MISS),
)
NOTHING = SwitchEvent("nothing", "the switch alone", None)


def event(name: str) -> SwitchEvent:
    """The event of a name. Raises UsageError."""
    for known in (*EVENTS, NOTHING):
        if known.name == name:
            return known
    raise UsageError(f"there is no event {name!r} for a world switch; they are {', '.join(e.name for e in EVENTS)}")


def inject(rig: Rig, what: SwitchEvent) -> bool:
    """Make it come before the next instruction; false where it cannot come there."""
    match what.vector:
        case None:
            pass
        case I.DTLB_MISS:
            ea = _access(rig)
            return ea is not None and _leave_tlb(rig, ea, fetch=False)
        case I.ITLB_MISS:
            return _leave_tlb(rig, rig.pc, fetch=True)
        case rig.way.comes:
            return False  # the exit's own cause: one level is one interrupt
        case I.DEBUG if not _debugged(rig):
            return False
        case vector:
            rig.interrupt(vector)
    return True


def _debugged(rig: Rig) -> bool:
    """Whether the guest's debug registers are loaded and watch what runs now."""
    if _phase(rig) == "load":
        return False  # kvmppc_vcpu_run loads them after this
    return rig.hv or not rig.in_host()  # PR mode sets DBCR1[IAC1US] = 3: events of MSR[PR]=1 only


def _phase(rig: Rig) -> str:
    """The phase of the switch; in a handler of the host's, of what that interrupted."""
    for pc in (rig.pc, *(t.pc for t in reversed(rig.watch.taken))):
        phase, group = rig.code.groups.get(pc, ("", ""))
        if phase and group != "vector":
            return phase
    return ""


def _access(rig: Rig) -> int | None:
    """The effective address that a lwz or stw at pc goes to."""
    line = rig.code.lines.get(rig.pc)
    if line is None or line.word >> 26 not in (32, 36):
        return None
    base = line.word >> 16 & 31
    return (rig.core.state.gpr[base or slots.ZERO] + sign_extend(line.word & 0xFFFF, 16)) & M32


def _leave_tlb(rig: Rig, ea: int, *, fetch: bool) -> bool:
    """Drop the entry of TLB0 that translates an address now; those of TLB1 are pinned."""
    mmu = rig.core.mmu
    entry = mmu.find(ea, mmu.context(fetch=fetch))
    if entry is None or entry.index >= TLB0_ENTRIES:
        return False
    rig.core.tlb.drop(entry.index)
    return True
