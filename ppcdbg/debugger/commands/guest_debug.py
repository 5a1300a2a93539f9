"""Debugging the guest as QEMU's gdb would: through KVM_SET_GUEST_DEBUG, with what it costs and disturbs.

The debugger's own breakpoints disturb nothing and are another thing: they are no part of the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.model import vcpu_of
from ppcdbg.debugger.results import Note, Table
from ppcdbg.errors import UsageError
from ppcdbg.kvm.codes import DEBUG_BREAKPOINT, DEBUG_WATCH_READ, DEBUG_WATCH_WRITE
from ppcdbg.kvm.debug_points import REQUEST, SOFTWARE, STEP, Point, packed, refusal
from ppcdbg.machine.input import InputKind

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.kvm.vcpu import Vcpu

KINDS = {
    "step": STEP, "break": DEBUG_BREAKPOINT, "software": SOFTWARE, "watch": DEBUG_WATCH_WRITE,
    "rwatch": DEBUG_WATCH_READ, "awatch": DEBUG_WATCH_READ | DEBUG_WATCH_WRITE,
}  # fmt: skip
_SAYS = {
    "step": "every instruction: DBCR0[IC]", "break": "instruction address compare: IAC",
    "software": "00dddd00 in the guest's memory", "watch": "stores at the address: DAC",
    "rwatch": "loads at the address: DAC", "awatch": "loads and stores at the address: DAC",
}  # fmt: skip


def guest_debug(debugger: Debugger, argument: str) -> Note | Table:
    """A point more, none any more, or what there is."""
    vcpu = vcpu_of(debugger.system)
    if vcpu is None:
        raise UsageError("the bare machine has no KVM to debug a guest through; start the guest with --hv kvm")
    what, _, place = argument.strip().partition(" ")
    if not what:
        return _table(debugger, vcpu)
    if what == "off":
        return _off(debugger, vcpu, place.strip())
    if what not in KINDS or (what == "step") is bool(place.strip()):
        raise UsageError(
            f"guest-debug takes {', '.join(KINDS)} or off, and all but step an address: guest-debug break $pc"
        )
    point = Point(0, STEP) if what == "step" else _point(debugger, KINDS[what], place)
    points = (*(p for p in vcpu.debugger.points if p != point), point)
    if (why := refusal(points)) is not None:
        raise UsageError(f"KVM refuses: {why}")
    _ask(debugger, points)
    return Note(f"userspace debugs the guest: {_says(point)}; `break exit DEBUG` stops there")


def _point(debugger: Debugger, kind: int, place: str) -> Point:
    address = debugger.address(place) & 0xFFFFFFFF
    if kind not in (DEBUG_BREAKPOINT, SOFTWARE):
        return Point(address, kind)
    address &= 0xFFFFFFFC
    real = debugger.memory.real(address) if kind == SOFTWARE else 0
    if real is None or real + 4 > len(debugger.memory.bus.ram):
        raise UsageError(f"no software breakpoint fits at {address:#x}: {debugger.why_unreadable(address)}")
    return Point(address, kind, real)


def _off(debugger: Debugger, vcpu: Vcpu, place: str) -> Note:
    address = debugger.address(place) & 0xFFFFFFFF if place else None
    left = () if address is None else tuple(p for p in vcpu.debugger.points if p.address != address or p.kind == STEP)
    if address is not None and left == vcpu.debugger.points:
        raise UsageError(f"nothing is set at {address:#x}; guest-debug shows what is")
    _ask(debugger, left)
    return Note("userspace no longer debugs the guest" if not left else f"{len(left)} left")


def _ask(debugger: Debugger, points: tuple[Point, ...]) -> None:
    debugger.writer.put(InputKind.KVM, name=REQUEST, data=packed(points))
    debugger.writer.apply()


def _says(point: Point) -> str:
    name = next(name for name, kind in KINDS.items() if kind == point.kind)
    return name if point.kind == STEP else f"{name} {point.address:#x}"


def _table(debugger: Debugger, vcpu: Vcpu) -> Table:
    names = {kind: name for name, kind in KINDS.items()}
    rows = tuple(
        (names[p.kind], "-" if p.kind == STEP else f"{p.address:08x}", _SAYS[names[p.kind]])
        for p in vcpu.debugger.points
    )  # fmt: skip
    r, control = vcpu.debug, vcpu.guest_debug
    notes = [f"KVM_SET_GUEST_DEBUG control {control:#x}, DBCR0 {r.dbcr0:08x}, DBCR1 {r.dbcr1:08x}, DBCR2 {r.dbcr2:08x},"
             f" IAC {r.iac1:08x} {r.iac2:08x}, DAC {r.dac1:08x} {r.dac2:08x}"]  # fmt: skip
    if vcpu.debugger.passing:
        notes.append("one step goes past the point that was hit")
    return Table("guest debug", ("kind", "address", "how"), rows, tuple(notes))


COMMANDS: tuple[Command, ...] = (
    Command(
        "guest-debug",
        guest_debug,
        "guest-debug [step | break|software|watch|rwatch|awatch ADDRESS | off [ADDRESS]]",
        "Debug the guest through KVM_SET_GUEST_DEBUG, as QEMU's gdb would; what is set, without an argument.",
        "guest-debug break $pc",
        "userspace",
        (),
        lambda debugger, argument: [*KINDS, "off"],
    ),
)
