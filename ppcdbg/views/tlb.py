"""Guest TLB and shadow TLB, linked both ways, and the translation of one address explained entry by entry."""

from __future__ import annotations

from collections.abc import Sequence

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.results import Candidate, Explanation, TlbRow, TlbView
from ppcdbg.views.numbers import ea, plural, real, size
from ppcdbg.views.spans import Line, Span, column, fit, line

COLUMNS = "entry        effective size  physical  TID TS perms  WIMGE"


def rows(debugger: Debugger, width: int, height: int = 0, first: int = 0) -> list[Line]:
    """The guest's valid entries, TLB1 first; each says how many shadow entries came of it."""
    view = debugger.tlb()
    out = [fit((Span(COLUMNS + ("  shadow" if view.shadow else ""), "label"),), width)]
    out += [guest_row(r, view, width) for r in view.guest]
    return _cut(out, first, height)


def shadow_rows(debugger: Debugger, width: int, height: int = 0, first: int = 0) -> list[Line]:
    """The shadow entries, each with the guest entry it came of; nothing on the bare machine."""
    view = debugger.tlb()
    if not debugger.has_exits:
        return [(Span("the bare machine has no shadow TLB", "dim"),)]
    out = [fit((Span(COLUMNS + "  from", "label"),), width)]
    out += [shadow_row(r, view, width) for r in view.shadow]
    return _cut(out, first, height)


def side_by_side(debugger: Debugger, width: int, height: int = 0) -> list[Line]:
    """Guest at the left, shadow at the right."""
    left = rows(debugger, width // 2 - 1, height)
    right = shadow_rows(debugger, width - width // 2 - 1, height)
    blank: Line = ()
    out = []
    for i in range(max(len(left), len(right))):
        a = left[i] if i < len(left) else blank
        b = right[i] if i < len(right) else blank
        out.append(fit((*fit(a, max(width // 2 - 1, 0), fill=True), Span("│ ", "dim"), *b), width))
    return out


def _cut(out: list[Line], first: int, height: int) -> list[Line]:
    """The heading stays; the rest is a window."""
    body = out[1 + first :]
    return [out[0], *(body[: max(height - 1, 0)] if height else body)]


def _cells(r: TlbRow, role: str) -> list[Span]:
    return [
        column(r.where, 12, role),
        Span(" "),
        column(ea(r.ea), 9, "address"),
        column(size(r.size), 5, "number", True),
        Span("  "),
        column(real(r.physical), 10, "address"),
        column(str(r.tid), 3, "number", True),
        column(str(r.ts), 3, "number", True),
        Span(" "),
        column(r.permissions, 7, "bits"),
        column(r.attributes or "-", 5, "bits"),
        column("P" if r.iprot else "", 2, "bits"),
    ]


def guest_row(r: TlbRow, view: TlbView, width: int) -> Line:
    """One guest entry; at its end how many shadow entries it has, and the first of them."""
    cells = _cells(r, "guest")
    if view.shadow:
        if r.links:
            more = f" and {len(r.links) - 1} more" if len(r.links) > 1 else ""
            cells.append(Span(f" → {view.shadow[r.links[0]].where}{more}", "shadow"))
        else:
            cells.append(Span(" none", "dim"))
    return fit(tuple(cells), width)


def shadow_row(r: TlbRow, view: TlbView, width: int) -> Line:
    """One shadow entry; at its end its guest entry, or why it has none."""
    cells = _cells(r, "shadow")
    cells.append(Span(f" ← {view.guest[r.links[0]].where}" if r.links else f" {r.note}", "guest" if r.links else "dim"))
    return fit(tuple(cells), width)


# --- explain ----------------------------------------------------------------------------------------------------------


def explain_rows(found: Explanation, width: int) -> list[Line]:
    """Each candidate with the first test that failed, the verdict, and what would happen."""
    out = [fit(line(("explain ", "label"), (ea(found.ea), "address"), f" ({found.access})"), width)]
    out += _candidates(found.candidates, width) or [line(("  no entry near this address is valid", "mismatch"))]
    if found.shadow:
        out += _candidates(found.shadow, width)
    out.append(fit(verdict(found), width))
    return out


def _candidates(found: Sequence[Candidate], width: int) -> list[Line]:
    return [fit(candidate_row(c), width) for c in found]


def candidate_row(c: Candidate) -> Line:
    """One entry: a sign, where it stands, its range, and why it does not match."""
    sign = Span("  ✗ ", "mismatch") if c.failed else Span("  ✓ ", "ok")
    span = f"{ea(c.first)}-{ea(c.last)} {size(c.last - c.first + 1)}"
    told = (
        (Span(f"  fails: {c.failed}", "mismatch"), Span(f" ({c.detail})" if c.detail else "", "dim"))
        if c.failed
        else (Span("  matches", "ok"),)
    )
    return tuple(s for s in (sign, column(c.where, 20), Span(" "), Span(span, "address"), *told) if s.text)


def verdict(found: Explanation) -> Line:
    """The outcome in words."""
    if found.outcome == "miss":
        return line(("→ miss", "mismatch"), f": the access takes {found.next_event}")
    if found.outcome == "protection":
        return line(("→ not permitted", "mismatch"), f": the access takes {found.next_event}")
    where = "" if found.gpa is None else f" {real(found.gpa)}"
    out = line(("→ mapped", "ok"), " to", (where, "address"), f" ({found.target})")
    if found.next_event:
        return (*out, Span(f"; no shadow entry: the access exits with {found.next_event}", "shadow"))
    return out


def summary(view: TlbView) -> str:
    """``12 guest entries, 1,204 shadow entries``."""
    text = plural(len(view.guest), "guest entry").replace("entrys", "entries")
    return text + (", " + plural(len(view.shadow), "shadow entry").replace("entrys", "entries") if view.shadow else "")
