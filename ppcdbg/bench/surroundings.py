"""Where a report was measured: what of the host bears on its figures, and no host name."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from ppcdbg.bench import qemu
from ppcdbg.bench.results import Surroundings


def surroundings(peers: bool) -> Surroundings:
    """The host now; QEMU is asked for its version only if it is measured."""
    try:
        llvmlite = version("llvmlite")
    except PackageNotFoundError:
        llvmlite = ""
    return Surroundings(
        system=f"{platform.system()} {platform.machine()}",
        processors=os.cpu_count() or 1,
        python=platform.python_version(),
        llvmlite=llvmlite,
        qemu=qemu.version() if peers else "",
    )
