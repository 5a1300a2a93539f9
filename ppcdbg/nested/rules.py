"""The rules of an exit from L2 to L1: which field of vmcs12 must hold what afterwards, and why.

Each is data: the fields it is about, the sentence, where it comes from, and how to work out what may be there. The
numbers are facts/domain.md 9's (the review of "Exiting from L2 to L1", kvm@vger 2010-06 and 2010-09). A field has
exactly one rule among ``OF_EXIT``, which is the first in the list that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ppcdbg.nested.snapshot import Snapshot
from ppcdbg.nested.vmcs import (
    ERROR_CODE,
    EXIT_SAVE_EFER,
    EXIT_SAVE_PAT,
    EXIT_SAVE_TIMER,
    FAILED_ENTRY,
    FIELDS,
    VALID,
    Area,
)

M64 = (1 << 64) - 1


class Missing(Exception):
    """A value that the rule needs is not in the snapshot; the argument names it."""


@dataclass(frozen=True)
class Expected:
    """What may stand in a field: one of ``values``, in the bits of ``mask``; ``how`` says where it comes from."""

    values: tuple[int, ...]
    how: str
    mask: int = M64


Work = Callable[[Snapshot, str], Expected]


@dataclass(frozen=True)
class Rule:
    """``fields`` None: every field. ``reason`` says why, ``source`` who says so."""

    id: str
    title: str
    reason: str
    source: str
    expected: Work = field(repr=False)
    fields: frozenset[str] | None = None

    def about(self, name: str) -> bool:
        return self.fields is None or name in self.fields


def of(s: Snapshot, structure: str, name: str) -> int:
    """A field of one structure. Raises Missing."""
    found = {"vmcs12": s.before, "vmcs02": s.running, "vmcs12_after": s.after}[structure].get(name)
    if found is None:
        raise Missing(f"{name} of {structure}")
    return found


# --- how values are worked out ------------------------------------------------------------------------------------
def unchanged(s: Snapshot, name: str) -> Expected:
    return Expected((of(s, "vmcs12", name),), "as it was before the exit")


def copied(s: Snapshot, name: str) -> Expected:
    return Expected((of(s, "vmcs02", name),), "from vmcs02")


def either(s: Snapshot, name: str) -> Expected:
    values = [each[name] for each in (s.running, s.before) if name in each]
    if not values:
        raise Missing(f"{name} of vmcs02")
    return Expected(tuple(values), "from vmcs02, or as it was")


def saved_if(bit: int, control: str) -> Work:
    """Copied if the exit saves it, by a bit of L1's VM-exit controls; else as it was."""

    def work(s: Snapshot, name: str) -> Expected:
        if of(s, "vmcs12", "vm_exit_controls") & bit:
            return Expected((of(s, "vmcs02", name),), f"from vmcs02: {control} is set")
        return Expected((of(s, "vmcs12", name),), f"as it was: {control} is clear")

    return work


def link_pointer(s: Snapshot, name: str) -> Expected:
    return {"copy": copied, "keep": unchanged}.get(s.link_pointer or "", either)(s, name)


def cr3(s: Snapshot, name: str) -> Expected:
    """Without EPT the CR3 in vmcs02 is that of L0's shadow tables, and L2's own is in neither structure."""
    if s.ept is None:
        raise Missing("controls: ept")
    if not s.ept:
        raise Missing("L2's own value, which L0 emulates where it pages by shadow tables")
    return copied(s, name)


def only_valid_cleared(s: Snapshot, name: str) -> Expected:
    return Expected((of(s, "vmcs12", name) & ~VALID,), "as it was, with the valid bit cleared")


def exit_information(s: Snapshot, name: str) -> Expected:
    if name in s.synthesized:
        return Expected((s.synthesized[name],), "what L0 made of the exit")
    reason = s.synthesized.get("vm_exit_reason", s.running.get("vm_exit_reason", 0))
    if reason & FAILED_ENTRY and name not in ("vm_exit_reason", "exit_qualification"):
        return Expected((of(s, "vmcs12", name),), "as it was: a failed entry writes reason and qualification only")
    return copied(s, name)


def interruption(s: Snapshot, name: str) -> Expected:
    """Where the exit wrote no event the valid bit is clear, and all other bits are undefined."""
    found = exit_information(s, name)
    if not found.values[0] & VALID:
        return Expected((0,), "valid bit clear; the rest is undefined", VALID)
    return found


def error_code(of_field: str) -> Work:
    def work(s: Snapshot, name: str) -> Expected:
        information = exit_information(s, of_field).values[0]
        found = exit_information(s, name)
        if information & VALID and information & ERROR_CODE:
            return found
        return Expected((), f"anything: {of_field} has no error code")

    return work


def merged(register: str) -> Work:
    """N10, N11: bits that L0 traps while L1 thinks that L2 owns them are in the read shadow."""

    def work(s: Snapshot, name: str) -> Expected:
        bits = direct_bits(s, register)
        value = of(s, "vmcs02", f"guest_{register}") & bits | of(s, "vmcs02", f"{register}_read_shadow") & ~bits
        return Expected((value & M64,), f"GUEST where L0 lets {register.upper()} be or L1 traps it, else READ_SHADOW")

    return work


def direct_bits(s: Snapshot, register: str) -> int:
    """The bits of CR0 or CR4 that GUEST_CRn of vmcs02 has right: L0's guest owns them, or L1 traps them."""
    owned = s.owned.get(register)
    if owned is None:  # L0 runs L2 with every other bit in the mask
        owned = ~of(s, "vmcs02", f"{register}_guest_host_mask")
    return (owned | of(s, "vmcs12", f"{register}_guest_host_mask")) & M64


# --- the rules ----------------------------------------------------------------------------------------------------
def _names(*names: str) -> frozenset[str]:
    assert set(names) <= set(FIELDS)
    return frozenset(names)


def _area(*areas: Area) -> frozenset[str]:
    return frozenset(name for name, each in FIELDS.items() if each.area in areas)


_S2 = "kvm@vger, Exiting from L2 to L1, 2010"
HOST_HANDLED = Rule(
    "N1", "the host's exits leave vmcs12 alone",
    "L1 must not see that anything happened: from its point of view there was no exit", _S2, unchanged,
)  # fmt: skip
OF_EXIT: tuple[Rule, ...] = (
    Rule("N6", "the valid bit of the entry's event is cleared",
         "else L1's next entry would inject the same event twice; the rest of the field is L1's own",
         f"{_S2}; SDM 24.8.3", only_valid_cleared, _names("vm_entry_intr_info_field")),
    Rule("N2", "controls and host state are L1's", "L2 cannot change them, and neither can its exit",
         f"{_S2} (TSC_OFFSET)", unchanged, _area(Area.CONTROL, Area.HOST)),
    Rule("N7", "the VMX instruction error is not copied", "it belongs to the emulation of VMX instructions", _S2,
         unchanged, _names("vm_instruction_error")),
    Rule("N9", "an event that was not written is not valid",
         "the exit clears one bit of it only; the others may be stale, which is a legal value of undefined bits",
         f"{_S2}; SDM 24.9.2", interruption, _names("vm_exit_intr_info", "idt_vectoring_info_field")),
    Rule("N9", "an error code counts with its event", "it is undefined unless its event is valid and has one",
         "SDM 24.9.2", error_code("vm_exit_intr_info"), _names("vm_exit_intr_error_code")),
    Rule("N9", "an error code counts with its event", "it is undefined unless its event is valid and has one",
         "SDM 24.9.3", error_code("idt_vectoring_info_field"), _names("idt_vectoring_error_code")),
    Rule("N8", "exit information is the exit's", "L1 handles the exit by it", _S2, exit_information, _area(Area.EXIT)),
    Rule("N10", "CR0 is merged bit by bit",
         "any bit that L0 traps while L1 thinks L2 owns it was written to the read shadow only (N12: not just TS)",
         _S2, merged("cr0"),
         _names("guest_cr0")),
    Rule("N11", "CR4 is merged as CR0 is", "it has the same masks, so the same can happen", _S2, merged("cr4"),
         _names("guest_cr4")),
    Rule("N5", "PAT is saved if the exit saves it", "VM_ENTRY_LOAD_IA32_PAT is the wrong bit to ask", _S2,
         saved_if(EXIT_SAVE_PAT, "VM_EXIT_SAVE_IA32_PAT"), _names("guest_ia32_pat")),
    Rule("N5", "EFER is saved if the exit saves it", "as PAT", "SDM 27.3.1",
         saved_if(EXIT_SAVE_EFER, "VM_EXIT_SAVE_IA32_EFER"), _names("guest_ia32_efer")),
    Rule("N5", "the preemption timer is saved if the exit saves it", "as PAT", "SDM 27.3.1",
         saved_if(EXIT_SAVE_TIMER, "VM_EXIT_SAVE_VMX_PREEMPTION_TIMER"), _names("vmx_preemption_timer_value")),
    Rule("N4", "the link pointer follows one policy",
         "it is guest state kept for the future: copying and keeping are legal", _S2, link_pointer,
         _names("vmcs_link_pointer")),
    Rule("N3", "CR3 and PDPTEs are L2's own where EPT pages it", "without EPT vmcs02 has L0's shadow tables",
         "nested.c of Linux 6.1, sync_vmcs02_to_vmcs12", cr3,
         _names("guest_cr3", "guest_pdptr0", "guest_pdptr1", "guest_pdptr2", "guest_pdptr3")),
    Rule("N3", "what only some exits save may stay", "skipping a register that L2 could not write is an optimization",
         f"{_S2} (DEBUGCTL)", either,
         _names("guest_ia32_debugctl", "guest_dr7", "guest_ia32_perf_global_ctrl", "guest_bndcfgs",
                "guest_intr_status", "guest_pml_index")),
    Rule("N3", "guest state is copied", "L2 ran, and changed it", _S2, copied, _area(Area.GUEST)),
)  # fmt: skip
NEXT_ENTRY = Rule(
    "N13", "nothing is injected twice",
    "unless L1 wrote the field, the next entry must find the valid bit clear", _S2,
    lambda s, name: Expected((0,), "valid bit clear: L1 did not write it", VALID), _names("vm_entry_intr_info_field"),
)  # fmt: skip


def every() -> Iterator[Rule]:
    """All rules, in the order of their numbers."""
    yield from sorted((HOST_HANDLED, *OF_EXIT, NEXT_ENTRY), key=lambda rule: int(rule.id[1:]))


def rule_of(name: str) -> Rule:
    """The rule of a field on an exit that L1 handles."""
    return next(rule for rule in OF_EXIT if rule.about(name))
