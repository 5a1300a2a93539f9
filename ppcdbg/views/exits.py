"""The exits list: one row an exit, with columns #, insn, exit, pc, cause, did; and one exit in full."""

from __future__ import annotations

from collections.abc import Iterator

from ppcdbg.cpu.msr import ESR_BITS, MSR_BITS, names
from ppcdbg.debugger.causes import FETCH_FAILED, cause_of, instruction_text, instruction_word, priority_name
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.exits import ExitFilter
from ppcdbg.debugger.symbols import SymbolTable
from ppcdbg.kvm.codes import EMULATE_NAMES
from ppcdbg.kvm.payloads import UserspaceExit
from ppcdbg.kvm.records import Action, Did, ExitRecord, payload
from ppcdbg.views.kinds import kind_role
from ppcdbg.views.numbers import count, count_in, ea, plural, real, size
from ppcdbg.views.spans import Line, Span, clean, column, fit, line

EXIT, PC = 13, 9
NARROW, SLIM, TIGHT = 90, 66, 56
"""Columns below which numbers stand closer, so that more of cause and deed can be read; below which the position is
left out for them, and below which pc is."""
_ROLE = {
    Did.MAPPED: "mapped",
    Did.MAPPED_MAGIC: "mapped",
    Did.REFLECTED: "reflected",
    Did.QUEUED: "pending",
    Did.FAILED: "failed",
    Did.FETCH_FAULT: "failed",
}


def header(width: int) -> Line:
    """The names of the columns, above ``row``'s."""
    number, insn, gap, pc, cause, did = _widths(width)
    cells = (
        column("#", number, "label", True),
        column("insn" if insn else "", insn, "label", True),
        column(" " * gap + "exit", gap + EXIT, "label"),
        column("pc" if pc else "", pc, "label"),
        column("cause", cause, "label"),
        column("did", did, "label"),
    )
    return fit(cells, width)


def _widths(width: int) -> tuple[int, int, int, int, int, int]:
    """Widths of number and insn, the gap behind them, that of pc, and what is left for cause and did."""
    number, insn, gap = (7, 0, 1) if width < SLIM else (7, 12, 1) if width < NARROW else (8, 14, 2)
    pc = 0 if width < TIGHT else PC
    rest = max(width - number - insn - gap - EXIT - pc, 14)
    did = max(min(rest * 2 // 5, 26), 12 if pc else 9)
    return number, insn, gap, pc, rest - did, did


def row(record: ExitRecord, symbols: SymbolTable, width: int) -> Line:
    """One exit in ``width`` columns; what was delivered on the way back is shown by ``→``."""
    number, insn, gap, pc, cause, did = _widths(width)
    place = symbols.name(record.pc)
    words = clean(cause_of(record))
    told = words or place
    if words and place and cause - 1 - len(words) >= 8:  # a shorter piece of a name says nothing
        told = f"{words}  {place}"
    cells = (
        column(count_in(record.number, number), number, "position", True),
        column(count_in(record.position, insn) if insn else "", insn, "number", True),
        Span(" " * gap),
        column(record.name, EXIT - 1, kind_role(record.name)),
        Span(" "),
        column(ea(record.pc) if pc else "", pc, "address"),
        column(told, cause - 1, "cause"),
        Span(" "),
        column(did_text(record), did, _did_role(record)),
    )
    return fit(cells, width)


def rows(
    debugger: Debugger, first: int, count: int, filter: ExitFilter | None, width: int, selected: int | None = None
) -> list[Line]:
    """A page of the filtered list; the row of exit ``selected`` begins with ``▸``."""
    found = filter if filter is not None else debugger.exit_filter()
    symbols = debugger.symbols
    out = []
    for record in found.page(first, count):
        sign = Span("▸", "selected") if record.number == selected else Span(" ")
        out.append((sign, *row(record, symbols, width - 1)))
    return out


def did_text(record: ExitRecord) -> str:
    """What KVM did, in the list's words: ``map 4K``, ``reflect``, ``mmio serial0``, ``emul``, ``queue DECREMENTER``.

    What was delivered on the way back follows an arrow, unless it is the reflected exit itself.
    """
    if not record.whole:
        return "(recorded)"
    words = [action_text(a) for a in record.actions]
    own = {a.priority for a in record.actions if a.did in (Did.REFLECTED, Did.QUEUED)}
    words += [f"queue {priority_name(number)}" for number in record.queued if number not in own]
    if len(words) > 1:
        words = [w for w in words if w not in _OBVIOUS] or words
    text = " ".join(dict.fromkeys(words)).replace(f"reflect {record.name}", "reflect")
    reflected = {a.priority for a in record.actions if a.did is Did.REFLECTED}
    if record.delivered is not None and record.delivered not in reflected:
        text += f" →{priority_name(record.delivered)}"
    return clean(text.strip())


_OBVIOUS = frozenset({"host timer", "host", "emul EXIT_USER"})
"""An interrupt of the host's that also queued one for the guest, an instruction that was left to userspace."""


def action_text(action: Action) -> str:
    """One action in a few words."""
    match action.did:
        case Did.MAPPED:
            return f"map {size(action.size or 0)}"
        case Did.MAPPED_MAGIC:
            return "map magic page"
        case Did.REFLECTED:
            return f"reflect {priority_name(action.priority or 0)}"
        case Did.QUEUED:
            return f"queue {priority_name(action.priority or 0)}"
        case Did.MMIO:
            return f"mmio {action.device or real(action.gpa or 0)}"
        case Did.EMULATED:
            done = action.result in (None, 0)
            return "emul" if done else f"emul {EMULATE_NAMES[action.result or 0]}"
        case Did.HYPERCALL:
            return "hcall"
        case Did.USERSPACE:
            return f"user {(action.note or '').removeprefix('KVM_EXIT_')}"
        case Did.HOST:
            return action.note or "host"
        case _:
            return str(action.did.value)


def _did_role(record: ExitRecord) -> str:
    return next((_ROLE[a.did] for a in record.actions if a.did in _ROLE), "did")


def detail(debugger: Debugger, record: ExitRecord, width: int) -> list[Line]:
    """Everything that is known of one exit, a field a line."""
    place = debugger.symbols.name(record.pc)
    fresh = record.captured
    fields: list[Line] = [
        line(
            ("exit ", "label"),
            (count(record.number), "position"),
            " ",
            (record.name, kind_role(record.name)),
            f" ({record.vector})",
        ),
        line(("insn ", "label"), (count(record.position), "number"), ("   tick ", "label"), count(record.tick)),
        line(("pc   ", "label"), (ea(record.pc), "address"), " ", (place, "symbol")),
        line(("inst ", "label"), *_stale(f"{record.last_inst:08x}", "inst" in fresh), *_instruction(record)),
        line(("msr  ", "label"), (ea(record.msr), "number"), " ", (" ".join(names(record.msr, MSR_BITS)), "bits")),
        line(
            ("esr  ", "label"),
            *_stale(ea(record.esr), "esr" in fresh),
            " ",
            (" ".join(names(record.esr, ESR_BITS)), "bits"),
        ),
        line(
            ("dear ", "label"),
            *_stale(ea(record.dar), "dear" in fresh),
            " ",
            (debugger.symbols.name(record.dar), "symbol"),
        ),
    ]
    for action in record.actions:
        fields.append(line(("did  ", "label"), (action_text(action), "did"), _action_detail(action)))
        left = payload(record, action)
        if left is not None:
            fields += [line(("user ", "label"), *spans) for spans in _payload(left, max(width - 5, 20))]
    if record.queued:
        fields.append(line(("queued ", "label"), (", ".join(priority_name(n) for n in record.queued), "pending")))
    if record.delivered is not None:
        fields.append(line(("delivered ", "label"), (priority_name(record.delivered), "reflected")))
    fields.append(
        line(
            ("resume ", "label"),
            record.resume,
            ("  accounted ", "label"),
            record.accounted or "-",
            ("  cost ", "label"),
            count(record.cost),
            " ticks",
        )
    )
    return [fit(f, width) for f in fields]


def _instruction(record: ExitRecord) -> Line:
    """What the guest ran, and where that says little of it, what it did thereby."""
    cause = Span(clean(cause_of(record)), "cause")
    word = instruction_word(record)
    text = "" if word in (None, FETCH_FAILED) else clean(instruction_text(word or 0))
    if not text or text == cause.text:
        return (Span(" "), cause)
    return (Span(f" {text}", "mnemonic"), Span("  "), cause)


def _payload(left: UserspaceExit, width: int) -> Iterator[tuple[Span, ...]]:
    """struct kvm_run as userspace had it and answered: the name of the exit and its fields, in lines of a width."""
    spans, used = [Span(left.name, "exit")], len(left.name)
    own = left.answers()
    for cell in str(left).split(" ")[1:]:
        if used + 1 + len(cell) > width:
            yield tuple(spans)
            spans, used = [Span(" ")], 1
        name, _, value = cell.partition("=")
        role = "pending" if name in own else "number"
        spans += [Span(f" {name}=", "dim"), Span(value, role)]
        used += 1 + len(cell)
    yield tuple(spans)


def _stale(text: str, fresh: bool) -> tuple[Span, ...]:
    """A register that this exit does not capture shows what an earlier one left."""
    return (Span(text, "number"),) if fresh else (Span(text, "dim"), Span(" (stale)", "dim"))


def _action_detail(action: Action) -> Span:
    parts: list[str] = []
    if action.ea is not None:
        parts.append(f"ea {ea(action.ea)}")
    if action.gpa is not None:
        parts.append(f"→ {real(action.gpa)}")
    if action.did is Did.MMIO:
        parts.append(f"{'write' if action.write else 'read'} {plural(action.size or 0, 'byte')}")
    if action.value is not None:
        parts.append(f"value {action.value:#x}")
    if action.did is Did.HYPERCALL:
        parts.append(
            "(" + ", ".join(f"{a:#x}" for a in action.args) + ") = " + ", ".join(f"{r:#x}" for r in action.results)
        )
    if action.note and action.did in (Did.MAPPED, Did.FAILED, Did.FETCH_FAULT, Did.HYPERCALL, Did.DEBUG):
        parts.append(clean(action.note))
    return Span("  " + "  ".join(parts) if parts else "", "dim")
