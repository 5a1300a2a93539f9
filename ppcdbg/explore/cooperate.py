"""A guest that does what a remedy asks of it: the sections that it was found to enter, each with one instruction more
behind its end, as its own templates would have it.

The branch with which a section goes back is bent to a stub, which has that instruction and then the branch. Only the
guest's words change, through its input queue, so that a recording holds it; KVM is told of nothing but that the guest
has asked for a notification page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ppcdbg.explore.guest import Guest
from ppcdbg.explore.task import Change
from ppcdbg.isa.flow import To, flow
from ppcdbg.kvm import codes
from ppcdbg.kvm.deferral import PAGE, TLBSYNC, Deferral, NopExit
from ppcdbg.kvm.patching import REACH, STW
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.sections import section
from ppcdbg.kvm.walk import Role
from ppcdbg.machine.input import InputKind

BRANCH = 0x48000000
STUB = 8
PATIENCE = 2
"""Instructions behind the end of a section that an interrupt waits in a guest that cooperates: the branch, and what it
executes there."""


@dataclass(frozen=True)
class Cooperation:
    """``about``: what the guest does now; empty where it does nothing, with ``why`` not."""

    about: str = ""
    changes: tuple[Change, ...] = ()
    why: str = ""


def asks(policy: type[Deferral]) -> bool:
    """Whether a policy needs a guest that does more than Linux does."""
    return policy is NopExit or bool(policy.features & codes.MAGIC_FEAT_NOTIFY)


def cooperation(system: KvmSystem, policy: type[Deferral], entries: Iterable[int], room: int | None) -> Cooperation:
    """What makes a guest, where it stands, do what a policy asks. ``entries``: where its sections begin; ``room``: the
    address behind which there are zero words that are its code's to use."""
    guest, page = Guest(system), system.kvm.magic_page_ea
    if room is None:
        return Cooperation(why="there is no symbol kvm_tmp; --room says where its code has room")
    if not page:
        return Cooperation(why="it has not mapped the magic page where the search begins; --from says where it has")
    notify = bool(policy.features & codes.MAGIC_FEAT_NOTIFY)
    word = STW | page - PAGE & 0xFFFF if notify else TLBSYNC
    changes: list[Change] = []
    at, bent = _room(guest, room), 0
    for entry in dict.fromkeys(entries):
        for branch, back in _ways_back(guest, entry, page, always=notify):
            real = guest.real(branch), guest.real(at)
            if any(guest.word(at + 4 * n) != 0 for n in (0, 1)) or None in real or not -REACH < at - branch < REACH:
                return Cooperation(why=f"its code has no room at {at:#010x} for section {entry:#010x}")
            stub = word.to_bytes(4, "big") + _branch(at + 4, back)
            changes += [Change(InputKind.MEMORY, target=real[1] or 0, data=stub),
                        Change(InputKind.MEMORY, target=real[0] or 0, data=_branch(branch, at))]  # fmt: skip
            at, bent = at + STUB, bent + 1
    if notify:
        changes.append(Change(InputKind.KVM, name="notify-page"))
    what = "a store to the notification page" if notify else "tlbsync"
    return (
        Cooperation(f"with {what} after {bent} sections", tuple(changes))
        if bent
        else Cooperation(why="no section fits")
    )


def _room(guest: Guest, start: int) -> int:
    """The first of two zero words that end what has been used from ``start`` on: it fills up from below."""
    used, at = start, start
    while (word := guest.word(at)) is not None and at - used < PAGE:
        if word:
            used = at + 4
        at += 4
    return used


def _ways_back(guest: Guest, entry: int, page: int, always: bool) -> Iterator[tuple[int, int]]:
    """The branches right behind the end of a section, each with where it goes. Not ``always``: only of a section that
    may leave interrupts enabled, which it shows by its look at int_pending."""
    steps = section(guest.word, entry, page).steps
    if not always and not any(step.role is Role.LOOK for step in steps):
        return
    for step in steps:
        behind = step.address + 4
        word = guest.word(behind) if step.role is Role.LEAVE else None
        if word is None:
            continue
        way = flow(word, behind)
        if way.to is To.TARGET and way.target is not None and not way.conditional and not way.link:
            yield behind, way.target


def _branch(at: int, to: int) -> bytes:
    return (BRANCH | to - at & 0x03FFFFFC).to_bytes(4, "big")
