"""The sites that a guest has patched, all of them: those that it passes by itself, and the rest by putting it there.

A template's copy is the same code whoever comes to it, so a guest that is put at a patched instruction, with an operand
that changes nothing, goes through the section as any caller would. What it does behind the section's end is its own
affair: it is judged by whether an interrupt that is free to come needs another exit first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ppcdbg.explore.guest import Guest
from ppcdbg.explore.search import Search
from ppcdbg.explore.sites import Site
from ppcdbg.kvm.hypercalls import magic_features
from ppcdbg.kvm.patching import Becomes, PatchedSite, Scanner
from ppcdbg.kvm.run import KvmSystem

_OPERANDS = ("mtmsr", "wrtee")
PAGE = 4096


def patched(system: KvmSystem, image: Iterable[tuple[int, bytes]]) -> tuple[PatchedSite, ...]:
    """What the guest has patched up to now. ``image``: its text as it was loaded, by effective address."""
    guest, v = Guest(system), system.kvm
    return Scanner(image).scan(guest.prefix, v.magic_page_ea, magic_features(v)).sites


def everywhere(search: Search, passed: Iterable[Site], sites: Sequence[PatchedSite]) -> Iterator[Site]:
    """The sections that the guest passes, and then every patched branch whose section it did not pass."""
    seen = set()
    for site in passed:
        seen.add(site.pc)
        yield site
    for patch in sites:
        if patch.becomes is Becomes.BRANCH and patch.target is not None and patch.target not in seen:
            seen.add(patch.target)
            register = patch.original >> 21 & 31 if patch.name in _OPERANDS else -1
            yield Site(patch.target, search.start, search.start, True, patch.address, register)
