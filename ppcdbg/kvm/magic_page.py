"""struct kvm_vcpu_arch_shared as bytes: the page that is the vcpu's state and, in PR mode, what the guest maps.

Big-endian, 0xF0 bytes long (facts 7.1). In PR mode the bytes are a real page of host memory behind the guest's RAM, so
what the guest stores there takes effect at once; in HV mode they are private. Nothing here decides anything.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from struct import Struct

_U32, _U64 = Struct(">I"), Struct(">Q")

# Offsets of whole fields; a 32-bit guest uses the low word of a 64-bit one, at +4.
SCRATCH1, SCRATCH2, SCRATCH3, CRITICAL = 0x00, 0x08, 0x10, 0x18
SPRG0, SPRG1, SPRG2, SPRG3, SRR0, SRR1, DAR, MSR = 0x20, 0x28, 0x30, 0x38, 0x40, 0x48, 0x50, 0x58
DSISR, INT_PENDING, SR = 0x60, 0x64, 0x68
MAS0, MAS1, MAS7_3, MAS2, MAS4, MAS6, ESR, PIR = 0xA8, 0xAC, 0xB0, 0xB8, 0xC0, 0xC4, 0xC8, 0xCC
SPRG4, SPRG5, SPRG6, SPRG7 = 0xD0, 0xD8, 0xE0, 0xE8
SIZE = 0xF0


@dataclass(frozen=True)
class Field:
    """One field of the page. ``feature``: which bit of the MAP_MAGIC_PAGE result promises it (0: always there)."""

    name: str
    offset: int
    size: int
    feature: int = 0


FIELDS: tuple[Field, ...] = (
    Field("scratch1", SCRATCH1, 8), Field("scratch2", SCRATCH2, 8), Field("scratch3", SCRATCH3, 8),
    Field("critical", CRITICAL, 8), Field("sprg0", SPRG0, 8), Field("sprg1", SPRG1, 8), Field("sprg2", SPRG2, 8),
    Field("sprg3", SPRG3, 8), Field("srr0", SRR0, 8), Field("srr1", SRR1, 8), Field("dar", DAR, 8),
    Field("msr", MSR, 8), Field("dsisr", DSISR, 4), Field("int_pending", INT_PENDING, 4),
    *(Field(f"sr{i}", SR + 4 * i, 4, 1) for i in range(16)),
    Field("mas0", MAS0, 4, 2), Field("mas1", MAS1, 4, 2), Field("mas7_3", MAS7_3, 8, 2), Field("mas2", MAS2, 8, 2),
    Field("mas4", MAS4, 4, 2), Field("mas6", MAS6, 4, 2), Field("esr", ESR, 4, 2), Field("pir", PIR, 4, 2),
    Field("sprg4", SPRG4, 8, 2), Field("sprg5", SPRG5, 8, 2), Field("sprg6", SPRG6, 8, 2), Field("sprg7", SPRG7, 8, 2),
)  # fmt: skip


class SharedPage:
    """Reads and writes fields of the struct in a buffer of one page."""

    __slots__ = ("_anchor", "page")

    def __init__(self, page: memoryview | bytearray) -> None:
        if len(page) < SIZE:
            raise ValueError(f"the shared page needs {SIZE} bytes, not {len(page)}")
        self.page = page
        self._anchor = ctypes.c_char.from_buffer(page)

    @property
    def host_address(self) -> int:
        """Where the page lies in this process; valid as long as this object lives."""
        return ctypes.addressof(self._anchor)

    def get32(self, offset: int) -> int:
        word: int = _U32.unpack_from(self.page, offset)[0]
        return word

    def set32(self, offset: int, value: int) -> None:
        _U32.pack_into(self.page, offset, value)

    def get64(self, offset: int) -> int:
        value: int = _U64.unpack_from(self.page, offset)[0]
        return value

    def set64(self, offset: int, value: int) -> None:
        _U64.pack_into(self.page, offset, value)

    @property
    def msr(self) -> int:
        """The guest's MSR: the low word, which is all that a 32-bit guest writes."""
        word: int = _U32.unpack_from(self.page, MSR + 4)[0]
        return word

    @msr.setter
    def msr(self, value: int) -> None:
        _U64.pack_into(self.page, MSR, value)

    def values(self) -> dict[str, int]:
        """Every field by name, for panes and recordings."""
        return {f.name: self.get64(f.offset) if f.size == 8 else self.get32(f.offset) for f in FIELDS}
