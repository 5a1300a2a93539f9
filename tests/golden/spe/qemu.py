"""QEMU's answers to the golden cases of the SPE: running it, and storing them.

Run as a program (``python -m tests.golden.spe.qemu``) this writes ``qemu-7.2-e500v2.xz`` anew; it needs
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

from tests.golden.spe.cases import TARGET_BEFORE, Case, cases

HERE = Path(__file__).parent
FILE = HERE / "qemu-7.2-e500v2.xz"
_IN, _OUT = struct.Struct(">IIIIQQQQQQ"), struct.Struct(">QQQIII")

_COMPILE = (
    "powerpc-linux-gnu-gcc", "-m32", "-Wa,-me500,-mspe", "-nostdlib", "-static",
    "-Wl,--build-id=none,-N,--no-warn-rwx-segments,-Ttext=0x100000",
)  # fmt: skip
_MACHINE = (
    "qemu-system-ppc", "-M", "ppce500", "-cpu", "e500v2_v30", "-m", "256", "-no-reboot", "-display", "none",
    "-monitor", "none", "-nic", "none",
)  # fmt: skip


class Outcome(NamedTuple):
    """What an instruction left: RT, ACC, memory, SPEFSCR, CR, and how often it took the Program interrupt (0 or 1)."""

    target: int
    acc: int
    memory: int
    spefscr: int
    cr: int
    interrupts: int


def ask(wanted: Iterable[Case]) -> list[Outcome]:
    """Run the cases in QEMU with MSR[SPE] set. CalledProcessError when it or the compiler fails."""
    records = [
        _IN.pack(c.word, c.spefscr, c.cr, 0, c.a, c.b, TARGET_BEFORE, c.acc, c.memory, 0) for c in wanted
    ]  # fmt: skip
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
    """Column by column, and only what changed, which compresses best."""
    befores = [(TARGET_BEFORE, c.acc, c.memory, c.spefscr, c.cr, 0) for c in wanted]
    changes = [tuple(x ^ y for x, y in zip(o, before)) for o, before in zip(outcomes, befores)]
    columns = b"".join(struct.pack(f">{len(changes)}{k}", *column) for k, column in zip("QQQIII", zip(*changes)))
    FILE.write_bytes(lzma.compress(_digest(wanted) + columns, preset=9))


def load() -> list[tuple[Case, Outcome]]:
    """The cases with QEMU's answers. ValueError where the file was made from other cases."""
    wanted = list(cases())
    data = lzma.decompress(FILE.read_bytes())
    if data[:32] != _digest(wanted):
        raise ValueError(f"{FILE} holds answers to other cases; run python -m tests.golden.spe.qemu")
    n = len(wanted)
    columns = struct.unpack(f">{3 * n}Q{3 * n}I", data[32:])
    found = []
    for i, c in enumerate(wanted):
        before = (TARGET_BEFORE, c.acc, c.memory, c.spefscr, c.cr, 0)
        found.append((c, Outcome(*(x ^ y for x, y in zip(columns[i::n], before)))))
    return found


if __name__ == "__main__":
    everything = list(cases())
    save(everything, ask(everything))
    sys.stdout.write(f"{len(everything)} cases, {FILE.stat().st_size} bytes\n")
