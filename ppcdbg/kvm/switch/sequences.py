"""The switch as data: groups of instructions, each with what it does to the machine.

The code is ours; what it does to the hardware, and in which order, is what Linux 6.1 does (facts 8.1, 8.2; bookehv).
A group is a stretch that stands or falls together; the orders of groups are :mod:`.variants`'. r4 is the vcpu, r11 the
shared page once ``shared`` has loaded it; r3 and r5 to r10 are free until the guest's are loaded.
"""

from __future__ import annotations

from collections.abc import Mapping

MAS = ("MAS0", "MAS1", "MAS2", "MAS3", "MAS4", "MAS6", "MAS7")


def moves(fields: Mapping[str, str], base: str, note: str) -> str:
    """Load each field through r3 into a register."""
    lines = []
    for register, field in fields.items():
        lines.append(f"lwz r3, {field}({base})\nmtspr {register}, r3   # {note} {register}")
    return "\n".join(lines)


def gprs(load: bool, numbers: tuple[int, ...]) -> str:
    """Load or save GPRs of the guest."""
    op, what = ("lwz", "guest") if load else ("stw", "save")
    return "\n".join(f"{op} r{n}, V_R{n}(r4)   # {what} r{n}" for n in numbers)


def saved(numbers: tuple[int, ...]) -> str:
    """The beginning of an exit: what the vector has parked, and GPRs, into the vcpu."""
    return (
        """
        lwz r4, CURRENT(r3)   # vcpu
        stw r5, V_CR(r4)
        lwz r5, {save}(r3)
        stw r5, V_R4(r4)
        lwz r5, {save}+4(r3)
        stw r5, V_R5(r4)
        mfspr r5, {scratch}
        stw r5, V_R3(r4)
        """
        + gprs(False, numbers)
        + """
        mfctr r5
        stw r5, V_CTR(r4)
        mfspr r5, {pair}0"""
    )


# --- kvmppc_core_vcpu_load_e500mc: with MSR[EE] on ----------------------------------------------------------------
_VCPU_SPRS = {"GPIR": "V_GPIR", "MSRP": "V_MSRP", "EPLC": "V_EPC", "EPSC": "V_EPC", "GIVPR": "V_GIVPR",
              "GIVOR2": "V_GIVOR2", "GIVOR8": "V_GIVOR8", "GEPR": "V_GEPR"}  # fmt: skip
_SHARED_SPRS = {"GSPRG0": "S_SPRG0", "GSPRG1": "S_SPRG1", "GSPRG2": "S_SPRG2", "GSPRG3": "S_SPRG3", "GSRR0": "S_SRR0",
                "GSRR1": "S_SRR1", "GDEAR": "S_DAR", "GESR": "S_ESR"}  # fmt: skip
LOAD: dict[str, str] = {
    "current": "mfspr r5, SPRG3\nstw r4, CURRENT(r5)   # thread.kvm_vcpu",
    "lpid": "lwz r3, V_LPID(r4)\nmtspr LPID, r3   # the guest's; TLPID 0, the host's, matches any",
    "epcr": "lwz r3, V_EPCR(r4)\nmtspr EPCR, r3   # who gets which interrupt in guest state",
    "guest-sprs": "\n".join(
        (moves(_VCPU_SPRS, "r4", "guest"), "lwz r11, V_SHARED(r4)", moves(_SHARED_SPRS, "r11", "guest"))
    ),
    "flush": """
        mfspr r3, PIR
        lwz r5, V_OLDPIR(r4)
        cmplw r3, r5
        bne flush_{phase}   # it last ran on another core
        mfspr r6, SPRG3
        lwz r5, LAST_VCPU(r6)
        cmplw r5, r4
        beq flushed_{phase}   # nobody else of this LPID ran here
        flush_{phase}: mfmsr r7
        wrteei 0
        lwz r3, V_LPID(r4)
        oris r3, r3, 0x8000
        mtspr MAS5, r3   # SGS and the LPID
        tlbilx 0, 0, r0   # all of the guest's translations
        li r3, 0
        mtspr MAS5, r3
        wrtee r7
        mfspr r6, SPRG3
        stw r4, LAST_VCPU(r6)
        flushed_{phase}:""",
    "ee-off": "wrteei 0   # no base-class interrupt from here to the guest",
}

# --- the thread is scheduled off, and another vcpu of the guest's runs here ---------------------------------------
SCHEDULE = """
        mfspr r5, SPRG3
        lwz r6, RESCHEDULE(r5)
        cmpwi r6, 0
        beq entry
        li r6, 0
        stw r6, RESCHEDULE(r5)"""
"""Behind kvmppc_handle_exit: on to the entry, unless need_resched()."""
PUT: dict[str, str] = {
    "guest-sprs": "lwz r11, V_SHARED(r4)\n" + "\n".join(
        f"mfspr r3, {name}\nstw r3, {field}   # save guest {name}" for name, field in (
            ("EPLC", "V_EPC(r4)"), *((name, f"{field}(r11)") for name, field in _SHARED_SPRS.items()),
            ("GEPR", "V_GEPR(r4)"))),
    "oldpir": "mfspr r3, PIR\nstw r3, V_OLDPIR(r4)",
    "current": "mfspr r5, SPRG3\nli r3, 0\nstw r3, CURRENT(r5)   # thread.kvm_vcpu",
    "dbsr": "mfspr r3, DBSR\nmtspr DBSR, r3   # kvmppc_clear_dbsr",
}  # fmt: skip
"""kvmppc_core_vcpu_put_e500mc, with MSR[EE] off as in the switch of threads."""

# --- __kvmppc_vcpu_run from lightweight_exit on -------------------------------------------------------------------
_SPRGS = {"SPRG4": "S_SPRG4", "SPRG5": "S_SPRG5", "SPRG6": "S_SPRG6", "SPRG7": "S_SPRG7"}
ENTRY: dict[str, str] = {
    "host-r2": "stw r2, HOST_R2_SLOT(r1)",
    "pid": """
        mfspr r3, PID
        stw r3, V_HOST_PID(r4)
        lwz r3, V_GUEST_PID(r4)
        mtspr PID, r3   # guest PID""",
    "shared": "lwz r11, V_SHARED(r4)",
    "dmiuh": """
        mfspr r3, EPCR
        oris r3, r3, 0x40
        mtspr EPCR, r3   # EPCR[DMIUH]=1: a miss of the host leaves MAS alone
        isync""",
    "host-mas": """
        mfspr r3, MAS4
        stw r3, V_HOST_MAS4(r4)
        mfspr r3, MAS6
        stw r3, V_HOST_MAS6(r4)""",
    "mas": moves({name: f"S_{name}" for name in MAS}, "r11", "guest"),
    "sprg": "\n".join(
        (
            moves({"USPRG0": "V_VRSAVE"}, "r4", "guest"),
            moves(_SPRGS, "r11", "guest"),
            moves({"SPRG9": "V_SPRG9"}, "r4", "guest"),
        )
    ),
    "ivpr": "lis r3, KVM_VECTORS@h\nmtspr IVPR, r3   # vectors are KVM's from here on",
    "gprs": gprs(True, (0, 1, 2, 10, 11, 12, 13)),
    "lr-xer-ctr": moves({"LR": "V_LR", "XER": "V_XER", "CTR": "V_CTR"}, "r4", "guest"),
    "srr": """
        lwz r3, V_PC(r4)
        mtspr SRR0, r3   # where the guest goes on
        lwz r3, V_SHARED(r4)
        lwz r3, S_MSR(r3)
        mtspr SRR1, r3   # the guest's MSR, with GS""",
    "cr": "lwz r3, V_CR(r4)\nmtcr r3   # nothing may change CR after this",
    "last-gprs": gprs(True, (5, 6, 7, 8, 9, 3, 4)),
    "srr-pinned": """
        lwz r3, V_R4(r4)
        mfspr r9, SPRG3
        stw r3, EXIT_SAVE(r9)
        lwz r3, V_R3(r4)
        stw r3, EXIT_SAVE+4(r9)
        lwz r3, V_R9(r4)
        stw r3, EXIT_SAVE+8(r9)
        lwz r3, V_SHARED(r4)
        lwz r3, S_MSR(r3)
        lwz r4, V_PC(r4)
        mtspr SRR0, r4   # from here on memory that is pinned
        mtspr SRR1, r3
        lwz r4, EXIT_SAVE(r9)
        lwz r3, EXIT_SAVE+4(r9)
        lwz r9, EXIT_SAVE+8(r9)""",
    "middle-gprs": gprs(True, (5, 6, 7, 8)),
    "gs-by-mtmsr": """
        mfmsr r3
        oris r3, r3, 0x1000
        mtmsr r3   # MSR[GS]=1 before rfi: the host's code runs in guest state""",
    "rfi": "rfi   # MSR[GS]=1: into the guest",
}

# --- from the vector to kvmppc_handle_exit; {pair} and {number} are the exit's ------------------------------------
EXIT: dict[str, str] = {
    "save": saved((6, 7, 8, 9, 10, 11, 12, 13)) + "\nmfspr r6, {pair}1",
    "park": """
        stw r6, EXIT_SAVE(r3)
        stw r5, EXIT_SAVE+4(r3)
        mfspr r6, {scratch}
        stw r6, EXIT_SAVE+8(r3)
        lwz r6, {save}(r3)
        stw r6, EXIT_SAVE+12(r3)
        lwz r6, {save}+4(r3)
        stw r6, EXIT_SAVE+16(r3)
        mfspr r6, {pair}0
        stw r6, EXIT_SAVE+20(r3)   # what a miss would overwrite is in pinned memory
        mfspr r6, {pair}1
        stw r6, EXIT_SAVE+24(r3)
        mfspr r6, ESR
        stw r6, EXIT_SAVE+28(r3)
        mfspr r6, DEAR
        stw r6, EXIT_SAVE+32(r3)
        lwz r4, CURRENT(r3)   # vcpu
        lwz r5, EXIT_SAVE(r3)
        stw r5, V_R6(r4)
        lwz r5, EXIT_SAVE+4(r3)
        stw r5, V_CR(r4)
        lwz r5, EXIT_SAVE+8(r3)
        stw r5, V_R3(r4)
        lwz r5, EXIT_SAVE+12(r3)
        stw r5, V_R4(r4)
        lwz r5, EXIT_SAVE+16(r3)
        stw r5, V_R5(r4)
        """
    + gprs(False, (7, 8, 9, 10, 11, 12, 13))
    + """
        mfctr r5
        stw r5, V_CTR(r4)
        lwz r5, EXIT_SAVE+20(r3)
        lwz r6, EXIT_SAVE+24(r3)
        lwz r7, EXIT_SAVE+28(r3)
        stw r7, V_FAULT_ESR(r4)
        lwz r7, EXIT_SAVE+32(r3)
        stw r7, V_FAULT_DEAR(r4)""",
    "stack": """
        stw r1, V_R1(r4)
        stw r2, V_R2(r4)
        lwz r1, V_HOST_STACK(r4)   # the host's stack
        lwz r2, HOST_R2_SLOT(r1)""",
    "pid": """
        mfspr r10, PID
        stw r10, V_GUEST_PID(r4)
        lwz r10, V_HOST_PID(r4)
        mtspr PID, r10   # host PID""",
    "pc-msr": """
        lwz r11, V_SHARED(r4)
        stw r14, V_R14(r4)
        li r14, {number}
        stw r6, S_MSR(r11)   # the guest's MSR
        stw r5, V_PC(r4)""",
    "ee-on": "wrteei 1   # base-class interrupts of the host",
    "enable": """
        oris r8, r6, 2
        ori r8, r8, 0x1002
        cmplw r6, r8
        beq on_{number}{pair}
        mfmsr r7
        ori r7, r7, {me}
        oris r7, r7, {ce}
        mtmsr r7   # CE, ME, RI, as far as the interrupt's class allows
        on_{number}{pair}:""",
    "emulate": gprs(False, tuple(range(15, 32)))
    + """
        li r9, -1
        stw r9, V_LAST_INST(r4)""",
    "esr": "mfspr r8, ESR\nstw r8, V_FAULT_ESR(r4)",
    "dear": "mfspr r9, DEAR\nstw r9, V_FAULT_DEAR(r4)",
}

# --- kvmppc_resume_host -------------------------------------------------------------------------------------------
_SAVED = {"USPRG0": "V_VRSAVE(r4)", "LR": "V_LR(r4)", "XER": "V_XER(r4)", "SPRG9": "V_SPRG9(r4)",
          **{f"SPRG{n}": f"S_SPRG{n}(r11)" for n in range(4, 8)}}  # fmt: skip
RESUME: dict[str, str] = {
    "volatiles": "stw r0, V_R0(r4)\n" + "\n".join(
        f"mfspr r3, {name}\nstw r3, {field}   # save {name}" for name, field in _SAVED.items()),
    "mas": "\n".join(f"mfspr r3, {name}\nstw r3, S_{name}(r11)   # save guest {name}" for name in MAS),
    "host-mas": """
        lwz r3, V_HOST_MAS4(r4)
        mtspr MAS4, r3   # host MAS4
        lwz r3, V_HOST_MAS6(r4)
        mtspr MAS6, r3   # host MAS6""",
    "dmiuh": """
        mfspr r3, EPCR
        rlwinm r3, r3, 0, 10, 8
        mtspr EPCR, r3   # EPCR[DMIUH]=0: a miss loads MAS again
        isync""",
    "ivpr": "lis r3, VECTORS@h\nmtspr IVPR, r3   # vectors are the host's again",
    "call": """
        mr r3, r4
        mr r4, r14
        mr r14, r3
        bl handle_exit   # kvmppc_handle_exit
        mr r4, r14
        lwz r14, V_R14(r4)
        b entry""",
}  # fmt: skip
NEEDS: dict[int, tuple[str, ...]] = {
    2: ("emulate", "esr", "dear"), 3: ("esr",), 5: ("esr", "dear"), 6: ("emulate", "esr"),
    13: ("emulate", "esr", "dear"), 41: ("emulate",),
}  # fmt: skip
"""What an exit captures besides, by its number (facts 8.2)."""
