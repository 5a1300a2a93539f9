"""A fault of ppcdbg's own leaves a report behind: a session file that comes to the same place again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ppcdbg.cli.host import from_outside
from ppcdbg.errors import PpcdbgError

if TYPE_CHECKING:
    from pathlib import Path

    from ppcdbg.kvm.vcpu import Vcpu
    from ppcdbg.machine.input import InputEvent
    from ppcdbg.machine.system import System


@contextmanager
def reported(system: System, taken: Callable[[], Sequence[InputEvent]] | None = None) -> Iterator[None]:
    """Whatever is raised in here and is no user's doing goes on its way with a note that names the report.

    ``taken``: the input that the guest has had; None: all of it was known when this was entered.
    """
    events = None if taken is not None else system.input.pending()
    try:
        yield
    except (PpcdbgError, BrokenPipeError):
        raise
    except Exception as error:
        if from_outside(error):
            raise
        had = taken() if taken is not None else events or ()
        error.add_note(_report(system, had, error))
        raise


def _report(system: System, events: Sequence[InputEvent], error: Exception) -> str:
    """Write it, and say where it is; or why it is nowhere."""
    import traceback

    machine, where = system.description, f"the guest was at position {system.position:,}"
    if machine is None:
        return where
    if machine.session is not None:
        return f"{where} of {machine.session}"
    try:
        from ppcdbg.session.fault import write_fault

        path = _free()
        kvm: Vcpu | None = getattr(system, "kvm", None)
        exits = [] if kvm is None else kvm.exits.recorded(0)
        write_fault(path, machine, events, exits, system.moment(), "".join(traceback.format_exception(error)))
    except (PpcdbgError, OSError) as why:
        return f"{where}; no report could be written: {why}"
    return (
        f"{where}; {path} has what led to it, its images included: `ppcdbg repl {path} -c 'seek end'` comes there again"
    )


def _free() -> Path:
    """A name for one more report, in a folder that there is."""
    from ppcdbg.paths import user_state

    folder = user_state(os.environ) / "faults"
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while (folder / f"fault-{number}.ppcdbg").exists():
        number += 1
    return folder / f"fault-{number}.ppcdbg"
