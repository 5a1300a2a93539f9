"""Source lines of addresses, from the line table of an ELF file's debug data, and the source where it can be found.

Reading waits until a line is asked for; a file without debug data has no lines. The text comes from the path that the
compiler wrote down, or from a file of that name beside the image; another file's text is never guessed.
"""

from __future__ import annotations

from bisect import bisect_right
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from ppcdbg.errors import InputError


class SourceLine(NamedTuple):
    """``text`` is empty where the source is not at hand. ``first``: the address is the first one of its line."""

    file: str
    line: int
    text: str
    first: bool


class LineTable:
    """The lines of one image. Raises InputError, once asked, for a damaged line table."""

    def __init__(self, image: Path | None) -> None:
        self._image = image
        self._addresses: list[int] | None = None
        self._rows: list[tuple[str, int]] = []
        self._sources: dict[str, tuple[str, ...]] = {}

    def at(self, address: int) -> SourceLine | None:
        """The line that an instruction belongs to."""
        if self._addresses is None:
            self._read()
        addresses = self._addresses or []
        i = bisect_right(addresses, address) - 1
        if i < 0 or not self._rows[i][1]:
            return None
        file, number = self._rows[i]
        return SourceLine(Path(file).name, number, self._text(file, number), addresses[i] == address)

    def _read(self) -> None:
        found: dict[int, tuple[str, int]] = {}
        if self._image is not None and self._has_lines(self._image):
            from elftools.common.exceptions import DWARFError, ELFError
            from elftools.elf.elffile import ELFFile

            try:
                with self._image.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as image:
                    dwarf = ELFFile(cast("IO[bytes]", image)).get_dwarf_info()
                    for unit in dwarf.iter_CUs():
                        program = dwarf.line_program_for_CU(unit)
                        if program is not None:
                            _rows_of(program, found)
            except (ELFError, DWARFError, ValueError, KeyError, AttributeError, IndexError) as error:
                self._addresses = []
                raise InputError(f"{self._image}: damaged debug lines: {error}") from error
        self._addresses = sorted(found)
        self._rows = [found[address] for address in self._addresses]

    @staticmethod
    def _has_lines(image: Path) -> bool:
        try:
            data = image.read_bytes()
        except OSError:
            return False
        return data[:4] == b"\x7fELF" and b".debug_line" in data

    def _text(self, file: str, number: int) -> str:
        rows = self._sources.get(file)
        if rows is None:
            assert self._image is not None
            for path in (Path(file), self._image.parent / Path(file).name):
                try:
                    rows = tuple(path.read_text(encoding="utf-8", errors="replace").splitlines())
                    break
                except OSError:
                    rows = ()
            self._sources[file] = rows or ()
        return rows[number - 1].strip() if rows and 0 < number <= len(rows) else ""


def _rows_of(program: Any, found: dict[int, tuple[str, int]]) -> None:
    """Where each line begins; the end of a sequence has line 0."""
    header = program.header
    version, names = header["version"], header["file_entry"]
    folders = header["include_directory"]
    last: tuple[str, int] | None = None
    for entry in program.get_entries():
        state = entry.state
        if state is None:
            continue
        if state.end_sequence:
            found.setdefault(state.address, ("", 0))
            last = None
            continue
        index = state.file if version >= 5 else state.file - 1
        if not 0 <= index < len(names):
            continue
        row = (_path(names[index], folders, version), state.line)
        if row != last:
            found[state.address] = last = row


def _path(entry: Any, folders: list[Any], version: int) -> str:
    name: str = entry.name.decode("utf-8", "replace")
    index = entry.dir_index if version >= 5 else entry.dir_index - 1
    if not 0 <= index < len(folders) or name.startswith("/"):
        return name
    folder = folders[index]
    text = folder if isinstance(folder, bytes) else b""
    return f"{text.decode('utf-8', 'replace')}/{name}" if text else name
