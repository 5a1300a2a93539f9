"""Where QEMU 7.2's e500v2 is another core than the silicon: what an interpreter decodes there (target/ppc/translate.c).

For comparisons with what ran in QEMU; ``CoreModel.qemu`` says what else differs.
"""

from __future__ import annotations

from ppcdbg.cpu import msr as M

UNKNOWN = frozenset({"dcbtstls", "dcblc", "icbtls", "icblc", "rfmci", "mfpmr", "mtpmr"})
RFDI = 0x4C00004E


def refused(name: str | None, word: int) -> int | None:
    """ESR of what the core refuses by decoding alone; None for what it carries out. ``name``: the silicon's
    instruction, None where it has none."""
    if name is None:
        return M.ESR_PPR if word == RFDI else None
    return M.ESR_PIL if name in UNKNOWN else None
