"""Compare our events with a trace of the real KVM, leaving out and counting what may differ, each with its reason.

Two kinds: episodes that begin at an instruction which the oracle's host (QEMU) or our core treats differently from
silicon, dropped from both sides; and the differences that the oracle's README allows, recognised in the rest.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from difflib import SequenceMatcher

EXIT = re.compile(r"kvm_exit: exit=(\w+) \| pc=(0x[0-9a-f]+)")
STALE_DAR = re.compile(r"dar=0x[0-9a-f]+")
STALE_INST = re.compile(r"last_inst=0x[0-9a-f]+")
HAS_DAR = {"DATA_STORAGE", "DTLB_MISS", "ALIGNMENT"}
HAS_INST = {"PROGRAM", "DTLB_MISS", "DEBUG"}
MAIN = range(0x10110, 0x20000)  # the guests' main programs; handlers and hooks lie outside

# guest -> pc -> why the episode that begins there is left out
EPISODES: dict[str, dict[int, str]] = {
    "a": {0x10658: "QEMU runs mfspr 284 in user mode", 0x1065C: "QEMU runs mfspr 285 in user mode"},
    "c": {0x10260: "QEMU does not translate for stwcx. without a reservation"},
    "g": {
        0x1019C: "QEMU has no alignment interrupt for stwcx.",
        0x101A0: "QEMU has no alignment interrupt for lmw",
    },
}
WAIT_LOOPS = {"e": {0x102B8, 0x102BC}}


@dataclass
class Result:
    """``compared``: events that agree. ``left_out``: reason -> events. ``mismatches``: what nothing excuses."""

    compared: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)


def captured(event: str) -> str:
    """An event without what its exit does not capture: dar and last_inst are stale there."""
    m = EXIT.match(event)
    if m is None:
        return event
    if m[1] not in HAS_DAR:
        event = STALE_DAR.sub("dar=*", event)
    return event if m[1] in HAS_INST else STALE_INST.sub("last_inst=*", event)


def without_episodes(events: list[str], guest: str, left_out: Counter[str]) -> list[str]:
    """Drop the episodes of ``EPISODES``: from the exit at that pc to the next one of another main instruction."""
    reasons = EPISODES.get(guest, {})
    kept: list[str] = []
    dropping: int | None = None
    for event in events:
        m = EXIT.match(event)
        if m is not None and (pc := int(m[2], 16)) in MAIN and pc != dropping:
            dropping = pc if pc in reasons else None
        if dropping is None:
            kept.append(event)
        else:
            left_out[reasons[dropping]] += 1
    return kept


def _refills(lines: list[str]) -> bool:
    pairs = list(zip(lines[::2], lines[1::2], strict=False))
    miss, write = re.compile(r"kvm_exit: exit=[ID]TLB_MISS"), "kvm_booke206_stlb_write: mas0=T0"
    return len(lines) % 2 == 0 and all(miss.match(a) and b.startswith(write) for a, b in pairs)


def _release(ours: list[str], theirs: list[str]) -> bool:
    """A TLB1 entry's reference names the last page mapped through it, which a refill changes."""
    return len(ours) == len(theirs) and all(
        re.fullmatch(r"kvm_booke206_ref_release: gpa:\w+ flags=a000000\w", line) for line in ours + theirs
    )


def _wait_loop(ours: list[str], theirs: list[str], guest: str) -> bool:
    pcs = [re.fullmatch(r"kvm_ppc_instr: inst 1275068516 pc (0x\w+) emulate 0", line) for line in ours + theirs]
    return len(ours) == len(theirs) == 1 and all(m and int(m[1], 16) in WAIT_LOOPS.get(guest, ()) for m in pcs)


def compare(ours: list[str], theirs: list[str], guest: str) -> Result:
    result = Result()
    mine = [captured(e) for e in without_episodes(ours, guest, result.left_out)]
    real = [captured(e) for e in without_episodes(theirs, guest, result.left_out)]
    for tag, a0, a1, b0, b1 in SequenceMatcher(None, mine, real, autojunk=False).get_opcodes():
        left, right = mine[a0:a1], real[b0:b1]
        if tag == "equal":
            result.compared += a1 - a0
        elif _refills(left + right) and (not left or not right):
            result.left_out["refill of a page that another shadow entry pushed out"] += len(left + right)
        elif _release(left, right):
            result.left_out["the page named by a TLB1 reference after a refill"] += len(left + right)
        elif _wait_loop(left, right, guest):
            result.left_out["pc inside a wait loop"] += len(left + right)
        else:
            result.mismatches += [f"ours   {line}" for line in left] + [f"theirs {line}" for line in right]
    return result
