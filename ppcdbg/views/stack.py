"""The call chain: a frame a line, innermost first, as gdb's ``bt`` numbers them."""

from __future__ import annotations

from ppcdbg.debugger.stack import Backtrace, CallFrame
from ppcdbg.views.numbers import ea
from ppcdbg.views.spans import Line, Span, fit, length, line


def frame_row(frame: CallFrame, width: int) -> Line:
    """One frame."""
    told: tuple[str, str] | str = (
        ("  interrupted", "pending") if frame.trap is not None else ("  by LR", "dim") if frame.guess else ""
    )
    row = line((f"#{frame.level:<3}", "label"), (ea(frame.pc), "address"), "  ", (frame.name or "?", "symbol"), told)
    more = line((f"  r1={ea(frame.sp)}", "dim"))
    return (*row, *more) if length(row) + length(more) <= width else fit(row, width)


def rows(found: Backtrace, width: int) -> list[Line]:
    """Every frame, and why the chain ends."""
    return [*(frame_row(frame, width) for frame in found.frames), fit((Span(found.ends, "dim"),), width)]
