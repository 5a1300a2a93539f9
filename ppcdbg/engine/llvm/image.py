"""Loading tier 0 without LLVM: an object linked once into a flat image, which a later process only copies and rebases.

LLVM's library takes longer to load than everything else at start, and a cached object needs none of it. Knows the few
relocations that this project's own objects have on x86-64 ELF hosts; elsewhere, and where the host forbids memory that
is written and then run, the object is linked by LLVM (:mod:`.jit`).
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
from array import array

from ppcdbg.isa.bits import M32

_HEADER = struct.Struct("<8sIIII")  # magic, bytes of code, absolute words, exported names, bytes of names
_MAGIC = b"ppcimg1\0"
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQq")
_ALLOC, _RELA, _NOBITS, _SYMTAB = 2, 4, 8, 2
_ABSOLUTE, _PC32, _PLT32, _GOTPCREL = 1, 2, 4, (9, 41, 42)
_X86_64 = 62


def _sections(code: bytes) -> list[tuple[int, ...]]:
    start, size, count = struct.unpack_from("<Q", code, 0x28)[0], *struct.unpack_from("<HH", code, 0x3A)
    return [_SECTION.unpack_from(code, start + i * size) for i in range(count)]


class _Linker:
    """Lays the sections of one object out behind each other and applies its relocations relative to the start."""

    def __init__(self, code: bytes) -> None:
        self.code = code
        self.sections = _sections(code)
        self.image = bytearray()
        self.base: dict[int, int] = {}
        for i, (_, kind, flags, _, offset, size, _, _, alignment, _) in enumerate(self.sections):
            if flags & _ALLOC:
                self.image += bytes(-len(self.image) % max(alignment, 16))
                self.base[i] = len(self.image)
                self.image += bytes(size) if kind == _NOBITS else code[offset : offset + size]
        self.image += bytes(-len(self.image) % 16)
        self.symbols: list[tuple[str, int | None]] = []
        self.absolute: list[tuple[int, int]] = []
        self._slots: dict[int, int] = {}

    def read_symbols(self) -> None:
        for _, kind, _, _, offset, size, link, _, _, _ in self.sections:
            if kind == _SYMTAB:
                names = self.sections[link][4]
                for at in range(offset, offset + size, _SYMBOL.size):
                    name, _, _, section, value, _ = _SYMBOL.unpack_from(self.code, at)
                    end = self.code.index(b"\0", names + name)
                    place = self.base[section] + value if section in self.base else None
                    self.symbols.append((self.code[names + name : end].decode(), place))

    def relocate(self) -> bool:
        """False where the object has something that this linker does not know."""
        for _, kind, _, _, offset, size, _, target, _, _ in self.sections:
            if kind == _RELA and target in self.base:
                for at in range(offset, offset + size, _RELOCATION.size):
                    place, info, addend = _RELOCATION.unpack_from(self.code, at)
                    symbol = self.symbols[info >> 32][1]
                    if symbol is None or not self._apply(self.base[target] + place, info & M32, symbol, addend):
                        return False
        return True

    def _apply(self, place: int, kind: int, symbol: int, addend: int) -> bool:
        if kind == _ABSOLUTE:
            self.absolute.append((place, symbol + addend))
        elif kind in (_PC32, _PLT32):
            struct.pack_into("<i", self.image, place, symbol + addend - place)
        elif kind in _GOTPCREL:
            slot = self._slots.get(symbol)
            if slot is None:
                slot = self._slots[symbol] = len(self.image)
                self.image += bytes(8)
                self.absolute.append((slot, symbol))
            struct.pack_into("<i", self.image, place, slot + addend - place)
        else:
            return False
        return True


def flatten(code: bytes, names: tuple[str, ...]) -> bytes | None:
    """An image from an object that exports ``names``, or None where this host's objects are of another kind."""
    if code[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<H", code, 0x12)[0] != _X86_64:
        return None
    linker = _Linker(code)
    linker.read_symbols()
    known = dict(linker.symbols)
    places = [known.get(name) for name in names]
    if not linker.relocate() or None in places:
        return None
    listing = "\n".join(names).encode()
    absolute = array("Q", (word for pair in linker.absolute for word in pair))
    exported = array("Q", (place or 0 for place in places))
    header = _HEADER.pack(_MAGIC, len(linker.image), len(linker.absolute), len(names), len(listing))
    return header + bytes(linker.image) + absolute.tobytes() + exported.tobytes() + listing


class Image:
    """An image in executable memory. Raises OSError where the host does not allow that."""

    def __init__(self, data: bytes) -> None:
        magic, length, words, count, names = _HEADER.unpack_from(data)
        if magic != _MAGIC:
            raise OSError("not an image")
        if os.name != "posix":
            raise OSError("the host's mmap knows no protection")
        self._map = mmap.mmap(-1, length, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        self._anchor = ctypes.c_char.from_buffer(self._map)
        base = ctypes.addressof(self._anchor)
        at = _HEADER.size
        self._map[:length] = data[at : at + length]
        at += length
        self._rebase(data, at, words, base)
        at += 16 * words
        places = array("Q", data[at : at + 8 * count])
        listing = data[at + 8 * count : at + 8 * count + names].decode().split("\n")
        self.symbols = {name: base + place for name, place in zip(listing, places)}
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        if protect(ctypes.c_void_p(base), ctypes.c_size_t(length), mmap.PROT_READ | mmap.PROT_EXEC):
            raise OSError(ctypes.get_errno(), "the host does not let written memory be run")

    def _rebase(self, data: bytes, at: int, words: int, base: int) -> None:
        pairs = array("Q", data[at : at + 16 * words])
        pack, memory = struct.Struct("<Q").pack_into, self._map
        for i in range(0, 2 * words, 2):
            pack(memory, pairs[i], base + pairs[i + 1])
