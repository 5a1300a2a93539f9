"""A small guest on the bare machine, written in words, under a debugger."""

from __future__ import annotations

import struct
from pathlib import Path

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import CORES
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.engine.choose import engine_factory
from ppcdbg.machine.board import Board
from ppcdbg.machine.boot import boot_state
from ppcdbg.machine.input import InputQueue
from ppcdbg.machine.machine import Machine
from tests.engines import engine_under_test

ENTRY = 0x1000
NOP, SPIN, BLR, SC, RFI = 0x60000000, 0x48000000, 0x4E800020, 0x44000002, 0x4C000064


def li(register: int, value: int) -> int:
    return 0x38000000 | register << 21 | value & 0xFFFF


def addi(rt: int, ra: int, value: int) -> int:
    return 0x38000000 | rt << 21 | ra << 16 | value & 0xFFFF


def lwz(rt: int, offset: int, ra: int) -> int:
    return 0x80000000 | rt << 21 | ra << 16 | offset & 0xFFFF


def stw(rs: int, offset: int, ra: int) -> int:
    return 0x90000000 | rs << 21 | ra << 16 | offset & 0xFFFF


def branch(offset: int, link: bool = False) -> int:
    return 0x48000000 | offset & 0x03FFFFFC | link


def mfspr(rt: int, number: int) -> int:
    return 0x7C0002A6 | rt << 21 | (number & 31) << 16 | number >> 5 << 11


def mtspr(number: int, rs: int) -> int:
    return 0x7C0003A6 | rs << 21 | (number & 31) << 16 | number >> 5 << 11


class _Parts:
    core: Core


def put(debugger: Debugger, address: int, *words: int) -> None:
    """Write code before anything has run."""
    ram = debugger.core.bus.ram
    for i, word in enumerate(words):
        ram[address + 4 * i : address + 4 * i + 4] = word.to_bytes(4, "big")


def machine(*words: int, cpu: str = "e500v2", engine: str = "") -> Machine:
    parts = _Parts()
    board = Board(64 << 20, lambda: parts.core.now, cpu, lambda: parts.core.retired)
    parts.core = core = Core(CORES[cpu], board.bus)
    made = Machine(
        core,
        engine_factory(engine)(core) if engine else engine_under_test(core),
        board,
        InputQueue(lambda: core.retired),
    )
    board.bus.ram[ENTRY : ENTRY + 4 * len(words)] = b"".join(w.to_bytes(4, "big") for w in words)
    made.boot(boot_state(ENTRY, None))
    return made


def debugger(*words: int, cpu: str = "e500v2", image: Path | None = None) -> Debugger:
    return Debugger(machine(*words, cpu=cpu), image, "test")


def elf(symbols: list[tuple[str, int, int, bool]], path: Path) -> Path:
    """A minimal big-endian PowerPC ELF file that holds nothing but a symbol table: (name, address, size, function)."""
    names = b"\0"
    table = b"\0" * 16
    for name, address, size, function in symbols:
        table += struct.pack(">IIIBBH", len(names), address, size, 0x12 if function else 0x11, 0, 1)
        names += name.encode() + b"\0"
    strings = b"\0.symtab\0.strtab\0.text\0"
    offset = 52
    sections = [(0, 0, 0, 0, 0, 0, 0), (17, 1, 0, 0, 0, 0, 0)]
    body = b""
    for name, kind, data, link, size in ((1, 2, table, 3, 16), (9, 3, names, 0, 0), (9, 3, strings, 0, 0)):
        sections.append((name, kind, offset + len(body), len(data), link, 1, size))
        body += data
    header = b"\x7fELF\x01\x02\x01" + b"\0" * 9
    header += struct.pack(">HHIIIIIHHHHHH", 2, 20, 1, ENTRY, 0, 52 + len(body), 0, 52, 32, 0, 40, len(sections), 4)
    tail = b"".join(struct.pack(">10I", n, k, 0, 0, o, s, link, info, 1, e) for n, k, o, s, link, info, e in sections)
    path.write_bytes(header + body + tail)
    return path
