"""The timeline's arithmetic."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from ppcdbg.views.timeline import HEIGHT, counts, heights


def log(positions: list[int]) -> list[SimpleNamespace]:
    return [SimpleNamespace(position=position) for position in positions]


def test_exits_fall_into_their_part() -> None:
    assert counts(log([0, 1, 9, 10, 55, 99]), 100, 10) == (3, 1, 0, 0, 0, 1, 0, 0, 0, 1)  # type: ignore[arg-type]


def test_nothing_has_run() -> None:
    assert counts([], 0, 10) == ()
    assert heights(()) == ()


@given(st.lists(st.integers(0, 10_000)), st.integers(1, 10_000), st.integers(1, 60))
def test_no_exit_is_lost(positions: list[int], end: int, width: int) -> None:
    kept = sorted(position for position in positions if position <= end)
    values = counts(log(kept), end, width)  # type: ignore[arg-type]
    assert sum(values) == len(kept) and len(values) == width
    bars = heights(values)
    assert all(0 <= bar <= HEIGHT and bool(bar) == bool(value) for bar, value in zip(bars, values))
