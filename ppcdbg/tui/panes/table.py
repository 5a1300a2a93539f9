"""Every kind of pane, once: from here come the desk, the keys that choose panes, the help and the palette.

A new pane is one entry and one function that fills it; what it shows is made in :mod:`ppcdbg.views`, so that the
command named here prints the same at a prompt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ppcdbg.debugger.profile import ORDERS
from ppcdbg.debugger.topics import Topic, topic_of
from ppcdbg.tui.panes import code, exits, guest, hypervisor, lessons, memory, races, timeline, tlb
from ppcdbg.tui.panes.drawing import Drawing
from ppcdbg.tui.scene import Filled, Need

Fill = Callable[[Drawing, Need], Filled]
Find = Callable[[Drawing, str, int, int], "int | None"]
"""The row after (1) or before (-1) a row that a text names."""


@dataclass(frozen=True)
class PaneKind:
    """``topic``: its name, key and command, and what it is about. ``homes``: the places that it can take on a desk
    besides its own; the last place of a desk takes any pane.

    ``views``: the ways in which it shows things, the usual one first; ``orders``: the columns that it can be sorted
    by; ``keys``: what else it does, as names of keys and sentences.
    ``selects``: its cursor is always seen. ``dear``: it reads so
    much that it is drawn seldom while the guest runs. ``timeless``: it shows the same whether the screen looks back or
    not. ``find`` searches where rows are without end. ``moves``: commands in place of what the keys that let the guest
    run do, where the pane is about a machine of its own; ``edit``: what the command line begins with.
    """

    topic: Topic
    fill: Fill
    homes: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    selects: bool = False
    dear: bool = False
    timeless: bool = False
    find: Find | None = None
    moves: tuple[tuple[str, str], ...] = ()
    edit: str = ""

    @property
    def name(self) -> str:
        return self.topic.name

    @property
    def key(self) -> str:
        return self.topic.key

    @property
    def about(self) -> str:
        return self.topic.about

    @property
    def command(self) -> str:
        """What prints the same at a prompt; empty for what is the screen's own."""
        return self.topic.command


TLB_VIEWS = ("entries", "map", "history", "slot")
TLB_KEYS = (("past", "all that became of the entry"),)

LOG = Topic("log", "0", "what commands said", "")

KINDS: tuple[PaneKind, ...] = (
    PaneKind(topic_of("exits"), exits.fill, selects=True, timeless=True),
    PaneKind(topic_of("disassembly"), code.fill, selects=True, find=code.find,
             keys=(("filter", "go to a symbol or an address"),
                   ("breakpoint", "set or delete a breakpoint; a click at the left edge does too"))),
    PaneKind(topic_of("registers"), code.register_rows, views=code.REGISTER_VIEWS,
             keys=(("edit", "change a register"), ("past", "go to its last change; not in the overview"))),
    PaneKind(topic_of("tlb"), tlb.guest, (), TLB_VIEWS, dear=True, keys=TLB_KEYS),
    PaneKind(topic_of("shadow"), tlb.shadow, ("tlb",), TLB_VIEWS, dear=True, keys=TLB_KEYS),
    PaneKind(topic_of("irqprio"), guest.priorities, views=("pending", "all", "history")),
    PaneKind(topic_of("console"), guest.printed,
             keys=(("open", "type a line into the guest's console; Esc ends typing"),)),
    PaneKind(topic_of("detail"), exits.detail, ("tlb",), timeless=True),
    PaneKind(topic_of("statistics"), guest.statistics, ("tlb",), ("exits", "symbols", "instructions", "counters"),
             ORDERS, dear=True),
    PaneKind(LOG, guest.output, ("console",), timeless=True),
    PaneKind(topic_of("paravirt"), guest.paravirtual, ("console",), dear=True),
    PaneKind(topic_of("races"), races.fill, ("console", "detail"), races.VIEWS, selects=True, timeless=True),
    PaneKind(topic_of("memory"), memory.fill, ("console",), memory.VIEWS, find=memory.find,
             keys=(("filter", "go to an address or symbol; a text in quotes is searched for"),
                   ("edit", "change the word under the cursor"), ("past", "who wrote the row"))),
    PaneKind(topic_of("stack"), memory.frames, ("registers",)),
    PaneKind(topic_of("breakpoints"), guest.points, ("tlb",), timeless=True,
             keys=(("edit", "enable or disable it"), ("delete", "delete it"))),
    PaneKind(topic_of("miss"), tlb.miss, ("detail", "tlb"), dear=True),
    PaneKind(topic_of("timeline"), timeline.fill, ("console", "tlb"), dear=True,
             keys=(("scrub", "go through the run; a click on a bar goes there"),)),
    PaneKind(topic_of("tutorial"), lessons.fill, ("detail",)),
    PaneKind(topic_of("host"), hypervisor.host, ("console", "detail"), hypervisor.HOST_VIEWS),
    PaneKind(topic_of("switch"), hypervisor.steps, ("tlb",), hypervisor.SWITCH_VIEWS, selects=True, timeless=True,
             keys=hypervisor.SWITCH_KEYS, moves=hypervisor.SWITCH_MOVES, edit="world-switch inject "),
    PaneKind(topic_of("owners"), hypervisor.owners, ("registers",), hypervisor.OWNERS_VIEWS, timeless=True,
             keys=hypervisor.SWITCH_KEYS, moves=hypervisor.SWITCH_MOVES, edit="world-switch inject "),
    PaneKind(topic_of("nested"), hypervisor.audited, ("console", "detail"), hypervisor.NESTED_VIEWS, timeless=True,
             edit="nested-example ", keys=(("edit", "audit another example"),)),
)  # fmt: skip
BY_NAME: dict[str, PaneKind] = {kind.name: kind for kind in KINDS}
