"""Each thing that a pane shows, in one sentence: for ``tell``, for a screen reader, for the key that asks a pane.

The sentences state what the tables show, so that who cannot see the screen misses nothing that is urgent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ppcdbg.cpu.msr import MSR_BITS, names
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.host import hosted
from ppcdbg.debugger.past_events import last_miss
from ppcdbg.debugger.stack import backtrace
from ppcdbg.views import lessons, nested, profile, story
from ppcdbg.views.numbers import count, ea, plural
from ppcdbg.views.spans import Line, Span, clean, line, to_text

NO_KVM = line("The bare machine has no hypervisor, so there is none of this.")


def _place(debugger: Debugger, address: int) -> tuple[tuple[str, str], ...]:
    name = debugger.symbols.name(address)
    return ((ea(address), "address"), *(((" in " + name, "symbol"),) if name else ()))


def _exits(debugger: Debugger) -> Line:
    if not debugger.has_exits:
        return NO_KVM
    table = next((t for t in debugger.model.counters() if t.title == "exits"), None)
    if table is None or not table.rows:
        return line("The guest has not exited yet.")
    most = ", ".join(f"{name} {share}" for name, _, share in table.rows[:3])
    return line(f"{plural(len(debugger.exits), 'exit')} so far; the most frequent are {most}.")


def _detail(debugger: Debugger) -> Line:
    record = debugger.last_exit()
    return story.line_of(debugger, record) if record is not None else line("There was no exit yet.")


def _disassembly(debugger: Debugger) -> Line:
    row = debugger.disassemble(debugger.pc, 1).rows[0]
    text = f"{row.mnemonic} {row.operands}".strip() if row.word is not None else "nothing that can be read"
    return line("pc is ", *_place(debugger, debugger.pc), "; the next instruction is ", (text, "mnemonic"), ".")


def _registers(debugger: Debugger) -> Line:
    changed = [change.name for change in debugger.last.changed]
    which = ", ".join(changed[:8]) + (f" and {len(changed) - 8} more" if len(changed) > 8 else "")
    mode = "user" if debugger.guest.msr & 0x4000 else "supervisor"
    bits = " ".join(names(debugger.guest.msr, MSR_BITS)) or "no bits"
    said = f"{len(changed)} changed since the last stop: {which}." if changed else "None changed since the last stop."
    return line(f"The guest is in {mode} state with MSR {bits}. {said}")


def _tlb(debugger: Debugger) -> Line:
    view = debugger.tlb()
    large = sum(row.where.startswith("TLB1") for row in view.guest)
    small = len(view.guest) - large
    return line(f"{plural(large, 'entry', 'entries')} of TLB1 and {count(small)} of TLB0 are valid.")


def _shadow(debugger: Debugger) -> Line:
    if not debugger.has_exits:
        return NO_KVM
    view = debugger.tlb()
    parents = {row.links for row in view.shadow if row.links}
    orphans = sum(not row.links for row in view.shadow)
    gone = f"; {plural(orphans, 'has', 'have')} no guest entry behind" if orphans else ""
    return line(f"{plural(len(view.shadow), 'shadow entry comes', 'shadow entries come')} of "
                f"{plural(len(parents), 'guest entry', 'guest entries')}{gone}.")  # fmt: skip


def _irqprio(debugger: Debugger) -> Line:
    if not debugger.has_exits:
        return NO_KVM
    pending = [row for row in debugger.irqprio().rows if row.pending]
    if not pending:
        return line("No interrupt is pending.")
    told = "; ".join(f"{r.name} waits: {r.waits}" if r.waits else f"{r.name} is delivered next" for r in pending)
    return line(f"{plural(len(pending), 'interrupt is', 'interrupts are')} pending. {told}.")


def _console(debugger: Debugger) -> Line:
    text = debugger.console(4096).rstrip("\n")
    if not text:
        return line("The guest has printed nothing yet.")
    return line("The guest's last line is: ", (clean(text.rpartition("\n")[2]), "console"))


def _statistics(debugger: Debugger) -> Line:
    if not debugger.has_exits:
        return line(f"{plural(debugger.position, 'instruction')} retired.")
    exits = len(debugger.exits)
    rate = f", one exit every {debugger.position / exits:,.0f} instructions" if exits else ""
    lead = line(f"{plural(debugger.position, 'instruction')} retired{rate}.")
    return (*lead, Span(" "), *profile.hottest(debugger.profiler.hottest())) if exits else lead


def _paravirt(debugger: Debugger) -> Line:
    if debugger.guest.kind != "pr":
        return line("This guest shares no magic page with KVM.")
    page = debugger.paravirt.magic()
    where = "has not asked for the magic page yet" if page.ea is None else f"has the magic page at {ea(page.ea)}"
    return line(f"The guest {where}; in a critical section: {'yes' if page.inside else 'no'}, because {page.why}.")


def _races(debugger: Debugger) -> Line:
    found = debugger.races.found()
    if found is None:
        return line("Nothing was searched for races yet.")
    report, lost = found.report, len(found.report.failures)
    state = f"{found.done} of {found.total} units are done" if found.searching else "the search has ended"
    many = plural(lost, "schedule breaks a condition", "schedules break a condition")
    failed = many if lost else "no condition is broken"
    return line(f"{plural(len(report.sites), 'site')}, {count(report.covered)} of {count(report.possible)} "
                f"boundaries with a source decided; {failed}; {state}.")  # fmt: skip


def _memory(debugger: Debugger) -> Line:
    stack = debugger.value("$r1")
    word = debugger.memory.number(stack, 4)
    said = f"; the word there is {ea(word)}" if word is not None else ", which cannot be read"
    return line("The stack pointer is ", *_place(debugger, stack), f"{said}.")


def _stack(debugger: Debugger) -> Line:
    found = backtrace(debugger)
    names = [frame.name.partition("+")[0] or ea(frame.pc) for frame in found.frames[:5]]
    more = f" and {len(found.frames) - 5} more" if len(found.frames) > 5 else ""
    called = ", called from ".join(names)
    return line(f"The guest is in {called}{more}; {found.ends}.")


def _breakpoints(debugger: Debugger) -> Line:
    every = list(debugger.breakpoints)
    if not every:
        return line("There is no breakpoint.")
    on = [b for b in every if b.enabled]
    hit = sum(b.hits for b in every)
    return line(f"{plural(len(every), 'breakpoint or trace', 'breakpoints and traces')}, {count(len(on))} enabled, "
                f"{plural(hit, 'hit')} so far.")  # fmt: skip


def _miss(debugger: Debugger) -> Line:
    if not debugger.has_exits:
        return NO_KVM
    record = last_miss(debugger)
    return story.line_of(debugger, record) if record is not None else line("No TLB miss has exited yet.")


def _timeline(debugger: Debugger) -> Line:
    log = debugger.exit_filter(whole=True).log
    last = log[-1].position if log else 0
    end, here = max(debugger.past.end[0], last), debugger.position
    marks = len(debugger.past.bookmarks)
    where = "at its end" if here >= end else f"at {count(here)}"
    named = f", and {plural(marks, 'bookmark')}" if marks else ""
    return line(f"{plural(end, 'instruction')} of the run are known; the guest stands {where}. "
                f"There are {plural(len(log), 'exit')}{named}.")  # fmt: skip


def _host(debugger: Debugger) -> Line:
    if not debugger.has_exits:
        return NO_KVM
    log = hosted(debugger).host_log
    held = sum(limit.held for limit in log.limits.values())
    if not log.lines:
        return line("The host's kernel has printed nothing.")
    more = f", and held {plural(held, 'event')} back" if held else ""
    last = (clean(log.lines[-1].text), "failed")
    return line(f"The host's kernel has printed {plural(len(log.lines), 'line')}{more}; the last is: ", last, ".")


def _switch(debugger: Debugger) -> Line:
    at = debugger.world_switch.last
    if at.over:
        ends = "the guest has come back from its exit" if at.over == "guest" else "the host gave up"
        return line(f"The world switch {at.variant} is over: {ends}.")
    where = f"at {at.name}, {at.group}" if at.name else f"in the host's {at.group}"
    next_ = (at.ahead[0].text if at.ahead else "nothing that is known", "mnemonic")
    comes = f"; {at.comes} comes before it" if at.comes else ""
    return line(f"The world switch {at.variant} stands {where}, in {'guest state' if at.guest else 'the host'}; "
                "the next instruction is ", next_, f"{comes}.")  # fmt: skip


def _owners(debugger: Debugger) -> Line:
    found = debugger.world_switch.registers()
    holds = [r.whose for r in found.rows if r.guest is not None]
    return line(f"Of {plural(len(holds), 'register')} that both have, {count(holds.count('guest'))} hold the guest's "
                f"value, {count(holds.count('host'))} the host's, {count(holds.count('both'))} the same for both, "
                f"{count(holds.count(''))} neither's; {'the guest' if found.guest else 'the host'} runs.")  # fmt: skip


def _nested(debugger: Debugger) -> Line:
    found = debugger.nested.last
    if found is None:
        return line("No nested exit was audited yet; nested FILE does it, nested-example shows one.")
    first = f"; the first that is wrong is {found.wrong[0].field}" if found.wrong else ""
    return line(f"{debugger.nested.name}: of {plural(len(found.findings), 'field')} of vmcs12 "
                f"{nested.counted(found)}{first}.")  # fmt: skip


SENTENCES: Mapping[str, Callable[[Debugger], Line]] = {
    "exits": _exits, "disassembly": _disassembly, "registers": _registers, "tlb": _tlb, "shadow": _shadow,
    "irqprio": _irqprio, "console": _console, "detail": _detail, "statistics": _statistics, "paravirt": _paravirt,
    "races": _races, "memory": _memory, "stack": _stack, "breakpoints": _breakpoints, "miss": _miss,
    "timeline": _timeline, "tutorial": lambda debugger: line(lessons.plain(debugger.lessons.look())),
    "host": _host, "switch": _switch, "owners": _owners, "nested": _nested,
}  # fmt: skip
"""By the names of the panes."""


def sentence(topic: str, debugger: Debugger) -> Line:
    """One sentence on a topic."""
    return SENTENCES[topic](debugger)


def labelled(topic: str, debugger: Debugger) -> Line:
    """The same with its topic before it, for a list of several."""
    return (Span(f"{topic}: ", "label"), *sentence(topic, debugger))


def announced(debugger: Debugger, heard: dict[str, str]) -> list[str]:
    """The sentences on what is to be announced that are other than they were; ``heard`` remembers them."""
    out = []
    for topic in debugger.announced:
        said = to_text([sentence(topic, debugger)])
        what = said.partition(", because ")[0]  # a reason that changes is no news
        if heard.get(topic, what) != what:
            out.append(f"{topic}: {said}")
        heard[topic] = what
    return out
