"""A test double of the screen's source: 100,000 exits made by arithmetic, and a guest that "runs" by sleeping.

It lets the tests hold the screen to its promises (only visible rows are made, the screen answers while the guest runs)
without a guest. What the real source shows is tested with the real debugger.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ppcdbg.errors import UsageError
from ppcdbg.tui.scene import Ask, Command, Filled, Follow, Move, Need, Pulse, Reply, Scene, Timeline, no_pulse
from ppcdbg.views.completion import Candidate, Candidates
from ppcdbg.views.spans import Line, Span, column, line

NAMES = ("DTLB_MISS", "PROGRAM", "ITLB_MISS", "SYSCALL", "DECREMENTER")


class Double:
    """``made`` counts the exit rows that were built; ``threads`` collects who called."""

    def __init__(self, exits: int = 100_000) -> None:
        self.exits = exits
        self.made = 0
        self.threads: set[str] = set()
        self.called: list[str] = []
        self.stop = threading.Event()
        self.moves: list[Move] = []
        self.executed: list[str] = []
        self.breakpoints: set[int] = set()
        self.typed: list[str] = []
        self.desktop = "exits"
        self.pc = 0xC0013A48
        self.reading = False
        self.torn = False
        self.crash: BaseException | None = None

    # The guest: between two calls of ``between`` it is "in motion" and must not be read.

    def move(self, move: Move, between: Callable[[], None]) -> Reply:
        self.moves.append(move)
        self.stop.clear()
        if move is Move.EXIT:
            self.exits += 1
        elif move is not Move.CONTINUE:
            self.pc += 4
        else:
            while not self.stop.is_set():
                self.reading = True
                time.sleep(0.01)
                self.exits += 7
                self.reading = False
                between()
        return Reply(moved=True)

    def execute(self, text: str, between: Callable[[], None]) -> Reply:
        self.executed.append(text)
        if text == "continue":
            return self.move(Move.CONTINUE, between)
        if text.startswith("layout "):
            verb, _, name = text.removeprefix("layout ").rpartition(" ")
            return Reply(layout=(verb or "use", name))
        if text == "quit":
            return Reply(leave=True)
        if text == "long":
            return Reply(tuple((Span(f"line {i} of a long answer"),) for i in range(60)))
        if text == "crash":
            raise RuntimeError("an internal error, on purpose")
        if text.startswith("print"):
            return Reply((line("$1 = ", ("0x2a", "number")),))
        raise UsageError(f"no command is named {text.split()[0]!r}; try help")

    def interrupt(self) -> None:
        self.stop.set()

    def check_filter(self, text: str) -> None:
        if text and text not in NAMES:
            raise UsageError(f"no field is named {text!r}")

    def same_kind(self, number: int | None, step: int) -> int | None:
        found = (self.exits if number is None else number) + step * len(NAMES)
        return found if 1 <= found <= self.exits else None

    def is_code(self, address: int) -> bool:
        return address >= 0xC0000000

    def find(self, pane: str, need: Need, text: str, row: int, step: int) -> int | None:
        return row + step * 3 if text == "there" else None

    def toggle_breakpoint(self, address: int) -> Reply:
        self.breakpoints ^= {address}
        return Reply((line(f"breakpoint at {address:08x}"),))

    def switch_breakpoint(self, number: int) -> Reply:
        return Reply((line(f"breakpoint {number} switched"),))

    def type(self, text: str) -> Reply:
        self.typed.append(text)
        return Reply((line("typed"),))

    def complete(self, text: str) -> Candidates:
        word = text.rpartition(" ")[2]
        names = {"continue": "let the guest run", "condition": "of a breakpoint", "quit": "", "long": ""}
        found = tuple(Candidate(name, about) for name, about in names.items() if name.startswith(word))
        return Candidates(len(text) - len(word), found)

    def called_for(self, pane: str) -> None:
        self.called.append(pane)

    def know_layouts(self, names: tuple[str, ...]) -> None:
        self.layouts = names

    def commands(self) -> tuple[Command, ...]:
        return (
            Command("continue", "continue", "let the guest run"),
            Command("print", "print[/FORMAT] EXPR", "show a [value]"),
        )

    # The scene.

    def numbers(self, text: str) -> range:
        if not text:
            return range(1, self.exits + 1)
        first = NAMES.index(text) or len(NAMES)
        return range(first, self.exits + 1, len(NAMES))

    def exit_row(self, number: int) -> Line:
        self.made += 1
        name = NAMES[number % len(NAMES)]
        return (
            column(f"{number:,}", 8, "position", right=True),
            Span("  "),
            column(f"{12_000_000 + number * 31:,}", 12, "number", right=True),
            Span("  "),
            column(name, 12, "exit"),
            Span(f" {0xC0010000 + number * 4 & 0xFFFFFFFF:08x} ", "address"),
            column("memset+0x40", 18, "symbol"),
            Span(" "),
            Span("map 4K", "did"),
        )

    def draw(self, ask: Ask, running: bool, pulse: Pulse = no_pulse) -> Scene:
        self.threads.add(threading.current_thread().name)
        self.torn |= self.reading
        if self.crash is not None:
            raise self.crash
        numbers = self.numbers(ask.filter)
        row = ask.row
        if ask.keep is not None:
            row = max(0, min(len(numbers) - 1, (ask.keep - numbers[0]) // numbers.step))
        cursor = len(numbers) - 1 if row is None else min(row, len(numbers) - 1)
        selected = numbers[cursor]
        panes = {kind: self.pane(kind, need, ask, cursor) for kind, need in ask.needs.items()}
        state = ("▶ running", "running") if running else ("■ stopped", "stopped")
        return Scene(
            ask=ask,
            status=line(" ppcdbg ", ("  demo   e500v2 PR   ", "label"), f"exit {self.exits:,}   ", state),
            story=line("The guest runs.")
            if running and ask.row is None
            else line(f"Exit {selected:,}: ", "a store to ", ("c0414000", "address"), " missed. " + "So it goes. " * 9),
            timeline=Timeline(
                tuple(i * 7 % 9 for i in range(40)), 20, line((f"{self.exits:,} exits", "label")), 10_000
            ),
            panes=panes,
            selected=selected,
            running=running,
            pc=self.pc,
        )

    def pane(self, kind: str, need: Need, ask: Ask, cursor: int) -> Filled:
        if kind == "exits":
            return self.exits_pane(need, ask, cursor)
        if kind == "disassembly":
            top = self.pc // 4 - need.height // 2 if need.top is None else need.top
            rows = []
            for place in range(top, top + need.height):
                sign = "●" if place * 4 in self.breakpoints else "▶" if place * 4 == self.pc else " "
                rows.append(
                    line(
                        (sign, "pc"),
                        (f"{place * 4 & 0xFFFFFFFF:08x}  ", "address"),
                        ("stwu    ", "mnemonic"),
                        "r4,4(r6)",
                    )
                )
            marks = tuple(place * 4 for place in range(top, top + need.height))
            return Filled(
                tuple(rows),
                "Disassembly",
                line("memset+0x40"),
                top,
                1 << 30,
                marks,
                self.pc // 4,
                endless=True,
                gutter=2,
            )
        rows = tuple(line((f"{kind} ", "label"), f"row {i}") for i in range(40 if kind in ("tlb", "console") else 6))
        return Filled(rows, kind, total=len(rows), tail=kind == "console")

    def exits_pane(self, need: Need, ask: Ask, cursor: int) -> Filled:
        numbers = self.numbers(ask.filter)
        top = max(0, cursor - need.height + 1) if need.top is None else need.top
        first = max(0, top - need.height)
        shown = numbers[first : top + 2 * need.height]
        rows = tuple(self.exit_row(number) for number in shown)
        note = line((f"filter: {ask.filter}  ", "match") if ask.filter else "", (f"{len(numbers):,}", "label"))
        head = line(("       #          insn  exit         pc       cause              did", "label"))
        follow = tuple(Follow("pane", name="detail") for _ in shown)
        return Filled(rows, "Exits", note, first, len(numbers), tuple(shown), cursor, head=head, follow=follow)
