"""What a paravirtual guest makes of its privileged instructions, and how that is found again (facts 7.4; kernel/kvm.c).

A guest that knows the magic page writes over an ``mfspr`` with a load from the page, over an ``mtspr`` with a store and
over ``mtmsr`` and ``wrtee`` with a branch to a copy of a template. Pure knowledge of words and addresses: neither vcpu
nor memory is known here, a caller brings what it reads. What happens inside a template is :mod:`ppcdbg.kvm.sections`'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from struct import Struct

from ppcdbg.isa.bits import M32, sign_extend
from ppcdbg.isa.flow import To, flow
from ppcdbg.isa.sprs import BY_NAME
from ppcdbg.kvm import magic_page as mp

Read = Callable[[int], int | None]
"""The instruction word at an effective address of the guest; None where there is none."""
_word = Struct(">I")
LWZ, STW, NOP = 0x80000000, 0x90000000, 0x60000000
RT = 0x03E00000
PAGE = 4096
BLOCK = 1024
REACH = 0x01FFFFFF
"""As far as a guest's own check lets a branch go forward."""


class Becomes(Enum):
    """What takes the place of an instruction."""

    LOAD = "load"
    STORE = "store"
    NOP = "nop"
    BRANCH = "branch"


@dataclass(frozen=True, slots=True)
class Patchable:
    """An instruction that the page makes needless. ``word``: with rT or rS 0. ``offset``: the word of the page that
    takes its place; ``feature``: the bit of MAP_MAGIC_PAGE's answer that promises it."""

    name: str
    word: int
    becomes: Becomes
    offset: int = 0
    feature: int = 0


def _moves() -> Iterator[Patchable]:
    fields = {f.name: f for f in mp.FIELDS}
    doubles = {"SRR0": "srr0", "SRR1": "srr1", "DEAR": "dar", "MAS2": "mas2", "MAS3": "mas7_3"}
    doubles |= {f"SPRG{n}": f"sprg{n}" for n in range(8)}
    words = {"MAS0": "mas0", "MAS1": "mas1", "MAS4": "mas4", "MAS6": "mas6", "ESR": "esr", "PIR": "pir"}
    for name, field in (doubles | words | {"MAS7": "mas7_3"}).items():
        f = fields[field]
        offset = f.offset + (4 if name in doubles else 0)
        yield from _pair(name, BY_NAME[name].number, offset, f.feature, name != "PIR")
        if name in ("SPRG4", "SPRG5", "SPRG6", "SPRG7"):  # to be read by a user as well
            yield from _pair(name + "R", BY_NAME[name].number - 16, offset, f.feature, False)
    yield from _pair("DSISR", 18, mp.DSISR, 0, True)  # an SPR of Book III-S


def _pair(name: str, spr: int, offset: int, feature: int, written: bool) -> Iterator[Patchable]:
    operand = (spr & 31) << 16 | spr >> 5 << 11
    yield Patchable(f"mfspr {name}", 0x7C0002A6 | operand, Becomes.LOAD, offset, feature)
    if written:
        yield Patchable(f"mtspr {name}", 0x7C0003A6 | operand, Becomes.STORE, offset, feature)


PATCHABLE: tuple[Patchable, ...] = (
    Patchable("mfmsr", 0x7C0000A6, Becomes.LOAD, mp.MSR + 4),
    *_moves(),
    Patchable("tlbsync", 0x7C00046C, Becomes.NOP),
    Patchable("mtmsr", 0x7C000124, Becomes.BRANCH),
    Patchable("wrtee", 0x7C000106, Becomes.BRANCH),
    Patchable("wrteei 0", 0x7C000146, Becomes.BRANCH),
    Patchable("wrteei 1", 0x7C008146, Becomes.BRANCH),
)
_BY_WORD = {p.word: p for p in PATCHABLE}


def patchable(word: int) -> Patchable | None:
    """What an instruction is to a guest that patches itself; None for one that it leaves alone."""
    found = _BY_WORD.get(word & ~RT)
    if found is None:
        return None
    return None if word & RT and found.name in ("tlbsync", "wrteei 0", "wrteei 1") else found


def replacement(word: int, page: int) -> int | None:
    """The load, store or nop that takes the place of ``word`` with the magic page at EA ``page``; None for a branch,
    and for what is not patched."""
    found = patchable(word)
    if found is None or found.becomes is Becomes.BRANCH:
        return None
    if found.becomes is Becomes.NOP:
        return NOP
    return (LWZ if found.becomes is Becomes.LOAD else STW) | word & RT | page + found.offset & 0xFFFF


# --- accesses to the page --------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class PageAccess:
    """A word loaded from the magic page, or stored to it, by a displacement from r0 = 0."""

    store: bool
    register: int
    offset: int


def page_access(word: int, page: int) -> PageAccess | None:
    """What an instruction does with the magic page at EA ``page``, if it reaches it without a base register."""
    opcode = word >> 26
    if opcode not in (32, 36) or word >> 16 & 31:
        return None
    ea = sign_extend(word & 0xFFFF, 16) & M32
    return PageAccess(opcode == 36, word >> 21 & 31, ea & PAGE - 1) if ea & -PAGE == page else None


def field_at(offset: int) -> mp.Field | None:
    """The field that a word of the page belongs to."""
    return next((f for f in mp.FIELDS if f.offset <= offset < f.offset + f.size), None)


def misplaced(offset: int, features: int) -> str:
    """What is wrong with a 32-bit guest's access to a word of the page where KVM promised ``features``; else nothing.

    A 64-bit field's word is the low one, at +4; the three scratch fields are the guest's own, to use as it likes.
    """
    field = field_at(offset)
    if field is None:
        return f"offset {offset:#x} is behind the last field of this KVM's page ({mp.SIZE:#x} bytes)"
    if field.feature and not field.feature & features:
        return f"{field.name} is promised by feature bit {field.feature:#x}, and MAP_MAGIC_PAGE gave {features:#x}"
    if offset & 3:
        return f"offset {offset:#x} is not that of a word"
    own = field.name.startswith("scratch") or field.name == "mas7_3"
    if field.size == 8 and offset == field.offset and not own:
        return f"{field.name} has 64 bits, and its low word is at {offset + 4:#x}: this is the upper one"
    return ""


# --- sites ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class PatchedSite:
    """One instruction that the guest has replaced. ``target``: the template's copy that a branch goes to; ``back``: the
    instruction after the site, where the template returns to. ``problems``: sentences; empty where all is right."""

    address: int
    original: int
    name: str
    replacement: int
    becomes: Becomes
    field: str = ""
    target: int | None = None
    back: int | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scan:
    """``others``: words that were changed and are no patches, where they are not ``templates``' copies."""

    sites: tuple[PatchedSite, ...]
    others: int
    left: int
    """Instructions that could be patched and were not: they exit."""
    page: int
    features: int


def site(address: int, original: int, word: int, page: int, features: int) -> PatchedSite | None:
    """What a changed word is, if its original could be patched; None where this is another kind of change."""
    found = patchable(original)
    if found is None:
        return None
    problems: list[str] = []
    if found.becomes is Becomes.BRANCH:
        way = flow(word, address)
        if way.to is not To.TARGET or way.conditional or way.link:
            return None
        target = way.target
        assert target is not None
        if target - address > REACH:
            problems.append(f"the branch goes {target - address:#x} bytes forward, more than a guest checks for")
        return PatchedSite(
            address, original, found.name, word, found.becomes, "", target, address + 4 & M32, tuple(problems)
        )
    if found.becomes is Becomes.NOP:
        return PatchedSite(address, original, found.name, word, found.becomes) if word == NOP else None
    access = page_access(word, page)
    if access is None or access.store is not (found.becomes is Becomes.STORE):
        return None
    at = field_at(access.offset)
    field = at.name if at is not None else f"{access.offset:#x}"
    problems += [p for p in (misplaced(access.offset, features),) if p]
    if access.offset != found.offset and not problems:
        problems.append(f"{found.name} is {mp_name(found.offset)}, and this is {mp_name(access.offset)}")
    if access.register != original >> 21 & 31:
        problems.append(f"the register is r{access.register}, and was r{original >> 21 & 31}")
    return PatchedSite(address, original, found.name, word, found.becomes, field, None, None, tuple(problems))


def mp_name(offset: int) -> str:
    """A word of the page: ``msr+4``, ``esr``."""
    field = field_at(offset)
    if field is None:
        return f"{offset:#x}"
    return field.name + (f"+{offset - field.offset}" if offset != field.offset else "")


def changed(image: bytes, memory: bytes) -> Iterator[int]:
    """Offsets of the words in which memory differs from the image it was loaded from."""
    end = min(len(image), len(memory)) & ~3
    return (at for at in range(0, end, 4) if image[at : at + 4] != memory[at : at + 4])


class Scanner:
    """Looks for patches in a guest's text. ``image``: (effective address, bytes) of what was loaded. What has not
    changed since the last scan is not looked at again."""

    def __init__(self, image: Iterable[tuple[int, bytes]]) -> None:
        self._blocks = [
            (start + at, part[at : at + BLOCK]) for start, part in image for at in range(0, len(part) & ~3, BLOCK)
        ]
        self._patchable: int | None = None
        self._seen: dict[int, tuple[bytes, tuple[PatchedSite, ...], int, int]] = {}
        self._for = (0, 0)

    def scan(self, memory: Callable[[int, int], bytes], page: int, features: int) -> Scan:
        """Every patched instruction. ``memory`` gives the bytes at an effective address, fewer where it cannot."""
        if self._for != (page, features):
            self._for = page, features
            self._seen.clear()
        sites: list[PatchedSite] = []
        others = gone = 0
        for start, image in self._blocks:
            now = memory(start, len(image))
            if now == image or len(now) < len(image):
                continue
            seen = self._seen.get(start)
            if seen is None or seen[0] != now:
                seen = self._seen[start] = (now, *_changes(start, image, now, page, features))
            sites += seen[1]
            others += seen[2]
            gone += seen[3]
        return Scan(tuple(sites), others, self._count() - len(sites) - gone, page, features)

    def _count(self) -> int:
        """The instructions of the image that can be patched."""
        if self._patchable is None:
            words = (w for _, part in self._blocks for (w,) in _word.iter_unpack(part[: len(part) & ~3]))
            self._patchable = sum(1 for word in words if word & ~RT in _BY_WORD)
        return self._patchable


def _changes(
    start: int, image: bytes, now: bytes, page: int, features: int
) -> tuple[tuple[PatchedSite, ...], int, int]:  # fmt: skip
    """The patches in one block, how many instructions were changed otherwise, how many of these could be patched."""
    sites: list[PatchedSite] = []
    others = gone = 0
    for at in changed(image, now):
        original, word = _word.unpack_from(image, at)[0], _word.unpack_from(now, at)[0]
        found = site(start + at, original, word, page, features)
        if found is None:
            others += original != 0  # an area of zeros that the guest fills is no change of an instruction
            gone += patchable(original) is not None
        else:
            sites.append(found)
    return tuple(sites), others, gone
