"""The registers: values with a star on what changed, the names of bits and fields beside those that have them."""

from __future__ import annotations

from collections.abc import Sequence

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.results import RegisterValue
from ppcdbg.views.spans import Line, Span, fit, length, line

_CELL = 4 + 1 + 8 + 2  # name, star, value, gap
_NAMED = ("msr", "esr", "xer", "mas0", "mas1", "mas2", "mas3", "mas4", "mas6", "tcr", "tsr", "dbsr", "epcr", "msrp")
_FIRST = ("pc", "lr", "ctr", "cr")
_PLAIN = ("pc", "lr", "ctr", "cr", "srr0", "srr1", "dear", "pid", "dec", "csrr0", "csrr1", "mas7", "ivpr", "lpid")


def title(debugger: Debugger) -> Line:
    """What changed since the last stop, for the pane's frame."""
    changed = [c.name for c in debugger.last.changed]
    text = " ".join(changed[:6]) + (f" and {len(changed) - 6} more" if len(changed) > 6 else "")
    return line(("changed: ", "label"), (text, "changed")) if changed else ()


def rows(debugger: Debugger, width: int, height: int = 0) -> list[Line]:
    """One row of pc and its like, the MSR, GPRs in as many columns as fit, then the rest; ``height`` 0 gives all."""
    every = debugger.registers().by_name()
    first = _FIRST[: max(width // _CELL, 1)]
    out = grid([every[n] for n in first], width)
    out.append(named_row(every["msr"], width))
    out += grid([every[f"r{n}"] for n in range(32)], width)
    out += grid([every[n] for n in _PLAIN if n in every and n not in first], width, 6)
    out += [named_row(every[n], width) for n in _NAMED if n in every and n != "msr"]
    return out[:height] if height else out


GROUPS = ("machine", "interrupt", "mmu", "timer", "debug", "other")
"""Groups of special registers, in the order in which they are shown."""


def group_rows(debugger: Debugger, group: str, width: int) -> list[tuple[Line, RegisterValue | None]]:
    """One group, or ``all`` with a title each: a register a line with its bits and fields, and the register."""
    out: list[tuple[Line, RegisterValue | None]] = []
    for name in GROUPS if group == "all" else (group,):
        found = [r for r in debugger.registers(["all"]).rows if r.group == name]
        if not found:
            continue
        if group == "all":
            out += [*([((), None)] if out else []), ((Span(name, "title"),), None)]
        widest = max(len(r.name) for r in found) + 1
        out += [(fit(named_row(r, width, widest), width), r) for r in found]
    return out


def values(registers: Sequence[RegisterValue], width: int) -> list[Line]:
    """Registers as ``info registers`` lists them: one a line with its bits when few, else a grid."""
    if any(r.bits or r.fields for r in registers) or len(registers) <= 8:
        widest = max((len(r.name) for r in registers), default=4) + 1
        return [named_row(r, width, widest) for r in registers]
    return grid(registers, width, max(len(r.name) for r in registers))


def grid(registers: Sequence[RegisterValue], width: int, name_width: int = 4) -> list[Line]:
    """Name and value cells, row by row."""
    if not registers:
        return []
    digits = 8 if all(r.width == 32 for r in registers) else 16
    cell = name_width + 1 + digits + 2
    per_row = max((width + 2) // cell, 1)
    if len(registers) == 32:
        per_row = next(n for n in (8, 4, 3, 2, 1) if n <= per_row)
    out: list[Line] = []
    for i in range(0, len(registers), per_row):
        spans: list[Span] = []
        for r in registers[i : i + per_row]:
            spans += (Span(r.name.ljust(name_width), "register"), *value(r), Span("  "))
        out.append(fit(tuple(spans[:-1]), width))
    return out


def value(r: RegisterValue) -> tuple[Span, ...]:
    """A star or a blank, and the value."""
    digits = r.width // 4
    role = "changed" if r.changed else "number"
    return Span("*" if r.changed else " ", role), Span(f"{r.value:0{digits}x}", role)


def named_row(r: RegisterValue, width: int, name_width: int = 4) -> Line:
    """One register with its bits; MSR also says the bits that are 0 and matter."""
    spans: list[Span] = [Span(r.name.ljust(name_width), "register"), *value(r), Span("  ")]
    if r.bits:
        spans.append(Span(" ".join(r.bits), "bits"))
    if r.fields:
        spans.append(Span(" " if r.bits else ""))
        spans.append(Span(" ".join(f"{n}={v:#x}" if v > 9 else f"{n}={v}" for n, v in r.fields), "bits"))
    if r.name == "msr":
        spans.append(Span(_off(r.value), "dim"))
    if r.changed:
        spans.append(Span(f"  was {r.before:0{r.width // 4}x}", "dim"))
    row = tuple(s for s in spans if s.text)
    return fit(row, width) if length(row) > width else row


def _off(msr: int) -> str:
    off = [name for name, bit in (("EE", 0x8000), ("CE", 0x20000), ("ME", 0x1000)) if not msr & bit]
    mode = f" | PR={msr >> 14 & 1} IS={msr >> 5 & 1} DS={msr >> 4 & 1}"
    return (" " + " ".join(f"{n.lower()}" for n in off) if off else "") + mode
