"""Comparisons with the real KVM as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from ppcdbg.conform.conform import Comparison
from ppcdbg.conform.report import NameOf, Place, context


def lines(found: Comparison, around: int, name_of: NameOf) -> Iterator[str]:
    """One comparison: a line where it agrees; where it does not, the first difference and what is around it."""
    a, name = found.alignment, found.trace.name
    left_out = sum(a.left_out.values())
    said = f"{len(a.pairs):,} events agree" + (f", {left_out} left out" if left_out else "")
    if found.agrees:
        yield f"{name:<12} {said}"
    elif a.difference is not None:
        yield f"{name:<12} differs: {said} before event {a.difference.theirs + 1} of {len(found.trace.events):,}"
    else:
        yield f"{name:<12} differs in what it left: {said}"
    for reason, count in a.left_out.items():
        yield f"    left out: {count} lines, {reason}"
    yield from _difference(found, around, name_of)
    for finding in found.findings:
        yield f"    {finding.what}: ours {finding.ours}, theirs {finding.theirs}"


def _difference(found: Comparison, around: int, name_of: NameOf) -> Iterator[str]:
    where = context(found, around, name_of)
    if where is None:
        return
    for text in where.before:
        yield f"    both    {text}"
    for who, texts, place in (("ours", where.ours, where.ours_place), ("theirs", where.theirs, where.theirs_place)):
        for n, text in enumerate(texts or ("(the end)",)):
            yield f"  {'>' if n == 0 else ' '} {who:<6}  {text}"
        yield f"            {_said(place)}"
    if not where.ours:
        yield f"    our run ended: {found.stop.kind.value} {found.stop.detail}".rstrip()


def _said(place: Place) -> str:
    mark = f", after mark {place.mark}" if place.mark else ""
    symbol = f" <{place.symbol}>" if place.symbol else ""
    return f"the guest at {place.pc:#x}{symbol}{mark}: {place.instruction or 'outside its image'}"
