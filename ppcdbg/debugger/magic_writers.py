"""Who wrote each field of the magic page last: the guest's instruction, or KVM at which exit. The run is made again
from its beginning, or from a place, with an eye on the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.debugger.events import Event, EventKind, Verb
from ppcdbg.debugger.stops import TraceHit
from ppcdbg.errors import Interrupted, UsageError
from ppcdbg.session.forks import fork

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


@dataclass(frozen=True)
class FieldWriter:
    """``by``: guest or kvm; ``pc`` of the guest's store, or of the instruction that exited; ``count`` writes in all."""

    field: str
    by: str
    pc: int
    place: str
    position: int
    count: int


@dataclass(frozen=True)
class MagicWriters:
    """By field, in the order of the page; positions from ``since`` to ``until``."""

    rows: tuple[FieldWriter, ...]
    since: int
    until: int


def magic_writers(own: Debugger, since: str = "") -> MagicWriters:
    """Up to here. Raises UsageError and Interrupted."""
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.debugger.positions import position_of

    order = [row.name for row in own.paravirt.magic().rows]  # refuses a guest without a page
    past = own.past
    here, timeline = past.here, past.timeline
    start = position_of(own, since) if since else timeline.start[0]
    if start > here[0]:
        raise UsageError(f"position {start:,} lies behind {here[0]:,}, where the guest stands")
    made = Debugger(fork(own.system, timeline.root((start, -1)), timeline.history), own.image, own.name)
    made.past.kept = False
    made.runner.between = lambda: made.interrupt() if past.asked() else None
    found: dict[str, FieldWriter] = {}

    def note(hit: TraceHit) -> bool:
        fields = dict(hit.fields)
        name, by = str(fields["field"]), str(fields["by"])
        own_pc = hit.record.pc if hit.record is not None else hit.pc
        pc = int(fields.get("pc", own_pc))
        position = int(fields.get("insn", hit.position))
        count = found[name].count if name in found else 0
        if position >= start:
            found[name] = FieldWriter(name, by, pc, own.symbols.name(pc), position, count + 1)
        return False

    event = Event(EventKind.MAGIC, write=True)
    made.breakpoints.set_action(made.add_breakpoint(Verb.BREAK, event).number, note)
    if made.system.ended is None and made.position < here[0]:
        made.continue_(here[0])
    if past.asked():
        raise Interrupted("interrupted; the guest stays where it was")
    rows = sorted(found.values(), key=lambda w: order.index(w.field))
    return MagicWriters(tuple(rows), start, here[0])
