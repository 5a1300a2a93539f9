"""The core models: what distinguishes an e500v2 from an e500mc (facts 1.1, 2.2)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ppcdbg.isa.insn import E500MC, E500V2


@dataclass(frozen=True)
class CoreModel:
    """One core type. ``reset`` holds SPRs that are not zero out of reset, by name."""

    name: str
    pvr: int
    svr: int
    cache_line: int
    tlb1_entries: int
    pids: int
    has_hv: bool
    has_fpu: bool
    has_debug_level: bool
    msr_mask: int
    reset: dict[str, int] = field(default_factory=dict)
    has_dcr: bool = False
    """Whether it has the 440's mfdcr and mtdcr, with the bus that they reach."""
    qemu: bool = False
    """Whether it does what QEMU 7.2's core does where silicon does otherwise (target/ppc): only lwarx takes an
    alignment interrupt, and leaves ESR alone; stwcx. without a reservation looks at no address; a user may read TBWL
    and TBWU, and another register that he may not have is privileged; MAS2[E] says nothing; of debug
    events it has two, which come behind their instruction and at once. See also ``engine.common.qemu``."""


CORES: dict[str, CoreModel] = {
    E500V2: CoreModel(
        name=E500V2,
        pvr=0x80210030,
        svr=0,
        cache_line=32,
        tlb1_entries=16,
        pids=3,
        has_hv=False,
        has_fpu=False,
        has_debug_level=False,
        msr_mask=0x0606D634 | 0x1000,  # UCLE SPE WE CE EE PR ME UBLE DE IS DS PMM
        # MMUCFG from the field descriptions, TLB1CFG with the silicon's MAXSIZE (facts 2.2); L1CFG: CBSIZE (bits
        # 39:40, 1 = 64 bytes), CNWAY - 1 (45:52) and CSIZE in KiB (53:63): 32 KiB in 8 ways (e500 RM 2.11.3).
        reset={"MMUCFG": 0x000019C4, "TLB0CFG": 0x04110200, "TLB1CFG": 0x101BC010, "L1CFG0": 0x00003820,
               "L1CFG1": 0x00003820},
    ),
    E500MC: CoreModel(
        name=E500MC,
        pvr=0x80230020,
        svr=0,
        cache_line=64,
        tlb1_entries=64,
        pids=1,
        has_hv=True,
        has_fpu=True,
        has_debug_level=True,
        msr_mask=0x1402FB36,  # GS UCLE CE EE PR FP ME FE0 DE FE1 IS DS PMM RI
        reset={"MMUCFG": 0x064809C4, "TLB0CFG": 0x04110200, "TLB1CFG": 0x401BC040, "L1CFG0": 0x00803820,
               "L1CFG1": 0x00003820},
    ),
}  # fmt: skip


def core_model(name: str, *, dcr: bool = False) -> CoreModel:
    """A core type by name; ``dcr``: with the device control registers of a 440."""
    return replace(CORES[name], has_dcr=True) if dcr else CORES[name]
