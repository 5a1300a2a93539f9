"""An exit from files: one JSON snapshot, or the texts that two kernels printed of it."""

from __future__ import annotations

from pathlib import Path

from ppcdbg.errors import InputError, UsageError
from ppcdbg.nested.dump import SIGN, parse_dump
from ppcdbg.nested.snapshot import LARGEST, Snapshot, parse


def read_exit(paths: tuple[Path, ...], *, handled_by: str = "l1", ept: bool | None = None) -> Snapshot:
    """The exit that files hold: one with JSON; or dumps of vmcs02 (by L0's kernel) and of vmcs12 after the exit (by
    L1's), and before them, as a third, vmcs12 as it was. Raises InputError, or UsageError for another number of files.
    """
    texts = [_text(path) for path in paths]
    if len(paths) == 1 and not SIGN.search(texts[0]):
        return parse(texts[0], str(paths[0]))
    if len(paths) not in (2, 3):
        raise UsageError(
            f"{len(paths)} dump{'s' * (len(paths) != 1)} of a VMCS cannot be compared; it takes two, VMCS02 VMCS12, "
            "or three: VMCS12-BEFORE VMCS02 VMCS12"
        )
    values = [parse_dump(text, str(path)) for text, path in zip(texts, paths, strict=True)]
    before = values.pop(0) if len(values) == 3 else {}
    return Snapshot(handled_by, before, values[0], values[1], ept=ept)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:  # the second: there is a zero in its name
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > LARGEST:
        raise InputError(f"{path} is larger than {LARGEST >> 20} MiB; it must be a snapshot or a dump of one VMCS")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from None
