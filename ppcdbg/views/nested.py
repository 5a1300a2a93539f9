"""The audit of a nested exit as lines: what is wrong first, with its rule, what was expected, what it looks like."""

from __future__ import annotations

from ppcdbg.nested.audit import Audit, Finding, Verdict
from ppcdbg.nested.vmcs import FIELDS
from ppcdbg.views.numbers import plural
from ppcdbg.views.spans import Line, Span, fit, line, wrap

_NAME, _INDENT = 30, 13
_ROLES = {Verdict.OK: "ok", Verdict.WRONG: "error", Verdict.NOT_CHECKED: "dim"}


def lines(audit: Audit, width: int, every: bool = False) -> list[Line]:
    """The findings; ``every`` also shows the fields that are right, and each that cannot be checked."""
    told = f"exit of L2 that {audit.handled_by.upper()} handles: {plural(len(audit.findings), 'field')}"
    out = [line(f"{told}; {counted(audit)}")]
    for finding in audit.wrong:
        out += _wrong(finding, width)
    rest = [each for each in audit.findings if each.verdict is not Verdict.WRONG]
    if every:
        return out + [_row(each, width) for each in rest]
    missing = sorted({each.note for each in rest if each.verdict is Verdict.NOT_CHECKED})
    return out + [row for text in missing for row in wrap([Span(f"not checked: {text}", "dim")], width, 4)]


def table(audit: Audit, width: int) -> list[Line]:
    """Every field in one row: its rule, what was expected and what was found; what is wrong comes first."""
    rest = [each for each in audit.findings if each.verdict is not Verdict.WRONG]
    return [_compared(each, width) for each in (*audit.wrong, *rest)]


TABLE_HEAD = line((f"rule {'field':<{_NAME}} {'expected':>18} {'found':>18}  verdict", "label"))


def _compared(finding: Finding, width: int) -> Line:
    role = _ROLES[finding.verdict]
    several = len(finding.expected) > 1
    expected = "anything" if not finding.expected else _value(finding, finding.expected[0]) + "," * several
    found = "" if finding.found is None else _value(finding, finding.found)
    return fit(line((f"{finding.rule.id:<4}", role), " ", (f"{finding.field:<{_NAME}}", "label"),
                    (f" {expected:>18}", "dim"), f" {found:>18}  ", (finding.verdict.value, role),
                    (f"  {finding.note or finding.how}", "dim")), width)  # fmt: skip


def counted(audit: Audit) -> str:
    """How many fields are right, wrong, and cannot be judged."""
    return ", ".join(f"{len(audit.of(verdict))} {verdict.value}" for verdict in Verdict)


def _wrong(finding: Finding, width: int) -> list[Line]:
    rule = finding.rule
    expected = " or ".join(_value(finding, each) for each in finding.expected)
    found = _value(finding, finding.found) + (f": {finding.note}" if finding.note else "")
    told = (
        ("expected", [Span(expected, "number"), Span(f": {finding.how}")]),
        ("found", [Span(found, "number")]),
        ("rule", [Span(f"{rule.title}: {rule.reason} ({rule.source})")]),
    )
    out = [line((f"{rule.id:<4}", "error"), (finding.field, "label"))]
    for label, spans in told:
        rows = wrap(spans, width - _INDENT)
        out.append((Span(f"    {label:<{_INDENT - 4}}", "dim"), *rows[0]))
        out += [(Span(" " * _INDENT), *row) for row in rows[1:]]
    return out


def _row(finding: Finding, width: int) -> Line:
    found = "" if finding.found is None else _value(finding, finding.found)
    role = _ROLES[finding.verdict]
    why = finding.note or finding.how
    parts = line((f"{finding.rule.id:<4}", role), (f"{finding.field:<{_NAME}}", "label"), f" {found:>18}  ",
                 (finding.verdict.value, role), (f"  {why}", "dim"))  # fmt: skip
    return fit(parts, width)


def _value(finding: Finding, value: int | None) -> str:
    digits = FIELDS[finding.field].bits // 4
    return "nothing" if value is None else f"0x{value & finding.mask:0{digits}x}"
