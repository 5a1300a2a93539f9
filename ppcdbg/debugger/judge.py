"""Which breakpoints an event concerns: places, accesses, exits before and after their handler, and what was heard.

It only finds; conditions, counts and what to do are :mod:`ppcdbg.debugger.run`'s. Nothing here changes anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ppcdbg.cpu.mmu import Access
from ppcdbg.cpu.msr import MSR_PR
from ppcdbg.debugger.breakpoints import Breakpoint, Breakpoints
from ppcdbg.debugger.events import EventKind, Seen
from ppcdbg.debugger.fields import device_fields, hit_fields, magic_field, userspace_fields
from ppcdbg.debugger.listening import Heard, fits, section_event
from ppcdbg.debugger.matching import arrives, is_hypercall, matches, withheld
from ppcdbg.debugger.model import guest_of
from ppcdbg.engine.api import Hit, Watch
from ppcdbg.isa.flow import To, flow
from ppcdbg.kvm import booke
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.vcpu import Vcpu
from ppcdbg.machine.system import Stop, System


@dataclass(frozen=True)
class Candidate:
    """One breakpoint whose event came: the exit that it is about, and the fields that its condition sees."""

    breakpoint: Breakpoint
    record: ExitRecord | None = None
    fields: Mapping[str, int | str] = field(default_factory=dict)


class Judge:
    """For the breakpoints of one system."""

    def __init__(self, system: System, vcpu: Vcpu | None, breakpoints: Breakpoints) -> None:
        self._system, self._vcpu, self._breakpoints = system, vcpu, breakpoints
        self._guest = guest_of(system)
        self._rewriter = None if vcpu is None else vcpu.rewriter
        self._rewritten: frozenset[Watch] = frozenset()
        self._known = 0

    # --- where the guest stands -------------------------------------------------------------------------------------
    def at(self, pc: int) -> list[Candidate]:
        """Those on an address."""
        return [Candidate(b) for b in self._breakpoints.at(pc)]

    def at_position(self, position: int) -> list[Candidate]:
        return [Candidate(b) for b in self._breakpoints.seen(Seen.POSITION) if b.event.number == position]

    def of_class(self, pc: int) -> list[Candidate]:
        """Those on the class of the instruction at ``pc``."""
        page = self._guest.page(pc, Access.FETCH)
        ram = self._system.core.bus.ram
        if page is None or page.real is None or page.real >= len(ram):
            return []
        at = page.real | pc & 0xFFC
        word = int.from_bytes(ram[at : at + 4], "big")
        return [
            Candidate(b, None, {"inst": word})
            for b in self._breakpoints.seen(Seen.CLASS)
            if any(word & c.mask == c.match for c in b.event.classes)
            and (b.event.kind is not EventKind.SWITCH or self._goes_to_user(word, pc))
        ]

    def _goes_to_user(self, word: int, pc: int) -> bool:
        """Whether a return from an interrupt, made in supervisor state, restores user state."""
        at = flow(word, pc)
        if at.to is not To.RETURN or self._guest.msr & MSR_PR:
            return False
        first = "SRR0" if at.pair == "GSRR0" and self._guest.kind != "bare" else at.pair
        return bool(self._guest.spr(first[:-1] + "1") & MSR_PR)

    def rewritten(self) -> tuple[Watch, ...]:
        """What sees a load of an instruction that the hypervisor has rewritten so far."""
        if self._rewriter is None:
            return ()
        self._known = len(self._rewriter.entries)
        watches = self._rewriter.watches()
        self._rewritten = frozenset(watches)
        return watches

    def more_rewritten(self) -> bool:
        """Whether that is no longer all."""
        waited = self._rewriter is not None and EventKind.REWRITTEN in self._breakpoints.needs.kinds
        return waited and self._rewriter is not None and len(self._rewriter.entries) != self._known

    def _watching(self, hit: Hit) -> list[Breakpoint]:
        found = self._breakpoints.watching(hit.watch)
        if hit.watch not in self._rewritten:
            return found
        return found + [b for b in self._breakpoints if b.enabled and b.event.kind is EventKind.REWRITTEN]

    def touched(self, stop: Stop) -> list[Candidate]:
        """Those on the data that a stop's instruction accesses."""
        found: list[Candidate] = []
        seen: set[int] = set()
        for hit in stop.hits:
            for b in self._watching(hit):
                fields = hit_fields(hit)
                if b.event.kind is EventKind.CRITICAL:
                    user, r1 = bool(self._guest.msr & MSR_PR), self._system.core.state.gpr[1]
                    inside = self._vcpu is not None and booke.critical_section(self._vcpu)
                    what = section_event(hit, r1, user, inside)
                    if not what or b.event.name not in ("", what):
                        continue
                    fields["what"] = what
                elif b.event.kind is EventKind.MAGIC:
                    fields |= {"field": magic_field(hit.address), "by": "guest"}
                elif b.event.kind is EventKind.REWRITTEN and self._rewriter is not None:
                    about = self._rewriter.at(hit.watch.start)
                    if about is None:
                        continue
                    fields |= {"original": about.original, "rewritten": about.position}
                if b.number not in seen:
                    seen.add(b.number)
                    found.append(Candidate(b, None, fields))
        return found

    # --- exits ------------------------------------------------------------------------------------------------------
    def arriving(self, number: int) -> list[Candidate]:
        """Those on the exit that is about to be handled."""
        waiting = [
            b for b in self._breakpoints.seen(Seen.ARRIVAL)
            if b.event.vectors is None or number in b.event.vectors
        ]  # fmt: skip
        record: ExitRecord | None = getattr(self._system, "held", None) if waiting else None
        if record is None:
            return []
        gpr = self._system.core.state.gpr
        fields: dict[str, int | str] = {"token": gpr[11]} if is_hypercall(record, gpr) else {}
        return [Candidate(b, record, fields) for b in waiting if arrives(b.event, record, gpr)]

    def leaving(self) -> list[Candidate]:
        """Those on the return to userspace that nobody has answered."""
        waiting = self._breakpoints.seen(Seen.LEFT)
        record = self._system.leaving.record() if waiting and isinstance(self._system, KvmSystem) else None
        left = None if record is None else record.actions[-1].left
        if record is None or left is None:
            return []
        fields = userspace_fields(record)
        return [Candidate(b, record, fields) for b in waiting if b.event.number in (None, left.REASON)]

    def handled(self, record: ExitRecord) -> list[Candidate]:
        """Those on an exit that was handled."""
        found = [b for b in self._breakpoints.seen(Seen.EXIT) if matches(b.event, record)]
        if not found:
            return []
        fields = device_fields(record)
        if any(b.event.kind is EventKind.USERSPACE for b in found):
            fields |= userspace_fields(record)
        if self._vcpu is not None and any(b.event.kind is EventKind.WITHHELD for b in found):
            reasons = {s.priority.number: s.held_by for s in booke.explain(self._vcpu) if s.pending}
            fields["reason"] = next((reasons[p] for p in withheld(record) if reasons.get(p)), "")
        return [Candidate(b, record, fields) for b in found]

    # --- what was heard ---------------------------------------------------------------------------------------------
    def heard(self, heard: Sequence[Heard], record: ExitRecord | None = None) -> list[Candidate]:
        """Those on interrupts taken, the shadow TLB, the magic page, critical sections, and the console."""
        found: list[Candidate] = []
        every = [b for b in self._breakpoints if b.enabled]
        for one in heard:
            if one.kind is EventKind.CONSOLE:
                continue
            about = record if one.kind is not EventKind.TAKEN else None
            found += [Candidate(b, about, one.fields) for b in every if fits(b.event, one)]
        if any(one.kind is EventKind.CONSOLE for one in heard):
            found += self._spoken(sum(one.kind is EventKind.CONSOLE for one in heard), record)
        return found

    def _spoken(self, new: int, record: ExitRecord | None) -> list[Candidate]:
        """Those on a text whose last byte is among the last ``new`` that the console printed."""
        output = self._system.board.console.output
        return [
            Candidate(b, record)
            for b in self._breakpoints.seen(Seen.CONSOLE)
            if (wanted := b.event.text.encode()) in output[max(len(output) - new - len(wanted) + 1, 0) :]
        ]
