"""Names of addresses: the symbol table of an ELF image as sorted arrays.

Refuses to guess: an address beyond the end of the last symbol that covers it has no name. Reading the file waits until
a name is asked for (pyelftools is imported then).
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO, NamedTuple, cast

from ppcdbg.errors import InputError

_FUNC, _OBJECT, _NOTYPE = 2, 1, 0
_SYMBOL = struct.Struct(">IIIBBH")  # Elf32_Sym, big-endian
LONGEST = 512
"""Characters of a name, as many as the kernel's own symbol table takes (KSYM_NAME_LEN): many may be the end of one."""
_UNDEFINED, _FIRST_RESERVED = 0, 0xFF00


class Symbol(NamedTuple):
    """``size`` is 0 where the image does not say; then the next symbol ends it."""

    address: int
    name: str
    size: int
    function: bool


class Place(NamedTuple):
    """An address as name and offset."""

    name: str
    offset: int
    size: int

    def __str__(self) -> str:
        return f"{self.name}+{self.offset:#x}" if self.offset else self.name


class SymbolTable:
    """Lookups in both directions; several names at one address give the first of: global function, function, other."""

    def __init__(self, symbols: Iterable[Symbol] = ()) -> None:
        ordered = sorted(symbols, key=lambda s: (s.address, not s.function, s.size == 0, s.name))
        self._all = ordered
        self._first: list[Symbol] = []
        for s in ordered:
            if not self._first or self._first[-1].address != s.address:
                self._first.append(s)
        self._addresses = [s.address for s in self._first]
        self._by_name: dict[str, Symbol] = {}
        for s in ordered:
            self._by_name.setdefault(s.name, s)
        self._names = sorted(self._by_name)

    def __len__(self) -> int:
        return len(self._all)

    def address(self, name: str) -> int | None:
        """Effective address of a name, or None."""
        s = self._by_name.get(name)
        return None if s is None else s.address

    def symbol(self, name: str) -> Symbol | None:
        return self._by_name.get(name)

    def place(self, address: int) -> Place | None:
        """The symbol that covers an address. A symbol without a size reaches to the next one, at most 64 KiB."""
        i = bisect_right(self._addresses, address) - 1
        if i < 0:
            return None
        s = self._first[i]
        following = self._addresses[i + 1] if i + 1 < len(self._addresses) else s.address + 0x10000
        end = s.address + s.size if s.size else min(following, s.address + 0x10000)
        if address >= max(end, s.address + 1):
            return None
        return Place(s.name, address - s.address, s.size or following - s.address)

    def name(self, address: int) -> str:
        """``memset+0x40``, or an empty string."""
        place = self.place(address)
        return "" if place is None else str(place)

    def starting_with(self, prefix: str, limit: int = 50) -> list[str]:
        """Names for completion, in alphabetical order."""
        i = bisect_left(self._names, prefix)
        out: list[str] = []
        while i < len(self._names) and len(out) < limit and self._names[i].startswith(prefix):
            out.append(self._names[i])
            i += 1
        return out

    def names(self) -> list[str]:
        return self._names


def read_symbols(path: Path) -> SymbolTable:
    """The symbols of an ELF file; an empty table for any other kind of file. Raises InputError for a damaged ELF."""
    try:
        with path.open("rb") as file:
            if file.read(4) != b"\x7fELF":
                return SymbolTable()
            return SymbolTable(_elf_symbols(path))
    except OSError as error:
        raise InputError(f"{path}: cannot read symbols: {error.strerror}") from error


def _elf_symbols(path: Path) -> list[Symbol]:
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        # Mapped: read(2) of the size that a damaged section claims would take memory for it first.
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as image:
            section = ELFFile(cast("IO[bytes]", image)).get_section_by_name(".symtab")
            if section is None:
                return []
            raw = section.data()
            names = ELFFile(cast("IO[bytes]", image)).get_section(section["sh_link"]).data()
    except (ELFError, ValueError, KeyError, AttributeError, UnicodeDecodeError, struct.error) as error:
        raise InputError(f"{path}: damaged symbol table: {error}; link the image again or strip it") from error
    return _decode(raw[: len(raw) // _SYMBOL.size * _SYMBOL.size], names)


def _decode(raw: bytes, names: bytes) -> list[Symbol]:
    out: list[Symbol] = []
    for at, value, size, info, _, section in _SYMBOL.iter_unpack(raw):
        kind = info & 15
        if section == _UNDEFINED or section >= _FIRST_RESERVED or kind not in (_FUNC, _OBJECT, _NOTYPE) or not at:
            continue
        end = names.find(b"\0", at, at + LONGEST)
        end = end if end >= 0 else at + LONGEST
        out.append(Symbol(value, names[at:end].decode("utf-8", "replace"), size, kind == _FUNC))
    return out
