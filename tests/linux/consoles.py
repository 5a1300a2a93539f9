"""Linux consoles made comparable: what may differ between two machines that are both right is taken out.

Allowed by the guests' README: time stamps, interrupt counts, memory sizes, lines about devices that one machine lacks.
Everything that is taken out here says why.
"""

from __future__ import annotations

import re

TIME_STAMP = re.compile(r"^\[ *\d+\.\d+\] ", re.MULTILINE)
COUNTED = re.compile(r"^( *(?:LOC|\d+): +)\d+", re.MULTILINE)
CPU_FEATURES = re.compile(r"^(cpu_features +=) 0x[0-9a-f]+$", re.MULTILINE)


def comparable(console: str) -> list[str]:
    """The lines of a console without what may differ."""
    text = TIME_STAMP.sub("", console.replace("\r", ""))
    # Interrupt counts depend on how fast time passes. So does what /proc/interrupts says at a given moment.
    text = COUNTED.sub(r"\1N", text)
    # MMUCFG[LPIDSIZE] is 0 in QEMU, and the kernel then forgets CPU_FTR_EMB_HV (0x200); silicon and we have 6.
    text = CPU_FEATURES.sub(r"\1 N", text)
    return text.splitlines()


def without(lines: list[str], *patterns: str) -> list[str]:
    """The lines that match none of the patterns."""
    drop = [re.compile(pattern) for pattern in patterns]
    return [line for line in lines if not any(p.search(line) for p in drop)]
