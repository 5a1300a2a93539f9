"""What a search in the past found: the last change of something, and who wrote a range."""

from __future__ import annotations

from ppcdbg.debugger.searches import Change, Writers
from ppcdbg.views.numbers import count, ea, plural
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
