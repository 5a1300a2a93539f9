"""Where things lie in the memory that compiled code and Python share, and how compiled code says why it came back.

The register state itself is laid out by ``cpu.state``; this is the engine's own: its block of variables, the sets of
cached translations, the pages of decoded ops. Offsets are bytes, values little-endian as on the host.
"""

from __future__ import annotations

from enum import IntEnum

from ppcdbg.cpu import msr as M
from ppcdbg.cpu.state import COUNTER_OFFSET, TLB_OFFSET
from ppcdbg.isa import slots

# --- state block
PC = slots.PC * 4
MSR = slots.MSR * 4
COUNTERS = COUNTER_OFFSET
TLB = TLB_OFFSET

PAGE = 0xFFFFF000  # of an effective address
CONTEXT_BITS = M.MSR_PR | M.MSR_IS | M.MSR_DS | M.MSR_GS

# --- a decoded op: handler address, then operands
OP_SIZE = 16
OP_OPERANDS = 8
OPS_PER_PAGE = 1024
PAGE_STRIDE = 0x8000  # op pages are aligned to this
CROSS_OP = OPS_PER_PAGE * OP_SIZE  # the op after the last word: goes on at the next page
PAGE_HOST = CROSS_OP + OP_SIZE  # host address of the guest page
PAGE_REAL = PAGE_HOST + 8  # its real address
PAGE_FLAGS = PAGE_REAL + 8
HAS_REGIONS = 1  # compiled regions cover words of this page
SEARCHED = 2  # it was searched for instructions that end a run; Python must hear of stores to it

# --- a set of cached translations: one for each context (PR, IS, DS, GS, PIDs, LPID)
SET_ENGINE = 0  # pointer to the engine's block
SET_BIT = 8  # this set's bit in PRESENT
SET_DATA = 64  # entries {read tag, write tag, host address minus effective address}
SET_DATA_ENTRIES = 1024
SET_FETCH = SET_DATA + SET_DATA_ENTRIES * 16  # entries {tag, op page}
SET_FETCH_ENTRIES = 256
SET_SIZE = SET_FETCH + SET_FETCH_ENTRIES * 16 + 64
NO_TAG = 1  # never equal to a page address

# --- flags of a real page
WRITTEN = 1  # a set has, or had, a write tag for it
NOTED = 2  # written, or a set got a write tag for it, since somebody last asked

# --- the engine's block
N = 0  # instructions left when compiled code came back
OP = 8  # op at which it came back; 0 when PC is exact
LIMIT = 16
STATE = 24
RAM = 32
RAM_SIZE = 40
PAGE_OPS = 48  # table: real page number -> op page or 0
PAGE_MARKS = 56  # table of bytes: real page number -> flags
SLAB_NEXT = 64
SLAB_END = 72
SET_COUNT = 80
SETS = 88  # address of the first set
STATUS = 96
ADDRESS = 104  # real address of a device access
SIZE = 112
VALUE = 120
PENDING = 128  # 1: the device was read, VALUE holds it; 2: it was written
KEY = 136  # PIDs and LPID that the table of sets is for
TLB1_VALID = 144  # bit n: TLB1[n] is valid
FLUSH = 152  # Python must clear all sets first
BREAKPOINTS = 160  # Python must look at each page that is entered
DECODED = 168  # ops decoded, for statistics
VECTOR = 192
NATIVE_INTERRUPTS = 200  # 0: Python takes interrupts; 1: compiled code may; LOGGED, COUNTED: and writes down which
TENANT = 208  # interrupts to hypervisor state end the run
ESR = 216
DEAR = 224
SET_TABLE = 256  # 16 pointers, by set_number(MSR)
LOGGED, COUNTED = 2, 3
COUNTS = 984  # address of the table of cpu.observe in which they are counted
LOG_COUNT = 232
PRESENT = 248  # table of 32-bit words by effective page: which sets may have something of the page
TENANT_BLOCK = 992  # address of what the tenant's own compiled code works on
SHORTCUTS = 1000  # the block of cpu.shortcuts, or 0
FREE_PAGES = 240  # op pages that were given up, linked through PAGE_HOST
WATCHES = 1008  # what is watched, or 0: see WATCH_SPANS
STRAYS = 1016  # jumps through CTR that left a region for want of a known target
STRAY_TABLE = 1024  # entries {jump, target} of 32 bits each, by target
STRAY_ENTRIES = 128
LOG = STRAY_TABLE + STRAY_ENTRIES * 8  # interrupts taken: {vector, saved pc, old MSR, to the guest; position}
LOG_ENTRY, LOG_LENGTH = 24, 4096
BLOCK_SIZE = LOG + LOG_LENGTH * LOG_ENTRY

# --- what is watched
WATCH_SPANS = 0  # 256 pairs of 16 bits: first and last watched byte of a page; the first pair is of none
WATCH_DEAF = 1024  # table by address: instructions whose accesses are not told
DEAF_ENTRIES = 4096
WATCH_PAGES = WATCH_DEAF + 4 * DEAF_ENTRIES  # a byte each, which pair: effective pages, real pages of RAM, all devices


class Left(IntEnum):
    """Why compiled code came back to Python."""

    LIMIT = 0
    INTERPRET = 1  # the instruction at OP must be run on Python numbers
    FETCH = 2  # the instruction at PC cannot be fetched here
    READ = 3  # a device read: ADDRESS, SIZE
    WRITE = 4  # a device write: ADDRESS, SIZE, VALUE
    BREAKPOINT = 5
    ATTENTION = 6  # look for interrupts before going on
    CONTEXT = 7  # no set for this context is installed
    FULL = 8  # no room for another op page
    FLUSH = 9
    EXIT = 10  # an interrupt was taken to a tenant: VECTOR
    STUCK = 11  # interrupts follow each other and nothing retires: VECTOR
    RAISE = 12  # never seen by Python: VECTOR, ESR, DEAR say which interrupt the instruction takes
    TENANT = 13  # the tenant's compiled code wants something of the tenant


def set_number(msr: int) -> int:
    """Index into SET_TABLE: IS and DS, PR, GS."""
    return msr >> 4 & 3 | msr >> 12 & 4 | msr >> 25 & 8
