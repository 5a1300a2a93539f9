"""Faults planted in the debug facilities and in the SPE: the tests by the manuals' sentences find each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ppcdbg.cpu import debug
from ppcdbg.cpu import msr as M
from ppcdbg.cpu.delivery import Delivery
from ppcdbg.engine.common import debug_events
from ppcdbg.engine.common.debug_events import DebugOps
from ppcdbg.engine.common.watching import WatchedStorage
from ppcdbg.isa import softfloat_embedded as ef
from ppcdbg.isa import spe_float, spe_products, spe_status
from ppcdbg.isa.insns import spe_multiply_half
from tests.cpu import test_debug as d
from tests.isa import test_spe_book as book
from tests.isa import test_spe_float as fp

Patch = Callable[[pytest.MonkeyPatch], object]
MAKE = d.maker("reference")


def _inclusive(control: int, first: int, second: int, ea: int, msr: int, space: int) -> tuple[bool, bool]:
    """Ranges that have their end in them."""
    return (
        (True, True)
        if control >> 22 & 3 == debug.INSIDE and ea == second
        else _REAL(control, first, second, ea, msr, space)
    )


def _second_as_first(control: int, *rest: int) -> tuple[bool, bool]:
    return _REAL(control & ~0xF000000 | control >> 4 & 0xF000000, *rest)


_REAL = debug._matches


def _afterwards(p: pytest.MonkeyPatch) -> None:
    """Completion by what DE is when the instruction is done."""
    real = DebugOps.debug_after

    def after(m: Any) -> None:
        m._was_on = bool(m.reg[debug_events.slots.MSR] & M.MSR_DE)
        real(m)

    p.setattr(DebugOps, "debug_after", after)


def _critical_too(p: pytest.MonkeyPatch) -> None:
    real = Delivery._taken_event
    p.setattr(Delivery, "_taken_event", lambda m, vector, cls: real(m, vector, debug_events.I.Class.BASE))


def _all_returns(m: Any, word: int, dbcr0: int) -> int:
    return dbcr0 & M.DBCR0_RET if word in (0x4C000064, 0x4C000066) else 0


DEBUG: dict[str, tuple[Patch, Callable[[], None]]] = {
    "user and supervisor are not told apart": (
        lambda p: p.setattr(debug, "_applies", lambda fields, msr, space: True),
        lambda: d.test_user_and_supervisor_selection(MAKE, "e500v2", 2, 1, 1)),
    "the fields of the second compare are the first's": (
        lambda p: p.setattr(debug, "_matches", _second_as_first),
        lambda: d.test_user_and_supervisor_selection(MAKE, "e500mc", 3, 0, 2)),
    "the address space of data is the one of instructions": (
        lambda p: p.setattr(debug.M, "MSR_DS", 0),
        lambda: d.test_selection_of_an_address_space(MAKE, "e500mc", 3, 1, 1)),
    "a range has its end in it": (
        lambda p: p.setattr(debug, "_matches", _inclusive), lambda: d.test_ranges_and_bit_match(MAKE, "e500mc", 2)),
    "bits are compared exactly": (
        lambda p: p.setattr(debug, "BITS", 9), lambda: d.test_ranges_and_bit_match(MAKE, "e500v2", 1)),
    "every byte is compared": (
        lambda p: p.setattr(DebugOps, "_comparing", property(lambda m: True, lambda m, value: None), raising=False),
        lambda: d.test_the_address_is_compared_and_not_the_bytes(MAKE, "e500v2")),
    "a flush is a read": (
        lambda p: p.setattr(debug_events, "_FLUSHES", frozenset()),
        lambda: d.test_what_is_a_read_and_what_a_write(MAKE, "e500mc", "dcbf")),
    "a held store loses its reservation": (
        lambda p: p.setattr(DebugOps, "store_conditional", WatchedStorage.store_conditional),
        lambda: d.test_a_store_that_was_held_up_still_has_its_reservation(MAKE, "e500v2")),
    "no event is imprecise": (
        lambda p: p.setattr(debug, "recorded", lambda reg, events, msr: reg.__setitem__(debug.DBSR, events)),
        lambda: d.test_with_de_off_it_is_imprecise_and_comes_when_de_comes_on(MAKE, "e500mc")),
    "completion goes by DE afterwards": (
        _afterwards, lambda: d.test_completion_is_recognized_by_what_de_was_before(MAKE, "e500v2")),
    "sc is never complete": (
        lambda p: p.setattr(DebugOps, "debug_interrupted", lambda m, guest: None),
        lambda: d.test_sc_is_complete_and_then_interrupts(MAKE, "e500mc")),
    "a critical interrupt is a taken one": (
        _critical_too, lambda: d.test_only_a_debug_level_sees_critical_interrupts(MAKE)),
    "rfci is logged while DE is off": (
        lambda p: p.setattr(DebugOps, "_return_event", _all_returns),
        lambda: d.test_return_from_a_critical_interrupt_on_e500v2(MAKE)),
    "DUVD suppresses nothing": (
        lambda p: p.setattr(Delivery, "debug_enabled", lambda m, msr: True),
        lambda: d.test_hypervisor_state_is_left_alone_with_duvd(MAKE)),
}  # fmt: skip


def _ties_up(magnitude: int, drop: int, spefscr: int, *, truncate: bool = False) -> tuple[int, int]:
    kept, flags = _CUT(magnitude, drop, spefscr, truncate=True)
    return kept + (1 if flags & ef.FG and not truncate and not spefscr & 0x43 else 0), flags


_CUT, _DELIVER, _SETTLED = ef._cut, ef._deliver, spe_status.settled


def _swapped(magnitude: int, drop: int, spefscr: int, *, truncate: bool = False) -> tuple[int, int]:
    kept, flags = _CUT(magnitude, drop, spefscr, truncate=truncate)
    return kept, (ef.FX if flags & ef.FG else 0) | (ef.FG if flags & ef.FX else 0)


def _written_first(m: Any, register: int, result: tuple[int, int], *, truncating: bool = False) -> None:
    m.gpr[register] = result[0]
    spe_float._settle(m, result[1], None)


def _modulo(value: int) -> tuple[int, bool]:
    return value & 0xFFFFFFFF, False


SPE: dict[str, tuple[Patch, Callable[[], None]]] = {
    "ties are rounded up": (
        lambda p: p.setattr(ef, "_cut", _ties_up),
        lambda: fp.test_arithmetic_rounds_to_nearest_as_the_host_does(ef.SINGLE, "add")),
    "guard and sticky bit change places": (
        lambda p: p.setattr(ef, "_cut", _swapped),
        lambda: fp.test_other_modes_truncate_and_say_what_is_missing(ef.DOUBLE, "mul")),
    "denormalized operands are numbers": (
        lambda p: p.setattr(ef.Format, "is_error", ef.Format.is_huge),
        lambda: fp.test_default_results_of_the_books_table(ef.SINGLE, "mul")),
    "an overflow is infinite": (
        lambda p: p.setattr(ef.Format, "greatest", property(lambda f: (1 << f.exponent) - 1 << f.fraction)),
        lambda: fp.test_overflow_and_underflow(ef.DOUBLE)),
    "an underflow leaves the inexact summary": (
        lambda p: p.setattr(spe_float, "settled", lambda *a: _SETTLED(*a) & ~spe_status.FINXS),
        lambda: fp.test_overflow_and_underflow(ef.SINGLE)),
    "flags are not summed up": (
        lambda p: p.setattr(spe_status, "_TO_STICKY", 0), lambda: fp.test_overflow_and_underflow(ef.DOUBLE)),
    "the target is written before the data interrupt": (
        lambda p: p.setattr("ppcdbg.isa.insns.spe_float_single.finish_single", _written_first),
        lambda: fp.test_enabled_error_keeps_the_target("efsadd", 0x7F800000, 0, fp.FINVE, fp.FINV)),
    "toward an infinity only inexact results ask": (
        lambda p: p.setattr(spe_float, "round_enabled", lambda spefscr, flags, *, truncating=False: bool(
            spefscr & 0x42 and flags & 0x3000)),
        fp.test_toward_an_infinity_every_instruction_that_could_round_asks_for_it),
    "-1 times -1 does not saturate": (
        lambda p: p.setattr(spe_multiply_half, "ssf", spe_products.smf),
        lambda: [book.test_multiply_does_what_its_name_says(n) for n in book.MULTIPLIES if "ssf" in n] and None),
    "sums do not saturate": (
        lambda p: p.setattr("ppcdbg.isa.insns.spe_accumulate.saturated_signed", _modulo),
        lambda: book.test_sums_with_the_accumulator("add", "ss")),
}  # fmt: skip


@pytest.mark.parametrize("what", [*DEBUG, *SPE])
def test_a_planted_fault_is_found(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, check = {**DEBUG, **SPE}[what]
    check()
    plant(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check()
