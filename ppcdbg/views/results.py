"""Any command's result as lines: the one place where values become text for a prompt, a log or a screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ppcdbg.debugger.bookmarks import Places
from ppcdbg.debugger.branches import BranchList
from ppcdbg.debugger.breakpoints import Breakpoint
from ppcdbg.debugger.course import Course
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.events import Verb
from ppcdbg.debugger.futures import Comparison
from ppcdbg.debugger.lessons import Contents, Lesson
from ppcdbg.debugger.magic_writers import MagicWriters
from ppcdbg.debugger.misses import MissReport, TlbMap
from ppcdbg.debugger.notes import NoteList
from ppcdbg.debugger.past_events import InterruptEvent, TlbEvent
from ppcdbg.debugger.profile import Hottest, Profile
from ppcdbg.debugger.races import RaceFound
from ppcdbg.debugger.results import (
    Check,
    ConsoleText,
    Disassembly,
    Display,
    Examined,
    ExitList,
    Explanation,
    Found,
    Help,
    Irqprio,
    LayoutWish,
    MagicPage,
    Note,
    Patched,
    PatchedDetail,
    Printed,
    Registers,
    Shown,
    Summary,
    SymbolPlace,
    Table,
    Text,
    TlbView,
    Told,
)
from ppcdbg.debugger.searches import Change, SlotHistory, Writers
from ppcdbg.debugger.stack import Backtrace
from ppcdbg.debugger.stops import StopReport, TraceHit
from ppcdbg.debugger.story import Story
from ppcdbg.debugger.world_switch import SwitchFound, SwitchOutcome, SwitchPlace, SwitchRegisters, SwitchSteps
from ppcdbg.nested.audit import Audit
from ppcdbg.views import (
    console,
    disassembly,
    exits,
    futures,
    irqprio,
    lessons,
    nested,
    paravirt,
    printing,
    profile,
    races,
    registers,
    searches,
    stack,
    statistics,
    story,
    summaries,
    timeline,
    tlb,
    tlbmap,
    world_switch,
)
from ppcdbg.views.numbers import count, ea, plural
from ppcdbg.views.spans import Line, Span, clean, column, fit, line, wrap


def lines(result: object, debugger: Debugger, width: int = 100) -> list[Line]:
    """The lines of any result; a tuple's, one after the other."""
    if isinstance(result, tuple):
        return _many(result, debugger, width)
    for kind, show in _SHOW.items():
        if isinstance(result, kind):
            return show(result, debugger, width)
    return []


def _many(results: tuple[Any, ...], debugger: Debugger, width: int) -> list[Line]:
    out: list[Line] = []
    if results and isinstance(results[0], TlbEvent):
        out.append(tlbmap.event_header(width, results[0].ea is not None))
    elif results and isinstance(results[0], InterruptEvent):
        out.append(irqprio.history_header(width))
    for result in results:
        shown = lines(result, debugger, width)
        if isinstance(result, Table) and out and shown:
            out.append(())
        out += shown if not isinstance(result, Table) or result.rows else []
    return out or [(Span("there is none", "dim"),)]


def _places(places: Places, width: int) -> list[Line]:
    out: list[Line] = [
        line(f"the past goes from {count(places.start)} to {count(places.end)}; now {count(places.now)}")
    ]
    for place in places.rows:
        out.append(fit(line(f"{count(place.position)}  {place.name}  {clean(place.note)}"), width))
    return out


def _stop(report: StopReport, debugger: Debugger, width: int) -> list[Line]:
    out = [_trace(t, debugger, width)[0] for t in report.traces[-20:]]
    if len(report.traces) > 20:
        out.insert(0, line((f"… {len(report.traces) - 20} earlier trace events; 'info traces' has them", "dim")))
    out += wrap(story.sentence(debugger.story()), width)
    shown = [
        (Span(f"  {c.name} ", "register"), Span(f"{ea(c.before)} → {ea(c.after)}", "changed"))
        for c in report.changed
        if c.name != "pc"
    ][:8]
    if report.position - report.start_position <= 1 and shown:
        out.append(fit(tuple(s for cell in shown for s in cell), width))
    for display in debugger.displays.shown():
        out += _display(display, debugger, width)
    return out


def _story(facts: Story, debugger: Debugger, width: int) -> list[Line]:
    out = wrap(story.sentence(facts), width)
    if facts.report is None and facts.record is not None:
        out += exits.detail(debugger, facts.record, width)
    return out


def _breakpoint(b: Breakpoint, debugger: Debugger, width: int) -> list[Line]:
    name = "trace" if b.verb is Verb.TRACE else "tbreak" if b.temporary else b.verb.value
    words = [
        column(f"{b.number}", 4, "number", True),
        Span("  "),
        column(name, 10, "label"),
        column("on" if b.enabled else "off", 4, "ok" if b.enabled else "dim"),
        Span(str(b.event), "breakpoint"),
    ]
    if b.event.kind.value == "address":
        words.append(Span(f" at {ea(b.event.address)}", "address"))
    if b.condition:
        words.append(Span(f" if {b.condition}", "cause"))
    notes = [f"hit {plural(b.hits, 'time')}"] if b.hits else []
    notes += [f"passes the next {b.ignore}"] if b.ignore else []
    if notes:
        words.append(Span(f"  ({', '.join(notes)})", "dim"))
    out = [fit(tuple(words), width)]
    out += [fit(line("      ", (clean(text), "dim")), width) for text in b.commands]
    if b.error:
        out.append(fit(line("      ", (f"the condition failed: {clean(b.error)}", "error")), width))
    return out


def _trace(t: TraceHit, debugger: Debugger, width: int) -> list[Line]:
    if t.record is not None:
        return [fit((Span(f"[{t.number}] ", "breakpoint"), *exits.row(t.record, debugger.symbols, width - 5)), width)]
    place = debugger.symbols.name(t.pc)
    return [
        fit(
            line(
                (f"[{t.number}] ", "breakpoint"),
                f"{count(t.position)}  {clean(t.text)} at ",
                (ea(t.pc), "address"),
                " ",
                (place, "symbol"),
            ),
            width,
        )
    ]


def _exits(found: ExitList, debugger: Debugger, width: int) -> list[Line]:
    rows = [exits.row(r, debugger.symbols, width) for r in found.records]
    what = f" with {found.filter}" if found.filter else ""
    tail = line((f"{plural(found.total, 'exit')}{clean(what)}", "dim"))
    return [exits.header(width), *rows, fit(tail, width)]


def _registers(found: Registers, debugger: Debugger, width: int) -> list[Line]:
    rows = found.rows
    gprs = [r for r in rows if r.group == "gpr"]
    if len(gprs) < 32:
        return registers.values(rows, width)
    rest = [r for r in rows if r.group != "gpr"]
    plain = [r for r in rest if not (r.bits or r.fields) and r.width == 32]
    wide = max((len(r.name) for r in plain), default=4)
    named = [registers.named_row(r, width) for r in rest if r.bits or r.fields or r.width == 64]
    return [*registers.grid(gprs, width), *registers.grid(plain, width, wide), *named]


def _disassembly(found: Disassembly, debugger: Debugger, width: int) -> list[Line]:
    return disassembly.listing(found.rows, width)


def _symbol(found: SymbolPlace, debugger: Debugger, width: int) -> list[Line]:
    if not found.name:
        return [line(f"No symbol covers {ea(found.address)}.")]
    offset = f" + {found.offset:#x}" if found.offset else ""
    return [line((found.name, "symbol"), f"{offset} ({found.size:#x} bytes)")]


def _tlb(found: TlbView, debugger: Debugger, width: int) -> list[Line]:
    out = tlb.rows(debugger, width)
    if found.shadow:
        out += [(), *tlb.shadow_rows(debugger, width)]
    return [*out, line((tlb.summary(found), "dim"))]


def _help(found: Help, debugger: Debugger, width: int) -> list[Line]:
    if len(found.entries) == 1:
        e = found.entries[0]
        out = [*wrap(line((e.usage, "mnemonic")), width), *wrap((Span(clean(e.summary)),), width)]
        if "\n" in e.example:
            out += [line(("example:", "label")), *(line(f"  {text}") for text in e.example.split("\n"))]
        elif e.example:
            out.append(line(("example: ", "label"), e.example))
        return [*out, line(("also: ", "label"), ", ".join(e.aliases))] if e.aliases else out
    out = []
    family = ""
    names = 1 + max((len(e.name) for e in found.entries), default=0)
    for e in found.entries:
        if e.family != family:
            out += [*([()] if out else []), line((e.family, "title"))]
            family = e.family
        out.append(fit(line("  ", column(e.name, names, "mnemonic"), e.summary), width))
    return out


def _found(found: Found, debugger: Debugger, width: int) -> list[Line]:
    if not found.addresses:
        return [line("Nothing was found.")]
    rows = [line((ea(a), "address"), "  ", (s, "symbol")) for a, s in zip(found.addresses, found.symbols)]
    return [
        *rows,
        line((f"{plural(len(rows), 'match').replace('matchs', 'matches')}{', more follow' * found.more}", "dim")),
    ]


def _display(found: Display, debugger: Debugger, width: int) -> list[Line]:
    """gdb's layout: a value beside its expression, instructions and memory below it."""
    lead = (Span(f"{found.number}: ", "label"), Span(clean(found.text)))
    if found.error:
        return [fit(line(*lead, " = ", (clean(found.error), "error")), width)]
    rows = lines(found.value, debugger, width)
    if isinstance(found.value, Printed) and rows:
        return [fit((*lead, Span(" = "), *rows[0]), width)]
    return [fit(lead, width), *rows]


def _check(found: Check, debugger: Debugger, width: int) -> list[Line]:
    said = ("holds", "ok") if found.holds else ("does not hold", "failed")
    return [fit(line(("check ", "label"), clean(found.expression), " ", said), width)]


_Show = Callable[[Any, Debugger, int], list[Line]]
_SHOW: dict[type, _Show] = {
    StopReport: _stop,
    Story: _story,
    Breakpoint: _breakpoint,
    Text: lambda r, d, w: console.text_rows(r.text, w),
    Told: lambda r, d, w: [row for one in r.results for row in lines(one, d, w)],
    Shown: lambda r, d, w: lines(r.result, d, w),
    Check: _check,
    Display: _display,
    TraceHit: _trace,
    ExitList: _exits,
    Registers: _registers,
    Disassembly: _disassembly,
    Examined: lambda r, d, w: printing.examined(r, w),
    Printed: lambda r, d, w: [fit(printing.printed(r), w)],
    SymbolPlace: _symbol,
    TlbView: _tlb,
    Irqprio: lambda r, d, w: irqprio.every(r, w),
    MagicPage: lambda r, d, w: paravirt.magic_rows(r, w),
    MagicWriters: lambda r, d, w: paravirt.writers_rows(r, w),
    RaceFound: lambda r, d, w: races.found_rows(r, d.symbols.name, d.core.model.name, w),
    Patched: lambda r, d, w: paravirt.patched_rows(r, d, w),
    PatchedDetail: lambda r, d, w: paravirt.detail_rows(r, d, w),
    SwitchPlace: lambda r, d, w: world_switch.place(r, w),
    SwitchRegisters: lambda r, d, w: [fit(world_switch.OWNERS_HEAD, w), *world_switch.owners(r, w)],
    SwitchSteps: lambda r, d, w: world_switch.listing(r, w),
    SwitchOutcome: lambda r, d, w: world_switch.outcome(r.step, r.found, r.verdict, w),
    SwitchFound: lambda r, d, w: world_switch.found(r.reports, w, len(r.reports) < 3),
    Explanation: lambda r, d, w: tlb.explain_rows(r, w),
    ConsoleText: lambda r, d, w: console.text_rows(r.text, w),
    Table: lambda r, d, w: statistics.table_rows(r, w),
    Audit: lambda r, d, w: nested.lines(r, w),
    Help: _help,
    Found: _found,
    Backtrace: lambda r, d, w: stack.rows(r, w),
    MissReport: lambda r, d, w: tlbmap.miss_rows(r, d, w),
    TlbMap: lambda r, d, w: tlbmap.map_rows(r, w),
    TlbEvent: lambda r, d, w: [tlbmap.event_row(r, d, w)],
    InterruptEvent: lambda r, d, w: [irqprio.event_row(r, w)],
    Hottest: lambda r, d, w: wrap(profile.hottest(r), w),
    Profile: lambda r, d, w: profile.rows(r, w),
    Summary: lambda r, d, w: wrap(
        (summaries.labelled if r.listed else summaries.sentence)(r.topic, d), w, 2 * r.listed
    ),
    Change: lambda r, d, w: searches.change_rows(r, w),
    SlotHistory: lambda r, d, w: searches.slot_rows(r, d.symbols, w),
    Writers: lambda r, d, w: searches.writer_rows(r, w),
    Comparison: lambda r, d, w: futures.comparison_rows(r, d, w),
    BranchList: lambda r, d, w: futures.branch_rows(r, w),
    Places: lambda r, d, w: _places(r, w),
    NoteList: lambda r, d, w: [row for n, text in enumerate(r.rows, 1) for row in wrap(line(f"{n}  {clean(text)}"), w)],
    Course: lambda r, d, w: [*timeline.rows(r, w), *timeline.bookmark_rows(r, w)],
    Lesson: lambda r, d, w: lessons.step(r, w),
    Contents: lambda r, d, w: lessons.contents(r, w),
    LayoutWish: lambda r, d, w: [line("Layouts are of the UI: `ppcdbg GUEST` has panes to arrange.")],
    Note: lambda r, d, w: wrap(line(clean(r.text)), w) if r.text else [],
}
