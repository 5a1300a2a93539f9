"""What must hold of every world switch, whatever comes at which of its instructions.

The order of ``CONDITIONS`` is that of gravity: the first that is broken gives a run its verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ppcdbg.cpu.interrupts import DEBUG, VECTORS
from ppcdbg.cpu.tlb import TlbEntry
from ppcdbg.explore.switch_events import SwitchEvent
from ppcdbg.kvm.switch.rig import Taken

Difference = tuple[str, int, int]
"""A register, what it must be and what it is."""


@dataclass(frozen=True, slots=True)
class Came:
    """One event of a run. ``after``: instructions since the first one. ``in_guest``: it came in guest state.
    ``handled``: how often the host's handler of its interrupt ran. ``waited``: instructions until that was taken, None
    if it never was."""

    event: SwitchEvent
    after: int
    in_guest: bool
    handled: int
    waited: int | None

    @property
    def expected(self) -> int:
        """How often it must be handled."""
        return int(self.event.hosts or self.event.vector == DEBUG and self.in_guest)


@dataclass(frozen=True)
class Observed:
    """One run, from where the first event came: facts only.

    ``misrouted``: an interrupt that has come to the wrong one of host and KVM. ``entries``: TLB entries that map what
    nobody has there. ``end`` is guest, dead, hang, checkstop, misrouted, tlb (such an entry was written) or entry,
    where rfi would not go to the guest. ``guest`` and ``host`` are registers that are wrong when the guest goes on, and
    at kvmppc_handle_exit.
    """

    events: tuple[Came, ...]
    taken: tuple[Taken, ...]
    misrouted: Taken | None
    exits: tuple[tuple[int, int, int], ...]
    end: str
    srr: tuple[Difference, ...]
    guest: tuple[Difference, ...]
    host: tuple[Difference, ...]
    entries: tuple[TlbEntry, ...]


@dataclass(frozen=True)
class SwitchCondition:
    """``sign``: one letter of a table. ``broken`` says in one sentence what is wrong, or nothing."""

    name: str
    sign: str
    about: str
    broken: Callable[[Observed], str]


def _name(number: int) -> str:
    return VECTORS[number].name if number in VECTORS else str(number)


def _differences(rows: tuple[Difference, ...]) -> str:
    shown = ", ".join(f"{name} is {found:#010x}, not {wanted:#010x}" for name, wanted, found in rows[:3])
    return shown + (f", and {len(rows) - 3} more" if len(rows) > 3 else "")


def _wrong_handler(o: Observed) -> str:
    if (last := o.misrouted) is None:
        return ""
    of, to = ("the guest", "the host's") if last.from_guest else ("the host", "KVM's")
    return f"{_name(last.vector)} taken from {of} at {last.pc:#010x} goes to {to} handler"


def _saved(o: Observed) -> str:
    if o.srr:
        return f"rfi would not go to the guest: {_differences(o.srr)}"
    wanted = [t for t in o.taken if t.from_guest and not t.guest]
    for t, (number, pc, msr) in zip(wanted, o.exits):
        if (t.vector, t.pc & ~3, t.msr) != (number, pc & ~3, msr):
            return (
                f"the exit {_name(t.vector)} at {t.pc:#010x} was read as {_name(number)} at {pc:#010x}, MSR {msr:08x}"
            )
    return ""


def _tlb(o: Observed) -> str:
    for entry in o.entries:
        return f"the host put {entry.epn:#010x} -> {entry.rpn:#011x} into {entry.where}, which nobody has mapped so"
    return ""


def _mas(o: Observed) -> str:
    rows = tuple(row for row in o.guest if row[0].startswith("MAS"))
    return f"the guest goes on and {_differences(rows)}" if rows else ""


def _guest(o: Observed) -> str:
    return f"the guest goes on and {_differences(o.guest)}" if o.guest else ""


def _host(o: Observed) -> str:
    return f"at kvmppc_handle_exit {_differences(o.host)}" if o.host else ""


def _phantom(o: Observed) -> str:
    if any(e.event.vector == DEBUG and not e.in_guest and e.handled for e in o.events):
        t = next(t for t in o.taken if t.vector == DEBUG)
        where = "the guest" if t.from_guest else "the host"
        return f"the guest's breakpoint was hit by the host, and interrupts {where} at {t.pc:#010x}"
    return ""


def _twice(o: Observed) -> str:
    for e in o.events:
        if e.handled > max(1, e.expected):
            return f"{_one(o, e)}handled {e.handled} times"
    return ""


def _one(o: Observed, e: Came) -> str:
    """Which of several events a sentence is about."""
    return f"{e.event.name} is " if len(o.events) > 1 else ""


def _ends(o: Observed) -> str:
    if o.end == "dead":
        last = o.taken[-1] if o.taken else None
        what = "" if last is None else f": {_name(last.vector)} at {last.pc:#010x}"
        return f"the host gives up at an interrupt that it cannot handle{what}"
    if o.end == "hang":
        return "neither host nor guest goes on: the same instructions come again and again"
    return "the core stopped: a machine check with MSR[ME]=0" if o.end == "checkstop" else ""


def _lost(o: Observed) -> str:
    return next((f"{_one(o, e)}never handled" for e in o.events if e.handled < e.expected), "")


CONDITIONS: tuple[SwitchCondition, ...] = (
    SwitchCondition("right-handler", "V", "what interrupts the host goes to the host, what interrupts the guest to KVM",
                    _wrong_handler),
    SwitchCondition("no-phantom", "P", "a breakpoint of the guest is hit by the guest only", _phantom),
    SwitchCondition("host-tlb", "T", "the host's TLB gets no entry made of the guest's MAS", _tlb),
    SwitchCondition("saved-state", "S", "pc and MSR that an interrupt saved are read before another one saves its own",
                    _saved),
    SwitchCondition("guest-mas", "M", "the guest finds its MAS registers as it left them", _mas),
    SwitchCondition("guest-registers", "G", "the guest finds its other registers as it left them", _guest),
    SwitchCondition("host-state", "H", "the host has its stack, PID, MAS4, EPCR, IVPR and MSR at kvmppc_handle_exit",
                    _host),
    SwitchCondition("never-twice", "2", "one event is handled once", _twice),
    SwitchCondition("goes-on", "X", "host and guest go on", _ends),
    SwitchCondition("never-lost", "L", "an event is handled", _lost),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SwitchVerdict:
    """``sign`` for a table, ``word`` and ``reason`` for a reader; ``condition`` is the one broken, empty: all hold."""

    sign: str
    word: str
    condition: str = ""
    reason: str = ""


CANNOT = SwitchVerdict(" ", "cannot come", reason="nothing that this instruction uses can leave the TLB")
SPOILED = SwitchVerdict("x", "not tried", reason="the switch fails with no event at all")


def judge(o: Observed) -> SwitchVerdict:
    """The verdict on one run."""
    for condition in CONDITIONS:
        if reason := condition.broken(o):
            return SwitchVerdict(condition.sign, "fails", condition.name, reason)
    first = o.events[0]
    if len(o.events) > 1:
        return SwitchVerdict(".", "handled", reason=", ".join(_fate(e) for e in o.events) + "; everything goes on")
    if first.event.vector is None:
        return SwitchVerdict(".", "clean", reason="the guest goes on, and everything is where it belongs")
    if first.waited is None:
        return SwitchVerdict("s", "suppressed", reason="EPCR[DUVD]: no debug event in hypervisor state")
    if first.waited:
        return SwitchVerdict(
            "-", f"held {first.waited}", reason=f"taken {first.waited} instructions later, and handled once"
        )
    return SwitchVerdict(".", "handled", reason="taken here, handled once, and everything goes on")


def _fate(e: Came) -> str:
    if e.waited is None:
        return f"{e.event.name} is suppressed (EPCR[DUVD])"
    return f"{e.event.name} is taken " + (f"{e.waited} instructions later" if e.waited else "where it comes")
