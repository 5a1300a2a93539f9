"""Inputs whose container is whole and whose inside is not: what damage of bytes alone would hardly ever reach.

A file of SQLite with another value in one cell, a compressed piece that decompresses to something else, JSON with
another shape, a packet with the right checksum around wrong numbers. Each maker takes a generator of random numbers.
"""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
import struct
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from ppcdbg.session import columns, plain
from tests.fuzz.mutate import BINARY, TEXT, WORDS, mutated

Forge = Callable[[Random], bytes]
ZSTD = b"\x28\xb5\x2f\xfd"
SCALARS: tuple[object, ...] = (
    None, True, False, 0, -1, 1, 7, 4095, 1 << 31, 1 << 32, 1 << 62, 1 << 64, -(1 << 63), 1 << 400, 0.5, 1e300,
    float("inf"), "", "x", "0x1000", "\x00", "é\u202e", "a" * 300, [], {}, [1, 2, 3], {"a": 1},
)  # fmt: skip
_HEX = re.compile(rb"(?<![a-z])[0-9a-f]+(?![a-z])")
_DIGITS = re.compile(r"(?:0x)?[0-9a-f]{2,}|[0-9]+")


# --- values inside values ---------------------------------------------------------------------------------------------
def another(rng: Random, value: Any) -> Any:
    """A value like another, with one thing in it changed: a number, a key, a length or a kind."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        made = dict(value)
        match rng.randrange(8):
            case 0:
                del made[key]
            case 1:
                made["x" + str(key)] = made.pop(key)
            case _:
                made[key] = another(rng, made[key])
        return made
    if isinstance(value, list) and value and rng.random() < 0.9:
        at, items = rng.randrange(len(value)), list(value)
        match rng.randrange(8):
            case 0:
                del items[at]
            case 1:
                items[at:at] = [items[at]] * rng.choice((1, 2, 50))
            case _:
                items[at] = another(rng, items[at])
        return items
    if type(value) is int and rng.random() < 0.7:
        return rng.choice((value + 1, value - 1, -value, value << 1, value ^ 1 << rng.randrange(64), rng.choice(WORDS)))
    if isinstance(value, str) and rng.random() < 0.5:
        return mutated(rng, [value.encode()], TEXT).decode(errors="replace")
    if isinstance(value, bytes) and value and rng.random() < 0.7:
        return mutated(rng, [value], BINARY)
    return rng.choice(SCALARS)


def other_json(texts: Sequence[str]) -> Forge:
    """JSON that can be read, and says something else."""
    values = [json.loads(text) for text in texts]

    def forge(rng: Random) -> bytes:
        value = rng.choice(values)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            value = another(rng, value)
        return json.dumps(value).encode()

    return forge


def other_blob(rng: Random, data: bytes) -> bytes:
    """A piece of a session file: what is in it is changed and compressed again."""
    if not data.startswith(ZSTD):
        return mutated(rng, [data], BINARY)
    inside = columns.decompress(data)
    if rng.random() < 0.5:
        try:
            return columns.compress(plain.encode(another(rng, plain.decode(inside))))
        except (plain.DamagedError, TypeError, RecursionError):  # it is a column, or would be no plain data any more
            pass
    return columns.compress(mutated(rng, [inside], BINARY, longest=len(inside) + 4096))


# --- session files --------------------------------------------------------------------------------------------------
def other_cells(good: Sequence[bytes]) -> Forge:
    """A file that SQLite finds whole, with another value in one to three cells, or a row less or more."""

    def forge(rng: Random) -> bytes:
        connection = sqlite3.connect(":memory:")
        try:
            connection.deserialize(rng.choice(good))
            connection.execute("PRAGMA journal_mode = MEMORY")
            for _ in range(rng.choice((1, 1, 1, 2, 3))):
                _cell(rng, connection)
            connection.commit()
            return connection.serialize()
        finally:
            connection.close()

    return forge


def _cell(rng: Random, connection: sqlite3.Connection) -> None:
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    filled = [name for name in names if connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()]
    if not filled:
        return
    table = rng.choice(filled)
    described = connection.execute(f"PRAGMA table_info({table})").fetchall()
    key = [row[1] for row in described if row[5]] or ["rowid"]
    rows = connection.execute(f"SELECT {', '.join(key)}, * FROM {table} LIMIT 50").fetchall()
    row, column = rng.choice(rows), rng.randrange(len(described))
    where = " AND ".join(f"{name} IS ?" for name in key)
    try:
        match rng.randrange(12):
            case 0:
                connection.execute(f"DELETE FROM {table} WHERE {where}", row[: len(key)])
            case 1:
                values = [*row[len(key) :]]
                values[0] = rng.choice((None, 99, "y", 1 << 40))
                marks = ", ".join("?" * len(values))
                connection.execute(f"INSERT INTO {table} VALUES ({marks})", values)
            case _:
                new = _value(rng, row[len(key) + column])
                connection.execute(
                    f"UPDATE {table} SET {described[column][1]} = ? WHERE {where}", (new, *row[: len(key)])
                )
    except (sqlite3.Error, OverflowError):  # the table itself does not take it
        pass


def _value(rng: Random, old: object) -> object:
    """What may stand in a cell instead."""
    if isinstance(old, bytes) and old and rng.random() < 0.9:
        return other_blob(rng, old)
    if isinstance(old, str) and old and rng.random() < 0.9:
        try:
            return json.dumps(another(rng, json.loads(old)))
        except ValueError:
            return mutated(rng, [old.encode()], TEXT).decode(errors="replace")
    number = old if isinstance(old, int) else 0
    return rng.choice((None, -1, 0, number + 1, number * 2, 1 << 62, 0.5, "x", b"", b"\xff\xfe"))


# --- images and trees -------------------------------------------------------------------------------------------------
def other_images(elf: Callable[..., bytes], uimage: Callable[..., bytes], files: Sequence[bytes] = ()) -> Forge:
    """ELF files with one field of a header changed, and uImages whose checksums are right."""
    fields: Mapping[str, Sequence[int]] = {
        "cls": (0, 1, 2), "data": (0, 1, 2), "kind": (0, 1, 2, 3, 4), "machine": (0, 3, 20, 21),
        "count": (0, 1, 2, 0xFFFF), "entry_size": (0, 31, 32, 40, 0xFFFF), "table": (0, 51, 52, 300, *WORDS),
        "extra": (0, 4, 1 << 20, 1 << 26, 1 << 31), "virtual": (0, 0x1000, 0xC0000000, 0xFFFFFFF0),
        "physical": (0, 0x1000, 0x3FFFFFC, *WORDS), "entry": (1, 0xC0000000, *WORDS),
    }  # fmt: skip

    def forge(rng: Random) -> bytes:
        if files and rng.random() < 0.4:
            return _other_header(rng, rng.choice(files))
        if rng.random() < 0.5:
            names = rng.sample(sorted(fields), rng.choice((1, 2, 3)))
            code = b"\x60\0\0\0" * rng.choice((1, 9, 64))
            return elf(code=code, **{name: rng.choice(fields[name]) for name in names})
        payload = mutated(rng, [b"\x60\0\0\0" * 9 + bytes(range(200))], BINARY)
        comp = rng.choice((0, 1, 1, 1, 2, 3, 9))
        if comp == 1:
            packed = bytearray(gzip.compress(payload, mtime=0))
            if rng.random() < 0.5:
                packed = bytearray(mutated(rng, [bytes(packed)], BINARY))
            payload = bytes(packed)
        load, entry = (rng.choice((0, 4, 0x1000, *WORDS)) & 0xFFFFFFFF for _ in range(2))
        return uimage(payload, load, entry, rng.choice((7, 7, 7, 2)), rng.choice((2, 2, 2, 3, 4)), comp)

    return forge


def _other_header(rng: Random, data: bytes) -> bytes:
    """One word of the headers, program headers or section headers, or of what a section holds."""
    made = bytearray(data)
    sections, entries, size = struct.unpack_from(">I", data, 32)[0], *struct.unpack_from(">HH", data, 46)[::-1]
    places = [24, 28, 32, 44, 48]
    places += range(52, 52 + 32 * struct.unpack_from(">H", data, 44)[0], 4)
    places += range(sections, min(sections + entries * size, len(data) - 4), 4)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.choice(places) if rng.random() < 0.7 else rng.randrange(0, len(data) - 4) & ~3
        old = int.from_bytes(made[at : at + 4], "big")
        new = rng.choice((old + 1, old - 1, old ^ 1 << rng.randrange(32), len(data), rng.choice(WORDS)))
        made[at : at + 4] = (new & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(made)


def other_trees(good: Sequence[bytes]) -> Forge:
    """Device trees with right offsets and sizes around damaged tokens, property lengths and names."""

    def forge(rng: Random) -> bytes:
        data = _grown_tree(rng) if rng.random() < 0.5 else rng.choice(good)
        if rng.random() < 0.3:
            return data
        head = [*struct.unpack_from(">10I", data)]
        _, total, tree, strings, reserved, *_, strings_size, tree_size = head
        parts = [
            data[40:reserved],
            data[reserved:tree],
            data[tree : tree + tree_size],
            data[strings : strings + strings_size],
        ]
        which = rng.choice((1, 2, 2, 2, 2, 3))
        words = [*struct.unpack(f">{len(parts[which]) // 4}I", parts[which][: len(parts[which]) & ~3])]
        tail = parts[which][len(words) * 4 :]
        words = words or [9]
        for _ in range(rng.choice((1, 1, 2, 3, 6))):
            at = rng.randrange(len(words))
            match rng.randrange(5):
                case 0:
                    del words[at]
                case 1:
                    words[at:at] = words[max(at - rng.randrange(1, 40), 0) : at]
                case 2:
                    words[at] = rng.choice((1, 2, 3, 4, 9))  # FDT_BEGIN_NODE, END_NODE, PROP, NOP, END
                case 3:
                    words[at] ^= 1 << rng.randrange(32)
                case _:
                    words[at] = rng.choice((*WORDS, words[at] + 1 & 0xFFFFFFFF))
            words = words or [9]
        parts[which] = struct.pack(f">{len(words)}I", *words) + tail
        at_reserved = 40 + len(parts[0])
        at_tree = at_reserved + len(parts[1])
        at_strings = at_tree + len(parts[2])
        head[1:5] = at_strings + len(parts[3]), at_tree, at_strings, at_reserved
        head[8:10] = len(parts[3]), len(parts[2])
        return struct.pack(">10I", *head) + b"".join(parts)

    return forge


NODES = (b"", b"/", b"memory", b"memory@0", b"memory@8000000", b"chosen", b"hypervisor", b"cpus", b"soc@fe0000000",
         b"a", b"a/b", b"..", b"n" * 300, b"\xff\xfe", b"@", b"reg")  # fmt: skip
PROPERTIES = (b"reg", b"device_type", b"bootargs", b"compatible", b"hcall-instructions", b"#address-cells", b"x" * 300,
              b"", b"memory", b"linux,initrd-start", b"\xe9", b"a/b", b"phandle")  # fmt: skip


def _grown_tree(rng: Random) -> bytes:
    """A tree from nothing, by the grammar but for a token now and then: nodes of any name, depth, width and order."""
    strings, places = b"", []
    for name in rng.sample(PROPERTIES, rng.randrange(1, len(PROPERTIES))):
        places.append(len(strings))
        strings += name + b"\0"
    tokens, depth = [(1).to_bytes(4, "big") + bytes(4)], 1
    deep, many = rng.choice((0.2, 0.4, 0.49, 0.9)), rng.choice((5, 20, 60, 300, 3000))
    while depth and len(tokens) < many:
        kind = rng.random()
        if kind < deep:
            name = rng.choice(NODES) if rng.random() < 0.8 else b"n%d" % len(tokens)
            tokens.append((1).to_bytes(4, "big") + name + bytes(4 - len(name) % 4))
            depth += 1
        elif kind < 0.5 and (depth > 1 or rng.random() < 0.01):
            tokens.append((2).to_bytes(4, "big"))
            depth -= 1
        elif kind < 0.55:
            tokens.append((rng.choice((4, 4, 4, 4, 2, 9))).to_bytes(4, "big"))
        else:
            value = rng.choice(
                (b"", b"\0" * 4, b"memory\0", b"a\0b\0", rng.randbytes(rng.randrange(40)), b"\xff" * 1000)
            )
            place = rng.choice(places) + (rng.randrange(400) if rng.random() < 0.05 else 0)
            tokens.append(struct.pack(">3I", 3, len(value), place) + value + bytes(-len(value) % 4))
    tree = b"".join(tokens) + (2).to_bytes(4, "big") * depth + (9).to_bytes(4, "big")
    version = rng.choice((17, 17, 17, 17, 16, 18, 3))
    sizes = len(strings), len(tree)
    head = struct.pack(">10I", 0xD00DFEED, 56 + sum(sizes), 56, 56 + len(tree), 40, version, 16, 0, *sizes)
    return head + bytes(16) + tree + strings


# --- text -------------------------------------------------------------------------------------------------------------
TOML_VALUES = (
    "0", "-1", "1", "true", "false", '""', '"x"', '"0x1000"', '"64M"', '"2M"', '"e500mc"', '"kvm"', '"none"', "[]",
    "[1]", '["a", "b"]', "{}", "{ a = 1 }", "1.5", "inf", "nan", "1979-05-27", "0xffffffff", '"\\u202e"', "'''a\nb'''",
    "9223372036854775807", "9" * 5000, '"~nobody/x"', '"a\\u0000b"', '"#ff0000"', '"bold red"', '"ctrl+n"', '"../../x"',
)  # fmt: skip


def other_toml(texts: Sequence[str]) -> Forge:
    """TOML that can be read, with another value or another key on a line or two."""

    def forge(rng: Random) -> bytes:
        lines = rng.choice(texts).splitlines()
        places = [i for i, line in enumerate(lines) if re.match(r"[\w.\"-]+ *=", line)]
        for at in rng.sample(places, min(len(places), rng.choice((1, 1, 2)))):
            key = lines[at].partition("=")[0].strip()
            if rng.random() < 0.1:
                key = rng.choice(("x", '"a.b"', f"{key}.x", f'"{key} "'))
            lines[at] = f"{key} = {rng.choice(TOML_VALUES)}"
        return ("\n".join(lines) + "\n").encode()

    return forge


def other_numbers(texts: Sequence[str]) -> Forge:
    """The same words and signs with other numbers of the same look, and lines that come twice or not at all."""

    def number(rng: Random, found: re.Match[str]) -> str:
        old = found[0]
        if rng.random() < 0.8:
            return old
        new = rng.choice((rng.getrandbits(64), *WORDS, 0))
        if old.startswith("0x"):
            return f"0x{new:x}"
        width = len(old)
        return f"{new:0{width}x}"[-width:] if re.search("[a-f]", old) or width > 6 else f"{new % 10**width:0{width}d}"

    def forge(rng: Random) -> bytes:
        lines = rng.choice(texts).splitlines(keepends=True)
        for _ in range(rng.choice((1, 2, 4))):
            at = rng.randrange(len(lines))
            lines[at] = _DIGITS.sub(lambda found: number(rng, found), lines[at])
        if rng.random() < 0.2:
            lines.insert(rng.randrange(len(lines)), lines[at])
        if rng.random() < 0.2 and len(lines) > 1:
            del lines[rng.randrange(len(lines))]
        return "".join(lines).encode()

    return forge


PREFIXES = (
    "[   12.345678] ",
    "<4>",
    "<4>[1.2] ",
    "kvm: ",
    "kvm_intel [77]: ",
    "host kernel: ",
    "Jan 1 00:00:00 h: ",
    "  ",
)


def other_log(texts: Sequence[str]) -> Forge:
    """A kernel's log with other numbers, whose lines come in another order, cut, joined, or behind other prefixes."""
    numbers = other_numbers(texts)

    def forge(rng: Random) -> bytes:
        lines = numbers(rng).decode().splitlines(keepends=True)
        for _ in range(rng.choice((0, 1, 1, 2, 5))):
            at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
            match rng.randrange(6):
                case 0:
                    lines.insert(to, lines[at])
                case 1:
                    lines[at], lines[to] = lines[to], lines[at]
                case 2:
                    lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)] + "\n"
                case 3:
                    lines[at] = lines[at].rstrip("\n") + rng.choice((" ", "", ", ", "\r"))
                case 4:
                    prefix = rng.choice(PREFIXES)
                    lines = [prefix + line for line in lines]
                case _:
                    lines[at] = lines[at].replace(*rng.choice(((" ", "\t"), ("=", " = "), ("0x", ""), ("0", "é"))))
        return "".join(lines).encode()

    return forge


def other_events(rng: Random) -> bytes:
    """Lines of an input file by its grammar, with numbers at the edges."""
    lines = []
    for _ in range(rng.choice((1, 2, 3, 9))):
        position = rng.choice(
            ("0", "1", "1000", "+0", "+5", "+2k", "1_000", "3M", "9G", "+9G", "99999999999999999999", "00")
        )
        text = rng.choice(("", "x", "é", "%s" * 9, "a" * 300))
        source = rng.choice((0, 1, 42, 255, 256, 1 << 40))
        what = rng.choice((
            f"console {rng.choice(TOML_VALUES)}", f'console:1 "{text}"', "break", "break:1",
            f"irq {source} {rng.choice((0, 1, 2))}", "irq 42", "# x", "break x",
        ))  # fmt: skip
        lines.append(f"{position} {what}\n")
    return "".join(lines).encode()


NAMES = (
    "$r3", "$pc", "$msr", "counter", "start", "exit", "dear", "did", "none", "prio", "0", "1", "31", "32", "63", "64",
    "0x1000", "0xffffffff", "1 << 31", "DTLB_MISS", '"queue"', "cause", "$zz", "nobody",
)  # fmt: skip


def expressions(rng: Random) -> bytes:
    """Expressions by their grammar."""
    return _expression(rng, rng.choice((1, 2, 3, 4, 5))).encode()


def _expression(rng: Random, depth: int) -> str:
    if depth == 0:
        return rng.choice(NAMES)
    a, b = _expression(rng, depth - 1), _expression(rng, rng.randrange(depth))
    match rng.randrange(8):
        case 0:
            return f"{rng.choice('-~!+')}{a}"
        case 1:
            return f"*({rng.choice(('u8', 's8', 'u16', 's16', 'u32', 's32', 'u64', 's64', 'char', 'void'))} *)({a})"
        case 2:
            return f"({rng.choice(('u8', 's8', 'u16', 's16', 'u32', 's32', 'u64', 's64'))})({a})"
        case 3:
            return f"({a})"
        case _:
            sign = rng.choice(
                ("+", "-", "*", "/", "%", "<<", ">>", "<", "<=", ">", ">=", "==", "!=", "&", "^", "|", "&&", "||")
            )
            return f"{a} {sign} {b}"


def command_lines(examples: Sequence[str]) -> Forge:
    """Commands with arguments of other commands."""
    names = sorted({example.split()[0] for example in examples if example.split()})
    arguments = sorted({word for example in examples for word in example.split()[1:]})
    arguments += [
        "0",
        "1",
        "-1",
        "0x1000",
        "0xffffffff",
        "$pc",
        "*0x1004",
        "all",
        "off",
        "x" * 200,
        '"a b"',
        "+64",
        "1..2",
        "exit",
        "DTLB_MISS",
        "~nobody/x",
        "a\0b",
    ]

    def forge(rng: Random) -> bytes:
        words = rng.choice(examples).split()
        if not words or rng.random() < 0.3:
            words = [rng.choice(names)]
        for _ in range(rng.choice((1, 1, 2, 3))):
            at = rng.randrange(1, len(words) + 1)
            words[at : at + rng.randrange(2)] = [rng.choice(arguments)]
        return " ".join(words).encode()

    return forge


def packets(bodies: Sequence[bytes], frame: Callable[[bytes], bytes], lines: Forge) -> Forge:
    """Packets with right checksums: other numbers in them, one put behind another, and commands for the monitor."""

    def number(rng: Random, old: bytes) -> bytes:
        if rng.random() < 0.5:
            return old
        new = rng.choice((0, 1, 4, 0x40, 0x1000, 0x1004, 0x3000, 0xFFF, *WORDS, rng.getrandbits(32)))
        return f"{new:0{rng.choice((0, len(old)))}x}".encode()

    def forge(rng: Random) -> bytes:
        if rng.random() < 0.02:
            return frame(b"qRcmd," + lines(rng).hex().encode())
        body = _HEX.sub(lambda found: number(rng, found[0]), rng.choice(bodies))
        if rng.random() < 0.1:
            body += rng.choice((b";", b",", b":", b"")) + rng.choice(bodies)
        return frame(body)

    return forge
