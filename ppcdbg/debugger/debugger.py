"""The debugger of one running system: run control, breakpoints, questions and the command line, all as values.

Runs happen on the caller's thread; ``interrupt`` may be called from any other. Nothing is formatted here (``views``),
and looking never changes the guest: a debugger's writes enter through the system's input queue. Reading order: stops,
results, guest, memory, run, steps, this file; then ``queries`` and ``commands``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.cpu.mmu import Access
from ppcdbg.debugger import entries, magic, queries, registers, sight
from ppcdbg.debugger.branches import Branch, Branches
from ppcdbg.debugger.breakpoints import Action, Breakpoint, Breakpoints
from ppcdbg.debugger.commands import registry
from ppcdbg.debugger.commands.command import Completion, Result
from ppcdbg.debugger.displays import Displays
from ppcdbg.debugger.events import Event, EventKind, Verb
from ppcdbg.debugger.eventwords import parse_event
from ppcdbg.debugger.exits import ExitFilter
from ppcdbg.debugger.expressions import Compiled, Value, compile_expression
from ppcdbg.debugger.fields import EVENT_FIELDS
from ppcdbg.debugger.futures import Comparison
from ppcdbg.debugger.guest import Guest
from ppcdbg.debugger.history import Values
from ppcdbg.debugger.lessons import Lessons
from ppcdbg.debugger.lines import LineTable
from ppcdbg.debugger.memory import GuestMemory
from ppcdbg.debugger.model import guest_of, model_of
from ppcdbg.debugger.nested import NestedExits
from ppcdbg.debugger.paravirt import Paravirt
from ppcdbg.debugger.profile import Profiler
from ppcdbg.debugger.races import Races
from ppcdbg.debugger.registers import RegisterFile
from ppcdbg.debugger.results import Disassembly, Explanation, Irqprio, MagicField, Memory, Registers, Space, TlbView
from ppcdbg.debugger.run import FOREVER, Outcome, Request, Runner
from ppcdbg.debugger.scope import DebuggerScope
from ppcdbg.debugger.script import Script
from ppcdbg.debugger.searches import Searches
from ppcdbg.debugger.steps import Stepper
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.debugger.story import Story, story_of
from ppcdbg.debugger.symbols import SymbolTable, read_symbols
from ppcdbg.debugger.travel import Travel
from ppcdbg.debugger.work import Work, Works
from ppcdbg.debugger.world_switch import WorldSwitch
from ppcdbg.debugger.writes import Writer
from ppcdbg.engine.api import WatchKind
from ppcdbg.errors import InputError, UsageError
from ppcdbg.isa.disassemble import Disassembler
from ppcdbg.kvm.answers import Vmm
from ppcdbg.kvm.payloads import UserspaceExit
from ppcdbg.kvm.records import ExitRecord
from ppcdbg.kvm.userspace import Ending
from ppcdbg.machine.images import executable_parts
from ppcdbg.machine.system import Stop, StopKind, System

if TYPE_CHECKING:
    from ppcdbg.debugger.results import RegisterValue


class Debugger:
    """One system under a debugger. ``image`` is the ELF file that symbols come from; it is read when first needed."""

    def __init__(self, system: System, image: Path | str | None = None, name: str = "") -> None:
        self.system = system
        self.core = system.core
        self.name = name or (Path(image).name if image else "guest")
        self.model = model_of(system)
        self.guest: Guest = guest_of(system)
        self.exits: Sequence[ExitRecord] = self.model.exits
        self.memory = GuestMemory(system, self.guest)
        self.register_file = RegisterFile(self.core, self.guest)
        self.runner = Runner(system, self.exits)
        self.stepper = Stepper(self.runner, self.guest, self.memory)
        self.disassembler = Disassembler(self.core.model.name)
        self.writer = Writer(self)
        self.script = Script(self)
        self.values = Values()
        self.displays = Displays(self)
        self.works = Works(lambda: Work("running", self.system.position, self.runner.goal))
        self.past = Travel(self)
        self.branches = Branches(self)
        self.searches = Searches(self)
        self.running = False
        self.announced: tuple[str, ...] = ()
        """Topics whose sentence a prompt says when it has changed."""
        self.layouts: tuple[str, ...] = ()
        """Layouts of the screen that shows this guest."""
        self.files = True
        """Whether commands may name files of this machine: not where they come from elsewhere."""
        self.last_examined: tuple[int, int, str, Space] | None = None
        self.before: registers.Snapshot = {}
        self.page_before = b""
        """The magic page as the last run began; empty where there is none."""
        self.paravirt = Paravirt(self)
        self.world_switch = WorldSwitch()
        self.nested = NestedExits()
        self.races = Races(self)
        self.profiler = Profiler(self)
        self.lessons = Lessons(self)
        self.lines = LineTable(Path(image) if image else None)
        self._code: tuple[tuple[int, bytes], ...] | None = None
        self._image = Path(image) if image else None
        self._symbols: SymbolTable | None = None
        self._now: registers.Snapshot | None = self.register_file.snapshot()
        """Registers at the last stop; None after a run that did not compare them."""
        self.last = StopReport(
            Stop(StopKind.LIMIT, system.position, self.core.state.pc), Cause.START, last_exit=len(self.exits)
        )

    # --- what there is ----------------------------------------------------------------------------------------------
    @property
    def symbols(self) -> SymbolTable:
        """Raises InputError when the image's symbol table is damaged."""
        if self._symbols is None:
            self._symbols = read_symbols(self._image) if self._image else SymbolTable()
        return self._symbols

    @property
    def image(self) -> Path | None:
        """The ELF file of the guest."""
        return self._image

    def image_word(self, address: int) -> int | None:
        """The instruction that the guest's ELF file has for an effective address; None where it has none."""
        if self._code is None:
            try:
                self._code = executable_parts(self._image) if self._image is not None else ()
            except InputError:  # a file of symbols alone
                self._code = ()
        for start, part in self._code:
            at = address - start
            if 0 <= at <= len(part) - 4:
                return int.from_bytes(part[at : at + 4], "big")
        return None

    @property
    def breakpoints(self) -> Breakpoints:
        return self.runner.breakpoints

    @property
    def pc(self) -> int:
        return self.core.state.pc

    @property
    def position(self) -> int:
        return self.system.position

    @property
    def has_exits(self) -> bool:
        """Whether a KVM model stands above the core."""
        return self.guest.kind != "bare"

    @property
    def work(self) -> Work:
        """What goes on, and how far it is: to be asked in ``runner.between``."""
        return self.works.now()

    def last_exit(self) -> ExitRecord | None:
        return self.exits[-1] if self.exits else None

    # --- running ----------------------------------------------------------------------------------------------------
    def interrupt(self) -> None:
        """Make the run and the script that are going on end within 200 ms; safe from any thread."""
        self.script.interrupt()
        self.runner.interrupt()

    def forget_interrupt(self) -> None:
        """An interrupt that came when nothing was going on was not meant for what comes next."""
        self.script.forget_interrupt()
        self.runner.finished()

    def step(self, n: int = 1, into_interrupts: bool = False) -> StopReport:
        """``n`` instructions of the guest's own flow; interrupts in between are run through unless asked for."""
        return self._repeat(n, lambda: self.stepper.step(into_interrupts))

    def step_quickly(self, into_interrupts: bool = False) -> StopReport:
        """One ``step`` whose report leaves out what changed, for callers that step thousands of times a second."""
        if self.running or not self.runner.free:
            return self._report(lambda: self.stepper.step(into_interrupts), compare=False)
        self.past.begin()
        first, start = len(self.exits), self.system.position
        self.running = True
        try:
            outcome = self.stepper.step(into_interrupts)
        finally:
            self.running = False
            self.runner.finished()
            self._now = None
        # Nothing was waited for, so nothing hit and nothing was logged.
        stop, cause, record = outcome.stop, outcome.cause, outcome.record
        self.last = StopReport(stop, cause, record, (), (), (), first, len(self.exits), start)
        return self.last

    def next(self, n: int = 1) -> StopReport:
        """As ``step``, but calls and system calls run to their return."""
        return self._repeat(n, self.stepper.next)

    def step_exit(self, n: int = 1) -> StopReport:
        """Run until ``n`` more exits have been handled. Raises UsageError on the bare machine, which has none."""
        self.need_exits()
        return self._report(lambda: self.runner.go(Request(exits=max(n, 1))))

    def continue_(self, position: int | None = None) -> StopReport:
        """Run until a breakpoint, the end, or an absolute position."""
        return self._report(lambda: self.runner.go(Request(FOREVER if position is None else position)))

    def run_until(self, *where: int | str) -> StopReport:
        """Run to the first of some places: addresses or expressions (a symbol's name is one)."""
        places = frozenset(w if isinstance(w, int) else self.address(w) for w in where)
        return self._report(lambda: self.runner.go(Request(places=places)))

    def continue_quickly(self) -> StopReport:
        """As ``continue_``, and its report leaves out what changed."""
        return self._report(lambda: self.runner.go(Request()), compare=False)

    def run_to_event(self, verb: Verb, event: Event, condition: str = "") -> StopReport:
        """``run-until`` and ``wait-for``: a temporary breakpoint and a run."""
        made = self.add_breakpoint(verb, event, condition, temporary=True)
        only = made.number if verb is Verb.WAIT_FOR else None
        try:
            return self._report(lambda: self.runner.go(Request(only=only)))
        finally:
            if any(b.number == made.number for b in self.breakpoints):
                self.breakpoints.delete(made.number)

    def finish(self) -> StopReport:
        """Run until the current function returns."""
        return self._report(lambda: self.stepper.finish(self.symbols))

    def past_loop(self) -> StopReport:
        """Run to the instruction after this one in storage."""
        return self._report(self.stepper.past)

    def travel(self, act: queries.Act, compare: bool = False) -> StopReport:
        """Let something else put the guest elsewhere, such as a timeline, and report where it then stands."""
        return self._report(act, compare)

    def stands(self, report: StopReport, before: registers.Snapshot) -> None:
        """The guest is back at a stop of before: that report is the last one again, and registers are told apart from
        ``before``."""
        self.last, self.before = report, before

    def _repeat(self, n: int, act: queries.Act) -> StopReport:
        def run() -> Outcome:
            outcome = act()
            for _ in range(n - 1):
                if outcome.cause is not Cause.STEP or outcome.numbers:
                    break
                outcome = act()
            return outcome

        return self._report(run)

    def _report(self, act: queries.Act, compare: bool = True) -> StopReport:
        """Run, take temporary breakpoints away, and make the report; what changed only if ``compare``."""
        if self.running:
            raise UsageError("the guest runs already; an action may look at it and write, but not let it run")
        self.past.begin()
        first, start, traced = len(self.exits), self.system.position, len(self.runner.traces)
        here = self.past.here
        if compare:
            self.page_before = magic.copy(self)
            self.before = self._now if self._now is not None else self.register_file.snapshot()
        self.running = True
        try:
            outcome = act()
        finally:
            self.running = False
            self.runner.finished()
            self._now = self.register_file.snapshot() if compare else None
        self.past.left(here)
        first = min(first, len(self.exits))
        told: tuple[str, ...] = ()
        lines: tuple[str, ...] = ()
        if outcome.numbers:
            told = tuple(self._told(self.breakpoints.get(n)) for n in outcome.numbers)
            lines = tuple(line for n in outcome.numbers for line in self.breakpoints.get(n).commands)
            for number in outcome.numbers:
                if self.breakpoints.get(number).temporary:
                    self.breakpoints.delete(number)
        changed = registers.changes(self.before, self._now) if self._now is not None else ()
        numbers = tuple(n for n in outcome.numbers if n)
        traces = tuple(self.runner.traces[traced:])
        self.last = StopReport(
            outcome.stop, outcome.cause, outcome.record, numbers, changed, traces, first, len(self.exits), start, told,
            outcome.fields, lines,
        )  # fmt: skip
        return self.last

    def _told(self, b: Breakpoint) -> str:
        """A breakpoint that hit, in words: its number where the user can use it."""
        if b.verb in (Verb.RUN_UNTIL, Verb.WAIT_FOR):
            return str(b.event)
        return f"{'temporary ' if b.temporary else ''}breakpoint {b.number}, {b.event}"

    def need_exits(self) -> None:
        if not self.has_exits:
            raise UsageError("the bare machine has no exits to a hypervisor; start the guest with --hv kvm")

    # --- breakpoints ------------------------------------------------------------------------------------------------
    def add_breakpoint(
        self, verb: Verb, event: Event, condition: str = "", temporary: bool = False, ignore: int = 0
    ) -> Breakpoint:
        """Raises UsageError for a condition that cannot be understood, or an exit event on the bare machine."""
        event = self.placed(event, verb, condition)
        compiled = self.compile_condition(event, condition) if condition else None
        made = self.breakpoints.add(verb, event, condition, compiled, temporary)
        return self.breakpoints.set_ignore(made.number, ignore) if ignore else made

    def add_watchpoint(
        self, kind: WatchKind, address: int, length: int = 4, real: bool = False, condition: str = "", ignore: int = 0
    ) -> Breakpoint:
        """Stop at accesses to bytes from an effective (or ``real``) address on.

        The stop is after the accessing instruction; ``runner.before_access = True`` makes it before, as gdb's remote
        protocol expects it of PowerPC. ``StopReport.hits`` has the accesses. Seen: whatever the guest's instructions
        do, by either engine, external-PID accesses included, and what KVM does to a device in their place. Not seen:
        instruction fetches, a debugger's own writes, and what KVM keeps in the magic page (the ``magic`` event).
        """
        event = Event(EventKind.DATA, address=address, length=length, access=kind.value, real=real)
        return self.add_breakpoint(Verb.BREAK, event, condition, ignore=ignore)

    def placed(self, event: Event, verb: Verb = Verb.BREAK, condition: str = "") -> Event:
        """The event as this system sees it. Raises UsageError where it never can.

        A condition on what KVM did moves a stop on an exit from before its handler to after it.
        """
        found = sight.placed(self, event, verb)
        if condition and queries.needs_handler(found, condition):
            found = sight.placed(self, replace(event, after=True), verb)
        return found

    def compile_condition(self, event: Event, condition: str) -> Compiled:
        """A condition in the scope that its event gives it: fields of the record, or the registers at a place."""
        on_exits = queries.on_exits(event)
        own = EVENT_FIELDS.get(event.kind, ())
        scope = DebuggerScope(self, (lambda: self.runner.current) if on_exits else None, on_exits, own)
        return compile_expression(condition, scope)

    # --- expressions ------------------------------------------------------------------------------------------------
    def compile(self, text: str) -> Compiled:
        """An expression over the guest's present state. Raises UsageError."""
        return compile_expression(text, DebuggerScope(self))

    def evaluate(self, text: str) -> Value:
        """The value of an expression now. Raises UsageError."""
        return self.compile(text).value()

    def address(self, text: str) -> int:
        """An effective address from an expression; a leading ``*`` as in gdb's ``break *ADDR`` is allowed."""
        stripped = text.strip()
        if stripped.startswith("*") and not stripped.startswith("*("):
            stripped = stripped[1:]
        return self.evaluate(stripped).number & 0xFFFFFFFF

    # --- questions --------------------------------------------------------------------------------------------------
    def registers(self, names: Sequence[str] | None = None) -> Registers:
        """Registers with what changed since the previous stop. Raises UsageError for an unknown name."""
        return queries.registers(self, names)

    def register(self, name: str) -> RegisterValue:
        return self.registers([name]).rows[0]

    def read_memory(self, address: int, length: int, space: Space = Space.EA) -> Memory:
        """Bytes, with None for what cannot be read; no side effect."""
        return Memory(address, space, self.memory.read(address, length, space))

    def disassemble(self, address: int | None = None, count: int = 16) -> Disassembly:
        """``count`` instructions from ``address`` (default pc) on."""
        return queries.disassemble(self, self.pc if address is None else address, count)

    def disassemble_around(self, address: int | None = None, before: int = 6, count: int = 16) -> Disassembly:
        """As ``disassemble``, with ``before`` of the rows above ``address``."""
        at = self.pc if address is None else address
        return queries.disassemble(self, at - 4 * min(before, at // 4), count)

    def explain(self, ea: int, access: Access = Access.LOAD) -> Explanation:
        """Each TLB entry near ``ea`` with the first test that failed, and where an access would go."""
        return queries.explain(self, ea, access)

    def tlb(self) -> TlbView:
        return self.model.tlb()

    def irqprio(self) -> Irqprio:
        return self.model.irqprio()

    def magic(self) -> tuple[MagicField, ...]:
        """The page that KVM shares with a PR-mode guest; empty where there is none."""
        return magic.fields(self)

    def exit_filter(self, text: str = "", whole: bool = False) -> ExitFilter:
        """The exits that an expression lets through; see ``ExitFilter``."""
        return ExitFilter(self, text, whole)

    def console(self, characters: int = 0) -> str:
        """What the guest printed; the last ``characters`` of it where that is not 0."""
        console = self.system.board.console
        return console.tail(characters) if characters else console.text

    def story(self, record: ExitRecord | None = None) -> Story:
        """The facts for one sentence about the last stop, or about one exit of the past."""
        return story_of(self, record)

    def why_unreadable(self, ea: int) -> str:
        """One clause that says why an effective address cannot be read."""
        return queries.why_unreadable(self, ea)

    def send(self, data: bytes) -> None:
        """Type at the guest's console: the bytes arrive through the input queue when the guest runs on."""
        self.system.input.console(data)

    # --- commands ---------------------------------------------------------------------------------------------------
    def execute(self, line: str) -> Result:
        """Carry out one command line, or several. Raises UsageError with one sentence for what is not understood."""
        return registry.execute(self, line)

    def complete(self, text: str) -> Completion:
        """What could follow ``text``."""
        return registry.complete(self, text)

    # --- for programs in Python -------------------------------------------------------------------------------------
    def on(self, event: str, action: Action, condition: str = "") -> Breakpoint:
        """Call ``action`` with a ``TraceHit`` whenever an event comes: ``on("exit DTLB_MISS", count)``.

        The words are those of ``break``; an exit is told when KVM has handled it, with a whole record. The guest stands
        at an exact position meanwhile: the action may look at anything and write, but not let it run. The guest stops
        if it returns something true, and goes on otherwise; what it raises comes out of the call that let it run.
        """
        wanted = parse_event(self, event)
        if wanted.kind in sight.ARRIVING:
            wanted = replace(wanted, after=True)
        made = self.add_breakpoint(Verb.BREAK, wanted, condition)
        return self.breakpoints.set_action(made.number, action)

    def value(self, expression: str) -> int:
        """The number that an expression has now: ``value("$r3")``, ``value("*(u16 *)0xc0001000")``."""
        return self.evaluate(expression).number

    def set_register(self, name: str, value: int) -> None:
        """Change a register, through the input queue. Raises UsageError for an unknown name."""
        self.writer.register(name, value)

    def set_tlb(self, entry: str, **fields: int) -> None:
        """Change an entry of the guest's TLB by the fields of its MAS registers: ``set_tlb("TLB1[3]", v=0)``. Raises
        UsageError for an entry or a field that is not there."""
        at = entries.place(self, entry)
        entries.write(self, entries.assigned(self, at, fields))

    @property
    def userspace(self) -> Vmm | None:
        """Who answers what KVM leaves to userspace, in place of the one that is built in: a ``Vmm`` of your own. Its
        answers are input: they are recorded, and going back asks nobody. One that is put in is asked from the end of
        what is known of the run on. Raises UsageError on the bare machine."""
        return queries.answers(self).vmm

    @userspace.setter
    def userspace(self, vmm: Vmm | None) -> None:
        answers = queries.answers(self)
        self.past.begin()
        position, exits = max(self.past.timeline.end, self.past.here)
        answers.put_in(vmm, (position, exits))

    def answer(self, reply: UserspaceExit | Ending) -> None:
        """Answer the exit that the guest stands at unanswered (``StopReport.asked``), and it alone; it completes when
        the guest runs on. Raises UsageError where there is none, and for what is no answer to it."""
        queries.kvm_of(self).leaving.answer(reply)

    def branch(self, name: str) -> Branch:
        """Begin another future here: what is done to the guest from now on is that branch's. ``branches.switch`` goes
        to another, ``branches.compare`` compares two. Raises UsageError for a name that is taken."""
        return self.branches.start(name)

    def what_if(self, *edits: str, at: str = "", instructions: int = 0, until: str = "") -> Comparison:
        """What would be other if some commands were carried out ``at`` a place (default: here): the first difference of
        the two futures, and those in the end, after so many ``instructions`` or ``until`` an event. The guest stays
        where it is. Raises UsageError for what cannot be understood."""
        return self.branches.what_if(edits, instructions, until, at)

    def read(self, address: int, length: int, space: Space = Space.EA) -> bytes:
        """Bytes of memory. Raises UsageError where any cannot be read; ``read_memory`` gives what there is."""
        data = self.memory.read(address, length, space)
        if None in data:
            at = address + data.index(None)
            why = self.why_unreadable(at) if space is Space.EA else "nothing readable is there"
            raise UsageError(f"cannot read at {at:#x}: {why}")
        return bytes(b for b in data if b is not None)

    def write(self, address: int, data: bytes, space: Space = Space.EA) -> None:
        """Change memory, through the input queue. Raises UsageError, and changes nothing, unless all of it is RAM."""
        self.writer.memory(address, data, space)
