"""The flattened device tree that the guest boots with: QEMU 7.2's ``-M ppce500``, less the devices not modelled.

The only room that knows the fdt library. Sections: facts 11 (board), 7.2 (hypervisor node), ePAPR 1.1. QEMU's
``rng-seed`` is left out: no random source reaches the guest. QEMU gives PCI, I2C with its clock, and the platform
bus besides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import fdt

from ppcdbg.errors import InputError

VERSION, LAST_COMPATIBLE = 17, 16
FREQUENCY = 400_000_000
SPACE = 0x100000
"""QEMU writes a blob of this size, the rest zero; Linux reserves what its header says."""
DEEPEST = 63
"""Levels of nodes, the root's among them, that Linux reads (FDT_MAX_DEPTH - 1, drivers/of/fdt.c)."""
WIDEST, MOST = 1024, 16384
"""Nodes and properties in one node, and in all: the library compares each with all before it."""
BEGIN_NODE, END_NODE, PROP, NOP = 1, 2, 3, 4

MPIC, MSI, GPIO = 0x8003, 0x8004, 0x8005  # phandles
SOC = "/soc@fe0000000"
SERIAL = f"{SOC}/serial@4500"
CACHE_SIZE = 0x8000

Value = tuple[int, ...] | tuple[str, ...]
"""A property: cells of 32 bits or strings; () is a property without value."""
Property = tuple[str, str, Value]
"""Path of the node, name, value."""


@dataclass(frozen=True)
class HypervisorNode:
    """What tells a guest that it runs under KVM: the hypercall instruction words, and whether EV_IDLE works."""

    instructions: tuple[int, ...]
    has_idle: bool


@dataclass(frozen=True)
class TreeFacts:
    """What varies between machines. ``initrd`` and ``kernel`` are (first address, end)."""

    memory: int
    cache_line: int
    bootargs: str = ""
    initrd: tuple[int, int] | None = None
    kernel: tuple[int, int] | None = None
    hypervisor: HypervisorNode | None = None


def build(facts: TreeFacts) -> bytes:
    """The board's tree as a blob, padded to ``SPACE``."""
    tree = fdt.FDT(entries=[])
    for path, name, value in (*_board(facts), *_varying(facts)):
        _set(tree, path, name, value)
    return _blob(tree)


def patch(blob: bytes, facts: TreeFacts, where: str) -> bytes:
    """A given tree with the memory, command line, initrd and hypervisor of this machine put in.

    An empty command line leaves what the tree says. ``where`` names the file in the InputError for a damaged blob.
    """
    tree = parse(blob, where)
    for path, name, value in _varying(facts):
        if name == "bootargs" and not facts.bootargs and tree.exist_property(name, path):
            continue
        if path == "/memory":
            path = _memory_path(tree)
        if tree.exist_property(name, path):
            tree.remove_property(name, path)
        _set(tree, path, name, value)
    packed = _blob(tree)
    if len(packed) > SPACE:
        raise InputError(f"device tree {where} has {len(packed)} bytes; at most {SPACE} fit where it is placed")
    return packed


def parse(blob: bytes, where: str) -> fdt.FDT:
    """Read a blob; InputError if it is damaged."""
    if len(blob) < 40 or blob[:4] != b"\xd0\x0d\xfe\xed":
        raise InputError(f"{where} is not a device tree blob: it does not start with d00dfeed; make one with dtc")
    size = int.from_bytes(blob[4:8], "big")
    if size > len(blob):
        raise InputError(f"device tree {where} is cut off: it has {len(blob)} of {size} bytes")
    blob = _readable(blob[:size], where)
    try:
        tree = fdt.parse_dtb(blob)
    except Exception as error:  # the library raises bare Exception, ValueError, struct.error and IndexError
        raise InputError(
            f"device tree {where} is damaged ({str(error)!r:.160}); make it again with dtc -I dtb -O dtb"
        ) from None
    # fdt 0.3.3 shares one default list of reservations among all trees: take them out of it.
    reserved = list(tree.entries)
    tree.entries.clear()
    tree.entries = reserved
    if tree.root is None:
        raise InputError(f"device tree {where} has no root node; make it again with dtc")
    return tree


def _readable(blob: bytes, where: str) -> bytes:
    """The blob without its FDT_NOPs, which the library does not know; refused is what it would take minutes for, or
    never come back from. What else is damaged it says itself."""
    version, at, widths, nops = int.from_bytes(blob[20:24], "big"), int.from_bytes(blob[8:12], "big"), [0], []
    if version < LAST_COMPATIBLE:
        raise InputError(f"device tree {where} is of version {version}; Linux takes {LAST_COMPATIBLE} and later")
    start, count = at, 0
    while at + 4 <= len(blob):
        token = int.from_bytes(blob[at : at + 4], "big")
        at += 4
        if token == BEGIN_NODE:
            end = blob.find(b"\0", at)
            if end < 0:
                break
            at = end + 4 & ~3
            widths[-1], count = widths[-1] + 1, count + 1
            widths.append(0)
        elif token == PROP:
            at = at + 8 + int.from_bytes(blob[at : at + 4], "big") + 3 & ~3
            widths[-1], count = widths[-1] + 1, count + 1
        elif token == END_NODE:
            widths = widths[:-1] or [0]
        elif token == NOP:
            nops.append(at - 4)
        else:
            break
        if len(widths) > DEEPEST + 1:
            raise InputError(f"device tree {where} has nodes on more than {DEEPEST} levels, which is what Linux reads")
        if widths[max(len(widths) - 2, 0)] > WIDEST or widths[-1] > WIDEST:
            raise InputError(f"device tree {where} has a node with more than {WIDEST} nodes and properties in it")
        if count > MOST:
            raise InputError(f"device tree {where} has more than {MOST} nodes and properties")
    if not nops:
        return blob
    kept = b"".join(blob[a + 4 : b] for a, b in zip([start - 4, *nops], [*nops, at], strict=True))
    moved = len(blob) + -len(blob) % 4
    return blob[:8] + moved.to_bytes(4, "big") + blob[12:].ljust(moved - 12, b"\0") + kept


def text(blob: bytes) -> str:
    """A blob as source, for people and for tests."""
    return str(parse(blob, "blob").to_dts(4))


def _blob(tree: fdt.FDT) -> bytes:
    packed: bytes = tree.to_dtb(version=VERSION, last_comp_version=LAST_COMPATIBLE, boot_cpuid_phys=0)
    if len(packed) >= SPACE:
        return packed
    return packed[:4] + SPACE.to_bytes(4, "big") + packed[8:] + bytes(SPACE - len(packed))


def _set(tree: fdt.FDT, path: str, name: str, value: Value) -> None:
    node = tree.get_node(path, create=True)
    data = b"".join(_encode(item) for item in value)
    node.append(fdt.PropBytes(name, data=data) if data else fdt.Property(name))


def _encode(item: int | str) -> bytes:
    return item.to_bytes(4, "big") if isinstance(item, int) else item.encode() + b"\0"


def _memory_path(tree: fdt.FDT) -> str:
    names = [node.name for node in tree.root.nodes if node.name == "memory" or node.name.startswith("memory@")]
    return f"/{names[0]}" if names else "/memory"


def _pair(number: int) -> tuple[int, int]:
    return number >> 32, number & 0xFFFFFFFF


def _varying(facts: TreeFacts) -> Iterator[Property]:
    yield "/memory", "device_type", ("memory",)
    yield "/memory", "reg", (0, 0, *_pair(facts.memory))
    yield "/chosen", "bootargs", (facts.bootargs,)
    if facts.kernel is not None:
        first, end = facts.kernel
        yield "/chosen", "qemu,boot-kernel", (*_pair(first), *_pair(end - first))
    if facts.initrd is not None:
        yield "/chosen", "linux,initrd-start", (facts.initrd[0],)
        yield "/chosen", "linux,initrd-end", (facts.initrd[1],)
    if facts.hypervisor is not None:
        yield "/hypervisor", "compatible", ("linux,kvm",)
        yield "/hypervisor", "hcall-instructions", facts.hypervisor.instructions
        if facts.hypervisor.has_idle:
            yield "/hypervisor", "has-idle", ()


def _board(facts: TreeFacts) -> Iterator[Property]:
    yield from _named("/", {
        "model": ("QEMU ppce500",), "compatible": ("fsl,qemu-e500",), "#address-cells": (2,), "#size-cells": (2,),
    })  # fmt: skip
    yield "/aliases", "serial0", (SERIAL,)
    yield from _named("/chosen", {"stdout-path": (SERIAL,), "linux,stdout-path": (SERIAL,)})
    yield from _named("/cpus", {"#address-cells": (1,), "#size-cells": (0,)})
    line = facts.cache_line
    yield from _named("/cpus/PowerPC,8544@0", {
        "device_type": ("cpu",), "reg": (0,), "status": ("okay",), "bus-frequency": (0,),
        "clock-frequency": (FREQUENCY,), "timebase-frequency": (FREQUENCY,), "d-cache-line-size": (line,),
        "i-cache-line-size": (line,), "d-cache-size": (CACHE_SIZE,), "i-cache-size": (CACHE_SIZE,),
    })  # fmt: skip
    yield from _named(SOC, {
        "device_type": ("soc",), "compatible": ("fsl,mpc8544-immr", "simple-bus"), "#address-cells": (1,),
        "#size-cells": (1,), "ranges": (0, 0xF, 0xE0000000, 0x100000), "bus-frequency": (0,),
    })  # fmt: skip
    yield from _soc()


def _soc() -> Iterator[Property]:
    msi_interrupts = tuple(cell for group in range(8) for cell in (0xE0 + group, 0))
    yield from _named(f"{SOC}/pic@40000", {
        "device_type": ("open-pic",), "compatible": ("fsl,mpic",), "reg": (0x40000, 0x40000),
        "#address-cells": (0,), "#interrupt-cells": (2,), "interrupt-controller": (), **_handle(MPIC),
    })  # fmt: skip
    yield from _named(SERIAL, {
        "device_type": ("serial",), "compatible": ("ns16550",), "reg": (0x4500, 0x100), "cell-index": (0,),
        "clock-frequency": (FREQUENCY,), "interrupts": (42, 2), "interrupt-parent": (MPIC,),
    })  # fmt: skip
    yield from _named(f"{SOC}/global-utilities@e0000", {
        "compatible": ("fsl,mpc8544-guts",), "reg": (0xE0000, 0x1000), "fsl,has-rstcr": (),
    })  # fmt: skip
    yield from _named(f"{SOC}/msi@41600", {
        "compatible": ("fsl,mpic-msi",), "reg": (0x41600, 0x200), "msi-available-ranges": (0, 0x100),
        "interrupts": msi_interrupts, "interrupt-parent": (MPIC,), **_handle(MSI),
    })  # fmt: skip
    yield from _named(f"{SOC}/gpio@ff000", {
        "compatible": ("fsl,qoriq-gpio",), "reg": (0xFF000, 0x1000), "interrupts": (47, 2),
        "interrupt-parent": (MPIC,), "#gpio-cells": (2,), "gpio-controller": (), **_handle(GPIO),
    })  # fmt: skip
    yield from _named(f"{SOC}/power-off", {"compatible": ("gpio-poweroff",), "gpios": (GPIO, 0, 0)})


def _named(path: str, properties: dict[str, Value]) -> Iterator[Property]:
    return ((path, name, value) for name, value in properties.items())


def _handle(phandle: int) -> dict[str, Value]:
    return {"phandle": (phandle,), "linux,phandle": (phandle,)}
