"""The families of exits: each has a role of its own, so that a list of a million can be read by colour."""

from __future__ import annotations

_MISS = ("DTLB_MISS", "ITLB_MISS", "DATA_STORAGE", "INST_STORAGE", "ALIGNMENT")
_EMULATE = ("PROGRAM", "HV_PRIV")
_CALL = ("SYSCALL", "HV_SYSCALL")
_INTERRUPT = (
    "EXTERNAL", "DECREMENTER", "FIT", "WATCHDOG", "CRITICAL", "MACHINE_CHECK", "DEBUG", "PERFORMANCE_MONITOR",
    "DOORBELL", "DOORBELL_CRITICAL", "GUEST_DBELL", "GUEST_DBELL_CRIT",
)  # fmt: skip


def kind_role(name: str) -> str:
    """The role of an exit by the kernel's name: storage, privileged instruction, call, interrupt, or any other."""
    families = (("miss", _MISS), ("emulate", _EMULATE), ("call", _CALL), ("interrupt", _INTERRUPT))
    return next((f"exit-{family}" for family, names in families if name in names), "exit")
