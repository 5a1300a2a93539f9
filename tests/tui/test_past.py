"""What became of a row before: the history of one TLB entry, a register, memory, asked for by one key."""

from __future__ import annotations

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.past_events import tlb_events
from ppcdbg.debugger.searches import SlotHistory
from ppcdbg.errors import UsageError
from ppcdbg.tui.opening import Options, make_app
from ppcdbg.tui.snapshot import _settled
from ppcdbg.tui.source import DebuggerSource
from ppcdbg.views.results import lines
from ppcdbg.views.spans import to_text

from .screen import text_of, until


@pytest.fixture
def demo() -> Debugger:
    debugger = open_guest("demo", engine="reference")
    debugger.step_exit(1300)
    return debugger


def test_all_that_became_of_an_entry_is_what_the_log_and_the_last_change_say(demo: Debugger) -> None:
    mapped = {(e.exit, (e.ea or 0) & ~0xFFF) for e in tlb_events(demo, 10_000, True)}
    slot = demo.tlb().shadow[0].where
    found = demo.execute(f"tlb-history shadow {slot}")
    assert isinstance(found, SlotHistory) and found.entry == slot and found.shadow
    assert len(found.rows) > 3 and {(c.exit, c.ea) for c in found.rows if c.valid} <= mapped
    here = demo.past.here
    change, _ = demo.searches.last_tlb(slot, shadow=True)
    assert (found.rows[0].exit, found.rows[0].how) == (change.exit, change.how)
    demo.execute("back")
    assert demo.past.here == here
    shown = to_text(lines(found, demo, 90))
    assert f"the shadow TLB's {slot}: " in shown and all(len(row) <= 90 for row in shown.splitlines())
    guests = demo.execute("tlb-history guest TLB1[0]")
    assert guests.rows and {c.how for c in guests.rows} == {"tlbwe"}
    with pytest.raises(UsageError, match="there is no TLB0\\[999,0\\]"):
        demo.execute("tlb-history guest TLB0[999,0]")


async def test_one_key_asks_for_it_and_enter_goes_there(demo: Debugger) -> None:
    app = make_app(DebuggerSource(demo), Options("dark", False), {})
    async with app.run_test(size=(120, 36)) as pilot:
        await _settled(app)
        await pilot.press("5", "d")
        pane = app.desk.panes["shadow"]
        await until(pilot, lambda: pane.view == "slot" and to_text([pane.filled.note]).startswith("the shadow"))
        await _settled(app)
        wanted = pane.filled.follow[0]
        assert wanted is not None and wanted.kind == "exit"
        await pilot.press("enter")
        await until(pilot, lambda: app.selected == wanted.value)


@pytest.mark.parametrize(("keys", "said"), [("3 v v d", "$msr: "), ("x d", "write of 0010")])
async def test_registers_and_memory_have_a_past_too(demo: Debugger, keys: str, said: str) -> None:
    app = make_app(DebuggerSource(demo), Options("dark", False), {})
    async with app.run_test(size=(120, 36)) as pilot:
        await _settled(app)
        for key in keys.split():
            await pilot.press(key)
            await _settled(app)
        await until(pilot, lambda: any(said.split()[0] in row for row in text_of(app)))
        assert app.crash is None
