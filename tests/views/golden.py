"""Golden text of views: compared as a whole; PPCDBG_GOLDEN=write writes the files anew (look at the difference)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ppcdbg.views.spans import ROLES, Line, to_text

FOLDER = Path(__file__).with_name("golden")


def check(name: str, rows: Iterable[Line], width: int) -> None:
    """The rows fit ``width``, use known roles, and read as the golden file does."""
    found = list(rows)
    for row in found:
        assert sum(len(s.text) for s in row) <= width, (name, row)
        assert all(s.role in ROLES for s in row), (name, {s.role for s in row} - set(ROLES))
        assert all(c.isprintable() for s in row for c in s.text), (name, row)
    text = to_text(found) + "\n"
    path = FOLDER / f"{name}.txt"
    if os.environ.get("PPCDBG_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{name} differs from {path}"
