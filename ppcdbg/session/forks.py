"""A second system that stands where a run once stood, to see another future of it; the run itself goes on untouched.

The state comes from a checkpoint of the run's timeline, so that nothing before it is run again. Whoever forks says what
input the second one gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ppcdbg.errors import UsageError
from ppcdbg.kvm.build import build_system
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.input import InputEvent
from ppcdbg.machine.system import System
from ppcdbg.session.pages import Pages
from ppcdbg.session.snapshots import Root, put


def fork(
    system: System, root: Root, events: Sequence[InputEvent], engine: str | None = None, deferral: str = ""
) -> System:
    """Another system at a moment of the past of this one, with ``events`` as all of its input; under another policy of
    deferral where one is given, which must fit the state of that moment. Raises UsageError for a system that no
    description made."""
    description = system.description
    if description is None:
        raise UsageError("this guest was put together by hand, so no second one can be made to see another future")
    own = replace(description, session=None, input=None, engine=engine or description.engine,
                  deferral=deferral or description.deferral)  # fmt: skip
    made = build_system(own)
    for ours, theirs in ((system.board.console, made.board.console), (system.board.console1, made.board.console1)):
        theirs.as_of(ours)
    if isinstance(system, KvmSystem) and isinstance(made, KvmSystem):
        made.kvm.exits.foretell(system.kvm.exits.known())
        made.answers.as_of(system.answers)
    put(made, Pages(made), root.snapshot)
    made.input.restore(events[root.taken :], 1 + max((e.order for e in events), default=-1))
    for console in (made.board.console, made.board.console1):
        console.forget()
    if isinstance(made, KvmSystem):
        made.kvm.exits.forget()
    return made
