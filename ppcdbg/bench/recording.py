"""What recording costs: Linux to its own reboot by `ppcdbg record`, beside `ppcdbg run` in the same round.

Whole processes by the wall, as in :mod:`ppcdbg.bench.whole`; `record` keeps images, hashes and every exit. A
recording is written by a second process, so that the figure wants a second processor that is free; the
processor time is that of the run alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ppcdbg.bench.clock import Finished
from ppcdbg.bench.guests import LINUX_APPEND, LINUX_MEMORY, linux
from ppcdbg.bench.results import Ask, Better
from ppcdbg.bench.row import Row, Subject
from ppcdbg.bench.whole import BOOTS, Boot, booted, ppcdbg

BOUND = 1.1
"""How many times as long a recorded run may take."""


def record_row(boots: tuple[Boot, ...], linux_folder: Path | None, folder: Path, timeout: float) -> Row:
    """Every Linux guest, recorded and not; ``folder`` takes the session files."""

    def run(boot: Boot, *command: str) -> Finished:
        guest = linux(boot.guest, linux_folder)
        return ppcdbg(
            [
                *command, "--cpu", guest.cpu, "--hv", boot.hv, "--memory", str(LINUX_MEMORY >> 20),
                "--initrd", str(guest.initrd), "--append", LINUX_APPEND, str(guest.kernel),
            ],
            timeout,
        )  # fmt: skip

    def both(boot: Boot) -> Mapping[str, float]:
        file = folder / f"{boot.name}.ppcdbg"
        file.unlink(missing_ok=True)
        plain, recorded = run(boot, "run"), run(boot, "record", "-o", str(file))
        file.unlink()
        return {
            boot.name: booted(plain), f"{boot.name}, recorded": booted(recorded),
            f"{boot.name}, processor": plain.processor, f"{boot.name}, recorded, processor": recorded.processor,
        }  # fmt: skip

    return Row(
        name="record",
        title="`ppcdbg record` beside `ppcdbg run`: Linux to its reboot, whole process",
        unit="s",
        better=Better.LOWER,
        subjects=tuple(Subject(boot.name, lambda boot=boot: both(boot)) for boot in boots),  # type: ignore[misc]
        asks=tuple(Ask(f"{boot.name}, recorded", BOUND, boot.name) for boot in boots),
        warm=lambda: [both(boot) for boot in boots],
    )


def rows(linux_folder: Path | None, folder: Path, timeout: float) -> tuple[Row, ...]:
    """The row of recordings."""
    return (record_row(BOOTS, linux_folder, folder, timeout),)
