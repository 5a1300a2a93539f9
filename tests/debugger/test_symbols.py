"""Names and addresses, in small and in a real kernel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ppcdbg.debugger.symbols import Symbol, SymbolTable, read_symbols
from ppcdbg.errors import InputError
from tests.debugger.rig import elf

SHARED = Path(os.environ.get("PPCDBG_SHARED", Path(__file__).resolve().parents[3] / "shared"))
KERNEL = SHARED / "guests/linux-e500v2/vmlinux"


def test_places_and_ends() -> None:
    table = SymbolTable(
        [
            Symbol(0x1000, "first", 0x20, True),
            Symbol(0x1000, "_stext", 0, False),
            Symbol(0x1040, "label", 0, False),
            Symbol(0x1080, "last", 8, True),
        ]
    )
    assert table.name(0x1000) == "first", "a function names an address before a bare label"
    assert table.name(0x101C) == "first+0x1c"
    assert table.name(0x1020) == "", "past the end of a symbol with a size there is no name"
    assert table.name(0x107C) == "label+0x3c", "a symbol without a size reaches to the next"
    assert table.name(0x1088) == ""
    assert table.name(0xFFF) == ""
    assert table.address("_stext") == 0x1000
    assert table.address("nothing") is None
    assert table.starting_with("la") == ["label", "last"]


def test_elf_symbol_table(tmp_path: Path) -> None:
    path = elf([("start", 0x1000, 16, True), ("data", 0x2000, 4, False)], tmp_path / "guest.elf")
    table = read_symbols(path)
    assert [table.address(n) for n in ("start", "data")] == [0x1000, 0x2000]
    assert table.name(0x1008) == "start+0x8"


def test_every_cut_of_an_elf_is_refused_or_read(tmp_path: Path) -> None:
    whole = elf([("start", 0x1000, 16, True)], tmp_path / "guest.elf").read_bytes()
    cut = tmp_path / "cut.elf"
    for end in range(4, len(whole)):
        cut.write_bytes(whole[:end])
        try:
            read_symbols(cut)
        except InputError as error:
            assert "\n" not in str(error) and str(cut) in str(error)


def test_other_files_have_no_symbols(tmp_path: Path) -> None:
    raw = tmp_path / "raw.bin"
    raw.write_bytes(b"\x60\0\0\0" * 4)
    assert len(read_symbols(raw)) == 0
    with pytest.raises(InputError, match="cannot read symbols"):
        read_symbols(tmp_path / "missing")


@pytest.mark.skipif(not KERNEL.exists(), reason="the Linux guests are not here; set PPCDBG_SHARED")
def test_linux() -> None:
    table = read_symbols(KERNEL)
    assert len(table) > 10_000
    start = table.address("start_kernel")
    assert start is not None and table.name(start) == "start_kernel"
    memset = table.symbol("memset")
    assert memset is not None and table.name(memset.address + 0x40) == "memset+0x40"
