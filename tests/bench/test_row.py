"""Rounds: interleaved, reasons kept, samples in their round."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ppcdbg.bench.results import Better, NotRun
from ppcdbg.bench.row import Measure, Row, Subject, measure


def silent(sentence: str) -> None:
    """No progress is wanted."""


def recorder(log: list[str], name: str) -> Measure:
    def take() -> Mapping[str, float]:
        log.append(name)
        return {name: float(len(log))}

    return take


def a_row(*subjects: Subject, warm: Callable[[], object] = lambda: None) -> Row:
    return Row("row", "a row", "s", Better.LOWER, subjects, warm=warm)


def test_figures_take_turns_within_each_round() -> None:
    log: list[str] = []
    subjects = Subject("ours", recorder(log, "ours")), Subject("peer", recorder(log, "peer"), peer=True)
    (result,) = measure([a_row(*subjects, warm=lambda: log.append("warm"))], 2, True, silent)
    assert log == ["warm", "ours", "peer", "ours", "peer"]
    assert [figure.samples for figure in result.figures] == [(2.0, 4.0), (3.0, 5.0)]
    assert [figure.peer for figure in result.figures] == [False, True]


def test_peers_run_only_when_asked_for() -> None:
    log: list[str] = []
    subjects = Subject("ours", recorder(log, "ours")), Subject("peer", recorder(log, "peer"), peer=True)
    (result,) = measure([a_row(*subjects)], 1, False, silent)
    assert log == ["ours"]
    assert result.figure("peer") is None


def test_what_cannot_run_says_why_and_is_not_asked_again() -> None:
    calls = []

    def absent() -> Mapping[str, float]:
        calls.append(1)
        raise NotRun("there is none")

    (result,) = measure([a_row(Subject("ours", absent))], 3, True, silent)
    assert len(calls) == 1
    (figure,) = result.figures
    assert (figure.name, figure.samples, figure.note) == ("ours", (None, None, None), "there is none")


def test_one_that_fails_later_keeps_its_samples() -> None:
    values = iter([1.0])

    def once() -> Mapping[str, float]:
        try:
            return {"ours": next(values)}
        except StopIteration:
            raise NotRun("gone") from None

    (result,) = measure([a_row(Subject("ours", once))], 3, True, silent)
    assert [(f.samples, f.note) for f in result.figures] == [((1.0, None, None), "gone")]


def test_a_figure_that_comes_late_stands_in_its_round() -> None:
    rounds = iter([{"a": 1.0}, {"a": 2.0, "b": 3.0}])
    (result,) = measure([a_row(Subject("a", lambda: next(rounds)))], 2, True, silent)
    assert {f.name: f.samples for f in result.figures} == {"a": (1.0, 2.0), "b": (None, 3.0)}


def test_a_row_that_cannot_warm_up_is_not_run() -> None:
    def cold() -> None:
        raise NotRun("no guest")

    (result,) = measure([a_row(Subject("ours", dict), warm=cold)], 1, True, silent)
    assert (result.figures, result.note) == ((), "not run: no guest")
