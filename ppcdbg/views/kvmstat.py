"""Samples of exit statistics in kvm_stat's four forms: the live table, one batch, a log, and CSV."""

from __future__ import annotations

from collections.abc import Sequence

from ppcdbg.debugger.kvmstat import Count, Sample
from ppcdbg.views.spans import Line, fit, line

BANNER_EVERY = 20
"""Lines of a log between two headings, as kvm_stat has them."""


def table(sample: Sample, elapsed: int, width: int, height: int = 0, *, skip_zero: bool = True) -> list[Line]:
    """The most frequent first; ``elapsed``: instructions since the sample before. ``height``: rows that fit, 0: all."""
    counts = ordered(sample, skip_zero)
    every = sum(c.total for c in counts if c.name.startswith("kvm_exit(")) or sum(c.total for c in counts)
    out = [
        line(("kvm statistics - ", "title"), (f"{sample.position:,}", "position"), " instructions, ",
             (f"{sample.ticks:,}", "number"), " ticks"),
        (),
        line((f" {'Event':<30}{'Total':>12} {'%Total':>7} {'Current':>10}  {'per M insns':>11}", "label")),
    ]  # fmt: skip
    for c in counts[: max(height - len(out), 1) if height else len(counts)]:
        share = f"{100 * c.total / every:.1f}" if c.name.startswith("kvm_exit(") and every else ""
        rate = f"{1e6 * c.delta / elapsed:,.1f}" if elapsed and c.delta else ""
        current = f"{c.delta:,}" if c.delta else ""
        out.append(fit(line((f" {c.name:<30}", "exit"), (f"{c.total:>12,}", "number"), f" {share:>7}",
                            (f" {current:>10}", "did"), (f"  {rate:>11}", "dim")), width))  # fmt: skip
    return out


def ordered(sample: Sample, skip_zero: bool) -> list[Count]:
    """By total, the largest first; equal ones by name."""
    return sorted((c for c in sample.counts if c.total or not skip_zero), key=lambda c: (-c.total, c.name))


def batch(sample: Sample, skip_zero: bool) -> list[str]:
    """What -1 prints: name, total, and what came since the sample before."""
    return [f"{c.name:<42}{c.total:>10}{c.delta:>10}" for c in sample.counts if c.total or not skip_zero]


def banner(names: Sequence[str], csv: bool) -> str:
    """The heading of a log, or of a CSV file."""
    return ",".join(("position", *names)) if csv else " ".join((f"{'position':>13}", *(f"{n:>9}" for n in names)))


def log_row(sample: Sample, names: Sequence[str], csv: bool) -> str:
    """What came since the sample before, field by field, under ``banner``."""
    if csv:
        return ",".join((str(sample.position), *(str(c.delta) for c in sample.counts)))
    cells = (f"{c.delta:>{max(9, len(name))}}" for c, name in zip(sample.counts, names, strict=True))
    return " ".join((f"{sample.position:>13}", *cells))
