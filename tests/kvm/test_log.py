"""The log of exits as it is kept: rows of the run loop's, and bytes of compiled code's until somebody reads."""

from __future__ import annotations

import random

import pytest

from ppcdbg.kvm.blocks import Compact, Kept
from ppcdbg.kvm.log import ExitLog, KnownExits
from ppcdbg.kvm.words import NUMBERS, ROW


def native(chance: random.Random, position: int) -> Compact:
    return (position, 2 * position, *(chance.randrange(1 << 32) for _ in range(14)))


def told(rows: list[Compact]) -> list[Compact]:
    """What a recording has of them."""
    return [row if len(row) == NUMBERS else (*row[:8], *row[-3:]) for row in rows]


def unpacked(kept: list[Kept]) -> list[Compact]:
    return [row for item in kept for row in (ROW.iter_unpack(item) if isinstance(item, bytes) else (item,))]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_done_to_it_the_log_is_the_list_of_its_rows(seed: int) -> None:
    """Against a plain list, read and taken for a recording at random moments."""
    chance = random.Random(seed)
    log, rows, recorded = ExitLog(False, lambda gpa: "none"), list[Compact](), list[Compact]()
    for position in range(0, 4_000, 10):
        what = chance.randrange(16)
        if what < 4:
            rows.append((position, *range(13)))
            log.append(rows[-1])
        elif what < 8:
            more = [native(chance, position + n) for n in range(chance.choice((1, 2, 5, 90)))]
            assert log.extend(memoryview(b"".join(ROW.pack(*row) for row in more)), len(more)) == more[-1]
            rows += more
        elif what == 8:
            assert log.rows(first := chance.randrange(len(rows) + 1)) == rows[first:]
        elif what == 9:
            recorded += unpacked(log.recorded(len(recorded)))
        elif what == 10:
            assert unpacked(log.recorded(first := chance.randrange(len(rows) + 1))) == told(rows[first:])
        elif what < 14:
            first, end = sorted((chance.randrange(len(rows) + 1), chance.randrange(len(rows) + 9)))
            assert log.rows(first, end) == rows[first:end]
            pieces = [block.rows(low, high) for _, block, low, high in log.blocks(first, end)]
            assert [row for piece in pieces for row in piece] == rows[first:end]
        elif what == 14 and rows:
            index = chance.randrange(len(rows))
            assert (log.position(index), log.vector(index), log.told(index)) == (*rows[index][:3:2], True)
        elif what == 15 and not recorded:
            length = chance.randrange(len(rows) + 1)
            log.restore({"length": length})
            log.forget()
            del rows[length:]
        elif rows and len(recorded) < len(rows):
            assert log.pop() == rows[-1]  # an exit that waits for its device is finished later
            rows[-1] = native(chance, position)
            log.append(rows[-1])
        assert len(log) == len(rows)
    recorded += unpacked(log.recorded(len(recorded)))
    assert recorded == told(rows) and log.rows(0) == rows, f"seed {seed}"


def test_a_log_goes_back_and_forward_again_over_rows_of_compiled_code() -> None:
    log = ExitLog(False, lambda gpa: "none")
    rows = [native(random.Random(n), n) for n in range(9)]
    log.extend(memoryview(b"".join(ROW.pack(*row) for row in rows)), 9)
    log.restore({"length": 4})
    assert (len(log), log.rows(0)) == (4, rows[:4])
    log.restore({"length": 8})
    log.extend(memoryview(b"".join(ROW.pack(*row) for row in rows[:3])), 3)
    assert log.rows(0) == rows[:8] + rows[:3]


@pytest.mark.parametrize("seed", range(8))
def test_exits_of_one_site_are_alike_and_those_of_two_are_not(seed: int) -> None:
    chance = random.Random(seed)
    log = ExitLog(False, lambda gpa: "none")
    for step in range(60):
        if chance.randrange(3):
            rows = [
                (n, n + 1, n % 43, *(chance.randrange(3) for _ in range(13))) for n in range(chance.choice((1, 90)))
            ]
            log.extend(memoryview(b"".join(ROW.pack(*row) for row in rows)), len(rows))
        else:
            did = (0, chance.randrange(3), 0, None), (1, step)
            log.append((step, *range(1, 8), did, (chance.randrange(3),), None, 0, 2, 1 << 40))
    found: dict[object, set[object]] = {}
    for _, block, first, end in log.blocks(0, len(log)):
        for code, row in zip(block.sites.codes[first:end], block.rows(first, end), strict=True):
            what = row[8] if len(row) == NUMBERS else (row[8][0][:2], row[9])
            found.setdefault(block.sites.table[code], set()).add((*row[2:5], *row[6:8], what, *row[-3:]))
    assert {len(each) for each in found.values()} == {1}
    assert len({next(iter(each)) for each in found.values()}) == len(found)


def test_what_a_recording_tells_of_an_exit_is_told_no_longer_once_a_run_came_through_it() -> None:
    log = ExitLog(False, lambda gpa: "none")
    log.foretell([(5, 6, 8, 0x1000, 0, 0, 0, 0x7C7042A6, 0, 2, 9)])
    _, before, _, _ = next(KnownExits(log).blocks(0, 1))
    assert before.untold
    log.append((5, 6, 8, 0x1000, 0, 0, 0, 0x7C7042A6, ((0, 0x7C7042A6, 0, None),), (), None, 0, 2, 9))
    _, after, _, _ = next(KnownExits(log).blocks(0, 1))
    assert not after.untold and before.sites.table != after.sites.table
