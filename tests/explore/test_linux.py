"""A real Linux at the sites that it has patched itself: each window is that of the seed, and nothing else is bad."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcdbg.debugger.symbols import read_symbols
from ppcdbg.explore.conditions import Bounds, conditions
from ppcdbg.explore.patched import everywhere, patched
from ppcdbg.explore.remedies import Means, remedies
from ppcdbg.explore.report import Report, SiteReport
from ppcdbg.explore.schedule import parse, put_at
from ppcdbg.explore.search import Search
from ppcdbg.explore.sites import Site, passage, sections
from ppcdbg.explore.strategies import Plan
from ppcdbg.explore.task import Task, begin
from ppcdbg.isa.disassemble import Disassembler
from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.description import MachineDescription, describe
from ppcdbg.machine.images import executable_parts
from tests.cli.conftest import Cli, cli
from tests.explore.rig import explored

BOOT = {"memory": "128M", "append": "console=ttyS0,115200"}
FOREVER = 1 << 40
LWZ = 32
__all__ = ["cli"]  # a fixture


def linux_machine(shared: Path) -> MachineDescription:
    folder = shared / "guests" / "linux-e500v2-pv"
    return describe(folder / "vmlinux", {**BOOT, "initrd": str(folder / "initrd.gz")})


def linux(shared: Path, symbol: str) -> Search:
    """The guest where it first is at a function."""
    machine = linux_machine(shared)
    system = build_system(machine)
    assert isinstance(system, KvmSystem)
    address = read_symbols(machine.kernel).address(symbol)
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


@pytest.mark.soak
def test_every_remedy_is_judged_at_sites_of_a_real_guest(shared: Path) -> None:
    """Linux loses at each site that enables interrupts. With a remedy nothing is lost; where the guest must do
    something for it, its own sections do."""
    task = Task(linux_machine(shared), 190_000_000, Plan(("external", "decrementer")))
    room = read_symbols(linux_machine(shared).kernel).address("kvm_tmp")
    means = Means(
        lambda of: sections(of.system, of.start + 4_000_000, 24), room, lambda *of: None, lambda done, of: None
    )
    found = {r.policy: r for r in remedies(task, means)}
    lost = {name: sum(f.verdict.condition == "never-lost" for f in r.report.failures) for name, r in found.items()}
    assert lost.pop("stock") >= 7 and len(lost) == 6 and not any(lost.values())
    for r in found.values():
        assert len(r.report.sites) == 24 and not r.why
        assert {f.verdict.condition for f in r.report.failures} <= {"never-lost"}
    assert found["nop-exit"].standing > found["single-step"].standing


def test_sites_that_the_guest_does_not_pass_are_searched_by_putting_it_there(shared: Path) -> None:
    """The first patched branches of its text, wherever the guest stands: those that may enable have the window."""
    machine = linux_machine(shared)
    searching = begin(machine, 190_000_000, Bounds())
    symbols = read_symbols(machine.kernel)
    first, last = symbols.address("_stext"), symbols.address("_etext")
    assert first is not None and last is not None
    at, text = executable_parts(machine.kernel)[0]
    sites = patched(searching.system, [(first, text[first - at : last - at])])
    assert len(sites) > 4_000
    kinds = ("wrteei 0", "wrteei 1", "wrtee", "mtmsr")
    chosen = [next(s for s in sites if s.name == kind) for kind in kinds]
    found = explored(searching, Plan(("external",)), [*everywhere(searching, (), chosen)])
    assert [len(site.window("external")) for site in found.sites] == [0, 7, 7, 7]
    for site in found.sites:
        held(site, "external")
    line = found.failures[0].line
    again = put_at(line)
    assert again is not None and again[0] == found.sites[1].pc
    put = Site(found.sites[1].site.pc, searching.start, searching.start, True, *again[:2])
    outcome, _ = searching.replay(parse(again[2], False, lambda pc, time: 0), put)
    assert outcome == found.failures[0].outcome


def test_a_guest_that_was_put_somewhere_is_not_followed_for_long_while_it_masks_everything(shared: Path) -> None:
    """What it does behind the section is what no guest would: it panics, prints for long, and shows nothing."""
    machine = linux_machine(shared)
    searching = begin(machine, 190_000_000, Bounds())
    symbols = read_symbols(machine.kernel)
    first, last = symbols.address("kthread_unuse_mm"), symbols.address("atomic_notifier_chain_register")
    assert first is not None and last is not None
    at, text = executable_parts(machine.kernel)[0]
    (site, *_) = patched(searching.system, [(first, text[first - at : last - at])])
    assert site.name == "wrteei 0"
    found = explored(searching, Plan(("external",)), [*everywhere(searching, (), [site])])
    verdicts = [v for v in found.sites[0].verdicts["external"] if v is not None]
    assert {v.word.split()[0] for v in verdicts} == {"delivered", "masked"} and found.undecided == 0
    assert all(f"after {Bounds().steps} instructions" in v.reason for v in verdicts if v.word == "masked")


def test_the_command_searches_patched_branches(shared: Path, cli: Cli) -> None:
    folder = shared / "guests" / "linux-e500v2-pv"
    where = ("--initrd", folder / "initrd.gz", "--append", "console=ttyS0,115200", "--from", "190M", "--until", "190M")
    done = cli("race", folder / "vmlinux", *where, "--patched", "--sites", "2", "--sources", "external")
    lines = [line.split("  ")[0] for line in done.out.splitlines() if line.startswith("put@")]
    assert done.status == 1 and "2 sites" in done.out and lines
    again = cli("race", folder / "vmlinux", *where, "--replay", lines[0].split(" to ")[0])
    assert again.status == 1 and "never-lost" in again.out
