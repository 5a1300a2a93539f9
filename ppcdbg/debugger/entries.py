"""Entries of the guest's TLB by name: ``TLB1[3]``, ``TLB0[17,2]``, or an address that one maps; their MAS registers,
and changing them by the architected names of the fields.

Under KVM these are the entries of the guest's own TLB, on the bare machine those of the core's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.cpu.state import TLB0_ENTRIES
from ppcdbg.cpu.tlb import TLB0_SETS, TLB0_WAYS
from ppcdbg.debugger.model import vcpu_of
from ppcdbg.debugger.registers import BITS, FIELDS, part_of
from ppcdbg.debugger.results import Candidate
from ppcdbg.errors import UsageError
from ppcdbg.machine.description import parse_size
from ppcdbg.machine.input import InputKind, TlbWrite

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

NAME = re.compile(r"(?:tlb)?([01])\[\s*([0-9]+)\s*(?:,\s*([0-9]+)\s*)?\]", re.IGNORECASE)
MAS = ("MAS1", "MAS2", "MAS3", "MAS7", "MAS8")
EXAMPLE = "for example: set tlb TLB1[3] v=0, or set tlb TLB0[17,2] epn=0x11 rpn=0x300 tsize=2 sr=1 v=1"


@dataclass(frozen=True, slots=True)
class Place:
    """One entry: array, number in it (TLB0: set * ways + way), and the ways of a set."""

    tlbsel: int
    esel: int
    ways: int

    def __str__(self) -> str:
        return f"TLB1[{self.esel}]" if self.tlbsel else f"TLB0[{self.esel // self.ways},{self.esel % self.ways}]"


def geometry(debugger: Debugger, *, shadow: bool = False) -> tuple[int, int, int]:
    """Sets and ways of the guest's TLB0, or of the real one that shadows it, and entries of its TLB1."""
    vcpu = vcpu_of(debugger.system)
    if vcpu is None or shadow:
        return TLB0_SETS, TLB0_WAYS, debugger.core.tlb.tlb1_entries
    shape = vcpu.gtlb.geometry
    return shape.tlb0_sets, shape.tlb0_ways, shape.tlb1_entries


def place(debugger: Debugger, text: str, *, shadow: bool = False) -> Place:
    """The entry that a name or an address means: the guest's, or ``shadow`` one of the real TLB. Raises UsageError for
    one that is not there."""
    sets, ways, entries = geometry(debugger, shadow=shadow)
    found = NAME.fullmatch(text.strip())
    if found is None:
        return _mapping(debugger, debugger.address(text), ways, shadow)
    which, first, second = found.groups()
    number, way = int(first), int(second or 0)
    if which == "1" and second is None and number < entries:
        return Place(1, number, ways)
    if which == "0" and second is not None and number < sets and way < ways:
        return Place(0, number * ways + way, ways)
    raise UsageError(f"there is no {text.strip()}: TLB0[SET,WAY] has {sets} sets of {ways}, TLB1[N] {entries} entries")


def _mapping(debugger: Debugger, ea: int, ways: int, shadow: bool) -> Place:
    """The entry that maps an address now."""
    found = debugger.explain(ea)
    candidates = found.shadow if shadow else found.candidates
    entry = next((c for c in candidates if c.failed in ("", "permission")), None)
    if entry is None and shadow:
        raise UsageError(f"no shadow entry maps {ea:#x}; name one as TLB1[3] or TLB0[17,2]")
    if entry is None:
        raise UsageError(f"no TLB entry of the guest maps {ea:#x}; name one as TLB1[3] or TLB0[17,2]")
    return of_candidate(entry, ways)


def of_candidate(entry: Candidate, ways: int) -> Place:
    """The entry that an explanation is about."""
    found = NAME.search(entry.where)
    assert found is not None
    which, first, second = found.groups()
    return Place(1, int(first), ways) if which == "1" else Place(0, int(first) * ways + int(second), ways)


def read(debugger: Debugger, at: Place) -> TlbWrite:
    """An entry as it stands."""
    vcpu = vcpu_of(debugger.system)
    if vcpu is None:
        e = debugger.core.tlb.entry(at.esel + (TLB0_ENTRIES if at.tlbsel else 0))
        return TlbWrite(at.tlbsel, at.esel, e.mas1, e.mas2, e.mas3, e.mas7, e.mas8)
    g = vcpu.gtlb.entry(at.tlbsel, at.esel)
    return TlbWrite(at.tlbsel, at.esel, g.mas1, g.mas2 & 0xFFFFFFFF, g.mas7_3 & 0xFFFFFFFF, g.mas7_3 >> 32)


def assigned(debugger: Debugger, at: Place, values: Mapping[str, int]) -> TlbWrite:
    """The entry with fields changed: MAS registers as a whole, their parts by name, ``ea``, ``pa`` and ``size`` in
    bytes. Raises UsageError for a field that no entry has, or a page that cannot be there."""
    old = read(debugger, at)
    words = {"MAS1": old.mas1, "MAS2": old.mas2, "MAS3": old.mas3, "MAS7": old.mas7, "MAS8": old.mas8}
    for name, value in values.items():
        _assign(words, name, value)
    sets, ways, _ = geometry(debugger)
    if not at.tlbsel and words["MAS1"] >> 31 and (belongs := words["MAS2"] >> 12 & sets - 1) != at.esel // ways:
        raise UsageError(
            f"{at} cannot hold the page {words['MAS2'] & 0xFFFFF000:#x}, which belongs to set {belongs}: "
            f"name TLB0[{belongs},WAY]"
        )
    return TlbWrite(at.tlbsel, at.esel, words["MAS1"], words["MAS2"], words["MAS3"], words["MAS7"], words["MAS8"])


def _assign(words: dict[str, int], name: str, value: int) -> None:
    upper = name.upper()
    if upper in words:
        words[upper] = value & 0xFFFFFFFF
    elif upper == "EA":
        words["MAS2"] = words["MAS2"] & 0xFFF | value & 0xFFFFF000
    elif upper == "PA":
        words["MAS3"] = words["MAS3"] & 0xFFF | value & 0xFFFFF000
        words["MAS7"] = value >> 32 & 0xF
    elif upper == "SIZE":
        if value.bit_count() != 1 or not 12 <= value.bit_length() - 1 <= 32 or value.bit_length() % 2 == 0:
            raise UsageError(f"a page cannot have {value:,} bytes; it has 4K, 16K, 64K and so on up to 4G")
        words["MAS1"] = words["MAS1"] & ~0xF80 | (value.bit_length() - 11) << 7
    else:
        found = next(((mas, part) for mas in MAS if (part := part_of(mas, upper)) is not None), None)
        if found is None:
            raise UsageError(f"a TLB entry has no field {name}; there are {', '.join(names())}")
        mas, (shift, mask) = found
        words[mas] = words[mas] & ~(mask << shift) | (value & mask) << shift


def names() -> list[str]:
    """Everything that can stand before ``=``."""
    parts = [name for mas in MAS for name, *_ in FIELDS.get(mas, ())]
    parts += [name for mas in MAS for name, _ in BITS.get(mas, ())]
    return [word.lower() for word in ("EA", "PA", "SIZE", *dict.fromkeys(parts), *MAS)]


def parse(debugger: Debugger, argument: str) -> tuple[Place, dict[str, int]]:
    """``WHICH FIELD=VALUE...``: the entry, and the values. Raises UsageError."""
    found = re.match(r"\s*(?:tlb)?[01]\[[^\]]*\]", argument, re.IGNORECASE)
    which = found.group() if found else argument.split(" ", 1)[0]
    rest = argument[len(which) :].strip()
    if not which.strip() or "=" not in rest:
        raise UsageError(f"set tlb needs an entry and what to change of it, {EXAMPLE}")
    pieces = re.split(r"(?:^|\s)\s*([A-Za-z][A-Za-z0-9]*)\s*=(?!=)", rest)
    if pieces[0].strip():
        raise UsageError(f"{pieces[0].strip()!r} is not FIELD=VALUE, {EXAMPLE}")
    values: dict[str, int] = {}
    for name, text in zip(pieces[1::2], pieces[2::2], strict=True):
        if not text.strip():
            raise UsageError(f"{name} has no value, {EXAMPLE}")
        sized = name.upper() == "SIZE" and re.fullmatch(r"[0-9]+[kKmMgG]", text.strip())
        values[name] = parse_size(text.strip(), ("size", UsageError)) if sized else debugger.evaluate(text).number
    return place(debugger, which), values


def write(debugger: Debugger, entry: TlbWrite) -> None:
    """Change the entry through the input queue; the guest has it at once."""
    debugger.writer.put(InputKind.TLB, target=entry.target, data=entry.data)
    debugger.writer.apply()
