"""The ways in which the guest of the switch leaves: what makes the exit whose path is gone through."""

from __future__ import annotations

from dataclasses import dataclass

from ppcdbg.cpu import interrupts as I
from ppcdbg.errors import UsageError


@dataclass(frozen=True)
class Way:
    """``instruction`` and ``pr_instruction``: what the guest executes, in HV and in PR mode. ``comes``: the vector of
    an interrupt that comes before it from outside. ``vectors``: the exits that it makes in HV and PR mode.
    ``scheduled``: the thread is then scheduled off (vcpu_put), another vcpu of the guest's runs, and it is loaded
    again."""

    name: str
    about: str
    vectors: tuple[int, int]
    instruction: str = "nop"
    pr_instruction: str = "nop"
    comes: int | None = None
    scheduled: bool = False


_LOAD, _MOVE = "lwz r21, 0(r22)", "mtspr DECAR, r21"
WAYS: tuple[Way, ...] = (
    Way("data-miss", "a load from a page that KVM has not mapped yet", (I.DTLB_MISS, I.DTLB_MISS), _LOAD, _LOAD),
    Way("hypercall", "sc 1, in PR mode sc", (I.HV_SYSCALL, I.SYSCALL), "sc 1", "sc 0"),
    Way("privileged", "mtspr DECAR, which KVM emulates", (I.HV_PRIV, I.PROGRAM), _MOVE, _MOVE),
    *(Way(name, f"{about} interrupts the guest", (vector, vector), comes=vector) for name, about, vector in (
        ("external", "the external input", I.EXTERNAL), ("decrementer", "the decrementer", I.DECREMENTER),
        ("critical", "the critical input", I.CRITICAL), ("machine-check", "a machine check", I.MACHINE_CHECK),
        ("debug", "a breakpoint that userspace set", I.DEBUG))),
    Way("scheduled", "the decrementer interrupts the guest, and another vcpu's thread runs before it goes on",
        (I.DECREMENTER, I.DECREMENTER), _LOAD, _LOAD, I.DECREMENTER, True),
)  # fmt: skip


def way(name: str) -> Way:
    """The way of a name. Raises UsageError."""
    for known in WAYS:
        if known.name == name:
            return known
    raise UsageError(f"there is no way out of a guest {name!r}; they are {', '.join(w.name for w in WAYS)}")
