"""A debugger's writes: they enter the machine through its input queue, so that a recording holds them too.

The system applies what is due at the current position when it is asked to run no further than there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.results import Space
from ppcdbg.errors import UsageError
from ppcdbg.machine.input import InputKind, RefusedError
from ppcdbg.machine.system import Limits

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

PAGE = 4096


class Writer:
    """Writes memory and registers of one debugger's guest."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger

    def memory(self, address: int, data: bytes, space: Space = Space.EA) -> None:
        """Change RAM. Raises UsageError, and changes nothing, unless every byte is RAM."""
        memory = self.debugger.memory
        parts: list[tuple[int, bytes]] = []
        done = 0
        while done < len(data):
            at = address + done
            size = min(len(data) - done, PAGE - (at & PAGE - 1))
            real = memory.real(at, space)
            if real is None or real + size > len(memory.bus.ram):
                why = self.debugger.why_unreadable(at) if space is Space.EA else "there is no RAM"
                raise UsageError(f"cannot write at {at:#x}: {why}; nothing was changed")
            parts.append((real, data[done : done + size]))
            done += size
        for real, part in parts:
            self.put(InputKind.MEMORY, target=real, data=part)
        self.apply()

    def register(self, name: str, value: int) -> None:
        """Set a register of the guest's view. Raises UsageError for an unknown name."""
        known = self.debugger.register_file.canonical(name)
        if known is None:
            raise UsageError(f"there is no register ${name}")
        self.put(InputKind.REGISTER, name=known, value=value & 0xFFFFFFFFFFFFFFFF)
        try:
            self.apply()
        except RefusedError:
            raise UsageError(f"${name} cannot be set from outside") from None

    def put(self, kind: InputKind, target: int = 0, value: int = 0, data: bytes = b"", name: str = "") -> None:
        """Have something come in at this moment, which is of a history from then on; ``apply`` lets it happen."""
        if self.debugger.system.left:
            raise UsageError("the guest stands between an exit to userspace and its completion, where nothing of it can"
                             " be changed but by the answer; stepi completes it")  # fmt: skip
        self.debugger.past.begin()
        self.debugger.system.input.add(kind, target=target, value=value, data=data, name=name)

    def apply(self) -> None:
        """Let what was put in for now happen."""
        system = self.debugger.system
        if system.ended is not None:
            raise UsageError(f"the guest has ended ({system.ended.kind.value}); nothing can be written any more")
        system.run(Limits(system.position))
