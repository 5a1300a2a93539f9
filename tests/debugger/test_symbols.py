"""Names and addresses, in small and in a real kernel."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.lines import LineTable
from ppcdbg.debugger.symbols import LONGEST, Symbol, SymbolTable, read_symbols
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


def test_a_name_as_long_as_a_file_is_cut(tmp_path: Path) -> None:
    """Each of many names may be the end of one: two megabytes of file were thirty gigabytes of names."""
    table = read_symbols(elf([("x" * 1_000_000, 0x1000, 16, True)], tmp_path / "guest.elf"))
    assert table.name(0x1000) == "x" * LONGEST


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


def test_source_lines_of_an_assembled_file(tmp_path: Path, tool: Callable[[str], str]) -> None:
    source = tmp_path / "guest.S"
    source.write_text(".globl _start\n_start:\n\tli 3,1\n\tli 4,2\n\n\tadd 5,3,4\nhang:\tb hang\n")
    subprocess.run([tool("powerpc-linux-gnu-as"), "-g", "-o", "guest.o", "guest.S"], cwd=tmp_path, check=True)
    linked = ["-Ttext=0x100000", "-o", "guest.elf", "guest.o"]
    subprocess.run([tool("powerpc-linux-gnu-ld"), *linked], cwd=tmp_path, check=True)
    debugger = open_guest(tmp_path / "guest.elf", hv="none")
    rows = debugger.disassemble(0x100000, 5).rows
    assert [row.source for row in rows] == ["guest.S:3", "guest.S:4", "guest.S:6", "guest.S:7", ""]
    assert rows[2].text == "add 5,3,4" and not any(row.original for row in rows)
    debugger.write(0x100004, bytes.fromhex("38800009"))
    assert debugger.disassemble(0x100004, 1).rows[0].original == "li r4,2"
    assert debugger.lines.at(0x200000) is None and LineTable(None).at(0) is None
    source.unlink()
    assert LineTable(tmp_path / "guest.elf").at(0x100000) == ("guest.S", 3, "", True)
