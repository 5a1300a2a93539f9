"""What programs in Python begin with: ``open_guest``, and the names that its answers are made of.

Everything a door can do is a method of :class:`Debugger`, typed, with frozen values as answers; ``execute`` takes any
command. ``import ppcdbg.debugger`` gives these names and loads them when they are first used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ppcdbg.debugger.breakpoints import Breakpoint
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.events import Event, EventKind, Verb
from ppcdbg.debugger.results import Space
from ppcdbg.debugger.stops import Cause, StopReport, TraceHit
from ppcdbg.errors import InputError, PpcdbgError, UsageError
from ppcdbg.kvm.answers import Vmm
from ppcdbg.kvm.payloads import (
    SPR_STATUS_FAIL,
    SPR_STATUS_OK,
    DcrExit,
    DebugExit,
    EprExit,
    HcallExit,
    IntrExit,
    MmioExit,
    ResetExit,
    SprExit,
    SystemEventExit,
    UnknownExit,
    UserspaceExit,
    WatchdogExit,
)
from ppcdbg.kvm.records import Action, Did, ExitRecord
from ppcdbg.kvm.userspace import Ending
from ppcdbg.machine.description import describe
from ppcdbg.machine.guests import DEMO, guest_file, symbol_file
from ppcdbg.machine.system import StopKind
from ppcdbg.session.machines import session_machine
from ppcdbg.session.magic import session_file
from ppcdbg.session.queries import Answer, ask
from ppcdbg.session.systems import open_system

__all__ = (
    "Action", "Breakpoint", "Cause", "DcrExit", "DebugExit", "Debugger", "Did", "Ending", "EprExit", "Event",
    "EventKind", "ExitRecord", "HcallExit", "InputError", "IntrExit", "MmioExit", "PpcdbgError", "ResetExit",
    "SPR_STATUS_FAIL", "SPR_STATUS_OK", "Space", "SprExit", "StopKind", "StopReport", "SystemEventExit", "TraceHit",
    "UnknownExit", "UsageError", "UserspaceExit", "Verb", "Vmm", "WatchdogExit", "ask_session", "open_guest",
)  # fmt: skip


def open_guest(
    guest: str | Path = DEMO,
    *,
    cpu: str | None = None,
    hv: str | None = None,
    memory: str | int | None = None,
    initrd: str | Path | None = None,
    append: str | None = None,
    dtb: str | Path | None = None,
    load: str | int | None = None,
    entry: str | int | None = None,
    symbols: str | Path | None = None,
    pv: str | None = None,
    patch_by: str | None = None,
    irqchip: str | None = None,
    on_emulation_failure: str | None = None,
    unknown_spr: str | None = None,
    instruction_fetch: str | None = None,
    spr_exits: str | None = None,
    user_sprs: str | Sequence[tuple[int, int]] | None = None,
    hcall_exits: str | None = None,
    dcr: str | None = None,
    deferral: str | None = None,
    quirks: Mapping[str, bool] | None = None,
    engine: str | None = None,
    max_insns: str | int | None = None,
    input: str | Path | None = None,
) -> Debugger:
    """A debugger on a guest that stands at its first instruction.

    ``guest`` is what the command line takes as GUEST, a session file among it, and the options are its long options.
    Sizes are text like "128M" or a number of MiB; addresses are real. No settings file is read. Raises InputError for a
    file that cannot be used, UsageError for an option that is wrong.
    """
    given = {
        "cpu": cpu, "hv": hv, "memory": memory, "initrd": initrd, "append": append, "dtb": dtb, "load": load,
        "entry": entry, "symbols": symbols, "pv": pv, "irqchip": irqchip, "on_emulation_failure": on_emulation_failure,
        "unknown_spr": unknown_spr, "deferral": deferral, "quirks": quirks, "engine": engine, "max_insns": max_insns,
        "input": input, "patch_by": patch_by, "instruction_fetch": instruction_fetch,
        "spr_exits": spr_exits, "user_sprs": user_sprs,
        "hcall_exits": hcall_exits, "dcr": dcr,
    }  # fmt: skip
    session = session_file(guest, os.environ)
    if session is not None:
        machine = session_machine(session, given)
    else:
        machine = describe(guest_file(str(guest), os.environ), given)
    debugger = Debugger(open_system(machine), symbol_file(machine))
    if machine.max_insns is not None:
        debugger.runner.ceiling = machine.max_insns
    return debugger


def ask_session(file: str | Path, statement: str) -> Answer:
    """The names of the columns and the rows that answer a question in SQL to a session file, or to a recording by its
    bare name. What can be asked: README, "Session files". Raises InputError for a file that cannot be used, UsageError
    for a statement that cannot be carried out.
    """
    return ask(session_file(file, os.environ) or Path(file), statement)
