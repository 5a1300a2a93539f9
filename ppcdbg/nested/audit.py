"""Hold one nested exit to the rules: for each field what must be there, what is, and what probably went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ppcdbg.nested.rules import HOST_HANDLED, NEXT_ENTRY, Expected, Missing, Rule, direct_bits, of, rule_of
from ppcdbg.nested.snapshot import Snapshot
from ppcdbg.nested.vmcs import FIELDS, VALID

_TS = 0x8


class Verdict(Enum):
    """Of one field."""

    OK = "ok"
    WRONG = "wrong"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Finding:
    """One field. ``expected``: what may be there (empty: anything) in the bits of ``mask``; ``how`` says whence.
    ``note``: what the wrong value looks like, or what is missing."""

    field: str
    rule: Rule
    expected: tuple[int, ...]
    found: int | None
    verdict: Verdict
    how: str = ""
    note: str = ""
    mask: int = (1 << 64) - 1


@dataclass(frozen=True)
class Audit:
    """Every field that either structure has, in the order of the encodings."""

    handled_by: str
    findings: tuple[Finding, ...]

    def of(self, verdict: Verdict) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.verdict is verdict)

    @property
    def wrong(self) -> tuple[Finding, ...]:
        return self.of(Verdict.WRONG)


def audit(snapshot: Snapshot) -> Audit:
    """Judge every field."""
    s = snapshot
    names = [name for name in FIELDS if name in s.before or name in s.running or name in s.after]
    found = [
        _judge(s, HOST_HANDLED if s.handled_by == "l0" else rule_of(name), name, s.after.get(name)) for name in names
    ]
    event = "vm_entry_intr_info_field"
    if event in s.following and event not in s.l1_wrote:
        found.append(_judge(s, NEXT_ENTRY, event, s.following[event]))
    return Audit(s.handled_by, tuple(found))


def _judge(s: Snapshot, rule: Rule, name: str, value: int | None) -> Finding:
    try:
        expected = rule.expected(s, name)
    except Missing as missing:
        return Finding(name, rule, (), value, Verdict.NOT_CHECKED, note=f"needs {missing}")
    how, mask = expected.how, expected.mask
    if value is None:
        return Finding(name, rule, expected.values, None, Verdict.NOT_CHECKED, how, "not in vmcs12_after", mask)
    right = not expected.values or any((value ^ each) & mask == 0 for each in expected.values)
    if right:
        return Finding(name, rule, expected.values, value, Verdict.OK, how, "", mask)
    return Finding(name, rule, expected.values, value, Verdict.WRONG, how, _looks_like(s, name, value, expected), mask)


def _looks_like(s: Snapshot, name: str, value: int, expected: Expected) -> str:
    """What mistake would give this value; empty where none that is known would."""
    if name in ("guest_cr0", "guest_cr4"):
        found = _merged_wrongly(s, name.removeprefix("guest_"), value)
        if found:
            return found
    if name == "vm_entry_intr_info_field" and value & VALID and value == s.before.get(name):
        return "still valid: it would be injected again"
    for structure, values in (("vmcs02", s.running), ("vmcs12 before the exit", s.before), ("vmcs01", s.host)):
        if values.get(name) == value:
            return f"the value of {structure}"
    if len(expected.values) == 1:
        return f"differs in bits {(value ^ expected.values[0]) & expected.mask:#x}"
    return ""


def _merged_wrongly(s: Snapshot, register: str, value: int) -> str:
    try:
        guest, shadow = (of(s, "vmcs02", name) for name in (f"guest_{register}", f"{register}_read_shadow"))
        inverse = direct_bits(s, register)
    except Missing:  # where L0 handles the exit itself the snapshot needs none of them
        return ""
    if value == guest:
        return "a plain copy of vmcs02: bits that L0 traps are L0's there"
    if value == shadow:
        return "the read shadow whole: bits that L2 owns are stale there"
    if register == "cr0" and value == (guest & ~_TS | shadow & _TS):
        return "only TS was merged: the formula is for every bit"
    if value == (shadow & inverse | guest & ~inverse):
        return "merged the wrong way round"
    return ""
