"""Inputs grown towards code that none has reached yet: slower a try than damage, and it finds what damage does not.

    pip install atheris
    python -m tests.fuzz.guided TARGET SECONDS FOLDER

``FOLDER`` keeps what was found between runs: ``grown/`` the inputs that reached something new, ``found/`` those that
failed, the first of which ends a run. One that was understood goes to ``corpus/TARGET/``, where the ordinary tests read
it again. Atheris has wheels for few machines, so no test needs it. Cached objects are not for it: it sees the checksum
that is compared, which guards against accidents only.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
from pathlib import Path
from types import ModuleType

from ppcdbg.errors import PpcdbgError
from tests.fuzz.harness import PATIENCE, guard

ROOMS = ["ppcdbg", "elftools", "fdt", "tomllib"]
FORGED = 300
"""Inputs whose container is whole, to begin with."""


def grow(atheris: ModuleType, name: str, seconds: int, folder: Path) -> None:
    """Try inputs of a target until the time is over or one fails; does not return."""
    work, grown, found = (folder / each for each in ("work", "grown", "found"))
    for each in (work, grown, found):
        each.mkdir(parents=True, exist_ok=True)
    with atheris.instrument_imports(include=ROOMS):
        from tests.fuzz.targets import TARGETS, one_sentence

        os.chdir(work)
        reading = TARGETS[name].prepare(work)
        good = [*reading.corpus]
        if reading.forge is not None:
            good += [reading.forge(random.Random(f"{name}/{number}")) for number in range(FORGED)]
        for number, data in enumerate(good):
            (grown / f"good-{number}").write_bytes(data)
            try:
                reading.read(data, number)  # what is imported late is imported now
            except PpcdbgError:
                continue
    guard((folder, Path(os.environ.get("TMPDIR", "/tmp"))))
    numbers = itertools.count()

    def one(data: bytes) -> None:
        try:
            reading.read(data, next(numbers))
        except PpcdbgError as error:
            one_sentence(error)

    flags = [f"-max_total_time={seconds}", f"-timeout={PATIENCE:.0f}", "-rss_limit_mb=4096", "-max_len=65536",
             f"-artifact_prefix={found}/", "-print_final_stats=1"]  # fmt: skip
    atheris.Setup([sys.argv[0], *flags, str(grown)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    import atheris  # type: ignore[import-not-found]

    grow(atheris, sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]).resolve())
