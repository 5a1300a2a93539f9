"""The tier-0 code of a core model: compiled once, kept in the cache, loaded once a process, LLVM only where needed."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ppcdbg import paths
from ppcdbg.engine.api import TenantCode
from ppcdbg.engine.llvm.cache import fingerprint, keep, recall, recall_or_make
from ppcdbg.engine.llvm.image import Image, flatten

OPTIMIZE, GENERATE = 0, 1
"""The handlers are so short that LLVM's passes on IR gain nothing over good code generation (design/engine.md)."""
_ROOMS = ("isa", "isa/insns", "cpu", "engine/common", "engine/llvm")
"""What the code is made from."""
_CHANGING = ("cpu MHz", "bogomips", "processor", "apicid", "initial apicid", "core id")
"""Lines of /proc/cpuinfo that differ between processors of one kind, or from time to time."""


def sources() -> list[Path]:
    """The files that the code depends on."""
    return [path for room in _ROOMS for path in (paths.PACKAGE / room).glob("*.py")]


def library() -> str:
    """Which llvmlite is installed, without importing it."""
    found = find_spec("llvmlite")
    if found is None or found.origin is None:
        return "none"
    version = Path(found.origin).with_name("_version.py")
    return version.read_text(encoding="utf-8") if version.is_file() else found.origin


def host() -> str:
    """The kind of processor, without asking LLVM where the system says it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            first = file.read(8192).split("\n\n")[0]
    except OSError:
        return " ".join(os.uname())
    return "\n".join(line for line in first.splitlines() if not line.startswith(_CHANGING))


class Tier0:
    """The loaded code of one core model; ``symbols`` are host addresses, valid while this lives."""

    def __init__(self, core: str, folder: Path | None, tenant: TenantCode | None = None) -> None:
        whose = "" if tenant is None else f"-{tenant.name}"
        files = sources() if tenant is None else sources() + tenant.sources()
        name = f"tier0-{core}{whose}-{fingerprint(files, core, library(), host())}"
        data = recall(folder, name + ".image")
        made = None
        if data is None:
            made = self._compile(core, tenant)
            data = flatten(made, self._exports())
            if data is not None:
                keep(folder, name + ".image", data)
        self._code: object = None
        if data is not None:
            try:
                self._code = image = Image(data)
                self.symbols = image.symbols
                return
            except OSError:
                pass
        self._link(recall_or_make(folder, name + ".o", lambda: made or self._compile(core, tenant)))

    def _link(self, code: bytes) -> None:
        from ppcdbg.engine.llvm.jit import Jit

        jit = Jit()
        linked = jit.link(code, self._exports())
        self._code, self.symbols = (jit, linked), linked.symbols

    @staticmethod
    def _exports() -> tuple[str, ...]:
        from ppcdbg.engine.llvm.flow import EXPORTS

        return EXPORTS

    @staticmethod
    def _compile(core: str, tenant: TenantCode | None) -> bytes:
        from ppcdbg.engine.llvm.jit import Jit
        from ppcdbg.engine.llvm.tier0 import tier0_text

        return Jit().compile(tier0_text(core, tenant), OPTIMIZE, GENERATE)


@cache
def tier0(core: str, tenant: TenantCode | None = None) -> Tier0:
    """The code of a core model, loaded: immutable, and shared by all engines of the process."""
    return Tier0(core, paths.user_cache(os.environ), tenant)
