"""ppcdbg: a debugger and exit tracer for guests of Linux KVM on Book E PowerPC.

The floors, ground floor first, are in README.md under "Reading guide"; ``tests/test_floors.py`` holds them.
"""

__version__ = "0.1.0"
