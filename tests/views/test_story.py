"""The story's sentences, for every kind of thing that can happen, from facts made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ppcdbg.debugger.causes import access_of, cause_of
from ppcdbg.debugger.results import Candidate, DisassemblyRow
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.debugger.story import Story
from ppcdbg.debugger.symbols import Symbol, SymbolTable
from ppcdbg.kvm.records import Action, Did, ExitRecord
from ppcdbg.machine.system import Stop, StopKind
from ppcdbg.views import exits, story
from ppcdbg.views.spans import to_text
from tests.views.golden import check

SYMBOLS = SymbolTable([Symbol(0xC0013A00, "memset", 0x80, True), Symbol(0xC000E1B0, "arch_local_irq_save", 0x20, True)])
MAPPING = Candidate("guest TLB1[1]", 0xC0000000, 0xC3FFFFFF, "", "", (0, 0, 0, 0))


def record(number: int, vector: int, name: str, pc: int, *actions: Action, **fields: object) -> ExitRecord:
    made = ExitRecord(
        number=number, position=12_345_000 + number, tick=12_400_000, vector=vector, name=name, pc=pc, msr=0x00029002,
        dar=0xC0414000, esr=0, last_inst=0, captured=frozenset(), actions=actions, queued=(), delivered=None,
        resume="RESUME_GUEST", accounted="", cost=1420,
    )  # fmt: skip
    return replace(made, **fields)


DEAR = frozenset({"dear", "esr", "inst"})
INST = frozenset({"esr", "inst"})

RECORDS = [
    record(4206, 6, "PROGRAM", 0xC000E1B4, Action(Did.EMULATED, word=0x7D2000A6, result=0, note="DONE"), captured=INST,
           last_inst=0x7D2000A6),
    record(4207, 6, "PROGRAM", 0xC000E1BC, Action(Did.EMULATED, word=0x7C000146, result=0), captured=INST),
    record(4208, 14, "ITLB_MISS", 0xC0014000, Action(Did.MAPPED, ea=0xC0014000, gpa=0x14000, size=4096)),
    record(4209, 8, "SYSCALL", 0x0FF1C2A0, Action(Did.REFLECTED, priority=8), queued=(8,), delivered=8, msr=0x0002D002),
    record(4210, 10, "DECREMENTER", 0xC0013A48, Action(Did.HOST, note="host timer"), queued=(18,)),
    record(4211, 13, "DTLB_MISS", 0xC0013A48, Action(Did.MAPPED, ea=0xC0414000, gpa=0x414000, size=4096),
           captured=DEAR, esr=0x00800000, last_inst=0x94860004),
    record(4212, 13, "DTLB_MISS", 0xC0013A48, Action(Did.REFLECTED, priority=10), captured=DEAR, queued=(10,),
           delivered=10),
    record(4213, 13, "DTLB_MISS", 0xC0013A48, Action(Did.MMIO, word=0x98640000, gpa=0xFE0004500, size=1, value=0x41,
           write=True, device="serial0"), captured=DEAR, esr=0x00800000, dar=0xE0004500),
    record(4214, 8, "SYSCALL", 0xC0001000, Action(Did.HYPERCALL, token=0x2A0003, args=(1, 2), results=(0, 2),
           note="KVM_HC_FEATURES")),
    record(4215, 6, "PROGRAM", 0xC0001000, Action(Did.FAILED, word=0x7C0003A6, note="mtspr: unknown spr 0"),
           queued=(3,), captured=INST, last_inst=0x7C0003A6),
    record(4216, 2, "DATA_STORAGE", 0x10001000, Action(Did.REFLECTED, priority=0), captured=frozenset({"dear", "esr"}),
           esr=0x00800000, queued=(0,), delivered=0, msr=0x0002D002),
    record(4217, 6, "PROGRAM", 0x10001000, Action(Did.REFLECTED, priority=3), captured=INST, esr=0x02000000,
           last_inst=0x7FE00008, queued=(3,), delivered=3, msr=0x0002D002),
    record(4218, 13, "DTLB_MISS", 0xC0013A48, Action(Did.MAPPED_MAGIC, ea=0xFFFFF000, size=4096), captured=DEAR,
           dar=0xFFFFF0A0),
    record(4219, 35, "PERFORMANCE_MONITOR", 0xC0013A48),
]  # fmt: skip


def told(r: ExitRecord) -> Story:
    mapping = MAPPING if any(a.did is Did.MAPPED for a in r.actions) else None
    return Story(None, r, SYMBOLS.name(r.pc), access_of(r), cause_of(r), mapping, user=bool(r.msr & 0x4000))


def test_one_sentence_for_each_exit() -> None:
    check("story", [story.sentence(told(r)) for r in RECORDS], 300)


def test_the_sentence_of_the_screens_document() -> None:
    text = to_text([story.sentence(told(RECORDS[5]))])
    assert text == (
        "Exit 4,211: a store to c0414000 missed. The guest maps it (TLB1[1], 64 MB), the shadow TLB did not: "
        "KVM mapped one 4 KB page; the guest goes on."
    )


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_exits_list(width: int) -> None:
    check(f"exits-{width}", [exits.header(width), *(exits.row(r, SYMBOLS, width) for r in RECORDS)], width)


@pytest.mark.parametrize("width", range(10, 60, 7))
def test_rows_fit_any_width(width: int) -> None:
    for r in RECORDS:
        assert sum(len(s.text) for s in exits.row(r, SYMBOLS, width)) <= width


def stop(cause: Cause, kind: StopKind = StopKind.LIMIT, **fields: object) -> Story:
    report = StopReport(Stop(kind, 5_000, 0xC0013A48, str(fields.pop("detail", ""))), cause, start_position=0)
    row = DisassemblyRow(0xC0013A4C, 0x4200FFFC, "bdnz", "0xc0013a48", 0xC0013A48, "memset+0x48")
    return Story(replace(report, **fields), None, "memset+0x48", next=row)


def test_one_sentence_for_each_stop() -> None:
    stories = [
        stop(Cause.START, start_position=5_000),
        stop(Cause.STEP, start_position=4_999),
        stop(Cause.UNTIL, StopKind.BREAKPOINT, last_exit=12),
        replace(stop(Cause.BREAKPOINT, StopKind.BREAKPOINT), breakpoints=("breakpoint 2, memset",)),
        replace(stop(Cause.INTERRUPTED, StopKind.INTERRUPTED), pending=("DECREMENTER: MSR[EE]=0", "EXTERNAL: x")),
        stop(Cause.SKIPPED),
        stop(Cause.LIMIT),
        stop(Cause.ENDED, StopKind.RESET, detail="the guest asked the board for a reset"),
        stop(Cause.ENDED, StopKind.IDLE, detail="the guest waits, and no timer, input or interrupt can wake it"),
    ]
    check("stops", [story.sentence(s) for s in stories], 300)


def test_guest_text_cannot_drive_the_terminal() -> None:
    nasty = record(1, 6, "PROGRAM", 0, Action(Did.FAILED, word=0, note="\x1b[2J\r\nboo"))
    for row in (story.sentence(told(nasty)), exits.row(nasty, SYMBOLS, 100)):
        assert all(c.isprintable() for s in row for c in s.text)
