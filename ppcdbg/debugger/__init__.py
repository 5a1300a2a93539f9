"""Floor 9: the core API of the debugger: stops, commands, queries, symbols. It owns no text layout and no colour.

Programs in Python start here::

    from ppcdbg.debugger import open_guest

    guest = open_guest("vmlinux", cpu="e500v2", initrd="initrd.gz", append="console=ttyS0,115200")
    stop = guest.run_until("start_kernel")
    print(stop.cause, hex(stop.pc), guest.value("$r1"))
    guest.on("exit DTLB_MISS", lambda hit: print(hit.record), condition="dear >= 0xc0000000")
    guest.continue_()
    print(len(guest.exits), guest.console()[-80:])

The names come from :mod:`ppcdbg.debugger.api` when they are first used: importing a room below costs nothing more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ppcdbg.debugger.api import (
        SPR_STATUS_FAIL,
        SPR_STATUS_OK,
        Action,
        Breakpoint,
        Cause,
        DcrExit,
        DebugExit,
        Debugger,
        Did,
        Ending,
        EprExit,
        Event,
        EventKind,
        ExitRecord,
        HcallExit,
        InputError,
        IntrExit,
        MmioExit,
        PpcdbgError,
        ResetExit,
        Space,
        SprExit,
        StopKind,
        StopReport,
        SystemEventExit,
        TraceHit,
        UnknownExit,
        UsageError,
        UserspaceExit,
        Verb,
        Vmm,
        WatchdogExit,
        ask_session,
        open_guest,
    )

__all__ = (
    "Action", "Breakpoint", "Cause", "DcrExit", "DebugExit", "Debugger", "Did", "Ending", "EprExit", "Event",
    "EventKind", "ExitRecord", "HcallExit", "InputError", "IntrExit", "MmioExit", "PpcdbgError", "ResetExit",
    "SPR_STATUS_FAIL", "SPR_STATUS_OK", "Space", "SprExit", "StopKind", "StopReport", "SystemEventExit", "TraceHit",
    "UnknownExit", "UsageError", "UserspaceExit", "Verb", "Vmm", "WatchdogExit", "ask_session", "open_guest",
)  # fmt: skip


def __getattr__(name: str) -> object:
    """PEP 562: a public name is looked up in ``api`` when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("ppcdbg.debugger.api"), name)
