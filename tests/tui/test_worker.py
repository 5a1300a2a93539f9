"""The worker's order: jobs one by one, scenes between slices, replies each once, and an end whatever the guest does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from ppcdbg.tui.scene import Ask, Move, Need, Reply
from ppcdbg.tui.worker import PERIOD, Worker

from .double import Double

ASK = Ask({"exits": Need(60, 10)})


class Watched:
    """A worker whose notices can be waited for."""

    def __init__(self, source: Double) -> None:
        self.notice = threading.Event()
        self.worker = Worker(source, self.notice.set)

    def until(self, condition: Callable[[], object], seconds: float = 5.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            self.notice.wait(0.02)
            self.notice.clear()


@pytest.fixture
def double() -> Double:
    return Double(1000)


@pytest.fixture
def watched(double: Double):  # noqa: ANN201 - a fixture's generator
    watched = Watched(double)
    watched.worker.start()
    yield watched
    watched.worker.close()


def test_a_scene_answers_the_newest_ask(watched: Watched) -> None:
    for row in range(20):
        watched.worker.ask(Ask({"exits": Need(60, 10)}, row=row))
    scenes = []
    watched.until(lambda: scenes.append(watched.worker.take()[0]) or (scenes[-1] and scenes[-1].ask.row == 19))


def test_scenes_come_at_the_period_while_the_guest_runs(watched: Watched, double: Double) -> None:
    watched.worker.ask(ASK)
    watched.worker.move(Move.CONTINUE)
    seen = 0
    end = time.monotonic() + 12 * PERIOD
    while time.monotonic() < end:
        watched.notice.wait(0.02)
        watched.notice.clear()
        scene = watched.worker.take()[0]
        seen += scene is not None and scene.running
    watched.worker.interrupt()
    watched.until(lambda: not watched.worker.running)
    assert 5 <= seen <= 16
    assert not double.torn


def test_a_job_is_done_while_the_guest_runs(watched: Watched, double: Double) -> None:
    watched.worker.move(Move.CONTINUE)
    names: list[str] = []

    def job() -> Reply | None:
        names.append(threading.current_thread().name)
        assert not double.reading
        return None

    watched.worker.do(job)
    watched.until(lambda: names == ["ppcdbg-guest"])
    assert watched.worker.running
    watched.worker.interrupt()


def test_a_second_run_is_refused_while_one_goes_on(watched: Watched, double: Double) -> None:
    watched.worker.move(Move.CONTINUE)
    watched.worker.move(Move.STEP)
    watched.until(lambda: double.moves)
    watched.worker.interrupt()
    watched.until(lambda: not watched.worker.running)
    assert double.moves == [Move.CONTINUE]


def test_a_reply_is_given_once_and_an_error_is_one(watched: Watched) -> None:
    watched.worker.execute("print 1")
    watched.until(lambda: not watched.worker.running)
    watched.worker.execute("nonsense")
    watched.until(lambda: not watched.worker.running)
    replies: list[Reply] = []
    watched.until(lambda: replies.extend(watched.worker.take()[1]) or len(replies) == 2)
    assert [reply.failed for reply in replies] == [False, True]
    assert watched.worker.take()[1] == ()


def test_what_the_worker_died_of_is_handed_over(watched: Watched) -> None:
    watched.worker.execute("crash")
    found: list[BaseException] = []
    watched.until(lambda: (crash := watched.worker.take()[2]) and not found.append(crash))
    assert "on purpose" in str(found[0])
    assert not watched.worker.running


def test_closing_ends_a_running_guest(watched: Watched, double: Double) -> None:
    watched.worker.move(Move.CONTINUE)
    watched.until(lambda: double.moves)
    start = time.monotonic()
    watched.worker.close()
    assert time.monotonic() - start < 0.5
    assert "ppcdbg-guest" not in {thread.name for thread in threading.enumerate()}
