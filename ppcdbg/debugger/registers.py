"""Registers as data: names, values, what changed, and the architected names of their bits and fields.

Values are the guest's view. Which registers exist follows the core model; the groups are ``gpr``, ``branch``,
``machine``, ``mmu``, ``timer``, ``interrupt``, ``debug``, ``fpr`` and ``other``.
"""

from __future__ import annotations

from ppcdbg.cpu import msr as M
from ppcdbg.cpu.core import Core
from ppcdbg.debugger.guest import Guest
from ppcdbg.debugger.results import Registers, RegisterValue
from ppcdbg.debugger.stops import RegisterChange
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SPRS, sprs_of

Bits = tuple[tuple[str, int], ...]
Snapshot = dict[str, int]

_DBSR: Bits = (
    ("IDE", M.DBSR_IDE), ("UDE", M.DBSR_UDE), ("IC", M.DBCR0_IC), ("BT", M.DBCR0_BT), ("IRPT", M.DBCR0_IRPT),
    ("TIE", M.DBCR0_TIE), ("IAC1", M.DBCR0_IAC1), ("IAC2", M.DBCR0_IAC2), ("DAC1R", M.DBCR0_DAC1R),
    ("DAC1W", M.DBCR0_DAC1W), ("DAC2R", M.DBCR0_DAC2R), ("DAC2W", M.DBCR0_DAC2W), ("RET", M.DBCR0_RET),
    ("CIRPT", M.DBCR0_CIRPT), ("CRET", M.DBCR0_CRET),
)  # fmt: skip

# One-bit names (facts 1.2, 1.4, 1.7, 2.1; e500 RM 2.12).
BITS: dict[str, Bits] = {
    "MSR": M.MSR_BITS,
    "SRR1": M.MSR_BITS, "CSRR1": M.MSR_BITS, "DSRR1": M.MSR_BITS, "MCSRR1": M.MSR_BITS, "GSRR1": M.MSR_BITS,
    "ESR": M.ESR_BITS, "GESR": M.ESR_BITS,
    "XER": (("SO", 0x80000000), ("OV", 0x40000000), ("CA", 0x20000000)),
    "TCR": (("WIE", M.TCR_WIE), ("DIE", M.TCR_DIE), ("FIE", M.TCR_FIE), ("ARE", M.TCR_ARE)),
    "TSR": (("ENW", M.TSR_ENW), ("WIS", M.TSR_WIS), ("DIS", M.TSR_DIS), ("FIS", M.TSR_FIS)),
    "DBSR": _DBSR,
    "DBCR0": (("EDM", M.DBCR0_EDM), ("IDM", M.DBCR0_IDM), *_DBSR[2:], ("FT", M.DBCR0_FT)),
    "EPCR": (("EXTGS", M.EPCR_EXTGS), ("DTLBGS", M.EPCR_DTLBGS), ("ITLBGS", M.EPCR_ITLBGS), ("DSIGS", M.EPCR_DSIGS),
             ("ISIGS", M.EPCR_ISIGS), ("DUVD", M.EPCR_DUVD), ("DGTMI", M.EPCR_DGTMI), ("DMIUH", M.EPCR_DMIUH)),
    "MSRP": (("UCLEP", M.MSRP_UCLEP), ("DEP", M.MSRP_DEP), ("PMMP", M.MSRP_PMMP)),
    "MCSR": (("MCP", M.MCSR_MCP), ("MHIT", M.MCSR_L2MMU_MHIT), ("MAV", M.MCSR_MAV), ("IF", M.MCSR_IF),
             ("LD", M.MCSR_LD), ("ST", M.MCSR_ST), ("IBERR", M.MCSR_BUS_IBERR), ("RBERR", M.MCSR_BUS_RBERR),
             ("WBERR", M.MCSR_BUS_WBERR)),
    "MAS1": (("V", 0x80000000), ("IPROT", 0x40000000)),
    "MAS2": (("W", 0x10), ("I", 8), ("M", 4), ("G", 2), ("E", 1)),
    "MAS3": (("UX", 0x20), ("SX", 0x10), ("UW", 8), ("SW", 4), ("UR", 2), ("SR", 1)),
    "MAS8": (("TGS", 0x80000000), ("VF", 0x40000000)),
    "HID0": (("ENMAS7", 0x80),),
}  # fmt: skip


def _compares(kind: str) -> tuple[tuple[str, int, int], ...]:
    """The fields of DBCR1 and DBCR2: user/supervisor and effective/real of both compares, and how they pair."""
    return ((f"{kind}1US", 30, 3), (f"{kind}1ER", 28, 3), (f"{kind}2US", 26, 3), (f"{kind}2ER", 24, 3),
            (f"{kind}12M", 22, 3))  # fmt: skip


# Fields of several bits: name, shift, mask after the shift.
FIELDS: dict[str, tuple[tuple[str, int, int], ...]] = {
    "MAS0": (("TLBSEL", 28, 3), ("ESEL", 16, 0xFFF), ("NV", 0, 0xFFF)),
    "MAS1": (("TID", 16, 0xFF), ("TS", 12, 1), ("TSIZE", 7, 0x1F)),
    "MAS2": (("EPN", 12, 0xFFFFF),),
    "MAS3": (("RPN", 12, 0xFFFFF),),
    "MAS4": (("TLBSELD", 28, 3), ("TIDSELD", 16, 0xF), ("TSIZED", 7, 0x1F)),
    "MAS6": (("SPID", 16, 0xFF), ("SAS", 0, 1)),
    "TCR": (("WP", 30, 3), ("WRC", 28, 3), ("FP", 24, 3)),
    "TSR": (("WRS", 28, 3),),
    "DBSR": (("MRR", 28, 3),),
    "DBCR0": (("RST", 28, 3),),
    "DBCR1": _compares("IAC"),
    "DBCR2": _compares("DAC"),
    "EPLC": (("EPR", 31, 1), ("EAS", 30, 1), ("EGS", 29, 1), ("ELPID", 16, 0xFF), ("EPID", 0, 0x3FFF)),
    "EPSC": (("EPR", 31, 1), ("EAS", 30, 1), ("EGS", 29, 1), ("ELPID", 16, 0xFF), ("EPID", 0, 0x3FFF)),
    "XER": (("COUNT", 0, 0x7F),),
}

_GROUPS: dict[str, tuple[str, ...]] = {
    "interrupt": ("SRR0", "SRR1", "CSRR0", "CSRR1", "DSRR0", "DSRR1", "MCSRR0", "MCSRR1", "ESR", "DEAR", "MCSR", "MCAR",
                  "IVPR", "EPR", "GSRR0", "GSRR1", "GESR", "GDEAR", "GIVPR", "GEPR", "GPIR"),
    "mmu": ("PID", "PID1", "PID2", "LPID", "MAS0", "MAS1", "MAS2", "MAS3", "MAS4", "MAS5", "MAS6", "MAS7", "MAS8",
            "EPLC", "EPSC", "MMUCSR0", "MMUCFG", "TLB0CFG", "TLB1CFG"),
    "timer": ("DEC", "DECAR", "TBRL", "TBRU", "TCR", "TSR"),
    "debug": ("DBSR", "DBCR0", "DBCR1", "DBCR2", "IAC1", "IAC2", "DAC1", "DAC2"),
    "machine": ("EPCR", "MSRP", "PVR", "SVR", "PIR", "HID0"),
}  # fmt: skip
_GROUP_OF = {name: group for group, names in _GROUPS.items() for name in names}
# Other numbers of a register that already stands in the list.
_SECOND_NAMES = frozenset({"TBWL", "TBWU", "ATBL", "ATBU", "LR", "CTR", "XER"} | {f"SPRG{n}R" for n in range(3, 8)})

DEFAULT_GROUPS = ("gpr", "branch", "machine", "interrupt", "mmu", "timer")


class RegisterFile:
    """The guest's registers by lower-case name."""

    def __init__(self, core: Core, guest: Guest) -> None:
        self.core, self.guest = core, guest
        sprs = sprs_of(core.model.name)
        self.sprs = [s.name for s in SPRS if sprs.get(s.number) is s and s.name not in _SECOND_NAMES]
        base = [f"r{n}" for n in range(32)] + ["pc", "lr", "ctr", "cr", "xer", "msr"]
        fpr = [f"f{n}" for n in range(32)] + ["fpscr"] if core.model.has_fpu else []
        self.order = base + [n.lower() for n in self.sprs] + fpr
        upper = {f"ev{n}h": slots.GPRH + n for n in range(32)} if core.model.msr_mask & M.MSR_SPE else {}
        self._upper_halves = upper
        self._known = frozenset([*self.order, *upper, *(["acc"] if upper else [])])
        self._aliases = {"sp": "r1", "nip": "pc", "tbl": "tbrl", "tbu": "tbru", "dar": "dear"}
        for spr in sprs.values():
            self._aliases.setdefault(spr.name.lower(), spr.name.lower())

    def canonical(self, name: str) -> str | None:
        """The name in ``order`` of a register under any of its names, or None."""
        lower = name.lower()
        lower = self._aliases.get(lower, lower)
        if lower.startswith("sprg") and lower.endswith("r"):
            lower = lower[:-1]
        return lower if lower in self._known or lower.upper() in _SECOND_NAMES and lower in self._aliases else None

    def read(self, name: str) -> int:
        """By a name that ``canonical`` gave."""
        state = self.core.state
        if name[0] == "r" and name[1:].isdecimal():
            return state.gpr[int(name[1:])]
        if name[0] == "f" and name[1:].isdecimal():
            return state.fpr[int(name[1:])]
        match name:
            case "pc":
                return state.pc
            case "msr":
                return self.guest.msr
            case "cr":
                return state.cr_word
            case "lr":
                return state.reg[slots.LR]
            case "ctr":
                return state.reg[slots.CTR]
            case "xer":
                return state.xer
            case "fpscr":
                return state.reg[slots.FPSCR]
            case "acc":
                return state.reg[slots.ACC_HIGH] << 32 | state.reg[slots.ACC_LOW]
            case _:
                if name in self._upper_halves:
                    return state.reg[self._upper_halves[name]]
                return self.guest.spr(name.upper())

    def snapshot(self) -> Snapshot:
        """Every register's value now, clocks left out of comparisons by ``changes``."""
        return {name: self.read(name) for name in self.order}

    def group(self, name: str) -> str:
        if name[0] == "r" and name[1:].isdecimal():
            return "gpr"
        if name in ("pc", "lr", "ctr", "cr", "xer"):
            return "branch"
        if name == "msr":
            return "machine"
        if name[0] == "f" and (name[1:].isdecimal() or name == "fpscr"):
            return "fpr"
        if name in self._upper_halves or name == "acc":
            return "spe"
        return _GROUP_OF.get(name.upper(), "other")

    def rows(self, names: list[str] | None, before: Snapshot) -> Registers:
        """The named registers (None: the usual groups) with what changed since ``before``."""
        if names is None:
            names = [n for n in self.order if self.group(n) in DEFAULT_GROUPS]
        return Registers(tuple(self.row(n, before) for n in names), self.guest.kind)

    def row(self, name: str, before: Snapshot) -> RegisterValue:
        value = self.read(name)
        old = before.get(name, value)
        group = self.group(name)
        width = 64 if group == "fpr" and name != "fpscr" or name == "acc" else 32
        changed = old != value and name not in _CLOCKS
        upper = name.upper()
        return RegisterValue(
            name, value, changed, old, width, bit_names(upper, value), field_values(upper, value), group
        )


# They move with every instruction, so a mark on them would say nothing.
_CLOCKS = frozenset({"tbrl", "tbru", "dec"})


def bit_names(register: str, value: int) -> tuple[str, ...]:
    """Names of the bits set in a register's value; the CR as fields (``cr0=EQ``)."""
    if register == "CR":
        return tuple(_cr_field(i, value >> (28 - 4 * i) & 15) for i in range(8) if value >> (28 - 4 * i) & 15)
    return tuple(M.names(value, BITS.get(register, ())))


def _cr_field(number: int, value: int) -> str:
    names = "+".join(n for n, bit in (("LT", 8), ("GT", 4), ("EQ", 2), ("SO", 1)) if value & bit)
    return f"cr{number}={names}"


def part_of(register: str, name: str) -> tuple[int, int] | None:
    """Shift and mask of a bit or field of a register, by its architected name in either case; None for no such part."""
    upper, part = register.upper(), name.upper()
    for field, shift, mask in FIELDS.get(upper, ()):
        if field == part:
            return shift, mask
    bit = dict(BITS.get(upper, ())).get(part)
    return None if bit is None else (bit.bit_length() - 1, 1)


def field_values(register: str, value: int) -> tuple[tuple[str, int], ...]:
    """The numeric fields of a register's value."""
    return tuple((name, value >> shift & mask) for name, shift, mask in FIELDS.get(register, ()))


def changes(before: Snapshot, after: Snapshot) -> tuple[RegisterChange, ...]:
    """What differs, in the manual's order; the clocks, which always differ, are left out."""
    return tuple(
        RegisterChange(name, before[name], value)
        for name, value in after.items()
        if name not in _CLOCKS and name in before and before[name] != value
    )
