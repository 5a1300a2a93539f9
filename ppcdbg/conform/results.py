"""What a run left besides its events, against the ``.info``: registers at the beginning, what userspace learns of
KVM, the guest's log of interrupts, its result words, the guest's TLB, the kernel's counters, exits by timed type.

Counters of what the host does by itself (its timer, polling before a halt) are left out, and so is how long exits took;
the others must fit but for the misses that were left out of the events.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ppcdbg.conform.align import REFILL, Alignment, Waits, same_but_waiting
from ppcdbg.conform.machine import ConformRun
from ppcdbg.conform.oracle import Trace
from ppcdbg.kvm import codes
from ppcdbg.kvm.capabilities import CAPABILITIES, check_extension, pvinfo

LOG, RESULTS = 0x40000, 0x3F000
LOG_ENTRIES, RECORD_WORDS = 400, 5
RESULT_WORDS, WORDS_A_LINE = 128, 8
_FIELD = re.compile(r"(\w+)=([0-9a-f]+)")
COUNTED = ("mmio_exits", "itlb_real_miss_exits", "itlb_virt_miss_exits", "dtlb_real_miss_exits",
           "dtlb_virt_miss_exits", "syscall_exits", "isi_exits", "dsi_exits", "emulated_inst_exits",
           "signal_exits")  # fmt: skip
_HOSTS_TYPES = frozenset({codes.DEC_EXITS, codes.EXT_INTR_EXITS, codes.TIMEINGUEST, codes.HALT_WAKEUP})
"""Exits that the host's own timer makes, and the time between exits, which those cut."""
_VIRTUAL_TYPES = (codes.ITLB_VIRT_MISS_EXITS, codes.DTLB_VIRT_MISS_EXITS)
VIRTUAL = ("itlb_virt_miss_exits", "dtlb_virt_miss_exits")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that differs, in words."""

    what: str
    ours: str
    theirs: str


def findings(run: ConformRun, trace: Trace, aligned: Alignment, waits: Waits) -> Iterator[Finding]:
    """Everything in the ``.info`` that this run left otherwise."""
    info = trace.info
    yield from _registers(run, info)
    if "LOG" in info:
        yield from _lines("the guest's log, entry", _log(run), [*info["LOG"]], waits)
    if "RESULT" in info:
        theirs = " ".join(info["RESULT"]).split()
        yield from _lines("result word", _results(run), theirs, lambda a, b: waits(a, b))
    if "GTLB" in info:
        yield from _lines("the guest's TLB, line", _guest_tlb(run), [*info["GTLB"]], lambda a, b: False)
    if "CAPS" in info:
        yield from _capabilities(" ".join(info["CAPS"]))
    if "PVINFO" in info:
        yield from _pvinfo(run, " ".join(info["PVINFO"]))
    if "STATS" in info:
        yield from _counters(run, info["STATS"], aligned)
    if "TIMING" in info:
        yield from _timing(run, info["TIMING"], aligned)


def _registers(run: ConformRun, info: dict[str, tuple[str, ...]]) -> Iterator[Finding]:
    for part in ("SREGS0", "REGS0", "SREGS1"):
        for name, value in _FIELD.findall(" ".join(info.get(part, ()))):
            ours = run.shared_registers.get(name) if part == "SREGS1" else run.initial.get(name)
            if ours is not None and ours != int(value, 16):
                yield Finding(f"the initial {name}", f"{ours:x}", value)


def _capabilities(text: str) -> Iterator[Finding]:
    for number, value in re.findall(r"(\d+)=(-?\d+)", text):
        ours = check_extension(int(number))
        if ours != int(value):
            yield Finding(f"capability {number} ({CAPABILITIES.get(int(number), 'unknown')})", f"{ours}", value)


def _pvinfo(run: ConformRun, text: str) -> Iterator[Finding]:
    info = pvinfo(run.v.hv)
    ours = f"rc=0 flags={info.flags:x} hcall={' '.join(f'{word:08x}' for word in info.hcall)}"
    if ours != text.strip():
        yield Finding("what GET_PVINFO gives", ours, text.strip())


def _log(run: ConformRun) -> list[str]:
    lines = []
    for n in range(LOG_ENTRIES):
        at = LOG + n * 4 * RECORD_WORDS
        w = [run.word(at + 4 * i) for i in range(RECORD_WORDS)]
        if not any(w):
            break
        lines.append(f"{w[0]:2x} srr0={w[1]:08x} srr1={w[2]:08x} esr={w[3]:08x} dear={w[4]:08x}")
    return lines


def _results(run: ConformRun) -> list[str]:
    words = [run.word(RESULTS + 4 * i) for i in range(RESULT_WORDS)]
    while words and not words[-1]:
        words.pop()
    words += [0] * (-len(words) % WORDS_A_LINE)
    return [f"{word:08x}" for word in words]


def _guest_tlb(run: ConformRun) -> list[str]:
    return [
        f"TLB{e.tlbsel}[{e.esel}] mas1={e.mas1:08x} mas2={e.mas2:x} mas7_3={e.mas7_3:x}"
        for e in run.v.gtlb.all()
        if e.mas1
    ]


def _lines(what: str, ours: list[str], theirs: list[str], waits: Callable[[int, int], bool]) -> Iterator[Finding]:
    """The first of two lists' lines that differ."""
    for n in range(max(len(ours), len(theirs))):
        mine = ours[n] if n < len(ours) else "nothing"
        real = theirs[n] if n < len(theirs) else "nothing"
        if mine != real and not same_but_waiting(f"={mine}", f"={real}", waits):
            yield Finding(f"{what} {n}", mine.strip(), real.strip())
            return


def _counters(run: ConformRun, lines: tuple[str, ...], aligned: Alignment) -> Iterator[Finding]:
    theirs = {name: int(value) for name, _, value in (line.partition(": ") for line in lines) if value.isdecimal()}
    ours = run.v.stat
    slack = aligned.left_out[REFILL] // 2
    off = sum(abs(ours[name] - theirs.get(name, 0)) for name in VIRTUAL)
    for name in COUNTED:
        differs = ours[name] != theirs.get(name, 0)
        if differs and (name not in VIRTUAL or off > slack):
            yield Finding(f"the counter {name}", str(ours[name]), str(theirs.get(name, 0)))


def _timing(run: ConformRun, lines: tuple[str, ...], aligned: Alignment) -> Iterator[Finding]:
    """The rows come in the order of the types; four have no name."""
    cells = [line.split() for line in lines[1:]]
    if len(cells) != codes.EXIT_TYPES or not all(len(row) > 1 and row[1].isdecimal() for row in cells):
        yield Finding("the table of exit timing", f"{codes.EXIT_TYPES} rows", f"{len(cells)} rows")
        return
    slack = aligned.left_out[REFILL] // 2
    for number, row in enumerate(cells):
        ours, theirs = run.v.timing.count[number], int(row[1])
        off = abs(ours - theirs)
        if number not in _HOSTS_TYPES and off > (slack if number in _VIRTUAL_TYPES else 0):
            yield Finding(f"the exits timed as {codes.exit_type_name(number)}", str(ours), str(theirs))
