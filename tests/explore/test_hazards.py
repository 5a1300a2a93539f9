"""The four hazards: each guest works untouched, fails rewritten behind its back, works when it rewrites itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ppcdbg.debugger import Debugger, open_guest
from ppcdbg.explore.hazards import HAZARDS, WAYS, Trial, trials
from ppcdbg.machine.images import executable_parts

LWZ = 32


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], Trial]:
    return {(t.hazard, t.way): t for t in trials()}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("hazard", HAZARDS)
def test_who_rewrites_decides(hazard: str, way: str, found: dict[tuple[str, str], Trial]) -> None:
    trial = found[hazard, way]
    foreign = way == "hypervisor"
    assert trial.works is not foreign, trial.said
    assert bool(trial.reads) is foreign and bool(trial.rewritten) is foreign
    assert foreign == trial.said.endswith("FAILED")


@pytest.mark.parametrize("hazard", ["checksum", "constant", "alternative"])
def test_the_reads_are_those_of_words_that_are_not_the_images(hazard: str, found: dict[tuple[str, str], Trial]) -> None:
    """By single steps: every lwz whose word in memory is not the one that was loaded, and was no data."""
    guest = open_guest(f"hazard-{hazard}", patch_by="hypervisor")
    symbol = guest.symbols.address
    first, last = symbol("_start"), symbol("text_end")
    assert first is not None and last is not None and guest.image is not None
    seen = [*_foreign(guest, first, last)]
    assert seen == [(r.position, r.pc, r.address, r.original, r.seen) for r in found[hazard, "hypervisor"].reads]


def _foreign(guest: Debugger, first: int, last: int) -> Iterator[tuple[int, int, int, int, int]]:
    assert guest.image is not None
    start, image = executable_parts(guest.image)[0]
    for _ in range(1_200):
        word = int.from_bytes(guest.read(guest.pc, 4), "big")
        offset = (word & 0xFFFF ^ 0x8000) - 0x8000
        base = word >> 16 & 31
        ea = (guest.value(f"$r{base}") if base else 0) + offset
        if word >> 26 == LWZ and first <= ea < last:
            own = int.from_bytes(image[ea - start : ea - start + 4], "big")
            now = int.from_bytes(guest.read(ea, 4), "big")
            if own != now:
                yield guest.position, guest.pc, ea, own, now
        guest.step()


def test_a_breakpoint_stops_at_the_read_forwards_and_backwards() -> None:
    guest = open_guest("hazard-jit", patch_by="hypervisor")
    guest.execute("break rewritten")
    stop = guest.continue_()
    fields = dict(stop.fields)
    assert (fields["pc"], fields["ea"], fields["original"], fields["value"]) == (
        guest.symbols.address("look") + 0x20, guest.symbols.address("buffer"), 0x7C6000A6, 0x8060F05C
    )  # fmt: skip
    position = stop.position
    guest.execute("disable 1")
    guest.continue_()
    assert guest.system.ended is not None
    guest.execute("enable 1")
    back = guest.execute("reverse-continue")
    assert getattr(back, "position", None) in (position, position - 1)


def test_an_instruction_that_the_guest_writes_again_is_its_own() -> None:
    guest = open_guest("hazard-constant", patch_by="hypervisor")
    guest.execute("break rewritten")
    guest.execute("run-until look")
    guest.execute("set {u32}site_msr = 0x7c6000a6")
    guest.continue_()
    assert "as it must be" in guest.system.board.console.text
    rows = guest.execute("info rewritten").rows  # type: ignore[attr-defined]
    assert [row[-1] for row in rows if row[1] == "site_msr"] == ["no"]


@pytest.mark.soak
def test_a_real_guest_runs_rewritten(shared: Path) -> None:
    """Linux, which neither asked for it nor knows: to its reboot, with fewer exits than by itself without a page."""
    folder = shared / "guests" / "linux-e500v2"
    options = {"initrd": folder / "initrd.gz", "append": "console=ttyS0,115200"}
    exits = {}
    for name, more in (("rewritten", {"patch_by": "hypervisor"}), ("off", {"pv": "off"})):
        guest = open_guest(folder / "vmlinux", **options, **more)  # type: ignore[arg-type]
        guest.continue_()
        assert "reboot: Restarting system" in guest.system.board.console.text
        exits[name] = len(guest.exits)
    assert exits["rewritten"] < exits["off"]
