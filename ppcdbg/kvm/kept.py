"""A guest under KVM as it lies in this process, kept and put back in microseconds: for who tries one moment again and
again.

``vcpu_state`` takes a state out of the process, as data, in a form of its own for each part; this keeps the very
objects and what they hold, so that nothing is converted and no new attribute can be forgotten. Registers, real TLB, RAM
and board are not here. The two must agree: ``tests/explore/test_point.py`` holds them together.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

from ppcdbg.kvm.log import ExitLog
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.system import Stop

_OTHERS = frozenset({"Vm", "SharedPage", "HostModel", "Quirks", "Costs", "IrqPrio", "Geometry"})
_TRANSIENT = frozenset({"rows", "decoded", "accesses"})
"""Empty while the guest stands still, or a cache."""
_WHERE = (int, Stop, type(None))
"""What of a system itself says where it stands; the rest is wiring, and who listens."""


def _parts(system: KvmSystem) -> Iterator[Any]:
    """Every object of this floor that the system is made of, the vcpu first of all."""
    found: dict[int, Any] = {id(system): system}
    waiting: list[Any] = [system]
    while waiting:
        for held in vars(waiting.pop()).values():
            of = type(held)
            ours = of.__module__.startswith("ppcdbg.kvm.") and hasattr(held, "__dict__") and of.__name__ not in _OTHERS
            if ours and id(held) not in found:
                found[id(held)] = held
                waiting.append(held)
    return iter(found.values())


class Kept:
    """A guest at one moment; it stands still. Good as long as this system lives. ``since``: exits that every moment to
    come back to has in its past."""

    def __init__(self, system: KvmSystem, since: int) -> None:
        v = system.kvm
        self._exits, self._since, self._rows = v.exits, since, v.exits.rows(since)
        self._attributes: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self._arrays: list[tuple[memoryview, bytes]] = []
        self._lists: list[tuple[list[Any], list[Any]]] = []
        self._tables: list[tuple[Any, Any]] = []
        for part in _parts(system):
            held = vars(part)
            if part is system:
                self._attributes.append((held, {k: x for k, x in held.items() if isinstance(x, _WHERE)}))
            elif not isinstance(part, ExitLog):
                self._attributes.append((held, dict(held)))
                for name, value in held.items():
                    if name not in _TRANSIENT:
                        self._keep(value)
        self._page = bytes(v.shared.page) if v.hv else None
        self._shared = v.shared.page

    def _keep(self, value: Any) -> None:
        if isinstance(value, array):
            raw = memoryview(value).cast("B")
            self._arrays.append((raw, bytes(raw)))
        elif isinstance(value, list):
            self._lists.append((value, [*value]))
        elif isinstance(value, dict):
            self._tables.append((value, dict(value)))

    def put(self) -> None:
        """The guest becomes what it was; what it did since is forgotten, its exits too."""
        for held, then in self._attributes:
            held.update(then)
        for raw, content in self._arrays:
            raw[:] = content
        for values, before in self._lists:
            values[:] = before
        for table, entries in self._tables:
            if table != entries:
                table.clear()
                table.update(entries)
        if self._page is not None:
            self._shared[:] = self._page
        self._exits.become(self._since, self._rows)
