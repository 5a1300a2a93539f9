"""Switches: where Linux 6.1's KVM does something that looks wrong, and whether this run does it too.

A default of true is what 6.1 does. False are the two that stop KVM from working at all, and the one by which a guest
fills the host's log. Nothing reads these but the room that acts them out; the names are listed with their places in
facts 14 (Q1..Q22) and in the oracle's notes (O..). Q23 is in kernel/head_booke.h and kvm/bookehv_interrupts.S, Q24 in
kvm/booke.c and kvm/emulate.c, Q25 in kvm/bookehv_interrupts.S (with --instruction-fetch lwepx-...).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields


def _quirk(ident: str, does: str, default: bool = True) -> bool:
    value: bool = field(default=default, metadata={"id": ident, "does": does})
    return value


@dataclass(frozen=True)
class Quirks:
    """One switch a quirk; true means as in 6.1."""

    machine_check_doorbell_number: bool = _quirk(
        "Q1", "HV: the guest doorbell for a pending machine check is sent when ALIGNMENT or PROGRAM is pending"
    )
    msgsnd_type_from_register_number: bool = _quirk(
        "Q2", "HV: msgsnd takes the message type from the number of rB, so every message is a normal doorbell"
    )
    zero_r1_is_critical: bool = _quirk(
        "Q3", "supervisor state with r1 == 0 counts as a critical section while `critical` is 0"
    )
    critical_holds_all_classes: bool = _quirk(
        "Q4", "the paravirtual critical section holds off machine check, debug and critical interrupts too"
    )
    magic_page_at_zero: bool = _quirk("Q5", "PR: before MAP_MAGIC_PAGE supervisor EA page 0 aliases the shared page")
    magic_page_as0_only: bool = _quirk("Q6", "PR: the magic page is mapped for guest address space 0 only")
    unhandled_exits_bug: bool = _quirk("Q7", "exits 0, 9, 11, 37, 42 (and 8 on HV) end in BUG")
    failure_injects_and_exits: bool = _quirk(
        "Q8", "an instruction that cannot be emulated both queues PROGRAM and exits to userspace"
    )
    masked_pending_spins: bool = _quirk("Q9", "MSR[WE] with a masked pending interrupt spins in the host")
    tbw_reads_swapped: bool = _quirk("Q10", "mfspr TBWL gives the upper half of the time base, TBWU the lower")
    rfmci_missing: bool = _quirk("Q11", "rfmci and MCSRR0/1 are not emulated")
    sprg4_7_read_fails: bool = _quirk("Q12", "mfspr SPRG4..7 by their supervisor numbers fails")
    tlbilx_pid_exact: bool = _quirk("Q13", "tlbilx T=1 leaves TID 0 entries and ignores AS; T=2 silently succeeds")
    mas4_attributes_masked: bool = _quirk(
        "Q14", "MAS4's W, I, M defaults are dropped on a miss; TIDSELD is not checked"
    )
    v2_set_one_reg_reads: bool = _quirk("Q15", "e500v2: SET_ONE_REG of MMU registers changes nothing")
    never_injected: bool = _quirk("Q16", "FIT, CRITICAL input, PERFORMANCE_MONITOR and AP_UNAVAIL are never injected")
    as_is_is_or_ds: bool = _quirk("Q17", "PR: the guest's address space is MSR[IS] or MSR[DS], so IS != DS fails")
    sum_squared_divided_once: bool = _quirk("Q19", "the timing file divides sum_squared by ticks per us only once")
    trace_spellings: bool = _quirk("Q20", "trace text: AltiVec exits print as SPE_*, kvm_ppc_instr adds an empty line")
    hv_maps_magic_page: bool = _quirk("Q21", "HV: MAP_MAGIC_PAGE succeeds and nothing is mapped")
    mmio_commits_first: bool = _quirk("Q22", "MMIO: update register and pc change before userspace answers")
    debug_exit_takes_sprg9: bool = _quirk(
        "Q23", "HV, 32-bit host: the debug vector keeps r8 in SPRG9, so a debug exit leaves the guest's r8 there"
    )
    fetch_before_dear: bool = _quirk(
        "Q25", "HV: the exit path reads the instruction before ESR and DEAR, so a fault of that read overwrites them"
    )
    failure_log_unlimited: bool = _quirk(
        "Q24", "every failed emulation prints its lines; off: those of ten in 5 s, and how many were held back", False
    )
    exit_number_in_r5: bool = _quirk(
        "O1", "PR: the handler is called with the vcpu where the exit number belongs: BUG at the first exit", False
    )
    syscall_slot_too_short: bool = _quirk(
        "O2", "PR: every sc arrives as exit 9 because the host's SystemCall slot is shorter than the handler", False
    )
    stale_legacy_tlb1_range: bool = _quirk("O3", "without SW_TLB the boot entries in guest TLB1 are unreachable")
    requests_print_zero: bool = _quirk("O6", "kvm_check_requests prints requests=0 on a 32-bit big-endian host")
    dbcr0_clear_stays_live: bool = _quirk("O13", "a DBCR0 value without IDM does not reach the hardware")
    host_interrupt_drops_debug: bool = _quirk(
        "K1", "an interrupt of the host inside KVM_RUN clears DBCR0: no debug events before the next KVM_RUN"
    )
    single_step_waits_for_set_msr: bool = _quirk("O14", "SET_GUEST_DEBUG takes effect at the next kvmppc_set_msr")
    pid_stored_unmasked: bool = _quirk("O17", "PR: mtspr PID keeps all 32 bits; only the shadow lookup uses 8")


@dataclass(frozen=True)
class QuirkInfo:
    """What a listing shows of one switch."""

    name: str
    ident: str
    does: str
    default: bool


def listing() -> tuple[QuirkInfo, ...]:
    """All switches in the order of their identifiers; Q18 belongs to the guest's own kernel and has none."""
    return tuple(QuirkInfo(f.name, f.metadata["id"], f.metadata["does"], bool(f.default)) for f in fields(Quirks))
