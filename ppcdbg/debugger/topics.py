"""What there is to look at, once: the panes of the UI, the topics of ``tell``, and what ``pane`` prints at a prompt."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from ppcdbg.errors import UsageError


@dataclass(frozen=True, slots=True)
class Topic:
    """``key`` is its key in the UI; ``command`` prints it at a prompt."""

    name: str
    key: str
    about: str
    command: str


TOPICS: tuple[Topic, ...] = (
    Topic("exits", "1", "the exits to KVM", "exits"),
    Topic("disassembly", "2", "instructions around pc", "disassemble"),
    Topic("registers", "3", "registers, with what changed", "info registers"),
    Topic("tlb", "4", "the guest's TLB", "info tlb"),
    Topic("shadow", "5", "what KVM made of it", "info tlb"),
    Topic("irqprio", "6", "interrupt priorities, and why each waits", "info irqprio"),
    Topic("console", "7", "what the guest prints; Enter types into it", "console"),
    Topic("detail", "8", "the selected exit in full", "exit"),
    Topic("statistics", "9", "where the exits come from, and what they cost", "profile"),
    Topic("paravirt", "p", "magic page, critical section, patched instructions", "info magic"),
    Topic("races", "r", "which interrupts are lost; Enter goes to one", "info race"),
    Topic("memory", "x", "memory from the stack pointer on, or where you go", "x/64xb $r1"),
    Topic("stack", "s", "the call chain", "backtrace"),
    Topic("breakpoints", "b", "breakpoints and traces", "info breakpoints"),
    Topic("miss", "e", "the last TLB miss explained, and the MAS registers", "info miss"),
    Topic("timeline", "t", "the whole run: now, bookmarks, exits of each kind", "timeline"),
    Topic("tutorial", "u", "what to do next in the tutorial; Enter does it", "tutorial"),
    Topic("host", "H", "what the host's kernel prints, and has at an exit", "info host-log"),
    Topic("switch", "w", "the world switch, stepped on a machine of its own", "world-switch"),
    Topic("owners", "W", "the switch's registers: the guest's, or the host's",
          "world-switch registers"),
    Topic("nested", "a", "an exit from L2 to L1 audited field by field", "info nested"),
)  # fmt: skip


def names() -> tuple[str, ...]:
    """The names of all topics."""
    return tuple(topic.name for topic in TOPICS)


def topic_of(text: str) -> Topic:
    """The topic of a name or key. Raises UsageError, with the nearest name."""
    for topic in TOPICS:
        if text in (topic.name, topic.key):
            return topic
    near = difflib.get_close_matches(text, names(), 1)
    hint = f"did you mean {near[0]}?" if near else f"the topics are {', '.join(names())}"
    raise UsageError(f"there is nothing to tell of {text!r}; {hint}")
