"""How one system can see an event: what an engine looks for, which exits are asked at, and what cannot be seen at all.

Sound first, then cheap. Addresses and watched bytes cost nothing elsewhere. Exits cost that each one goes through
Python. Classes of instructions (``insn ... any``, SPRs that do not exit, TLB instructions of the bare machine) cost
that compiled regions rest. Interrupts taken by the hardware cost that Python takes each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ppcdbg.cpu.interrupts import DTLB_MISS, HV_PRIV, HV_SYSCALL, ITLB_MISS, PROGRAM, SYSCALL
from ppcdbg.debugger.events import Event, EventKind, Seen, Verb
from ppcdbg.debugger.matching import MISSES, MMUCSR0, TLB_INVALIDATIONS, TLB_WRITES
from ppcdbg.debugger.model import vcpu_of
from ppcdbg.debugger.results import Space
from ppcdbg.engine.api import Pattern, Watch, WatchKind
from ppcdbg.errors import UsageError
from ppcdbg.isa.sprs import Access, sprs_of
from ppcdbg.isa.table import by_name
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.fetch import LOADED, NEEDS_EMU, InstructionFetch
from ppcdbg.kvm.vcpu import Vcpu

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

MOST_WATCHED = 1 << 24
BOTH = "both"
"""Before an exit's handler and after it."""
_TRAPS = frozenset({PROGRAM, HV_PRIV})
_CALLS = frozenset({SYSCALL, HV_SYSCALL})
_KVM_ONLY = frozenset({EventKind.EXIT, EventKind.HCALL, EventKind.USERSPACE, EventKind.QUEUED, EventKind.WITHHELD,
                       EventKind.DELIVERED, EventKind.SHADOW, EventKind.RESCHED})  # fmt: skip
_RETURNS = ("rfi", "rfci", "rfmci", "rfdi", "rfgi")
_SPR_FIELD = 0x1FF800
_MFTB = 371 << 1 | 31 << 26


def placed(debugger: Debugger, event: Event, verb: Verb = Verb.BREAK) -> Event:
    """The event with how this system sees it. Raises UsageError for one that it can never see."""
    if event.kind in _KVM_ONLY and not debugger.has_exits:
        raise UsageError(f"the bare machine has no exits, so '{event}' never happens; start the guest with --hv kvm")
    if verb is Verb.TRACE and event.kind in ARRIVING:
        event = replace(event, after=True)  # a log tells what became of it
    return _SIGHTS[event.kind](debugger, event)


def _one(seen: Seen) -> Callable[[Debugger, Event], Event]:
    return lambda debugger, event: replace(event, seen=frozenset({seen}))


def _exits(event: Event, vectors: frozenset[int] | None, *also: Seen) -> Event:
    first = Seen.EXIT if event.after else Seen.ARRIVAL
    again = {Seen.EXIT} if event.text == BOTH else set()
    return replace(event, seen=frozenset({first, *again, *also}), vectors=vectors)


# --- places and data ----------------------------------------------------------------------------------------------
def _data(debugger: Debugger, event: Event) -> Event:
    """Under KVM, accesses to what is a device now are KVM's."""
    if not 0 < event.length <= MOST_WATCHED:
        raise UsageError(f"{event.length} bytes cannot be watched; from 1 byte to 16 MiB can")
    watch = Watch(WatchKind(event.access), event.address, event.length, event.real)
    seen = {Seen.ACCESS}
    if debugger.has_exits:
        real = debugger.memory.real(event.address, Space.REAL if event.real else Space.EA)
        if real is not None and real >= len(debugger.core.bus.ram):
            seen.add(Seen.EXIT)
    return replace(event, seen=frozenset(seen), watches=(watch,))


def _mmio(debugger: Debugger, event: Event) -> Event:
    if debugger.has_exits:
        return replace(event, seen=frozenset({Seen.EXIT}))
    kind = WatchKind.ACCESS if event.write is None else WatchKind.WRITE if event.write else WatchKind.READ
    watches: tuple[Watch, ...]
    if event.address:
        watches = (Watch(kind, event.address, event.length, True),)
    else:
        regions = [r for r in debugger.system.board.regions if event.name in ("", r.device.name)]
        watches = tuple(Watch(kind, r.base, r.size, True) for r in regions)
    return replace(event, seen=frozenset({Seen.ACCESS}), watches=watches)


# --- instructions -------------------------------------------------------------------------------------------------
def _class(event: Event, *classes: Pattern) -> Event:
    return replace(event, seen=frozenset({Seen.CLASS}), classes=classes)


def pattern(name: str) -> Pattern:
    """Every word of one mnemonic of the table."""
    form = by_name(name).form
    return Pattern(form.match, form.mask)


def _insn(debugger: Debugger, event: Event) -> Event:
    if debugger.has_exits and event.text != "any":
        return _exits(event, _TRAPS)
    if event.number is not None:
        return _class(event, Pattern(event.number))
    if not event.name:
        raise UsageError("every instruction is of some class; name one, for example: break insn tlbwe")
    return _class(event, pattern(event.name))


def _spr(debugger: Debugger, event: Event) -> Event:
    """In PR mode an SPR that a user may not touch always exits; in HV mode and on the bare machine some never do."""
    if debugger.guest.kind == "pr" and not (event.number is not None and _is_users(debugger, event.number)):
        return _exits(event, _TRAPS)
    found: list[Pattern] = []
    field = 0 if event.number is None else (event.number & 31) << 16 | event.number >> 5 << 11
    mask = 0 if event.number is None else _SPR_FIELD
    for name, write in (("mfspr", False), ("mtspr", True)):
        if event.write in (None, write):
            form = by_name(name).form
            found.append(Pattern(form.match & ~_SPR_FIELD | field, form.mask & ~_SPR_FIELD | mask))
    if event.write is not True:
        found.append(Pattern(_MFTB | field, 0xFC0007FE | mask))
    return _class(event, *found)


def _is_users(debugger: Debugger, number: int) -> bool:
    spr = sprs_of(debugger.core.model.name).get(number)
    return spr is not None and (spr.read is Access.USER or spr.write is Access.USER)


def _tlb(debugger: Debugger, event: Event) -> Event:
    if debugger.has_exits:
        return _exits(event, _TRAPS)
    names = [*(TLB_WRITES if event.name != "invalidate" else ()), *(TLB_INVALIDATIONS if event.name != "write" else ())]
    classes = [pattern(n) for n in names]
    if event.name != "write":
        form = by_name("mtspr").form
        classes.append(Pattern(form.match | (MMUCSR0 & 31) << 16 | MMUCSR0 >> 5 << 11, form.mask | _SPR_FIELD))
    return _class(event, *classes)


def _switch(debugger: Debugger, event: Event) -> Event:
    """To user state by a return from an interrupt, to supervisor state by an interrupt."""
    seen = set() if event.name == "user" else {Seen.TAKEN, *([Seen.EXIT] if debugger.has_exits else [])}
    classes = () if event.name == "kernel" else tuple(pattern(n) for n in _RETURNS)
    return replace(event, seen=frozenset(seen | ({Seen.CLASS} if classes else set())), classes=classes)


# --- exits and interrupts -----------------------------------------------------------------------------------------
def _exit(debugger: Debugger, event: Event) -> Event:
    return _exits(event, None if event.number is None else frozenset({event.number}))


def _hcall(debugger: Debugger, event: Event) -> Event:
    return _exits(event, _CALLS)


def _miss(debugger: Debugger, event: Event) -> Event:
    if not debugger.has_exits:
        if event.text:
            raise UsageError("the bare machine has one TLB, so a miss is the guest's; say miss data or miss fetch")
        return replace(event, seen=frozenset({Seen.TAKEN}))
    if event.text:
        event = replace(event, after=True)  # what kind of miss it is turns out in the handler
    vectors = frozenset({MISSES[event.name]} if event.name else {DTLB_MISS, ITLB_MISS})
    return _exits(event, vectors)


def _taken(debugger: Debugger, event: Event) -> Event:
    """By the hardware, or for KVM's guest by KVM; an HV guest takes some without an exit."""
    return replace(event, seen=frozenset({Seen.TAKEN, *([Seen.EXIT] if debugger.has_exits else [])}))


# --- the page that a PR guest shares with KVM ---------------------------------------------------------------------
def sharing(debugger: Debugger, event: Event) -> Vcpu:
    vcpu = vcpu_of(debugger.system)
    if vcpu is None or vcpu.hv:
        raise UsageError(f"this guest shares no magic page with KVM, so '{event}' never happens; one on e500v2 does")
    return vcpu


def _magic(debugger: Debugger, event: Event) -> Event:
    """The guest's accesses as data at the real page, KVM's writes by comparing the page before and after an exit."""
    vcpu = sharing(debugger, event)
    kind = WatchKind.READ if event.write is False else WatchKind.WRITE
    fields = [f for f in mp.FIELDS if event.name in ("", f.name)]
    watches = tuple(Watch(kind, vcpu.shared_real + f.offset, f.size, True) for f in fields)
    seen = {Seen.ACCESS} if event.text != "kvm" else set()
    if event.write is not False and event.text != "guest":
        seen.add(Seen.EXIT)
    return replace(event, seen=frozenset(seen), watches=watches if Seen.ACCESS in seen else ())


def _critical(debugger: Debugger, event: Event) -> Event:
    """The guest's own accesses to the page; and exits, where one may come into a section or a policy carries its stores
    out. A section as such (no name) is told without its steps."""
    vcpu = sharing(debugger, event)
    page = vcpu.shared_real
    at_exits = event.name in ("interrupted", "withheld")
    if event.name == "saved":
        watches = tuple(Watch(WatchKind.WRITE, page + at, 8, True) for at in (mp.SCRATCH1, mp.SCRATCH2, mp.SCRATCH3))
    elif event.name == "looked":
        watches = (Watch(WatchKind.READ, page + mp.INT_PENDING, 4, True),)
    else:
        watches = () if at_exits else (Watch(WatchKind.WRITE, page + mp.CRITICAL, 8, True),)
    seen = {Seen.ACCESS} if watches else set()
    if at_exits or not event.name or event.name == "left" and vcpu.deferral.carries_out:
        seen.add(Seen.EXIT)
    return replace(event, seen=frozenset(seen), watches=watches)


def _rewritten(debugger: Debugger, event: Event) -> Event:
    """Loads as data; what is watched is what is rewritten so far, so each exit is looked at for more."""
    vcpu = vcpu_of(debugger.system)
    if vcpu is None or vcpu.rewriter is None:
        raise UsageError(f"nobody rewrites this guest's instructions unasked, so '{event}' never happens;"
                         " --patch-by hypervisor does")  # fmt: skip
    return replace(event, seen=frozenset({Seen.ACCESS, Seen.EXIT}))


def _userspace(debugger: Debugger, event: Event) -> Event:
    seen = {Seen.EXIT} if event.after else {Seen.LEFT, Seen.EXIT} if event.text == BOTH else {Seen.LEFT}
    return replace(event, seen=frozenset(seen))


def _fetch_fault(debugger: Debugger, event: Event) -> Event:
    """At the exits that read the instruction, before the host oopses or does what keeps it from that."""
    vcpu = vcpu_of(debugger.system)
    if vcpu is None or not vcpu.hv:
        raise UsageError(f"KVM reads this guest's instructions with a permission that it always has, so '{event}' never"
                         " happens; a guest on e500mc under KVM shows it")  # fmt: skip
    walks = vcpu.vm.instruction_fetch is InstructionFetch.WALK
    return _exits(event, LOADED if walks else NEEDS_EMU)


ARRIVING = frozenset({EventKind.EXIT, EventKind.INSN, EventKind.SPR, EventKind.HCALL, EventKind.TLB, EventKind.MISS,
                      EventKind.FETCH_FAULT, EventKind.USERSPACE})  # fmt: skip
"""Kinds that are seen before what KVM does, unless ``after`` is said."""
_SIGHTS: dict[EventKind, Callable[[Debugger, Event], Event]] = {
    EventKind.ADDRESS: _one(Seen.PLACE),
    EventKind.DATA: _data,
    EventKind.EXIT: _exit,
    EventKind.INSN: _insn,
    EventKind.SPR: _spr,
    EventKind.MMIO: _mmio,
    EventKind.HCALL: _hcall,
    EventKind.USERSPACE: _userspace,
    EventKind.QUEUED: _one(Seen.EXIT),
    EventKind.WITHHELD: _one(Seen.EXIT),
    EventKind.DELIVERED: _one(Seen.EXIT),
    EventKind.TAKEN: _taken,
    EventKind.TLB: _tlb,
    EventKind.SHADOW: _one(Seen.EXIT),
    EventKind.MISS: _miss,
    EventKind.MAGIC: _magic,
    EventKind.CRITICAL: _critical,
    EventKind.REWRITTEN: _rewritten,
    EventKind.FETCH_FAULT: _fetch_fault,
    EventKind.RESCHED: _one(Seen.EXIT),
    EventKind.SWITCH: _switch,
    EventKind.CONSOLE: _one(Seen.CONSOLE),
    EventKind.POSITION: _one(Seen.POSITION),
}
