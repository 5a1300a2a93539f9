"""A paravirtual critical section, instruction by instruction: what is saved at each boundary, and what becomes of an
interrupt that arrives there (facts 7.5, 7.7).

Pure knowledge of words, found by following every way through the code (:mod:`ppcdbg.kvm.walk`). It says what *may*
happen, whatever the guest's registers are; what does happen is the machine's to say. A boundary is before an
instruction and has its address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ppcdbg.kvm.patching import Read
from ppcdbg.kvm.walk import LI_EE, Look, Role, Walk


class Fate(Enum):
    """What becomes of an interrupt that arrives at a boundary, where the guest has such interrupts enabled."""

    AT_ONCE = "at once"
    SEEN = "seen"  # the section looks at int_pending later, and then leaves by an exit
    REAL = "real"  # the section ends in an instruction that exits
    MASKED = "masked"  # the section leaves interrupts disabled: what follows is as without it
    END = "end"  # delivered right behind the store that ends the section
    AFTER = "after"  # the guest itself says that the section is over
    LOST = "LOST"  # nobody looks again: it waits for the next exit, whatever that is


@dataclass(frozen=True, slots=True)
class Outcome:
    """``wait``: the least and the most instructions until the delivery; None where nothing bounds them."""

    fate: Fate
    wait: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Boundary:
    """One instruction and the boundary before it. ``slot``: what the guest filled into the template here. ``saved``:
    what the guest holds in the page and no longer in its registers. ``stored``: MSR has been stored, so from here on it
    may let the interrupt through. ``end``: the least and the most instructions to the end of the section."""

    address: int
    word: int
    role: Role
    field: str
    slot: str
    inside: bool
    looked: bool
    stored: bool
    saved: tuple[str, ...]
    stock: Outcome
    """Under Linux 6.1; ``outcome`` has the other policies."""
    end: tuple[int, int] | None
    broken: bool
    """A store to the page follows before the end, though int_pending has been read: the ordering rule is broken."""
    looks: bool
    """The section looks at int_pending somewhere: it may leave interrupts enabled."""

    @property
    def others(self) -> Outcome:
        """Of a critical, machine check or debug interrupt under Linux 6.1, which holds these back in a section as well:
        they stay enabled whatever the section does to EE, so that where nobody looks they are lost."""
        return Outcome(Fate.LOST, None) if self.stock.fate is Fate.MASKED else self.stock


@dataclass(frozen=True)
class Section:
    """``back``: where a template returns to. ``problems``: what was not understood or is not as the contract has it."""

    start: int
    back: int | None
    steps: tuple[Boundary, ...]
    problems: tuple[str, ...]

    @property
    def window(self) -> tuple[int, ...]:
        """The boundaries at which Linux 6.1 loses an interrupt."""
        return tuple(s.address for s in self.steps if s.stock.fate is Fate.LOST)


Distances = Mapping[int, tuple[int, int]]
_BY_KVM = frozenset({"single-step", "read-only", "ordered"})
_BY_GUEST = frozenset({"nop-exit", "notify", "notify-unmapped"})


def outcome(policy: str, b: Boundary) -> Outcome:
    """What becomes of an interrupt at a boundary under one of the policies of :mod:`ppcdbg.kvm.deferral`, in a guest
    that does what that policy asks for."""
    stock = b.stock
    if stock.fate is Fate.LOST and policy in _BY_GUEST:
        return Outcome(Fate.AFTER, None if b.end is None else (b.end[0] + 1, b.end[1] + 1))
    if stock.fate is Fate.MASKED or not b.inside or not b.stored or policy not in _BY_KVM:
        return stock
    if policy == "ordered" and stock.fate is Fate.LOST and b.broken:
        return stock
    return Outcome(Fate.END, b.end)


def others(policy: str, b: Boundary) -> Outcome:
    """As ``outcome``, of an interrupt of another class than external ones: CE, ME or DE enables it."""
    stock = b.others
    if not b.inside:
        return stock
    if policy in ("single-step", "read-only") or policy == "ordered" and not b.broken:
        return Outcome(Fate.END, b.end)
    if stock.fate is Fate.LOST and (policy in ("notify", "notify-unmapped") or policy == "nop-exit" and b.looks):
        return Outcome(Fate.AFTER, None if b.end is None else (b.end[0] + 1, b.end[1] + 1))
    return stock


def section(read: Read, start: int, page: int, back: int | None = None, original: int | None = None) -> Section:
    """The section that begins at ``start``. ``page``: EA of the magic page. For a template: where it returns to, and
    the instruction that it stands for; without them the code is followed to the end of the section."""
    walk = Walk(read, start, page, back, original)
    found = _Distances(walk)
    steps = tuple(_boundary(walk, at, found) for at in sorted(walk.states))
    problems = list(walk.problems)
    if not any(s.role is Role.LEAVE for s in steps):
        problems.append("no store ends the section")
    if not any(s.role is Role.ENTER for s in steps):
        problems.append("no store of r1 to critical begins a section")
    problems += [
        f"the store to {s.field} at {s.address:#x} comes after the look at int_pending, against the ordering rule"
        for s in steps if s.role in (Role.SAVE, Role.WRITE) and s.looked and s.inside
    ]  # fmt: skip
    return Section(start, back, steps, tuple(problems))


class _Distances:
    """From each boundary: instructions until something has been carried out."""

    def __init__(self, walk: Walk) -> None:
        self.end = walk.distances(Role.LEAVE)
        self.exit = walk.distances(Role.REAL)
        self.look = walk.distances(Role.LOOK)
        self.store = walk.distances(Role.WRITE, Role.SAVE)


def _boundary(walk: Walk, at: int, found: _Distances) -> Boundary:
    states = walk.states[at]
    role, field = walk.roles[at]
    saved = tuple(n for n in ("r31", "r30", "CR") if any(n in s.saved for s in states))
    inside = any(s.inside for s in states)
    return Boundary(
        at,
        walk.words[at],
        role,
        field,
        _slot(walk, at),
        inside,
        any(s.look is not Look.NO for s in states),
        any(s.stored for s in states),
        saved,
        _stock(walk, at, inside, found),
        found.end.get(at) if inside else None,
        at in found.store and at in found.end and found.store[at][0] < found.end[at][1],
        any(role is Role.LOOK for role, _ in walk.roles.values()),
    )


def _stock(walk: Walk, at: int, inside: bool, found: _Distances) -> Outcome:
    if not inside:
        return Outcome(Fate.AT_ONCE, (0, 0))
    if at in found.look:
        exits = [found.exit[a] for a, (role, _) in walk.roles.items() if role is Role.LOOK and a in found.exit]
        ahead = found.look[at]
        return Outcome(Fate.SEEN, (ahead[0] + exits[0][0] - 1, ahead[1] + exits[0][1] - 1) if exits else None)
    if at in found.exit and (not walk.misses(at) or all(s.look is Look.PENDING for s in walk.states[at])):
        return Outcome(Fate.REAL, found.exit[at])
    looked = any(s.look in (Look.UNKNOWN, Look.NONE) for s in walk.states[at])
    return Outcome(Fate.LOST if looked else Fate.MASKED, None)


def _slot(walk: Walk, at: int) -> str:
    """What the guest filled in here."""
    (role, field), word = walk.roles[at], walk.words[at]
    if role is Role.REAL:
        return "the instruction itself"
    if role is Role.BACK:
        return f"back to {walk.back:#x}"
    if role is Role.OPERAND:
        if field:
            return f"the operand: r{31 if field == 'scratch1' else 30}, from where it was saved"
        return "the operand: MSR[EE]" if word == LI_EE else f"the operand: r{word >> 21 & 31}"
    return ""
