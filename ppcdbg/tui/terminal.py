"""How the terminal is left: an orderly end on signals."""

from __future__ import annotations

import asyncio
import select
import signal
import sys
from collections.abc import Callable

CODE_OF_SIGNAL = 128
LOOK = 1.0
"""Seconds between two looks whether the terminal is still there."""


def is_gone() -> bool:
    """Whether the terminal was closed: one that did not control the process sends it no SIGHUP, nor where that is
    ignored (nohup)."""
    poll = select.poll()
    poll.register(sys.__stdout__ or 1, 0)
    return any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(0))


def on_signals(leave: Callable[[int], None], interrupt: Callable[[], None]) -> Callable[[], None]:
    """SIGTERM and SIGHUP leave with the terminal restored, SIGINT stops the guest; call the result to undo it."""
    loop = asyncio.get_running_loop()
    handled = []
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, leave, CODE_OF_SIGNAL + number)
        handled.append(number)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    handled.append(signal.SIGINT)

    def undo() -> None:
        for number in handled:
            loop.remove_signal_handler(number)

    return undo
