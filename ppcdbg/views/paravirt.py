"""The paravirtual interface: the magic page, the patched instructions, and a critical section with its lanes."""

from __future__ import annotations

from collections import Counter

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.magic_writers import FieldWriter, MagicWriters
from ppcdbg.debugger.results import MagicPage, MagicRow, Patched, PatchedDetail
from ppcdbg.kvm.patching import Becomes, PatchedSite
from ppcdbg.kvm.sections import Boundary, Fate, Outcome, Section, others, outcome
from ppcdbg.kvm.walk import Role
from ppcdbg.views.numbers import count, ea, plural
from ppcdbg.views.spans import Line, Span, clean, column, fit, line, wrap

_FATES = {
    Fate.AT_ONCE: ("delivered at once", "ok"),
    Fate.SEEN: ("seen by the look, which exits", "ok"),
    Fate.REAL: ("delivered at the real instruction", "ok"),
    Fate.MASKED: ("masked: it leaves interrupts off", "masked"),
    Fate.END: ("delivered as the section ends", "ok"),
    Fate.AFTER: ("delivered as the guest says so", "ok"),
    Fate.LOST: ("LOST until some other exit", "failed"),
}
_OTHERS = {
    Fate.AT_ONCE: "now", Fate.SEEN: "look", Fate.REAL: "real", Fate.MASKED: "off", Fate.END: "end",
    Fate.AFTER: "after", Fate.LOST: "LOST",
}  # fmt: skip
"""What becomes of an interrupt of the other classes, in short."""
_SITES_SHOWN = 500


# --- the page -----------------------------------------------------------------------------------------------------
def magic_rows(found: MagicPage, width: int, writers: MagicWriters | None = None) -> list[Line]:
    """The verdict first, then every field; a star marks what changed since the last stop."""
    out = verdict_rows(found, width)
    by = {} if writers is None else {w.field: w for w in writers.rows}
    last = f"  last written up to {count(writers.until)}" if writers is not None else ""
    out.append(fit((Span(f"offset  field        {'value':<18}{'before':<18}{last}".rstrip(), "label"),), width))
    out += [_magic_row(r, by.get(r.name), width) for r in _with_values(found.rows)]
    hidden = len(found.rows) - len(_with_values(found.rows))
    if hidden:
        out.append(fit((Span(f"… sr0 to sr15, of Book III-S, are 0 ({plural(hidden, 'field')})", "dim"),), width))
    return out


def _with_values(rows: tuple[MagicRow, ...]) -> tuple[MagicRow, ...]:
    """All but segment registers that nobody uses."""
    return tuple(r for r in rows if not r.name.startswith("sr") or r.name.startswith(("srr", "sr_")) or r.value)


def verdict_rows(found: MagicPage, width: int) -> list[Line]:
    """Where the page is, int_pending beside critical and r1, and what they mean."""
    if found.ea is None or found.gpa is None:
        where = line(
            ("magic page: ", "label"), "the guest has not asked for it", (", deferral ", "label"), found.policy
        )
    else:
        where = line(
            ("magic page: ", "label"), (ea(found.ea), "address"), (", guest-physical ", "label"), ea(found.gpa),
            (", features ", "label"), f"{found.features:#x}", (", deferral ", "label"), found.policy,
        )  # fmt: skip
    waiting = "pending" if found.int_pending else "text"
    beside = line(
        ("int_pending ", "label"), (f"{found.int_pending:x}", waiting), ("  critical ", "label"), ea(found.critical),
        ("  r1 ", "label"), ea(found.r1),
    )  # fmt: skip
    said = f"yes, because {found.why}" if found.inside else f"no, because {found.why}"
    out = [*wrap(where, width, 2), *wrap(beside, width, 2)]
    out += wrap((Span("in a critical section: ", "label"), Span(said, "masked" if found.inside else "ok")), width, 2)
    if found.held:
        out += wrap(line(("held back by the section alone: ", "label"), (" ".join(found.held), "pending")), width, 2)
    return out


def writers_rows(found: MagicWriters, width: int) -> list[Line]:
    """Who wrote each field last."""
    head = f"{'field':<12} {'last written':>14}  {'times':>9}  by"
    out = [fit((Span(head, "label"),), width)]
    for w in found.rows:
        numbers = column(count(w.position), 15, "position", True), column(count(w.count), 11, "number", True)
        out.append(fit((column(w.field, 12, "register"), *numbers, Span("  "), *_writer(w)), width))
    if not found.rows:
        out.append(fit((Span("nobody has written to it", "dim"),), width))
    return out


def _writer(w: FieldWriter) -> tuple[Span, ...]:
    place = f" {w.place}" if w.place else ""
    how = "the guest at" if w.by == "guest" else "KVM at the exit of"
    return Span(f"{how} ", "dim"), Span(ea(w.pc), "address"), Span(place, "symbol")


def _magic_row(r: MagicRow, writer: FieldWriter | None, width: int) -> Line:
    digits = 2 * r.size
    cells = [
        column(f"{r.offset:04x}", 6, "address"),
        Span(" *" if r.changed else "  ", "changed"),
        column(r.name, 12, "register" if r.promised else "dim"),
        column(f"{r.value:0{digits}x}", 16, "changed" if r.changed else "number", True),
        column(f"  {r.before:0{digits}x}" if r.changed else "", 18 if writer else 0, "dim")
        if writer or not r.changed else Span(f"  {r.before:0{digits}x}", "dim"),
        Span("" if r.promised else "  not promised to this guest", "dim"),
        *((Span(f"  {count(w.position)} ", "position"), *_writer(w)) if (w := writer) is not None else ()),
    ]  # fmt: skip
    return fit(tuple(s for s in cells if s.text), width)


# --- patched instructions -----------------------------------------------------------------------------------------
def patched_rows(found: Patched, debugger: Debugger, width: int) -> list[Line]:
    """A line of totals, what is wrong, and a row for each site."""
    scan = found.scan
    sites = [s for s in scan.sites if s.name.startswith(found.chosen)]
    kinds = Counter(s.becomes for s in sites)
    parts = [f"{count(n)} {kind.value if n == 1 else _plural(kind)}" for kind, n in sorted(kinds.items(), key=_by_kind)]
    wrong = [s for s in sites if s.problems]
    head = f"{count(len(sites))} patched: {', '.join(parts)}" if sites else "nothing is patched"
    if not scan.page:
        head = "nothing is patched: the guest has not asked for the magic page yet"
    rest = f"; {count(scan.left)} more that could be are not, {count(scan.others)} other instructions changed"
    out = wrap((Span(head, "title"), Span(rest if not found.chosen else "", "dim")), width)
    if sites:
        out.append(_checks(len(wrong), width))
    for site in wrong:
        out += wrap((Span(f"{ea(site.address)}: ", "address"), Span("; ".join(site.problems), "error")), width, 2)
    if sites:
        out.append(fit((Span("address   original                 now                       place", "label"),), width))
    out += [site_row(s, debugger, width) for s in sites[:_SITES_SHOWN]]
    if len(sites) > _SITES_SHOWN:
        out.append(fit((Span(f"… {count(len(sites) - _SITES_SHOWN)} more; name an instruction", "dim"),), width))
    return out


def _by_kind(item: tuple[Becomes, int]) -> str:
    return item[0].value


def _plural(kind: Becomes) -> str:
    return {Becomes.BRANCH: "branches", Becomes.LOAD: "loads", Becomes.STORE: "stores", Becomes.NOP: "nops"}[kind]


def _checks(wrong: int, width: int) -> Line:
    if wrong:
        return fit((Span(f"{plural(wrong, 'site')} with an access that does not fit the page:", "error"),), width)
    return fit((Span("every displacement fits, and every field lies where the page has it", "ok"),), width)


def site_row(s: PatchedSite, debugger: Debugger, width: int) -> Line:
    """One site: where, what it was, what it is."""
    word = debugger.disassembler.one(s.replacement, s.address)
    original = debugger.disassembler.one(s.original, s.address)
    cells = [
        column(ea(s.address), 9, "address"),
        Span(" "),
        column(str(original), 24, "dim"),
        Span(" "),
        column(str(word), 24, "mnemonic"),
        Span("! " if s.problems else "  ", "error"),
        Span(s.field or (f"template {ea(s.target)}" if s.target is not None else ""), "operand"),
        Span("  " + debugger.symbols.name(s.address), "symbol"),
    ]
    return fit(tuple(cells), width)


def detail_rows(found: PatchedDetail, debugger: Debugger, width: int) -> list[Line]:
    """One site in full, and its section."""
    out: list[Line] = []
    if found.site is not None:
        s = found.site
        out.append(site_row(s, debugger, width))
        if s.back is not None:
            out.append(fit(line(("back at ", "label"), (ea(s.back), "address")), width))
        for problem in s.problems:
            out += wrap((Span("problem: ", "label"), Span(problem, "error")), width, 2)
    if found.site is None and found.section is None:
        said = f"{ea(found.address)} is no patched instruction and in no critical section"
        hint = "" if found.nearest is None else f"; the nearest patch is at {ea(found.nearest)}"
        out += wrap((Span(said + hint),), width)
    if found.section is not None:
        out += section_rows(found.section, debugger, found.policy, width)
    return out


# --- a critical section -------------------------------------------------------------------------------------------
def section_rows(found: Section, debugger: Debugger, policy: str, width: int) -> list[Line]:
    """The instructions in order, each with what is saved before it and what an interrupt arriving there would do."""
    does, saved, classes = _lanes(width)
    out: list[Line] = [
        *wrap((Span(f"an interrupt that arrives before each instruction, deferral {policy}:", "label"),), width),
        fit((Span(" " * (_STEP + does + (not saved))), column("saved" if saved else "", saved, "label"),
             column("crit" if classes else "", classes, "label"), Span("EE", "label")), width),
    ]  # fmt: skip
    out += [_step(b, debugger, policy, width) for b in found.steps]
    lost = [b for b in found.steps if outcome(policy, b).fate is Fate.LOST]
    if lost:
        first, last = ea(lost[0].address), ea(lost[-1].address)
        text = f"the window: {plural(len(lost), 'boundary').replace('boundarys', 'boundaries')}, {first} to {last}"
        out.append(fit((Span(text, "failed"),), width))
    elif any(b.inside for b in found.steps):
        out.append(fit((Span("no boundary loses an external interrupt", "ok"),), width))
    critical = sum(others(policy, b).fate is Fate.LOST for b in found.steps)
    if critical:
        text = f"{critical} boundaries lose one of the other classes (crit: critical, machine check, debug)"
        out.append(fit((Span(text, "failed"),), width))
    for problem in found.problems:
        out += wrap((Span("problem: ", "label"), Span(problem, "warning")), width, 2)
    return out


_STEP = 34
"""Columns of a step's instruction, and the bar that says whether it is inside."""


def _lanes(width: int) -> tuple[int, int, int]:
    """Columns for what an instruction does, what is saved before it, and the other classes: what becomes of an
    interrupt goes before them where there is no room for all."""
    return 25 if width >= 100 else 0, 12 if width >= 76 else 0, 6 if width >= 60 else 0


def _step(b: Boundary, debugger: Debugger, policy: str, width: int) -> Line:
    does_room, saved, classes = _lanes(width)
    pc = b.address == debugger.pc
    does = b.slot or (f"{b.role.value} {b.field.partition('+')[0]}" if b.role is not Role.LOOK else b.role.value)
    cells = [
        Span("▶" if pc else " ", "pc"),
        column(ea(b.address), 9, "address"),
        column(str(debugger.disassembler.one(b.word, b.address)), 22, "mnemonic"),
        Span(" "),
        *((column(clean(does.strip()), does_room - 1, "operand"), Span(" ")) if does_room else ()),
        Span("│" if b.inside else " ", "masked"),
        Span(" " * (not saved)),
        *((column(" ".join(b.saved) if b.inside else "", saved - 1, "register"), Span(" ")) if saved else ()),
        *((column(_OTHERS[others(policy, b).fate], classes, _FATES[others(policy, b).fate][1]),) if classes else ()),
        *_fate(outcome(policy, b)),
    ]
    return fit(tuple(cells), width)


def _fate(found: Outcome) -> tuple[Span, ...]:
    text, role = _FATES[found.fate]
    return Span(text, role), Span(_wait(found), "dim")


def _wait(found: Outcome) -> str:
    if found.wait is None or found.wait == (0, 0):
        return ""
    least, most = found.wait
    return f", {least} insns" if least == most else f", {least} to {most} insns"


# --- all of it ----------------------------------------------------------------------------------------------------
def rows(debugger: Debugger, width: int) -> list[Line]:
    """The verdict, the section that pc is in, the fields, and the patched instructions."""
    return [row for row, _ in places(debugger, width, width)]


def places(debugger: Debugger, width: int, seen: int) -> list[tuple[Line, str]]:
    """The same, each row with the command that it leads to: the last write of a field, a site and its section. Of the
    ``width`` only ``seen`` columns can be looked at without moving: the verdict stands in these."""
    page = debugger.paravirt.magic()
    here = debugger.paravirt.at(debugger.pc) if page.ea is not None else None
    verdict = verdict_rows(page, width)
    out = [(row, "") for row in verdict_rows(page, seen)]
    if here is not None and here.section is not None:
        out += [((), ""), *((row, "") for row in detail_rows(here, debugger, seen))]
    fields = magic_rows(page, width, debugger.paravirt.writers)[len(verdict) :]
    names = [r.name for r in _with_values(page.rows)]
    leads = ["", *(f"last magic {name}" for name in names), *[""] * len(fields)]
    out += [((), ""), *zip(fields, leads)]
    if page.ea is not None and debugger.image is not None:
        found = debugger.paravirt.patched()
        shown = patched_rows(found, debugger, width)
        sites = [f"patched {site.address:#x}" for site in found.scan.sites[:_SITES_SHOWN]]
        more = len(found.scan.sites) > _SITES_SHOWN
        first = len(shown) - len(sites) - more
        out += [
            ((), ""),
            *((row, sites[i - first] if 0 <= i - first < len(sites) else "") for i, row in enumerate(shown)),
        ]
    return out
