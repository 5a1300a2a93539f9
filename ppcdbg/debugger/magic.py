"""The page that KVM shares with a PR-mode guest, field by field: questions and writes. The layout is the kernel's
(``kvm.magic_page``); a guest in HV mode and the bare machine have no such page, and every answer is empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.model import vcpu_of
from ppcdbg.debugger.results import MagicField, Space
from ppcdbg.errors import UsageError
from ppcdbg.kvm import magic_page
from ppcdbg.kvm.vcpu import Vcpu

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

PREFIX = "magic_"
_BY_NAME = {f.name: f for f in magic_page.FIELDS}


def _sharing(debugger: Debugger) -> Vcpu | None:
    vcpu = vcpu_of(debugger.system)
    return None if vcpu is None or vcpu.hv else vcpu


def fields(debugger: Debugger) -> tuple[MagicField, ...]:
    """Every field in the order of the page, with the value in it now."""
    vcpu = _sharing(debugger)
    if vcpu is None:
        return ()
    values = vcpu.shared.values()
    return tuple(MagicField(f.name, f.offset, f.size, values[f.name]) for f in magic_page.FIELDS)


def register(debugger: Debugger, name: str) -> magic_page.Field | None:
    """The field that a register's name, ``magic_msr``, stands for; None where it is none, or there is no page."""
    if not name.startswith(PREFIX) or _sharing(debugger) is None:
        return None
    return _BY_NAME.get(name.removeprefix(PREFIX))


def register_names(debugger: Debugger) -> list[str]:
    """The fields as registers; none where there is no page."""
    return [] if _sharing(debugger) is None else [PREFIX + name for name in _BY_NAME]


def copy(debugger: Debugger) -> bytes:
    """The page as it is; empty where there is none."""
    vcpu = _sharing(debugger)
    return b"" if vcpu is None else bytes(vcpu.shared.page[: magic_page.SIZE])


def value(debugger: Debugger, name: str) -> int:
    """One field. Raises UsageError where there is no page or no such field."""
    field = _field(debugger, name)
    vcpu = _sharing(debugger)
    assert vcpu is not None
    return vcpu.shared.get64(field.offset) if field.size == 8 else vcpu.shared.get32(field.offset)


def write(debugger: Debugger, name: str, number: int) -> None:
    """Change one field, as the guest's own store would. Raises UsageError."""
    field = _field(debugger, name)
    vcpu = _sharing(debugger)
    assert vcpu is not None
    data = (number & (1 << 8 * field.size) - 1).to_bytes(field.size, "big")
    debugger.writer.memory(vcpu.shared_real + field.offset, data, Space.REAL)


def _field(debugger: Debugger, name: str) -> magic_page.Field:
    if _sharing(debugger) is None:
        raise UsageError("this guest shares no magic page with KVM; a guest on e500v2 under --hv kvm does")
    found = _BY_NAME.get(name)
    if found is None:
        raise UsageError(f"the magic page has no field {name!r}; its fields are {', '.join(_BY_NAME)}")
    return found
