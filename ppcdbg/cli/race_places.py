"""Where ``ppcdbg race`` searches: positions, symbols and addresses of a command line to a start and to sites."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from ppcdbg.errors import InputError, UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.symbols import SymbolTable
    from ppcdbg.explore.conditions import Bounds
    from ppcdbg.explore.search import Asked, Search
    from ppcdbg.explore.sites import Site
    from ppcdbg.machine.description import MachineDescription

REACH = 1_000_000
"""Instructions after the start in which sites are looked for, unless --until says other."""


def symbols_of(options: argparse.Namespace, machine: MachineDescription) -> SymbolTable:
    from ppcdbg.debugger.symbols import SymbolTable, read_symbols
    from ppcdbg.machine.guests import symbol_file

    file = symbol_file(machine)
    return SymbolTable() if file is None else read_symbols(file)


def start_of(
    options: argparse.Namespace, machine: MachineDescription, symbols: SymbolTable, bounds: Bounds, asked: Asked
) -> int:  # fmt: skip
    """The position that --from means."""
    text: str = options.start
    digits = text.replace("_", "")
    if digits[-1:] in "0123456789kMG" and digits[:1].isdecimal() and not text.startswith("0x"):
        from ppcdbg.machine.description import parse_count

        return 0 if digits == "0" else parse_count(digits, ("option --from", UsageError))
    if (marked := _bookmark(machine, text)) is not None:
        return marked
    from ppcdbg.explore.sites import passage
    from ppcdbg.explore.task import begin

    search = begin(machine, 0, bounds)
    return passage(search.system, _address(text, symbols), 1, 1 << 40, asked)


def _bookmark(machine: MachineDescription, name: str) -> int | None:
    """The position of a bookmark, where the guest is a recording that has one of this name."""
    if machine.session is None:
        return None
    from ppcdbg.session.store import Store

    store = Store.open(machine.session)
    try:
        return next((mark.position for mark in store.bookmarks() if mark.name == name), None)
    finally:
        store.close()


def sites_of(
    options: argparse.Namespace, machine: MachineDescription, search: Search, symbols: SymbolTable
) -> Iterable[Site]:  # fmt: skip
    """The sites that options name; sections are found while somebody asks for the next one."""
    from ppcdbg.explore.sites import Site, by_addresses
    from ppcdbg.machine.description import parse_count

    until = search.start + REACH
    if options.until is not None:
        until = parse_count(options.until, ("option --until", UsageError))
    found: list[Site] = []
    for stretch in options.positions:
        first, last = _two(stretch, "--positions")
        if not first.isdecimal() or not last.isdecimal() or not search.start <= int(first) <= int(last):
            raise UsageError(f"option --positions is {stretch!r}; it must be P..Q, from {search.start} on")
        found.append(Site(0, int(first), int(last)))
    for stretch in options.range:
        first, last = _two(stretch, "--range")
        search.rewind()
        ends = _address(first, symbols), _address(last, symbols)
        found.append(by_addresses(search.system, *ends, 1, until - search.start, search.asked))
    if found:
        return found
    if search.hv:
        raise UsageError("a guest in HV mode has no paravirtual critical sections; name a --range or --positions")
    passed = _sections(search, until, options.sites, options.patched)
    if not options.patched:
        return passed
    from ppcdbg.explore.patched import everywhere, patched

    sites = patched(search.system, _text(machine, symbols))
    if not sites:
        raise InputError(f"the guest has patched nothing up to position {search.start:,}; give a later --from")
    return islice(everywhere(search, passed, sites), options.sites)


def _text(machine: MachineDescription, symbols: SymbolTable) -> list[tuple[int, bytes]]:
    """The guest's text as it was loaded: of Linux what it patches, else every executable segment."""
    from ppcdbg.machine.guests import symbol_file
    from ppcdbg.machine.images import executable_parts

    file = symbol_file(machine)
    parts = () if file is None else executable_parts(file)
    if not parts:
        raise UsageError("which instructions were patched cannot be told without an ELF file; --symbols FILE names it")
    first, last = symbols.address("_stext"), symbols.address("_etext")
    if first is None or last is None:
        return [*parts]
    return [(max(at, first), part[max(0, first - at) : max(0, last - at)]) for at, part in parts]


def room_of(options: argparse.Namespace, symbols: SymbolTable) -> int | None:
    """Where --room says that a guest's code has room; None where the guest has no such symbol as the usual one."""
    if options.room == "kvm_tmp":
        return symbols.address(options.room)
    return _address(options.room, symbols)


def _sections(search: Search, until: int, limit: int | None, others: bool) -> Iterable[Site]:
    """``others``: there are more sites than these."""
    from ppcdbg.explore.sites import sections

    count = 0
    for site in sections(search.system, until, limit, lambda: search.asked is not None and search.asked()):
        count += 1
        yield site
    if not count and not others:
        raise InputError(
            f"the guest enters no critical section between positions {search.start:,} and"
            f" {search.system.position:,}; move --from and --until, or name a --range"
        )


def _two(text: str, option: str) -> tuple[str, str]:
    first, dots, last = text.partition("..")
    if not first or dots and not last:
        raise UsageError(f"option {option} is {text!r}; it must be A..B")
    return first, last or first


def _address(text: str, symbols: SymbolTable) -> int:
    address = symbols.address(text)
    if address is not None:
        return address
    try:
        return int(text, 16) if text.startswith("0x") else int("")
    except ValueError:
        raise UsageError(f"there is no symbol {text!r}; give a symbol of the guest or 0xADDRESS") from None
