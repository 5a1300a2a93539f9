"""Questions about the paravirtual interface: the magic page, patched instructions, critical sections, deferral.

What is patched and what a section does is :mod:`ppcdbg.kvm.patching`'s and :mod:`ppcdbg.kvm.sections`' to know; here is
where the image and the guest's memory come from. Everything reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.cpu.msr import MSR_PR
from ppcdbg.debugger.causes import priority_name
from ppcdbg.debugger.magic_writers import MagicWriters
from ppcdbg.debugger.model import vcpu_of
from ppcdbg.debugger.results import MagicPage, MagicRow, Patched, PatchedDetail, Table
from ppcdbg.errors import UsageError
from ppcdbg.kvm import booke, irqprio
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.deferral import POLICIES
from ppcdbg.kvm.hypercalls import magic_features
from ppcdbg.kvm.patching import PATCHABLE, PatchedSite, Scanner, page_access
from ppcdbg.kvm.sections import Section, section
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.kvm.walk import LONGEST
from ppcdbg.machine.images import executable_parts

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

TEXT = ("_stext", "_etext")
"""The symbols between which Linux patches."""


class Paravirt:
    """The questions of one debugger."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self._scanner: Scanner | None = None
        self.writers: MagicWriters | None = None
        """Who wrote the page, the last time that somebody asked."""

    @property
    def vcpu(self) -> Vcpu:
        """Raises UsageError for a guest that shares no page with KVM."""
        found = vcpu_of(self._debugger.system)
        if found is None or found.hv:
            raise UsageError("this guest has no paravirtual interface with KVM; one on e500v2 under --hv kvm has")
        return found

    # --- the page -------------------------------------------------------------------------------------------------
    def magic(self) -> MagicPage:
        """The page field by field, and whether the guest is in a critical section."""
        v, before = self.vcpu, self._debugger.page_before
        features = magic_features(v)
        now = bytes(v.shared.page[: mp.SIZE])
        rows = tuple(
            MagicRow(f.name, f.offset, f.size, _number(now, f), _number(before or now, f), not f.feature & ~features)
            for f in mp.FIELDS
        )
        mapped = bool(v.magic_page_ea)
        held = booke.held_by_section(v)
        inside, why = verdict(v)
        return MagicPage(
            rows,
            v.magic_page_ea if mapped else None,
            v.magic_page_pa if mapped else None,
            features,
            v.shared.get32(mp.INT_PENDING),
            v.shared.get32(mp.CRITICAL + 4),
            v.gpr[1],
            inside,
            why,
            tuple(priority_name(n) for n in range(irqprio.MAX) if held >> n & 1),
            v.deferral.name,
        )

    # --- patches --------------------------------------------------------------------------------------------------
    def patched(self, chosen: str = "") -> Patched:
        """Every patched instruction; ``chosen``: the beginning of its original, such as ``wrtee`` or ``mfspr SPRG``."""
        v = self.vcpu
        if self._scanner is None:
            self._scanner = Scanner(self._image())
        found = self._scanner.scan(self._debugger.memory.prefix, v.magic_page_ea, magic_features(v))
        names = [p.name for p in PATCHABLE]
        if chosen and not any(n.startswith(chosen) for n in names):
            raise UsageError(f"no patched instruction begins with {chosen!r}; there are {', '.join(names[:6])}, ...")
        return Patched(found, chosen)

    def _image(self) -> list[tuple[int, bytes]]:
        """What was loaded: of Linux its text, else every executable segment. Raises UsageError where nobody knows."""
        d = self._debugger
        parts = () if d.image is None else executable_parts(d.image)
        if not parts:
            raise UsageError(
                "which instructions were patched cannot be told without an ELF file; --symbols FILE names it"
            )
        first, last = (d.symbols.address(name) for name in TEXT)
        if first is None or last is None:
            return list(parts)
        clipped = ((max(at, first), part[max(0, first - at) : max(0, last - at)]) for at, part in parts)
        return [(at, part) for at, part in clipped if part]

    def at(self, address: int) -> PatchedDetail:
        """The patched instruction at an address, or whose template has it; else the critical section that has it."""
        address &= 0xFFFFFFFC
        sites = self.patched().scan.sites if self._debugger.image is not None else ()
        policy = self.vcpu.deferral.name
        for site in sites:
            if site.address == address:
                return PatchedDetail(address, site, self.template(site), policy)
        for site in sites:
            if site.target is not None and site.target <= address < site.target + 4 * LONGEST:
                found = self.template(site)
                if found is not None and any(s.address == address for s in found.steps):
                    return PatchedDetail(address, site, found, policy)
        found = self.section(address)
        nearest = None
        if found is None:
            nearest = min((s.address for s in sites), key=lambda a: abs(a - address), default=None)
        return PatchedDetail(address, None, found, policy, nearest)

    def template(self, site: PatchedSite) -> Section | None:
        """The template's copy that a patched branch goes to; None for a load, a store or a nop."""
        if site.target is None:
            return None
        page = self.vcpu.magic_page_ea
        return section(self._debugger.memory.instruction, site.target, page, site.back, site.original)

    def section(self, address: int) -> Section | None:
        """The critical section, entered at or before an address, that has this address; None outside of any."""
        read, page = self._debugger.memory.instruction, self.vcpu.magic_page_ea
        if not page:
            return None
        for at in range(address, max(address - 4 * LONGEST, 0), -4):
            word = read(at)
            if word is None:
                return None
            access = page_access(word, page)
            if access is not None and access.store and access.register == 1 and access.offset == mp.CRITICAL + 4:
                found = section(read, at, page)
                return found if any(s.address == address for s in found.steps) else None
        return None

    def rewritten(self) -> Table:
        """What the hypervisor has rewritten unasked, and whether it still stands there."""
        columns = ("address", "symbol", "original", "rewritten", "position", "exit", "still there")
        rewriter = self.vcpu.rewriter
        if rewriter is None:
            return Table("no instruction rewritten", columns, (), ("the hypervisor does so by --patch-by hypervisor",))
        standing = rewriter.standing()
        rows = tuple(
            (f"{e.address:#010x}", self._debugger.symbols.name(e.address), f"{e.original:08x}", f"{e.word:08x}",
             e.position, e.exit, "yes" if e.real in standing else "no")
            for e in rewriter.entries
        )  # fmt: skip
        notes = ("break rewritten stops at a load that sees one of them",)
        return Table(f"{len(rows)} instructions rewritten by the hypervisor", columns, rows, notes)

    # --- deferral -------------------------------------------------------------------------------------------------
    def deferral(self) -> Table:
        """What the chosen policy did so far; the notes say what it is and what it asks of a guest."""
        policy = self.vcpu.deferral
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
        notes = [f"{policy.name}: {' '.join((type(policy).__doc__ or '').split())}"]
        if policy.guest_must:
            notes.append(f"the guest must {policy.guest_must}")
        notes.append("--deferral takes " + ", ".join(p.name for p in POLICIES))
        return Table(f"deferral: {policy.name}", ("what", "count", ""), rows, tuple(notes))


def _number(page: bytes, field: mp.Field) -> int:
    return int.from_bytes(page[field.offset : field.offset + field.size], "big")


def verdict(v: Vcpu) -> tuple[bool, str]:
    """Whether the guest is in a critical section, and why, as KVM decides it (facts 4.4)."""
    r1, critical = v.gpr[1], v.shared.get32(mp.CRITICAL + 4)
    if booke.critical_section(v):
        zero = "" if r1 else ", both 0: a guest without a stack counts as in one"
        return True, f"critical = r1 = {r1:08x}{zero}"
    if v.shared.msr & MSR_PR and critical == r1:
        return False, f"critical = r1 = {r1:08x}, but the guest is in user mode"
    return False, f"critical is {critical:08x} and r1 {r1:08x}"
