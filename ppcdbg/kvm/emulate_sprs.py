"""mfspr and mtspr as KVM emulates them: one table of readers and one of writers for each vcpu (facts 6.2).

A register that is in neither table is unknown; what happens then is ``Vm.unknown_spr``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ppcdbg.cpu.msr import DBCR0_EDM, DBSR_IDE
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm import codes, debug_registers, irqprio, spr_exits, timers, words
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.codes import EMULATE_DONE, EMULATE_EXIT_USER, EMULATE_FAIL, NO_ADVANCE
from ppcdbg.kvm.e500_mmu import MMUCSR0_TLB0FI, MMUCSR0_TLB1FI
from ppcdbg.kvm.spr_exits import DBCR0_KEPT
from ppcdbg.kvm.vm import UnknownSpr

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

Reader = Callable[[], int]
Writer = Callable[[int], int | None]
"""Gives EMULATE_FAIL when the value is refused, or another result; None is done."""

_M32 = 0xFFFFFFFF
L1CSR_KEPT = ~0x102 & _M32  # DCFI and CLFC, ICFI and ICLFR read as zero
_PAGE64 = {26: mp.SRR0, 27: mp.SRR1, 61: mp.DAR, 272: mp.SPRG0, 273: mp.SPRG1, 274: mp.SPRG2, 275: mp.SPRG3}
_GUEST_SLOT = {26: "GSRR0", 27: "GSRR1", 272: "GSPRG0", 273: "GSPRG1", 274: "GSPRG2", 275: "GSPRG3"}
_SPRG4_7 = {276: mp.SPRG4, 277: mp.SPRG5, 278: mp.SPRG6, 279: mp.SPRG7}
_MAS = {624: mp.MAS0, 625: mp.MAS1, 627: mp.MAS7_3 + 4, 628: mp.MAS4, 630: mp.MAS6, 944: mp.MAS7_3}
_IGNORED = (284, 285, 286, 1013)  # TBWL, TBWU, PIR, BUCSR
_PLAIN = {58: "csrr0", 59: "csrr1", 574: "dsrr0", 575: "dsrr1", 54: "decar", 1008: "hid0", 1009: "hid1",
          1019: "pwrmgtcr0"}  # fmt: skip
_PVR = 287
_DEBUG = {308: "dbcr0", 309: "dbcr1", 310: "dbcr2", 312: "iac1", 313: "iac2", 316: "dac1", 317: "dac2"}


def _operands(word: int) -> tuple[int, int]:
    """RT or RS, and the SPR's number, of an mfspr or mtspr word."""
    return word >> 21 & 31, word >> 16 & 0x1F | word >> 6 & 0x3E0


def spr_number(word: int) -> int | None:
    """The SPR that an mfspr or mtspr names; None for another instruction."""
    if word >> 26 == 31 and word >> 1 & 0x3FF in (339, 467):
        return _operands(word)[1]
    return None


def mfspr(v: Vcpu, word: int) -> Callable[[], int]:
    """The effect of one mfspr word."""
    rt, sprn = _operands(word)
    gpr = v.gpr
    if spr_exits.userspaces(v.vm, sprn):
        return _leaving(v, sprn, rt, False)
    reader = readers(v).get(sprn)
    if reader is None:
        return _unknown(v, sprn, rt, False)
    known = reader
    if sprn == _PVR and v.vm.pv_2010:
        return _overlaid(v, rt)

    def effect() -> int:
        gpr[rt] = known()
        return EMULATE_DONE

    return effect


def _overlaid(v: Vcpu, rt: int) -> Callable[[], int]:
    """mfpvr in 2010: a guest that asks with KVM_PVR_PARA in the register finds it there still (facts 7.2)."""

    def effect() -> int:
        if v.gpr[rt] != codes.PVR_PARA:
            v.gpr[rt] = v.pvr
        return EMULATE_DONE

    return effect


def mtspr(v: Vcpu, word: int) -> Callable[[], int]:
    """The effect of one mtspr word."""
    rs, sprn = _operands(word)
    gpr = v.gpr
    if spr_exits.userspaces(v.vm, sprn):
        return _leaving(v, sprn, rs, True)
    writer = writers(v).get(sprn)
    if writer is None:
        return _unknown(v, sprn, rs, True)
    known = writer

    def effect() -> int:
        return known(gpr[rs]) or EMULATE_DONE

    return effect


def _unknown(v: Vcpu, sprn: int, register: int, write: bool) -> Callable[[], int]:
    policy = v.vm.unknown_spr

    def fail() -> int:
        return EMULATE_FAIL

    def ignore() -> int:
        if not write:
            v.gpr[register] = 0
        return EMULATE_DONE

    if policy is UnknownSpr.EXIT:
        return _leaving(v, sprn, register, write)
    return fail if policy is UnknownSpr.FAIL else ignore


def _leaving(v: Vcpu, sprn: int, register: int, write: bool) -> Callable[[], int]:
    def effect() -> int:
        spr_exits.leave(v, sprn, v.gpr[register] if write else 0, write=write)
        return EMULATE_EXIT_USER | NO_ADVANCE

    return effect


def move(v: Vcpu, word: int) -> tuple[int, int] | None:
    """What an mfspr or mtspr moves to or from the shared page, as ``words`` names it; None where it does more.

    SPRG4..7 are also loaded into the hardware at the next entry.
    """
    sprn = spr_number(word)
    if sprn is None:
        return None
    if word >> 1 & 0x3FF == 339:
        offset = _readable(v).get(sprn)
        return None if offset is None else (words.GET, offset)
    doubles, singles = _writable(v)
    if sprn in singles:
        return words.SET, singles[sprn]
    if sprn in doubles and sprn not in _SPRG4_7:
        return words.SET_DOUBLE, doubles[sprn]
    return (words.NOTHING, 0) if sprn in _IGNORED else None


# --- tables ---------------------------------------------------------------------------------------
def _readable(v: Vcpu) -> dict[int, int]:
    """SPR -> offset of the word in the shared page that mfspr gives."""
    table = {sprn: offset + 4 for sprn, offset in _PAGE64.items() if not v.hv or sprn not in _GUEST_SLOT}
    if not v.quirks.sprg4_7_read_fails:
        table |= {sprn: offset + 4 for sprn, offset in _SPRG4_7.items()}
    table[62] = mp.ESR
    return table if v.hv else table | _MAS | {626: mp.MAS2 + 4}


def _writable(v: Vcpu) -> tuple[dict[int, int], dict[int, int]]:
    """SPR -> offset in the shared page that mtspr writes: of double words, and of words."""
    doubles = {sprn: offset for sprn, offset in _PAGE64.items() if not v.hv or sprn not in _GUEST_SLOT} | _SPRG4_7
    if v.hv:
        return doubles, {62: mp.ESR}
    return doubles | {626: mp.MAS2}, _MAS | {62: mp.ESR}


def readers(v: Vcpu) -> dict[int, Reader]:
    """Every SPR that mfspr knows in this build."""
    shared, reg = v.shared, v.reg
    table: dict[int, Reader] = {sprn: _attribute(v, name) for sprn, name in _PLAIN.items()}
    table.update({sprn: _page_word(shared, offset) for sprn, offset in _readable(v).items()})
    if v.hv:
        table.update({sprn: _slot(reg, SLOT[name]) for sprn, name in _GUEST_SLOT.items()})
    table.update({_PVR: _attribute(v, "pvr"), 286: lambda: v.number, 1023: _attribute(v, "svr"),
                  63: _attribute(v, "ivpr"), 702: _attribute(v, "epr"), 572: _attribute(v, "mcsr"),
                  304: _attribute(v, "dbsr"),
                  336: _attribute(v, "tsr"), 340: _attribute(v, "tcr"), 1010: _attribute(v, "l1csr0"),
                  1011: _attribute(v, "l1csr1"), 1012: lambda: 0, 1015: _attribute(v, "mmucfg"),
                  688: lambda: v.tlbcfg[0], 689: lambda: v.tlbcfg[1], 22: v.dec_left})  # fmt: skip
    upper: Reader = lambda: v.core.time_base >> 32  # noqa: E731
    lower: Reader = lambda: v.core.time_base & _M32  # noqa: E731
    table[284], table[285] = (upper, lower) if v.quirks.tbw_reads_swapped else (lower, upper)
    for sprn, name in _DEBUG.items():
        table[sprn] = _debug_reader(v, name)
    for sprn, priority in _vectors(v).items():
        table[sprn] = _vector_reader(v, priority)
    if not v.quirks.rfmci_missing:
        table.update({570: _attribute(v, "mcsrr0"), 571: _attribute(v, "mcsrr1")})
    if not v.hv:
        table.update({48: _attribute(v, "pid"), 633: _attribute(v, "pid1"), 634: _attribute(v, "pid2")})
    for sprn in v.taken_sprs:
        table[sprn] = _taken(v, sprn)
    return table


def writers(v: Vcpu) -> dict[int, Writer]:
    """Every SPR that mtspr knows in this build."""
    shared, reg = v.shared, v.reg
    table: dict[int, Writer] = {sprn: _set_attribute(v, name) for sprn, name in _PLAIN.items()}
    doubles, singles = _writable(v)
    table.update({sprn: _set_page_double(shared, offset) for sprn, offset in doubles.items()})
    table.update({sprn: _set_page_word(shared, offset) for sprn, offset in singles.items()})
    if v.hv:
        table.update({sprn: _set_slot(reg, SLOT[name]) for sprn, name in _GUEST_SLOT.items()})
    table.update(
        {
            22: lambda x: timers.set_dec(v, x),
            **dict.fromkeys(_IGNORED, _ignored),
            63: _write_ivpr(v),
            336: lambda x: timers.clear_tsr_bits(v, x),
            340: lambda x: timers.write_tcr(v, x),
            572: lambda x: setattr(v, "mcsr", v.mcsr & ~x),
            304: lambda x: _write_dbsr(v, x),
            1010: lambda x: setattr(v, "l1csr0", x & L1CSR_KEPT),
            1011: lambda x: setattr(v, "l1csr1", x & L1CSR_KEPT),
            1012: lambda x: _write_mmucsr0(v, x),
        }
    )  # fmt: skip
    for sprn, name in _DEBUG.items():
        table[sprn] = _debug_writer(v, name)
    for sprn, priority in _vectors(v).items():
        table[sprn] = _vector_writer(v, priority)
    if not v.quirks.rfmci_missing:
        table.update({570: _set_attribute(v, "mcsrr0"), 571: _set_attribute(v, "mcsrr1")})
    if not v.hv:
        table.update({48: lambda x: _write_pid(v, x), 633: _zero_only, 634: _zero_only})
    for sprn in v.taken_sprs:
        table[sprn] = _set_taken(v, sprn)
    return table


def _vectors(v: Vcpu) -> dict[int, int]:
    """SPR number of each IVOR that this build knows -> priority."""
    table = {400 + n: irqprio.IVOR_PRIO[n] for n in range(16)}
    extra = (35, 36, 37) if v.hv else (32, 33, 34, 35)
    table.update({496 + n: irqprio.IVOR_PRIO[n] for n in extra})
    return table


# --- kinds of storage -----------------------------------------------------------------------------
def _attribute(v: Vcpu, name: str) -> Reader:
    return lambda: getattr(v, name)


def _set_attribute(v: Vcpu, name: str) -> Writer:
    return lambda value: setattr(v, name, value)


def _page_word(shared: mp.SharedPage, offset: int) -> Reader:
    get = shared.get32
    return lambda: get(offset)


def _set_page_word(shared: mp.SharedPage, offset: int) -> Writer:
    put = shared.set32
    return lambda value: put(offset, value)


def _set_page_double(shared: mp.SharedPage, offset: int) -> Writer:
    put = shared.set64
    return lambda value: put(offset, value)


def _slot(reg: memoryview, slot: int) -> Reader:
    return lambda: reg[slot]


def _set_slot(reg: memoryview, slot: int) -> Writer:
    def write(value: int) -> None:
        reg[slot] = value

    return write


def _taken(v: Vcpu, sprn: int) -> Reader:
    return lambda: v.taken_sprs[sprn]


def _set_taken(v: Vcpu, sprn: int) -> Writer:
    return lambda value: v.taken_sprs.update({sprn: value})


def _ignored(value: int) -> None:
    """Accepted without effect."""


def _zero_only(value: int) -> int | None:
    return EMULATE_FAIL if value else None


# --- registers whose access acts ------------------------------------------------------------------
def _write_pid(v: Vcpu, value: int) -> None:
    if not v.quirks.pid_stored_unmasked:
        value &= 0xFF
    if v.pid != value:
        v.pid = value
        assert v.ids is not None
        v.ids.recalculate()


def _write_ivpr(v: Vcpu) -> Writer:
    def write(value: int) -> None:
        v.ivpr = value
        if v.hv:
            v.reg[SLOT["GIVPR"]] = value

    return write


def _vector_reader(v: Vcpu, priority: int) -> Reader:
    ivor = v.ivor
    return lambda: ivor[priority]


def _vector_writer(v: Vcpu, priority: int) -> Writer:
    hardware = {irqprio.DATA_STORAGE: SLOT["GIVOR2"], irqprio.SYSCALL: SLOT["GIVOR8"]}.get(priority) if v.hv else None

    def write(value: int) -> None:
        v.ivor[priority] = value
        if hardware is not None:
            v.reg[hardware] = value

    return write


def _debug_reader(v: Vcpu, name: str) -> Reader:
    def read() -> int:
        value: int = getattr(v.debug, name)
        return value | DBCR0_EDM if name == "dbcr0" and v.guest_debug else value

    return read


def _debug_writer(v: Vcpu, name: str) -> Writer:
    def write(value: int) -> int | None:
        if not v.guest_debug:
            setattr(v.debug, name, value & DBCR0_KEPT if name == "dbcr0" else value)
            v.thread_debug = v.debug.copy()
            debug_registers.switch(v.core, v.thread_debug, v.debug, not v.quirks.dbcr0_clear_stays_live)
        return spr_exits.rest_of_dbcr0(v, value) if name == "dbcr0" else None

    return write


def _write_dbsr(v: Vcpu, value: int) -> None:
    if v.guest_debug:
        return
    v.dbsr &= ~value
    if not v.dbsr & ~DBSR_IDE:
        v.pending &= ~(1 << irqprio.DEBUG)


def _write_mmucsr0(v: Vcpu, value: int) -> None:
    for tlbsel, selected in ((0, value & MMUCSR0_TLB0FI), (1, value & MMUCSR0_TLB1FI)):
        if selected:
            for esel in range(v.gtlb.entries[tlbsel]):
                v.gtlb.invalidate(tlbsel, esel)
    v.shadow.flush()
