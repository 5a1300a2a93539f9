"""The guest's vCPU as a thread: which there are, which one is meant, and what it is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.gdbstub import numbers, vcpus
from ppcdbg.gdbstub.commands.packet import Packet
from ppcdbg.gdbstub.replies import OK, UNSUPPORTED

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub


def current(stub: Stub, argument: bytes) -> bytes:
    return b"QC" + stub.thread()


def select(stub: Stub, argument: bytes) -> bytes:
    """``Hg`` and ``Hc``; bs and bc, which name no thread, run the one of Hc (facts: T7)."""
    wanted = numbers.thread_id(argument[1:])
    stub.check_thread(wanted)
    if argument[:1] == b"c":
        stub.client.resumes = wanted
    return OK if argument[:1] in (b"c", b"g") else UNSUPPORTED


def lives(stub: Stub, argument: bytes) -> bytes:
    stub.check_thread(numbers.thread_id(argument))
    stub.need_life()
    return OK


def first(stub: Stub, argument: bytes) -> bytes:
    return b"m" + stub.thread() if stub.alive else b"l"


def rest(stub: Stub, argument: bytes) -> bytes:
    return b"l"


def extra(stub: Stub, argument: bytes) -> bytes:
    """``qThreadExtraInfo,THREAD``."""
    stub.check_thread(numbers.thread_id(argument.removeprefix(b",")))
    return vcpus.state(stub).encode().hex().encode()


PACKETS = (
    Packet(b"qC", current, "the current thread"),
    Packet(b"H", select, "choose a thread"),
    Packet(b"T", lives, "whether a thread is alive"),
    Packet(b"qfThreadInfo", first, "the first threads"),
    Packet(b"qsThreadInfo", rest, "the further threads"),
    Packet(b"qThreadExtraInfo", extra, "what a thread is doing"),
)
