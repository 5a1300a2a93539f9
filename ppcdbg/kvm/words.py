"""What a vcpu keeps in memory of fixed places, so that compiled code (:mod:`ppcdbg.kvm.native`) works on the same.

One array of 64-bit words, indexed by the names below, and tables that some of the words point to. Everything else of a
vcpu is plain Python. Nothing here acts; who owns a word is said where it is used.
"""

from __future__ import annotations

from array import array
from struct import Struct

(READY, PAGE, MEMORY_SIZE, ENTERED_MSR, GUEST_PID, MAGIC_EA, NEXT_WAY, FILLS, SPLITS,
 LAST_COST, LAST_TYPE, ENTERED_AT, LAST_POSITION, STREAK,
 PC, FAULT_DEAR, FAULT_ESR, LAST_INST, SHADOW, MMIO, KERNEL_BASE, KERNEL_SIZE, ACCESS,
 SWITCH_COST, EMULATE_COST, MAP_COST, USERSPACE_COST,
 LPID, WIMG, SET_MASK, WAYS, TLB1_ENTRIES, TLB1_MIN, TLB1_MAX, HOST_SET_MASK, HOST_WAYS, MSR_MASK,
 GUEST_MAS1, GUEST_MAS2, GUEST_MAS7_3, REFERENCES, PFNS, PARENTS, IDS, KNOWN, LOG, LOG_COUNT,
 STATS, EXIT_COUNTS, TIME_COUNT, TIME_MINIMUM, TIME_MAXIMUM, TIME_TOTAL, TIME_SQUARES, FETCH,
 SPRGS) = range(56)  # fmt: skip
COUNT = SPRGS + 4  # the last four: SPRG4..7 as the page had them when they were last loaded, bytes as they lie there

STATE = (NEXT_WAY, FILLS, SPLITS, LAST_COST, ENTERED_AT, LAST_POSITION, STREAK, TLB1_MIN, TLB1_MAX)
"""The words that change as the guest runs and decide what it does next: what a snapshot holds. The others are fixed for
a vcpu's life, addresses of this process, or empty while the guest stands still."""
COPIES = (ENTERED_MSR, GUEST_PID, MAGIC_EA, LAST_TYPE, PC, FAULT_DEAR, FAULT_ESR, LAST_INST, *range(SPRGS, COUNT))
"""What compiled code has of a vcpu's attributes: a snapshot holds them, and they are no state of their own."""

ROW = Struct("<QQ14I")
"""One exit that compiled code handled: position, tick, exit number, pc, MSR, DEAR, ESR, instruction, what it did (as
``log`` numbers actions), four words that depend on that, resume code, exit type, cost."""
NUMBERS = 16
"""Of a row."""
ROW_WORDS, ROW_LONGS = ROW.size // 4, ROW.size // 8
"""Of a row: words of 32 bits, and of 64."""
ROOM = 1024
"""Rows until somebody must read them: some milliseconds of a guest of nothing but exits, so that it can be looked at
and stopped in between."""

KNOWN_ENTRIES = 4096
KNOWN_WORDS = 2
"""Words of an instruction that compiled code may emulate: [instruction | how << 32, times]."""
GET, SET, SET_DOUBLE, EE, EE_IMMEDIATE, NOTHING, LOAD, STORE = range(1, 9)
"""What it does: a GPR from a word of the shared page, to a word, to a double word; MSR[EE] from a GPR, or set where the
operand is not 0; nothing; an access to a device. The last two may be done where they miss, the others where they are
privileged."""


def how(kind: int, register: int, exit_type: int, operand: int) -> int:
    """Kind, GPR, exit type and operand (offset in the page, size of an access) in one 32-bit word."""
    return kind | register << 4 | exit_type << 9 | operand << 16


KNOWN_FACTOR, KNOWN_SHIFT = 0x9E3779B1, 20
"""An instruction is looked for in KNOWN at its product with the factor, shifted, and at the neighbour (index ^ 1)."""


def known_index(word: int) -> int:
    """The first of the two places of an instruction in KNOWN."""
    return (word * KNOWN_FACTOR & 0xFFFFFFFF) >> KNOWN_SHIFT


def table(length: int) -> array[int]:
    """A table of 64-bit words, all 0; it must not be resized, since compiled code holds its address."""
    return array("Q", bytes(8 * length))


def address(words: array[int]) -> int:
    """Host address of a table."""
    return words.buffer_info()[0]
