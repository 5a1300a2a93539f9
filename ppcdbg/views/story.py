"""One sentence in plain words: what just happened, why, and what comes next.

The same sentence is what ``why`` prints and what a screen reader says. It states only what the record or the guest's
state shows.
"""

from __future__ import annotations

from ppcdbg.debugger.causes import instruction_text, instruction_word, priority_name
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.debugger.story import Story
from ppcdbg.kvm.codes import EMULATE_EXIT_USER, EMULATE_FAIL
from ppcdbg.kvm.payloads import SPR_STATUS_OK, SprExit
from ppcdbg.kvm.records import Action, Did, ExitRecord
from ppcdbg.machine.system import StopKind
from ppcdbg.views.numbers import count, ea, plural, real, size
from ppcdbg.views.spans import Line, Span, clean, line

_SIZES = {"K": "KB", "M": "MB", "G": "GB", "B": " bytes"}


def line_of(debugger: Debugger, record: ExitRecord | None = None) -> Line:
    """The sentence about the last stop, or about one exit."""
    return sentence(debugger.story(record))


def sentence(story: Story) -> Line:
    """The sentence of some facts."""
    if story.record is None:
        return _stop(story)
    spans = [*_exit(story, story.record)]
    report = story.report
    if report is None:
        return tuple(spans)
    if story.breakpoints:
        spans = [Span(f"{_by(report)} {' and '.join(story.breakpoints)}. ", "breakpoint"), *spans]
    if report.cause is Cause.ENDED:
        return (*spans, *line(" ", *_ended(report)))
    return (*spans, *_next(story))


def _by(report: StopReport) -> str:
    return "Reached" if report.cause is Cause.UNTIL else "Stopped by"


# --- a stop without an exit -------------------------------------------------------------------------------------------


def _stop(story: Story) -> Line:
    report = story.report
    if report is None:
        return ()
    if report.cause is Cause.ENDED:
        return line(*_ended(report))
    where = (" in ", (story.place, "symbol")) if story.place else ()
    lead = line(*_why_stopped(story, report), " at ", (ea(report.pc), "address"), *where, ".")
    return (*lead, *_event(dict(report.fields)), *_after(report), *_next(story), *_waiting(story))


def _rewritten(fields: dict[str, int | str]) -> Line:
    """That what was read is not what the guest had put there."""
    if "original" not in fields:
        return ()
    where = (ea(int(fields["ea"])), "address")
    return line(
        " At ", where, f" the guest had put {fields['original']:08x}; the hypervisor rewrote it at position"
        f" {fields['rewritten']:,}."
    )  # fmt: skip


def _event(fields: dict[str, int | str]) -> Line:
    """What is known of an access or an interrupt that a breakpoint waited for."""
    if "vector" in fields:
        came = ea(int(fields["pc"]))
        return line(" ", (str(fields["name"]), "exit"), " was taken where the guest was at ", (came, "address"), ".")
    if "write" not in fields:
        return ()
    who = str(fields.get("by", "")) == "kvm" and "KVM" or "The instruction"
    at = (" at ", (ea(int(fields["pc"])), "address")) if "pc" in fields else ()
    what = f"field {fields['field']}" if fields.get("field") else f"{fields.get('size', 0)} bytes"
    old, new = (fields.get(name) for name in ("old", "new"))
    if not fields["write"]:
        read = f": {fields['value']:#x}" if isinstance(fields.get("value"), int) else ""
        return line(f" {who}", *at, f" read {what}{read}.", *_rewritten(fields))
    was = f"{old:#x} → " if isinstance(old, int) else ""
    now = f"{new:#x}" if isinstance(new, int) else ""
    return line(f" {who}", *at, f" wrote {what}: ", (was + now, "changed"), ".")


def _why_stopped(story: Story, report: StopReport) -> Line:
    if story.breakpoints:
        return line((f"{_by(report)} {' and '.join(story.breakpoints)}", "breakpoint"))
    words = {
        Cause.START: "Nothing has run yet: the guest stands at its first instruction",
        Cause.UNTIL: "Reached the place asked for",
        Cause.INTERRUPTED: "Interrupted",
        Cause.CLIENT: "Stopped by a breakpoint of gdb's",
        Cause.SKIPPED: "An interrupt that came during the step did not return; stopped in its handler",
        Cause.LIMIT: "The instruction limit was reached",
        Cause.RECORDED: "The end of the recording: going on leaves it",
        Cause.BEGINNING: "The beginning: nothing before it was seen",
    }
    return line(words.get(report.cause, "Stepped: now"))


def _after(report: StopReport) -> Line:
    """How far it ran, when that was more than a step."""
    ran = report.position - report.start_position
    if ran < 2:
        return ()
    exits = report.last_exit - report.first_exit
    more = f" and {plural(exits, 'exit')}" if exits else ""
    return line(f" {plural(ran, 'instruction')}{more} since the last stop.")


def _next(story: Story) -> Line:
    row = story.next
    if row is None or row.word is None:
        return line(" The address of the next instruction is not mapped: a fetch will miss.") if row is not None else ()
    text = f"{row.mnemonic} {row.operands}".strip()
    return line(" Next: ", (text, "mnemonic"), *((" → ", (row.target_name, "symbol")) if row.target_name else ()), ".")


def _waiting(story: Story) -> Line:
    if not story.pending:
        return ()
    name, _, waits = story.pending[0].partition(": ")
    more = f" ({len(story.pending) - 1} more)" if len(story.pending) > 1 else ""
    return line(" ", (name, "pending"), " waits: ", (waits, "masked"), f"{more}.")


def _ended(report: StopReport) -> Line:
    detail = clean(report.stop.detail)
    return line(
        ("The run is over", "ended"),
        f" after {plural(report.position, 'instruction')}",
        f": {detail}." if detail else f" ({_ENDS.get(report.stop.kind, report.stop.kind.value)}).",
    )


_ENDS = {StopKind.RESET: "reset", StopKind.POWEROFF: "power off", StopKind.IDLE: "idle for ever",
         StopKind.STUCK: "stuck", StopKind.CRASH: "crash"}  # fmt: skip


# --- an exit ----------------------------------------------------------------------------------------------------------


def _exit(story: Story, record: ExitRecord) -> Line:
    lead = line((f"Exit {count(record.number)}", "exit"), ": ")
    return (*lead, *_happened(story, record), *_handled(story, record), *_delivered(record))


def _happened(story: Story, record: ExitRecord) -> Line:
    """What the guest did."""
    who = "user code" if story.user else "the guest"
    if story.access in ("st", "ld", "lock") and record.name == "DTLB_MISS":
        kind = {"st": "a store to", "ld": "a load from", "lock": "a cache-lock of"}[story.access]
        return line(f"{kind} ", (ea(record.dar), "address"), " missed.")
    if story.access in ("st", "ld", "lock"):
        kind = "store to" if story.access == "st" else "load from"
        return line(f"a {kind} ", (ea(record.dar), "address"), " was not permitted.")
    if story.access == "fetch":
        done = "missed" if record.name == "ITLB_MISS" else "was not permitted"
        return line("the fetch at ", (ea(record.pc), "address"), *_at(story), f" {done}.")
    if record.name in ("SYSCALL", "HV_SYSCALL"):
        asked = any(a.did is Did.HYPERCALL for a in record.actions)
        return line(f"{who} made a {'hypercall' if asked else 'system call'}.")
    if record.name in ("EXTERNAL", "DECREMENTER", "DOORBELL", "PERFORMANCE_MONITOR", "CRITICAL", "WATCHDOG", "FIT"):
        return line(
            f"the host's {record.name.lower().replace('_', ' ')} interrupt came while the guest ran", *_at(story), "."
        )
    word = instruction_word(record)
    if word is not None and record.name in ("PROGRAM", "HV_PRIV"):
        return line(
            f"{who} ran ",
            (instruction_text(word), "mnemonic"),
            *_at(story),
            ", which traps." if story.user else ", which KVM must do for it.",
        )
    return line(f"{record.name} at ", (ea(record.pc), "address"), *_at(story), ".")


def _at(story: Story) -> tuple[str | tuple[str, str], ...]:
    return (" in ", (story.place, "symbol")) if story.place else ()


def _handled(story: Story, record: ExitRecord) -> Line:
    """What KVM did, one clause an action."""
    if not record.resume and not record.actions:
        return line(" KVM has done nothing of it yet.")
    if not record.whole:
        return line(" What KVM did is not in the recording: ", (f"seek exit:{record.number}", "symbol"), " runs there.")
    spans: list[Span] = []
    for action in record.actions:
        clause = _clause(story, record, action)
        if clause:
            spans += (Span(" "), *clause)
    own = {a.priority for a in record.actions}
    for number in record.queued:
        if number not in own:
            spans += line(" ", (priority_name(number), "pending"), " was queued for the guest.")
    if not spans:
        spans += line(" KVM had nothing to do for the guest.")
    return tuple(spans)


def _clause(story: Story, record: ExitRecord, action: Action) -> Line:
    match action.did:
        case Did.MAPPED:
            return _mapped(story, action)
        case Did.MAPPED_MAGIC:
            return line("It is the magic page: KVM mapped it; the guest goes on.")
        case Did.REFLECTED:
            return line(
                _why_reflected(story, record),
                ("KVM gave it to the guest as ", "text"),
                (priority_name(action.priority or 0), "reflected"),
                ".",
            )
        case Did.MMIO:
            kind = "wrote" if action.write else "read"
            device = action.device or "nothing known"
            where = f" {'to' if action.write else 'from'} {device} at "
            moved = f"{kind} {plural(action.size or 0, 'byte')}"
            place = (real(action.gpa or 0), "address")
            return line("It is no RAM: KVM ", (moved, "did"), where, place, _value(action), ".")
        case Did.EMULATED:
            if action.result == EMULATE_EXIT_USER:
                return ()
            if action.result == EMULATE_FAIL:
                return line("KVM could not emulate it.")
            return line("KVM emulated it; the guest goes on.") if record.vector not in (13, 14) else ()
        case Did.FAILED:
            return line(("KVM could not emulate it", "failed"), f": {clean(action.note)}." if action.note else ".")
        case Did.FETCH_FAULT:
            return line(("The host could not read the instruction", "failed"), f": {action.note}.")
        case Did.HYPERCALL:
            result = f" with result {action.results[0]:#x}" if action.results else ""
            return line("It was hypercall ", (action.note or f"{action.token or 0:#x}", "did"), f", answered{result}.")
        case Did.QUEUED:
            return line((priority_name(action.priority or 0), "pending"), " was queued for the guest.")
        case Did.USERSPACE:
            return _left(action, not record.resume)
        case Did.RESCHED:
            return line(f"Another task had the processor for {count(action.value or 0)} ticks before KVM went on.")
        case Did.DEBUG:
            return line(f"A debug event{': ' + clean(action.note) if action.note else ''}.")
        case _:
            return line(
                f"The host did its own work{': ' + clean(action.note) if action.note else ''}; the guest goes on."
            )


def _left(action: Action, unanswered: bool) -> Line:
    """What userspace was asked, and what became of it."""
    left = action.left
    if left is None:
        return line("It was userspace's to answer.")
    name, _, cells = str(left).partition(" ")
    failed = isinstance(left, SprExit) and left.status != SPR_STATUS_OK
    became = " Userspace failed it, so the guest gets a program interrupt." if failed else ""
    if unanswered:
        became = " Nobody has answered yet; nothing more happens before the guest runs on."
    return line("KVM_RUN came back to userspace: ", (name, "exit"), f" {cells}".rstrip(), f".{became}")


def _value(action: Action) -> str:
    return "" if action.value is None else f", value {action.value:#x}"


def _mapped(story: Story, action: Action) -> Line:
    text = size(action.size or 0)
    wide = f"{text[:-1]} {_SIZES[text[-1]].strip()}"
    if story.mapping is not None:
        span = size(story.mapping.last - story.mapping.first + 1)
        where = story.mapping.where.removeprefix("guest ")
        lead = line(f"The guest maps it ({where}, {span[:-1]} {_SIZES[span[-1]].strip()}), the shadow TLB did not: ")
    else:
        lead = line("The guest's TLB mapped it, the shadow TLB did not: ")
    return (*lead, *line("KVM mapped one ", (wide, "mapped"), " page; the guest goes on."))


def _why_reflected(story: Story, record: ExitRecord) -> str:
    if record.name in ("DTLB_MISS", "ITLB_MISS"):
        return "The guest's own TLB does not map it: "
    if record.name == "PROGRAM" and story.user:
        return ""
    return ""


def _delivered(record: ExitRecord) -> Line:
    if record.delivered is None:
        return ()
    return line(
        " On the way back ",
        (priority_name(record.delivered), "reflected"),
        " was delivered; the guest goes on in its handler.",
    )
