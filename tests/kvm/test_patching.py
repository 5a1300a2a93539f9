"""What a guest patches and how it is found again, against the table of the kernel's kvm.c (facts 7.4)."""

from __future__ import annotations

import pytest

from ppcdbg.kvm import patching
from ppcdbg.kvm.patching import Becomes, Scanner, misplaced, page_access, patchable, replacement, site
from tests.kvm.machines import mfspr, mtspr

PAGE = 0xFFFFF000
ALL = 3
# SPR: (the low word of the field in the page, written too), from arch/powerpc/kernel/kvm.c and uapi/asm/kvm_para.h
KERNEL = {
    272: (0x24, True), 273: (0x2C, True), 274: (0x34, True), 275: (0x3C, True), 26: (0x44, True), 27: (0x4C, True),
    61: (0x54, True), 18: (0x60, True), 624: (0xA8, True), 625: (0xAC, True), 944: (0xB0, True), 627: (0xB4, True),
    626: (0xBC, True), 628: (0xC0, True), 630: (0xC4, True), 62: (0xC8, True), 286: (0xCC, False), 276: (0xD4, True),
    277: (0xDC, True), 278: (0xE4, True), 279: (0xEC, True), 260: (0xD4, False), 261: (0xDC, False),
    262: (0xE4, False), 263: (0xEC, False),
}  # fmt: skip
NEW = {624, 625, 944, 627, 626, 628, 630, 62, 286, 276, 277, 278, 279, 260, 261, 262, 263}
"""Those that came after 2010, with MAS0_TO_SPRG7."""


def moves() -> list[tuple[int, int, int]]:
    """(SPR, original, what the kernel makes of it) with a register of its own each."""
    out = [(0, 0x7C0000A6 | 9 << 21, 0x80000000 | 9 << 21 | 0xF05C)]  # mfmsr
    for spr, (offset, written) in KERNEL.items():
        out.append((spr, mfspr(spr, spr & 31), 0x80000000 | (spr & 31) << 21 | 0xF000 | offset))
        if written:
            out.append((spr, mtspr(spr, spr & 31), 0x90000000 | (spr & 31) << 21 | 0xF000 | offset))
    return out


def test_every_instruction_of_the_kernels_table_and_no_other() -> None:
    words = {w & ~patching.RT for _, w, _ in moves()}
    branches = {0x7C000124, 0x7C000106, 0x7C000146, 0x7C008146}
    assert {p.word for p in patching.PATCHABLE} == words | branches | {0x7C00046C}
    assert patchable(mtspr(286, 3)) is None and patchable(mfspr(1, 3)) is None  # PIR is not written; XER is no one's


@pytest.mark.parametrize(("spr", "original", "now"), moves())
def test_a_move_becomes_the_kernels_access_and_is_known_by_it(spr: int, original: int, now: int) -> None:
    assert replacement(original, PAGE) == now
    found = site(0xC0001000, original, now, PAGE, ALL)
    assert found is not None and not found.problems
    # One wrong bit is another register, another field, no word, or no access to the page at all.
    for bit in range(32):
        wrong = site(0xC0001000, original, now ^ 1 << bit, PAGE, ALL)
        assert wrong is None or wrong.problems, f"bit {bit}"


def test_each_displacement_is_that_of_the_low_word() -> None:
    for spr, original, now in moves():
        field = patching.field_at(now & 0xFFF)
        assert field is not None
        if field.size == 8 and spr not in (944, 627):
            upper = site(0, original, now - 4, PAGE, ALL)
            assert upper is not None and "64 bits" in upper.problems[0]


@pytest.mark.parametrize("features", [0, 1, 2, 3])
def test_fields_that_an_older_kvm_does_not_have_are_told(features: int) -> None:
    for spr, original, now in moves():
        found = site(0, original, now, PAGE, features)
        assert found is not None
        assert bool(found.problems) is (spr in NEW and not features & 2), found
    assert bool(misplaced(0x68, features)) is not features & 1  # sr0


def test_a_newer_guest_reads_behind_the_page() -> None:
    assert "behind the last field" in misplaced(0xF0, ALL)
    found = site(0, mfspr(272, 3), 0x8060F0F4, PAGE, ALL)
    assert found is not None and "behind" in found.problems[0]


def test_a_page_elsewhere_is_reached_only_within_a_displacement() -> None:
    near, far = 0xFFFF8000, 0xFFFF7000
    word = 0x80008024  # lwz r0,-32732(0)
    access = page_access(word, near)
    assert access is not None and access.offset == 0x24
    assert page_access(word, far) is None
    assert page_access(word | 1 << 16, near) is None  # off r1


def test_a_branch_remembers_its_way_back_and_how_far_it_is() -> None:
    near = site(0x1000, 0x7C000124, 0x48002000, PAGE, ALL)
    assert near is not None
    assert (near.target, near.back, near.problems, near.becomes) == (0x3000, 0x1004, (), Becomes.BRANCH)
    assert site(0x1000, 0x7C000124, 0x48002001, PAGE, ALL) is None  # bl
    back = site(0xC0001000, 0x7C000124, 0x4BFFF000, PAGE, ALL)
    assert back is not None and back.target == 0xC0000000
    assert site(0, mfspr(272, 3), 0x48002000, PAGE, ALL) is None  # an mfspr becomes no branch


def test_a_scan_tells_patches_from_other_changes_and_looks_only_where_something_changed() -> None:
    image = b"".join(w.to_bytes(4, "big") for w in (0x7C6000A6, 0x60000000, 0x7C00046C, 0x7C0000A6, 0))
    words = [0x8060F05C, 0x4E800020, 0x60000000, 0x7C0000A6, 0x12345678]
    asked: list[int] = []

    def memory(start: int, length: int) -> bytes:
        asked.append(start)
        return b"".join(w.to_bytes(4, "big") for w in words)[:length]

    scanner = Scanner([(0x1000, image)])
    found = scanner.scan(memory, PAGE, ALL)
    assert [(s.address, s.becomes) for s in found.sites] == [(0x1000, Becomes.LOAD), (0x1008, Becomes.NOP)]
    assert (found.others, found.left) == (1, 1)  # the nop that became blr; the mfmsr that is left
    assert scanner.scan(memory, PAGE, ALL) == found
    words[3] = 0x8000F05C
    assert len(scanner.scan(memory, PAGE, ALL).sites) == 3
    assert scanner.scan(lambda start, length: b"", PAGE, ALL).sites == ()  # not mapped: nothing is known
