"""Plain data as bytes, and back: how states stand in a session file. Nothing in it can be executed.

One letter says what comes, then a length or the value. Equal values give equal bytes: tables go by name. The reader
trusts nothing; whatever is wrong raises DamagedError, and no size that it reads is believed before the bytes are there.

    N  T  F            None, True, False
    i  8 bytes         a number that fits in 64 bits, signed
    I  length, bytes   any other number
    b  s  length, ...  bytes, UTF-8 text
    n  count, width    numbers of one width, one after the other
    l  count, items    a list
    d  count, pairs    a table: text and value in turn
"""

from __future__ import annotations

import sys
from array import array
from struct import Struct

from ppcdbg.cpu.plain import Plain
from ppcdbg.errors import InputError

_LENGTH, _NUMBER = Struct("<I"), Struct("<q")
DEEPEST = 40
_WIDTHS = ((b"B", 0, 0xFF), (b"I", 0, 0xFFFFFFFF), (b"q", -(1 << 63), (1 << 63) - 1))


class DamagedError(InputError):
    """Bytes of a session file that are not what was written."""


def encode(value: Plain) -> bytes:
    """The bytes of a value."""
    out: list[bytes] = []
    _put(out, value)
    return b"".join(out)


def _put(out: list[bytes], value: Plain) -> None:
    if value is None:
        out.append(b"N")
    elif value is True or value is False:
        out.append(b"T" if value else b"F")
    elif isinstance(value, int):
        _put_number(out, value)
    elif isinstance(value, (bytes, str)):
        data = value.encode() if isinstance(value, str) else value
        out += (b"s" if isinstance(value, str) else b"b", _LENGTH.pack(len(data)), data)
    elif isinstance(value, (list, tuple)):
        if not _put_numbers(out, value):
            out += (b"l", _LENGTH.pack(len(value)))
            for item in value:
                _put(out, item)
    elif isinstance(value, dict):
        out += (b"d", _LENGTH.pack(len(value)))
        for name in sorted(value):
            _put(out, name)
            _put(out, value[name])
    else:
        raise TypeError(f"{type(value).__name__} is not plain data")


def _put_number(out: list[bytes], value: int) -> None:
    if -(1 << 63) <= value < 1 << 63:
        out += (b"i", _NUMBER.pack(value))
    else:
        data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        out += (b"I", _LENGTH.pack(len(data)), data)


def _put_numbers(out: list[bytes], values: list[int] | tuple[int, ...]) -> bool:
    """A list of nothing but numbers that fit in 64 bits, close together."""
    kinds = set(map(type, values))
    if kinds != {int}:
        return False
    low, high = min(values), max(values)
    for code, least, most in _WIDTHS:
        if least <= low and high <= most:
            numbers = array(code.decode(), values)
            if sys.byteorder == "big":
                numbers.byteswap()
            out += (b"n", _LENGTH.pack(len(values)), code, numbers.tobytes())
            return True
    return False


def decode(data: bytes) -> Plain:
    """The value of some bytes, all of them. Raises DamagedError."""
    reader = _Reader(data)
    value = reader.value(0)
    if reader.at != len(data):
        raise DamagedError(f"saved state goes on behind its end, at byte {reader.at} of {len(data)}")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self.data):
            raise DamagedError(f"saved state ends at byte {len(self.data)}, in the middle of a value")
        part = self.data[self.at : end]
        self.at = end
        return part

    def length(self) -> int:
        length: int = _LENGTH.unpack(self.take(4))[0]
        if length > len(self.data):
            raise DamagedError(f"saved state claims {length} of something in {len(self.data)} bytes")
        return length

    def value(self, depth: int) -> Plain:
        if depth > DEEPEST:
            raise DamagedError(f"saved state is nested more than {DEEPEST} deep")
        match self.take(1):
            case b"N":
                return None
            case b"T":
                return True
            case b"F":
                return False
            case b"i":
                number: int = _NUMBER.unpack(self.take(8))[0]
                return number
            case b"I":
                return int.from_bytes(self.take(self.length()), "little", signed=True)
            case b"b":
                return self.take(self.length())
            case b"s":
                return self._text()
            case b"n":
                return self._numbers()
            case b"l":
                return [self.value(depth + 1) for _ in range(self.length())]
            case b"d":
                return self._table(depth)
            case other:
                raise DamagedError(f"saved state has the byte {other!r} where a kind of value belongs")

    def _text(self) -> str:
        try:
            return self.take(self.length()).decode()
        except UnicodeDecodeError as error:
            raise DamagedError(f"saved state holds text that is not UTF-8: {error.reason}") from None

    def _numbers(self) -> Plain:
        count = self.length()
        code = self.take(1)
        if code not in {width for width, _, _ in _WIDTHS}:
            raise DamagedError(f"saved state has numbers of the unknown width {code!r}")
        numbers = array(code.decode())
        numbers.frombytes(self.take(count * numbers.itemsize))
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers.tolist()

    def _table(self, depth: int) -> Plain:
        found: dict[str, Plain] = {}
        for _ in range(self.length()):
            name = self.value(depth + 1)
            if not isinstance(name, str):
                raise DamagedError(f"saved state names a value {name!r}")
            found[name] = self.value(depth + 1)
        return found
