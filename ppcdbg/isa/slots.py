"""Numbers of the 32-bit register slots: the layout that every engine and every reader of state agrees on.

Slots 0..32 are the GPRs and the constant zero; CR is kept as eight fields and XER as its parts, because that is how
instructions use them. SPRs that are plain storage have a slot each, assigned by :mod:`ppcdbg.isa.sprs`.
"""

from __future__ import annotations

GPR = 0
ZERO = 32
CR = 33  # ..40
LR = 41
CTR = 42
CA = 43
OV = 44
SO = 45
XER_COUNT = 46  # XER[57:63], the byte count
MSR = 47
PC = 48
RESERVED = 49  # 1 while a reservation is held
RESERVE_PA = 50  # real address of the reserved word, low and high half
RESERVE_PA_HIGH = 51
FPSCR = 52
EA = 53  # scratch of engines: effective address of a fault that is being resolved
SPR = 64  # first slot of the SPR file
WORDS = 256  # size of the file
