"""Answers to exits to userspace by rules of the command language: ``answer SPR data = 0x1234 if sprn == 976``.

The rules are a ``Vmm`` like one written in Python: what they answer is input of the run. Whatever no rule fits is
answered by who answered before them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ppcdbg.debugger import queries
from ppcdbg.debugger.eventwords import split_condition
from ppcdbg.debugger.expressions import Compiled, Values, compile_expression
from ppcdbg.debugger.guest_kvm import KvmGuest
from ppcdbg.debugger.registers import RegisterFile
from ppcdbg.debugger.scope import DebuggerScope, nearest_of
from ppcdbg.errors import UsageError
from ppcdbg.kvm.answers import Answer, Vmm
from ppcdbg.kvm.payloads import PAYLOADS, SHORT_NAMES, Cell, UserspaceExit
from ppcdbg.kvm.userspace import Ending
from ppcdbg.machine.system import StopKind

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

ENDS = {kind.value: kind for kind in (StopKind.RESET, StopKind.POWEROFF, StopKind.CRASH)}
AT_ONCE, END = "immediate", "end"


@dataclass(frozen=True)
class Rule:
    """One of them. ``sets``: field and its value; ``end``: the guest is not entered again."""

    number: int
    reason: int
    text: str
    sets: tuple[tuple[str, Compiled], ...]
    at_once: bool
    end: StopKind | None
    condition: Compiled | None


class _Scope(DebuggerScope):
    """Names in a rule: the fields of struct kvm_run at this exit, and what names the guest's registers and memory have
    anywhere."""

    def __init__(self, debugger: Debugger, kind: type[UserspaceExit], rules: Rules) -> None:
        super().__init__(debugger)
        self._kind, self._rules = kind, rules

    def field(self, name: str) -> Callable[[], Values] | None:
        if name not in self._kind().payload():
            return None
        return lambda: _numbers(self._rules.asked.payload()[name])

    def register(self, name: str) -> int:
        """Of the vcpu that asks, which may be one of another future; pc and MSR are what KVM has, for the core is the
        host's while an exit is answered."""
        v = self._rules.vcpu
        known = self.debugger.register_file.canonical(name)
        if v is None or known is None:
            return super().register(name)
        if known in ("pc", "msr"):
            return v.pc if known == "pc" else v.guest_msr
        return RegisterFile(v.core, KvmGuest(v)).read(known)

    def load(self, address: int, size: int) -> int:
        """RAM of that vcpu's guest."""
        v = self._rules.vcpu
        if v is None:
            return super().load(address, size)
        page = KvmGuest(v).page(address)
        place = None if page is None or page.real is None else page.real | address & 0xFFF
        value = None if place is None else v.core.bus.peek(place, size)
        if value is None:
            raise UsageError(f"cannot read {size} bytes at {address:#x}, which an answer asks for")
        return value


def _numbers(cell: Cell) -> Values:
    if isinstance(cell, tuple):
        return cell
    return (int.from_bytes(cell, "big") if isinstance(cell, bytes) else int(cell),)


class Rules(Vmm):
    """The rules in force, the first that fits wins; ``below`` answers what fits none."""

    def __init__(self, below: Vmm | None) -> None:
        super().__init__()
        self.rules: list[Rule] = []
        self.below = below
        self.asked: UserspaceExit = UserspaceExit()
        """The exit at hand."""
        self.next = 1

    def answered(self) -> frozenset[int]:
        """See ``Vmm.answered``."""
        own = frozenset(rule.reason for rule in self.rules)
        return own if self.below is None else own | self.below.answered()

    def _any(self, exit: UserspaceExit) -> Answer:
        self.asked = exit
        for rule in self.rules:
            if rule.reason == exit.REASON and (rule.condition is None or rule.condition.true()):
                return _carried_out(rule, exit)
        if self.below is None or exit.REASON not in self.below.answered():
            return None
        self.below.vcpu, self.below.irqs = self.vcpu, self.irqs
        reply: Answer = getattr(self.below, self.ON[exit.REASON])(exit)
        self.below.vcpu = None
        return reply

    on_unknown = on_debug = on_mmio = on_intr = on_dcr = on_internal_error = on_watchdog = _any
    on_epr = on_system_event = on_hcall = on_spr = on_reset = _any


def _carried_out(rule: Rule, exit: UserspaceExit) -> Answer:
    if rule.end is not None:
        return Ending(rule.end, f"userspace ended the guest at {exit.name}: answer {rule.text}")
    changes: dict[str, Cell] = {}
    own = exit.answers()
    for name, value in rule.sets:
        if name not in own:
            continue  # the data of a write is the guest's
        number, was = value.value().number, exit.payload()[name]
        if isinstance(was, bytes):
            changes[name] = (number & (1 << 8 * len(was)) - 1).to_bytes(len(was), "big")
        else:
            changes[name] = number & 0xFFFFFFFFFFFFFFFF
    return replace(exit, immediate_exit=rule.at_once, **changes)


def short_name(word: str) -> str:
    """``SPR`` for ``KVM_EXIT_SPR``, in capitals."""
    return word.upper().removeprefix("KVM_EXIT_")


def add(debugger: Debugger, text: str) -> Rule:
    """A rule from its words; it is asked from the end of what is known of the run on. Raises UsageError."""
    name, _, rest = text.strip().partition(" ")
    short = short_name(name)
    if short not in SHORT_NAMES:
        near = nearest_of(short, [*SHORT_NAMES])
        raise UsageError(f"there is no exit to userspace {name}" + (f"; did you mean {near}?" if near else ""))
    rules = _rules(debugger)
    kind = PAYLOADS[SHORT_NAMES[short]]
    scope = _Scope(debugger, kind, rules)
    acts, condition = split_condition(rest)
    sets, at_once, end = _acts(kind, acts, scope)
    test = compile_expression(condition, scope) if condition else None
    rule = Rule(rules.next, kind.REASON, f"{short} {rest.strip()}".strip(), tuple(sets), at_once, end, test)
    rules.next += 1
    rules.rules.append(rule)
    debugger.userspace = rules
    return rule


def _acts(
    kind: type[UserspaceExit], text: str, scope: _Scope
) -> tuple[list[tuple[str, Compiled]], bool, StopKind | None]:
    """What an answer does, from its words: fields and their values, whether at once, and how the guest ends by it."""
    sets: list[tuple[str, Compiled]] = []
    at_once, end = False, None
    for act in filter(None, (part.strip() for part in text.split(","))):
        if act == AT_ONCE:
            at_once = True
        elif act.partition(" ")[0] == END:
            end = _end(act.partition(" ")[2].strip())
        else:
            sets.append(_set(kind, act, scope))
    if end is not None and (sets or at_once):
        raise UsageError("a guest that is ended gets no answer; say end, or what to answer")
    return sets, at_once, end


def once(debugger: Debugger, text: str) -> str:
    """Answer the exit that the guest stands at, and it alone; the answer in words. Raises UsageError."""
    system = queries.kvm_of(debugger)
    asked = system.leaving.asked
    if asked is None:
        raise UsageError(f"{text.strip()!r} names no exit to userspace, and the guest does not stand at one;"
                         f" for example: answer SPR data = 0x1234")  # fmt: skip
    rules = Rules(None)
    rules.asked = asked
    acts, condition = split_condition(text)
    if condition:
        raise UsageError("the answer to this one exit takes no condition")
    sets, at_once, end = _acts(type(asked), acts, _Scope(debugger, type(asked), rules))
    if sets and not asked.answers():
        raise UsageError(f"{asked} leaves nothing to answer but {AT_ONCE} and {END} KIND")
    if wrong := [name for name, _ in sets if name not in asked.answers()]:
        raise UsageError(f"{wrong[0]} of a write is the guest's; {asked} can be completed as it is, or by {AT_ONCE}")
    reply = _carried_out(Rule(0, asked.REASON, text.strip(), tuple(sets), at_once, end, None), asked)
    assert reply is not None
    debugger.answer(reply)
    return reply.detail if isinstance(reply, Ending) else str(reply)


def _set(kind: type[UserspaceExit], act: str, scope: _Scope) -> tuple[str, Compiled]:
    name, sign, value = act.partition("=")
    name = name.strip()
    own = [n for n in kind.ANSWERS if n != "args"]
    if not sign or not value.strip() or name not in own:
        right = f"{', '.join(f'{n} = VALUE' for n in own)} or " if own else ""
        raise UsageError(f"{act!r} is no answer to {kind().name}; {right}{AT_ONCE} or {END} {'|'.join(ENDS)} is")
    return name, compile_expression(value, scope)


def _end(word: str) -> StopKind:
    if word not in ENDS:
        raise UsageError(f"a guest cannot end by {word!r}; {', '.join(ENDS)} can be said")
    return ENDS[word]


def delete(debugger: Debugger, number: int | None) -> int:
    """Take one rule away, or all; how many went. Raises UsageError for one that there is not."""
    rules = _rules(debugger)
    gone = [rule for rule in rules.rules if number in (None, rule.number)]
    if number is not None and not gone:
        raise UsageError(f"there is no answer {number}")
    rules.rules = [rule for rule in rules.rules if rule not in gone]
    debugger.userspace = rules if rules.rules else rules.below
    return len(gone)


def listing(debugger: Debugger) -> tuple[Rule, ...]:
    """The rules in force, in their order."""
    vmm = queries.answers(debugger).vmm
    return tuple(vmm.rules) if isinstance(vmm, Rules) else ()


def _rules(debugger: Debugger) -> Rules:
    vmm = queries.answers(debugger).vmm
    return vmm if isinstance(vmm, Rules) else Rules(vmm)
