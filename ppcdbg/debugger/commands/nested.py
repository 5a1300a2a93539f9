"""The nested family: the audit of an exit from L2 to L1 under VMX, from files or from an example."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ppcdbg.debugger.arguments import file_of
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.nested import names
from ppcdbg.debugger.results import Note
from ppcdbg.errors import UsageError
from ppcdbg.nested.audit import Audit

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger


def nested(debugger: Debugger, argument: str) -> Audit:
    """The guest at hand has nothing to do with it: the exit is a file's."""
    try:
        files = shlex.split(argument)
    except ValueError as error:
        raise UsageError(f"{argument!r} cannot be split into names of files: {error}") from None
    if not files:
        raise UsageError("nested needs a file, for example: nested exit.json; or two dumps of a VMCS")
    return debugger.nested.of_files(tuple(file_of(debugger, name) for name in files))


def example(debugger: Debugger, argument: str) -> Audit:
    return debugger.nested.of_example(argument.strip() or "cr0-copied")


def last(debugger: Debugger, argument: str) -> Audit | Note:
    found = debugger.nested.last
    if found is None:
        return Note("no nested exit was audited yet; nested FILE does, and nested-example shows one with a mistake")
    return found


COMMANDS: tuple[Command, ...] = (
    Command(
        "nested",
        nested,
        "nested FILE | nested VMCS02 VMCS12",
        "Audit an exit of a nested guest under VMX: a snapshot, or what two kernels printed of their VMCS.",
        "nested exit.json",
        "nested",
    ),
    Command(
        "nested-example",
        example,
        "nested-example [NAME]",
        "Audit an exit that was made to learn from: a right one, or one with a mistake.",
        "nested-example cr0-copied",
        "nested",
        (),
        lambda debugger, argument: [*names()],
    ),
    Command("info nested", last, "info nested", "What the last audit of a nested exit found.", "info nested", "nested"),
)
