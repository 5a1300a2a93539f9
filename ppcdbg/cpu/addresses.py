"""Distinct types for the address spaces, so that a checker finds a mix-up.

Effective addresses are what the guest's instructions use. Guest-physical addresses come out of the guest's own TLB
under a hypervisor. Host-physical (real) addresses are what the core puts on its bus: 36 bits on these cores.
"""

from __future__ import annotations

from typing import NewType

EffectiveAddress = NewType("EffectiveAddress", int)
GuestPhysical = NewType("GuestPhysical", int)
RealAddress = NewType("RealAddress", int)

PAGE_SIZE = 4096
PAGE_MASK = 0xFFF
REAL_MASK = (1 << 36) - 1
