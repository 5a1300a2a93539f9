"""Everything of a bare machine copied out and back: the yardstick for snapshots, not their design.

A session's snapshots may be cleverer; this is the state block, all of RAM, and what the board saves.
"""

from __future__ import annotations

from dataclasses import dataclass

from ppcdbg.machine.devices.device import DeviceState
from ppcdbg.machine.machine import Machine


@dataclass(frozen=True)
class Snapshot:
    """A machine at one position."""

    block: bytes
    ram: bytes
    board: DeviceState


def save(machine: Machine) -> Snapshot:
    """Copy the machine's state."""
    return Snapshot(bytes(machine.core.state.block), bytes(machine.board.bus.ram), machine.board.save())


def restore(machine: Machine, snapshot: Snapshot) -> None:
    """Put the machine back to where the snapshot was taken."""
    machine.core.state.block[:] = snapshot.block
    machine.board.bus.ram[:] = snapshot.ram
    machine.board.restore(snapshot.board)
    machine.engine.code_changed(0, len(snapshot.ram))
    machine.engine.translations_changed()
    machine.core.call_machine()
