"""What a search in the past found: the last change of something, and who wrote a range."""

from __future__ import annotations

from ppcdbg.debugger.searches import Change, SlotChange, SlotHistory, Writers
from ppcdbg.debugger.symbols import SymbolTable
from ppcdbg.views.numbers import count, ea, plural, real, size
from ppcdbg.views.spans import Line, Span, clean, column, fit, line, wrap


def change_rows(found: Change, width: int) -> list[Line]:
    """One sentence."""
    exit = "" if found.exit is None else f", exit {count(found.exit)}"
    by = "from outside" if found.how == "userspace" else clean(found.how)
    where = f" in {found.place}" if found.place else ""
    told = line(
        (found.what, "register"), ": ", (found.old, "number"), " → ", (found.new, "changed"), " by ", (by, "mnemonic"),
        " at ", (ea(found.pc), "address"), where, ", position ", (count(found.position), "position"), exit, ".",
        "" if found.exact else " It may have changed and changed back since.",
    )  # fmt: skip
    return wrap(told, width)


def writer_rows(found: Writers, width: int) -> list[Line]:
    """A line for each instruction that wrote."""
    stretch = f"from {count(found.since)} to {count(found.until)}"
    what = f"{ea(found.address)}..{ea(found.address + found.length - 1)}"
    if not found.rows:
        return [line(f"nobody wrote {what} {stretch}")]
    rows = [fit(line(("     writes        first         last  last value  instruction", "label")), width)]
    for w in found.rows:
        value = "" if w.value is None else f"{w.value:x}"
        at = "" if w.pc is None else f"{ea(w.pc)}  "
        rows.append(
            fit(
                line(
                    column(count(w.count), 11, "number", True), column(count(w.first_position), 13, "position", True),
                    column(count(w.last_position), 13, "position", True), column(value, 12, "changed", True), "  ",
                    (at, "address"), (w.place, "symbol"),
                ),
                width,
            )
        )  # fmt: skip
    total = sum(w.count for w in found.rows)
    last = max(found.rows, key=lambda w: w.last_position)
    tail = f"{plural(total, 'write')} of {what} {stretch}; `seek {last.last_position}` is before the last"
    return [*rows, fit((Span(tail, "dim"),), width)]


SLOT_HEAD = line((f"{'exit':>8}{'insn':>14}  {'by':<13} effective  size  physical     where", "label"))


def slot_row(c: SlotChange, symbols: SymbolTable, width: int) -> Line:
    """One change of a TLB entry."""
    role = "mapped" if c.valid else "masked"
    return fit(line(
        column("" if c.exit is None else count(c.exit), 8, "position", True),
        column(count(c.position), 14, "number", True), "  ", column(clean(c.how), 13, role), " ",
        column(ea(c.ea), 10, "address"), column(size(c.size), 5, "number", True), "  ",
        column(real(c.physical) if c.valid else "gone", 12, "address" if c.valid else "dim"), " ",
        (symbols.name(c.pc) or ea(c.pc), "symbol"),
    ), width)  # fmt: skip


def slot_total(found: SlotHistory) -> Line:
    """Of which entry, and over which part of the run."""
    which = "the shadow TLB's" if found.shadow else "the guest's"
    times = plural(len(found.rows), "change")
    return line((f"{which} {found.entry}: ", "label"), (times, "position"),
                (f" from {count(found.since)} to {count(found.until)}", "dim"))  # fmt: skip


def slot_rows(found: SlotHistory, symbols: SymbolTable, width: int) -> list[Line]:
    """For a prompt: heading, changes, total."""
    head = [fit(SLOT_HEAD, width)] if found.rows else []
    return [*head, *(slot_row(c, symbols, width) for c in found.rows), fit(slot_total(found), width)]
