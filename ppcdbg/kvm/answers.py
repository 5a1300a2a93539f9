"""A userspace in Python: what KVM_RUN comes back with goes to a ``Vmm`` of the user's, and its answers are input.

An answer that a ``Vmm`` gave comes into the guest from outside, so it is kept with its moment like any other input, and
so is that it left one to the userspace that is built in (:mod:`ppcdbg.kvm.vmm`): a replay, a branch and another engine
take what was answered and ask nobody. Of moments before it was put in a ``Vmm`` is never asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from ppcdbg.errors import UsageError
from ppcdbg.kvm import codes, queueing
from ppcdbg.kvm.blocks import USERSPACE
from ppcdbg.kvm.payloads import (
    PAYLOADS,
    DcrExit,
    DebugExit,
    EprExit,
    HcallExit,
    InternalErrorExit,
    IntrExit,
    MmioExit,
    ResetExit,
    SprExit,
    SystemEventExit,
    UnknownExit,
    UserspaceExit,
    WatchdogExit,
)
from ppcdbg.kvm.userspace import Ending, Userspace
from ppcdbg.machine.input import InputEvent, InputQueue, Moment
from ppcdbg.machine.system import FINAL, StopKind

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu

Answer = UserspaceExit | Ending | None
_IRQ = 4
_AT_ONCE, _DECLINED = 1, 2
"""Values of an answer: with ``immediate_exit``, or left to the built-in userspace"""
_AFTER = {_AT_ONCE: " immediate_exit", _DECLINED: " (left to the built-in userspace)"}
_KINDS = (codes.KVM_INTERRUPT_SET, codes.KVM_INTERRUPT_UNSET, codes.KVM_INTERRUPT_SET_LEVEL)


@dataclass(frozen=True, slots=True)
class Regs:
    """struct kvm_regs, as KVM_GET_REGS gives it: the vcpu between two runs."""

    pc: int
    cr: int
    ctr: int
    lr: int
    xer: int
    msr: int
    gpr: tuple[int, ...]


class Vmm:
    """What a program answers in place of the userspace that is built in: a subclass has the ``on_...`` that it wants.

    Each gets the exit and returns it with its answer filled in (``dataclasses.replace``), an ``Ending`` where the guest
    is not to be entered again, or None: then the built-in userspace answers. The guest stands still meanwhile, and
    nothing of the answer has happened before it is entered again. It must not be changed but by the answer and by
    ``interrupt``.
    """

    ON: ClassVar[dict[int, str]] = {
        codes.KVM_EXIT_UNKNOWN: "on_unknown", codes.KVM_EXIT_DEBUG: "on_debug", codes.KVM_EXIT_MMIO: "on_mmio",
        codes.KVM_EXIT_INTR: "on_intr", codes.KVM_EXIT_DCR: "on_dcr",
        codes.KVM_EXIT_INTERNAL_ERROR: "on_internal_error", codes.KVM_EXIT_WATCHDOG: "on_watchdog",
        codes.KVM_EXIT_EPR: "on_epr", codes.KVM_EXIT_SYSTEM_EVENT: "on_system_event",
        codes.KVM_EXIT_EPAPR_HCALL: "on_hcall", codes.KVM_EXIT_SPR: "on_spr", codes.KVM_EXIT_RESET: "on_reset",
    }  # fmt: skip

    def __init__(self) -> None:
        self.vcpu: Vcpu | None = None
        """The one whose exit is being answered."""
        self.irqs: list[int] = []
        """What ``interrupt`` was called with for this exit."""

    def get_regs(self) -> Regs:
        """KVM_GET_REGS. Of an instruction whose exit is being answered nothing has happened but what KVM does first:
        pc stands behind an access to a device and an mfdcr, and at an mfspr."""
        v = self.vcpu
        if v is None:
            raise UsageError("registers are there while an exit is answered")
        state = v.core.state
        ctr, lr = v.core.read_spr("CTR"), v.core.read_spr("LR")
        return Regs(v.pc, state.cr_word, ctr, lr, state.xer, v.guest_msr, tuple(v.gpr[:32]))

    def interrupt(self, irq: int = codes.KVM_INTERRUPT_SET) -> None:
        """KVM_INTERRUPT with SET, UNSET or SET_LEVEL, before the guest is entered: part of the answer."""
        if self.vcpu is None or irq not in _KINDS:
            raise UsageError("KVM_INTERRUPT takes SET, UNSET or SET_LEVEL, while an exit is answered")
        self.irqs.append(irq)

    def answered(self) -> frozenset[int]:
        """The exit reasons that this one has a method of its own for."""
        own = type(self)
        return frozenset(r for r, name in self.ON.items() if getattr(own, name) is not getattr(Vmm, name))

    def on_unknown(self, exit: UnknownExit) -> Answer:
        """Emulation failed, or a machine check."""

    def on_debug(self, exit: DebugExit) -> Answer:
        """A debug event that is userspace's."""

    def on_mmio(self, exit: MmioExit) -> Answer:
        """An access to a device. ``data`` of a read is the answer."""

    def on_intr(self, exit: IntrExit) -> Answer:
        """KVM_RUN came back with EINTR, everything completed."""

    def on_dcr(self, exit: DcrExit) -> Answer:
        """mfdcr, mtdcr. ``data`` of a read is the answer."""

    def on_internal_error(self, exit: InternalErrorExit) -> Answer:
        """The vcpu cannot run."""

    def on_watchdog(self, exit: WatchdogExit) -> Answer:
        """The guest's watchdog has bitten."""

    def on_epr(self, exit: EprExit) -> Answer:
        """Which vector the guest reads from EPR. ``epr`` is the answer."""

    def on_system_event(self, exit: SystemEventExit) -> Answer:
        """The guest wants the system reset or off."""

    def on_hcall(self, exit: HcallExit) -> Answer:
        """A hypercall. ``ret`` and ``args`` are the answer."""

    def on_spr(self, exit: SprExit) -> Answer:
        """mfspr, mtspr. ``status``, and ``data`` of a read, are the answer."""

    def on_reset(self, exit: ResetExit) -> Answer:
        """The guest wants a reset."""


class Answers:
    """Of one system: who answers an exit, and the answers that are input."""

    def __init__(self, queue: InputQueue) -> None:
        self._queue = queue
        self._vmm: Vmm | None = None
        self._since = 0, 0
        """Position, and exits handled, from which on it is asked"""
        self._answered: frozenset[int] = frozenset()
        self.failed: Exception | None = None
        """What a ``Vmm`` raised: for whoever let the guest run."""

    @property
    def vmm(self) -> Vmm | None:
        """The user's; None: the built-in userspace answers everything."""
        return self._vmm

    def put_in(self, vmm: Vmm | None, since: tuple[int, int]) -> None:
        """Have another one asked, from a position and a number of exits on: what was known of the run then is past."""
        self._vmm, self._since = vmm, since
        self._answered = frozenset() if vmm is None else vmm.answered()

    def parted(self, at: tuple[int, int]) -> None:
        """What lies after this moment is not known any more: whoever is in answers it."""
        self._since = min(self._since, at)

    def as_of(self, other: Answers) -> None:
        """Ask whom another system asks, one with the same past."""
        self.put_in(other._vmm, other._since)

    @property
    def plain(self) -> bool:
        """Whether accesses to devices are the built-in userspace's, every one from here on."""
        return codes.KVM_EXIT_MMIO not in self._answered and not self._queue.answers

    def raise_failure(self) -> None:
        """What a ``Vmm`` raised comes out of the call that let the guest run, and the guest has ended by it."""
        failure, self.failed = self.failed, None
        if failure is not None:
            raise failure

    def serve(self, v: Vcpu, builtin: Userspace) -> Ending | None:
        """KVM_RUN came back: have it answered, and note what was asked and answered in the record of the exit."""
        run = v.run
        asked = None if run.exit_reason == codes.KVM_EXIT_MMIO and self.plain else v.asks()
        interrupted, run.immediate_exit = run.immediate_exit, False
        if asked is None and not interrupted:  # nearly all of them
            return builtin.handle(v)
        asked = asked or IntrExit()
        event = self._recorded(asked) or self._asked(v, asked)
        if event is not None and event.value != _DECLINED:
            ending = self._take(v, asked, event)
        else:
            ending = None if interrupted else builtin.handle(v)
            run.immediate_exit = False
        if asked.REASON != codes.KVM_EXIT_MMIO:  # those are noted when they are complete
            v.actions.append((USERSPACE, asked if interrupted else run.left()))
        return ending

    def _recorded(self, asked: UserspaceExit) -> InputEvent | None:
        """The answer that was given to this very question at this very moment."""
        return self._queue.recorded_answer(lambda e: e.target == asked.REASON and _reply(asked, e) is not None)

    def _asked(self, v: Vcpu, asked: UserspaceExit) -> InputEvent | None:
        """The user's own answer, which becomes input."""
        vmm = self._vmm
        now = self._queue.moment()
        if vmm is None or asked.REASON not in self._answered or (now.position, now.steps) < self._since:
            return None
        name = vmm.ON[asked.REASON]
        ask: Callable[[UserspaceExit], Answer] = getattr(vmm, name)
        vmm.vcpu, vmm.irqs = v, []
        try:
            reply = ask(asked)
            _check(name, asked, reply)
            if reply is None and vmm.irqs:
                raise UsageError(f"{name} interrupts the guest, and leaves the answer to the built-in userspace")
        except Exception as error:
            self.failed = error
            reply = Ending(StopKind.CRASH, f"{name} of this guest's userspace failed: {error!r}")
        finally:
            vmm.vcpu = None
        if reply is None:
            return self._queue.answer(asked.REASON, asked.pack(), value=_DECLINED)
        irqs = b"".join(irq.to_bytes(_IRQ, "big") for irq in vmm.irqs)
        if isinstance(reply, Ending):
            return self._queue.answer(asked.REASON, asked.pack() + irqs, name=f"{reply.kind.value} {reply.detail}")
        return self._queue.answer(asked.REASON, reply.pack() + irqs, value=_AT_ONCE if reply.immediate_exit else 0)

    def give(self, asked: UserspaceExit, reply: UserspaceExit | Ending, at: Moment) -> InputEvent:
        """Answer an exit that stands unanswered at a moment: so it will be when the guest runs on, whoever else would
        answer. Raises UsageError for what is no answer to it."""
        _check("the answer", asked, reply)
        if isinstance(reply, Ending):
            name = f"{reply.kind.value} {reply.detail}"
            return self._queue.answer_to_come(at, asked.REASON, asked.pack(), name=name)
        value = _AT_ONCE if reply.immediate_exit else 0
        return self._queue.answer_to_come(at, asked.REASON, reply.pack(), value=value)

    def _take(self, v: Vcpu, asked: UserspaceExit, event: InputEvent) -> Ending | None:
        reply = _reply(asked, event)
        assert reply is not None
        irqs = event.data[asked.size() :]
        for at in range(0, len(irqs), _IRQ):
            queueing.interrupt(v, int.from_bytes(irqs[at : at + _IRQ], "big"))
        if event.name:
            kind, _, detail = event.name.partition(" ")
            return Ending(StopKind(kind), detail)
        v.run.answer(reply)
        v.run.immediate_exit = event.value == _AT_ONCE
        return None


def _reply(asked: UserspaceExit, event: InputEvent) -> UserspaceExit | None:
    """The exit with a recorded answer; None where that was to another question."""
    size = asked.size()
    if len(event.data) < size or (len(event.data) - size) % _IRQ:
        return None
    reply = asked.filled(event.data[:size])
    return reply if reply.asks() == asked.asks() else None


def answer_text(event: InputEvent) -> str:
    """A recorded answer in words; its bytes where nobody knows such an exit."""
    kind = PAYLOADS.get(event.target)
    size = 0 if kind is None else kind.size()
    if kind is None or len(event.data) < size:
        return event.data.hex()
    blank = MmioExit(data=bytes(8)) if kind is MmioExit else kind()
    return str(blank.filled(event.data[:size])).partition(" ")[2] + _AFTER.get(event.value, "")


def _check(name: str, asked: UserspaceExit, reply: object) -> None:
    """Raises UsageError for what is no answer."""
    if reply is None:
        return
    if isinstance(reply, Ending):
        if reply.kind not in FINAL:
            raise UsageError(f"{name} ends the guest with {reply.kind.value}, which is no end")
        return
    if type(reply) is not type(asked):
        raise UsageError(f"{name} must return the exit that it got, an Ending or None, not {reply!r}")
    own = asked.answers()
    for field in fields(asked):
        before, now = getattr(asked, field.name), getattr(reply, field.name)
        if field.name in (*own, "immediate_exit"):
            if type(now) is not type(before) or isinstance(before, tuple | bytes) and len(now) != len(before):
                raise UsageError(f"{name} returned {field.name} = {now!r}; it must be like {before!r}")
        elif now != before:
            raise UsageError(
                f"{name} changed {field.name}, which is not userspace's; {' and '.join(own) or 'nothing'} is"
            )
    try:
        assert isinstance(reply, UserspaceExit)
        reply.pack()
    except Exception as error:
        raise UsageError(f"{name} returned what does not fit into struct kvm_run: {error}") from None
