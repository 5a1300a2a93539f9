"""Changing the run from outside: interrupts, where the guest goes on, and what a stop does by itself.

Whatever enters the guest goes through its input queue (``machine.input``), so that a recording holds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger import inputs, races
from ppcdbg.debugger.breakpoints import Breakpoint
from ppcdbg.debugger.commands.command import Block, Command
from ppcdbg.debugger.results import Note, Table
from ppcdbg.debugger.stops import StopReport
from ppcdbg.errors import UsageError
from ppcdbg.machine.devices.mpic import SOURCES
from ppcdbg.machine.input import InputKind

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


def inject(debugger: Debugger, argument: str) -> Note:
    """An interrupt from outside: a priority of KVM's, a line of the bare core, a source of the MPIC, or a schedule."""
    if "@" in argument:
        return races.put_in(debugger, argument.strip())
    words = argument.upper().split()
    queue = debugger.system.input
    known = inputs.requests(debugger) if debugger.has_exits else inputs.BARE
    if not words:
        raise UsageError(f"inject needs an interrupt: irq NUMBER [0|1], {', '.join(known)}; for example: inject irq 42")
    name, rest = words[0], words[1:]
    if name == "IRQ":
        source = debugger.evaluate(rest[0]).number if rest else -1
        level = debugger.evaluate(rest[1]).number if len(rest) > 1 else 1
        if not 0 <= source < SOURCES or level not in (0, 1):
            raise UsageError(f"inject irq needs a source below {SOURCES} and a level of 0 or 1: inject irq 42 1")
        queue.add(InputKind.IRQ, target=source, value=level)
        return Note(f"MPIC source {source} goes to level {level} when the guest runs on")
    if name not in known or rest:
        raise UsageError(f"{argument!r} cannot be injected here; what can: {', '.join(known)}, irq NUMBER [0|1]")
    if debugger.has_exits:
        request, value = inputs.requests(debugger)[name]
        queue.add(InputKind.KVM, name=request, value=value)
    else:
        line, level = inputs.BARE[name]
        queue.add(InputKind.CORE_LINE, target=line, value=level)
    return Note(f"{name} comes when the guest runs on")


def withhold(debugger: Debugger, argument: str) -> Note | Table:
    """The next interrupt of a kind does not come, or an input that is still to come never does."""
    words = argument.split()
    if not words:
        rows = tuple((name, "the next one does not come") for name in inputs.withheld(debugger))
        return Table("withheld", ("interrupt", "what becomes of it"), rows)
    if words[0].lower() == "input":
        return Note(inputs.withhold_input(debugger, words[1:]))
    name, known = argument.strip().upper(), inputs.withholdable(debugger)
    if name not in known:
        raise UsageError(f"{argument.strip()!r} cannot be withheld here; what can: {', '.join(known)}, input [NUMBER]")
    debugger.writer.put(InputKind.WITHHOLD, name=name, value=known[name])
    debugger.writer.apply()
    return Note(f"the next {name} that would come does not")


def info_input(debugger: Debugger, argument: str) -> Table:
    return inputs.table(debugger)


def jump(debugger: Debugger, argument: str) -> StopReport:
    """Go on at another place: pc is set through the input queue, and the guest runs."""
    if not argument:
        raise UsageError("jump needs a place, for example: jump *0xc0001000")
    debugger.writer.register("pc", debugger.address(argument) & 0xFFFFFFFC)
    return debugger.continue_()


# --- command lists ------------------------------------------------------------------------------------------------
def commands(debugger: Debugger, argument: str) -> Note:
    """Without a block: what there is, or ``commands N; LINE; LINE`` on one line."""
    first, separator, rest = argument.partition(";")
    b = _breakpoint(debugger, first)
    if not separator:
        raise UsageError("commands needs lines, and 'end' after the last, or: commands 1; silent; print $r3; continue")
    lines = tuple(line.strip() for line in rest.split(";") if line.strip())
    debugger.breakpoints.set_commands(b.number, lines)
    return _told(b.number, lines)


def commands_block(debugger: Debugger, argument: str, block: Block) -> Note:
    b = _breakpoint(debugger, argument)
    lines = tuple(line.strip() for line in block.lines)
    debugger.breakpoints.set_commands(b.number, lines)
    return _told(b.number, lines)


def _breakpoint(debugger: Debugger, text: str) -> Breakpoint:
    """The one that is named, or the newest."""
    if not text.strip():
        every = list(debugger.breakpoints)
        if not every:
            raise UsageError("there is no breakpoint that commands could belong to")
        return every[-1]
    if not text.strip().isdecimal():
        raise UsageError(f"{text.strip()!r} is not a breakpoint's number; for example: commands 1")
    return debugger.breakpoints.get(int(text))


def _told(number: int, lines: tuple[str, ...]) -> Note:
    return Note(f"breakpoint {number} carries out {len(lines)} line{'s' * (len(lines) != 1)} when it stops")


def _numbers(debugger: Debugger, argument: str) -> list[str]:
    return [str(b.number) for b in debugger.breakpoints]


def _interrupts(debugger: Debugger, argument: str) -> list[str]:
    return [*(inputs.requests(debugger) if debugger.has_exits else inputs.BARE), "irq"]


COMMANDS: tuple[Command, ...] = (
    Command(
        "inject",
        inject,
        "inject PRIORITY | UNSET | irq NUMBER [0|1] | SOURCE@POSITION[+...]",
        "An interrupt from outside: a priority of KVM's, a core's line, an MPIC source, or a line of `ppcdbg race`.",
        "inject irq 42",
        "running",
        (),
        _interrupts,
    ),
    Command(
        "withhold",
        withhold,
        "withhold [INTERRUPT | input [NUMBER]]",
        "The next interrupt of a kind does not come; or an input that is to come, the next or one of `info input`.",
        "withhold DECREMENTER",
        "running",
        (),
        lambda debugger, argument: [*inputs.withholdable(debugger), "input"],
    ),
    Command(
        "info input",
        info_input,
        "info input",
        "What came into the guest from outside, and what is still to come.",
        "info input",
        "info",
    ),
    Command(
        "jump",
        jump,
        "jump PLACE",
        "Go on at another place; pc is set through the input queue.",
        "jump $pc",
        "running",
        ("j",),
        None,
    ),
    Command(
        "commands",
        commands,
        "commands [NUMBER], lines, end | commands NUMBER; LINE; LINE",
        "What a breakpoint carries out when it stops; 'silent' first keeps the stop from being told.",
        "commands 1; silent; print $r3; continue",
        "breakpoints",
        (),
        _numbers,
        block=commands_block,
        inline=True,
    ),
)
