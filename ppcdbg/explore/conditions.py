"""What must hold for every schedule, whatever comes when: the invariants that outcomes are judged by.

A condition is a class with a name, the word that a map shows where it is broken, and ``broken``, which says in a
sentence what is wrong, or nothing. One of a user's own is named to the command line as ``MODULE:CLASS``. The order is
that of gravity: the first that is broken gives a schedule its verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import ClassVar, Protocol

from ppcdbg.errors import UsageError
from ppcdbg.explore.outcome import End, Fate, Outcome


@dataclass(frozen=True)
class Bounds:
    """``patience``: instructions that a deliverable interrupt may wait for the exit that delivers it. The guest's own
    real instruction, and a remedy of KVM's own, come at once; one that needs an instruction of the guest, later.
    ``delay``: that an enabled one may wait in all. ``steps``: after which a schedule that is not decided is given
    up."""

    patience: int = 0
    delay: int = 64
    steps: int = 4_000


class Condition(Protocol):
    """One invariant."""

    name: ClassVar[str]
    word: ClassVar[str]
    """The verdict of a schedule that breaks it, one word."""
    about: ClassVar[str]

    def broken(self, outcome: Outcome, bounds: Bounds) -> str:
        """What is wrong, in one sentence; empty where it holds."""


class NeverInside:
    """Facts 7.7, I1."""

    name: ClassVar[str] = "never-inside"
    word: ClassVar[str] = "inside"
    about: ClassVar[str] = "no asynchronous interrupt is delivered inside a critical section"

    def broken(self, outcome: Outcome, bounds: Bounds) -> str:
        for fate in outcome.fates:
            if fate.inside:
                return f"delivered inside the critical section, at {fate.interrupted:#010x}"
        return ""


class Intact:
    """What an interrupt interrupts must not notice it (facts 7.7, I5)."""

    name: ClassVar[str] = "intact"
    word: ClassVar[str] = "corrupt"
    about: ClassVar[str] = "the interrupted code has its registers and its MSR when the handler returns"

    def broken(self, outcome: Outcome, bounds: Bounds) -> str:
        for fate in outcome.fates:
            if fate.changed:
                return f"{', '.join(fate.changed)} changed over the interrupt at {fate.interrupted:#010x}"
        return ""


class GivesBack:
    """A section uses registers that are not its own, and may take another way when it is told of an interrupt (facts
    7.7, I3 and I5)."""

    name: ClassVar[str] = "gives-back"
    word: ClassVar[str] = "spoiled"
    about: ClassVar[str] = (
        "an interrupted section gives back its registers, and leaves the MSR that it leaves undisturbed"
    )

    def broken(self, outcome: Outcome, bounds: Bounds) -> str:
        if not outcome.spoiled:
            return ""
        return f"the section leaves {', '.join(outcome.spoiled)} other than it found or should have made it"


class NeverTwice:
    """One edge, one delivery."""

    name: ClassVar[str] = "never-twice"
    word: ClassVar[str] = "twice"
    about: ClassVar[str] = "no interrupt is delivered twice"

    def broken(self, outcome: Outcome, bounds: Bounds) -> str:
        for fate in outcome.fates:
            if fate.times > 1:
                return f"delivered {fate.times} times"
        return ""


class NeverLost:
    """Facts 7.7, I2. An exit that the interrupt owes to chance does not save it: a tickless guest has none."""

    name: ClassVar[str] = "never-lost"
    word: ClassVar[str] = "LOST"
    about: ClassVar[str] = "an interrupt that nothing holds back is delivered without an exit for other reasons"

    def broken(self, outcome: Outcome, bounds: Bounds) -> str:
        for fate in outcome.fates:
            if fate.dropped:
                return "dropped: it was pending, is no more, and was never delivered"
            if fate.overlooked is None:
                continue
            if fate.delivered is not None:
                late = outcome.overdue(fate)
                return f"free to come at position {fate.overlooked:,}, it waited {late} instructions for another exit"
            if outcome.end is End.BOUND:  # it was overlooked, and then masked again
                late = outcome.overdue(fate)
                return f"lost: free to come at position {fate.overlooked:,}, it did not come in {late} instructions"
            return f"lost: {outcome.detail}"
        return ""


class Told:
    """Facts 7.7, I4; it is how a section knows that it must leave by an exit."""

    name: ClassVar[str] = "told"
    word: ClassVar[str] = "stale"
    about: ClassVar[str] = "int_pending says at each entry into the guest whether anything is pending"

    def broken(self, outcome: Outcome, bounds: Bounds) -> str:
        return (
            "" if outcome.stale is None else f"int_pending is not what is pending, from position {outcome.stale:,} on"
        )


class BoundedDelay:
    """A section is short, so what it holds back must not wait long."""

    name: ClassVar[str] = "bounded-delay"
    word: ClassVar[str] = "late"
    about: ClassVar[str] = "an enabled interrupt is delivered after a bounded number of instructions"

    def broken(self, outcome: Outcome, bounds: Bounds) -> str:
        for fate in outcome.fates:
            if (waited := outcome.waited(fate)) > bounds.delay:
                return f"enabled for {waited} instructions before it was delivered"
        return ""


CONDITIONS: tuple[type[Condition], ...] = (
    NeverInside, Intact, GivesBack, NeverTwice, NeverLost, Told, BoundedDelay,
)  # fmt: skip


def conditions(own: Iterable[str] = ()) -> tuple[Condition, ...]:
    """The built-in ones and a user's own, by ``MODULE:CLASS``. Raises UsageError."""
    return (*(condition() for condition in CONDITIONS), *map(_own, own))


def _own(name: str) -> Condition:
    module, _, of = name.partition(":")
    try:
        made: Condition = getattr(import_module(module), of)()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise UsageError(f"there is no condition {name!r}: {error}; it must be MODULE:CLASS") from None
    return made


@dataclass(frozen=True, slots=True)
class Verdict:
    """``word`` for a map; ``condition`` is the one that is broken, empty where all hold; ``reason`` a sentence."""

    word: str
    condition: str = ""
    reason: str = ""


def judge(outcome: Outcome, conditions: Sequence[Condition], bounds: Bounds) -> Verdict:
    """The verdict on a schedule."""
    for condition in conditions:
        if reason := condition.broken(outcome, bounds):
            return Verdict(condition.word, condition.name, reason)
    last = max(outcome.fates, key=_gravity)
    if last.refused:
        return Verdict(
            "masked", reason="KVM does not have it pending: it is disabled at its source, or was withdrawn there"
        )
    if last.delivered is None:
        word = "masked" if last.enabled is None else "open"
        return Verdict(word, reason=outcome.detail)
    if outcome.end is End.BOUND:
        return Verdict("open", reason=f"a handler has not returned; {outcome.detail}")
    waited = last.delivered - last.position
    return Verdict(f"deferred {waited}" if waited else "delivered")


def _gravity(fate: Fate) -> tuple[bool, int]:
    return fate.delivered is None, 0 if fate.delivered is None else fate.delivered - fate.position
