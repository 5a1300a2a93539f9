"""Work behind a run: in order, all of it before ``wait`` returns, and what fails is said."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ppcdbg.errors import InputError
from ppcdbg.session.behind import AHEAD, Behind
from ppcdbg.session.files import claim
from ppcdbg.session.store import Store


def test_work_is_done_in_order_on_another_thread() -> None:
    behind, done = Behind(), list[int]()
    threads = set[int]()
    for number in range(5 * AHEAD):
        behind.put(lambda number=number: (done.append(number), threads.add(threading.get_ident())))  # type: ignore[misc]
    behind.wait()
    assert done == [*range(5 * AHEAD)]
    assert threads and threading.get_ident() not in threads
    behind.close()


def test_what_fails_is_raised_and_what_came_after_it_is_not_done() -> None:
    behind, done, go = Behind(), list[int](), threading.Event()

    def fail() -> None:
        go.wait()
        raise InputError("the disk is full")

    behind.put(fail)
    behind.put(lambda: done.append(1))
    go.set()
    with pytest.raises(InputError, match="the disk is full"):
        behind.wait()
    assert not done
    behind.close()


def test_a_store_is_asked_only_when_all_is_written(tmp_path: Path) -> None:
    store, go = Store.new(tmp_path / "a.ppcdbg"), threading.Event()
    store.later(lambda _: go.wait())
    store.later(lambda store: store.set("reached", [7]))
    threading.Timer(0.05, go.set).start()
    assert store.get("reached") == [7]
    store.later(Store.commit)
    store.close()
    again = Store.open(tmp_path / "a.ppcdbg")
    assert again.get("reached") == [7]
    again.close()


def test_who_is_behind_already_does_it_at_once(tmp_path: Path) -> None:
    """A second thread of the process that writes a recording hashed RAM while the first took the next pages in."""
    path, done = tmp_path / "a.ppcdbg", list[int]()
    claim(path)
    store = Store.begun(path, behind=False)
    store.later(lambda _: done.append(threading.get_ident()))
    assert done == [threading.get_ident()]
    store.close()
