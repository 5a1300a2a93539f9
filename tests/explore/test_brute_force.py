"""The same bad boundaries by the plainest means there are: a debugger, single steps, and an interrupt put in.

Nothing of the explorer is used: each boundary is a guest of its own from its first instruction, and an interrupt is bad
if the guest comes back from a patched instruction, with interrupts enabled, and goes on without having been in the
handler.
"""

from __future__ import annotations

from ppcdbg.debugger import open_guest
from ppcdbg.explore.strategies import Plan
from tests.explore.rig import explored, search

EE = 0x8000
IDLE = 30
"""Steps that are taken behind the last patched instruction."""


def test_single_steps_through_the_debugger_find_the_same_boundaries() -> None:
    found = explored(search(), Plan(("external",)))
    tried = {b.position for site in found.sites for b in site.boundaries}
    bad = {b.position for site in found.sites for b in site.window("external")}
    assert {position for position in sorted(tried) if _lost(position)} == bad


def _lost(position: int) -> bool:
    guest = open_guest("window")
    symbol = guest.symbols.address
    sites = [symbol(name) for name in ("wrteei_1", "wrteei_0", "mtmsr")]
    handler = symbol("vectors")
    guest.step(position)
    guest.execute("inject EXTERNAL")
    behind = {site + 4 for site in sites if site is not None}
    for _ in range(100 + IDLE):
        guest.step(into_interrupts=True)
        if guest.pc == handler:
            return False
        if guest.pc - 4 in behind and guest.value("$msr") & EE:
            return True  # one instruction behind the patched one, and still not told
    return guest.value("$msr") & EE != 0
