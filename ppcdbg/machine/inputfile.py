"""The file of ``--input``: what comes into the guest from outside, and at which position. One event a line.

    # comment
    20_000_000  console "ls\\n"        bytes typed at the first serial port; text in TOML's quotes
    +5000       console:1 "x"          5000 instructions after the line before; second port
    21M         irq 42 1               MPIC source 42 goes to level 1
    +0          break                  a break on the line

Positions are retired instructions; ``k``, ``M`` and ``G`` are decimal. Order in the file is order of happening where
positions are equal. Only reading and writing of the text is here; the queue is :mod:`ppcdbg.machine.input`'s.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from ppcdbg.errors import InputError
from ppcdbg.machine.description import parse_count
from ppcdbg.machine.devices.mpic import SOURCES
from ppcdbg.machine.input import InputEvent, InputKind

LINE = re.compile(
    r"(?P<position>\+?[0-9][0-9_]*[kKmMgG]?)\s+(?P<kind>console|break|irq)(?::(?P<port>[01]))?(?:\s+(?P<rest>.*))?"
)
IRQ = re.compile(r"(?P<source>[0-9]{1,9})\s+(?P<level>[01])")
FORM = 'POSITION console "TEXT", POSITION irq NUMBER LEVEL, or POSITION break'


def read_input(path: Path) -> tuple[InputEvent, ...]:
    """The events of a file. Every fault is an InputError that names the line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read input {path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"input {path} is not UTF-8 text: {error.reason} at byte {error.start}") from None
    events: list[InputEvent] = []
    position = 0
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            event = _event(stripped, position, len(events), f"line {number} of input {path}")
            position = event.position
            events.append(event)
    return tuple(events)


def write_input(events: Iterable[InputEvent]) -> str:
    """The text that ``read_input`` reads back, for events of the kinds that the file knows."""
    lines = []
    for event in sorted(events, key=lambda e: (e.position, e.order)):
        kind = event.kind.value
        if event.kind is InputKind.IRQ:
            rest = f" {event.target} {event.value}"
        elif event.kind is InputKind.CONSOLE:
            kind, rest = f"console:{event.target}", f" {_quoted(event.data)}"
        elif event.kind is InputKind.BREAK:
            kind, rest = f"break:{event.target}", ""
        else:
            raise InputError(f"an input file cannot hold a {kind} event; only console, irq and break")
        lines.append(f"{event.position} {kind}{rest}\n")
    return "".join(lines)


def _event(line: str, before: int, order: int, where: str) -> InputEvent:
    match = LINE.fullmatch(line)
    if match is None:
        raise InputError(f"{where} is {line!r}; it must be {FORM}")
    relative = match["position"].startswith("+")
    digits = match["position"].lstrip("+")
    amount = 0 if not digits.strip("0_") else parse_count(digits, (where, InputError))
    position = before + amount if relative else amount
    if position < before:
        raise InputError(f"{where} is for position {position}, before the line above it ({before}); sort the lines")
    rest, port = match["rest"] or "", int(match["port"] or 0)
    if match["kind"] == "console":
        return InputEvent(position, order, InputKind.CONSOLE, target=port, data=_text(rest, where))
    if match["kind"] == "break" and not rest:
        return InputEvent(position, order, InputKind.BREAK, target=port)
    irq = IRQ.fullmatch(rest)
    if match["kind"] != "irq" or irq is None or match["port"] is not None or int(irq["source"]) >= SOURCES:
        raise InputError(f"{where} is {line!r}; it must be {FORM}, with NUMBER below {SOURCES}")
    return InputEvent(position, order, InputKind.IRQ, target=int(irq["source"]), value=int(irq["level"]))


def _text(quoted: str, where: str) -> bytes:
    try:
        # In brackets, so that nothing but one string can stand there: a comment would swallow the closing one.
        texts = tomllib.loads(f"texts = [{quoted}]")["texts"]
    except (ValueError, RecursionError):
        texts = []
    if len(texts) != 1 or not isinstance(texts[0], str) or quoted[-1] not in "\"'":
        raise InputError(f'{where} has the text {quoted}; it must stand in quotes, like "ls\\n"')
    return texts[0].encode()


def _quoted(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise InputError("an input file holds text; these console bytes are not UTF-8") from None
    escaped = "".join(
        c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text
    )  # fmt: skip
    return f'"{escaped}"'
