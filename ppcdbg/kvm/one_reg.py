"""KVM_GET_ONE_REG and KVM_SET_ONE_REG by the registers' names (facts 12; booke.c, e500_mmu.c).

Values are unsigned; a register that is wider than 32 bits is marked. Errors are the ioctl's negative errno.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ppcdbg.kvm import booke, timers
from ppcdbg.kvm.codes import EINVAL, SW_BREAKPOINT

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

ID_BASE, SIZE_U32, SIZE_U64 = 0x1000000000000000, 2 << 52, 3 << 52
IDS: dict[str, int] = {
    "IAC1": SIZE_U64 | 2, "IAC2": SIZE_U64 | 3, "DAC1": SIZE_U64 | 6, "DAC2": SIZE_U64 | 7, "EPR": SIZE_U32 | 0x86,
    "OR_TSR": SIZE_U32 | 0x87, "CLEAR_TSR": SIZE_U32 | 0x88, "TCR": SIZE_U32 | 0x89, "TSR": SIZE_U32 | 0x8A,
    "DEBUG_INST": SIZE_U32 | 0x8B, "MAS0": SIZE_U32 | 0x8C, "MAS1": SIZE_U32 | 0x8D, "MAS2": SIZE_U64 | 0x8E,
    "MAS7_3": SIZE_U64 | 0x8F, "MAS4": SIZE_U32 | 0x90, "MAS6": SIZE_U32 | 0x91, "MMUCFG": SIZE_U32 | 0x92,
    "TLB0CFG": SIZE_U32 | 0x93, "TLB1CFG": SIZE_U32 | 0x94,
}  # fmt: skip
"""Register names and the low part of their ids; ``ID_BASE`` completes one."""

_MAS = ("MAS0", "MAS1", "MAS2", "MAS7_3", "MAS4", "MAS6")
_CONFIG = ("MMUCFG", "TLB0CFG", "TLB1CFG")


def get_one_reg(v: Vcpu, name: str) -> int:
    """The value, or -EINVAL for a register that this build does not have."""
    if name in _MAS:
        return getattr(v.mas, name.lower())  # type: ignore[no-any-return]
    if name in _CONFIG:
        return _configuration(v, name)
    if name in ("IAC1", "IAC2", "DAC1", "DAC2"):
        return getattr(v.debug, name.lower())  # type: ignore[no-any-return]
    values = {"EPR": v.epr, "TCR": v.tcr, "TSR": v.tsr, "DEBUG_INST": SW_BREAKPOINT}
    return values.get(name, -EINVAL)


def _configuration(v: Vcpu, name: str) -> int:
    return v.mmucfg if name == "MMUCFG" else v.tlbcfg[int(name[3])]


def set_one_reg(v: Vcpu, name: str, value: int) -> int:
    """0, or -EINVAL. On e500v2 the MMU's registers are not changed, yet it says 0 (Q15)."""
    if name in _MAS or name in _CONFIG:
        if not v.hv and v.quirks.v2_set_one_reg_reads:
            return 0
        if name in _CONFIG:
            return 0 if value == _configuration(v, name) else -EINVAL
        setattr(v.mas, name.lower(), value)
        return 0
    if name in ("IAC1", "IAC2", "DAC1", "DAC2"):
        setattr(v.debug, name.lower(), value)
        return 0
    writers: dict[str, Callable[[Vcpu, int], None]] = {
        "EPR": booke.set_epr, "TCR": timers.set_tcr, "TSR": timers.set_tsr, "OR_TSR": timers.set_tsr_bits,
        "CLEAR_TSR": timers.clear_tsr_bits,
    }  # fmt: skip
    if name not in writers:
        return -EINVAL
    writers[name](v, value)
    return 0


def dirty_tlb(v: Vcpu) -> None:
    """KVM_DIRTY_TLB: userspace changed the shared guest TLB arrays."""
    v.gtlb.recalculate_range()
    v.shadow.flush()
