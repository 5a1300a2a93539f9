"""The words of an event, as break, trace, run-until and wait-for take them, and what can complete them.

What can follow a kind's word is in ``events.WORDS``. A condition follows after ``if``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.debugger.causes import PRIORITIES
from ppcdbg.debugger.events import Event, EventKind
from ppcdbg.debugger.fields import FIELDS, SYNONYMS
from ppcdbg.debugger.positions import position_of
from ppcdbg.engine.api import WatchKind
from ppcdbg.errors import UsageError
from ppcdbg.isa.sprs import SPRS
from ppcdbg.isa.table import TABLE
from ppcdbg.kvm.codes import HCALL_NAMES
from ppcdbg.kvm.magic_page import FIELDS as MAGIC_FIELDS
from ppcdbg.kvm.payloads import SHORT_NAMES

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

Parser = Callable[["Debugger", str], Event]


KINDS: tuple[str, ...] = tuple(k.value for k in EventKind if k is not EventKind.ADDRESS) + ("irqprio",)
_IRQPRIO = {"queue": EventKind.QUEUED, "withhold": EventKind.WITHHELD, "deliver": EventKind.DELIVERED}
_TAKEN_NAMES = {v.name: v.number for v in VECTORS.values()}
_FIELDS_OF_PAGE = {f.name: 0 for f in MAGIC_FIELDS}
SECTION = ("entered", "saved", "looked", "left", "interrupted", "withheld")
"""What can be told of a critical section."""
_IF = re.compile(r"(?:^|\s)if\s")
_EXITS = {v.name: v.number for v in VECTORS.values()}
_SPR_NUMBERS = {s.name: s.number for s in SPRS}
_HCALLS = {name: token for token, name in HCALL_NAMES.items()}


def split_condition(text: str) -> tuple[str, str]:
    """What stands before ``if`` and the condition after it; text in quotes is left alone."""
    quoted = re.sub(r'"[^"]*"', lambda m: "_" * len(m.group()), text)
    found = _IF.search(quoted)
    if found is None:
        if re.search(r"(?:^|\s)if$", quoted):
            raise UsageError("a condition must follow 'if', for example: if dear >= 0xc0000000")
        return text.strip(), ""
    return text[: found.start()].strip(), text[found.end() :].strip()


def parse_event(debugger: Debugger, words: str) -> Event:
    """The event that words name; pc where there are none. Raises UsageError with the nearest right word."""
    text = words.strip()
    if not text:
        return place(debugger, f"{debugger.pc:#x}")
    first, _, rest = text.partition(" ")
    if first == "irqprio" and debugger.symbols.address(text) is None:
        return _irqprio(rest.strip())
    if first in KINDS and debugger.symbols.address(text) is None:
        return _PARSERS[EventKind(first)](debugger, rest.strip())
    return place(debugger, text)


def place(debugger: Debugger, text: str) -> Event:
    """An address; a plain symbol keeps its name."""
    address = debugger.address(text) & 0xFFFFFFFC
    return Event(EventKind.ADDRESS, text.lstrip("*") if debugger.symbols.address(text.lstrip("*")) else "", address)


def _trailing(text: str, *words: str) -> tuple[str, str]:
    """Take one of some words off the end."""
    for word in words:
        if text == word or text.endswith(" " + word):
            return text[: -len(word)].strip(), word
    return text, ""


def _exit(debugger: Debugger, text: str) -> Event:
    text, when = _trailing(text, "after", "both")
    both, after = when.replace("after", ""), when == "after"
    if not text:
        return Event(EventKind.EXIT, after=after, text=both)
    name = _pick(text.upper(), _EXITS, "exit")
    return Event(EventKind.EXIT, name, number=_EXITS[name], after=after, text=both)


def _insn(debugger: Debugger, text: str) -> Event:
    text, every = _trailing(text, "any")
    if text[:1].isdecimal():
        return Event(EventKind.INSN, f"{_number(text):#010x}", number=_number(text), text=every)
    return Event(EventKind.INSN, _pick(text, {i.name: 0 for i in TABLE}, "instruction") if text else "", text=every)


def _fetch_fault(debugger: Debugger, text: str) -> Event:
    text, when = _trailing(text, "after")
    if text:
        raise UsageError(f"fetch-fault takes nothing but after, and {text!r} is something else")
    return Event(EventKind.FETCH_FAULT, after=bool(when))


def _direction(text: str) -> tuple[str, bool | None]:
    """Take a trailing ``read`` or ``write`` off."""
    for word, write in (("read", False), ("write", True)):
        if text == word or text.endswith(" " + word):
            return text[: -len(word)].strip(), write
    return text, None


def _spr(debugger: Debugger, text: str) -> Event:
    name, write = _direction(text)
    if not name:
        return Event(EventKind.SPR, write=write)
    if name.isdecimal() or name.lower().startswith("0x"):
        return Event(EventKind.SPR, name, number=_number(name), write=write)
    name = _pick(name.upper(), _SPR_NUMBERS, "SPR")
    return Event(EventKind.SPR, name, number=_SPR_NUMBERS[name], write=write)


def _mmio(debugger: Debugger, text: str) -> Event:
    where, write = _direction(text)
    if not where:
        return Event(EventKind.MMIO, write=write)
    if not where[0].isdecimal():
        devices = {r.device.name: 0 for r in debugger.system.board.regions}
        return Event(EventKind.MMIO, _pick(where, devices, "device"), write=write)
    first, separator, last = where.partition(",+")
    if separator:
        return Event(EventKind.MMIO, "", _number(first), max(_number(last), 1), write=write)
    first, separator, last = where.partition("..")
    start = _number(first)
    end = _number(last) if separator else start
    if end < start:
        raise UsageError(f"the range {where} ends before it starts")
    return Event(EventKind.MMIO, "", start, end - start + 1, write=write)


def _hcall(debugger: Debugger, text: str) -> Event:
    text, word = _trailing(text, "after")
    after = bool(word)
    if not text:
        return Event(EventKind.HCALL, after=after)
    if text[0].isdecimal():
        return Event(EventKind.HCALL, HCALL_NAMES.get(_number(text), text), number=_number(text), after=after)
    name = _pick(text.upper(), _HCALLS, "hypercall")
    return Event(EventKind.HCALL, name, number=_HCALLS[name], after=after)


def _userspace(debugger: Debugger, text: str) -> Event:
    text, when = _trailing(text, "after", "both")
    both, after = when.replace("after", ""), when == "after"
    if not text:
        return Event(EventKind.USERSPACE, after=after, text=both)
    name = _pick(text.upper().removeprefix("KVM_EXIT_"), SHORT_NAMES, "exit to userspace")
    return Event(EventKind.USERSPACE, name, number=SHORT_NAMES[name], after=after, text=both)


def _irqprio(text: str) -> Event:
    first, _, rest = text.partition(" ")
    kind = next((k for word, k in _IRQPRIO.items() if first in (word, k.value)), None)
    if kind is None:
        raise UsageError("irqprio needs queue, withhold or deliver, for example: break irqprio deliver DECREMENTER")
    return _priority(kind, rest.strip())


def _withheld(debugger: Debugger, text: str) -> Event:
    return _priority(EventKind.WITHHELD, text)


def _taken(debugger: Debugger, text: str) -> Event:
    return Event(EventKind.TAKEN, _pick(text.upper(), _TAKEN_NAMES, "interrupt") if text else "")


def _chosen(kind: EventKind, *known: str) -> Parser:
    def parse(debugger: Debugger, text: str) -> Event:
        return Event(kind, _pick(text, dict.fromkeys(known, 0), f"{kind.value} event") if text else "")

    return parse


def _miss(debugger: Debugger, text: str) -> Event:
    text, whose = _trailing(text, "guest", "shadow")
    return Event(EventKind.MISS, _pick(text, {"data": 0, "fetch": 0}, "kind of miss") if text else "", text=whose)


def _magic(debugger: Debugger, text: str) -> Event:
    field, _, what = text.partition(" ")
    if field == "critical" and what in SECTION:
        return Event(EventKind.CRITICAL, what)
    text, by = _trailing(text, "guest", "kvm")
    name, write = _direction(text)
    if name:
        name = _pick(name, _FIELDS_OF_PAGE, "field of the magic page")
    return Event(EventKind.MAGIC, name, write=write is not False, text=by)


def _at_position(debugger: Debugger, text: str) -> Event:
    if not text:
        raise UsageError("a place in time is missing, for example: break position 1_000_000, position +500, or exit:42")
    number = position_of(debugger, text)
    if number < 0:
        raise UsageError(f"position {number:,} lies before the first instruction")
    return Event(EventKind.POSITION, number=number)


def _queued(debugger: Debugger, text: str) -> Event:
    return _priority(EventKind.QUEUED, text)


def _delivered(debugger: Debugger, text: str) -> Event:
    return _priority(EventKind.DELIVERED, text)


def _priority(kind: EventKind, text: str) -> Event:
    if not text:
        return Event(kind)
    if text.isdecimal() and int(text) < len(PRIORITIES):
        return Event(kind, PRIORITIES[int(text)])
    return Event(kind, _pick(text.upper(), dict.fromkeys(PRIORITIES, 0), "interrupt priority"))


def _console(debugger: Debugger, text: str) -> Event:
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if not text:
        raise UsageError('the text to wait for is missing, for example: break console "login:"')
    return Event(EventKind.CONSOLE, text=text)


def _data(debugger: Debugger, text: str) -> Event:
    """``change`` where nothing else is said, as gdb's ``watch``."""
    access = "change"
    for kind in WatchKind:
        if text.endswith(" " + kind.value):
            access, text = kind.value, text[: -len(kind.value)].rstrip()
    return watched(debugger, text, access)


def watched(debugger: Debugger, text: str, access: str) -> Event:
    """What ``watch``, ``rwatch`` and ``awatch`` name: bytes at effective addresses, or with ``--real`` at real ones."""
    words = [w for w in text.split() if w not in ("-l", "-location", "--real", "--phys")]
    real = "--real" in text.split() or "--phys" in text.split()
    where = " ".join(words)
    if not where:
        raise UsageError("what to watch is missing, for example: watch jiffies, or watch *(u8 *)0xc0001000")
    if where.startswith("$"):
        raise UsageError(f"{where} is a register; registers are watched with break spr NAME, or a condition on stepi")
    first, plus, count = where.partition(",+")
    first, dots, last = (first, "", "") if plus else where.partition("..")
    symbol = debugger.symbols.symbol(first)
    if plus or dots:
        start = debugger.address(first)
        length = debugger.evaluate(count).number if plus else debugger.address(last) - start + 1
    elif symbol is not None:
        start, length = symbol.address, symbol.size or 4
    else:
        start, length = _target(debugger, where)
    name = where if symbol is not None and not plus and not dots else ""
    if length < 1:
        raise UsageError(f"the range {where} ends before it starts")
    if real:
        start = debugger.evaluate(first.removeprefix("*")).number if not symbol else start
    return Event(EventKind.DATA, name, start, length, access=access, real=real)


def _target(debugger: Debugger, text: str) -> tuple[int, int]:
    """Address and size of ``*(TYPE *)ADDRESS``; a number alone is the address of a word."""
    if text.startswith(("*", "{")):
        compiled = debugger.compile(text)
        inner = text[1:] if text.startswith("*") else text.partition("}")[2]
        return debugger.evaluate(inner).number & 0xFFFFFFFF, compiled.type.bits // 8
    return debugger.address(text), 4


_PARSERS: dict[EventKind, Parser] = {
    EventKind.WITHHELD: _withheld,
    EventKind.TAKEN: _taken,
    EventKind.TLB: _chosen(EventKind.TLB, "write", "invalidate"),
    EventKind.SHADOW: _chosen(EventKind.SHADOW, "write", "evict", "invalidate"),
    EventKind.MISS: _miss,
    EventKind.MAGIC: _magic,
    EventKind.CRITICAL: _chosen(EventKind.CRITICAL, *SECTION),
    EventKind.REWRITTEN: _chosen(EventKind.REWRITTEN),
    EventKind.FETCH_FAULT: _fetch_fault,
    EventKind.RESCHED: _chosen(EventKind.RESCHED),
    EventKind.SWITCH: _chosen(EventKind.SWITCH, "user", "kernel"),
    EventKind.POSITION: _at_position,
    EventKind.EXIT: _exit,
    EventKind.INSN: _insn,
    EventKind.SPR: _spr,
    EventKind.MMIO: _mmio,
    EventKind.HCALL: _hcall,
    EventKind.USERSPACE: _userspace,
    EventKind.QUEUED: _queued,
    EventKind.DELIVERED: _delivered,
    EventKind.CONSOLE: _console,
    EventKind.DATA: _data,
}


def _pick(name: str, known: dict[str, int], what: str) -> str:
    if name in known:
        return name
    near = difflib.get_close_matches(name, known, 1, 0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UsageError(f"there is no {what} {name}{hint}")


def _number(text: str) -> int:
    try:
        return int(text.replace("_", ""), 0)
    except ValueError:
        raise UsageError(f"{text!r} is not a number; write hexadecimal as 0x1f") from None


def completions(debugger: Debugger, argument: str) -> list[str]:
    """Words that can stand at the end of what has been typed of an event."""
    before, found, condition = argument.partition(" if ")
    if found:
        from_fields = sorted(_condition_words())
        return from_fields
    words = before.split(" ")
    if len(words) < 2:
        return [*KINDS, *debugger.symbols.starting_with(words[0], 150)] if words[0] else list(KINDS)
    match words[0]:
        case "exit":
            return [*sorted(_EXITS), "after", "both"]
        case "insn":
            return [*sorted(i.name for i in TABLE), "any"]
        case "spr":
            return [*sorted(_SPR_NUMBERS), "read", "write"]
        case "mmio":
            return [*sorted(r.device.name for r in debugger.system.board.regions), "read", "write"]
        case "hcall":
            return sorted(_HCALLS)
        case "userspace":
            return [*sorted(SHORT_NAMES), "after", "both"]
        case "queued" | "delivered" | "withheld":
            return sorted(PRIORITIES)
        case "irqprio":
            return [*_IRQPRIO, *sorted(PRIORITIES)]
        case "taken":
            return sorted(_TAKEN_NAMES)
        case "tlb":
            return ["write", "invalidate"]
        case "stlb":
            return ["write", "evict", "invalidate"]
        case "miss":
            return ["data", "fetch", "guest", "shadow"]
        case "magic":
            return [*_FIELDS_OF_PAGE, "read", "write", "guest", "kvm"]
        case "critical":
            return list(SECTION)
        case "fetch-fault":
            return ["after"]
        case "switch":
            return ["user", "kernel"]
        case _:
            return ["if"]


def _condition_words() -> set[str]:
    return {*FIELDS, *SYNONYMS, *_EXITS, "and", "or", "not"}
