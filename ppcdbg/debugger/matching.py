"""Whether an event happened: in a handled exit, in one that has just begun, or in an access to memory.

Records serve the present and the past alike. What is only true now (a magic page, a shadow TLB) is noticed by
:mod:`ppcdbg.debugger.listening`.
"""

from __future__ import annotations

from ppcdbg.cpu.interrupts import DTLB_MISS, HV_PRIV, HV_SYSCALL, ITLB_MISS, PROGRAM, SYSCALL
from ppcdbg.cpu.msr import MSR_GS, MSR_PR
from ppcdbg.debugger.causes import FETCH_FAILED, emulated, instruction_word, mnemonic_of, priority_name, spr_of
from ppcdbg.debugger.events import Event, EventKind
from ppcdbg.isa.sprs import BY_NAME
from ppcdbg.kvm.codes import SC_MAGIC_R0
from ppcdbg.kvm.records import Action, Did, ExitRecord, payloads

TLB_WRITES = ("tlbwe",)
TLB_INVALIDATIONS = ("tlbivax", "tlbilx")
MMUCSR0 = BY_NAME["MMUCSR0"].number
MISSES = {"data": DTLB_MISS, "fetch": ITLB_MISS}


# --- an exit that has just begun ----------------------------------------------------------------------------------
def arrives(event: Event, record: ExitRecord, gpr: memoryview) -> bool:
    """Whether KVM is about to see the event; ``record`` has no actions yet, ``gpr`` are the guest's registers."""
    match event.kind:
        case EventKind.EXIT:
            return event.number in (None, record.vector)
        case EventKind.INSN:
            return will_emulate(record) and _insn(event, record)
        case EventKind.SPR:
            return will_emulate(record) and _spr(event, record)
        case EventKind.TLB:
            return will_emulate(record) and _tlb(event, record)
        case EventKind.HCALL:
            return is_hypercall(record, gpr) and event.number in (None, gpr[11])
        case EventKind.MISS:
            return _miss(event, record)
        case EventKind.FETCH_FAULT:
            return record.last_inst == FETCH_FAILED and "inst" not in record.captured
        case _:
            return False


def will_emulate(record: ExitRecord) -> bool:
    """Whether the handler goes to the emulator: PROGRAM of a supervisor in PR mode, HV_PRIV (facts 3.3)."""
    if record.vector == PROGRAM:
        return "inst" in record.captured and not record.msr & (MSR_PR | MSR_GS)
    return record.vector == HV_PRIV


def is_hypercall(record: ExitRecord, gpr: memoryview) -> bool:
    """``sc 1`` of a supervisor, or ``sc`` with the magic number in r0 (facts 6)."""
    if record.msr & MSR_PR:
        return False
    return record.vector == HV_SYSCALL or record.vector == SYSCALL and gpr[0] == SC_MAGIC_R0


# --- an exit that was handled -------------------------------------------------------------------------------------
def matches(event: Event, record: ExitRecord) -> bool:
    """Whether the event happened in this exit, as far as the record tells."""
    match event.kind:
        case EventKind.EXIT:
            return event.number in (None, record.vector)
        case EventKind.INSN:
            return emulated(record) is not None and _insn(event, record)
        case EventKind.SPR:
            return _spr(event, record)
        case EventKind.TLB:
            return emulated(record) is not None and _tlb(event, record)
        case EventKind.MMIO:
            return any(_mmio(event, a) for a in record.actions if a.did is Did.MMIO)
        case EventKind.DATA:
            return any(_data(event, record, a) for a in record.actions if a.did is Did.MMIO)
        case EventKind.HCALL:
            return any(event.number in (None, a.token) for a in record.actions if a.did is Did.HYPERCALL)
        case EventKind.USERSPACE:
            return any(event.number in (None, left.REASON) for left in payloads(record))
        case EventKind.QUEUED:
            return _priority(event, record.queued)
        case EventKind.WITHHELD:
            return _priority(event, withheld(record))
        case EventKind.DELIVERED:
            return record.delivered is not None and _priority(event, (record.delivered,))
        case EventKind.TAKEN:
            return record.delivered is not None and priority_name(record.delivered).startswith(event.name)
        case EventKind.SWITCH:
            return event.name != "user" and record.delivered is not None and bool(record.msr & MSR_PR)
        case EventKind.MISS:
            return _miss(event, record)
        case EventKind.RESCHED:
            return any(a.did is Did.RESCHED for a in record.actions)
        case EventKind.FETCH_FAULT:
            return any(a.did is Did.FETCH_FAULT for a in record.actions)
        case _:
            return False


def withheld(record: ExitRecord) -> tuple[int, ...]:
    """Priorities that were queued at this exit and not delivered on the way back from it."""
    return tuple(p for p in dict.fromkeys(record.queued) if p != record.delivered)


def _insn(event: Event, record: ExitRecord) -> bool:
    if event.number is not None:
        return instruction_word(record) == event.number
    return event.name in ("", mnemonic_of(record))


def _spr(event: Event, record: ExitRecord) -> bool:
    found = spr_of(record)
    if not found:
        return False
    written = mnemonic_of(record) == "mtspr"
    return event.number in (None, found[0]) and event.write in (None, written)


def _tlb(event: Event, record: ExitRecord) -> bool:
    name = mnemonic_of(record)
    flush = name == "mtspr" and spr_of(record)[:1] == (MMUCSR0,)
    return event.name != "invalidate" and name in TLB_WRITES or event.name != "write" and (
        name in TLB_INVALIDATIONS or flush
    )  # fmt: skip


def _miss(event: Event, record: ExitRecord) -> bool:
    """``guest``: the guest's own TLB has nothing, and it gets the interrupt; ``shadow``: only the real TLB had not."""
    wanted = (MISSES[event.name],) if event.name else tuple(MISSES.values())
    if record.vector not in wanted:
        return False
    reflected = any(a.did is Did.REFLECTED for a in record.actions)
    return not event.text or reflected is (event.text == "guest")


def _mmio(event: Event, action: Action) -> bool:
    if event.write is not None and event.write is not action.write:
        return False
    if event.name:
        return action.device == event.name
    gpa = action.gpa or 0
    return not event.address or event.address < gpa + (action.size or 1) and gpa < event.address + event.length


def _data(event: Event, record: ExitRecord, action: Action) -> bool:
    """A watched address may be a device's: then KVM makes the access for the guest."""
    if event.access != "access" and bool(action.write) is (event.access == "read"):
        return False
    start = (action.gpa or 0) if event.real else record.dar
    return start < event.address + event.length and event.address < start + (action.size or 1)


def _priority(event: Event, numbers: tuple[int, ...]) -> bool:
    if event.name:
        return any(priority_name(n) == event.name for n in numbers)
    return bool(numbers)
