"""What the two sides of a comparison have in common: a core in the little world, seen through its registers.

``General`` is what one `g` packet holds: GPRs, pc, MSR, CR, LR, CTR, XER. All other registers are asked for by name, in
lower case as QEMU's description has them. Memory is real memory.
"""

from __future__ import annotations

import struct
from typing import Protocol

General = tuple[int, ...]
GENERAL_NAMES = (*(f"r{i}" for i in range(32)), "pc", "msr", "cr", "lr", "ctr", "xer")
PC, MSR, CR, LR, CTR, XER = range(32, 38)
GENERAL_FORMAT = struct.Struct(">38I")


class Peer(Protocol):
    """One side. ``name`` stands in reports."""

    name: str

    def read_memory(self, address: int, length: int) -> bytes: ...

    def write_memory(self, address: int, data: bytes) -> None: ...

    def general(self) -> General: ...

    def read(self, names: tuple[str, ...]) -> dict[str, int]:
        """Registers by name; names that this side lacks are left out."""

    def write(self, values: dict[str, int]) -> None:
        """As a debugger does: the storage, without side effects (but MSR, whose effects count)."""

    def step(self, general: General | None, others: dict[str, int]) -> General:
        """Set registers, execute one instruction or take the interrupt that it causes, and give the new state."""

    def close(self) -> None: ...


class OwnPeer(Peer, Protocol):
    """One of our engines: it can also go back."""

    def capture(self) -> bytes:
        """Registers as an opaque value, for ``restore``."""

    def restore(self, captured: bytes) -> None: ...
