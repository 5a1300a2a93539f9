"""What a guest image file says: ELF, uImage or raw bytes, checked strictly and turned into segments.

Nothing is placed in memory here (:mod:`ppcdbg.machine.loaders` does that). Every fault of a file is one InputError
that names the file, the fault and what would be right. Sources: System V ABI PowerPC; U-Boot's legacy image header.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from ppcdbg.errors import InputError

ELF_HEADER = struct.Struct(">HHIIIIIHHHHHH")
ELF_IDENT = 16
PROGRAM_HEADER = struct.Struct(">IIIIIIII")
ELFCLASS32, ELFDATA2MSB, EM_PPC, ET_EXEC, PT_LOAD, PF_X = 1, 2, 20, 2, 1, 1
ELF_TYPES = {1: "an object file, not linked", 3: "position-independent", 4: "a core dump"}
MACHINES = {3: "x86", 8: "MIPS", 21: "64-bit PowerPC", 40: "ARM", 62: "x86-64", 183: "AArch64", 243: "RISC-V"}

UIMAGE_HEADER = struct.Struct(">IIIIIIIBBBB32s")
UIMAGE_MAGIC, FDT_MAGIC = 0x27051956, 0xD00DFEED
UIMAGE_PPC, UIMAGE_KERNEL = 7, 2
UIMAGE_NONE, UIMAGE_GZIP = 0, 1
COMPRESSIONS = {2: "bzip2", 3: "lzma", 4: "lzo", 5: "lz4", 6: "zstd"}
GZIP_WINDOW = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes for a real address; ``size`` may be longer than ``data``, the rest is zero."""

    address: int
    data: bytes
    size: int

    @property
    def end(self) -> int:
        return self.address + self.size


@dataclass(frozen=True)
class Image:
    """A checked image: ``kind`` is "elf", "uimage" or "raw"; ``entry`` is a real address."""

    path: Path
    kind: str
    entry: int
    segments: tuple[Segment, ...]

    @property
    def low(self) -> int:
        return min(segment.address for segment in self.segments)

    @property
    def end(self) -> int:
        return max(segment.end for segment in self.segments)


def read_file(path: Path, what: str, limit: int | None = None) -> bytes:
    """The bytes of a regular file. ``limit`` is the memory size that it must fit in."""
    try:
        if path.exists() and not path.is_file():
            kind = "a directory" if path.is_dir() else "not a regular file"
            raise InputError(f"cannot read {what} {path}: it is {kind}")
        size = path.stat().st_size
        if limit is not None and size > limit:
            raise InputError(f"{what} {path} has {size} bytes, more than the memory of {limit >> 20}M; use --memory")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {what} {path}: {error.strerror or error}") from None


def read_image(path: Path, memory: int, load: int | None = None, entry: int | None = None) -> Image:
    """Recognize and check an image. ``load`` makes it raw bytes for that real address; ``memory`` is the RAM size."""
    if load is not None:
        return _raw(path, read_file(path, "image", memory), load, entry)
    data = read_file(path, "image")
    if data[:4] == b"\x7fELF":
        return _elf(path, data)
    magic = int.from_bytes(data[:4], "big")
    if magic == UIMAGE_MAGIC:
        return _uimage(path, data, memory)
    if not data:
        raise InputError(f"{path} is empty; a guest is an ELF file, a uImage, or raw bytes with --load ADDR")
    if magic == FDT_MAGIC:
        raise InputError(f"{path} is a device tree or FIT image; give an ELF file or a legacy uImage")
    if data[:2] == b"\x1f\x8b":
        raise InputError(f"{path} is compressed by gzip; decompress it, or give the uImage made from it")
    raise InputError(f"{path} is neither ELF nor uImage; if it is raw code, say where it goes with --load ADDR")


def _raw(path: Path, data: bytes, load: int, entry: int | None) -> Image:
    if data[:4] == b"\x7fELF" or data[:4] == UIMAGE_MAGIC.to_bytes(4, "big"):
        kind = "an ELF file" if data[0] == 0x7F else "a uImage"
        raise InputError(f"{path} is {kind} and says itself where it goes; leave --load out")
    if not data:
        raise InputError(f"{path} is empty; a raw image needs at least one instruction")
    start = load if entry is None else entry
    if not load <= start < load + len(data):
        raise InputError(f"entry {start:#x} lies outside {path}, which is loaded at {load:#x}..{load + len(data):#x}")
    return Image(path, "raw", start, (Segment(load, data, len(data)),))


def _elf(path: Path, data: bytes) -> Image:
    if len(data) < ELF_IDENT + ELF_HEADER.size:
        raise InputError(f"{path} is cut off in its ELF header at {len(data)} of {ELF_IDENT + ELF_HEADER.size} bytes")
    if data[4] != ELFCLASS32:
        raise InputError(f"{path} is not a 32-bit ELF file (class {data[4]}); build it with -m32")
    if data[5] != ELFDATA2MSB:
        raise InputError(f"{path} is little-endian; this machine is big-endian, build it with -mbig-endian")
    kind, machine, _, entry, table, _, _, _, entry_size, count, *_ = ELF_HEADER.unpack_from(data, ELF_IDENT)
    if machine != EM_PPC:
        raise InputError(
            f"{path} is for {MACHINES.get(machine, f'machine {machine}')}, not for 32-bit PowerPC (machine {EM_PPC})"
        )
    if kind != ET_EXEC:
        raise InputError(f"{path} is {ELF_TYPES.get(kind, f'of ELF type {kind}')}; link it as a static executable")
    if entry_size != PROGRAM_HEADER.size:
        raise InputError(f"{path} has program headers of {entry_size} bytes where {PROGRAM_HEADER.size} are right")
    if table + count * entry_size > len(data):
        raise InputError(f"{path} is cut off: its program headers end at {table + count * entry_size:#x}, "
                         f"the file at {len(data):#x}")  # fmt: skip
    rows = [PROGRAM_HEADER.unpack_from(data, table + i * entry_size) for i in range(count)]
    loads = [row for row in rows if row[0] == PT_LOAD and row[5]]
    if not loads:
        raise InputError(f"{path} has no segment to load; a guest needs at least one PT_LOAD")
    segments = tuple(_elf_segment(path, data, row) for row in loads)
    _reject_overlap(path, segments)
    return Image(path, "elf", _elf_entry(path, entry, loads), segments)


def executable_parts(path: Path) -> tuple[tuple[int, bytes], ...]:
    """What an ELF file has for each executable segment: its effective address and its bytes; none of another file.

    Zeros that are not in the file are given too. Raises InputError for a damaged ELF.
    """
    data = read_file(path, "image")
    if data[:4] != b"\x7fELF":
        return ()
    _elf(path, data)  # checks all that follows
    _, _, _, _, table, _, _, _, _, count, *_ = ELF_HEADER.unpack_from(data, ELF_IDENT)
    parts = []
    for i in range(count):
        kind, offset, virtual, _, held, size, flags, _ = PROGRAM_HEADER.unpack_from(
            data, table + i * PROGRAM_HEADER.size
        )
        if kind == PT_LOAD and flags & PF_X and size:
            parts.append((virtual, data[offset : offset + held] + bytes(size - held)))
    return tuple(parts)


def _elf_segment(path: Path, data: bytes, row: tuple[int, ...]) -> Segment:
    _, offset, _, physical, file_size, memory_size, _, _ = row
    if offset + file_size > len(data):
        raise InputError(
            f"{path} is cut off: its segment for {physical:#x} ends at {offset + file_size:#x}, "
            f"the file at {len(data):#x}"
        )
    if file_size > memory_size:
        raise InputError(f"{path} has a segment for {physical:#x} with more bytes in the file than in memory")
    return Segment(physical, data[offset : offset + file_size], memory_size)


def _elf_entry(path: Path, entry: int, loads: list[tuple[int, ...]]) -> int:
    """The entry point as a real address: it is given in the addresses that the image is linked at."""
    for _, _, virtual, physical, _, size, _, _ in loads:
        if virtual <= entry < virtual + size:
            return entry - virtual + physical
    for _, _, _, physical, _, size, _, _ in loads:
        if physical <= entry < physical + size:
            return entry
    raise InputError(f"{path} starts at {entry:#x}, which lies in none of its segments; check the entry of its link")


def _reject_overlap(path: Path, segments: tuple[Segment, ...]) -> None:
    ordered = sorted(segments, key=lambda segment: segment.address)
    for before, after in zip(ordered, ordered[1:], strict=False):
        if before.end > after.address:
            raise InputError(f"{path} has segments that overlap at {after.address:#x}; link them apart")


def _uimage(path: Path, data: bytes, memory: int) -> Image:
    if len(data) < UIMAGE_HEADER.size:
        raise InputError(f"{path} is cut off in its uImage header at {len(data)} of {UIMAGE_HEADER.size} bytes")
    _, header_crc, _, size, load, entry, data_crc, _, arch, kind, compression, _ = UIMAGE_HEADER.unpack_from(data)
    zeroed = data[:4] + bytes(4) + data[8 : UIMAGE_HEADER.size]
    if zlib.crc32(zeroed) != header_crc:
        raise InputError(f"{path} has a damaged uImage header: its checksum is {zlib.crc32(zeroed):#010x}, "
                         f"not {header_crc:#010x}")  # fmt: skip
    if arch != UIMAGE_PPC:
        raise InputError(f"{path} is a uImage for architecture {arch}, not for PowerPC ({UIMAGE_PPC})")
    if kind != UIMAGE_KERNEL:
        raise InputError(
            f"{path} is a uImage of type {kind}, not a kernel ({UIMAGE_KERNEL}); give an initrd by --initrd"
        )
    payload = data[UIMAGE_HEADER.size : UIMAGE_HEADER.size + size]
    if len(payload) < size:
        raise InputError(f"{path} is cut off: its uImage has {len(payload)} of {size} bytes of data")
    if zlib.crc32(payload) != data_crc:
        raise InputError(
            f"{path} has damaged uImage data: its checksum is {zlib.crc32(payload):#010x}, not {data_crc:#010x}"
        )
    body = _decompress(path, payload, compression, memory)
    if not body:
        raise InputError(f"{path} is a uImage without data; a kernel needs at least one instruction")
    if not load <= entry < load + len(body):
        raise InputError(f"{path} starts at {entry:#x}, outside its data at {load:#x}..{load + len(body):#x}; "
                         "check mkimage -a and -e")  # fmt: skip
    return Image(path, "uimage", entry, (Segment(load, body, len(body)),))


def _decompress(path: Path, payload: bytes, compression: int, memory: int) -> bytes:
    if compression == UIMAGE_NONE:
        return payload
    if compression != UIMAGE_GZIP:
        name = COMPRESSIONS.get(compression, f"method {compression}")
        raise InputError(f"{path} is a uImage compressed by {name}; make it with gzip or none")
    unzip = zlib.decompressobj(GZIP_WINDOW)
    try:
        body = unzip.decompress(payload, memory + 1)
    except zlib.error as error:
        raise InputError(f"{path} is a uImage whose gzip data is damaged ({error}); make it again") from None
    if len(body) > memory:
        raise InputError(f"{path} unpacks to more than the memory of {memory >> 20}M; use --memory")
    if not unzip.eof:
        raise InputError(f"{path} is a uImage whose gzip data ends too early; make it again")
    return body
