"""The world switch: variants against events, a map of signs by step, windows with their lines, and one step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.msr import MSR_BITS, names
from ppcdbg.debugger.world_switch import SwitchPlace, SwitchRegisters, SwitchSteps
from ppcdbg.explore.switch import Step, SwitchReport
from ppcdbg.explore.switch_judge import CONDITIONS, Observed, SwitchVerdict
from ppcdbg.explore.switch_pairs import Pairs
from ppcdbg.explore.switch_report import PairWindow, Window, counts, pair_windows, windows
from ppcdbg.kvm.switch.rig import Taken
from ppcdbg.views.numbers import count, ea
from ppcdbg.views.spans import Line, Span, column, fit, line, wrap

_ROLES = {".": "ok", "-": "masked", "s": "dim", " ": "dim", "x": "dim"}
_LABEL = 17


def legend(width: int) -> list[Line]:
    """What the signs mean."""
    signs = (
        ". handled at once", "- held, then handled", "s suppressed by DUVD", "blank: cannot come", "x not tried",
        *(f"{c.sign} {c.name}" for c in CONDITIONS),
    )  # fmt: skip
    rows = [""]
    for sign in signs:
        if len(rows[-1]) + len(sign) + 2 > width:
            rows.append("")
        rows[-1] += f"  {sign}" if rows[-1] else sign
    return [line((row, "dim")) for row in rows]


def table(found: Sequence[SwitchReport], width: int) -> list[Line]:
    """One row a variant, one column an event: clean, or the sign of what fails and at how many steps of how many; where
    that is too wide, short heads and no totals."""
    events = found[0].events
    name = max(len(r.name) for r in found)
    heads, widths = [e.name for e in events], [max(len(e.name), 9) for e in events]
    wide = name + sum(w + 2 for w in widths) <= width
    if not wide:
        heads, widths = [_SHORT.get(e.name, e.name) for e in events], [7 for _ in events]
    top = (column("variant", name, "label"), *(s for h, w in zip(heads, widths) for s in _cell(h, "label", w)))
    out: list[Line] = [fit(top, width)]
    for report in found:
        row: list[Span] = [column(report.name, name, "symbol")]
        if report.alone.condition:
            row += [Span("  "), Span(f"fails with no event: {report.alone.condition}", "failed")]
        else:
            for i, w in enumerate(widths):
                row += _cell(*_summary(report, i, wide), w)
        out.append(fit(tuple(row), width))
    return out


_SHORT = {"machine-check": "mcheck", "critical": "crit", "external": "ext", "decrementer": "dec", "data-miss": "dmiss",
          "instruction-miss": "imiss"}  # fmt: skip


def _cell(text: str, role: str, width: int) -> tuple[Span, Span]:
    return Span("  "), column(text, width, role)


def _summary(report: SwitchReport, i: int, wide: bool) -> tuple[str, str]:
    come, wrong = counts(report, i)
    if not come:
        return "-", "dim"
    if not wrong:
        return f"ok {come}", "ok"
    signs = "".join(dict.fromkeys(row[i].sign for row in report.rows if row[i].condition))
    return f"{signs} {wrong}/{come}" if wide else f"{signs} {wrong}", "failed"


def sign_map(found: SwitchReport, width: int) -> list[Line]:
    """A sign for each step and event, phase by phase, under the names of the groups of instructions."""
    out: list[Line] = []
    room = max(width - _LABEL - 1, 20)
    for steps, rows in _phases(found, room):
        out.append(line((steps[0].name, "title"), (f" to {steps[-1].name}", "dim")))
        out.append(line(column("", _LABEL), " ", (_ruler(steps), "dim")))
        for i, what in enumerate(found.events):
            cells = [row[i] for row in rows]
            if any(v.sign != " " for v in cells):
                out.append(line(column(what.name, _LABEL, "label"), " ", *(_sign(v) for v in cells)))
    return out


def _phases(found: SwitchReport, room: int) -> Iterator[tuple[list[Step], list[tuple[SwitchVerdict, ...]]]]:
    """Steps and rows of one phase, at most ``room`` of them."""
    by_phase: dict[str, list[int]] = {}
    for i, step in enumerate(found.steps):
        by_phase.setdefault(step.phase, []).append(i)
    for places in by_phase.values():
        for first in range(0, len(places), room):
            part = places[first : first + room]
            yield [found.steps[i] for i in part], [found.rows[i] for i in part]


def _ruler(steps: Sequence[Step]) -> str:
    """The name of each group where it begins, cut where the next one does."""
    text = ""
    for group, members in groupby(steps, key=lambda step: step.group):
        width = len([*members])
        text += f"|{group}"[:width].ljust(width)
    return text


def _sign(verdict: SwitchVerdict) -> Span:
    return Span(verdict.sign, _ROLES.get(verdict.sign, "failed"))


def report(found: SwitchReport, width: int, signs: bool) -> list[Line]:
    """One variant: what it is, its map, and its windows."""
    failed = len(found.failures)
    verdict = (f"{count(failed)} fail", "failed") if failed else ("all clean", "ok")
    out = [
        *wrap(line((found.name, "title"), f": {found.variant.about}; the exit: {found.way.about}"), width),
        line((f"  {count(len(found.steps))} steps, {count(found.tried)} runs, ", "dim"), verdict),
    ]
    if signs and not found.alone.condition:
        out += sign_map(found, width)
    for window in windows(found):
        out += _window(window, width)
    if found.pairs is not None and not found.alone.condition:
        out += _pairs(found, found.pairs, width)
    return out


def _pairs(found: SwitchReport, pairs: Pairs, width: int) -> list[Line]:
    """First events down, second ones across: at how many places they were tried, and how many need both to fail."""
    names = [e.name for e in found.events]
    cells = [max(len(_SHORT.get(n, n)), 9) for n in names]
    needed = len(pairs.failures)
    out = [line((f"  pairs up to {pairs.span} instructions apart: {count(pairs.runs)} runs, ", "dim"),
                (f"{count(needed)} fail that neither event fails alone" if needed else "none fails that neither"
                 " event fails alone", "failed" if needed else "ok"),
                (f"; {count(pairs.covered)} fail as one of them does", "dim"))]  # fmt: skip
    heads = (s for n, w in zip(names, cells) for s in _cell(_SHORT.get(n, n), "label", w))
    out.append(fit(line(column("  first", _LABEL + 2, "label"), *heads), width))
    for name, row in zip(names, pairs.tried):
        spans = [column(f"  {name}", _LABEL + 2, "symbol")]
        for second, tried, w in zip(names, row, cells):
            bad = sum((f.first, f.second) == (name, second) for f in pairs.failures)
            spans += _cell(f"{bad}/{tried}" if bad else f"ok {tried}" if tried else "-", "failed" if bad else "ok", w)
        out.append(fit(tuple(spans), width))
    for window in pair_windows(pairs):
        out += _pair_window(window, width)
    return out


def _pair_window(w: PairWindow, width: int) -> list[Line]:
    return [
        *_indented(line((f"{w.first}, {w.second}", "label"),
                        f" break {w.condition} together in {count(w.pairs)} pairs"), width, 2),
        *_indented(line((w.least.verdict.reason, "failed")), width, 4),
        fit(line("    --replay ", (w.least.line, "cause")), width),
    ]  # fmt: skip


def _window(w: Window, width: int) -> list[Line]:
    where = ", ".join(first if first == last else f"{first} to {last}" for first, last in w.stretches)
    return [
        *_indented(line((w.event, "label"), f" breaks {w.condition} at {where}"), width, 2),
        *_indented(line((w.verdict.reason, "failed")), width, 4),
        fit(line("    --replay ", (w.line, "cause")), width),
    ]


def _indented(row: Line, width: int, blanks: int) -> list[Line]:
    return [(Span(" " * blanks), *part) for part in wrap(row, width - blanks)]


def found(reports: Sequence[SwitchReport], width: int, signs: bool = True) -> list[Line]:
    """The table and the legend, then each variant with its windows, and with ``signs`` its map."""
    out = [*table(reports, width), *legend(width)]
    for one in reports:
        out += [(), *report(one, width, signs)]
    return out


def listing(switch: SwitchSteps, width: int) -> list[Line]:
    """The instructions of a switch with what they do to registers."""
    head = wrap(line((switch.variant, "title"), f": {switch.about}"), width)
    return [*head, *(fit(_step(step), width) for step in switch.steps)]


def _step(step: Step) -> Line:
    cells = (column(step.name, 9, "label"), column(step.group, 12, "dim"), column(step.text, 26, "mnemonic"))
    changes = ", ".join(f"{name} {before:x} -> {after:x}" for name, before, after in step.effects)
    parts = [(changes, "changed"), (step.note, "dim")]
    if not changes:
        parts.reverse()
    return line(*cells, " ", *(p for p in (parts[0], ("  ", "dim"), parts[1]) if p[0]))


def walk(switch: SwitchSteps, at: SwitchPlace, width: int) -> list[tuple[Line, str]]:
    """The switch with the place where the machine stands marked by an arrow, each row with the name of its step. Where
    the machine is in a handler, what it is about to do stands behind the last step that it came to."""
    out = [(fit((_HERE if step.name == at.name else _ELSEWHERE, *_step(step)), width), step.name)
           for step in switch.steps]  # fmt: skip
    if at.name:
        return out
    after = next((i for i, (_, name) in enumerate(out, 1) if name == at.came), len(out))
    ahead = [line(_HERE if i == 0 else _ELSEWHERE, column(f"{at.phase} {at.group}", 22, "cause"),
                  column(row.text, 26, "mnemonic"), (f" {row.note}", "dim"))
             for i, row in enumerate(at.ahead)]  # fmt: skip
    return [*out[:after], *((fit(row, width), "") for row in ahead), *out[after:]]


_HERE, _ELSEWHERE = Span("▶", "pc"), Span(" ")


def standing(at: SwitchPlace) -> Line:
    """Where the machine stands, in a few words."""
    where = {"guest": "the guest is back", "dead": "the host gave up"}.get(at.over, at.name or f"{at.phase} {at.group}")
    state = "guest state" if at.guest else "host"
    comes = ((f", {at.comes} comes", "cause"),) if at.comes else ()
    return line((at.variant, "symbol"), "  ", (where, "label"), *comes, (f"  {state}, {count(at.position)}", "dim"))


OWNERS_HEAD = line(("register   now      guest    host     holds", "label"))


def owners(found: SwitchRegisters, width: int) -> list[Line]:
    """Each register, with the value that the guest and the host have in it, and whose it holds."""
    roles = {"guest": "guest", "host": "shadow", "both": "dim", "": "masked"}
    out = []
    for r in found.rows:
        changed = r.value != r.before
        cells = (
            column(r.name, 9, "register"), Span("*" if changed else " ", "changed"),
            Span(f" {ea(r.value)} ", "changed" if changed else "number"),
            column("" if r.guest is None else ea(r.guest), 9, "dim"), column(ea(r.host), 9, "dim"),
            Span(f"{r.whose}'s" if r.whose in ("guest", "host") else r.whose or "neither's", roles[r.whose]),
        )  # fmt: skip
        out.append(fit(cells, width))
    return out


def taken_rows(rows: Sequence[Taken], width: int) -> list[Line]:
    """Interrupts that the core took, in order."""
    out = []
    for t in rows:
        state = "guest" if t.from_guest else "host"
        name = VECTORS[t.vector].name
        out.append(fit(line("  ", (name, "cause"), f" taken from the {state} at ", (ea(t.pc), "address"),
                            f", MSR {t.msr:08x}"), width))  # fmt: skip
    return out


def outcome(step: Step, found: Observed, verdict: SwitchVerdict, width: int) -> list[Line]:
    """One run: where the events came, what the core took from there on, and what is wrong with it."""
    role = "failed" if verdict.condition else "ok"
    first, *then = found.events
    out = [fit(line((first.event.name, "cause"), f" comes before {step.name} ({step.group}), ", (step.text, "mnemonic"),
                    f" at {ea(step.address)}"), width)]  # fmt: skip
    out += _indented(line((first.event.about, "dim")), width, 2)
    for one in then:
        state = "guest" if one.in_guest else "host"
        out.append(fit(line((one.event.name, "cause"), f" comes {count(one.after)} instructions later, in the {state}"),
                       width))  # fmt: skip
        out += _indented(line((one.event.about, "dim")), width, 2)
    out += taken_rows(found.taken[:12], width)
    if len(found.taken) > 12:
        out.append(line((f"  ... {count(len(found.taken) - 12)} more", "dim")))
    return out + wrap(line((f"{verdict.condition or 'all conditions hold'}: ", role), verdict.reason), width)


def place(at: SwitchPlace, width: int) -> list[Line]:
    """Where the machine of the stepped switch stands, what the last steps changed, and what comes."""
    where = f"{at.name} " if at.name else ""
    state = "guest state" if at.guest else "host"
    out = [fit(line((at.variant, "title"), f": {where}{at.phase} {at.group}".rstrip(),
                    (f"  {state}, {count(at.position)} instructions", "dim")), width)]  # fmt: skip
    out += taken_rows(at.taken, width)
    for change in at.changed:
        bits = f"  {' '.join(names(change.after, MSR_BITS))}" if change.name == "msr" else ""
        out.append(fit(line(column(f"  {change.name}", 10, "register"), (ea(change.before), "number"), " -> ",
                            (ea(change.after), "changed"), (bits, "bits")), width))  # fmt: skip
    if at.over:
        text = "the guest has come back from its exit" if at.over == "guest" else "the host gave up"
        return [*out, line((text, "ok" if at.over == "guest" else "failed"))]
    if at.comes:
        out.append(line("  ", (at.comes, "cause"), " comes before this instruction, or as soon as it is enabled"))
    for i, row in enumerate(at.ahead):
        mark = ("=> ", "arrow") if i == 0 else ("   ", "text")
        out.append(fit(line(mark, (ea(row.address), "address"), "  ", column(row.text, 28, "mnemonic"),
                            (f"  {row.note}" if row.note else "", "dim")), width))  # fmt: skip
    return out
