"""The host's log and its rate limit (lib/ratelimit.c)."""

from __future__ import annotations

import pytest

from ppcdbg.kvm.printk import BURST, ERR, RING, WARNING, HostLog, LogLine, Ratelimit

HZ, JIFFY = 250, 1_600_000
WINDOW = 5 * HZ * JIFFY


def log_of(ticks: list[int]) -> tuple[HostLog, list[bool]]:
    log = HostLog(JIFFY, HZ)
    return log, [log.limited(tick, "f", ((ERR, f"at {tick}"),)) for tick in ticks]


def test_ten_in_five_seconds_and_then_how_many_were_held_back() -> None:
    log, ahead = log_of([*range(25), WINDOW + JIFFY])
    assert ahead == [True] * 10 + [False] * 15 + [True]
    assert list(log.lines)[10:] == [
        LogLine(WINDOW + JIFFY, WARNING, "f: 15 callbacks suppressed"),
        LogLine(WINDOW + JIFFY, ERR, f"at {WINDOW + JIFFY}"),
    ]
    state = log.asked("f")
    assert (state.total, state.held, state.missed) == (26, 15, 0)


def test_a_window_is_counted_in_jiffies_and_ends_after_its_last() -> None:
    """time_is_before_jiffies(begin + interval): the jiffy that ends the five seconds still belongs to them."""
    _, ahead = log_of([*[JIFFY - 1] * BURST, WINDOW + JIFFY - 1, WINDOW + JIFFY])
    assert ahead[BURST:] == [False, True]


def test_a_window_begins_with_the_first_event_in_it_and_nothing_is_told_where_nothing_was_held_back() -> None:
    log, ahead = log_of([0, 3 * WINDOW, *[4 * WINDOW - JIFFY] * BURST])
    assert ahead == [True] * 11 + [False]
    assert not any("suppressed" in line.text for line in log.lines)


def test_each_place_that_prints_has_its_own() -> None:
    log, _ = log_of([0] * 12)
    assert log.limited(0, "g", ((ERR, "x"), (ERR, "y")))
    assert [line.text for line in log.lines][10:] == ["x", "y"]
    assert (log.asked("f").missed, log.asked("g").missed, log.asked("h").total) == (2, 0, 0)


def test_the_buffer_is_a_ring() -> None:
    log = HostLog(JIFFY, HZ)
    for n in range(RING // 8 + 3):
        log.print(n, ERR, f"{n:08}")
    assert (log.overwritten, len(log.lines), log.lines[0].text) == (3, RING // 8, "00000003")


def test_what_is_put_back_goes_on_as_before() -> None:
    one, _ = log_of([0] * 13)
    two = HostLog(JIFFY, HZ)
    two.restore(one.save())
    assert two.save() == one.save()
    for log in (one, two):
        log.limited(2 * WINDOW, "f", ((ERR, "x"),))
    assert two.save() == one.save()
    assert list(two.lines)[-2].text == "f: 3 callbacks suppressed"


@pytest.mark.parametrize("seed", range(5))
def test_never_more_than_a_burst_in_a_window(seed: int) -> None:
    import random

    chance = random.Random(seed)
    state, now, printed, held = Ratelimit(), 0, dict[int, int](), 0
    for _ in range(2_000):
        now += chance.choice((0, 1, 40, 1300))
        ahead, told = state.ask(now, 5 * HZ)
        held -= told
        printed[state.begin] = printed.get(state.begin, 0) + ahead
        held += not ahead
    assert max(printed.values()) <= BURST, f"seed {seed}"
    assert held == state.missed and state.total == 2_000, f"seed {seed}"
