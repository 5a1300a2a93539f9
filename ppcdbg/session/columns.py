"""Long logs in few bytes: rows of numbers as columns, growing ones as differences, compressed together.

A boot has a hundred thousand exits; as rows of SQL they would be most of a session file. A chunk is some thousand rows
of one log. The reader trusts nothing and raises DamagedError.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Collection, Sequence
from functools import cache
from itertools import accumulate
from operator import itemgetter, sub
from struct import error as OutOfRange
from typing import TYPE_CHECKING, Any

from ppcdbg.kvm.words import NUMBERS, ROW, ROW_LONGS, ROW_WORDS
from ppcdbg.session.plain import DamagedError

if TYPE_CHECKING:
    from zstandard import ZstdCompressor

EXIT_COLUMNS = ("position", "tick", "vector", "pc", "msr", "dar", "esr", "inst", "resume", "exit_type", "cost")
_EXIT = itemgetter(*range(8), -3, -2, -1)
"""Those columns of a row of the exit log, the run loop's or compiled code's: how it began and how it ended."""
_LONG, _SHORT = (0, 1), (*range(4, 10), 15, 16, 17)
"""Where ``words.ROW`` has them, in words of 64 bits and in words of 32."""
_NOTHING = (0, 0, 0, 0, 0)
EVENT_COLUMNS = 12
"""Of an imported event: time, CPU, process, numbers of three texts, how many arguments, and five of them."""
INTERRUPT_COLUMNS = ("vector", "pc", "msr", "guest", "position")
LEVEL = 1
GROWING = {"exit": (0, 1), "interrupt": (4,), "console0": (1,), "console1": (1,), "event": (0,)}
"""By kind of log: the columns that grow, of which the differences compress better."""
LARGEST = 256 << 20
_M64 = (1 << 64) - 1


def pack(rows: Sequence[Sequence[int]], growing: Collection[int] = ()) -> bytes:
    """Rows of equal length, at least one, as bytes; ``growing``: the columns of which differences are kept."""
    packed = bytearray()
    for number, column in enumerate(zip(*rows, strict=True)):
        code, words = _column(column, growing=number in growing)
        if sys.byteorder == "big":
            words.byteswap()
        packed += code + words.tobytes()
    return compress(bytes(packed))


def _column(column: Sequence[int], *, growing: bool) -> tuple[bytes, array[int]]:
    """A column's kind and its words; 32 bits are tried first, for they are what nearly all need."""
    if growing:
        return b"d", array("Q", map(_M64.__and__, map(sub, column, (0, *column))))
    try:
        return b"I", array("I", column)
    except OverflowError:
        return b"Q", array("Q", map(_M64.__and__, column))


def pack_exits(kept: Sequence[Any]) -> tuple[int, bytes]:
    """How many exits there are in what ``ExitLog.recorded`` gives, and their rows as by ``pack``.

    Nearly all are bytes of ``words.ROW`` already, which are put in columns without a look at any number.
    """
    try:
        rows = b"".join([item if type(item) is bytes else _row(item) for item in kept])
        packed = bytearray()
        short, long = memoryview(rows).cast("I"), memoryview(rows).cast("Q")
        for at in _LONG:
            packed += b"d" + _differences(long[at::ROW_LONGS].tobytes())
        for at in _SHORT:
            packed += b"I" + short[at::ROW_WORDS].tobytes()
    except (OutOfRange, OverflowError):  # a number that needs more bits, or a column that does not grow
        each = [_EXIT(row) for item in kept for row in (ROW.iter_unpack(item) if type(item) is bytes else (item,))]
        return len(each), pack(each, GROWING["exit"])
    return len(rows) // ROW.size, compress(bytes(packed))


def _row(row: Sequence[Any]) -> bytes:
    return ROW.pack(*(row if len(row) == NUMBERS else (*row[:8], *_NOTHING, *row[-3:])))


def _differences(column: bytes) -> bytes:
    """Of a column of 64-bit words that grows, each less the one before, as one subtraction of two long numbers.

    Raises OverflowError where one is less than the one before: then the digits do not add up to the last.
    """
    whole = int.from_bytes(column, "little")
    found = (whole - (whole << 64) & (1 << 8 * len(column)) - 1).to_bytes(len(column), "little")
    words = array("Q", found)
    if sys.byteorder == "big":
        words.byteswap()
    if sum(words) != whole >> 8 * (len(column) - 8):
        raise OverflowError
    return found


def unpack(data: bytes, count: int, width: int) -> list[tuple[int, ...]]:
    """The rows that ``pack`` was given: ``count`` of ``width`` numbers. Raises DamagedError."""
    raw, at, columns = decompress(data, min((8 * count + 1) * width, LARGEST)), 0, []
    for _ in range(width):
        code = raw[at : at + 1]
        if code not in (b"I", b"Q", b"d"):
            raise DamagedError(f"a chunk of rows has a column of the unknown kind {code!r}")
        words = array("I" if code == b"I" else "Q")
        end = at + 1 + count * words.itemsize
        if end > len(raw):
            raise DamagedError(f"a chunk of {count} rows ends after {len(raw)} bytes")
        words.frombytes(raw[at + 1 : end])
        if sys.byteorder == "big":
            words.byteswap()
        columns.append([*accumulate(words, lambda a, b: a + b & _M64)] if code == b"d" else words.tolist())
        at = end
    return [*zip(*columns, strict=True)]


@cache
def _compressor() -> ZstdCompressor:
    from zstandard import ZstdCompressor

    return ZstdCompressor(level=LEVEL, write_checksum=True)


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
