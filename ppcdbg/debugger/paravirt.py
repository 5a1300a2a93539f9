"""Questions about the paravirtual interface: deferral policies and their costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.model import vcpu_of
from ppcdbg.debugger.results import Table
from ppcdbg.errors import UsageError
from ppcdbg.kvm.deferral import POLICIES
from ppcdbg.kvm.vcpu import Vcpu

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


def vcpu(debugger: Debugger) -> Vcpu:
    """The vcpu of a guest that shares a page with KVM. Raises UsageError for one that cannot."""
    found = vcpu_of(debugger.system)
    if found is None or found.hv:
        raise UsageError("this guest has no paravirtual interface with KVM; one on e500v2 under --hv kvm has")
    return found


def deferral(debugger: Debugger) -> Table:
    """What the chosen policy did so far; the notes say what it is and what it asks of a guest."""
    policy = vcpu(debugger).deferral
    c = policy.costs()
    waiting = "none" if c.waiting is None else f"since {c.waiting} instructions"
    rows = (
        ("held back by a section alone", c.withheld, "times"),
        ("then delivered", c.delivered, f"after {c.delay} instructions in all, {c.longest} at most"),
        ("then masked or withdrawn", c.masked, "by the guest, as the section ended"),
        ("waiting now", 0 if c.waiting is None else 1, waiting),
        ("exits for it", c.exits, ""),
        ("  single steps", c.steps, ""),
        ("  stores carried out", c.stores, ""),
        ("TLB entries rewritten", c.page_changes, ""),
    )
    notes = [f"{policy.name}: {says(type(policy).__doc__)}"]
    if policy.guest_must:
        notes.append(f"the guest must {policy.guest_must}")
    notes.append("--deferral takes " + ", ".join(p.name for p in POLICIES))
    return Table(f"deferral: {policy.name}", ("what", "count", ""), rows, tuple(notes))


def says(text: str | None) -> str:
    """A docstring that is shown to users, in one line."""
    return " ".join((text or "").split())
