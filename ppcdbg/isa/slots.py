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
WAITING = 54  # 1 after `wait`, until an interrupt is taken
DOORBELLS = 55  # latches: bit n is message type n of msgsnd
LINES = 56  # input lines: 1 external, 2 critical, 4 machine check pending
NV = 57  # next victim way of TLB0
WITHHELD = 58  # asynchronous interrupts that are not to come the next time; who counts the bits says which
PMR = 208  # performance monitor registers, in the order of PMRS
SPR = 64  # first slot of the SPR file
GPRH = 221  # ..252: bits 0:31 of the 64-bit GPRs of the SPE; 32-bit instructions leave them alone
ACC_HIGH = 253  # the SPE's accumulator
ACC_LOW = 254
WORDS = 256  # size of the file

PMRS: dict[int, int] = {
    number: PMR + i for i, number in enumerate((16, 17, 18, 19, 144, 145, 146, 147, 272, 273, 274, 275, 400))
}
"""Slot of each PMR by its supervisor number: PMC0-3, PMLCa0-3, PMLCb0-3, PMGC0. The user number lacks bit 0x10."""
