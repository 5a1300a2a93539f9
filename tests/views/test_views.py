"""Every pane as text, on a guest of a few words under KVM and on the bare machine; and at every width."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcdbg.cpu.mmu import Access
from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.kvm.build import build_system
from ppcdbg.machine.description import MachineDescription, describe
from ppcdbg.views import (
    console,
    disassembly,
    exits,
    irqprio,
    memory,
    paravirt,
    registers,
    results,
    statistics,
    status,
    story,
    tlb,
)
from ppcdbg.views.numbers import count_in
from ppcdbg.views.spans import Line, Span, fit, length, line, to_text, wrap
from tests.debugger.rig import SPIN, addi, branch, debugger, elf, li, lwz, mfspr, mtspr, stw
from tests.views.golden import check

DEMO = Path(__file__).resolve().parents[2] / "ppcdbg/_guests/demo.toml"
ENTRY = 0x10000
GUEST = (
    li(3, 5), mtspr(272, 3), mfspr(4, 272), 0x7CA000A6, lwz(6, 0x100, 0), stw(6, 0x2000, 0), addi(3, 3, -1),
    0x2C030000, 0x4082FFE4, branch(8, link=True), SPIN, 0x7C000146, 0x4E800020,
)  # fmt: skip


@pytest.fixture
def d(tmp_path: Path) -> Debugger:
    image = tmp_path / "guest.bin"
    image.write_bytes(b"".join(w.to_bytes(4, "big") for w in GUEST))
    names = elf([("entry", ENTRY, 44, True), ("mask", ENTRY + 44, 8, True)], tmp_path / "guest.elf")
    description = MachineDescription(kernel=image, cpu="e500v2", load=ENTRY, memory=64 << 20, engine="reference")
    made = Debugger(build_system(description), names, "few-words")
    made.execute("break *entry+24")
    made.execute("step-exit 6")
    return made


def test_exits_and_status(d: Debugger) -> None:
    check("pane-exits", exits.rows(d, 0, 20, None, 74, 4), 74)
    check("pane-status", [status.line_of(d, 120), status.line_of(d, 80), status.line_of(d, 120, running=True)], 120)
    check("pane-story", [story.line_of(d), story.line_of(d, d.exits[1])], 300)


def test_exit_in_full(d: Debugger) -> None:
    check("pane-detail", exits.detail(d, d.exits[5], 80), 80)


def test_disassembly(d: Debugger) -> None:
    check("pane-disassembly", disassembly.rows(d, 60, 16), 60)
    check("pane-disassembly-narrow", disassembly.rows(d, 36, 6), 36)


def test_registers(d: Debugger) -> None:
    check("pane-registers", registers.rows(d, 62), 62)
    check("info-registers", results.lines(d.execute("info registers"), d, 100), 100)


def test_both_tlbs_and_explain(d: Debugger) -> None:
    check("pane-tlb", tlb.rows(d, 80), 80)
    check("pane-shadow", tlb.shadow_rows(d, 80), 80)
    found = [*tlb.explain_rows(d.explain(ENTRY, Access.FETCH), 80), *tlb.explain_rows(d.explain(0x90000000), 80)]
    check("pane-explain", [*found, *tlb.explain_rows(d.explain(0x30000), 80)], 80)


def test_irqprio(d: Debugger) -> None:
    d.system.kvm.tcr = 0x04000000
    check("pane-irqprio", irqprio.rows(d, 70, 6), 70)
    check("pane-irqprio-all", irqprio.rows(d, 70), 70)


def test_memory_and_statistics(d: Debugger) -> None:
    check("pane-memory", [*memory.rows(d, ENTRY, 70, 4), *memory.rows(d, 0x8FFFFFF0, 70, 2)], 70)
    check("pane-statistics", statistics.rows(d, 70), 70)


def test_command_results(d: Debugger) -> None:
    out: list[Line] = []
    for text in ("break exit DTLB_MISS if dear >= 0xc0000000", "tbreak mask", "info breakpoints", "x/6xw entry",
                 "x/3i entry", "x/2xb 0xf0000000", "print/x $msr", "print $r3 - 1", "print/t 5", "print/c 'A'",
                 "print exit", "info symbol $pc", "help break", "find entry, +0x40, 0x4e800020", "disassemble mask",
                 "info machine", "exits -3 did == emul"):  # fmt: skip
        out += [line(("> " + text, "title")), *results.lines(d.execute(text), d, 90)]
    check("commands", out, 90)


def test_bare_machine() -> None:
    bare = debugger(li(3, 0), addi(3, 3, 1), branch(-4))
    bare.step(3)
    rows = [status.line_of(bare, 100), story.line_of(bare), *irqprio.rows(bare, 80), *tlb.rows(bare, 80),
            *tlb.shadow_rows(bare, 80), *disassembly.rows(bare, 60, 4)]  # fmt: skip
    check("bare", rows, 300)


@pytest.mark.parametrize("width", [1, 7, 20, 33, 51, 80, 133, 220])
def test_every_pane_fits_every_width(d: Debugger, width: int) -> None:
    panes = [
        [status.line_of(d, width)], exits.rows(d, 0, 9, None, width), exits.detail(d, d.exits[5], width),
        disassembly.rows(d, width, 9), registers.rows(d, width, 9), tlb.rows(d, width), tlb.shadow_rows(d, width),
        tlb.side_by_side(d, width), irqprio.rows(d, width), memory.rows(d, ENTRY, width, 3), statistics.rows(d, width),
        tlb.explain_rows(d.explain(ENTRY), width), console.text_rows("some text\n" * 3, width),
    ]  # fmt: skip
    for rows in panes:
        assert all(length(row) <= width for row in rows), to_text(rows)


def test_panes_of_the_demo_at_many_stops() -> None:
    """Nothing that a real run brings about breaks a pane."""
    description = describe(DEMO, {"engine": "reference"})
    it = Debugger(build_system(description), description.kernel)
    while not it.system.ended:
        it.step_exit(173)
        for rows in (exits.rows(it, len(it.exits) - 9, 9, None, 100), registers.rows(it, 60, 12), tlb.rows(it, 80, 20),
                     tlb.shadow_rows(it, 80, 20), irqprio.rows(it, 60, 8), console.rows(it, 60, 8),
                     disassembly.rows(it, 60, 12), [fit(story.line_of(it), 400)]):  # fmt: skip
            assert all(length(row) <= 400 for row in rows)
            assert all(c.isprintable() for row in rows for s in row for c in s.text)


# --- spans and console ------------------------------------------------------------------------------------------------


def test_a_word_that_no_line_holds_is_broken() -> None:
    """A bookmark may be called anything."""
    rows = wrap((Span("ab "), Span("x" * 12, "title"), Span("yz, end")), 9, 2)
    assert [to_text([row]) for row in rows] == ["ab", "  xxxxxxx", "  xxxxxyz", "  , end"]
    assert all(len(to_text([row])) <= 9 for row in rows)


def test_fit_and_wrap() -> None:
    row = line(("abc", "title"), "def", ("ghi", "dim"))
    assert to_text([fit(row, 9)]) == "abcdefghi"
    assert to_text([fit(row, 5)]) == "abcd…"
    assert length(fit(row, 12, fill=True)) == 12
    assert fit(row, 0) == ()
    rows = wrap((Span("the quick brown"), Span(" fox", "dim")), 9, 2)
    assert to_text(rows) == "the quick\n  brown\n  fox"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("one\r\ntwo\n", ["one", "two"]),
        ("12345678901234", ["1234567890", "1234"]),
        ("\x1b[31mred\x1b[0m", ["red"]),
        ("50%\r100%", ["100%"]),
        ("\x1b]0;title\x07x", ["x"]),
        ("a\x07b", ["a·b"]),
        ("a\tb", ["a       b"]),
        ("", []),
    ],
)
def test_console_text(text: str, rows: list[str]) -> None:
    assert [to_text([r]) for r in console.text_rows(text, 10)] == rows


def test_branch_arrows_do_not_share_a_lane() -> None:
    it = debugger(*GUEST)
    found = it.disassemble(0x1000, 13).rows
    arrows = disassembly.assign(found)
    for i, a in enumerate(arrows):
        for b in arrows[:i]:
            assert a.lane != b.lane or a.high < b.low or b.high < a.low
    assert {(found[a.start].address, found[a.end].address) for a in arrows} == {(0x1020, 0x1004)}


def test_the_number_of_an_exit_is_never_cut() -> None:
    assert [count_in(n, 7) for n in (0, 999_999, 1_000_000, 9_999_999)] == ["0", "999,999", "1000000", "9999999"]


@pytest.mark.parametrize("width", [43, 60, 80, 128])
def test_what_becomes_of_an_interrupt_in_a_section_is_seen_in_a_pane_of_any_width(width: int) -> None:
    """It stood right of everything else, where a pane beside another ended."""
    guest = open_guest("window")
    guest.execute("run-until critical entered")
    found = guest.paravirt.at(guest.pc)
    assert found.section is not None
    lines = [to_text((row,)) for row in paravirt.section_rows(found.section, guest, "stock", width)]
    steps = [row for row in lines if row[1:9] in {f"{step.address:08x}" for step in found.section.steps}]
    assert len(steps) == len(found.section.steps)
    assert all(any(word in row for word in ("seen b", "LOST", "deliver")) for row in steps), steps
    assert any(row.endswith("EE") for row in lines)
