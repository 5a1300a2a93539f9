"""All of a vcpu as plain data, and back (``cpu.plain``): what a snapshot of a guest under KVM holds besides its core.

Every attribute of a ``Vcpu`` is one of three: a number named here, a part that saves itself, or none of a vcpu's state
(``NOT_STATE``: wiring, caches, and what is empty whenever the guest stands still). A new one must be put into one of
them; ``tests/kvm/test_state.py`` looks.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING

from ppcdbg.cpu.plain import Plain, Saved, attributes, items, numbers, octets, put_attributes, table, whole, words
from ppcdbg.kvm import words as W
from ppcdbg.kvm.debug_registers import DebugRegisters
from ppcdbg.kvm.e500_mmu import Geometry
from ppcdbg.kvm.emulate_loadstore import access_of

if TYPE_CHECKING:
    from ppcdbg.kvm.emulate_loadstore import Access
    from ppcdbg.kvm.vcpu import Vcpu

NUMBERS = (
    "pc", "last_inst", "fault_dear", "fault_esr", "fetch_fault", "pending", "requests", "queued_dear", "queued_esr",
    "ivpr", "epr_flags", "epr_needed", "magic_page_pa", "magic_page_ea", "mmio_needed", "spr_needed",
    "dcr_needed", "hcall_needed",
    "pid", "pid1", "pid2", "csrr0", "csrr1", "dsrr0", "dsrr1", "mcsrr0", "mcsrr1", "mcsr",
    "l1csr0", "l1csr1", "hid0", "hid1", "pwrmgtcr0", "epr", "epcr", "pvr", "svr", "guest_debug", "dbsr",
    "shadow_msr", "tcr", "tsr", "dec", "decar", "dec_start", "dec_deadline", "watchdog_deadline",
    "fit_deadline", "timer_deadline", "watchdog_enabled", "exit_type", "cost", "mmucfg",
)  # fmt: skip
LISTS = ("ivor", "queue_counts", "delivered_counts", "tlbcfg")
TABLES = ("stats", "counts")
PARTS = ("run", "gtlb", "shadow", "host_tlb", "timing", "exits", "host_log", "deferral", "deferral_counts")
ELSEWHERE = ("ids", "shared", "debug", "thread_debug", "sprg_loaded", "queued_by", "_emulated", "known",
             "hypercalls", "mmio_counts", "mmio_access", "stalled", "words", "rewriter", "taken_sprs",
             "debugger", "signal", "resched", "papr_enabled")  # fmt: skip
"""State that is saved below, in a form of its own."""
NOT_STATE = ("vm", "core", "hv", "quirks", "number", "reg", "gpr", "shared_real", "mas", "prios", "mpic_acknowledge",
             "accesses", "kernel_bus", "device_at", "wait_for_event", "code_changed", "kick", "host_debug", "trace",
             "decoded", "actions", "queued", "delivered", "rows", "give_away",
             "devices_touched")  # fmt: skip


def save_vcpu(v: Vcpu) -> Saved:
    """See ``plain.Saves``. The guest stands still: no exit is being handled."""
    g = v.gtlb.geometry
    access = v.mmio_access if v.mmio_needed else None  # otherwise it is over
    return {
        "geometry": [g.tlb0_entries, g.tlb0_ways, g.tlb1_entries],
        "numbers": attributes(v, NUMBERS),
        "lists": {name: [*getattr(v, name)] for name in (*LISTS, *TABLES)},
        "parts": {name: getattr(v, name).save() for name in PARTS},
        "ids": None if v.ids is None else v.ids.save(),
        "shared": bytes(v.shared.page) if v.hv else None,  # in PR mode it is a page of RAM
        "debug": [v.debug.save(), v.thread_debug.save()],
        "sprg_loaded": [*v.sprg_loaded],
        "queued_by": [[number, *at] for number, at in v.queued_by.items()],
        "words": [v.words[i] for i in W.STATE],
        "copies": [v.words[i] for i in W.COPIES],
        "emulated": _pairs(v.emulated),
        "hypercalls": _pairs(v.hypercalls),
        "mmio_counts": [[name, write, count] for (name, write), count in sorted(v.mmio_counts.items())],
        "mmio_access": None if access is None else [access[0].word, access[1], access[2]],
        "stalled": v.stalled,
        "taken_sprs": _pairs(v.taken_sprs),
        **({} if v.rewriter is None else {"rewritten": v.rewriter.save()}),
        **({"debugger": v.debugger.save()} if v.debugger.points else {}),
        **({"waits": [int(v.signal), v.resched]} if v.signal or v.resched else {}),
        **({"papr": True} if v.papr_enabled else {}),
    }


def restore_vcpu(v: Vcpu, state: Saved) -> None:
    """See ``plain.Saves``; core and RAM are restored by themselves, before this."""
    geometry = Geometry(*numbers(state["geometry"]))
    if geometry != v.gtlb.geometry:
        v.set_geometry(geometry)
    put_attributes(v, NUMBERS, table(state["numbers"]))
    lists, parts = table(state["lists"]), table(state["parts"])
    for name in LISTS:
        getattr(v, name)[:] = numbers(lists[name])
    for name in TABLES:
        getattr(v, name)[:] = array("Q", numbers(lists[name]))
    for name in PARTS:
        getattr(v, name).restore(table(parts[name]))
    if v.ids is not None:
        v.ids.restore(table(state["ids"]))
    if v.hv:
        v.shared.page[:] = octets(state["shared"])
    v.debug, v.thread_debug = (DebugRegisters(*numbers(row)) for row in items(state["debug"]))
    v.sprg_loaded = tuple(numbers(state["sprg_loaded"]))
    v.queued_by = {number: (exit, tick) for number, exit, tick in map(numbers, items(state["queued_by"]))}
    for places, name in ((W.STATE, "words"), (W.COPIES, "copies")):
        for i, word in zip(places, numbers(state[name]), strict=True):
            v.words[i] = word
    v.emulated_were(_counts(state["emulated"]))
    v.hypercalls = _counts(state["hypercalls"])
    v.mmio_counts = Counter()
    for row in items(state["mmio_counts"]):
        device, write, count = items(row)
        v.mmio_counts[words(device), bool(write)] = whole(count)
    v.taken_sprs.update(_counts(state["taken_sprs"]))
    v.mmio_access = _access(v, state["mmio_access"])
    if v.rewriter is not None:
        v.rewriter.restore(state["rewritten"])
    v.debugger.restore(state.get("debugger"))
    signal, v.resched = numbers(state.get("waits", [0, 0]))
    v.signal, v.papr_enabled = bool(signal), bool(state.get("papr"))
    v.stalled = None if state["stalled"] is None else words(state["stalled"])
    v.devices_touched = True
    v.actions.clear()
    v.queued.clear()
    v.delivered = None


def _access(v: Vcpu, saved: Plain) -> tuple[Access, int, bool] | None:
    if saved is None:
        return None
    word, address, first = items(saved)
    return access_of(v, whole(word)), whole(address), bool(first)


def _pairs(counts: dict[int, int]) -> list[list[int]]:
    return [[key, value] for key, value in sorted(counts.items())]


def _counts(saved: Plain) -> dict[int, int]:
    pairs = (numbers(pair) for pair in items(saved))
    return {pair[0]: pair[1] for pair in pairs}
