"""The state of the guest's vCPU in one line: what ``info threads`` shows beside it (facts: T9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.cpu import msr as M
from ppcdbg.views.numbers import count

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub

_MODES = {"bare": "bare machine", "pr": "KVM, PR mode", "hv": "KVM, HV mode"}


def state(stub: Stub) -> str:
    """What it does, privilege, interrupts, address spaces, process, position, and what stands above it."""
    debugger = stub.debugger
    msr = debugger.guest.msr
    bits = "".join(f" {name}={int(bool(msr & bit))}" for name, bit in
                   (("PR", M.MSR_PR), ("EE", M.MSR_EE), ("IS", M.MSR_IS), ("DS", M.MSR_DS)))  # fmt: skip
    pid = debugger.guest.spr("PID")
    return f"{_doing(stub, msr)},{bits} PID={pid}, at {count(debugger.position)}, {_MODES[debugger.guest.kind]}"


def _doing(stub: Stub, msr: int) -> str:
    ended = stub.debugger.system.ended
    if not stub.alive:
        return "killed"
    if ended is not None:
        return f"ended ({ended.kind.value})"
    return "idle" if msr & M.MSR_WE else "stopped"
