"""Deferral policies: what becomes of an interrupt that only a paravirtual critical section holds back (facts 7.7).

Linux 6.1 does nothing, and an interrupt that comes between the look at ``int_pending`` and the end of the section
waits for the next exit, whatever that is. Five remedies were discussed in 2010 and none was built; here each is an
object that is asked at four places: after each look at what is pending (:mod:`ppcdbg.kvm.booke`), and at exits DEBUG,
DATA_STORAGE and DTLB_MISS (:mod:`ppcdbg.kvm.exits`). Each counts what it costs. Nothing here delivers an interrupt.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, ClassVar

from ppcdbg.cpu.msr import DBCR0_IC, DBCR0_IDM, DBSR_IDE, MSR_DE
from ppcdbg.cpu.plain import Saved, attributes, put_attributes
from ppcdbg.isa.sprs import SLOT
from ppcdbg.kvm import booke, codes
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.emulate_loadstore import Form, Kind, decode, effective_address
from ppcdbg.kvm.shadow_tlb import MAGIC_PERMISSIONS, MAGIC_READ_ONLY

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

_DBCR0, _PID, _PID1 = SLOT["DBCR0"], SLOT["PID"], SLOT["PID1"]
_STEP = DBCR0_IDM | DBCR0_IC
_word = Struct(">I").unpack_from
TLBSYNC = 0x7C00046C
PAGE = 4096
_STATE = ("since", "held", "added", "protected", "passing", "freed", "page_ea")


@dataclass(frozen=True)
class Costs:
    """What a policy did so far. Delays are instructions that the guest retired between the refusal and the delivery.

    ``withheld``: times that a section alone held interrupts back; how these ended is ``delivered``, or ``masked`` where
    the guest left the section with the interrupt disabled (or it was withdrawn). ``waiting``: the instructions that one
    has waited which has not ended, None where there is none. ``exits`` would not have been but for the policy (or, for
    nop-exit, for the guest's part in it); ``steps`` and ``stores`` (decoded and carried out by KVM) are among them.
    ``page_changes`` are TLB entries rewritten.
    """

    policy: str
    withheld: int
    delivered: int
    masked: int
    exits: int
    steps: int
    page_changes: int
    stores: int
    delay: int
    longest: int
    waiting: int | None


class Counts:
    """The numbers of :class:`Costs` but for the last; they decide nothing."""

    NAMES = ("withheld", "delivered", "masked", "exits", "steps", "page_changes", "stores", "delay", "longest")

    def __init__(self) -> None:
        self.withheld = self.delivered = self.masked = 0
        self.exits = self.steps = self.page_changes = self.stores = 0
        self.delay = self.longest = 0

    def save(self) -> Saved:
        """See ``plain.Saves``."""
        return attributes(self, self.NAMES)

    def restore(self, state: Saved) -> None:
        """See ``plain.Saves``."""
        put_attributes(self, self.NAMES, state)


class Deferral:
    """what Linux 6.1 does: nothing; the next exit delivers, whatever it is and whenever it comes"""

    name: ClassVar[str] = "stock"
    guest_must: ClassVar[str] = ""
    """What the guest has to do for it; empty where any guest will do."""
    carries_out: ClassVar[bool] = False
    """Whether KVM stores to the magic page in the guest's place."""
    features: ClassVar[int] = 0
    """What the answer of MAP_MAGIC_PAGE offers besides."""

    def __init__(self, v: Vcpu) -> None:
        self.v = v
        self.counts = v.deferral_counts
        self.since = -1
        """The position at which an interrupt was refused that is still held back; -1 where none is."""
        self.held = 0
        """The priorities that are: a bitmap."""
        self.added = 0
        """Bits of DBCR0 that are set for a step of ours."""
        self.protected = False
        self.passing = False
        """One instruction is let through that cannot be emulated."""
        self.freed = False
        """The guest may go on undisturbed to the end of this section."""
        self.page_ea = 0
        """EA of the notification page, 0 for none."""

    def save(self) -> Saved:
        """See ``plain.Saves``."""
        return attributes(self, _STATE)

    def restore(self, state: Saved) -> None:
        """See ``plain.Saves``."""
        put_attributes(self, _STATE, state)

    def costs(self) -> Costs:
        """The counts so far."""
        waiting = self.v.core.retired - self.since if self.since >= 0 else None
        return Costs(self.name, waiting=waiting, **{name: getattr(self.counts, name) for name in Counts.NAMES})

    def looked(self) -> None:
        """KVM has looked at what is pending and delivered what it may; the guest is about to be entered."""
        v = self.v
        held = booke.held_by_section(v)
        if held:
            if self.since < 0:
                self.since = v.core.retired
                self.counts.withheld += 1
            self.held |= held
            self.hold()
        elif self.since >= 0:
            if v.delivered is not None and self.held >> v.delivered & 1:
                waited = v.core.retired - self.since
                self.counts.delivered += 1
                self.counts.delay += waited
                self.counts.longest = max(self.counts.longest, waited)
            else:
                self.counts.masked += 1
            self.since, self.held, self.freed = -1, 0, False
            self.release()

    # --- what a policy does -----------------------------------------------------------------------
    def hold(self) -> None:
        """An interrupt is held back by the section alone; called again at each entry while it is."""

    def release(self) -> None:
        """No longer: take back whatever ``hold`` did."""

    def stepped(self) -> bool:
        """At exit DEBUG: whether it was a step of ours and nothing else."""
        v = self.v
        if not self.added & DBCR0_IC or not v.dbsr & DBCR0_IC:
            return False
        self.counts.steps += 1
        self.counts.exits += 1
        self.passing = False
        v.dbsr &= ~DBCR0_IC
        return not v.dbsr & ~DBSR_IDE

    def stored(self, ea: int) -> str:
        """At exit DATA_STORAGE: what was done, if it was an access that a policy has trapped; else nothing."""
        return ""

    def missed(self, ea: int) -> str:
        """At exit DTLB_MISS of a supervisor: as ``stored``."""
        return ""

    # --- their means ------------------------------------------------------------------------------
    def _step(self, on: bool) -> None:
        """Hardware single steps, behind the guest's back: MSR[DE] of the shadow, DBCR0[IDM,IC] of the core."""
        v = self.v
        if on:
            added = _STEP & ~v.reg[_DBCR0]
            if added:
                self.added |= added
                v.reg[_DBCR0] |= added
                v.core.noticed()
            v.shadow_msr |= MSR_DE
        elif self.added:
            v.reg[_DBCR0] &= ~self.added
            v.core.noticed()
            self.added = 0
            v.shadow_msr = v.shadow_msr & ~MSR_DE | (MSR_DE if v.guest_debug else v.shared.msr & MSR_DE)

    def _protect(self, on: bool) -> None:
        """The magic page read-only, or as it was."""
        if on is not self.protected:
            self.protected = on
            self.counts.page_changes += self.v.shadow.remap_magic(MAGIC_READ_ONLY if on else MAGIC_PERMISSIONS)

    @property
    def permissions(self) -> int:
        """With what rights the magic page is to be mapped now."""
        return MAGIC_READ_ONLY if self.protected else MAGIC_PERMISSIONS


class NopExit(Deferral):
    """KVM does nothing; the guest leaves by itself after each section, so the interrupt waits no longer than that"""

    name = "nop-exit"
    guest_must = "execute tlbsync, which traps and does nothing, after each section that leaves interrupts enabled"

    def costs(self) -> Costs:
        """The exits are the guest's: each costs one, whether something waits or not."""
        self.counts.exits = self.v.emulated.get(TLBSYNC, 0)
        return super().costs()


class SingleStep(Deferral):
    """single-steps the guest to the end of the section; delivers right behind the store that ends it"""

    name = "single-step"

    def hold(self) -> None:
        self._step(True)

    def release(self) -> None:
        self._step(False)


class ReadOnly(Deferral):
    """maps the magic page read-only and carries out each store to it, until one ends the section; delivers there"""

    name = "read-only"
    carries_out = True

    def hold(self) -> None:
        if not self.passing:
            self._step(False)
            self._protect(True)

    def release(self) -> None:
        self.passing = False
        self._step(False)
        self._protect(False)

    def stored(self, ea: int) -> str:
        v = self.v
        if not self.protected or ea & ~(PAGE - 1) != v.magic_page_ea:
            return ""
        self.counts.exits += 1
        word = self._instruction()
        form = decode(word, v.core.model.has_fpu)
        if form.kind is not Kind.STORE or form.fp or (ea & PAGE - 1) + form.size > PAGE:
            self.passing = True  # a multiple, a reservation, a cache operation: let it run, with one step
            self._protect(False)
            self._step(True)
            return "magic page writable for one step"
        return self._decided(word, form, ea)

    def _decided(self, word: int, form: Form, ea: int) -> str:
        self._carry_out(word, form, ea)
        return "store to the magic page carried out"

    def _carry_out(self, word: int, form: Form, ea: int) -> None:
        v, offset, size = self.v, ea & PAGE - 1, form.size
        value = v.gpr[word >> 21 & 31] & ((1 << 8 * size) - 1)
        target = effective_address(v, word)
        v.shared.page[offset : offset + size] = value.to_bytes(size, "little" if form.swapped else "big")
        if form.update:
            v.gpr[word >> 16 & 31] = target
        v.pc = v.pc + 4 & 0xFFFFFFFF
        v.core.retire()
        self.counts.stores += 1

    def _instruction(self) -> int:
        """The instruction at pc, by the host's TLB; exit DATA_STORAGE does not capture it in PR mode."""
        v = self.v
        entry = v.host_tlb.lookup(v.pc, 1, (v.reg[_PID], v.reg[_PID1]))
        if entry is None:
            return 0  # its page has gone meanwhile: a step brings the miss
        word: int = _word(v.core.bus.ram, entry.real + v.pc - entry.start & ~3)[0]
        return word


class Ordered(ReadOnly):
    """as read-only, but the first store decides: one that ends the section is carried out, any other proves that the \
guest has not yet looked at int_pending"""

    name = "ordered"
    guest_must = (
        "store to the magic page in a section, but for the store that ends it, only before it reads int_pending"
    )

    def hold(self) -> None:
        if not self.freed:
            super().hold()

    def _decided(self, word: int, form: Form, ea: int) -> str:
        if not self._ends(word, form, ea):
            self.freed = True
            self._protect(False)
            return "magic page writable: the guest will look at int_pending"
        return super()._decided(word, form, ea)

    def _ends(self, word: int, form: Form, ea: int) -> bool:
        """Whether a store leaves the section."""
        v, first = self.v, ea & PAGE - 1
        page = bytearray(v.shared.page[: mp.SIZE])
        value = v.gpr[word >> 21 & 31] & ((1 << 8 * form.size) - 1)
        page[first : first + form.size] = value.to_bytes(form.size, "little" if form.swapped else "big")
        return int(_word(page, mp.CRITICAL + 4)[0]) != v.gpr[1]


class Notify(Deferral):
    """makes a notification page read-only while an interrupt is held back; the guest stores there after each section"""

    name = "notify"
    guest_must = "ask for the page (flag 2 of MAP_MAGIC_PAGE), and store to it, 4096 bytes below the magic page, after \
each section"
    features = codes.MAGIC_FEAT_NOTIFY
    _mapped: ClassVar[bool] = True
    """The page stays mapped, but cannot be written."""

    def hold(self) -> None:
        if not self.freed:
            self._shut(True)

    def release(self) -> None:
        self._shut(False)

    def stored(self, ea: int) -> str:
        return self._touched(ea)

    def missed(self, ea: int) -> str:
        if not self.page_ea or ea & ~(PAGE - 1) != self.page_ea:
            return ""
        if self.protected and not self._mapped:
            return self._touched(ea)
        self._map()
        return "notification page mapped"

    def _touched(self, ea: int) -> str:
        """The guest says that a section is over. The store is tried again after the interrupt, and goes through."""
        if not self.protected or ea & ~(PAGE - 1) != self.page_ea:
            return ""
        self.counts.exits += 1
        self.freed = booke.critical_section(self.v)  # it is not: then nothing is won by stopping it again
        self._shut(False)
        return "notification page touched"

    def _shut(self, on: bool) -> None:
        if on is self.protected or not self.page_ea:
            return
        self.protected = on
        v = self.v
        assert v.ids is not None
        entry = v.host_tlb.lookup(self.page_ea, 1, (v.ids.get(0, 0, 0),))
        if entry is None:
            return
        self.counts.page_changes += 1
        v.host_tlb.kill(entry.slot)
        if self._mapped:
            self._map()

    def _map(self) -> None:
        v = self.v
        rights = MAGIC_READ_ONLY if self.protected else MAGIC_PERMISSIONS
        v.shadow.map_host_page(v.shared_real + PAGE, self.page_ea, rights)

    @property
    def permissions(self) -> int:
        return MAGIC_PERMISSIONS


class NotifyUnmapped(Notify):
    """as notify, with the page unmapped instead"""

    name = "notify-unmapped"
    _mapped = False


POLICIES: tuple[type[Deferral], ...] = (
    Deferral, NopExit, SingleStep, ReadOnly, Ordered, Notify, NotifyUnmapped,
)  # fmt: skip
"""By ``--deferral``; what each does is its docstring."""


def policy(name: str, v: Vcpu) -> Deferral:
    """The policy with this name for a vcpu. Raises KeyError."""
    return {p.name: p for p in POLICIES}[name](v)
