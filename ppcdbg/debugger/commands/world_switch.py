"""The world switch family: the hypervisor's entry and exit, stepped by instructions or explored with every event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger import world_switch as switch
from ppcdbg.debugger.commands.command import Command, Result
from ppcdbg.debugger.results import Note
from ppcdbg.debugger.world_switch import SwitchFound, SwitchOutcome, SwitchPlace, SwitchRegisters
from ppcdbg.errors import UsageError
from ppcdbg.explore.switch_events import EVENTS
from ppcdbg.kvm.switch.variants import VARIANTS

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


def place(debugger: Debugger, argument: str) -> SwitchPlace:
    if argument.strip():
        raise UsageError(f"{argument.strip()!r} cannot stand here; 'world-switch start VARIANT' begins one")
    return debugger.world_switch.place()


def start(debugger: Debugger, argument: str) -> SwitchPlace:
    return debugger.world_switch.start(argument.strip())


def _count(debugger: Debugger, argument: str, word: str) -> int:
    count = debugger.evaluate(argument).number if argument.strip() else 1
    if count < 1:
        raise UsageError(f"world-switch {word} takes a number of instructions from 1 on, not {count}")
    return count


def step(debugger: Debugger, argument: str) -> SwitchPlace:
    return debugger.world_switch.step(_count(debugger, argument, "step"))


def next_group(debugger: Debugger, argument: str) -> SwitchPlace:
    return debugger.world_switch.next()


def back(debugger: Debugger, argument: str) -> SwitchPlace:
    return debugger.world_switch.back(_count(debugger, argument, "back"))


def registers(debugger: Debugger, argument: str) -> SwitchRegisters:
    return debugger.world_switch.registers()


def until(debugger: Debugger, argument: str) -> SwitchPlace:
    if not argument.strip():
        raise UsageError("world-switch until needs a step, a group or a label: world-switch until dmiuh")
    return debugger.world_switch.until(argument.strip())


def inject(debugger: Debugger, argument: str) -> SwitchPlace:
    if not argument.strip():
        raise UsageError(f"world-switch inject needs an event: {', '.join(e.name for e in EVENTS)}")
    return debugger.world_switch.inject(argument.strip())


def replay(debugger: Debugger, argument: str) -> SwitchOutcome:
    return debugger.world_switch.replay(argument)


def table(debugger: Debugger, argument: str) -> SwitchFound:
    return debugger.world_switch.table(tuple(argument.split()), debugger.runner.called_off)


def found(debugger: Debugger, argument: str) -> SwitchFound | Note:
    made = debugger.world_switch.found()
    return Note("nothing was searched yet; world-switch table linux tries each event") if made is None else made


def info(debugger: Debugger, argument: str) -> Result:
    return debugger.world_switch.steps(argument.strip()), switch.variants()


def _variants(debugger: Debugger, argument: str) -> list[str]:
    return [v.name for v in VARIANTS]


def _events(debugger: Debugger, argument: str) -> list[str]:
    return [e.name for e in EVENTS]


def _places(debugger: Debugger, argument: str) -> list[str]:
    return debugger.world_switch.places()


_FAMILY = "world switch"
COMMANDS: tuple[Command, ...] = (
    Command(
        "world-switch",
        place,
        "world-switch",
        "Where the stepped world switch stands; it is a machine of its own, beside the guest.",
        "world-switch",
        _FAMILY,
    ),
    Command(
        "world-switch start",
        start,
        "world-switch start [VARIANT[/EXIT]]",
        "Stand before the first instruction of a way to switch between host and guest; of the last one without a name.",
        "world-switch start dmiuh-last",
        _FAMILY,
        (),
        _variants,
    ),
    Command(
        "world-switch step",
        step,
        "world-switch step [COUNT]",
        "Carry out instructions of the switch, and say which registers changed.",
        "world-switch step 3",
        _FAMILY,
        repeats=True,
    ),
    Command(
        "world-switch next",
        next_group,
        "world-switch next",
        "Go on to where the next group of instructions begins.",
        "world-switch next",
        _FAMILY,
        repeats=True,
    ),
    Command(
        "world-switch back",
        back,
        "world-switch back [COUNT]",
        "Stand some instructions earlier, with the same events on the way.",
        "world-switch back 3",
        _FAMILY,
        repeats=True,
    ),
    Command(
        "world-switch registers",
        registers,
        "world-switch registers",
        "Each register that the switch moves: what it holds, and whether that is the guest's or the host's.",
        "world-switch registers",
        _FAMILY,
    ),
    Command(
        "world-switch until",
        until,
        "world-switch until STEP | GROUP | LABEL",
        "Go on to a step (entry.17), a group of instructions (dmiuh) or a label (handle_exit).",
        "world-switch until dmiuh",
        _FAMILY,
        (),
        _places,
    ),
    Command(
        "world-switch inject",
        inject,
        "world-switch inject EVENT",
        "An interrupt or a TLB miss comes before the next instruction of the switch.",
        "world-switch inject critical",
        _FAMILY,
        (),
        _events,
    ),
    Command(
        "world-switch replay",
        replay,
        "world-switch replay VARIANT[/EXIT]:EVENT@STEP",
        "Judge one run of the search, and stand where its event comes.",
        "world-switch replay dmiuh-last:data-miss@entry.14",
        _FAMILY,
    ),
    Command(
        "world-switch table",
        table,
        "world-switch table [VARIANT[/EXIT]]...",
        "Each event before each instruction of the variants: what fails, where, and why.",
        "world-switch table linux-pr",
        _FAMILY,
        (),
        _variants,
    ),
    Command(
        "world-switch found",
        found,
        "world-switch found",
        "What the last table of the world switch found.",
        "world-switch found",
        _FAMILY,
    ),
    Command(
        "info world-switch",
        info,
        "info world-switch [VARIANT]",
        "The instructions of the switch with what they do, and the variants there are.",
        "info world-switch",
        _FAMILY,
        (),
        _variants,
    ),
)
