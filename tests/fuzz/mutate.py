"""Damage of every kind, from a seed: bytes, words, lines and numbers changed, cut out, doubled, moved, mixed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

BYTES = b"\0\1\t\n\r \"$'*,:;[{}\x7f\x80\xc3\xfe\xff"
WORDS = (0, 1, 3, 4, 0x7F, 0x80, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF)
NUMBERS = ("0", "-1", "1", "4294967295", "4294967296", "18446744073709551616", "-9223372036854775809", "0x",
           "0xffffffff", "1e999", "nan", "inf", "9" * 400, "9" * 5000, "1_000", "07", "1.5", "²", "٣")  # fmt: skip
TOKENS = ("", " ", "\n", "\t", '"', "'", "\\", "{", "}", "[", "]", "(", ")", "=", ",", ":", ";", "#", "$", "*", "%s",
          "%n", "[" * 300, "(" * 300, "{" * 300, "-" * 300, "\x00", "\u202e", "é", "𝟘", "../../../etc/passwd",
          "/dev/zero", "a" * 5000)  # fmt: skip
_WORD = re.compile(rb"\w+|\s+|[^\w\s]+")
_NUMBER = re.compile(rb"-?(0x[0-9a-fA-F]+|[0-9]+)")

Damage = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def _place(rng: random.Random, data: bytearray) -> int:
    """Heads of files are where most of what they say stands."""
    length = len(data)
    return rng.randrange(min(length, 64) if rng.random() < 0.4 else length) if length else 0


def _byte(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    if data:
        at = _place(rng, data)
        data[at] = rng.choice((data[at] ^ 1 << rng.randrange(8), rng.choice(BYTES), rng.randrange(256)))


def _word(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    at = _place(rng, data) & ~(rng.choice((1, 3)))
    order: str = rng.choice(("big", "big", "little"))
    size = rng.choice((2, 4, 4, 8))
    if at + size <= len(data):
        old = int.from_bytes(data[at : at + size], order)  # type: ignore[arg-type]
        near = old + rng.choice((-1, 1, 4, -4))
        new = rng.choice((rng.choice(WORDS), near, old << 1, len(data), rng.getrandbits(64)))
        data[at : at + size] = (new & (1 << 8 * size) - 1).to_bytes(size, order)  # type: ignore[arg-type]


def _cut(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    at = _place(rng, data)
    if rng.random() < 0.4:
        del data[at:]
    else:
        del data[at : at + rng.choice((1, 2, 4, 8, rng.randrange(1, 200)))]


def _double(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    at = _place(rng, data)
    part = bytes(data[at : at + rng.choice((1, 4, rng.randrange(1, 100)))])
    data[at:at] = part * rng.choice((1, 1, 2, 30))


def _move(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    at, to = _place(rng, data), _place(rng, data)
    size = rng.choice((4, rng.randrange(1, 64)))
    part = bytes(data[at : at + size])
    data[to : to + size] = part


def _mix(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    other = rng.choice(others)
    at = rng.randrange(len(other) + 1)
    data[_place(rng, data) :] = other[at:]


def _number(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    found = list(_NUMBER.finditer(data))
    if found:
        match = rng.choice(found)
        data[match.start() : match.end()] = rng.choice(NUMBERS).encode()


def _token(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    at = _place(rng, data)
    data[at:at] = rng.choice(TOKENS).encode()


def _words(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    """Words and signs in other places, and those of another file: what still reads like something."""
    parts = _WORD.findall(bytes(data))
    if parts:
        foreign = _WORD.findall(rng.choice(others))
        at = rng.randrange(len(parts))
        parts[at : at + rng.choice((0, 1, 1))] = [rng.choice(foreign or parts) for _ in range(rng.choice((1, 1, 2, 3)))]
        data[:] = b"".join(parts)


def _lines(rng: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    lines = bytes(data).splitlines(keepends=True)
    if not lines:
        return
    at = rng.randrange(len(lines))
    match rng.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines.insert(rng.randrange(len(lines)), lines[at])
        case 2:
            rng.shuffle(lines)
        case _:
            lines[at] = lines[at].rstrip(b"\n") + lines[(at + 1) % len(lines)]
    data[:] = b"".join(lines)


BINARY: tuple[Damage, ...] = (_byte, _byte, _byte, _word, _word, _word, _cut, _double, _move, _mix)
TEXT: tuple[Damage, ...] = (_byte, _byte, _cut, _double, _mix, _number, _number, _token, _lines, *[_words] * 6)


def mutated(rng: random.Random, corpus: Sequence[bytes], kinds: Sequence[Damage], longest: int = 1 << 20) -> bytes:
    """One of the corpus with one to eight damages."""
    data = bytearray(rng.choice(corpus))
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 8))):
        rng.choice(kinds)(rng, data, corpus)
    return bytes(data[:longest])
