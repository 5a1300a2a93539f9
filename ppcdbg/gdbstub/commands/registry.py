"""Which handler answers a packet: found by its name, once, from the families."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from ppcdbg.gdbstub.commands import (
    general,
    memory,
    monitor,
    points,
    process,
    qemu,
    registers,
    resume,
    reverse,
    search,
    threads,
    transfer,
)
from ppcdbg.gdbstub.commands.packet import Handler, Packet
from ppcdbg.gdbstub.replies import UNSUPPORTED

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub

_WORD = re.compile(rb"[qQv][A-Za-z.]*")


@cache
def packets() -> dict[bytes, Packet]:
    """Every packet by name."""
    families = (
        general, registers, memory, resume, points, threads, transfer, monitor, search, process, qemu, reverse
    )  # fmt: skip
    found: dict[bytes, Packet] = {}
    for packet in (p for family in families for p in family.PACKETS):
        assert packet.name not in found, packet.name
        found[packet.name] = packet
    return found


def find(body: bytes) -> tuple[Handler, bytes]:
    """The handler and what follows the name; ``unknown`` for a packet that is not known here."""
    return _find_short(body) if len(body) < 64 else _find(body)


@lru_cache(512)
def _find_short(body: bytes) -> tuple[Handler, bytes]:
    return _find(body)


def _find(body: bytes) -> tuple[Handler, bytes]:
    name = body[:1]
    if name in b"qQv":
        match = _WORD.match(body)
        name = match[0] if match is not None else name
    packet = packets().get(name)
    return (unknown, body) if packet is None else (packet.handle, body[len(name) :])


def unknown(stub: Stub, body: bytes) -> bytes:
    return UNSUPPORTED
