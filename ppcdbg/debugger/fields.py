"""The fields of an exit record by the names that filters and conditions use.

Every reader gives a tuple: an exit may queue two interrupts, and a field that has both a number and a name (``exit`` is
13 and DTLB_MISS) offers both. Names are the kernel's; ``FIELDS`` says what each means.
"""

from __future__ import annotations

from collections.abc import Callable

from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.msr import MSR_PR
from ppcdbg.debugger.causes import cause_of, mnemonic_of, priority_name, spr_of
from ppcdbg.debugger.events import EventKind
from ppcdbg.debugger.expressions import Scalar, Values
from ppcdbg.debugger.symbols import SymbolTable
from ppcdbg.engine.api import Hit
from ppcdbg.kvm.magic_page import FIELDS as FIELDS_OF_PAGE
from ppcdbg.kvm.payloads import PAYLOADS, SHORT_NAMES
from ppcdbg.kvm.records import Did, ExitRecord, payloads

Reader = Callable[[ExitRecord, SymbolTable], Values]


def _actions(name: str) -> Reader:
    """A reader of one attribute of the actions, leaving out those that do not have it."""

    def read(record: ExitRecord, symbols: SymbolTable) -> Values:
        found = (getattr(action, name) for action in record.actions)
        return tuple(int(v) if isinstance(v, bool) else v for v in found if v is not None and v != "")

    return read


def _left(name: str) -> Reader:
    """A reader of one field of struct kvm_run."""

    def read(record: ExitRecord, symbols: SymbolTable) -> Values:
        found = (left.payload().get(name) for left in payloads(record))
        return tuple(int(cell) for cell in found if isinstance(cell, int))

    return read


def _left_names(record: ExitRecord, symbols: SymbolTable) -> Values:
    return tuple(left.name for left in payloads(record))


def _priorities(numbers: tuple[int, ...]) -> Values:
    out: list[Scalar] = []
    for n in numbers:
        out += (n, priority_name(n))
    return tuple(out)


def _symbol(record: ExitRecord, symbols: SymbolTable) -> Values:
    place = symbols.place(record.pc)
    return () if place is None else (place.name,)


FIELDS: dict[str, tuple[Reader, str]] = {
    "exit": (lambda r, s: (r.vector, r.name), "the exit: its number or the kernel's name"),
    "number": (lambda r, s: (r.number,), "the number of the exit in this run"),
    "insn": (lambda r, s: (r.position,), "retired instructions when it happened"),
    "tick": (lambda r, s: (r.tick,), "model time in time-base ticks"),
    "pc": (lambda r, s: (r.pc,), "address of the guest's instruction"),
    "msr": (lambda r, s: (r.msr,), "the guest's MSR"),
    "user": (lambda r, s: (int(bool(r.msr & MSR_PR)),), "1 in user mode"),
    "dear": (lambda r, s: (r.dar,), "data address; stale where the exit does not capture it"),
    "esr": (lambda r, s: (r.esr,), "exception syndrome; stale where the exit does not capture it"),
    "inst": (lambda r, s: (r.last_inst, mnemonic_of(r)), "the instruction's word or mnemonic"),
    "spr": (lambda r, s: tuple(v for v in spr_of(r) if v != ""), "the SPR that an mfspr or mtspr names"),
    "cause": (lambda r, s: (cause_of(r),), "what the guest did, as text"),
    "did": (lambda r, s: tuple(a.did.value for a in r.actions), "what KVM did"),
    "prio": (lambda r, s: _priorities(r.queued), "interrupt priorities queued: number or name"),
    "delivered": (
        lambda r, s: _priorities(() if r.delivered is None else (r.delivered,)),
        "the interrupt delivered on the way back",
    ),
    "ea": (_actions("ea"), "effective address of what KVM did"),
    "gpa": (_actions("gpa"), "guest-physical address of what KVM did"),
    "size": (_actions("size"), "bytes of the mapping or the access"),
    "value": (_actions("value"), "value of an MMIO access or an SPR"),
    "write": (_actions("write"), "1 for a store to a device"),
    "device": (_actions("device"), "the device accessed"),
    "token": (_actions("token"), "number of a hypercall"),
    "note": (_actions("note"), "KVM's own words"),
    "exit_reason": (_left_names, "what KVM_RUN came back with, such as KVM_EXIT_SPR"),
    "sprn": (_left("sprn"), "the SPR that was left to userspace"),
    "dcrn": (_left("dcrn"), "the device control register that was left to userspace"),
    "status": (_left("status"), "1 where userspace failed an SPR (SPR_STATUS_FAIL)"),
    "resume": (lambda r, s: (r.resume,), "the resume code"),
    "accounted": (lambda r, s: (r.accounted,), "the exit-timing type"),
    "cost": (lambda r, s: (r.cost,), "model time that it took, in ticks"),
    "symbol": (_symbol, "the symbol that pc lies in"),
}


def hit_fields(hit: Hit) -> dict[str, int | str]:
    """What a condition on data sees of one access: the names of ``EVENT_FIELDS``."""
    found: dict[str, int | str] = {
        "pc": hit.pc, "insn": hit.position, "ea": hit.address, "real": hit.real, "size": hit.size,
        "write": int(hit.write),
    }  # fmt: skip
    if hit.old is not None:
        found["old"] = hit.old
    if hit.new is not None:
        found["new"] = hit.new
    value = hit.new if hit.write else hit.old
    return found if value is None else found | {"value": value}


def magic_field(real: int) -> str:
    """The field of the magic page that an address in it lies in."""
    at = real & 0xFFF
    return next((f.name for f in FIELDS_OF_PAGE if f.offset <= at < f.offset + f.size), "")


def device_fields(record: ExitRecord) -> dict[str, int | str]:
    """The same of an access that KVM made to a device; nothing for other exits."""
    for a in record.actions:
        if a.did is Did.MMIO:
            found = {"pc": record.pc, "insn": record.position, "ea": record.dar, "real": a.gpa, "size": a.size}
            kept: dict[str, int | str] = {k: v for k, v in found.items() if v is not None}
            return kept | {"write": int(bool(a.write))} | ({"value": a.value} if a.value is not None else {})
    return {}


def userspace_fields(record: ExitRecord) -> dict[str, int | str]:
    """What a condition on an exit to userspace sees: struct kvm_run, as it was answered; of several exits the last."""
    found: dict[str, int | str] = {}
    for left in payloads(record):
        found["exit_reason"] = left.name
        for name, cell in left.payload().items():
            if not isinstance(cell, tuple):
                found[name] = int.from_bytes(cell, "big") if isinstance(cell, bytes) else int(cell)
    return found


_ACCESS = {
    "pc": "address of the instruction that accesses",
    "insn": "retired instructions before it",
    "ea": "the first watched address that it touches",
    "real": "real address of the access",
    "size": "bytes of the access",
    "write": "1 for a store",
    "old": "what stood there",
    "new": "what is stored",
    "value": "what is loaded or stored",
}
_TAKEN = {
    "vector": "the interrupt's number",
    "name": "its name",
    "pc": "where the guest was",
    "msr": "the MSR before",
    "insn": "retired instructions",
}


def _of_payloads() -> dict[str, str]:
    """The fields of struct kvm_run by name, each with the exits that have it."""
    found: dict[str, list[str]] = {}
    for kind in PAYLOADS.values():
        for name in kind().payload():
            found.setdefault(name, []).append(kind().name.removeprefix("KVM_EXIT_"))
    return {name: f"{name} of struct kvm_run, at {', '.join(of)}" for name, of in found.items()}


EVENT_FIELDS: dict[EventKind, dict[str, str]] = {
    EventKind.DATA: _ACCESS,
    EventKind.MMIO: _ACCESS,
    EventKind.INSN: {"inst": "the instruction's word"},
    EventKind.USERSPACE: {
        **_of_payloads(),
        "exit_reason": "what KVM_RUN came back with: its name",
    },
    EventKind.HCALL: {"token": "number of the hypercall"},
    EventKind.WITHHELD: {"reason": "why it is not delivered, as in info irqprio"},
    EventKind.TAKEN: _TAKEN,
    EventKind.MISS: _TAKEN,
    EventKind.SWITCH: {**_TAKEN, "inst": "the return instruction's word"},
    EventKind.SHADOW: {
        "what": "write, evict or invalidate",
        "slot": "number of the entry in the real TLB",
        "ea": "effective address of the page",
        "real": "its real address",
        "mas1": "MAS1 of the entry written or lost",
        "mas2": "its MAS2",
        "mas3": "its MAS3",
        "mas7": "its MAS7",
    },
    EventKind.MAGIC: {**_ACCESS, "field": "the field's name", "by": "guest or kvm"},
    EventKind.CRITICAL: {
        **_ACCESS,
        "what": "entered, saved, looked, left, interrupted or withheld",
        "r1": "r1 of the section",
        "by": "the exit that interrupted it",
        "pending": "interrupts that it holds back",
    },
    EventKind.REWRITTEN: {
        **_ACCESS,
        "original": "the guest's own word",
        "rewritten": "position where it was rewritten",
    },
}
"""Fields beside the record's, by kind of event."""

SYNONYMS = {
    "dar": "dear", "nip": "pc", "last_inst": "inst", "queued": "prio", "reason": "exit", "position": "insn",
    "priority": "prio", "hcall": "token", "sym": "symbol", "n": "number",
}  # fmt: skip

ONLY_AFTER = frozenset({"exit_reason", "sprn", "dcrn", "status", "did", "prio", "delivered", "ea", "gpa", "size",
                        "value", "write", "device", "token", "note", "resume", "accounted", "cost"})  # fmt: skip
"""Fields of a record that KVM's handler fills in."""

_EXIT_NAMES = {v.name for v in VECTORS.values()}
_DID_WORDS = {d.value for d in Did}


def reader(name: str) -> Reader | None:
    """The reader of a field, by any of its names."""
    found = FIELDS.get(SYNONYMS.get(name, name))
    return None if found is None else found[0]


def constant(field: str, name: str) -> Scalar | None:
    """What a bare word means beside a field; None where the field has no such value."""
    field = SYNONYMS.get(field, field)
    if field == "exit":
        upper = name.upper()
        return upper if upper in _EXIT_NAMES else None
    if field == "did":
        word = name.lower().replace("_", "-")
        return word if word in _DID_WORDS else None
    if field in ("prio", "delivered", "exit_reason"):
        return name.upper()
    if field in ("inst", "spr", "cause", "device", "note", "resume", "accounted", "symbol"):
        return name
    return None


def exit_number(name: str) -> int | None:
    """The number of an exit by the kernel's name, in either case."""
    return next((v.number for v in VECTORS.values() if v.name == name.upper()), None)


def values_of(field: str) -> list[str]:
    """The words that a field can be compared with, for completion and suggestions."""
    field = SYNONYMS.get(field, field)
    if field == "exit":
        return sorted(_EXIT_NAMES)
    if field == "exit_reason":
        return sorted(f"KVM_EXIT_{name}" for name in SHORT_NAMES)
    return sorted(_DID_WORDS) if field == "did" else []
