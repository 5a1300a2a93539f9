"""The command language beside breakpoints: command lists, injected interrupts, fields, history, why, help by word."""

from __future__ import annotations

import pytest

from ppcdbg.cpu.msr import TCR_DIE, TCR_WIE, TSR_DIS
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.events import EventKind
from ppcdbg.debugger.results import Help, Note, Printed, Table
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.errors import UsageError
from ppcdbg.kvm.irqprio import irqprios
from ppcdbg.machine.input import InputKind
from ppcdbg.views import results
from tests.debugger.rig import NOP, SPIN, addi, branch, debugger, li, put, stw
from tests.debugger.test_stops import demo, ran, shown

COUNT = (li(3, 0), addi(3, 3, 1), stw(3, 0x100, 0), branch(-8))


def value(d: Debugger, text: str) -> int:
    found = d.execute(f"print {text}")
    assert isinstance(found, Printed) and isinstance(found.value, int)
    return found.value


def test_commands_of_a_breakpoint_are_carried_out_at_each_stop() -> None:
    d = debugger(*COUNT)
    d.execute("break *0x1008 if $r3 == 2")
    d.execute("commands 1\nprint $r3\nset var $seen = $r3\nend")
    stop, printed, noted = d.execute("continue")
    assert isinstance(stop, StopReport) and stop.breakpoints == (1,) and printed.value == 2 and noted == Note("")
    assert value(d, "$seen") == 2
    assert "breakpoint 1" in shown(d, (stop, printed, noted)) and shown(d, (stop, printed)).endswith("2")


def test_a_silent_list_that_continues_tells_only_the_stop_where_it_ends() -> None:
    d = debugger(*COUNT)
    d.execute("break *0x1008")
    d.execute("set var $n = 0")
    d.execute("commands 1; silent; set var $n = $n + 1; continue; print 99")
    d.execute("break *0x100c if $r3 == 5")
    result = d.execute("continue")
    last = result[-1] if isinstance(result, tuple) else result
    assert isinstance(last, StopReport) and last.breakpoints == (2,)
    assert value(d, "$n") == 5 and d.breakpoints.get(1).hits == 5
    assert not any(isinstance(r, Printed) for r in result), "what stands behind continue is left out, as in gdb"
    assert d.execute("info program") is d.last, "asking does not carry them out again"


def test_a_temporary_one_carries_its_commands_out_before_it_is_gone() -> None:
    d = debugger(*COUNT)
    d.execute("tbreak *0x1008")
    d.execute("commands 1; print $r3 + 100")
    assert "print $r3 + 100" in shown(d, d.execute("info breakpoints"))
    stop, printed = d.execute("continue")
    assert printed.value == 101 and not list(d.breakpoints) and stop.commands == ("print $r3 + 100",)


def test_lists_for_what_is_not_there_are_refused() -> None:
    d = debugger(*COUNT)
    for text in ("commands 7; print 1", "commands; print 1", "commands 1", "commands x; print 1"):
        with pytest.raises(UsageError):
            d.execute(text)


def test_fields_memory_forms_and_the_history() -> None:
    d = debugger(*COUNT)
    d.execute("set var $msr.ee = 1")
    assert value(d, "$msr.ee") == 1 and value(d, "msr.ee") == 1 and value(d, "$msr & 0x8000") == 0x8000
    d.execute("set var $mas1.tsize = 7")
    assert value(d, "mas1.tsize") == 7 and value(d, "$mas1.v") == 0
    d.execute("set var {u16}0x102 = 0xbeef")
    assert value(d, "{u32}0x100") == 0xBEEF == value(d, "w(0x100)") and value(d, "h(0x100 + 2)") == 0xBEEF
    assert value(d, "b(0x103)") == 0xEF
    before = len(d.values)
    assert value(d, "5") == 5 and value(d, "6") == 6
    assert value(d, "$$") == 5 and value(d, f"${before + 2}") == 6 and value(d, "$") == 6
    d.execute("x/2xw 0x100")
    assert value(d, "$_") == 0x104 and value(d, "$__") == 0
    for wrong in ("$999", "$msr.nothing", "{nothing}0", "w 5", "{u32"):
        with pytest.raises(UsageError):
            d.execute(f"print {wrong}")
    with pytest.raises(UsageError, match="can be neither"):
        d.execute("set var $msr.nothing = 1")


def test_conditions_on_exits_see_fields_and_the_word_is() -> None:
    d = demo()
    d.execute("break exit if exit is not ITLB_MISS and msr.pr == 1 and exit is SYSCALL")
    report = ran(d)
    assert report.held and report.record is not None and report.record.name == "SYSCALL" and report.record.msr & 0x4000


def test_jump_goes_on_elsewhere_through_the_input_queue() -> None:
    d = debugger(*COUNT, NOP, NOP, SPIN)
    taken: list[InputKind] = []
    d.system.input.taken = lambda event: taken.append(event.kind)
    d.execute("break *0x1014")
    assert ran(d, "jump *0x1010").cause is Cause.BREAKPOINT and taken == [InputKind.REGISTER]


def test_an_external_interrupt_is_injected_and_why_tells_what_holds_it() -> None:
    d = demo()
    ran(d, "run-to 3000")
    assert "not pending" in d.execute("why EXTERNAL").text
    d.execute("inject EXTERNAL")
    d.execute("break queued EXTERNAL")
    report = ran(d)
    assert report.record is not None and 19 in report.record.queued or report.breakpoints == (1,)
    told = d.execute("why EXTERNAL").text
    assert told.startswith("EXTERNAL is pending, queued by exit") or "not pending" in told
    for wrong in ("inject", "inject NOTHING", "inject irq", "inject irq 999999", "inject FIT now"):
        with pytest.raises(UsageError):
            d.execute(wrong)


def test_every_priority_can_be_injected_and_comes_as_its_own_way_is() -> None:
    for p in irqprios(False):
        if p.enable is None:
            continue
        d = demo()
        ran(d, "run-to 3000")
        vcpu = d.system.kvm
        vcpu.tcr |= TCR_DIE | TCR_WIE
        before = vcpu.queue_counts[p.number]
        d.execute(f"inject {p.name}")
        d.step_exit()
        assert vcpu.queue_counts[p.number] == before + 1, p.name
        assert (p.name == "DECREMENTER") == bool(vcpu.tsr & TSR_DIS)


def test_a_bare_core_takes_an_injected_line_where_msr_lets_it() -> None:
    d = debugger(li(3, 0x100), *[NOP] * 3, SPIN)
    put(d, 0x100, SPIN)
    d.execute("set var $ivpr = 0")
    d.execute("set var $ivor4 = 0x100")
    assert "MSR[EE]=0" in d.execute("why EXTERNAL").text
    d.execute("inject EXTERNAL")
    d.execute("set var $msr.ee = 1")
    d.execute("break taken EXTERNAL")
    report = ran(d)
    assert report.breakpoints == (1,) and d.pc == 0x100


def test_help_by_word_and_the_table_of_events() -> None:
    d = demo()
    found = d.execute("apropos interrupt")
    assert isinstance(found, Help) and {"inject", "why", "info irqprio"} <= {e.name for e in found.entries}
    events = d.execute("info events")
    assert isinstance(events, Table) and len(events.rows) == len(EventKind)
    text = shown(d, events)
    assert "critical" in text and "left|interrupted|withheld" in text


def test_every_new_result_has_lines() -> None:
    """What a screen would show is never empty."""
    d = demo()
    for line in ("break exit", "watch *0x20000", "commands 1; print 1", "info events", "apropos tlb", "why DECREMENTER",
                 "inject irq 3", "info breakpoints", "continue"):  # fmt: skip
        assert results.lines(d.execute(line), d, 100), line
