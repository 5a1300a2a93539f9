"""An interrupt that comes at any moment, from a signal's handler too."""

from __future__ import annotations

import subprocess
import sys

HANDLED = """
import signal, time
from ppcdbg.debugger import open_guest

debugger = open_guest("demo")
signal.signal(signal.SIGALRM, lambda number, frame: debugger.interrupt())
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
end = time.monotonic() + 1
while time.monotonic() < end:
    debugger.interrupt()
    debugger.forget_interrupt()
signal.setitimer(signal.ITIMER_REAL, 0)
debugger.forget_interrupt()
assert not debugger.runner.interrupted
"""


def test_ctrl_c_while_the_one_before_is_forgotten() -> None:
    """Found by a million packets: the handler waited for a lock that the code it had come into held, for ever."""
    subprocess.run([sys.executable, "-c", HANDLED], check=True, timeout=60)
