"""What the host has of a guest at an exit, and what it does there in which order: data for tables, nothing that acts.

Sources: kvm/bookehv_interrupts.S and kvm/booke_interrupts.S (what is saved), kvm/booke.c (kvmppc_handle_exit,
kvmppc_restart_interrupt, kvmppc_fill_pt_regs), kvm/powerpc.c (kvmppc_prepare_to_enter); facts 3.2, 3.5, 8.2, 8.3.
What of it the model acts out is :mod:`ppcdbg.kvm.world_switch`'s and :mod:`ppcdbg.kvm.exits`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ppcdbg.cpu import interrupts as I
from ppcdbg.kvm import fetch
from ppcdbg.kvm.irqprio import irqprios
from ppcdbg.kvm.records import Did, ExitRecord
from ppcdbg.kvm.world_switch import captures

RESTARTED: dict[int, str] = {
    I.CRITICAL: "unknown_exception",
    I.EXTERNAL: "do_IRQ",
    I.DECREMENTER: "timer_interrupt",
    I.WATCHDOG: "WatchdogException",
    I.PERFORMANCE_MONITOR: "performance_monitor_exception",
    I.DOORBELL: "doorbell_exception",
}
"""kvmppc_restart_interrupt: the host's handler that is run again with a pt_regs of its own, by exit number."""
HOSTS_REGS = "r1, nip, msr, lr of the host; the rest is 0"
"""kvmppc_fill_pt_regs."""


def restarted(number: int) -> str:
    """The host's work that is run again at an exit, before anything else is known of it."""
    if number in RESTARTED:
        return RESTARTED[number]
    if number == I.MACHINE_CHECK:
        return "none: the host's handler does not run (FIXME)"
    return "none: DBSR is copied and cleared" if number == I.DEBUG else "none"


@dataclass(frozen=True)
class Saved:
    """One register, or several that go together. ``valid``: whether the vcpu, or what a handler of the host's gets, has
    what the guest had at this exit; ``why``: since when, or what is there instead."""

    name: str
    value: str
    valid: bool
    why: str


@dataclass(frozen=True)
class Step:
    """One step of an exit: the kernel's function, and what it came to in this exit."""

    does: str
    here: str


Earlier = Callable[[str], ExitRecord | None]
"""The last exit before this one that captured ``dear``, ``esr`` or ``inst``."""


def saved(record: ExitRecord, hv: bool, earlier: Earlier, overwrites: bool = False) -> Iterator[Saved]:
    """What the host has at an exit. ``overwrites``: see ``fetch.overwrites``."""
    first, second, dear, esr, inst = captures(hv)[record.vector]
    lost = overwrites and _unread(record)
    yield Saved(f"{first} {second}", f"{record.pc:08x} {record.msr:08x}", True, "of this exit")
    yield _syndrome("DEAR", f"{record.dar:08x}", dear, lost, earlier)
    yield _syndrome("ESR", f"{record.esr:08x}", esr, lost, earlier)
    yield _instruction(record, hv, inst, earlier)
    yield Saved("r0-r14 LR CTR CR XER", "", True, "each exit saves them")
    yield Saved("r15-r31", "", inst, "saved: the handler may change them" if inst else "not saved: in the registers")
    yield from _of_hv(record) if hv else _of_pr(record)
    yield from _special(record)


def _unread(record: ExitRecord) -> bool:
    return any(a.did is Did.FETCH_FAULT for a in record.actions)


def _syndrome(name: str, value: str, captured: bool, lost: bool, earlier: Earlier) -> Saved:
    if captured:
        return Saved(name, value, not lost, "overwritten by the host's own load" if lost else "of this exit")
    return Saved(name, value, False, _old(name.lower(), earlier))


def _old(key: str, earlier: Earlier) -> str:
    last = earlier(key)
    return "no exit has captured it yet" if last is None else f"of exit {last.number} ({last.name})"


def _instruction(record: ExitRecord, hv: bool, inst: bool, earlier: Earlier) -> Saved:
    value = f"{record.last_inst:08x}"
    if "inst" in record.captured:
        return Saved("last_inst", value, True, "of this exit")
    if hv and inst:
        why = "the host could not read it" if _unread(record) else "none of these exits needs it"
        return Saved("last_inst", value, False, f"KVM_INST_FETCH_FAILED: {why}")
    return Saved("last_inst", value, False, _old("inst", earlier))


def _of_hv(record: ExitRecord) -> Iterator[Saved]:
    yield Saved("SPRG4-7 SPRG9 VRSAVE", "", True, "saved in kvmppc_resume_host")
    yield Saved("MAS0-4 MAS6 MAS7", "", True, "saved before EPCR[DMIUH] is cleared")
    own = record.vector == I.GUEST_DBELL
    kept = "the guest's, in the hardware until vcpu_put"
    yield Saved("GSRR0 GSRR1", "", not own, "this interrupt's: EE was on, they were free" if own else kept)
    yield Saved("GDEAR GESR GEPR GSPRG0-3", "", True, kept)


def _of_pr(record: ExitRecord) -> Iterator[Saved]:
    yield Saved("the guest's MAS SRR SPRG", "", True, "fields of the shared page")
    if record.vector in (I.DTLB_MISS, I.ITLB_MISS):
        yield Saved("MAS of the hardware", "", False, "the miss has loaded them for the host")


def _special(record: ExitRecord) -> Iterator[Saved]:
    number = record.vector
    if number == I.MACHINE_CHECK:
        yield Saved("MCSR", "", True, "nobody clears it: the next one adds to it")
    if number == I.DEBUG:
        yield Saved("DBSR", "", True, "in vcpu->arch.dbsr; the hardware's is cleared")
    if number in RESTARTED:
        yield Saved("pt_regs", RESTARTED[number], False, HOSTS_REGS)


# --- the order of things ------------------------------------------------------------------------------------------
def steps(record: ExitRecord, hv: bool, before: ExitRecord | None) -> Iterator[Step]:
    """What the host does from an exit to the next entry, in its order."""
    booked = "nothing: it is the first"
    if before is not None:
        booked = f"exit {before.number} as {before.accounted}" if before.accounted else "nothing: no type yet"
    yield Step("kvmppc_update_timing_stats", booked)
    yield Step("kvmppc_restart_interrupt", restarted(record.vector))
    if hv:
        read = "read" if "inst" in record.captured else "could not be read" if record.last_inst == _BAD else "not read"
        yield Step("kvmppc_get_last_inst", read if record.vector in fetch.NEEDS_EMU else "not asked for")
    yield Step("trace_kvm_exit", "")
    yield Step("local_irq_enable", "whatever else came for the host is served here")
    did = ", ".join(_did(record)) or "nothing for the guest"
    yield Step(f"switch ({record.name})", did)
    host = record.resume.startswith("RESUME_HOST")
    yield Step("local_irq_disable", "left out: userspace is wanted" if host else "")
    away = sum(a.value or 0 for a in record.actions if a.did is Did.RESCHED)
    here = f"another task for {away:,} ticks" if away else "the only point where it gives the processor away"
    yield Step("need_resched", here if away or not host else "not reached")
    yield Step("signal_pending", "-EINTR" if "SIGNAL" in record.accounted else "not reached" if host else "")
    yield Step("kvmppc_core_check_requests", "not reached" if host else "")
    delivered = "nothing" if record.delivered is None else irqprios(hv)[record.delivered].name
    yield Step("kvmppc_core_prepare_to_enter", "not reached" if host else f"delivers {delivered}")
    yield Step("return", record.resume)


_BAD = fetch.INST_FETCH_FAILED


def _did(record: ExitRecord) -> Iterator[str]:
    for a in record.actions:
        yield a.did.value + (f" {a.note}" if a.note else "")


def rows(cpu: str | None = None) -> list[dict[str, str | int | bool | None]]:
    """By exit number and build: what is run again, what the exit captures, where its pc and MSR are."""
    table: list[dict[str, str | int | bool | None]] = []
    for number, vector in sorted(I.VECTORS.items()):
        for build, core in (("PR", "e500v2"), ("HV", "e500mc")):
            if cpu not in (None, core) or build == "PR" and number >= I.DOORBELL:
                continue
            first, second, dear, esr, inst = captures(build == "HV")[number]
            read = inst and (build == "PR" or number in fetch.LOADED)
            table.append({
                "exit": number, "name": vector.name, "in": build, "runs again": restarted(number),
                "saved in": f"{first} {second}", "DEAR": dear, "ESR": esr, "instruction": read, "r15-r31": inst,
            })  # fmt: skip
    return table


RESCHEDULES = (
    "the reschedule point: as posted in 2012 in some cases of the switch; book3s then, before it; 6.1, behind it with"
    " interrupts off, as signals"
)
