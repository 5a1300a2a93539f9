"""Where the guest's MMU assist registers are: in the shared page (PR) or in the hardware's own registers (HV).

One face for both, so that the guest TLB is emulated by one piece of code.
"""

from __future__ import annotations

from typing import Protocol

from ppcdbg.cpu.state import State
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm import magic_page as mp


class Mas(Protocol):
    """The registers by name; ``mas7_3`` is MAS7 << 32 | MAS3."""

    mas0: int
    mas1: int
    mas2: int
    mas7_3: int
    mas4: int
    mas6: int


def _word(offset: int) -> property:
    def get(self: PageMas) -> int:
        return self.shared.get32(offset)

    def put(self: PageMas, value: int) -> None:
        self.shared.set32(offset, value & 0xFFFFFFFF)

    return property(get, put)


def _double(offset: int) -> property:
    def get(self: PageMas) -> int:
        return self.shared.get64(offset)

    def put(self: PageMas, value: int) -> None:
        self.shared.set64(offset, value)

    return property(get, put)


class PageMas:
    """PR mode: fields of the shared page."""

    def __init__(self, shared: mp.SharedPage) -> None:
        self.shared = shared

    mas0, mas1, mas4, mas6 = _word(mp.MAS0), _word(mp.MAS1), _word(mp.MAS4), _word(mp.MAS6)
    mas2, mas7_3 = _double(mp.MAS2), _double(mp.MAS7_3)


def _hardware(name: str) -> property:
    slot = SLOT[name]

    def get(self: HardwareMas) -> int:
        return self.reg[slot]

    def put(self: HardwareMas, value: int) -> None:
        self.reg[slot] = value & 0xFFFFFFFF

    return property(get, put)


class HardwareMas:
    """HV mode: the guest's values stay in the core's registers (facts 8.1 saves and restores them)."""

    def __init__(self, state: State) -> None:
        self.reg = state.reg

    mas0, mas1, mas2 = _hardware("MAS0"), _hardware("MAS1"), _hardware("MAS2")
    mas4, mas6 = _hardware("MAS4"), _hardware("MAS6")

    @property
    def mas7_3(self) -> int:
        return self.reg[SLOT["MAS7"]] << 32 | self.reg[SLOT["MAS3"]]

    @mas7_3.setter
    def mas7_3(self, value: int) -> None:
        self.reg[SLOT["MAS7"]] = value >> 32 & 0xFFFFFFFF
        self.reg[SLOT["MAS3"]] = value & 0xFFFFFFFF
