"""The rows that speak to gdb ports: the client understands ours, and says what a port does not do."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ppcdbg.bench import gdbpeer
from ppcdbg.bench.guests import loop_image
from ppcdbg.bench.results import NotRun
from ppcdbg.bench.whole import inherited


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a.elf"
    path.write_bytes(loop_image("a", 1000))
    return path


def test_every_work_is_done_by_our_port_as_by_qemus_with_acknowledgements(image: Path) -> None:
    with gdbpeer.port(gdbpeer.ppcdbg_port(image), inherited(os.environ)) as client:
        assert client.acks
        for work in gdbpeer.WORKS:
            assert client.rate(replace(work, times=20)) > 0
        assert len(client.ask(b"g")) == 38 * 8 and len(client.ask(gdbpeer.WORKS[2].packet)) == 2 * 0x780
        with pytest.raises(NotRun, match="answers m0,0 with"):
            client.rate(replace(gdbpeer.STEP, packet=b"m0,0"))


def test_a_process_without_a_port_is_no_figure() -> None:
    with pytest.raises(NotRun, match="opens no gdb port"), gdbpeer.port([sys.executable, "-c", ""]):
        pass


def test_rows_ask_for_what_the_issue_asks(image: Path) -> None:
    asked = {row.name: [(a.bound, a.peer) for a in row.asks] for row in gdbpeer.rows(image)}
    assert asked == {
        "gdb-step": [(2.0, "qemu")], "gdb-g": [(1.0, "qemu")], "gdb-m-2k": [(1.0, "qemu")], "gdb-m-4": [(20_000.0, "")],
    }  # fmt: skip
