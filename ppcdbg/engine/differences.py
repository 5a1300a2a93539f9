"""The first difference between two register states, by the names that the architecture gives."""

from __future__ import annotations

from dataclasses import dataclass

from ppcdbg.cpu.state import TLB_ENTRY_WORDS, State
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SPRS

_OWN = {
    slots.LR: "LR", slots.CTR: "CTR", slots.CA: "XER[CA]", slots.OV: "XER[OV]", slots.SO: "XER[SO]",
    slots.XER_COUNT: "XER[57:63]", slots.MSR: "MSR", slots.PC: "pc", slots.RESERVED: "reservation",
    slots.RESERVE_PA: "reservation's address", slots.RESERVE_PA_HIGH: "reservation's address, high half",
    slots.FPSCR: "FPSCR", slots.WAITING: "waiting", slots.DOORBELLS: "doorbells", slots.LINES: "input lines",
    slots.NV: "NV", slots.WITHHELD: "interrupts to be withheld",
}  # fmt: skip
_COUNTERS = ("retired instructions", "skipped ticks", "time base offset", "DEC deadline", "place of the last interrupt",
             "interrupts in a row")  # fmt: skip
_MAS = ("MAS1", "MAS2", "MAS3", "MAS7", "MAS8")


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs, and how the first and the second engine have it."""

    what: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.what} is {self.first} and should be {self.second}"


def slot_name(slot: int) -> str:
    """The architected name of a 32-bit register slot."""
    if slot < 32:
        return f"r{slot}"
    if slots.CR <= slot < slots.CR + 8:
        return f"cr{slot - slots.CR}"
    if slot in _OWN:
        return _OWN[slot]
    names = [s.name for s in SPRS if s.slot == slot]
    names += [f"PMR {number}" for number, own in slots.PMRS.items() if own == slot]
    return names[0] if names else f"slot {slot}"


def _entry_name(word: int) -> str:
    index, part = divmod(word, TLB_ENTRY_WORDS)
    where = f"TLB0[{index // 4},{index % 4}]" if index < 512 else f"TLB1[{index - 512}]"
    return f"{where} {_MAS[part] if part < len(_MAS) else 'spare word'}"


def differences(first: State, second: State) -> Difference | None:
    """The first difference, in the order registers, floating point, counters, TLB; the engines' scratch aside."""
    for slot, (a, b) in enumerate(zip(first.reg, second.reg)):
        if a != b and slot != slots.EA:
            return Difference(slot_name(slot), f"{a:#010x}", f"{b:#010x}")
    for number, (a, b) in enumerate(zip(first.fpr, second.fpr)):
        if a != b:
            return Difference(f"f{number}", f"{a:#018x}", f"{b:#018x}")
    for number, (a, b) in enumerate(zip(first.counters, second.counters)):
        if a != b:
            name = _COUNTERS[number] if number < len(_COUNTERS) else f"counter {number}"
            return Difference(name, str(a), str(b))
    for word, (a, b) in enumerate(zip(first.tlb, second.tlb)):
        if a != b:
            return Difference(_entry_name(word), f"{a:#010x}", f"{b:#010x}")
    return None


def same(first: State, second: State) -> bool:
    """Whether nothing differs; fast."""
    if first.block == second.block:
        return True
    return differences(first, second) is None
