"""Make the bare machine of a description: the guest owns the core, nothing stands above it.

A guest under KVM is made by :mod:`ppcdbg.kvm.assemble`; ``kvm.build`` chooses between the two.
"""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.cpu.core import Core
from ppcdbg.cpu.models import core_model
from ppcdbg.engine.api import Engine
from ppcdbg.machine.board import Board
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.input import InputQueue
from ppcdbg.machine.loaders import LoadedImage, load_image
from ppcdbg.machine.machine import Machine


def build_bare(
    description: MachineDescription, engine_factory: Callable[[Core], Engine]
) -> tuple[Machine, LoadedImage]:
    """A guest on the bare machine, loaded and ready to run. Raises InputError for images that do not fit."""
    cores: list[Core] = []
    board = Board(
        description.memory,
        lambda: cores[0].now if cores else 0,
        description.cpu,
        lambda: cores[0].retired if cores else 0,
        dcr=description.dcr == "on",
    )
    core = Core(core_model(description.cpu, dcr=description.dcr == "on"), board.bus)
    cores.append(core)
    image = load_image(description, board.ram)
    machine = Machine(core, engine_factory(core), board, InputQueue(lambda: core.retired))
    machine.boot(image.boot)
    return machine, image
