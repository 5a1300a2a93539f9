"""The paravirtual interface in the debugger: the page, patched sites and sections of a guest, and its commands."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ppcdbg.debugger import Debugger, UsageError, open_guest
from ppcdbg.debugger.eventwords import parse_event
from ppcdbg.debugger.results import MagicPage, Patched, PatchedDetail
from ppcdbg.kvm.patching import PATCHABLE, Becomes
from ppcdbg.kvm.sections import Fate, outcome
from ppcdbg.machine.images import executable_parts
from ppcdbg.views import paravirt, results
from ppcdbg.views.data import plain
from ppcdbg.views.spans import to_text
from tests.guests.expected import SECTIONS


def text(guest: Debugger, command: str, width: int = 110) -> str:
    return to_text(results.lines(guest.execute(command), guest, width))


@pytest.fixture(scope="module")
def linux(shared: Path) -> Debugger:
    """A guest that has just patched itself."""
    folder = shared / "guests" / "linux-e500v2-pv"
    guest = open_guest(
        folder / "vmlinux", initrd=folder / "initrd.gz", append="console=ttyS0,115200", engine="llvm", memory="96M"
    )
    guest.execute('break console "fast VM worked"')
    guest.continue_()
    return guest


def test_linux_has_patched_every_instruction_that_it_may(linux: Debugger) -> None:
    """Compared with the image word by word, by other means than the scan's."""
    scan = linux.paravirt.patched().scan
    symbols = linux.symbols
    first, last = symbols.address("_stext"), symbols.address("_etext")
    assert first is not None and last is not None
    words = {p.word for p in PATCHABLE}
    assert linux.image is not None
    expected: dict[int, int] = {}
    for start, part in executable_parts(linux.image):
        for at in range(0, len(part) - 3, 4):
            word = int.from_bytes(part[at : at + 4], "big")
            if first <= start + at < last and word & ~0x03E00000 in words:
                expected[start + at] = word
    found = {s.address for s in scan.sites}
    assert found <= expected.keys()
    left = [a for a in expected.keys() - found if linux.memory.instruction(a) == expected[a]]
    assert len(left) == scan.left  # the others were changed by the kernel's feature fixups before
    assert all(symbols.name(a).startswith("kvm_emulate") for a in left)  # the templates themselves
    assert [s for s in scan.sites if s.problems] == []
    assert Counter(s.becomes for s in scan.sites) == {Becomes.BRANCH: 3094, Becomes.LOAD: 1119, Becomes.STORE: 128}


def test_each_template_of_linux_has_the_window_of_the_seed(linux: Debugger) -> None:
    """Seven boundaries from behind the look at int_pending to the store that ends the section; wrteei 0 has none."""
    one_of_each = {s.name: s for s in linux.paravirt.patched().scan.sites if s.target is not None}
    assert set(one_of_each) == {"mtmsr", "wrtee", "wrteei 0", "wrteei 1"}
    for name, site in one_of_each.items():
        found = linux.paravirt.template(site)
        assert found is not None and found.problems == () and found.back == site.address + 4
        assert len(found.window) == (0 if name == "wrteei 0" else 7)
        lost = [b for b in found.steps if b.stock.fate is Fate.LOST]
        assert all(b.inside and b.looked and b.stored for b in lost)


def test_the_operand_of_a_template_comes_from_its_register_or_from_where_it_was_saved(linux: Debugger) -> None:
    sites = [s for s in linux.paravirt.patched().scan.sites if s.name in ("wrtee", "mtmsr")]
    for high in (False, True):
        site = next(s for s in sites if (s.original >> 21 & 31 >= 30) is high)
        found = linux.paravirt.template(site)
        assert found is not None
        slots = [b.slot for b in found.steps if b.slot.startswith("the operand")]
        assert slots and all(slot.startswith(f"the operand: r{site.original >> 21 & 31}") for slot in slots)
        assert all(("saved" in slot) is high for slot in slots)


def test_a_site_is_found_by_its_template_too(linux: Debugger) -> None:
    site = next(s for s in linux.paravirt.patched("wrteei 1").scan.sites if s.name == "wrteei 1")
    assert site.target is not None
    by_site, by_template = linux.execute(f"patched {site.address:#x}"), linux.execute(f"patched {site.target + 8:#x}")
    assert isinstance(by_site, PatchedDetail) and isinstance(by_template, PatchedDetail)
    assert (by_site.site, by_site.section) == (by_template.site, by_template.section)
    shown = text(linux, f"patched {site.address:#x}", 120)
    assert "the window: 7 boundaries" in shown and f"back to {site.back:#x}" in shown
    assert "the operand: MSR[EE]" in shown
    assert "in no critical section; the nearest patch is at" in text(linux, "patched start_kernel", 200)


def test_patched_instructions_by_name(linux: Debugger) -> None:
    found = linux.execute("info patched wrtee")
    assert isinstance(found, Patched) and found.chosen == "wrtee"
    shown = text(linux, "info patched wrtee")
    assert shown.startswith("3,063 patched") and "every displacement fits" in shown
    assert "4,341 patched" in text(linux, "info patched")
    with pytest.raises(UsageError, match="no patched instruction begins with 'rfi'"):
        linux.execute("info patched rfi")


def test_the_page_is_live_and_says_whether_this_is_a_section() -> None:
    guest = open_guest(SECTIONS)
    page = guest.execute("info magic")
    assert isinstance(page, MagicPage) and page.ea is None
    assert "has not asked for it" in text(guest, "info magic")
    assert "has not asked for the magic page yet" in text(guest, "info patched")
    guest.run_until("plain")
    guest.execute("break *0x100210")
    guest.continue_()
    guest.execute("stepi")
    page = guest.paravirt.magic()
    assert page.inside and page.critical == page.r1 and page.ea == 0xFFFFF000
    assert [r.name for r in page.rows if r.changed] == ["critical"]
    assert "in a critical section: yes, because critical = r1" in text(guest, "info magic")
    shown = text(guest, "patched")
    assert "▶00100214" in shown.replace(" ", "") and "the window: 7 boundaries" in shown


def test_a_guest_without_the_page_says_so() -> None:
    for options in ({"cpu": "e500mc"}, {"hv": "none"}):
        guest = open_guest("demo", **options)  # type: ignore[arg-type]
        for command in ("info magic", "info patched", "patched", "info deferral"):
            with pytest.raises(UsageError, match="no paravirtual interface"):
                guest.execute(command)


def test_the_costs_of_deferral_can_be_asked() -> None:
    guest = open_guest(SECTIONS, deferral="read-only")
    guest.continue_()
    shown = text(guest, "info deferral")
    assert "deferral: read-only" in shown and "28  after 145 instructions in all, 10 at most" in shown


def first_section(**options: str) -> Debugger:
    guest = open_guest(SECTIONS, **options)  # type: ignore[arg-type]
    guest.run_until("plain")
    return guest


def test_each_step_of_a_section_can_be_stopped_at() -> None:
    guest = first_section()
    for word in ("entered", "saved", "looked", "left"):
        guest.execute(f"break critical {word}")
    told = []
    for _ in range(6):
        fields = dict(guest.continue_().fields)
        told.append((fields["what"], guest.pc))
    start = 0x100210
    assert told == [
        ("entered", start + 4), ("saved", start + 8), ("saved", start + 12), ("saved", start + 20),
        ("looked", start + 48), ("left", start + 100),
    ]  # fmt: skip
    assert str(guest.placed(parse_event(guest, "magic critical left"))) == "critical left"


def test_an_interrupt_that_only_the_section_holds_back_is_told() -> None:
    """The first that finds MSR[EE] on in the section: the decrementer, ten instructions into it."""
    guest = first_section()
    guest.execute("break critical withheld")
    report = guest.continue_()
    fields = dict(report.fields)
    assert (fields["what"], fields["pending"], fields["by"]) == ("withheld", "DECREMENTER", "DECREMENTER")
    assert guest.pc == 0x100210 + 4 * 10 and guest.paravirt.magic().held == ("DECREMENTER",)
    assert guest.system.kvm.deferral.costs().waiting == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("engine", ["reference", "llvm"])
def test_a_section_that_kvm_ends_in_the_guests_place_is_told_as_left(engine: str) -> None:
    guest = first_section(deferral="read-only", engine=engine)
    guest.execute("break critical withheld")
    guest.continue_()
    guest.execute("delete")
    guest.execute("break critical left")
    report = guest.continue_()
    assert dict(report.fields)["by"] == "DATA_STORAGE"
    assert guest.exits[-1].delivered is not None and not guest.paravirt.magic().inside


def test_the_fields_are_registers_in_expressions() -> None:
    guest = first_section()
    guest.execute("break critical entered")
    guest.continue_()
    assert guest.value("$magic_critical") == guest.value("$r1") == guest.value("$magic_critical & 0xffffffff")
    assert guest.value("$magic_int_pending") == 1  # the decrementer was set to expire at once
    guest.execute("set var $magic_sprg0 = 0x1234")
    assert guest.value("$magic_sprg0") == guest.value("$sprg0") == 0x1234
    with pytest.raises(UsageError):
        guest.value("$magic_nothing")
    with pytest.raises(UsageError):
        open_guest("demo", cpu="e500mc").value("$magic_msr")


@pytest.mark.parametrize(("policy", "most"), [("stock", None), ("single-step", 7), ("read-only", 7), ("ordered", 7)])
def test_an_interrupt_in_the_window_of_linux_waits_as_long_as_was_said(
    shared: Path, policy: str, most: int | None
) -> None:
    """An edge at the first boundary behind a look that finds nothing, where MSR[EE] is on."""
    folder = shared / "guests" / "linux-e500v2-pv"
    guest = open_guest(
        folder / "vmlinux", initrd=folder / "initrd.gz", append="console=ttyS0,115200", engine="llvm", memory="96M",
        deferral=policy,
    )  # fmt: skip
    guest.execute('break console "fast VM worked"')
    guest.continue_()
    guest.execute("delete")
    guest.execute("break critical looked if value == 0 && ($magic_msr & 0x8000) != 0")
    guest.continue_()
    guest.execute("delete")
    found = guest.paravirt.at(guest.pc).section
    assert found is not None
    here = next(b for b in found.steps if b.address == guest.pc)
    assert here.stock.fate is Fate.LOST and outcome(policy, here).wait == (None if most is None else (most, most))
    guest.execute("inject EXTERNAL")
    guest.execute("tbreak delivered EXTERNAL")
    guest.continue_()
    costs = guest.system.kvm.deferral.costs()  # type: ignore[attr-defined]
    assert (costs.withheld, costs.delivered) == (1, 1)
    assert costs.longest > 100 if most is None else costs.longest == most
    if most is not None:  # stock waits for whatever comes
        assert guest.exits[-1].name == ("DEBUG" if policy == "single-step" else "DATA_STORAGE")


def test_as_data_addresses_and_images_are_hexadecimal() -> None:
    guest = first_section()
    guest.execute("advance *0x100240")
    page, section = plain(guest.execute("info magic")), plain(guest.execute("patched"))
    assert page["ea"] == "0xfffff000" and page["critical"] == page["r1"] and page["inside"] is True
    assert section["section"]["steps"][12]["address"] == "0x100240"
    assert section["section"]["steps"][12]["stock"] == {"type": "Outcome", "fate": "LOST", "wait": None}
    assert plain(guest.execute("info patched"))["scan"]["page"] == "0xfffff000"


def test_who_wrote_each_field_last() -> None:
    """Told up to where the guest stands, by the guest's own stores and by KVM; `last magic FIELD` goes there."""
    guest = open_guest("window")
    guest.execute("inject external@52")
    guest.execute("seek 130")
    found = {w.field: w for w in guest.execute("info magic-writers").rows}
    critical = found["critical"]
    assert (critical.by, critical.place.partition("+")[0]) == ("guest", "block_mtmsr")
    assert found["srr0"].by == "kvm" and found["srr0"].count == 1
    assert found["int_pending"].by == "kvm" and found["int_pending"].count == 2  # set, and cleared at the delivery
    shown = to_text(paravirt.rows(guest, 140))
    assert f"the guest at {critical.pc:08x}" in shown and "last written up to 130" in shown
    assert guest.execute("last magic critical").position - 1 == critical.position
    with pytest.raises(UsageError, match="takes from PLACE"):
        guest.execute("info magic-writers 5")
