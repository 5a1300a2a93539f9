"""What comes into the guest from outside, as data: the input that came, what is still to come, and what is withheld."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ppcdbg.cpu.delivery import WITHHELD_BITS
from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.msr import MCSR_MCP, TSR_DIS, TSR_ENW, TSR_WIS
from ppcdbg.cpu.timers import TIMEBASE_HZ
from ppcdbg.debugger.entries import Place, geometry
from ppcdbg.debugger.model import vcpu_of
from ppcdbg.debugger.results import Table
from ppcdbg.errors import UsageError
from ppcdbg.isa import slots
from ppcdbg.kvm.answers import answer_text
from ppcdbg.kvm.codes import EXIT_REASON_NAMES, KVM_INTERRUPT_SET, KVM_INTERRUPT_SET_LEVEL, KVM_INTERRUPT_UNSET
from ppcdbg.kvm.debug_points import REQUEST, unpacked
from ppcdbg.kvm.ioctl import Cap
from ppcdbg.kvm.irqprio import irqprios
from ppcdbg.machine.input import InputEvent, InputKind, TlbWrite

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


BARE = {"EXTERNAL": (0, 1), "EXTERNAL_LEVEL": (0, 1), "UNSET": (0, 0), "CRITICAL": (1, 1), "CRITICAL_UNSET": (1, 0),
         "MACHINE_CHECK": (2, 1), "UDE": (3, 1)}  # fmt: skip
"""Inputs of a core without a hypervisor: which, and its level."""


def jiffy(debugger: Debugger) -> int:
    """Of the modelled host, in ticks."""
    vcpu = vcpu_of(debugger.system)
    return TIMEBASE_HZ // (100 if vcpu is None else vcpu.vm.host.hz)


def requests(debugger: Debugger) -> dict[str, tuple[str, int]]:
    """What can be injected under KVM, by name: the request, and its value. What reaches a vcpu by an ioctl or a timer
    comes as it would; every other priority is queued, with the ESR and DEAR of the last one that set them. SIGNAL is
    for the process that calls KVM_RUN, RESCHED another task's wish for the processor, for one jiffy, and CAP_PPC_PAPR a
    KVM_ENABLE_CAP after which no vcpu of Book E's is run again."""
    table = {p.name: ("queue", p.number) for p in irqprios(debugger.guest.kind == "hv") if p.enable is not None}
    table |= {"EXTERNAL": ("interrupt", KVM_INTERRUPT_SET), "EXTERNAL_LEVEL": ("interrupt", KVM_INTERRUPT_SET_LEVEL)}
    table |= {"UNSET": ("interrupt", KVM_INTERRUPT_UNSET)}
    table |= {"HARDWARE_MACHINE_CHECK": ("machine-check", MCSR_MCP)}
    table |= {"SIGNAL": ("signal", 0), "RESCHED": ("resched", jiffy(debugger))}
    table |= {"CAP_PPC_PAPR": ("enable-cap", Cap.PAPR)}
    return table | {"DECREMENTER": ("or-tsr", TSR_DIS), "WATCHDOG": ("or-tsr", TSR_ENW | TSR_WIS)}


def withholdable(debugger: Debugger) -> dict[str, int]:
    """The interrupts that can be withheld, with their bits: KVM's priorities, or what the bare core takes between two
    instructions."""
    vcpu = vcpu_of(debugger.system)
    if vcpu is None:
        return {VECTORS[vector].name: bit for vector, bit in WITHHELD_BITS.items()}
    return {p.name: p.number for p in irqprios(vcpu.hv) if p.enable is not None}


def withheld(debugger: Debugger) -> list[str]:
    """Those of which the next one will not come."""
    bits = debugger.core.state.reg[slots.WITHHELD]
    return [name for name, bit in withholdable(debugger).items() if bits >> bit & 1]


def withhold_input(debugger: Debugger, words: Sequence[str]) -> str:
    """Take an input out that is still to come; a sentence about it. Raises UsageError where there is none."""
    queue, came = debugger.system.input, len(debugger.past.timeline.taken)
    pending = queue.pending()
    if not pending:
        raise UsageError("no input is still to come")
    number = debugger.evaluate(" ".join(words)).number if words else came
    if not came <= number < came + len(pending):
        raise UsageError(f"no input {number} is still to come; those from {came} to {came + len(pending) - 1} are")
    event = pending[number - came]
    queue.remove(event)
    debugger.past.timeline.branch()
    return f"input {number}, {text(debugger, event)} at {event.position:,}, does not come"


def table(debugger: Debugger) -> Table:
    """All that is known of this run, in order."""
    taken = debugger.past.timeline.taken
    every = (*taken, *debugger.system.input.pending())
    rows = tuple(
        (n, f"{e.position:,}", "came" if n < len(taken) else "to come", text(debugger, e)) for n, e in enumerate(every)
    )
    return Table("input", ("number", "position", "state", "what"), rows)


def written_from_outside(
    debugger: Debugger, address: int, length: int, real: bool, start: int, end: int
) -> list[tuple[int, int]]:
    """Writes of a debugger's into a range, between two positions: each position, and the number that was written."""
    where = address if real else debugger.memory.real(address)
    if where is None:
        return []
    return [
        (e.position, int.from_bytes(e.data[:8], "big"))
        for e in debugger.past.timeline.taken
        if e.kind is InputKind.MEMORY and start <= e.position <= end
        and e.target < where + length and where < e.target + len(e.data)
    ]  # fmt: skip


def text(debugger: Debugger, e: InputEvent) -> str:
    """One event in words."""
    match e.kind:
        case InputKind.CONSOLE:
            return f"console {e.target}: {e.data!r}"
        case InputKind.BREAK:
            return f"a break on console {e.target}"
        case InputKind.IRQ:
            return f"MPIC source {e.target} goes to {e.value}"
        case InputKind.CORE_LINE:
            return next(f"inject {name}" for name, line in BARE.items() if line == (e.target, e.value))
        case InputKind.MEMORY:
            more = "" if len(e.data) <= 16 else f" and {len(e.data) - 16} bytes more"
            return f"memory at real {e.target:#x} = {e.data[:16].hex()}{more}"
        case InputKind.REGISTER:
            return f"{e.name} = {e.value:#x}"
        case InputKind.TLB:
            w = TlbWrite.of(e)
            where = Place(w.tlbsel, w.esel, geometry(debugger)[1])
            return f"{where}: mas1={w.mas1:08x} mas2={w.mas2:08x} mas3={w.mas3:08x} mas7={w.mas7:x}"
        case InputKind.WITHHOLD:
            return f"the next {e.name} is withheld"
        case InputKind.ANSWER:
            what = EXIT_REASON_NAMES.get(e.target, f"exit reason {e.target}")
            return f"userspace answers {what}: {e.name or answer_text(e)}"
        case InputKind.KVM:
            if e.name == REQUEST:
                count = len(unpacked(e.data))
                return f"KVM_SET_GUEST_DEBUG with {count} point{'s' * (count != 1)}"
            asked = e.name or "interrupt", e.value
            known = (name for name, request in requests(debugger).items() if request == asked)
            return next((f"inject {name}" for name in known), f"KVM request {asked[0]} {e.value:#x}")
