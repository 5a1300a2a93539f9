"""What one kind of packet is, as data. Families make these; the registry finds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub

Handler = Callable[["Stub", bytes], bytes | None]
"""Takes what follows the packet's name; gives the reply, or None where the protocol has none."""


@dataclass(frozen=True)
class Packet:
    """``name``: a letter, or a word that begins with q, Q or v."""

    name: bytes
    handle: Handler
    about: str
