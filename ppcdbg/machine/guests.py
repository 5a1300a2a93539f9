"""Which file a GUEST names: a path that exists, or a guest that ships with ppcdbg, by its bare name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ppcdbg.errors import InputError
from ppcdbg.machine.description import MachineDescription
from ppcdbg.paths import Kind, find, listing, named

DEMO = "demo"
SUFFIXES = (".toml", ".elf")
ELF_MAGIC = b"\x7fELF"


def guest_file(name: str, environment: Mapping[str, str]) -> Path:
    """The file that GUEST means: a path that exists, or else a bundled guest by its bare name."""
    path = named(name)
    if path.exists():
        return path
    for suffix in ("", *SUFFIXES):
        found = find(Kind.GUESTS, name + suffix, environment)
        if found is not None:
            return found
    names = ", ".join(bundled(environment))
    raise InputError(f"there is no guest or command {name}: neither a file nor a bundled guest ({names})")


def bundled(environment: Mapping[str, str]) -> list[str]:
    """Names of the bundled guests: those that have a description."""
    return [Path(name).stem for name in listing(Kind.GUESTS, environment, "*.toml")]


def symbol_file(machine: MachineDescription) -> Path | None:
    """The ELF file that symbols come from: the one that was named, or the guest itself."""
    if machine.symbols is not None:
        return machine.symbols
    with machine.kernel.open("rb") as image:
        return machine.kernel if image.read(len(ELF_MAGIC)) == ELF_MAGIC else None
