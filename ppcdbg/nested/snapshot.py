"""What an audit looks at: the structures before and after one exit of L2, as a JSON file says them.

    {"exit": "l1",
     "vmcs12": {"guest_cr0": "0x80010033", ...},         L1's structure for L2 as it was when L2 ran
     "vmcs02": {...},                                    what L0 ran L2 with, as the processor left it
     "vmcs12_after": {...},                              L1's structure as L1 finds it
     "vmcs01": {...},                                    what L0 runs L1 with: to recognize its values
     "vmcs12_next": {...}, "l1_wrote": ["..."],          the same at the next entry, and what L1 wrote in between
     "controls": {"cr0_guest_owned_bits": "0x8", "cr4_guest_owned_bits": 0, "ept": true, "link_pointer": "copy"},
     "synthesized": {"vm_exit_reason": 1}}               exit information that L0 made itself

Numbers may be text in any base of Python's. Whatever is not given is not checked, and said to be so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ppcdbg.errors import InputError
from ppcdbg.nested.vmcs import FIELDS

Values = Mapping[str, int]
LARGEST = 16 << 20
_STRUCTURES = ("vmcs01", "vmcs12", "vmcs02", "vmcs12_after", "vmcs12_next", "synthesized")
_CONTROLS = ("cr0_guest_owned_bits", "cr4_guest_owned_bits")
_KEYS = ("exit", *_STRUCTURES, "l1_wrote", "controls")


@dataclass(frozen=True)
class Snapshot:
    """One exit. ``handled_by``: ``l1`` where it is L1's to handle, ``l0`` where the host handles it and L2 goes on.

    ``owned``: by ``cr0`` and ``cr4``, the bits that L0 lets its guest change without an exit, where they were given.
    ``ept``: whether L0 pages L2 by EPT, None where unknown. ``link_pointer``: ``copy`` or ``keep``, whichever the
    hypervisor chose.
    """

    handled_by: str
    before: Values
    running: Values
    after: Values
    host: Values = field(default_factory=dict)
    following: Values = field(default_factory=dict)
    l1_wrote: frozenset[str] = frozenset()
    owned: Values = field(default_factory=dict)
    ept: bool | None = None
    link_pointer: str | None = None
    synthesized: Values = field(default_factory=dict)


def parse(text: str, name: str) -> Snapshot:
    """The snapshot that a JSON text says; ``name`` is the file's, for messages. Raises InputError."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} is no JSON: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise InputError(f"{name} holds no object; it must be one with the keys {', '.join(_KEYS)}")
    for key in data:
        if key not in _KEYS:
            raise InputError(f"{name} has the key {key!r}; it must be one of {', '.join(_KEYS)}")
    handled = data.get("exit", "l1")
    if handled not in ("l0", "l1"):
        raise InputError(f"{name}: exit is {handled!r}; it must be l1 (L1 handles it) or l0 (the host does)")
    structures = {key: _values(data.get(key, {}), f"{name}: {key}") for key in _STRUCTURES}
    for needed in ("vmcs12", "vmcs12_after") if handled == "l0" else ("vmcs02", "vmcs12_after"):
        if not structures[needed]:
            raise InputError(f"{name} has no {needed}; an exit that {handled.upper()} handles cannot be judged without")
    controls = _object(data.get("controls", {}), f"{name}: controls", (*_CONTROLS, "ept", "link_pointer"))
    owned = {key[:3]: _number(controls[key], f"{name}: controls: {key}", 64) for key in _CONTROLS if key in controls}
    ept, link = controls.get("ept"), controls.get("link_pointer")
    if ept is not None and not isinstance(ept, bool):
        raise InputError(f"{name}: controls: ept is {ept!r}; it must be true or false")
    if link not in (None, "copy", "keep"):
        raise InputError(f"{name}: controls: link_pointer is {link!r}; it must be copy or keep")
    return Snapshot(
        handled, structures["vmcs12"], structures["vmcs02"], structures["vmcs12_after"], structures["vmcs01"],
        structures["vmcs12_next"], _names(data.get("l1_wrote", []), f"{name}: l1_wrote"), owned, ept, link,
        structures["synthesized"],
    )  # fmt: skip


def _object(value: Any, where: str, keys: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where} is {value!r:.40}; it must be an object")
    for key in value:
        if key not in keys:
            raise InputError(f"{where} has {key!r}; it must be one of {', '.join(keys)}")
    return value


def _values(value: Any, where: str) -> dict[str, int]:
    if not isinstance(value, dict):
        raise InputError(f"{where} is {value!r:.40}; it must be an object of fields and values")
    found = {}
    for key, given in value.items():
        known = FIELDS.get(key)
        if known is None:
            raise InputError(f"{where} has {key!r}, which is no field of a VMCS; names are those of struct vmcs12")
        found[key] = _number(given, f"{where}: {key}", known.bits)
    return found


def _number(value: Any, where: str, bits: int) -> int:
    number = value
    if isinstance(value, str):
        try:
            number = int(value, 0)
        except ValueError:
            number = None
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 1 << bits:
        raise InputError(f"{where} is {value!r:.40}; it must be a number of {bits} bits")
    return number


def _names(value: Any, where: str) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name in FIELDS for name in value):
        raise InputError(f"{where} is {value!r:.60}; it must be a list of fields of a VMCS")
    return frozenset(value)


def as_json(s: Snapshot) -> dict[str, Any]:
    """The object that ``parse`` reads back."""
    structures = zip(_STRUCTURES, (s.host, s.before, s.running, s.after, s.following, s.synthesized), strict=True)
    controls: dict[str, Any] = {f"{register}_guest_owned_bits": hex(bits) for register, bits in s.owned.items()}
    controls |= {} if s.ept is None else {"ept": s.ept}
    controls |= {} if s.link_pointer is None else {"link_pointer": s.link_pointer}
    found = {key: {name: hex(value) for name, value in values.items()} for key, values in structures if values}
    return {"exit": s.handled_by, **found, "l1_wrote": sorted(s.l1_wrote), "controls": controls}
