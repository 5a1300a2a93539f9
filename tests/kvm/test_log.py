"""The log of exits as it is kept: rows of the run loop's, and bytes of compiled code's until somebody reads."""

from __future__ import annotations

import random

import pytest

from ppcdbg.kvm.log import Compact, ExitLog, Kept
from ppcdbg.kvm.words import ROW


def native(chance: random.Random, position: int) -> Compact:
    return (position, 2 * position, *(chance.randrange(1 << 32) for _ in range(14)))


def unpacked(kept: list[Kept]) -> list[Compact]:
    return [row for item in kept for row in (ROW.iter_unpack(item) if isinstance(item, bytes) else (item,))]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_done_to_it_the_log_is_the_list_of_its_rows(seed: int) -> None:
    """Against a plain list, read and taken for a recording at random moments."""
    chance = random.Random(seed)
    log, rows, recorded = ExitLog(False, lambda gpa: "none"), list[Compact](), list[Compact]()
    for position in range(0, 4_000, 10):
        what = chance.randrange(12)
        if what < 4:
            rows.append((position, *range(13)))
            log.append(rows[-1])
        elif what < 8:
            more = [native(chance, position + n) for n in range(chance.randrange(1, 6))]
            assert log.extend(memoryview(b"".join(ROW.pack(*row) for row in more)), len(more)) == more[-1]
            rows += more
        elif what == 8:
            assert log.rows(first := chance.randrange(len(rows) + 1)) == rows[first:]
        elif what == 9:
            recorded += unpacked(log.kept(len(recorded)))
        elif what == 10:
            assert unpacked(log.kept(first := chance.randrange(len(rows) + 1))) == rows[first:]
        elif rows and len(recorded) < len(rows):
            assert log.pop() == rows[-1]  # an exit that waits for its device is finished later
            rows[-1] = native(chance, position)
            log.append(rows[-1])
        assert len(log) == len(rows)
    recorded += unpacked(log.kept(len(recorded)))
    assert recorded == rows == log.rows(0), f"seed {seed}"


def test_a_log_goes_back_and_forward_again_over_rows_of_compiled_code() -> None:
    log = ExitLog(False, lambda gpa: "none")
    rows = [native(random.Random(n), n) for n in range(9)]
    log.extend(memoryview(b"".join(ROW.pack(*row) for row in rows)), 9)
    log.restore({"length": 4})
    assert (len(log), log.rows(0)) == (4, rows[:4])
    log.restore({"length": 8})
    log.extend(memoryview(b"".join(ROW.pack(*row) for row in rows[:3])), 3)
    assert log.rows(0) == rows[:8] + rows[:3]
