"""Looking at values and changing them: print, x, find, disassemble, set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ppcdbg.debugger import entries, magic
from ppcdbg.debugger.arguments import Format, format_of
from ppcdbg.debugger.commands.command import Command
from ppcdbg.debugger.expressions import Value
from ppcdbg.debugger.registers import part_of
from ppcdbg.debugger.results import (
    Disassembly,
    Examined,
    ExaminedUnit,
    Found,
    Note,
    Printed,
    Space,
)
from ppcdbg.debugger.scope import OWN_VARIABLES
from ppcdbg.debugger.syntax import U32, Type
from ppcdbg.errors import UsageError

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

_ASSIGN = re.compile(r"(?<![=!<>])=(?!=)")
STRING_LIMIT = 4096
FOUND_LIMIT = 1000


def print_(debugger: Debugger, argument: str) -> Printed:
    form, text = format_of(argument)
    if not text:
        raise UsageError("print needs an expression, for example: print/x $msr")
    compiled = debugger.compile(text)
    also = compiled.all_values()[1:]
    value = compiled.value()
    number = debugger.values.add(value)
    if isinstance(value.value, str):
        return Printed(value.value, form.letter or "s", 32, False, "", also, number)
    symbol = debugger.symbols.name(value.value) if 0 < value.value < 1 << 32 else ""
    return Printed(value.value, form.letter, value.type.bits, value.type.signed, symbol, also, number)


def x(debugger: Debugger, argument: str) -> Examined | Disassembly:
    return _examine(debugger, argument, Space.EA)


def xp(debugger: Debugger, argument: str) -> Examined | Disassembly:
    return _examine(debugger, argument, Space.GPA)


def _examine(debugger: Debugger, argument: str, space: Space) -> Examined | Disassembly:
    """An empty argument goes on where the last one ended, as in gdb."""
    form, text = format_of(argument)
    for word, other in (("--phys", Space.GPA), ("--real", Space.REAL)):
        if word in text.split():
            space, text = other, " ".join(w for w in text.split() if w != word)
    before = debugger.last_examined
    if text:
        address = debugger.evaluate(text.removeprefix("*") if text.startswith("*0") else text).number
    elif before is not None:
        address, _, _, space = before
    else:
        raise UsageError("x needs an address, for example: x/8xw $r1")
    letter = form.letter or (before[2] if before is not None else "x")
    size = form.size or (before[1] if before is not None and not form.letter else 4)
    if letter == "i":
        if space is not Space.EA:
            raise UsageError("x/i reads at effective addresses only")
        debugger.last_examined = (address + 4 * form.count, size, letter, space)
        return debugger.disassemble(address, form.count)
    return _units(debugger, address, Format(form.count, letter, size), space)


def _units(debugger: Debugger, address: int, form: Format, space: Space) -> Examined:
    units: list[ExaminedUnit] = []
    wrap = 0xFFFFFFFF if space is Space.EA else (1 << 36) - 1
    at = address & wrap
    size = 1 if form.letter == "c" else 4 if form.letter == "a" else form.size
    for _ in range(form.count):
        name = debugger.symbols.name(at) if space is Space.EA else ""
        value: int | str | None
        if form.letter == "s":
            value = debugger.memory.text(at, STRING_LIMIT, space)
            step = len(value.encode()) + 1 if value is not None else 1
        else:
            value, step = debugger.memory.number(at, size, space), size
        units.append(ExaminedUnit(at, name, value))
        at = at + step & wrap
    debugger.last_examined = (at, form.size, form.letter, space)
    last = units[-1]
    debugger.script.variables["_"] = Value(last.address, U32)
    if isinstance(last.value, int):
        debugger.script.variables["__"] = Value(last.value, Type(8 * size))
    return Examined(space, form.letter, size, tuple(units))


def disassemble(debugger: Debugger, argument: str) -> Disassembly:
    """gdb's forms: nothing or ADDRESS (the function there), START,END and START,+LENGTH."""
    _, text = format_of(argument)
    first, comma, second = text.partition(",")
    if comma:
        start = debugger.address(first)
        second = second.strip()
        length = debugger.evaluate(second[1:]).number if second.startswith("+") else debugger.address(second) - start
        if not 0 < length <= 0x40000:
            raise UsageError(f"the range {text!r} is {length} bytes long; up to 256 KiB can be disassembled at once")
        return debugger.disassemble(start, (length + 3) // 4)
    at = debugger.address(text) if text else debugger.pc
    place = debugger.symbols.place(at)
    if place is None or place.size > 0x10000:
        return debugger.disassemble(at, 16)
    return debugger.disassemble(at - place.offset, max(place.size // 4, 1))


def set_var(debugger: Debugger, argument: str) -> Note:
    """``$REG = VALUE`` or ``*(TYPE *)ADDRESS = VALUE``."""
    found = _ASSIGN.search(argument)
    if found is None:
        raise UsageError("set needs TARGET = VALUE, for example: set $r3 = 5 or set var *(u32 *)jiffies = 0")
    target, source = argument[: found.start()].strip(), argument[found.end() :].strip()
    if target.startswith("$" + magic.PREFIX):
        target = "magic." + target.removeprefix("$" + magic.PREFIX)
    if target.startswith("magic."):
        magic.write(debugger, target.removeprefix("magic."), debugger.evaluate(source).number)
        return Note(f"{target} = {magic.value(debugger, target.removeprefix('magic.')):#x}")
    value = debugger.evaluate(source).number
    if target.startswith("$"):
        if "." in target:
            return _set_part(debugger, target, value)
        if debugger.register_file.canonical(target[1:]) is None:
            return _set_variable(debugger, target, source)
        debugger.writer.register(target[1:], value)
        return Note(f"{target} = {debugger.register(target).value:#x}")
    if not target.startswith(("*", "{")):
        raise UsageError(f"{target!r} cannot be set; write $register or *(u32 *)address on the left of '='")
    size = debugger.compile(target).type.bits // 8
    pointer = debugger.evaluate(target[1:] if target[0] == "*" else target.partition("}")[2]).number
    debugger.writer.memory(pointer, (value & (1 << 8 * size) - 1).to_bytes(size, "big"))
    return Note(f"{size} bytes at {pointer:#x} = {debugger.evaluate(target).number:#x}")


def _set_part(debugger: Debugger, target: str, value: int) -> Note:
    """``$msr.ee = 1``: one bit or field of a register."""
    base, _, part = target[1:].partition(".")
    known = debugger.register_file.canonical(base)
    found = None if known is None else part_of(known, part)
    if known is None or found is None:
        raise UsageError(f"{target} can be neither a register nor a variable, and is no bit or field of a register")
    shift, mask = found
    whole = debugger.register(known).value & ~(mask << shift) | (value & mask) << shift
    debugger.writer.register(known, whole)
    return Note(f"{target} = {debugger.evaluate(target).number:#x}")


def _set_variable(debugger: Debugger, target: str, source: str) -> Note:
    """A name that is no register's is the debugger's, as in gdb; nothing is said, for loops count in it."""
    if not re.fullmatch(r"\$[A-Za-z_]\w*", target):
        raise UsageError(f"{target!r} can be neither a register nor a variable; a variable is $ and a word")
    value = debugger.evaluate(source)
    if isinstance(value.value, str) or target[1:].lower() in OWN_VARIABLES:
        what = f"{value.value!r} is text" if isinstance(value.value, str) else f"{target} is the debugger's own"
        raise UsageError(f"{what}; a variable is a name of your own, and holds a number")
    debugger.script.variables[target[1:].lower()] = value
    return Note("")


def set_tlb(debugger: Debugger, argument: str) -> Note:
    """An entry of the guest's TLB."""
    at, values = entries.parse(debugger, argument)
    entries.write(debugger, entries.assigned(debugger, at, values))
    e = entries.read(debugger, at)
    return Note(f"{at}: mas1={e.mas1:08x} mas2={e.mas2:08x} mas3={e.mas3:08x} mas7={e.mas7:x}")


def find(debugger: Debugger, argument: str) -> Found:
    """``find [/SIZE] START, END | +LENGTH, VALUE | "text" ...``"""
    form, text = format_of(argument)
    parts = [p.strip() for p in re.split(r',(?=(?:[^"]*"[^"]*")*[^"]*$)', text)]
    if len(parts) < 3:
        raise UsageError('find needs START, END and a pattern, for example: find 0xc0000000, +0x10000, "Linux"')
    start = debugger.address(parts[0])
    end = start + debugger.evaluate(parts[1][1:]).number if parts[1].startswith("+") else debugger.address(parts[1]) + 1
    if not start < end <= 1 << 32:
        raise UsageError(f"the range {start:#x}..{end:#x} is empty or leaves 32 bits")
    pattern = b""
    for part in parts[2:]:
        if len(part) > 1 and part[0] == part[-1] == '"':
            pattern += part[1:-1].encode()
        else:
            size = form.size or 4
            pattern += (debugger.evaluate(part).number & (1 << 8 * size) - 1).to_bytes(size, "big")
    if not pattern:
        raise UsageError("the pattern to find is empty")
    limit = form.count if form.count > 1 else FOUND_LIMIT
    found = debugger.memory.find(start, end, pattern, limit, asked=debugger.runner.called_off)
    return Found(tuple(found), tuple(debugger.symbols.name(a) for a in found), len(found) == limit)


def _words(debugger: Debugger, argument: str) -> list[str]:
    last = re.split(r"[^\w$.]", argument)[-1]
    if last.startswith("$"):
        return ["$" + n for n in (*debugger.register_file.order, *OWN_VARIABLES, *debugger.script.variables)]
    return debugger.symbols.starting_with(last, 150) if last else []


COMMANDS: tuple[Command, ...] = (
    Command(
        "print",
        print_,
        "print[/FORMAT] EXPRESSION",
        "The value of an expression.",
        "print/x $msr & 0x8000",
        "data",
        ("p", "inspect"),
        _words,
    ),
    Command(
        "x",
        x,
        "x[/COUNT FORMAT SIZE] [--phys|--real] ADDRESS",
        "Memory: FORMAT one of xduotacsi, SIZE one of bhwg; nothing is changed by looking.",
        "x/8xw $r1",
        "data",
        (),
        _words,
        True,
    ),
    Command(
        "xp",
        xp,
        "xp[/COUNT FORMAT SIZE] ADDRESS",
        "Memory at guest-physical addresses.",
        "xp/4xw 0",
        "data",
        (),
        _words,
        True,
    ),
    Command(
        "disassemble",
        disassemble,
        "disassemble [PLACE | START,END | START,+LENGTH]",
        "Instructions: the function at a place, or a range.",
        "disassemble memset",
        "data",
        ("disas",),
        _words,
    ),
    Command(
        "set var",
        set_var,
        "set var $REG[.FIELD] = VALUE | *(TYPE *)ADDR = VALUE | magic.FIELD = VALUE",
        "Change a register, a field of one, memory, or a field of the magic page, through the machine's input queue.",
        "set var $r3 = 5",
        "data",
        ("set variable", "set"),
        _words,
    ),
    Command(
        "set tlb",
        set_tlb,
        "set tlb TLB1[N] | TLB0[SET,WAY] | ADDRESS FIELD=VALUE...",
        "Change an entry of the guest's TLB by fields of its MAS registers, or by ea, pa and size; through the input "
        "queue. Under KVM every shadow entry goes, as by KVM_DIRTY_TLB.",
        "set tlb TLB1[3] v=0",
        "data",
        (),
        lambda debugger, argument: [name + "=" for name in entries.names()],
    ),
    Command(
        "find",
        find,
        'find[/SIZE] START, END|+LENGTH, VALUE|"TEXT"...',
        "Addresses where a pattern lies.",
        'find 0xc0000000, +0x100000, "Linux version"',
        "data",
        (),
        _words,
    ),
)
