"""The folder of an oracle: ``guests/G.bin``, ``traces/G-BACKING.core`` and ``.info``, read and checked.

Layout and meaning are the README's there. Nothing is written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ppcdbg.conform.machine import MEBIBYTE, TLBS, Setting
from ppcdbg.errors import InputError
from ppcdbg.kvm.host import Backing

BACKINGS = tuple(b.value for b in Backing)
_FIELD = re.compile(r"(\w+)=(\S*)")


@dataclass(frozen=True)
class Trace:
    """One run under the real KVM: its events, and by name the parts of its ``.info``, each a list of lines."""

    guest: str
    backing: str
    events: tuple[str, ...]
    info: dict[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        return f"{self.guest}-{self.backing}"


@dataclass(frozen=True)
class Oracle:
    """``traces``: (guest, backing) of each trace that there is."""

    folder: Path
    traces: tuple[tuple[str, str], ...]

    def image(self, guest: str) -> bytes:
        """The flat image of a guest, which may be compressed: G.bin.xz."""
        path = self.folder / "guests" / f"{guest}.bin"
        packed = path.with_suffix(".bin.xz")
        if path.exists() or not packed.exists():
            return _read(path, "guest")
        import lzma  # only a guest that is compressed pays for it

        try:
            return lzma.decompress(_read(packed, "guest"))
        except lzma.LZMAError as error:
            raise InputError(f"the guest {packed} cannot be unpacked: {error}") from None

    def trace(self, guest: str, backing: str) -> Trace:
        """One trace with its ``.info``, which may be missing. Raises InputError."""
        path = self.folder / "traces" / f"{guest}-{backing}.core"
        events = [line.rstrip() for line in _text(path, "trace").splitlines()]
        events = [line for line in events if line]
        for number, line in enumerate(events, 1):
            if ": " not in line:
                raise InputError(f"line {number} of the trace {path} is no event: {line[:60]!r}")
        info = path.with_suffix(".info")
        return Trace(guest, backing, tuple(events), _parts(_text(info, "information")) if info.exists() else {})

    def setting(self, trace: Trace) -> Setting:
        """How the guest of a trace was run."""
        begin = dict(_FIELD.findall(" ".join(trace.info.get("BEGIN", ()))))
        if begin.get("linux", "0") != "0":
            raise InputError(f"the trace {trace.name} is of a Linux guest; conform runs bare-metal guests")
        tlb, memory = begin.get("tlb", "sw"), begin.get("memmb", "16")
        tlb = tlb if tlb.startswith("sw") else "legacy"
        if tlb not in TLBS or not memory.isdecimal() or not 1 <= int(memory) <= 1024:
            raise InputError(f"the trace {trace.name} was made with tlb={tlb} memmb={memory}, which is not known here")
        return Setting(trace.backing, tlb, int(memory) * MEBIBYTE)


def open_oracle(folder: Path, guests: Sequence[str] = (), backings: Sequence[str] = ()) -> Oracle:
    """The traces of a folder, or those of some guests and backings alone. Raises InputError where there are none."""
    traces = folder / "traces"
    if not traces.is_dir() or not (folder / "guests").is_dir():
        raise InputError(f"{folder} is no oracle: it needs the folders guests/ and traces/")
    found = []
    for path in sorted(traces.glob("*.core")):
        guest, _, backing = path.stem.rpartition("-")
        if backing not in BACKINGS or not guest:
            raise InputError(f"{path} is named for no backing; a trace is GUEST-BACKING.core, {' or '.join(BACKINGS)}")
        found.append((guest, backing))
    for guest in guests:
        if guest not in {name for name, _ in found}:
            raise InputError(f"there is no trace of a guest {guest} in {traces}")
    chosen = [(g, b) for g, b in found if (not guests or g in guests) and (not backings or b in backings)]
    if not chosen:
        raise InputError(f"{traces} holds no such trace")
    return Oracle(folder, tuple(chosen))


def _parts(text: str) -> dict[str, tuple[str, ...]]:
    """``@@@ NAME rest`` begins a part; a part of one line is that line's rest."""
    parts: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        if line.startswith("@@@ "):
            name, _, rest = line[4:].partition(" ")
            current = parts.setdefault(name, [])
            line = rest
        if line.strip():
            current.append(line)
    return {name: tuple(lines) for name, lines in parts.items()}


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the {what} {path}: {error.strerror or error}") from None


def _text(path: Path, what: str) -> str:
    try:
        return _read(path, what).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"the {what} {path} is no text: {error}") from None
