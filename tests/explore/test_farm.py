"""A search on a Dask cluster of processes: the same report, though one of them is killed on the way."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ppcdbg.errors import UsageError
from ppcdbg.explore import wire
from ppcdbg.explore.distribute import explored
from ppcdbg.explore.farm import Farm
from ppcdbg.explore.report import data
from ppcdbg.explore.sites import sections
from tests.explore.test_distribute import TASK, run, small

__all__ = ["small"]  # a fixture


@pytest.mark.soak
@pytest.mark.usefixtures("small")
def test_a_worker_that_is_killed_costs_nothing_but_time(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=False
    ) as cluster:
        workers = Farm(wire.task_bytes(TASK, tmp_path), cluster.scheduler_address)
        killed: list[int] = []

        def kill(done: int, total: int) -> None:
            if done and not killed and workers.waiting:
                killed.append(next(iter(cluster.workers.values())).pid)
                os.kill(killed[0], signal.SIGKILL)

        searching = TASK.begin()
        found = explored(TASK, searching, sections(searching.system, 2_000, None), workers, kill)
    assert killed
    assert data(found) == data(run(lambda of: None))


def test_a_cluster_that_is_not_there_is_one_sentence() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(UsageError, match="there is no Dask scheduler at tcp://127.0.0.1:1"):
        Farm(b"", "tcp://127.0.0.1:1", 0.2)
