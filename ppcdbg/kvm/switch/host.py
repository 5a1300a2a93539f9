"""The host around the switch: vectors, handlers, and what its kvmppc_handle_exit does. Text for the assembler.

It is careful, so that what goes wrong is the switch's doing: a handler gives back every register, and a handler of a
higher level saves what a TLB miss of its own would overwrite (SRR0/1, ESR, DEAR, MAS, the base class's scratch). What
it owes to the variant: whether vectors test xSRR1[GS], how the miss handler fills MAS, what its handlers touch.
"""

from __future__ import annotations

from collections.abc import Mapping

from ppcdbg.cpu.interrupts import (
    CRITICAL,
    DEBUG,
    DECREMENTER,
    DTLB_MISS,
    EXTERNAL,
    HV_PRIV,
    ITLB_MISS,
    MACHINE_CHECK,
    PROGRAM,
    VECTORS,
)
from ppcdbg.cpu.models import CORES
from ppcdbg.cpu.msr import TSR_DIS
from ppcdbg.isa.insn import E500MC
from ppcdbg.isa.sprs import BY_NAME
from ppcdbg.kvm.switch.layout import (
    GUEST_DATA,
    GUEST_DATA_EA,
    GUEST_EA,
    GUEST_TEXT,
    LEVEL_SAVE,
    MISS_SAVE,
    OTHER_DATA,
    SAVE,
)
from ppcdbg.kvm.switch.variants import Variant
from ppcdbg.kvm.switch.ways import Way

RETURNS = {"SRR": "rfi", "CSRR": "rfci", "DSRR": "rfdi", "MCSRR": "rfmci"}
_SCRATCH = {"SRR": "SPRG0", "GSRR": "SPRG0", "CSRR": "SPRG2", "MCSRR": "SPRG1"}
_MISS_KEEPS = ("MAS0", "MAS1", "MAS2", "MAS3", "MAS7")
_MAS = ("MAS0", "MAS1", "MAS2", "MAS3", "MAS6", "MAS7")
_LOWER = {"SRR": (), "CSRR": ("SRR0", "SRR1"), "DSRR": ("SRR0", "SRR1", "CSRR0", "CSRR1"),
          "MCSRR": ("SRR0", "SRR1", "CSRR0", "CSRR1", "DSRR0", "DSRR1")}  # fmt: skip


def pair_of(number: int, core: str = E500MC) -> str:
    """The save/restore pair of a vector: SRR, CSRR, DSRR, MCSRR or GSRR."""
    pair = VECTORS[number].cls.value[0][:-1]
    return "CSRR" if pair == "DSRR" and not CORES[core].has_debug_level else pair


def scratch_of(pair: str, debug_scratch: str) -> str:
    """The SPRG in which a vector keeps r3."""
    return debug_scratch if pair == "DSRR" else _SCRATCH[pair]


def save_of(pair: str) -> int:
    """Where in the per-CPU block a vector keeps r4 and r5."""
    return LEVEL_SAVE[pair] if pair in ("CSRR", "DSRR", "MCSRR") else SAVE


def vector(number: int, v: Variant, routing: str, label: str) -> str:
    """The first instructions at a vector, up to where host and KVM part. ``routing``: test, host or kvm."""
    pair = pair_of(number, v.core)
    scratch, save = scratch_of(pair, v.debug_scratch), save_of(pair)
    test = (
        "andis. r4, r4, 0x1000   # DO_KVM: [GS]" if v.core == E500MC else "andi. r4, r4, 0x20   # as DO_KVM, with [IS]"
    )
    lines = f"""
        {label}_{number}:
        mtspr {scratch}, r3
        mfspr r3, SPRG3
        stw r4, {save}(r3)
        stw r5, {save + 4}(r3)
        mfcr r5"""
    if routing == "test":
        lines += f"""
        mfspr r4, {pair}1
        {test}
        beq {label}_{number}_host
        b kvm_{number}
        {label}_{number}_host:"""
    return lines + f"\nb {'kvm' if routing == 'kvm' else 'host'}_{number}"


def handlers(v: Variant) -> str:
    """The host's own handlers, by the labels host_0 and so on."""
    parts = []
    for number in VECTORS:
        if number in (DTLB_MISS, ITLB_MISS):
            parts.append(_miss(number, v.miss == "trusting"))
        elif number in _BODIES:
            parts.append(_handler(number, v))
        elif number < 42:
            parts.append(f"host_{number}: b dead   # no host expects it")
    parts.append("dead: b dead")
    return "\n".join(parts)


_IO = "lis r6, IO@ha\nstw r6, IO@l+{0}(r6)"
_BODIES: Mapping[int, str] = {
    EXTERNAL: _IO.format(0),
    CRITICAL: _IO.format(4),
    MACHINE_CHECK: "mfspr r4, MCSR\nmtspr MCSR, r4\n" + _IO.format(8),
    DECREMENTER: f"lis r6, {TSR_DIS >> 16}\nmtspr TSR, r6",
    DEBUG: "li r4, -1\nmtspr DBSR, r4\nmfspr r4, {0}1\nrlwinm r4, r4, 0, 23, 21\nmtspr {0}1, r4",
}
"""What a handler does to its source: quiet the device's line, clear MCSR and print, clear TSR[DIS] or DBSR and DE."""


def _handler(number: int, v: Variant) -> str:
    pair = pair_of(number, v.core)
    area, save, scratch = LEVEL_SAVE[pair], save_of(pair), scratch_of(pair, v.debug_scratch)
    lower = (name for name in _LOWER[pair] if BY_NAME[name].on(v.core))
    hv = ("MAS8",) if v.core == E500MC and pair != "SRR" else ()
    kept = (*_MAS, *hv, "ESR", "DEAR", "SPRG0", *lower, *(("SRR0", "SRR1") if pair == "SRR" else ()))
    saves = [f"mfspr r6, {name}\nstw r6, {area + 32 + 4 * i}(r3)" for i, name in enumerate(kept)]
    loads = [f"lwz r6, {area + 32 + 4 * i}(r3)\nmtspr {name}, r6" for i, name in enumerate(kept)]
    words = [(SAVE + 4 * i, area + 16 + 4 * i) for i in range(4)]
    if pair != "SRR" and v.miss == "saving":  # it may have come in the midst of a miss
        words += [(MISS_SAVE + 4 * i, area + 32 + 4 * len(kept) + 4 * i) for i in range(len(_MISS_KEEPS))]
    for miss, own in words:
        saves.append(f"lwz r6, {miss}(r3)\nstw r6, {own}(r3)")
        loads.append(f"lwz r6, {own}(r3)\nstw r6, {miss}(r3)")
    if hv:
        saves.append("li r6, 0\nmtspr MAS8, r6   # a miss of the handler's own maps nothing for a guest")
    frame = "stw r4, -16(r1)   # its frame is on the stack that r1 points at" if pair == "SRR" else ""
    return "\n".join((
        f"host_{number}: stw r5, {area + 8}(r3)", f"stw r6, {area + 12}(r3)", *saves,
        f"lwz r4, HANDLED+{4 * number}(r3)", "addi r4, r4, 1", f"stw r4, HANDLED+{4 * number}(r3)", frame,
        _BODIES[number].format(pair), *loads, f"lwz r5, {area + 8}(r3)", "mtcr r5", f"lwz r6, {area + 12}(r3)",
        f"lwz r5, {save + 4}(r3)", f"lwz r4, {save}(r3)", f"mfspr r3, {scratch}", RETURNS[pair],
    ))  # fmt: skip


def _miss(number: int, trusting: bool) -> str:
    """A TLB miss in memory that comes and goes. ``trusting``: MAS0 to MAS2 are what the hardware loads (as Linux's);
    else the handler fills all of MAS by itself and gives back what stood there."""
    head = f"""
        host_{number}: stw r6, SAVE+8(r3)
        stw r7, SAVE+12(r3)"""
    find = f"""
        mfspr r4, {"DEAR" if number == DTLB_MISS else "SRR0"}
        rlwinm r6, r4, 24, 22, 27
        addis r6, r6, PAGE_TABLE@ha
        lwz r7, PAGE_TABLE@l(r6)
        rlwinm r4, r4, 0, 0, 19
        cmplw r7, r4
        bne dead   # no page of the host's is there"""
    if trusting:
        save, fill, load = (
            "",
            """
        mfspr r7, MAS1
        rlwinm r7, r7, 0, 16, 1
        mtspr MAS1, r7   # TID 0; V and TSIZE are the hardware's
        mfspr r7, MAS2
        lwz r4, PAGE_TABLE@l+12(r6)
        or r7, r7, r4
        mtspr MAS2, r7   # EPN is the hardware's""",
            "",
        )
    else:
        save = "\n".join(f"mfspr r7, {name}\nstw r7, MISS_SAVE+{4 * i}(r3)" for i, name in enumerate(_MISS_KEEPS))
        load = "\n".join(f"lwz r7, MISS_SAVE+{4 * i}(r3)\nmtspr {name}, r7" for i, name in enumerate(_MISS_KEEPS))
        fill = """
        lis r7, 3
        mtspr MAS0, r7
        lis r7, -0x8000
        ori r7, r7, 0x100
        mtspr MAS1, r7
        lwz r7, PAGE_TABLE@l+12(r6)
        or r7, r7, r4
        mtspr MAS2, r7"""
    return f"""{head}\n{save}\n{find}\n{fill}
        lwz r7, PAGE_TABLE@l+4(r6)
        mtspr MAS3, r7
        lwz r7, PAGE_TABLE@l+8(r6)
        mtspr MAS7, r7
        tlbwe\n{load}
        mtcr r5
        lwz r7, SAVE+12(r3)
        lwz r6, SAVE+8(r3)
        lwz r5, SAVE+4(r3)
        lwz r4, SAVE(r3)
        mfspr r3, SPRG0
        rfi"""


def _mas(r: str, way: int, ea: int, real: int, ts: int = 0) -> str:
    """MAS0 to MAS3 and MAS7 for a page of the guest's in TLB0, whose PID is in r7; ``r`` is 0 then."""
    return f"""lis {r}, {way}
        mtspr MAS0, {r}
        rlwinm {r}, r7, 16, 8, 15
        oris {r}, {r}, 0x8000
        ori {r}, {r}, {ts | 0x100}
        mtspr MAS1, {r}
        lis {r}, {ea >> 16}
        ori {r}, {r}, {ea & 0xFFFF | 4}
        mtspr MAS2, {r}
        lis {r}, {real >> 16}
        ori {r}, {r}, {real & 0xFFFF | 0x3F}
        mtspr MAS3, {r}
        li {r}, 0
        mtspr MAS7, {r}"""


def _map_guest(label: str, ea: int, real: int, hv: bool) -> str:
    """kvmppc_mmu_map: the guest's page into TLB0, way 1; in HV mode with TGS and LPID in MAS8, else for TS=1. Nothing
    that can miss is touched once MAS are being written, for a miss loads them."""
    if hv:
        pid, ts = "V_GUEST_PID", 0
        more = "lwz r8, V_LPID(r3)\noris r8, r8, 0x8000"
        write = """mtspr MAS8, r8
        tlbwe
        li r6, 0
        mtspr MAS8, r6"""
    else:
        pid, ts, more, write = "V_SHADOW_PID", 0x1000, "", "tlbwe"
    return f"""
        {label}: lwz r7, {pid}(r3)
        {more}
        {_mas("r6", 1, ea, real, ts)}
        {write}
        blr"""


_HANDLE_EXIT = f"""
        handle_exit: mfspr r5, SPRG3
        lwz r6, EXIT_COUNT(r5)
        rlwinm r7, r6, 4, 23, 27
        add r7, r7, r5
        stw r4, EXITS(r7)
        lwz r8, V_PC(r3)
        stw r8, EXITS+4(r7)
        {{msr}}
        stw r8, EXITS+8(r7)
        addi r6, r6, 1
        stw r6, EXIT_COUNT(r5)
        cmpwi r4, {DTLB_MISS}
        beq map_data
        cmpwi r4, {ITLB_MISS}
        beq map_text
        cmpwi r4, {PROGRAM}
        beq emulate
        cmpwi r4, {HV_PRIV}
        beq emulate
        rlwinm r7, r4, 2, 24, 29
        add r7, r7, r5
        lwz r8, HANDLED(r7)
        addi r8, r8, 1
        stw r8, HANDLED(r7)
        lis r6, IO@ha
        cmpwi r4, {EXTERNAL}
        beq quiet_external
        cmpwi r4, {CRITICAL}
        beq quiet_critical
        cmpwi r4, {MACHINE_CHECK}
        beq quiet_machine_check
        cmpwi r4, {DECREMENTER}
        beq quiet_decrementer
        cmpwi r4, {DEBUG}
        beq quiet_debug
        blr
        emulate: lwz r8, V_PC(r3)
        addi r8, r8, 4
        stw r8, V_PC(r3)
        blr
        quiet_external: stw r6, IO@l(r6)
        blr
        quiet_critical: stw r6, IO@l+4(r6)
        blr
        quiet_machine_check: mfspr r6, MCSR
        mtspr MCSR, r6
        blr
        quiet_decrementer: lis r6, {TSR_DIS >> 16}
        mtspr TSR, r6
        {{tick}}
        blr
        quiet_debug: li r6, -1
        mtspr DBSR, r6
        li r6, 0
        mtspr DBCR0, r6
        blr"""


def handle_exit(v: Variant, way: Way) -> str:
    """Note the exit, then run the host's handler again for what is the host's, or map the guest's page. A tick may ask
    for another thread."""
    hv = v.core == E500MC
    msr = "lwz r9, V_SHARED(r3)\nlwz r8, S_MSR(r9)" if hv else "lwz r8, V_SHADOW_MSR(r3)"
    maps = (
        _map_guest("map_data", GUEST_DATA_EA, GUEST_DATA, hv),
        _map_guest("map_text", GUEST_EA, GUEST_TEXT, hv),
    )
    tick = "li r6, 1\nstw r6, RESCHEDULE(r5)" if way.scheduled else ""
    return "\n".join((_HANDLE_EXIT.format(msr=msr, tick=tick), *maps))


def other_vcpu(v: Variant) -> str:
    """Another vcpu of the guest's was here, with its registers and a translation of its own, and is gone again."""
    names = ("SPRG4", "SPRG5", "SPRG6", "SPRG7", *(_OTHERS if v.core == E500MC else ()))
    out = [f"lis r3, 0x5A5A\nori r3, r3, {n}\nmtspr {name}, r3" for n, name in enumerate(names)]
    if v.core == E500MC:
        out.append(f"""
        lis r3, 0x3000
        mtspr EPLC, r3
        mtspr EPSC, r3
        addi r5, r4, 0x400
        mfspr r6, SPRG3
        stw r5, LAST_VCPU(r6)
        lwz r7, V_GUEST_PID(r4)
        lwz r8, V_LPID(r4)
        oris r8, r8, 0x8000
        {_mas("r3", 2, GUEST_DATA_EA, OTHER_DATA)}
        mtspr MAS8, r8
        tlbwe
        mtspr MAS8, r3
        mtspr LPID, r3
        mtspr MSRP, r3""")
    return "\n".join((*out, "wrteei 1   # behind the switch of threads"))


_OTHERS = ("GSPRG0", "GSPRG1", "GSPRG2", "GSPRG3", "GSRR0", "GSRR1", "GDEAR", "GESR", "GEPR", "GPIR", "GIVPR")


SCHEDULED_OWN = ("SPRG0", "SPRG1", "SPRG2", "SPRG3", "SRR0", "SRR1", "DEAR", "ESR")
"""Registers that a guest of HV mode writes before its thread is scheduled off: guest state has its own of each."""


def guest(v: Variant, way: Way) -> str:
    """The guest: one instruction, the one at which it leaves, and another one when it has come back."""
    own = "\n".join(f"mtspr {name}, r20" for name in SCHEDULED_OWN) if way.scheduled and v.core == E500MC else ""
    return f"""
        guest: addi r20, r20, 1
        {own}
        guest_leaves: {way.instruction if v.core == E500MC else way.pr_instruction}   # {way.about}
        addi r21, r21, 1
        guest_end: b guest_end"""
