"""Records of a log: what may differ in QEMU's, each with its reason, and the first that differs otherwise."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache

from ppcdbg.cpu import interrupts as I
from ppcdbg.isa.disassemble import Disassembler
from tests.differential.batch.monitor import NO_WORD, RECORD, record_fields
from tests.differential.compare import XER_BITS

INTERRUPTS = frozenset(range(48)) - {I.SYSCALL}


@dataclass(frozen=True)
class Mask:
    """Bits of a register that QEMU 7.2 leaves other than the core does, in records of these interrupts; ``insns`` are
    those whose interrupt it must be, where it is not any."""

    register: str
    bits: int
    vectors: frozenset[int]
    reason: str
    insns: frozenset[str] = frozenset()


EVERYWHERE = frozenset(range(48))
_PROGRAM, _ALIGNMENT, _ITLB = frozenset({I.PROGRAM}), frozenset({I.ALIGNMENT}), frozenset({I.ITLB_MISS})
_MISSES = _ITLB | {I.DTLB_MISS}
_LWARX, _DCBI, _ICBI = frozenset({"lwarx"}), frozenset({"dcbi"}), frozenset({"icbi", "icbiep"})
MASKS: tuple[Mask, ...] = (
    Mask("srr1", 0x001C0000, _PROGRAM, "QEMU says the cause of a program interrupt in SRR1, as Book III-S does"),
    Mask("srr1", 0x00020000, _PROGRAM, "the same for traps, in the place of CE"),
    Mask("esr", 0xFFFFFFFF, _ALIGNMENT, "QEMU leaves ESR at alignment interrupts; III-E 7.6.6 clears it", _LWARX),
    Mask("esr", 0x00800000, INTERRUPTS, "store class (III-E 7.6.4), but QEMU loads first", _DCBI),
    Mask("dear", 0x3F, INTERRUPTS, "any byte of the block will do; QEMU gives its first", _ICBI),
    Mask("dear", 0xFFFFFFFF, _ITLB, "QEMU sets DEAR and ESR there too; III-E 7.6.15 leaves both"),
    Mask("esr", 0xFFFFFFFF, _ITLB, "as DEAR"),
    Mask("mas2", 0x60, _MISSES, "QEMU does not copy MAS4[X0D,X1D]"),
    Mask("mas0", 0x0FFF0FFF, _MISSES, "which way a miss proposes is up to the implementation"),
    Mask("xer", 0xFFFFFFFF & ~XER_BITS, EVERYWHERE, "reserved bits; QEMU stores them"),
    Mask("fpscr", 0x81070000, EVERYWHERE, "FX, FR, FI, C, and VXSNAN beside VXIMZ: tests/golden/float/deviations"),
    Mask("fpscr", 0x60000000, EVERYWHERE, "FEX and VX follow from the bits above"),
)


def fields_of(core: str, record: bytes) -> dict[str, int]:
    names = record_fields(core)
    return dict(zip(names, struct.unpack_from(f">{len(names)}I", record)))


@dataclass(frozen=True)
class Difference:
    """The first record of a program that differs. ``fields``: name -> (ours, theirs)."""

    program: str
    record: int
    vector: tuple[int, int]
    srr0: tuple[int, int]
    fields: dict[str, tuple[int, int]]
    peers: tuple[str, str]
    note: str = ""

    def text(self) -> str:
        shown = [f"    {n}: {self.peers[0]} {a:#x}, {self.peers[1]} {b:#x}" for n, (a, b) in self.fields.items()]
        head = f"{self.program}: record {self.record}, vector {self.vector}, SRR0 {self.srr0[0]:#x}/{self.srr0[1]:#x}"
        return "\n".join([head + self.note, *shown[:24]])


@cache
def _instruction(core: str, word: int) -> str:
    return Disassembler(core).one(word, 0).mnemonic


def masked(core: str, a: dict[str, int], b: dict[str, int]) -> dict[str, tuple[int, int]]:
    """What of two records differs beyond the masks."""
    found = {}
    for name, x in a.items():
        if x == b[name]:
            continue
        bits = 0
        for mask in MASKS:
            if mask.register == name and a["vector"] in mask.vectors:
                if not mask.insns or (a["word"] != NO_WORD and _instruction(core, a["word"]) in mask.insns):
                    bits |= mask.bits
        if (x ^ b[name]) & ~bits:
            found[name] = (x, b[name])
    return found


def first_difference(core: str, program: str, ours: bytes, theirs: bytes, peers: tuple[str, str],
                     *, exact: bool = False) -> Difference | None:  # fmt: skip
    """``exact``: no mask; our engines agree to the bit."""
    if ours == theirs:
        return None
    used = 4 * len(record_fields(core))
    for start in range(0, max(len(ours), len(theirs)), RECORD):
        one, two = ours[start : start + used], theirs[start : start + used]
        if one == two:
            continue
        number = start // RECORD
        if not one or not two:
            return Difference(program, number, (0, 0), (0, 0), {"records": (len(ours), len(theirs))}, peers)
        a, b = fields_of(core, one), fields_of(core, two)
        fields = {n: (a[n], b[n]) for n in a if a[n] != b[n]} if exact else masked(core, a, b)
        if fields:
            before = fields_of(core, ours[start - RECORD :])["srr0"] if start else 0
            return Difference(program, number, (a["vector"], b["vector"]), (a["srr0"], b["srr0"]), fields, peers,
                              f", before it {before:#x}")  # fmt: skip
    return None
