"""The switch of PR mode as data: what Linux 6.1 does on e500v2 (facts 8.3; booke), in code of ours.

The guest runs with MSR[PR] and MSR[IS,DS] set, under shadow PIDs; the host's vectors and KVM's are told apart by IVPR.
MAS are no guest state here, because a PR guest's TLB instructions exit. r4 is the vcpu; r3 and r5 to r8 are free until
the guest's are loaded.
"""

from __future__ import annotations

from ppcdbg.kvm.switch import sequences
from ppcdbg.kvm.switch.sequences import gprs, moves, saved

SPRGS = ("SPRG4", "SPRG5", "SPRG6", "SPRG7")

LOAD: dict[str, str] = {name: sequences.LOAD[name] for name in ("current", "ee-off")}
PUT: dict[str, str] = {name: sequences.PUT[name] for name in ("current", "dbsr")}
ENTRY: dict[str, str] = {
    "host-r2": "stw r2, HOST_R2_SLOT(r1)",
    "pid": """
        mfspr r3, PID
        stw r3, V_HOST_PID(r4)
        lwz r3, V_SHADOW_PID(r4)
        mtspr PID, r3   # shadow PID
        lwz r3, V_SHADOW_PID1(r4)
        mtspr PID1, r3   # shadow PID of TID 0""",
    "gprs": gprs(True, (0, 2, 9, 10, 11, 12, 13)),
    "lr-xer": moves({"LR": "V_LR", "XER": "V_XER"}, "r4", "guest"),
    "ivpr": "lis r3, KVM_VECTORS@h\nmtspr IVPR, r3   # vectors are KVM's from here on",
    "stack": "lwz r5, V_SHARED(r4)\nlwz r1, V_R1(r4)   # not before IVPR: the host's handlers use r1",
    "sprg": moves({name: f"S_{name}" for name in SPRGS}, "r5", "guest"),
    "ctr-cr": "lwz r3, V_CTR(r4)\nmtctr r3\nlwz r3, V_CR(r4)\nmtcr r3",
    "srr": """
        lwz r3, V_PC(r4)
        mtspr SRR0, r3   # where the guest goes on
        lwz r3, V_SHADOW_MSR(r4)
        mtspr SRR1, r3   # shadow MSR: PR, IS, DS""",
    "middle-gprs": gprs(True, (5, 6, 7, 8)),
    "dbsr": "li r3, -1\nmtspr DBSR, r3   # debug events of the host are no events of the guest",
    "last-gprs": gprs(True, (3, 4)),
    "rfi": "rfi   # MSR[PR]=1: into the guest",
}
EXIT: dict[str, str] = {
    "save": saved((6, 7, 8, 9)) + "\nstw r5, V_PC(r4)\nli r5, {number}",
    "instruction": """
        mfspr r9, SRR0
        mfmsr r8
        ori r7, r8, 0x10
        mtmsr r7   # MSR[DS]=1: loads are in the guest's address space
        isync
        lwz r9, 0(r9)   # the instruction, with the guest's translation
        mtmsr r8
        isync
        stw r9, V_LAST_INST(r4)
        """ + gprs(False, tuple(range(15, 32))),
    "esr": "mfspr r9, ESR\nstw r9, V_FAULT_ESR(r4)",
    "dear": "mfspr r9, DEAR\nstw r9, V_FAULT_DEAR(r4)",
}  # fmt: skip
RESUME: dict[str, str] = {
    "volatiles": gprs(False, (0, 1, 2, 10, 11, 12, 13, 14)) + """
        mflr r3
        stw r3, V_LR(r4)
        mfxer r3
        stw r3, V_XER(r4)""",
    "stack": "lwz r1, V_HOST_STACK(r4)   # the host's stack and PID before IVPR: its handlers use them",
    "pid": """
        lwz r3, V_HOST_PID(r4)
        mtspr PID, r3   # host PID
        li r3, 0
        mtspr PID1, r3""",
    "ivpr": "lis r3, VECTORS@h\nmtspr IVPR, r3   # vectors are the host's again",
    "call": """
        lwz r2, HOST_R2_SLOT(r1)
        mr r14, r4
        mr r3, r4
        mr r4, r5
        bl handle_exit   # kvmppc_handle_exit
        mr r4, r14
        lwz r14, V_R14(r4)
        b entry""",
}  # fmt: skip
NEEDS: dict[int, tuple[str, ...]] = {
    2: ("dear", "esr"), 3: ("esr",), 5: ("dear", "esr"), 6: ("instruction", "esr"),
    13: ("instruction", "dear", "esr"), 15: ("instruction",),
}  # fmt: skip
