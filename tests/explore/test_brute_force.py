"""The same bad boundaries by the plainest means there are: gdb's packets, which step, put an interrupt in, and look.

Nothing of the explorer is used: each boundary is a guest of its own from its first instruction, driven over a socket,
and an interrupt is bad if the guest comes back from a patched instruction, with interrupts enabled, and goes on without
its handler having counted one.
"""

from __future__ import annotations

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.explore.strategies import Plan
from ppcdbg.gdbstub.stub import Stub
from tests.explore.rig import explored, search
from tests.gdbstub.rig import Client, served

EE = 0x8000
BEHIND = 130
"""Steps after the interrupt, at most: past the last patched instruction."""
KINDS = {"EXTERNAL": ("external", 0), "DECREMENTER": ("decrementer", 1)}
"""What is injected: the explorer's name for it, and the handler's counter."""


@pytest.mark.parametrize("kind", ["EXTERNAL", pytest.param("DECREMENTER", marks=pytest.mark.soak)])
def test_single_steps_over_gdbs_port_find_the_same_boundaries(kind: str) -> None:
    source, counter = KINDS[kind]
    found = explored(search(), Plan((source,)))
    tried = {b.position for site in found.sites for b in site.boundaries}
    bad = {b.position for site in found.sites for b in site.window(source)}
    assert bad and {position for position in sorted(tried) if _lost(position, kind, counter)} == bad


def _lost(position: int, kind: str, counter: int) -> bool:
    guest = open_guest("window")
    symbol = guest.symbols.address
    behind = {at + 8 for name in ("wrteei_1", "wrteei_0", "mtmsr") if (at := symbol(name)) is not None}
    counts = symbol("taken")
    assert len(behind) == 3 and counts is not None
    with served(Stub(guest)) as client:
        client.ask(b"qSupported:multiprocess+;swbreak+;hwbreak+")
        for _ in range(position):
            _step(client)
        assert client.ask(b"qRcmd," + f"inject {kind}".encode().hex().encode()) == b"OK"
        for _ in range(BEHIND):
            _step(client)
            if client.ask(b"m%x,4" % (counts + 4 * counter)) != b"00000000":
                return False
            registers = client.ask(b"g")
            pc, msr = (int(registers[8 * n : 8 * n + 8], 16) for n in (32, 33))
            if pc in behind and msr & EE:
                return True  # one instruction behind the patched one, and still not told
        return False


def _step(client: Client) -> None:
    assert client.ask(b"vCont;s:p1.1")[:1] == b"T"
