"""The UI as its user meets it: the real program on a pseudo-terminal, bytes in and bytes out (:mod:`bench.terminal`).

ui-paint   from the creation of the process to the last change of the screen before it rests: the first full paint
ui-key     from a key to the bytes that show what it does, while the guest runs at full speed. A third each: another
           pane gets the focus, a character appears in the line that is typed, the cursor of a list moves
ui-frames  screens a second while the guest runs at full speed; one counts when the instruction count in the title is
           another than before. The guest is hot loop a, and one that leaves its own code for KVM without end;
           ``alone``: so many would the screen's thread paint if it had a processor for itself, by its processor time
ui-filter  a filter over a million exits, by the debugger's own interface: the first on them, and the same again; in
           processor time of the one thread that does it
ui-scroll  the same million in the list: from a key or a turn of the wheel until every row is there

Wall time otherwise, as everywhere. What the processors are busy with beside falls on all of it: the UI's own processor
time until its first paint is a figure too.
"""

from __future__ import annotations

import os
import re
import struct
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ppcdbg.bench.clock import now, worked
from ppcdbg.bench.guests import LINUX_APPEND, LINUX_MEMORY, LOOP_CPU, linux
from ppcdbg.bench.results import Ask, Better, NotRun
from ppcdbg.bench.row import Row, Subject
from ppcdbg.bench.terminal import Screen, Terminal
from ppcdbg.bench.whole import inherited
from ppcdbg.paths import PACKAGE

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

SIZES = ((80, 24), (120, 40), (220, 60))
USUAL = SIZES[1]
FIRST_PAINT, KEY, FRAMES, FILTER, SCREENFUL, STALL = 0.7, 50.0, 30.0, 100.0, 33.0, 100.0
"""What is asked: seconds; milliseconds of the slowest key but one in twenty; a second; and milliseconds: of a filter,
of half of the screenfuls, of the slowest one."""

LOAD = 0x800000
ENDLESS = (
    (0x3CA00010, "lis     r5,16"),
    (0x38C00001, "li      r6,1"),
    (0x7CC903A6, "mtctr   r6"),
    (0x42000000, "bdnz    0x80000c"),
    (0x7C7042A6, "mfspr   r3,SPRG0"),
    (0x7C6000A6, "mfmsr   r3"),
    (0x90650000, "stw     r3,0(r5)"),
    (0x38A51000, "addi    r5,r5,4096"),
    (0x54A502BE, "clrlwi  r5,r5,10"),
    (0x4BFFFFE0, "b       0x800004"),
)
"""A guest at ``LOAD`` that exits for ever: two privileged instructions and a miss, then some turns of a loop of one
instruction; how many is the lower half of its second word."""
TURNS = 20_000
"""Turns that make it exit about as often as a Linux that boots."""
A_MILLION = 3_426_300
"""Instructions of it with one turn that make a million exits and some."""
CONTINUE, HOME, END, UP, DOWN, PAGE_UP, PAGE_DOWN = (
    b"\x1b[15~", b"\x1b[H", b"\x1b[F", b"\x1b[A", b"\x1b[B", b"\x1b[5~", b"\x1b[6~",
)  # fmt: skip
WHEEL_UP, WHEEL_DOWN = b"\x1b[<64;10;8M", b"\x1b[<65;10;8M"
REST = 0.04
"""Seconds between two keys, about: a hand's fastest."""
FILTERS = (
    "exit == DTLB_MISS",
    "exit is not PROGRAM",
    "exit == DTLB_MISS and dear >= 0x200000",
    "insn > 100000 && exit == PROGRAM && pc == 0x800010",
    "exit == PROGRAM or dear < 0x1000",
    "spr == SPRG0",
    'cause == "mfmsr*"',
    "(dear & 0xf000) == 0x3000",
)


@dataclass(frozen=True)
class Amounts:
    """How much is measured: keys of a round, seconds in which screens are counted, and for how long guests are."""

    keys: int = 60
    seconds: float = 2.0
    exits_at: int = A_MILLION


def endless(folder: Path, turns: int) -> Path:
    """The image of the guest that exits for ever."""
    words = [word for word, _ in ENDLESS]
    words[1] += turns - 1
    path = folder / f"exits-{turns}.bin"
    path.write_bytes(struct.pack(f">{len(words)}I", *words))
    return path


def at_endless(image: Path) -> list[str]:
    return [str(image), "--load", f"{LOAD:#x}", "--cpu", "e500v2", "--memory", "64M"]


def at_linux(folder: Path | None) -> list[str]:
    guest = linux("e500v2", folder)
    kernel = guest.kernel.with_name("vmlinux")
    return [
        str(kernel if kernel.is_file() else guest.kernel), "--cpu", guest.cpu, "--memory", str(LINUX_MEMORY >> 20),
        "--initrd", str(guest.initrd), "--append", LINUX_APPEND,
    ]  # fmt: skip


def ui(arguments: Sequence[str], size: tuple[int, int], folder: Path) -> Terminal:
    """``ppcdbg debug`` with settings of its own: the user's layout and keys are in no figure."""
    environment = inherited(os.environ) | {"XDG_CONFIG_HOME": str(folder), "XDG_STATE_HOME": str(folder)}
    return Terminal([sys.executable, "-m", "ppcdbg", "debug", *arguments], size, environment, PACKAGE.parent)


def running(terminal: Terminal) -> None:
    """Let the guest run at full speed."""
    terminal.rests()
    terminal.send(CONTINUE)
    terminal.until(lambda screen: "running" in screen.rows[0])


# --- paint ------------------------------------------------------------------------------------------------------------
def paint_row(linux_folder: Path | None, folder: Path) -> Row:
    """The first paint, of the bundled guest and of Linux."""

    def paint(name: str, arguments: Callable[[], list[str]]) -> Mapping[str, float]:
        with ui(arguments(), USUAL, folder) as terminal:
            painted = terminal.rests()
        return {name: painted.seconds, f"{name}, processor": painted.processor}

    guests = {"demo": lambda: ["demo"], "linux-e500v2": lambda: at_linux(linux_folder)}
    subjects = tuple(Subject(n, lambda n=n, a=a: paint(n, a)) for n, a in guests.items())  # type: ignore[misc]
    return Row(
        "ui-paint", "the UI's first full paint, 120x40, caches warm", "s", Better.LOWER, subjects,
        tuple(Ask(name, FIRST_PAINT) for name in guests), warm=lambda: paint("demo", guests["demo"]),
    )  # fmt: skip


# --- keys -------------------------------------------------------------------------------------------------------------
Key = tuple[bytes, Callable[[Screen], bool]]


def focus_keys(screen: Screen) -> Iterator[Key]:
    """The console's key and that of the exits in turn, each until its pane has the heavy title."""
    while True:
        yield b"7", lambda screen: "━ 7 " in screen.text
        yield b"1", lambda screen: "━ 1 " in screen.text


def cursor_keys(screen: Screen) -> Iterator[Key]:
    """Up and down in the exits, each until the sign stands at another."""
    while True:
        for key in (UP, DOWN):
            before = selected(screen)
            yield key, lambda screen, before=before: selected(screen) not in (before, "")  # type: ignore[misc]


def letter_keys(screen: Screen) -> Iterator[Key]:
    """Letters into the command line, each until it stands at the end of the line."""
    text = ""
    while True:
        text = (text + "abcdefghij"[len(text) % 10])[-20:]
        yield text[-1].encode(), lambda screen, text=text: screen.rows[-1].rstrip().endswith(text)  # type: ignore[misc]


def selected(screen: Screen) -> str:
    """The number of the exit under the cursor."""
    return next((row[1:].split()[0] for row in screen.rows if row.startswith("▸")), "")


def hears(terminal: Terminal, seconds: float) -> None:
    """Take what comes for so long."""
    end = now() + seconds
    while (left := end - now()) > 0:
        terminal.hear(left)


def waits(terminal: Terminal, typed: Iterator[Key], times: int) -> list[float]:
    """Milliseconds from each key to its paint, with pauses that meet the guest and the screen at any moment."""
    found = []
    for number in range(times):
        hears(terminal, REST + number % 7 * 0.003)
        key, shows = next(typed)  # only now: what it is to change is on the screen
        if "running" not in terminal.screen.rows[0]:
            raise NotRun("the guest ended before the keys did")
        began = terminal.send(key)
        found.append(1000 * (terminal.until(shows) - began))
    return found


def key_row(guests: Mapping[str, Sequence[str]], folder: Path, amounts: Amounts) -> Row:
    """Key to paint beside a guest at full speed."""

    def press(name: str) -> Mapping[str, float]:
        times = max(1, amounts.keys // 3)
        with ui(guests[name], USUAL, folder) as terminal:
            running(terminal)
            screen = terminal.screen
            every = waits(terminal, focus_keys(screen), times)
            terminal.send(UP)  # from here on the cursor follows the guest no longer
            hears(terminal, 10 * REST)
            every += waits(terminal, cursor_keys(screen), times)
            terminal.send(b":")
            terminal.until(lambda screen: screen.rows[-1].lstrip().startswith(":"))
            every += waits(terminal, letter_keys(screen), times)
        every.sort()
        return {name: every[int(0.95 * (len(every) - 1))], f"{name}, median": every[len(every) // 2],
                f"{name}, slowest": every[-1]}  # fmt: skip

    subjects = tuple(Subject(name, lambda name=name: press(name)) for name in guests)  # type: ignore[misc]
    return Row(
        "ui-key", "key to paint, the 95th percentile of each run, while the guest runs at full speed, 120x40", "ms",
        Better.LOWER, subjects, tuple(Ask(name, KEY) for name in guests),
    )  # fmt: skip


# --- frames -----------------------------------------------------------------------------------------------------------
def frames_row(guests: Mapping[str, Sequence[str]], folder: Path, amounts: Amounts) -> Row:
    """Screens a second beside a guest at full speed."""

    def count(name: str, size: tuple[int, int]) -> Mapping[str, float]:
        with ui(guests[name], size, folder) as terminal:
            running(terminal)
            seen, start, used = {terminal.screen.rows[0]}, now(), terminal.first_thread
            while now() < start + amounts.seconds:
                if terminal.hear(0.1):
                    seen.add(terminal.screen.rows[0])
            if "running" not in terminal.screen.rows[0]:
                raise NotRun("the guest ended before the time did")
            count, label = len(seen) - 1, labelled(name, size)
            return {label: count / (now() - start), f"{label}, alone": count / (terminal.first_thread - used)}

    def labelled(name: str, size: tuple[int, int]) -> str:
        return f"{name}, {size[0]}x{size[1]}"

    every = [(name, size) for name in guests for size in SIZES]
    return Row(
        "ui-frames", "screens a second while the guest runs at full speed", "screens/s", Better.HIGHER,
        tuple(Subject(labelled(*one), lambda one=one: count(*one)) for one in every),  # type: ignore[misc]
        tuple(Ask(labelled(*one), FRAMES) for one in every),
    )  # fmt: skip


# --- a million exits --------------------------------------------------------------------------------------------------
def with_exits(image: Path, position: int) -> Debugger:
    """A debugger whose guest has come to a position, at full speed."""
    from ppcdbg.debugger.debugger import Debugger
    from ppcdbg.machine.description import MachineDescription
    from ppcdbg.session.systems import open_system

    debugger = Debugger(open_system(MachineDescription(image, cpu="e500v2", load=LOAD)))
    debugger.execute(f"seek {position}")
    return debugger


def filter_row(image: Path, amounts: Amounts) -> Row:
    """Filters over a million exits."""

    def find(text: str) -> Mapping[str, float]:
        debugger = with_exits(image, amounts.exits_at)
        seconds, found = worked(lambda: len(debugger.exit_filter(text, whole=True)))
        again, _ = worked(lambda: len(debugger.exit_filter(text, whole=True)))
        if not 0 < found < len(debugger.exits):
            raise NotRun(f"the filter lets {found} of {len(debugger.exits)} exits through")
        return {text: 1000 * seconds, f"{text}, again": 1000 * again}

    return Row(
        "ui-filter", "a filter over a million exits, the first on them, and once more; processor time",
        "ms", Better.LOWER,
        tuple(Subject(text, lambda text=text: find(text)) for text in FILTERS),  # type: ignore[misc]
        tuple(Ask(text, FILTER) for text in FILTERS),
    )  # fmt: skip


_NUMBER = re.compile(r"[▸ ] *([\d,]+) ")


def listed(screen: Screen) -> list[int]:
    """The numbers of the exits in the list, from its first row on; none where a row is still to come."""
    top = next((y for y, row in enumerate(screen.rows) if row[:3] in ("━ 1", "─ 1")), 0) + 2
    end = next((y for y in range(top, len(screen.rows)) if screen.rows[y][:1] in "━─"), top)
    found = [_NUMBER.match(row) for row in screen.rows[top:end]]
    return [int(one[1].replace(",", "")) for one in found if one] if all(found) else []


def arrived(key: bytes, before: list[int], last: int, screen: Screen) -> bool:
    """Whether the list shows what a key is for, all of it; ``last`` is the number of the last exit."""
    now_there = listed(screen)
    if key in (HOME, END):
        return bool(now_there) and (now_there[0] == 0 if key == HOME else now_there[-1] == last)
    return now_there not in (before, [])


def scroll_row(image: Path, folder: Path, amounts: Amounts) -> Row:
    """The list of a million exits, gone through by keys and wheel."""
    moves = (WHEEL_UP, PAGE_UP, PAGE_UP, HOME, PAGE_DOWN, PAGE_DOWN, WHEEL_DOWN, END)

    def scroll() -> Mapping[str, float]:
        arguments = [*at_endless(image), "-c", f"seek {amounts.exits_at}"]
        found = []
        with ui(arguments, USUAL, folder) as terminal:
            terminal.rests()
            terminal.until(lambda screen: bool(listed(screen)))
            last = listed(terminal.screen)[-1]
            for number in range(amounts.keys):
                before = listed(terminal.screen)
                began = terminal.send(moves[number % len(moves)])
                shown = terminal.until(partial(arrived, moves[number % len(moves)], before, last))
                found.append(1000 * (shown - began))
                while terminal.hear(REST):
                    pass
        found.sort()
        return {"slowest": found[-1], "median": found[len(found) // 2]}

    return Row(
        "ui-scroll", "the list of a million exits: from a key or the wheel until every row is there, 120x40", "ms",
        Better.LOWER, (Subject("slowest", scroll),), (Ask("slowest", STALL), Ask("median", SCREENFUL)),
    )  # fmt: skip


def rows(linux_folder: Path | None, folder: Path, loop: Path, amounts: Amounts) -> tuple[Row, ...]:
    """Every row; ``loop`` is hot loop a without end, ``folder`` takes images and settings."""
    guests = {
        "hot loop": [str(loop), "--cpu", LOOP_CPU],
        "exits": at_endless(endless(folder, TURNS)),
    }
    million = endless(folder, 1)
    return (
        paint_row(linux_folder, folder),
        key_row(guests, folder, amounts),
        frames_row(guests, folder, amounts),
        filter_row(million, amounts),
        scroll_row(million, folder, amounts),
    )
