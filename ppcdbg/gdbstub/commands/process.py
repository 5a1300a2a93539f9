"""Extended mode: detach, kill, run again, attach. The guest is the only process, number 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.gdbstub import numbers, stops
from ppcdbg.gdbstub.commands.packet import Packet
from ppcdbg.gdbstub.replies import ESRCH, OK, Refused

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub


def extended(stub: Stub, argument: bytes) -> bytes:
    stub.client.extended = True
    return OK


def detach(stub: Stub, argument: bytes) -> bytes:
    """``D`` or ``D;PID``: the client goes, the guest stays where it stands."""
    if argument:
        _check(argument.removeprefix(b";"))
    stub.points.clear()
    stub.closing = not stub.client.extended
    return OK


def _check(text: bytes) -> None:
    process = numbers.number(text, "a process")
    if process != 1:
        raise Refused(ESRCH, f"there is no process {process}; the guest is process 1")


def kill(stub: Stub, argument: bytes) -> None:
    """``k``: the old way, which has no reply and ends the connection."""
    stub.kill()
    stub.closing = True


def vkill(stub: Stub, argument: bytes) -> bytes:
    """``vKill;PID``: the connection goes on, so that ``run`` can start the guest again."""
    _check(argument.removeprefix(b";"))
    stub.kill()
    return OK


def vrun(stub: Stub, argument: bytes) -> bytes:
    """``vRun;PROGRAM;ARGUMENT...``: the same guest from its first instruction; a program cannot be chosen."""
    stub.restart()
    return stops.trap(stub)


def vattach(stub: Stub, argument: bytes) -> bytes:
    """``vAttach;PID``."""
    _check(argument.removeprefix(b";"))
    if not stub.alive:
        stub.restart()
    return stops.trap(stub)


def restart(stub: Stub, argument: bytes) -> None:
    """``R``: as vRun, without a reply."""
    stub.restart()


PACKETS = (
    Packet(b"!", extended, "extended mode"),
    Packet(b"D", detach, "leave the guest as it is"),
    Packet(b"k", kill, "kill the guest"),
    Packet(b"R", restart, "start the guest again"),
    Packet(b"vKill", vkill, "kill the guest"),
    Packet(b"vRun", vrun, "start the guest again"),
    Packet(b"vAttach", vattach, "attach to the guest"),
)
