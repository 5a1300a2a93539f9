"""The input queue, the schedule over it, and the input file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcdbg.errors import InputError
from ppcdbg.machine.input import InputEvent, InputKind, InputQueue, Moment, apart_at, first_apart
from ppcdbg.machine.inputfile import read_input, write_input
from ppcdbg.machine.schedule import FifoSchedule


class Clock:
    position = 0

    def __call__(self) -> int:
        return self.position


def test_events_happen_by_position_then_by_order_of_addition() -> None:
    queue = InputQueue(Clock())
    queue.console(b"late", 20)
    queue.console(b"first", 10)
    queue.console(b"second", 10)
    assert queue.next_position() == 10
    assert queue.take(9) == []
    assert [event.data for event in queue.take(10)] == [b"first", b"second"]
    assert [event.data for event in queue.take(1000)] == [b"late"]
    assert queue.next_position() is None


def test_live_input_is_stamped_now_and_the_past_becomes_the_present() -> None:
    clock = Clock()
    queue = InputQueue(clock)
    clock.position = 500
    assert queue.console(b"x").position == 500
    assert queue.console(b"y", 100).position == 500
    assert queue.add(InputKind.IRQ, target=42, value=1, position=600).position == 600


def test_what_is_put_in_where_the_machine_stands_waits_for_nothing_that_comes_later_there() -> None:
    """One that was recorded at the same position, an exit later, had stood in its way."""
    moment = [Moment(10, 0, 5, 0x100)]
    queue = InputQueue(lambda: moment[0].position)
    queue.moment = lambda: moment[0]
    queue.console(b"later")
    moment[0] = Moment(10, 0, 3, 0x80)
    now = queue.console(b"now")
    assert queue.take(10, moment[0]) == [now]
    assert [event.data for event in queue.take(10, Moment(10, 0, 5, 0x100))] == [b"later"]


def test_an_event_is_taken_out() -> None:
    queue = InputQueue(Clock())
    first, second = queue.console(b"a", 5), queue.console(b"b", 6)
    assert queue.remove(first) and not queue.remove(first)
    assert queue.pending() == (second,)


def test_where_histories_part() -> None:
    queue = InputQueue(Clock())
    events = [queue.console(b"%d" % at, at) for at in (5, 7, 9)]
    assert first_apart(events, events) is None
    assert first_apart(events, [replace(event, order=9) for event in events]) is None
    assert first_apart(events, events[:2]) == 9
    assert first_apart(events, [events[0], events[2]]) == 7
    assert apart_at(events, [events[0], replace(events[2], position=8)]) == [7, 8, 9]


def test_a_recorder_hears_what_is_taken_as_it_is_taken() -> None:
    queue = InputQueue(Clock())
    taken: list[InputEvent] = []
    added: list[InputEvent] = []
    queue.taken, queue.added = taken.append, added.append
    event = queue.console(b"x", 5)
    assert (taken, added) == ([], [event])
    queue.take(5)
    assert taken == [event]


def test_an_idle_core_gets_its_next_event_now() -> None:
    queue = InputQueue(Clock())
    schedule = FifoSchedule(queue)
    assert schedule.idle(7) is False
    queue.console(b"a", 100)
    queue.console(b"b", 200)
    assert schedule.idle(7) is True
    assert schedule.next_position() == 7
    assert [(event.position, event.data) for event in schedule.due(7)] == [(7, b"a")]
    assert schedule.next_position() == 200


def test_restoring_a_queue_keeps_positions_and_order() -> None:
    queue = InputQueue(Clock())
    for at in (30, 10, 10):
        queue.console(b"%d" % at, at)
    other = InputQueue(Clock())
    other.restore(queue.pending(), queue.order)
    assert other.pending() == queue.pending()
    assert other.console(b"new", 10).order == 3
    other.drop_all()
    assert len(other) == 0


@given(st.lists(st.integers(0, 20)), st.lists(st.integers(0, 25), max_size=6))
def test_taking_in_slices_is_taking_at_once(positions: list[int], slices: list[int]) -> None:
    whole, sliced = InputQueue(Clock()), InputQueue(Clock())
    for number, at in enumerate(positions):
        for queue in (whole, sliced):
            queue.add(InputKind.MEMORY, target=number, position=at)
    parts = [event for at in sorted(slices) for event in sliced.take(at)] + sliced.take(100)
    assert parts == whole.take(100)


GOOD = """\
# what the user types
20_000  console "ls\\n"
+5k     console:1 "é"

30k     irq 42 1
+0      break
"""


def test_the_file_format(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_text(GOOD, encoding="utf-8")
    assert read_input(path) == (
        InputEvent(20_000, 0, InputKind.CONSOLE, data=b"ls\n"),
        InputEvent(25_000, 1, InputKind.CONSOLE, target=1, data="é".encode()),
        InputEvent(30_000, 2, InputKind.IRQ, target=42, value=1),
        InputEvent(30_000, 3, InputKind.BREAK),
    )
    queue = InputQueue(Clock())
    queue.extend(read_input(path))
    assert queue.pending() == read_input(path)


@pytest.mark.parametrize(
    "line",
    ["x", 'soon console "x"', "5 console x", '5 console "x', '5 console "a"\\nb', "5 irq 42", "5 irq 42 2",
     "5 irq 256 1", "5 irq:1 4 1", "5 break now", "5 reboot", '-5 console "x"', '5 console "x" # "y'],
)  # fmt: skip
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "input"
    path.write_text(f'1 console "ok"\n{line}\n')
    with pytest.raises(InputError, match=f"line 2 of input {path}"):
        read_input(path)


def test_positions_may_not_go_back(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_text('10 console "a"\n9 console "b"\n')
    with pytest.raises(InputError, match="sort the lines"):
        read_input(path)


def test_unreadable_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_input(tmp_path / "absent")
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(InputError, match="not UTF-8"):
        read_input(tmp_path / "binary")


@given(st.lists(st.tuples(st.integers(0, 10**12), st.text(st.characters(codec="utf-8")), st.integers(0, 1))))
def test_what_is_written_reads_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, int]]) -> None:
    ordered = sorted(rows, key=lambda row: row[0])
    events = tuple(
        InputEvent(at, order, InputKind.CONSOLE, target=port, data=text.encode())
        for order, (at, text, port) in enumerate(ordered)
    )
    path = tmp_path_factory.mktemp("input") / "input"
    path.write_text(write_input(events), encoding="utf-8")
    assert read_input(path) == events
