"""Guest images and loading: what is right, and one clear sentence for each thing that is wrong."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import pytest

from ppcdbg.errors import InputError
from ppcdbg.machine.boot import boot_state, dtb_place, initrd_place
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.images import read_image
from ppcdbg.machine.loaders import LoadedImage, load_image
from ppcdbg.machine.memory import Ram

MEMORY = 64 << 20
CODE = bytes.fromhex("48000000") * 64


def elf(
    code: bytes = CODE, virtual: int = 0xC0000000, physical: int = 0x1000, entry: int | None = None, **header: int
) -> bytes:
    """A small static executable with one segment, four zero bytes of bss, and any header field overridden."""
    h = {"cls": 1, "data": 2, "kind": 2, "machine": 20, "count": 1, "entry_size": 32, "table": 52, "extra": 4, **header}
    ident = bytes([0x7F, *b"ELF", h["cls"], h["data"], 1, *bytes(9)])
    start = virtual + 8 if entry is None else entry
    fields = (h["kind"], h["machine"], 1, start, h["table"], 0, 0, 52, h["entry_size"], h["count"], 40, 0, 0)
    row = struct.pack(">8I", 1, 84, virtual, physical, len(code), len(code) + h["extra"], 7, 4)
    return ident + struct.pack(">HHIIIIIHHHHHH", *fields) + row + code


def uimage(payload: bytes = CODE, load: int = 0, entry: int = 0, arch: int = 7, kind: int = 2, comp: int = 0) -> bytes:
    def header(crc: int) -> bytes:
        return struct.pack(
            ">IIIIIIIBBBB32s", 0x27051956, crc, 0, len(payload), load, entry, zlib.crc32(payload), 5, arch, kind, comp,
            b"test",
        )  # fmt: skip

    return header(zlib.crc32(header(0))) + payload


def write(folder: Path, data: bytes, name: str = "guest") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def load(folder: Path, data: bytes, ram: Ram | None = None, **description: object) -> LoadedImage:
    path = write(folder, data)
    return load_image(MachineDescription(kernel=path, **description), ram or Ram(MEMORY))  # type: ignore[arg-type]


def test_elf_goes_to_its_physical_address_and_starts_there(tmp_path: Path) -> None:
    ram = Ram(MEMORY)
    ram.view[0x1100:0x1104] = b"junk"
    loaded = load(tmp_path, elf(), ram)
    assert (loaded.kind, loaded.entry, loaded.symbols) == ("elf", 0x1008, tmp_path / "guest")
    assert ram.view[0x1000:0x1100] == CODE
    assert ram.view[0x1100:0x1104] == bytes(4), "bss is cleared"
    assert ram.view[loaded.dtb_address : loaded.dtb_address + 4] == b"\xd0\x0d\xfe\xed"


@pytest.mark.parametrize("compression", [0, 1])
def test_uimage(tmp_path: Path, compression: int) -> None:
    ram = Ram(MEMORY)
    loaded = load(tmp_path, uimage(gzip.compress(CODE) if compression else CODE, 0x400, 0x404, comp=compression), ram)
    assert (loaded.kind, loaded.entry, loaded.symbols) == ("uimage", 0x404, None)
    assert ram.view[0x400 : 0x400 + len(CODE)] == CODE


def test_raw(tmp_path: Path) -> None:
    ram = Ram(MEMORY)
    loaded = load(tmp_path, CODE, ram, load=0x10000, entry=0x10010)
    assert (loaded.kind, loaded.entry, loaded.boot.pc) == ("raw", 0x10010, 0x10010)
    assert ram.view[0x10000 : 0x10000 + len(CODE)] == CODE


BAD_IMAGES = {
    "empty": (b"", "is empty"),
    "unknown": (b"hello, world", "neither ELF nor uImage"),
    "gzip": (gzip.compress(CODE), "compressed by gzip"),
    "fit": (b"\xd0\x0d\xfe\xed" * 20, "FIT"),
    "elf header cut": (elf()[:40], "cut off in its ELF header"),
    "program headers cut": (elf()[:60], "program headers end"),
    "segment cut": (elf()[:-1], "cut off: its segment for 0x1000"),
    "64 bit": (elf(cls=2), "not a 32-bit ELF"),
    "little-endian": (elf(data=1), "little-endian"),
    "x86-64": (elf(machine=62), "for x86-64, not for 32-bit PowerPC"),
    "unknown machine": (elf(machine=999), "machine 999"),
    "object file": (elf(kind=1), "not linked"),
    "position independent": (elf(kind=3), "position-independent"),
    "header size": (elf(entry_size=56), "program headers of 56 bytes"),
    "no segment": (elf(count=0), "no segment to load"),
    "entry nowhere": (elf(entry=0x80000000), "starts at 0x80000000"),
    "beyond memory": (elf(physical=0x8000000), "memory ends at 0x4000000; --memory 256M"),
    "virtual address": (elf(physical=0xC0000000), "physical addresses"),
    "uimage header cut": (uimage()[:50], "uImage header at 50 of 64"),
    "uimage header damaged": (uimage()[:40] + b"X" + uimage()[41:], "damaged uImage header"),
    "uimage data cut": (uimage()[:-4], "252 of 256 bytes"),
    "uimage data damaged": (uimage()[:-1] + b"X", "damaged uImage data"),
    "uimage for arm": (uimage(arch=2), "architecture 2"),
    "uimage ramdisk": (uimage(kind=3), "type 3, not a kernel"),
    "uimage lzma": (uimage(comp=3), "compressed by lzma"),
    "uimage bad gzip": (uimage(b"not gzip at all", comp=1), "gzip data is damaged"),
    "uimage cut gzip": (uimage(gzip.compress(CODE)[:-9], comp=1), "ends too early"),
    "uimage bomb": (uimage(gzip.compress(bytes(MEMORY + 1), 1), comp=1), "unpacks to more than the memory of 64M"),
    "uimage entry": (uimage(entry=0x5000), "outside its data"),
    "uimage empty": (uimage(b""), "without data"),
}


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_bad_images_get_one_clear_sentence(tmp_path: Path, name: str) -> None:
    data, words = BAD_IMAGES[name]
    with pytest.raises(InputError) as caught:
        load(tmp_path, data)
    message = str(caught.value)
    assert words in message
    assert str(tmp_path / "guest") in message
    assert "\n" not in message


def test_a_segment_longer_in_the_file_than_in_memory(tmp_path: Path) -> None:
    data = bytearray(elf())
    data[52 + 20 : 52 + 24] = (8).to_bytes(4, "big")
    with pytest.raises(InputError, match="more bytes in the file than in memory"):
        load(tmp_path, bytes(data))


@pytest.mark.parametrize("length", range(0, 84 + len(CODE), 7))
def test_an_elf_cut_anywhere_is_refused(tmp_path: Path, length: int) -> None:
    with pytest.raises(InputError):
        read_image(write(tmp_path, elf()[:length]), MEMORY)


def test_load_is_for_raw_images_only(tmp_path: Path) -> None:
    for data, kind in ((elf(), "an ELF file"), (uimage(), "a uImage")):
        with pytest.raises(InputError, match=f"{kind}.*leave --load out"):
            load(tmp_path, data, load=0)
    with pytest.raises(InputError, match="entry 0x9000 lies outside"):
        load(tmp_path, CODE, load=0, entry=0x9000)
    with pytest.raises(InputError, match="more than the memory of 64M"):
        load(tmp_path, bytes(MEMORY + 4), load=0)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_image(tmp_path / "absent", MEMORY)
    with pytest.raises(InputError, match="it is a directory"):
        read_image(tmp_path, MEMORY)
    with pytest.raises(InputError, match="not a regular file"):
        read_image(Path("/dev/zero"), MEMORY)
    with pytest.raises(InputError, match="initrd"):
        load(tmp_path, elf(), initrd=tmp_path / "absent")


def test_initrd_and_tree_lie_where_qemu_puts_them(tmp_path: Path) -> None:
    """QEMU 7.2 with the guests here: r3 = 0x1b00000, initrd at 0x4000000, r7 = 64 MiB."""
    assert (dtb_place(0x3F8BFC), initrd_place(0x3F8BFC)) == (0x1B00000, 0x4000000)
    assert initrd_place(0x2800000) == 0x4000000
    assert initrd_place(0x3000001) == 0x5000000
    initrd = write(tmp_path, b"archive", "initrd")
    ram = Ram(128 << 20)
    loaded = load(tmp_path, elf(), ram, initrd=initrd, memory=128 << 20)
    assert loaded.initrd == (0x4000000, 0x4000007)
    assert ram.view[0x4000000:0x4000007] == b"archive"


def test_initrd_must_fit_and_overlap_nothing(tmp_path: Path) -> None:
    initrd = write(tmp_path, bytes(0x1000), "initrd")
    cases = [
        ({}, "memory ends at 0x4000000; --memory 128M"),
        ({"initrd_address": 0x1004}, "overlaps image"),
        ({"initrd_address": 0x1800800}, "overlaps the device tree|the device tree .* overlaps"),
        ({"dtb_address": 0x1000, "initrd_address": 0x2000000}, "overlaps"),
        ({"dtb_address": 0x3FFF000, "initrd_address": 0x2000000}, "the device tree needs"),
    ]
    for places, words in cases:
        with pytest.raises(InputError, match=words):
            load(tmp_path, elf(), initrd=initrd, **places)
    with pytest.raises(InputError, match="is empty"):
        load(tmp_path, elf(), initrd=write(tmp_path, b"", "nothing"))
    loaded = load(tmp_path, elf(), initrd=initrd, initrd_address=0x2000000)
    assert loaded.initrd == (0x2000000, 0x2001000)


def test_nothing_is_written_when_something_is_wrong(tmp_path: Path) -> None:
    ram = Ram(MEMORY)
    with pytest.raises(InputError):
        load(tmp_path, elf(), ram, initrd=write(tmp_path, b"x", "initrd"))
    assert not any(ram.view[0x1000:0x1100])


def test_boot_registers_and_mapping_are_qemus() -> None:
    state = boot_state(0, 0x1B00000)
    gprs = {1: 0x00FFFFF8, 3: 0x1B00000, 4: 0, 5: 0, 6: 0x45504150, 7: 0x4000000, 8: 0, 9: 0}
    assert (state.pc, state.msr, dict(state.gprs)) == (0, 0, gprs)
    assert (state.tlb1.mas1, state.tlb1.mas2, state.tlb1.mas3) == (0x80000800, 0, 0x3F)
    assert dict(boot_state(0, 0x3F00000).gprs)[7] == 0x10000000, "64 MiB do not strictly cover it"


def test_a_given_tree_is_patched(tmp_path: Path) -> None:
    first = load(tmp_path, elf(), append="theirs")
    tree = write(tmp_path, first.dtb, "board.dtb")
    second = load(tmp_path, elf(), dtb=tree, memory=MEMORY)
    assert b"theirs\0" in second.dtb
    with pytest.raises(InputError, match="board.dtb"):
        load(tmp_path, elf(), dtb=write(tmp_path, first.dtb[:200], "board.dtb"))
