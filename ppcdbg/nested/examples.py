"""Right and wrong exits for every rule, to learn from and to try an audit on. The same seed gives the same exit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b

from ppcdbg.nested.rules import rule_of
from ppcdbg.nested.snapshot import Snapshot
from ppcdbg.nested.vmcs import ERROR_CODE, EXIT_SAVE_EFER, EXIT_SAVE_PAT, EXIT_SAVE_TIMER, FIELDS, VALID, Area

M64 = (1 << 64) - 1
_EVENT = "vm_entry_intr_info_field"


class _Numbers:
    """Numbers that follow from a seed and a word, and from nothing else."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def of(self, word: str, bits: int) -> int:
        digest = blake2b(f"{self._seed} {word}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") >> (64 - bits)


def right(seed: int = 0) -> Snapshot:
    """An exit as it must be, with every field in it; both CR formulas have all four cases of their masks."""
    n = _Numbers(seed)
    before = {name: n.of(f"before {name}", each.bits) for name, each in FIELDS.items()}
    running = {name: n.of(f"running {name}", each.bits) for name, each in FIELDS.items()}
    host = {name: n.of(f"host {name}", each.bits) for name, each in FIELDS.items()}
    before["vm_exit_controls"] |= EXIT_SAVE_PAT | EXIT_SAVE_EFER
    before["vm_exit_controls"] &= ~EXIT_SAVE_TIMER
    before[_EVENT] |= VALID
    running["vm_exit_reason"] &= 0xFFFF
    running["vm_exit_intr_info"] |= VALID | ERROR_CODE
    running["idt_vectoring_info_field"] &= ~VALID
    owned = {}
    for register in ("cr0", "cr4"):
        owned[register] = n.of(f"owned {register}", 64) & ~before[f"{register}_guest_host_mask"]
        running[f"{register}_guest_host_mask"] = ~owned[register] & M64
    s = Snapshot("l1", before, running, {}, host, owned=owned, ept=True)
    after = {name: _first(s, name) for name in FIELDS}
    return replace(s, after=after, following={_EVENT: after[_EVENT]})


def _first(s: Snapshot, name: str) -> int:
    expected = rule_of(name).expected(s, name)
    return expected.values[0] if expected.values else s.running[name]


def host_handled(seed: int = 0) -> Snapshot:
    """An exit that L0 handles: nothing of vmcs12 changes."""
    s = right(seed)
    return replace(s, handled_by="l0", after=dict(s.before), following={})


@dataclass(frozen=True)
class Mistake:
    """``rule``: the id of the one it breaks; ``fields``: where it shows. ``make`` spoils a right exit."""

    name: str
    rule: str
    fields: tuple[str, ...]
    make: Callable[[int], Snapshot]


def _with(s: Snapshot, **values: int) -> Snapshot:
    return replace(s, after={**s.after, **values})


def _copy(name: str, rule: str, *fields: str, source: str = "running") -> Mistake:
    def make(seed: int) -> Snapshot:
        s = right(seed)
        return _with(s, **{each: getattr(s, source)[each] for each in fields})

    return Mistake(name, rule, fields, make)


def _cr(name: str, rule: str, register: str, wrong: Callable[[int, int, int], int]) -> Mistake:
    """``wrong`` makes the value of GUEST_CRn, the read shadow, and the bits that are right in the first."""
    field = f"guest_{register}"

    def make(seed: int) -> Snapshot:
        s = right(seed)
        bits = s.owned[register] | s.before[f"{register}_guest_host_mask"]
        return _with(s, **{field: wrong(s.running[field], s.running[f"{register}_read_shadow"], bits) & M64})

    return Mistake(name, rule, (field,), make)


def _host_wrote(seed: int) -> Snapshot:
    s = host_handled(seed)
    return _with(s, vm_exit_reason=s.running["vm_exit_reason"])


def _valid_without_event(seed: int) -> Snapshot:
    s = right(seed)
    return _with(s, idt_vectoring_info_field=s.running["idt_vectoring_info_field"] | VALID)


def _injected_again(seed: int) -> Snapshot:
    s = right(seed)
    return replace(s, following={_EVENT: s.after[_EVENT] | VALID})


def _link_against_policy(seed: int) -> Snapshot:
    return replace(right(seed), link_pointer="keep")


_INFORMATION = tuple(
    name for name, each in FIELDS.items()
    if each.area is Area.EXIT and rule_of(name).id == "N8"
)  # fmt: skip

MISTAKES: tuple[Mistake, ...] = (
    Mistake("host-wrote", "N1", ("vm_exit_reason",), _host_wrote),
    _copy("tsc-offset", "N2", "tsc_offset"),
    _copy("host-state", "N2", "host_rip", source="host"),
    _copy("guest-forgotten", "N3", "guest_rip", "guest_rflags", source="before"),
    _copy("cr3-forgotten", "N3", "guest_cr3", source="before"),
    _copy("debugctl-invented", "N3", "guest_ia32_debugctl", source="host"),
    Mistake("link-against-policy", "N4", ("vmcs_link_pointer",), _link_against_policy),
    _copy("pat-forgotten", "N5", "guest_ia32_pat", source="before"),
    _copy("efer-forgotten", "N5", "guest_ia32_efer", source="before"),
    _copy("timer-unasked", "N5", "vmx_preemption_timer_value"),
    _copy("entry-event-copied", "N6", _EVENT),
    _copy("entry-event-left", "N6", _EVENT, source="before"),
    _copy("instruction-error", "N7", "vm_instruction_error"),
    _copy("exit-information-forgotten", "N8", *_INFORMATION, source="before"),
    Mistake("event-out-of-nothing", "N9", ("idt_vectoring_info_field",), _valid_without_event),
    _copy("error-code-forgotten", "N9", "vm_exit_intr_error_code", source="before"),
    _cr("cr0-copied", "N10", "cr0", lambda guest, shadow, bits: guest),
    _cr("cr0-ts-only", "N10", "cr0", lambda guest, shadow, bits: guest & ~8 | shadow & 8),
    _cr("cr0-inverted", "N10", "cr0", lambda guest, shadow, bits: shadow & bits | guest & ~bits),
    _cr("cr4-copied", "N11", "cr4", lambda guest, shadow, bits: guest),
    _cr("cr4-shadow", "N11", "cr4", lambda guest, shadow, bits: shadow),
    Mistake("injected-again", "N13", (_EVENT,), _injected_again),
)
