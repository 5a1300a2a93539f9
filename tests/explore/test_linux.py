"""A real Linux at the sites that it has patched itself: each window is that of the seed, and nothing else is bad."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcdbg.debugger.symbols import read_symbols
from ppcdbg.explore.conditions import Bounds, conditions
from ppcdbg.explore.report import Report, SiteReport
from ppcdbg.explore.search import Search
from ppcdbg.explore.sites import passage, sections
from ppcdbg.explore.strategies import Plan
from ppcdbg.isa.disassemble import Disassembler
from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import describe
from tests.explore.rig import explored

BOOT = {"memory": "128M", "append": "console=ttyS0,115200"}
FOREVER = 1 << 40
LWZ = 32


def linux(shared: Path, symbol: str) -> Search:
    """The guest where it first is at a function."""
    folder = shared / "guests" / "linux-e500v2-pv"
    system = build_system(describe(folder / "vmlinux", {**BOOT, "initrd": str(folder / "initrd.gz")}))
    assert isinstance(system, KvmSystem)
    address = read_symbols(folder / "vmlinux").address(symbol)
    assert address is not None
    passage(system, address, 1, FOREVER)
    return Search(system, conditions(), Bounds())


def search_sections(searching: Search, count: int | None, plan: Plan) -> Report:
    found = [*sections(searching.system, searching.start + 400_000_000, count)]
    return explored(searching, plan, found)


def held(site: SiteReport, source: str) -> None:
    """A window reaches from behind the load of int_pending to the store that ends the section (facts 7.7)."""
    disassembler = Disassembler("e500v2")
    code = [str(disassembler.one(b.word, b.pc)) for b in site.boundaries]
    window = site.window(source)
    if window:
        loads = next(i for i, text in enumerate(code) if text.endswith(",-3996(0)"))
        ends = next(i for i, text in enumerate(code) if text == "stw r2,-4068(0)")
        assert window == site.boundaries[loads + 1 : ends + 1], code
    words = {v.word.split()[0] for v in site.verdicts[source] if v is not None}
    assert words <= {"delivered", "deferred", "LOST", "masked", "open"}
    assert not site.spoiled


def test_the_window_at_sites_of_a_real_guest(shared: Path) -> None:
    """Sections that enable interrupts have the window, those that disable them have not."""
    found = search_sections(linux(shared, "free_initmem"), 8, Plan(("external", "decrementer")))
    assert len(found.sites) == 8 and found.covered == found.possible
    for site in found.sites:
        held(site, "external")
        held(site, "decrementer")
        last = site.verdicts["external"][-1]
        looks = any(b.word & 0xFFFF == 0xF064 and b.word >> 26 == LWZ for b in site.boundaries)
        enables = looks and last is not None and last.word == "delivered"
        assert len(site.window("external")) == (7 if enables else 0)
    assert sum(bool(site.window("external")) for site in found.sites) >= 2


@pytest.mark.soak
def test_the_window_at_every_site_of_a_real_guest(shared: Path) -> None:
    found = search_sections(linux(shared, "kvm_guest_init"), None, Plan(("external",)))
    assert len(found.sites) > 300
    for site in found.sites:
        held(site, "external")
    assert sum(bool(site.window("external")) for site in found.sites) > 50
