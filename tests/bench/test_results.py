"""Spreads, ratios and verdicts."""

from __future__ import annotations

import pytest

from ppcdbg.bench.results import Ask, Better, Figure, RowResult, Spread, ratio


def row(better: Better, *asks: Ask) -> RowResult:
    figures = (Figure("ours", (10.0, 30.0, 20.0)), Figure("peer", (10.0, 10.0, 10.0), peer=True))
    return RowResult("row", "a row", "M/s", better, figures, asks)


def test_a_ratio_is_taken_within_a_round() -> None:
    """Both slow in the second round: the ratio of medians would be 1.5, the ratio of every round is 2."""
    ours, peer = Figure("ours", (20.0, 2.0, 12.0)), Figure("peer", (10.0, 1.0, 6.0))
    assert ratio(ours, peer) == Spread(2.0, 2.0, 2.0)


def test_a_round_that_one_side_lacks_has_no_ratio() -> None:
    assert ratio(Figure("a", (4.0, None, 9.0)), Figure("b", (2.0, 5.0, None))) == Spread(2.0, 2.0, 2.0)
    assert ratio(Figure("a", (None,)), Figure("b", (1.0,))) is None


@pytest.mark.parametrize(
    ("better", "bound", "met"),
    [
        (Better.HIGHER, 2.0, True),
        (Better.HIGHER, 2.01, False),
        (Better.LOWER, 2.0, True),
        (Better.LOWER, 1.99, False),
    ],
)
def test_the_median_decides(better: Better, bound: float, met: bool) -> None:
    verdict = row(better, Ask("ours", bound, "peer")).verdicts[0]
    assert verdict.reached == Spread(1.0, 2.0, 3.0)
    assert verdict.met is met


def test_an_absolute_bound_needs_no_peer() -> None:
    assert row(Better.HIGHER, Ask("ours", 20.0)).verdicts[0].met is True
    assert row(Better.LOWER, Ask("ours", 19.0)).verdicts[0].met is False


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    for ask in (Ask("theirs", 1.0), Ask("ours", 1.0, "another peer")):
        verdict = row(Better.HIGHER, ask).verdicts[0]
        assert (verdict.reached, verdict.met) == (None, None)
