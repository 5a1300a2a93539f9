"""Long logs in few bytes: rows of numbers as columns, each column's differences, compressed together.

A boot has a hundred thousand exits; as rows of SQL they would be most of a session file. A chunk is some thousand rows
of one log. The reader trusts nothing and raises DamagedError.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from operator import sub
from typing import TYPE_CHECKING

from ppcdbg.session.plain import DamagedError

if TYPE_CHECKING:
    from zstandard import ZstdCompressor

EXIT_COLUMNS = ("position", "tick", "vector", "pc", "msr", "dar", "esr", "inst", "resume", "exit_type", "cost")
INTERRUPT_COLUMNS = ("vector", "pc", "msr", "guest", "position")
LEVEL = 3
LARGEST = 256 << 20
_M64 = (1 << 64) - 1


def pack(rows: Sequence[Sequence[int]]) -> bytes:
    """Rows of equal length, at least one, as bytes."""
    columns = [*zip(*rows, strict=True)]
    packed = bytearray()
    for column in columns:
        # a column of differences modulo 2**64 compresses better than one of values, and is as exact
        steps = array("Q", map(_M64.__and__, map(sub, column, (0, *column))))
        if sys.byteorder == "big":
            steps.byteswap()
        packed += steps.tobytes()
    return compress(bytes(packed))


def unpack(data: bytes, count: int, width: int) -> list[tuple[int, ...]]:
    """The rows that ``pack`` was given: ``count`` of ``width`` numbers. Raises DamagedError."""
    raw = decompress(data, 8 * count * width)
    if len(raw) != 8 * count * width:
        raise DamagedError(f"a chunk of {count} rows has {len(raw)} bytes instead of {8 * count * width}")
    columns = []
    for i in range(width):
        steps = array("Q", raw[8 * count * i : 8 * count * (i + 1)])
        if sys.byteorder == "big":
            steps.byteswap()
        columns.append([*accumulate(steps, lambda a, b: a + b & _M64)])
    return [*zip(*columns, strict=True)]


@cache
def _compressor() -> ZstdCompressor:
    from zstandard import ZstdCompressor

    return ZstdCompressor(level=LEVEL)


def compress(data: bytes) -> bytes:
    """Bytes by zstd."""
    return _compressor().compress(data)


def decompress(data: bytes, most: int = LARGEST) -> bytes:
    """What was compressed, at most so many bytes. Raises DamagedError."""
    from zstandard import ZstdDecompressor, ZstdError, get_frame_parameters

    try:
        size = get_frame_parameters(data).content_size
        if size > most:
            raise DamagedError(f"compressed data claims {size} bytes, more than the {most} that can be there")
        return ZstdDecompressor().decompress(data, max_output_size=most)
    except ZstdError as error:
        raise DamagedError(f"compressed data cannot be read: {error}") from None
