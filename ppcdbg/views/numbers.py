"""How numbers look everywhere: addresses as the architecture writes them, counts in groups, sizes in words."""

from __future__ import annotations


def ea(value: int) -> str:
    """An effective address or a 32-bit register: eight digits."""
    return f"{value & 0xFFFFFFFF:08x}"


def real(value: int) -> str:
    """A guest-physical or real address: eight digits, nine where there are 36 bits."""
    return f"{value:09x}" if value >> 32 else f"{value:08x}"


def count(value: int) -> str:
    """``12,345,678``."""
    return f"{value:,}"


def count_in(value: int, width: int) -> str:
    """The same where so many columns hold it; else without the commas, as a number that is cut is none."""
    grouped = count(value)
    return grouped if len(grouped) <= width else str(value)


def size(value: int) -> str:
    """``4K``, ``64M``, ``1G``; bytes where nothing else is exact."""
    for shift, unit in ((30, "G"), (20, "M"), (10, "K")):
        if value and not value & (1 << shift) - 1:
            return f"{value >> shift}{unit}"
    return f"{value}B"


def plural(number: int, noun: str, many: str = "") -> str:
    """``1 exit``, ``2 exits``; ``many`` where that is more than an s at the end."""
    return f"{count(number)} {noun if number == 1 else many or noun + 's'}"
