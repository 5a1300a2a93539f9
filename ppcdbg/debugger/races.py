"""A schedule of the explorer put into the guest at hand: the line with which `ppcdbg race` names a failure.

Its interrupts go through the input queue, so that a recording holds them. What becomes of them is the guest's and
KVM's; nothing is judged here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.positions import position_of
from ppcdbg.debugger.results import Note
from ppcdbg.errors import UsageError
from ppcdbg.explore.schedule import parse, text
from ppcdbg.explore.sources import inject
from ppcdbg.kvm.run import KvmSystem

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


def put_in(debugger: Debugger, line: str) -> Note:
    """Queue the interrupts of a line for the positions that it names. Raises UsageError."""
    system = debugger.system
    if not isinstance(system, KvmSystem):
        raise UsageError("a schedule is for a guest under KVM; this one has the machine for itself")
    schedule = parse(_placed(debugger, line), system.kvm.hv, _nowhere)
    if schedule[0].position < system.position:
        raise UsageError(f"{schedule[0]} lies in the past; the guest is at position {system.position}")
    for event in schedule:
        inject(system, event.source, event.position)
    return Note(f"{text(schedule)} happens when the guest comes there")


def _placed(debugger: Debugger, line: str) -> str:
    """The line with positions in place of places such as ``exit:42+17``."""
    events: list[str] = []
    for part in line.split("+"):
        if "@" in part or not events:
            events.append(part)
        else:
            events[-1] += f"+{part}"  # instructions beyond a place
    for number, event in enumerate(events):
        source, at, place = event.partition("@")
        if at and place and not place[0].isdigit():
            events[number] = f"{source}@{position_of(debugger, place)}"
    return "+".join(events)


def _nowhere(pc: int, time: int) -> int:
    raise UsageError(f"when pc is {pc:#x} is not known here; give a position, or run there and inject by priority")
