"""Every kind of pane, once: from here come the desk, the keys that choose panes, the help and the palette.

A new pane is one entry and one function that fills it; what it shows is made in :mod:`ppcdbg.views`, so that the
command named here prints the same at a prompt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ppcdbg.debugger.profile import ORDERS
from ppcdbg.tui.panes import code, exits, guest, hypervisor, lessons, memory, races, timeline, tlb
from ppcdbg.tui.panes.drawing import Drawing
from ppcdbg.tui.scene import Filled, Need

Fill = Callable[[Drawing, Need], Filled]
Find = Callable[[Drawing, str, int, int], "int | None"]
"""The row after (1) or before (-1) a row that a text names."""


@dataclass(frozen=True)
class PaneKind:
    """``homes``: the places that it can take on a desk besides its own; the last place of a desk takes any pane.

    ``views``: the ways in which it shows things, the usual one first; ``orders``: the columns that it can be sorted
    by; ``keys``: what else it does, as names of keys and sentences. ``command`` prints the same at a prompt.
    ``selects``: its cursor is always seen. ``dear``: it reads so
    much that it is drawn seldom while the guest runs. ``timeless``: it shows the same whether the screen looks back or
    not. ``find`` searches where rows are without end. ``moves``: commands in place of what the keys that let the guest
    run do, where the pane is about a machine of its own; ``edit``: what the command line begins with.
    """

    name: str
    key: str
    about: str
    fill: Fill
    command: str
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


TLB_VIEWS = ("entries", "map", "history")

KINDS: tuple[PaneKind, ...] = (
    PaneKind("exits", "1", "the exits to KVM", exits.fill, "exits", selects=True, timeless=True),
    PaneKind("disassembly", "2", "instructions around pc", code.fill, "disassemble", selects=True, find=code.find,
             keys=(("filter", "go to a symbol or an address"), ("breakpoint", "set or delete a breakpoint"))),
    PaneKind("registers", "3", "registers, with what changed", code.register_rows, "info registers",
             views=code.REGISTER_VIEWS, keys=(("edit", "change a register"),)),
    PaneKind("tlb", "4", "the guest's TLB", tlb.guest, "info tlb", (), TLB_VIEWS, dear=True),
    PaneKind("shadow", "5", "what KVM made of it", tlb.shadow, "info tlb", ("tlb",), TLB_VIEWS, dear=True),
    PaneKind("irqprio", "6", "interrupt priorities, and why each waits", guest.priorities, "info irqprio",
             views=("pending", "all", "history")),
    PaneKind("console", "7", "what the guest prints; Enter types into it", guest.printed, "console",
             keys=(("open", "type a line into the guest's console; Esc ends typing"),)),
    PaneKind("detail", "8", "the selected exit in full", exits.detail, "exit", ("tlb",), timeless=True),
    PaneKind("statistics", "9", "where the exits come from, and what they cost", guest.statistics, "profile",
             ("tlb",), ("exits", "symbols", "instructions", "counters"), ORDERS, dear=True),
    PaneKind("log", "0", "what commands said", guest.output, "", ("console",), timeless=True),
    PaneKind("paravirt", "p", "magic page, critical section, patched instructions", guest.paravirtual, "info magic",
             ("console",), dear=True),
    PaneKind("races", "r", "interrupts at every boundary: which are lost; Enter goes to one", races.fill,
             "info race", ("console", "detail"), races.VIEWS, selects=True, timeless=True),
    PaneKind("memory", "x", "memory from the stack pointer on, or from where you go", memory.fill, "x/64xb $r1",
             ("console",), memory.VIEWS, find=memory.find,
             keys=(("filter", "go to an address or symbol; a text in quotes is searched for"),
                   ("edit", "change the word under the cursor"))),
    PaneKind("stack", "s", "the call chain", memory.frames, "backtrace", ("registers",)),
    PaneKind("breakpoints", "b", "breakpoints and traces", guest.points, "info breakpoints", ("tlb",),
             timeless=True, keys=(("edit", "enable or disable it"), ("delete", "delete it"))),
    PaneKind("miss", "e", "the last TLB miss explained, and the MAS registers", tlb.miss, "info miss",
             ("detail", "tlb"), dear=True),
    PaneKind("timeline", "t", "the whole run: now, bookmarks, checkpoints, exits of each kind", timeline.fill,
             "timeline", ("console", "tlb"), dear=True),
    PaneKind("tutorial", "u", "what to do next in the tutorial; Enter on a command carries it out", lessons.fill,
             "tutorial", ("detail",)),
    PaneKind("switch", "w", "the world switch, stepped by hand on a machine of its own", hypervisor.steps,
             "world-switch", ("tlb",), hypervisor.SWITCH_VIEWS, selects=True, timeless=True,
             keys=hypervisor.SWITCH_KEYS, moves=hypervisor.SWITCH_MOVES, edit="world-switch inject "),
    PaneKind("owners", "W", "what each register of the world switch holds: the guest's, or the host's",
             hypervisor.owners, "world-switch registers", ("registers",), hypervisor.OWNERS_VIEWS, timeless=True,
             keys=hypervisor.SWITCH_KEYS, moves=hypervisor.SWITCH_MOVES, edit="world-switch inject "),
    PaneKind("nested", "a", "an exit from L2 to L1 audited field by field", hypervisor.audited, "info nested",
             ("console", "detail"), hypervisor.NESTED_VIEWS, timeless=True, edit="nested-example ",
             keys=(("edit", "audit another example"),)),
)  # fmt: skip
BY_NAME: dict[str, PaneKind] = {kind.name: kind for kind in KINDS}
