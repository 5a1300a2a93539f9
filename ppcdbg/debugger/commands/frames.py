"""Commands for what panes of the UI show and a prompt can print as well: call chain, last miss, TLB map, histories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.arguments import count_of
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.entries import NAME
from ppcdbg.debugger.misses import MissReport, TlbMap, miss_report, tlb_map
from ppcdbg.debugger.past_events import InterruptEvent, TlbEvent, interrupt_events, tlb_events
from ppcdbg.debugger.searches import SlotHistory
from ppcdbg.debugger.stack import Backtrace, backtrace

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

SHOWN = 20


def bt(debugger: Debugger, argument: str) -> Backtrace:
    return backtrace(debugger, count_of(debugger, argument) + 1 if argument else 64)


def miss(debugger: Debugger, argument: str) -> MissReport:
    return miss_report(debugger)


def maps(debugger: Debugger, argument: str) -> TlbMap | tuple[TlbMap, ...]:
    """The guest's, and under KVM the shadow's."""
    return (tlb_map(debugger, False), tlb_map(debugger, True)) if debugger.has_exits else tlb_map(debugger, False)


def tlb_history(debugger: Debugger, argument: str) -> tuple[TlbEvent, ...] | SlotHistory:
    """Of the shadow TLB, or with ``guest`` of the guest's; of one entry where one is named."""
    words = argument.split()
    guest = "guest" in words
    rest = " ".join(w for w in words if w not in ("guest", "shadow"))
    if NAME.fullmatch(rest):
        return debugger.searches.slot(rest, not guest)
    return tlb_events(debugger, count_of(debugger, rest) if rest else SHOWN, not guest)


def interrupts(debugger: Debugger, argument: str) -> tuple[InterruptEvent, ...]:
    return interrupt_events(debugger, count_of(debugger, argument) if argument else SHOWN)


COMMANDS: tuple[Command, ...] = (
    Command(
        "backtrace", bt, "backtrace [N]", "The call chain by the ABI's back chain, through Linux's interrupt frames.",
        "backtrace", "data", ("bt", "info stack"),
    ),
    Command(
        "info miss", miss, "info miss", "The last TLB miss explained, and the MAS registers field by field.",
        "info miss", "info", ("info mas",),
    ),
    Command(
        "info tlbmap", maps, "info tlbmap", "TLB0 as a map of sets and ways, the guest's and the shadow's.",
        "info tlbmap", "info",
    ),
    Command(
        "tlb-history", tlb_history, "tlb-history [guest | shadow] [N | ENTRY]",
        "The last changes of the shadow TLB, or of the guest's, newest first; or all of one entry, such as TLB0[17,2].",
        "tlb-history guest 10", "info", (),
        lambda debugger, argument: ["guest", "shadow"],
    ),
    Command(
        "interrupts", interrupts, "interrupts [N]",
        "The last exits that queued an interrupt or delivered one, newest first.", "interrupts 10", "info",
        ("info interrupts",),
    ),
)  # fmt: skip
