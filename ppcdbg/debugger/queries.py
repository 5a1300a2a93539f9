"""Questions that several commands and panes ask: what stands where, how an address translates, what a breakpoint needs.

Everything here reads; nothing runs the guest or changes it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.mmu import Access
from ppcdbg.cpu.msr import MSR_BITS
from ppcdbg.debugger.events import Event, Seen
from ppcdbg.debugger.fields import EVENT_FIELDS, ONLY_AFTER, SYNONYMS
from ppcdbg.debugger.registers import DEFAULT_GROUPS
from ppcdbg.debugger.results import Disassembly, DisassemblyRow, Explanation, Registers
from ppcdbg.debugger.run import Outcome
from ppcdbg.debugger.syntax import names_in, parse
from ppcdbg.errors import UsageError
from ppcdbg.kvm.answers import Answers
from ppcdbg.kvm.run import KvmSystem

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

Act = Callable[[], Outcome]

_MISS = {Access.FETCH: "ITLB_MISS", Access.LOAD: "DTLB_MISS", Access.STORE: "DTLB_MISS"}
_DENIED = {Access.FETCH: "INST_STORAGE", Access.LOAD: "DATA_STORAGE", Access.STORE: "DATA_STORAGE"}


def answers(debugger: Debugger) -> Answers:
    """Who answers the exits to userspace. Raises UsageError on the bare machine."""
    return kvm_of(debugger).answers


def kvm_of(debugger: Debugger) -> KvmSystem:
    """The system, with its KVM. Raises UsageError on the bare machine."""
    debugger.need_exits()
    system = debugger.system
    assert isinstance(system, KvmSystem)
    return system


def on_exits(event: Event) -> bool:
    """Whether a condition on an event is about an exit record, and not about the guest at a place."""
    return bool(event.seen) and event.seen <= {Seen.ARRIVAL, Seen.LEFT, Seen.EXIT}


def needs_handler(event: Event, condition: str) -> bool:
    """Whether a condition asks what only KVM's handler can say: then it is judged after the exit."""
    names = {SYNONYMS.get(n, n) for n in names_in(parse(condition))}
    early = bool(event.seen & {Seen.ARRIVAL, Seen.LEFT})
    return early and bool((names & ONLY_AFTER) - EVENT_FIELDS.get(event.kind, {}).keys())


def registers(debugger: Debugger, names: Sequence[str] | None) -> Registers:
    """By name, or by group (``gpr``, ``mmu``, ``timer``, ``interrupt``, ``all`` ...)."""
    file = debugger.register_file
    if names is None:
        return file.rows(None, debugger.before)
    groups = {file.group(n) for n in file.order}
    wanted: list[str] = []
    for name in names:
        bare = name.removeprefix("$").lower()
        known = file.canonical(bare)
        if known is not None:
            wanted.append(known)
        elif bare == "all" or bare in groups:
            wanted += [n for n in file.order if bare == "all" or file.group(n) == bare]
        else:
            near = difflib.get_close_matches(bare, [*file.order, *groups], 1)
            hint = f"; did you mean {near[0]}?" if near else "; groups are " + ", ".join(DEFAULT_GROUPS)
            raise UsageError(f"there is no register {name!r}{hint}")
    return file.rows(wanted, debugger.before)


def disassemble(debugger: Debugger, address: int, count: int) -> Disassembly:
    """Rows from ``address`` (rounded down to a word) on; unreadable words have no text."""
    start = address & 0xFFFFFFFC
    rows = tuple(disassembly_row(debugger, (start + 4 * i) & 0xFFFFFFFF) for i in range(count))
    return Disassembly(rows, debugger.symbols.name(start))


def disassembly_row(debugger: Debugger, address: int) -> DisassemblyRow:
    word = debugger.memory.instruction(address)
    place = debugger.symbols.place(address)
    label = place.name if place is not None and place.offset == 0 else ""
    current = address == debugger.pc
    stopped_at = address in debugger.breakpoints.addresses
    if word is None:
        return DisassemblyRow(address, None, "", "", None, "", label, current, stopped_at)
    d = debugger.disassembler.one(word, address)
    name = "" if d.target is None else debugger.symbols.name(d.target)
    was = debugger.image_word(address)
    original = "" if was in (None, word) else str(debugger.disassembler.one(was or 0, address))
    found = debugger.lines.at(address)
    source = f"{found.file}:{found.line}" if found is not None and found.first else ""
    return DisassemblyRow(
        address, word, d.mnemonic, d.operands, d.target, name, label, current, stopped_at, d.flow.link,
        original, source, found.text if found is not None and found.first else "",
    )  # fmt: skip


def explain(debugger: Debugger, ea: int, access: Access) -> Explanation:
    """The guest's translation entry by entry, then what stands at the end of it."""
    ea &= 0xFFFFFFFF
    found = debugger.guest.explain(ea, access)
    page = found.page
    gpa = None if page is None else page.gpa | ea & 0xFFF
    real = None if page is None or page.real is None else page.real | ea & 0xFFF
    target = ""
    if page is not None:
        target = "nothing" if real is None else debugger.system.board.device_at(real) or "nothing"
        if target == "ram" or real is not None and target == "nothing" and real + 1 <= len(debugger.core.bus.ram):
            target = "RAM"
    event = _next_event(debugger, found.outcome, access, target, found.shadow)
    return Explanation(ea, access.name.lower(), found.outcome, found.candidates, gpa, real, target, found.shadow, event)


def _next_event(debugger: Debugger, outcome: str, access: Access, target: str, shadow: Sequence[object]) -> str:
    """What an access would cause next: the exit's or interrupt's name, or nothing."""
    if outcome == "protection":
        return _DENIED[access]
    if outcome == "miss":
        return _MISS[access]
    if debugger.has_exits and not any(not getattr(c, "failed", "") for c in shadow):
        return _MISS[access]
    if access is Access.FETCH and target not in ("RAM", ""):
        return "MACHINE_CHECK"
    return ""


_ENABLES = {"EXTERNAL": "EE", "DECREMENTER": "EE", "FIT": "EE", "DOORBELL": "EE", "CRITICAL": "CE", "WATCHDOG": "CE",
            "DOORBELL_CRITICAL": "CE", "MACHINE_CHECK": "ME", "DEBUG": "DE"}  # fmt: skip


def why_not_taken(debugger: Debugger, name: str) -> str:
    """On the bare machine: whether the core would take an interrupt now, and what masks it."""
    core = debugger.core
    vector = core.deliverable()
    if vector is not None and VECTORS[vector].name == name:
        return f"{name} is pending, and is taken before the next instruction"
    bit = _ENABLES.get(name)
    if bit is None:
        return f"{name} is taken by the instruction that causes it; it is never pending"
    names = [n for n, mask in MSR_BITS if debugger.guest.msr & mask]
    if bit not in names:
        return f"{name} cannot be taken now: MSR[{bit}]=0"
    other = f"; {VECTORS[vector].name} goes first" if vector is not None else ""
    return f"{name} is not pending, and MSR[{bit}]=1 would let it be taken{other}"


def why_unreadable(debugger: Debugger, ea: int) -> str:
    """One clause: not mapped, mapped to nothing, or a device that cannot be looked at."""
    page = debugger.guest.page(ea & 0xFFFFFFFF)
    if page is None:
        return "no TLB entry of the guest maps it"
    if page.real is None:
        return f"it maps to guest-physical {page.gpa | ea & 0xFFF:#x}, where there is nothing"
    device = debugger.system.board.device_at(page.real)
    if device in ("", "ram"):
        return f"it maps to real {page.real | ea & 0xFFF:#x}, where nothing answers"
    return f"it is a register of {device} that looking at would change"
