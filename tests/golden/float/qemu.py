"""QEMU's answers to the golden cases: running it, storing them, and where its answers are not the book's.

Run as a program (``python -m tests.golden.float.qemu``) this writes ``qemu-7.2-e500mc.xz`` anew; it needs
qemu-system-ppc and powerpc-linux-gnu-gcc. Reading the file needs neither.
"""

from __future__ import annotations

import hashlib
import lzma
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.golden.float.cases import TARGET_BEFORE, Case, cases

HERE = Path(__file__).parent
FILE = HERE / "qemu-7.2-e500mc.xz"
_IN, _OUT = struct.Struct(">IIQQQQ"), struct.Struct(">QIII")

_COMPILE = (
    "powerpc-linux-gnu-gcc", "-m32", "-mcpu=e500mc", "-Wa,-me500mc", "-nostdlib", "-static",
    "-Wl,--build-id=none,-N,--no-warn-rwx-segments,-Ttext=0x100000",
)  # fmt: skip
_MACHINE = (
    "qemu-system-ppc", "-M", "ppce500", "-cpu", "e500mc", "-m", "256", "-no-reboot", "-display", "none",
    "-monitor", "none", "-nic", "none",
)  # fmt: skip


class Outcome(NamedTuple):
    """What an instruction left: FRT, FPSCR, CR, and how often it took the Program interrupt (0 or 1)."""

    target: int
    fpscr: int
    cr: int
    interrupts: int


def ask(wanted: Iterable[Case]) -> list[Outcome]:
    """Run the cases in QEMU, each with MSR[FP,FE0,FE1] set. CalledProcessError when it or the compiler fails."""
    records = [_IN.pack(c.word, c.fpscr, c.a, c.b, c.c, TARGET_BEFORE) for c in wanted]
    with tempfile.TemporaryDirectory() as folder:
        image, data, uart = (Path(folder, n) for n in ("witness.elf", "records", "uart"))
        subprocess.run([*_COMPILE, str(HERE / "witness.S"), "-o", str(image)], check=True)
        data.write_bytes(struct.pack(">II", len(records), 0) + b"".join(records))
        loader = f"loader,file={data},addr=0x1000000,force-raw=on"
        command = [*_MACHINE, "-kernel", str(image), "-serial", f"file:{uart}", "-device", loader]
        subprocess.run(command, check=True, timeout=600)
        answers = uart.read_bytes()
    if len(answers) != len(records) * _OUT.size:
        raise ValueError(f"QEMU answered {len(answers)} bytes to {len(records)} cases of {_OUT.size} bytes")
    return [Outcome(*fields) for fields in _OUT.iter_unpack(answers)]


def _digest(wanted: Iterable[Case]) -> bytes:
    return hashlib.sha256("\n".join(map(str, wanted)).encode()).digest()


def save(wanted: list[Case], outcomes: list[Outcome]) -> None:
    """Column by column, which compresses to a third."""
    columns = b"".join(struct.pack(f">{len(outcomes)}{kind}", *column) for kind, column in zip("QIII", zip(*outcomes)))
    FILE.write_bytes(lzma.compress(_digest(wanted) + columns, preset=9))


def load() -> list[tuple[Case, Outcome]]:
    """The cases with QEMU's answers. ValueError where the file was made from other cases."""
    wanted = list(cases())
    data = lzma.decompress(FILE.read_bytes())
    if data[:32] != _digest(wanted):
        raise ValueError(f"{FILE} holds answers to other cases; run python -m tests.golden.float.qemu")
    n = len(wanted)
    columns = struct.unpack(f">{n}Q{n}I{n}I{n}I", data[32:])
    return [(case, Outcome(*columns[i::n])) for i, case in enumerate(wanted)]


if __name__ == "__main__":
    everything = list(cases())
    save(everything, ask(everything))
    sys.stdout.write(f"{len(everything)} cases, {FILE.stat().st_size} bytes\n")
