"""Put a described guest into RAM: its image, its initrd and its device tree, each where the boot convention says.

Everything is placed and checked against everything else before a byte is written. The state that the core starts
with is :mod:`ppcdbg.machine.boot`'s. Every fault is one InputError.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ppcdbg.cpu.models import CORES
from ppcdbg.errors import InputError
from ppcdbg.machine.boot import BootState, boot_state, dtb_place, initrd_place
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.devicetree import SPACE, HypervisorNode, TreeFacts, build, patch
from ppcdbg.machine.images import Image, Segment, read_file, read_image
from ppcdbg.machine.memory import Ram, megabytes


@dataclass(frozen=True)
class LoadedImage:
    """What lies in RAM. Addresses are real; ``symbols`` is an ELF file to take symbols from, if there is one."""

    path: Path
    kind: str
    entry: int
    segments: tuple[Segment, ...]
    dtb_address: int
    dtb: bytes
    initrd: tuple[int, int] | None
    symbols: Path | None
    boot: BootState


def load_image(description: MachineDescription, ram: Ram, hypervisor: HypervisorNode | None = None) -> LoadedImage:
    """Load the guest that ``description`` names. ``hypervisor`` is what the tree says of KVM, None on bare hardware."""
    image = read_image(description.kernel, ram.size, description.load, description.entry)
    initrd_data = read_file(description.initrd, "initrd", ram.size) if description.initrd is not None else b""
    initrd = _place_initrd(description, image, len(initrd_data))
    dtb_address = dtb_place(image.end) if description.dtb_address is None else description.dtb_address
    _check(description, image, dtb_address, initrd, ram.size)
    facts = TreeFacts(
        memory=ram.size,
        cache_line=CORES[description.cpu].cache_line,
        bootargs=description.append,
        initrd=initrd,
        kernel=(image.low, image.end),
        hypervisor=hypervisor,
    )
    dtb = build(facts) if description.dtb is None else _patched(description.dtb, facts)
    for segment in image.segments:
        ram.load(segment.address, segment.data, f"image {image.path}")
        rest = segment.address + len(segment.data)
        ram.view[rest : segment.end] = bytes(segment.end - rest)
    if initrd is not None:
        ram.load(initrd[0], initrd_data, f"initrd {description.initrd}")
    ram.load(dtb_address, dtb, "the device tree")
    symbols = description.symbols or (image.path if image.kind == "elf" else None)
    start = boot_state(image.entry, dtb_address)
    return LoadedImage(image.path, image.kind, image.entry, image.segments, dtb_address, dtb, initrd, symbols, start)


def _patched(path: Path, facts: TreeFacts) -> bytes:
    return patch(read_file(path, "device tree"), facts, str(path))


def _place_initrd(description: MachineDescription, image: Image, size: int) -> tuple[int, int] | None:
    if description.initrd is None:
        return None
    if not size:
        raise InputError(f"initrd {description.initrd} is empty; leave --initrd out or give an archive")
    address = initrd_place(image.end) if description.initrd_address is None else description.initrd_address
    return address, address + size


def _check(
    description: MachineDescription, image: Image, dtb_address: int, initrd: tuple[int, int] | None, memory: int
) -> None:
    """Everything fits in memory, and nothing lies on anything else."""
    places = [(s.address, s.end, f"image {image.path}") for s in image.segments]
    places.append((dtb_address, dtb_address + SPACE, "the device tree"))
    if initrd is not None:
        places.append((*initrd, f"initrd {description.initrd}"))
    for first, end, what in places:
        if end > memory:
            remedy = f"--memory {megabytes(end)} would hold it"
            if what.startswith("image") and end > 1 << 31:
                remedy = "link it with physical addresses in memory"
            raise InputError(f"{what} needs {first:#x}..{end:#x}, but memory ends at {memory:#x}; {remedy}")
    for (first, end, what), (next_first, next_end, next_what) in _pairs(sorted(places)):
        if end > next_first:
            raise InputError(
                f"{next_what} at {next_first:#x}..{next_end:#x} overlaps {what} at {first:#x}..{end:#x}; "
                "leave --initrd-address and --dtb-address out, or move them apart"
            )


def _pairs(places: list[tuple[int, int, str]]) -> list[tuple[tuple[int, int, str], tuple[int, int, str]]]:
    return list(zip(places, places[1:], strict=False))
