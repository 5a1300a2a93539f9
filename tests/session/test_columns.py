"""Rows as columns: whatever way they are packed, the same rows come out."""

from __future__ import annotations

import random

import pytest

from ppcdbg.kvm.blocks import Compact, Kept
from ppcdbg.kvm.words import ROW
from ppcdbg.session.columns import EXIT_COLUMNS, pack_exits, unpack


def exits(seed: int, backwards: bool, wide: bool) -> tuple[list[Kept], list[Compact]]:
    """A log as it is kept and the rows that a session has of it."""
    chance = random.Random(seed)
    kept: list[Kept] = []
    rows: list[Compact] = []
    at = 0
    for _ in range(300):
        batch = []
        for _ in range(chance.randrange(1, 5)):
            at += chance.choice((0, 1, 7, 1 << 33))
            tick = at // 3 if backwards and chance.randrange(9) == 0 else 2 * at
            batch.append((at, tick, *(chance.randrange(1 << 32) for _ in range(14))))
        if len(batch) == 1 and chance.randrange(2):
            resume = -20 if wide else 3
            batch = [(*batch[0][:8], ((0, 1),), (2,), None, resume, *batch[0][-2:])]
            kept += batch
        elif len(batch) == 1:
            kept += batch
        else:
            kept.append(b"".join(ROW.pack(*row) for row in batch))
        rows += [tuple(v % (1 << 64) for v in (*row[:8], *row[-3:])) for row in batch]
    return kept, rows


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_piece_of_the_exit_log_comes_out_as_its_rows(seed: int, backwards: bool, wide: bool) -> None:
    kept, rows = exits(seed, backwards, wide)
    count, data = pack_exits(kept)
    assert count == len(rows)
    assert unpack(data, count, len(EXIT_COLUMNS)) == rows, f"seed {seed}"
