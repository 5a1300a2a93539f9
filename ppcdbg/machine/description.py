"""What machine to build and what to run on it, as one frozen value, from a TOML file or from options.

Keys are the long options of the command line without their dashes; ``-`` and ``_`` are the same. Paths in a file are
relative to that file. Nothing is opened here but the TOML file itself; whether a KVM quirk exists is kvm's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from ppcdbg.cpu.models import CORES
from ppcdbg.errors import DIGITS, InputError, PpcdbgError, UsageError
from ppcdbg.paths import named

MEBIBYTE = 1 << 20
SIZE_UNITS = {"": MEBIBYTE, "b": 1, "k": 1 << 10, "m": MEBIBYTE, "g": 1 << 30}
COUNT_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


@dataclass(frozen=True)
class MachineDescription:
    """Sizes and addresses in bytes, addresses real. The defaults are those of the command line."""

    kernel: Path
    """The guest image: ELF, uImage, or raw bytes together with ``load``."""
    cpu: str = "e500v2"
    hv: str = "kvm"
    memory: int = 128 * MEBIBYTE
    initrd: Path | None = None
    append: str = ""
    dtb: Path | None = None
    load: int | None = None
    entry: int | None = None
    initrd_address: int | None = None
    dtb_address: int | None = None
    symbols: Path | None = None
    pv: str = "magic-page"
    patch_by: str = "guest"
    irqchip: str = "kernel"
    engine: str = "auto"
    max_insns: int | None = None
    input: Path | None = None
    on_emulation_failure: str = "both"
    unknown_spr: str = "fail"
    instruction_fetch: str = "walk"
    """How KVM in HV mode reads the instruction that a guest left by."""
    spr_exits: str = "off"
    user_sprs: tuple[tuple[int, int], ...] = ()
    """SPRs that userspace knows and KVM does not: number, and value out of reset."""
    hcall_exits: str = "off"
    dcr: str = "off"
    """Whether the core has the 440's device control registers."""
    deferral: str = "stock"
    backing: str = "anon"
    """What host memory stands behind the guest's: it decides how large KVM's own TLB entries can be."""
    session: Path | None = None
    """The recording that this machine was made from; nothing but ``engine`` may then differ from it."""
    quirks: tuple[tuple[str, bool], ...] = ()
    """KVM quirks switched from their defaults, by name, in order of name."""


CHOICES: Mapping[str, tuple[str, ...]] = {
    "cpu": tuple(sorted(CORES)),
    "hv": ("kvm", "none"),
    "pv": ("magic-page", "2010", "off"),
    "patch_by": ("guest", "hypervisor"),
    "irqchip": ("kernel", "user"),
    "engine": ("auto", "reference", "llvm", "lockstep"),
    "on_emulation_failure": ("exit", "inject", "both"),
    "unknown_spr": ("fail", "ignore", "exit"),
    "instruction_fetch": ("walk", "lwepx", "lwepx-marker", "lwepx-fixup"),
    "spr_exits": ("off", "all", "device", "split", "taken", "opt-in", "opted-in", "reset", "system-event"),
    "hcall_exits": ("off", "on"),
    "dcr": ("off", "on"),
    "deferral": ("stock", "nop-exit", "single-step", "read-only", "ordered", "notify", "notify-unmapped"),
    "backing": ("anon", "huge", "devmem"),
}
"""The words that a key takes, first the usual one where order means nothing else."""

QEMU_CPUS = {"e500v2_v30": "e500v2", "e500v2_v22": "e500v2", "e500v2_v21": "e500v2", "e500v2_v20": "e500v2",
             "e500v2_v10": "e500v2"}  # fmt: skip
"""QEMU's names of the same cores."""

Place = tuple[str, type[PpcdbgError]]
"""How a value is named in an error, and the error's class."""


def describe(
    guest: Path, options: Mapping[str, object] | None = None, base: MachineDescription | None = None
) -> MachineDescription:
    """The machine for a GUEST argument: a description file (``.toml``), or an image. Options that are None are unset.
    ``base``: what the options change, where somebody else has read it.

    A bad option raises UsageError, a bad file InputError.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    if base is None:
        base = read_description(guest) if guest.suffix == ".toml" else MachineDescription(kernel=guest)
    changes: dict[str, object] = {}
    for name, value in given.items():
        key = _known(name, f"option --{name.replace('_', '-')}", UsageError)
        changes[key] = _convert(key, value, (f"option --{key.replace('_', '-')}", UsageError), Path())
    return replace(base, **changes)  # type: ignore[arg-type]


def read_description(path: Path) -> MachineDescription:
    """Read a machine description file. Every fault is an InputError naming the file and the key."""
    from ppcdbg.config import parse_toml  # only a guest that a file describes pays for it

    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read machine description {path}: {error.strerror or error}") from None
    table = parse_toml(data, f"machine description {path}")
    values: dict[str, object] = {}
    for name, value in table.items():
        key = _known(name, f"key {name!r} in {path}", InputError)
        if key in values:
            raise InputError(f"key {name!r} in {path} is given twice; keep one spelling")
        values[key] = _convert(key, value, (f"key {name!r} in {path}", InputError), path.parent)
    if "kernel" not in values:
        raise InputError(f'machine description {path} names no guest; add kernel = "FILE"')
    return MachineDescription(**values)  # type: ignore[arg-type]


def parse_size(value: object, place: Place = ("size", UsageError)) -> int:
    """Bytes of a memory size as QEMU spells it: ``128M``, ``1G``, ``65536K``, and a bare number means MiB."""
    return _scaled(value, SIZE_UNITS, "a size like 128M or 1G", place)


def parse_count(value: object, place: Place = ("count", UsageError)) -> int:
    """A count of instructions: ``50000000``, ``50M`` (decimal), ``1G``."""
    return _scaled(value, COUNT_UNITS, "a count like 50000000 or 50M", place)


def parse_address(value: object, place: Place = ("address", UsageError)) -> int:
    """A real address of 32 bits: ``0x100000``, or a number."""
    number = -1
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str):
        try:
            number = int(value, 0)
        except ValueError:
            number = -1
    if not 0 <= number <= 0xFFFFFFFF:
        raise _wrong(value, "an address like 0x100000, at most 0xffffffff", place)
    return number


def _known(name: str, what: str, error: type[PpcdbgError]) -> str:
    key = name.replace("-", "_")
    names = [field.name for field in fields(MachineDescription) if field.name != "session"]
    if key in names:
        return key
    import difflib

    nearest = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0].replace('_', '-')!r}?" if nearest else "the keys are " + ", ".join(
        n.replace("_", "-") for n in names
    )  # fmt: skip
    raise error(f"{what} is unknown; {hint}")


def _wrong(value: object, right: str, place: Place) -> PpcdbgError:
    what, error = place
    return error(f"{what} is {value!r}; it must be {right}")


def _scaled(value: object, units: Mapping[str, int], right: str, place: Place) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value * units[""]
    if isinstance(value, str):
        digits = value.strip().replace("_", "").lower().removesuffix("ib")
        unit = digits[-1:] if digits[-1:] in units else ""
        number = digits[: len(digits) - len(unit)]
        if number.isascii() and number.isdecimal() and len(number) <= DIGITS and int(number) > 0:
            return int(number) * units[unit]
    raise _wrong(value, right, place)


def _text(value: object, place: Place) -> str:
    if not isinstance(value, str):
        raise _wrong(value, "text", place)
    return value


def _quirks(value: object, place: Place) -> tuple[tuple[str, bool], ...]:
    if isinstance(value, tuple):
        value = dict(value)
    if not isinstance(value, Mapping):
        raise _wrong(value, "a table of switches, each true or false", place)
    for name, switch in value.items():
        if not isinstance(switch, bool):
            raise _wrong(switch, "true or false", (f"{name!r} of {place[0]}", place[1]))
    return tuple(sorted((str(name), switch) for name, switch in value.items()))


def _sprs(value: object, place: Place) -> tuple[tuple[int, int], ...]:
    """``0x3d0=0x1234,977``: numbers of SPRs, each with its value out of reset; or the same as pairs of numbers."""
    right = "numbers of SPRs, each with a value or none, like 0x3d0=0x1234,977"
    found: dict[int, int] = {}
    try:
        if isinstance(value, str):
            pairs = [(number, text or "0") for number, _, text in (word.partition("=") for word in value.split(","))]
            found = {int(number, 0): int(text, 0) for number, text in pairs}
        elif isinstance(value, (list, tuple)):
            found = {int(number): int(held) for number, held in value}
        else:
            raise _wrong(value, right, place)
    except (ValueError, TypeError):
        raise _wrong(value, right, place) from None
    if any(not 0 <= number < 1024 or not 0 <= held <= 0xFFFFFFFF for number, held in found.items()):
        raise _wrong(value, right, place)
    return tuple(sorted(found.items()))


def _convert(key: str, value: object, place: Place, directory: Path) -> object:
    """Bring one value to its field's type."""
    if key in ("kernel", "initrd", "dtb", "symbols", "input"):
        if not isinstance(value, (str, Path)) or not str(value):
            raise _wrong(value, "a file name", place)
        return directory / named(value)
    if key in CHOICES:
        word = _text(value, place)
        word = QEMU_CPUS.get(word, word) if key == "cpu" else word
        if word not in CHOICES[key]:
            raise _wrong(value, " or ".join(CHOICES[key]), place)
        return word
    convert: Callable[[object, Place], object] = _CONVERTERS[key]
    return convert(value, place)


_CONVERTERS: Mapping[str, Callable[[object, Place], object]] = {
    "memory": parse_size,
    "append": _text,
    "load": parse_address,
    "entry": parse_address,
    "initrd_address": parse_address,
    "dtb_address": parse_address,
    "max_insns": parse_count,
    "quirks": _quirks,
    "user_sprs": _sprs,
}
