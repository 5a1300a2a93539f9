"""The process: ``python -m ppcdbg`` and the ``ppcdbg`` script."""

from __future__ import annotations

import gc

COLLECT_EVERY = 50_000
"""New objects between two looks for garbage cycles. Imports and a run make objects that stay, and next to no cycles:
at Python's own 700 looking costs 15 ms of a start and a tenth of a run under KVM."""


def process() -> int:
    """Run the command line of this process and return its exit status."""
    gc.set_threshold(COLLECT_EVERY)
    from ppcdbg.cli.main import main

    try:
        return main()
    finally:
        gc.freeze()  # everything goes with the process: that the interpreter looks for garbage again costs 15 ms


if __name__ == "__main__":
    raise SystemExit(process())
