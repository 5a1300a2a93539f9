"""The board as a core and a machine see it."""

from __future__ import annotations

import ctypes

import pytest

from ppcdbg.cpu.bus import BusFault
from ppcdbg.errors import InputError
from ppcdbg.machine.board import CCSR, GUTS_BASE, MPIC_BASE, SERIAL0, SERIAL1, SPIN_BASE, Board
from ppcdbg.machine.dump import dump
from ppcdbg.machine.input import InputEvent, InputKind
from ppcdbg.machine.memory import Ram

MIB = 1 << 20


def board(size: int = MIB) -> Board:
    return Board(size, lambda: 7, "e500mc")


def test_ram_is_one_buffer_reachable_by_address() -> None:
    ram = Ram(MIB)
    ram.load(0x1234, b"PowerPC", "a test")
    assert ctypes.string_at(ram.host_address + 0x1234, 7) == b"PowerPC"
    with pytest.raises(InputError, match="memory ends at 0x100000"):
        ram.load(MIB - 3, b"four", "a test")


@pytest.mark.parametrize("size", [0, -4096, 100, 1 << 40])
def test_impossible_memory_sizes(size: int) -> None:
    with pytest.raises(InputError):
        Ram(size)


def test_unknown_core() -> None:
    with pytest.raises(InputError, match="e500mc"):
        Board(MIB, lambda: 0, "e600")


def test_nothing_answers_between_the_devices() -> None:
    b = board()
    for address in (MIB, CCSR, CCSR + 0x3000, 0xC00000000):
        with pytest.raises(BusFault):
            b.bus.read(address, 4)
        with pytest.raises(BusFault):
            b.bus.write(address, 4, 0)
        assert b.bus.peek(address, 4) is None
        assert b.device_at(address) == ""


def test_names_and_counts_of_accesses() -> None:
    b = board()
    b.bus.read(SERIAL0 + 5, 1)
    b.bus.write(SERIAL0, 1, 65)
    b.bus.peek(SERIAL0 + 5, 1)
    b.bus.read(MPIC_BASE, 4)
    assert b.mmio_count == {"serial0": (1, 1), "mpic": (1, 0)}
    assert [b.device_at(a) for a in (0, SERIAL1, MPIC_BASE + 0x3FFFC, GUTS_BASE)] == ["ram", "serial1", "mpic", "guts"]


def test_console_keeps_the_position_of_each_byte() -> None:
    position = 0
    b = Board(MIB, lambda: 0, "e500v2", position=lambda: position)
    heard: list[tuple[bytes, int]] = []
    b.console.listeners.append(lambda data, at: heard.append((data, at)))
    for position in (10, 20, 30):
        b.bus.write(SERIAL0, 1, 0x40 + position // 10)
    assert b.console.text == "ABC"
    assert b.console.text_at(20) == "AB"
    assert heard == [(b"A", 10), (b"B", 20), (b"C", 30)]
    b.bus.write(SERIAL1, 1, ord("z"))
    assert (b.console.text, b.console1.text) == ("ABC", "z")


def test_writing_2_to_rstcr_asks_for_a_reset() -> None:
    b = board()
    calls: list[str] = []
    b.attention = lambda: calls.append("look")
    b.bus.write(GUTS_BASE + 0xB0, 4, 1)
    assert not b.reset_requested
    b.bus.write(GUTS_BASE + 0xB0, 4, 2)
    assert (b.reset_requested, b.poweroff_requested, calls) == (True, False, ["look"])
    assert b.bus.read(GUTS_BASE + 0xA0, 4) == 0x80230020


def test_gpio_pin_0_switches_off_only_as_an_output() -> None:
    b = board()
    b.bus.write(CCSR + 0xFF008, 4, 0x80000000)
    assert not b.poweroff_requested
    b.bus.write(CCSR + 0xFF000, 4, 0x80000000)
    assert b.poweroff_requested


def test_the_spin_table_is_memory() -> None:
    b = board()
    assert b.bus.read(SPIN_BASE, 8) == 1
    b.bus.write(SPIN_BASE + 0x20, 4, 0x12345678)
    assert b.bus.read(SPIN_BASE + 0x22, 2) == 0x5678


def test_both_ports_share_interrupt_42() -> None:
    b = board()
    levels: list[bool] = []
    b.connect(levels.append)
    b.bus.write(MPIC_BASE + 0x20080, 4, 0)
    b.bus.write(MPIC_BASE + 0x10000 + 42 * 0x20, 4, 8 << 16 | 42)
    b.bus.write(SERIAL0 + 1, 1, 1)
    b.bus.write(SERIAL1 + 1, 1, 1)
    assert b.apply(InputEvent(0, 0, InputKind.CONSOLE, data=b"a"))
    assert b.apply(InputEvent(0, 1, InputKind.CONSOLE, target=1, data=b"b"))
    assert levels == [True]
    b.bus.read(SERIAL0, 1)
    assert levels == [True], "the second port still asserts the line"
    b.bus.read(SERIAL1, 1)
    assert levels == [True, False]


def test_input_for_others_is_left_to_them() -> None:
    assert not board().apply(InputEvent(0, 0, InputKind.MEMORY))


def test_saved_board_equals_itself_and_two_boards_are_apart() -> None:
    a, b = board(), board()
    a.bus.write(SERIAL0 + 1, 1, 3)
    a.bus.write(SERIAL0, 1, ord("x"))
    a.bus.write(MPIC_BASE + 0x1020, 4, 0x60000000)
    assert (b.console.text, b.mmio_count) == ("", {})
    b.console.foretell(zip(a.console.output, a.console.positions))
    b.restore(a.save())
    assert b.save() == a.save()
    assert dump(b) == dump(a)


def test_dump_shows_what_is_unmasked() -> None:
    b = board()
    b.bus.write(MPIC_BASE + 0x10000 + 42 * 0x20, 4, 8 << 16 | 42)
    seen = dump(b)
    assert [(s.name, s.priority, s.vector) for s in seen.mpic.sources] == [("42", 8, 42)]
    assert {d.name for d in seen.devices} == {"serial0", "serial1", "mpic", "guts", "gpio", "spin"}
    assert seen.uarts[0].lsr == 0x60
