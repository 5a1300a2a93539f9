"""Any command's result as plain data for JSON: objects of the fields that Python callers see.

Each object has ``type``, the class's name. Addresses and register images are text (``"0x..."``), counts are numbers;
bytes are text of hexadecimal digits. A field that is not shown in a value's repr is the debugger's own and left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

HEXADECIMAL = frozenset(
    {
        "address", "ea", "gpa", "real", "physical", "pc", "msr", "dar", "esr", "last_inst", "word", "target", "first",
        "last", "entry", "before", "after", "token", "args", "results", "addresses", "original", "replacement", "back",
        "nearest", "page", "critical", "r1",
    }
)  # fmt: skip
"""Fields that hold addresses or images of registers. ``results`` are those of a hypercall."""


def plain(value: object, field: str = "") -> Any:
    """The value in JSON's terms; ``field`` is the name it stands under."""
    if isinstance(value, Enum):
        return plain(value.value)
    if is_dataclass(value) and not isinstance(value, type):
        shown = {f.name: plain(getattr(value, f.name), f.name) for f in fields(value) if f.repr}
        return {"type": type(value).__name__, **shown}
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return f"{value:#x}" if field in HEXADECIMAL else value
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(plain(v, field) for v in value)
    if isinstance(value, tuple | list):
        return [plain(v, field) for v in value]
    if isinstance(value, str | float):
        return value
    assert isinstance(value, Path), f"{field or 'a result'} is {type(value).__name__}, which is no data"
    return str(value)
