"""Nothing in ``tui/`` holds logic that the prompt lacks: by what it imports, by name, and by what comes of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.commands.registry import commands
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.paths import PACKAGE
from ppcdbg.tui.keys import KEYS
from ppcdbg.tui.opening import Options, make_app
from ppcdbg.tui.panes.table import KINDS
from ppcdbg.tui.snapshot import _settled
from ppcdbg.tui.source import DebuggerSource

SCREEN = "the screen's own"
SAME = {
    "continue": "continue", "next": "nexti", "step": "stepi", "next-exit": "step-exit", "previous-exit": "exit",
    "breakpoint": "break", "interrupt": SCREEN, "interrupt-too": SCREEN, "back": "reverse-continue",
    "back-next": "reverse-nexti", "back-step": "reverse-stepi", "bookmark": "bookmark", "seek": "seek",
    "filter": "exits", "next-alike": "exits", "previous-alike": "exits", "now": "forward", "open": "pane",
    "return": "back", "command": SCREEN, "focus-next": SCREEN, "focus-previous": SCREEN, "zoom": SCREEN,
    "view": "pane", "order": "profile", "edit": "set var", "delete": "delete", "past": "tlb-history", "close": SCREEN,
    "wider": SCREEN, "narrower": SCREEN, "higher": SCREEN, "lower": SCREEN, "tell": "tell", "copy": SCREEN,
    "copy-all": SCREEN, "theme": SCREEN, "layout": "layout", "save-layout": "layout", "picture": SCREEN,
    "help": "help", "palette": "help", "quit": "quit", **{f"pane-{kind.name}": "pane" for kind in KINDS},
}  # fmt: skip
"""What each key does, as a command; interrupting is a prompt's Ctrl-C."""
READERS = {"source.py"}
"""What asks the debugger, beside the makers of panes."""
SHARED = ("ppcdbg.tui", "ppcdbg.views", "ppcdbg.errors", "ppcdbg.paths", "ppcdbg.config",
          "ppcdbg.debugger.topics", "ppcdbg.session.files", "ppcdbg.session.pace")  # fmt: skip
"""What no machine stands behind; of settings how TOML is read, of sessions how files are written whole, and when
something is due by the clock."""
ASKED = (*SHARED, "ppcdbg.debugger", "ppcdbg.kvm.records", "ppcdbg.kvm.log", "ppcdbg.nested.audit",
         "ppcdbg.explore.switch_report")  # fmt: skip


def imports(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports while it runs."""
    tree = ast.parse(path.read_text())
    skipped = {
        inner for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in skipped and (node.module or "").startswith("ppcdbg."):
            yield str(node.module)


@pytest.mark.parametrize("path", sorted((PACKAGE / "tui").rglob("*.py")), ids=lambda path: path.name)
def test_the_screen_asks_the_debugger_in_one_place_and_the_machine_nowhere(path: Path) -> None:
    reads = path.name in READERS or path.parent.name == "panes"
    allowed = ASKED if reads else SHARED
    for module in imports(path):
        assert any(module == one or module.startswith(one + ".") for one in allowed), f"{path.name} imports {module}"


def test_every_key_is_a_command_or_only_moves_the_screen() -> None:
    assert set(SAME) == {key.id for key in KEYS}
    known = {command.name for command in commands().all} | {a for c in commands().all for a in c.aliases}
    assert {name for name in SAME.values() if name != SCREEN} <= known
    assert all(commands().find(kind.command) for kind in KINDS if kind.command)


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        (["f11"], ["stepi"]),
        (["f10"], ["nexti"]),
        (["right_square_bracket", "right_square_bracket"], ["step-exit", "step-exit"]),
        (["f5"], ["continue"]),
        (["f11", "f11", "shift+f11"], ["stepi", "stepi", "reverse-stepi"]),
        (["f5", "shift+f5"], ["continue", "reverse-continue"]),
        (["f11", "f11", "shift+f10"], ["stepi", "stepi", "reverse-nexti"]),
        (["f9"], ["break *$pc"]),
        (["7", "enter", "l", "s", "enter"], ['send "ls\\n"']),
        (["w", "f11", "f10", "shift+f11"], ["world-switch step", "world-switch next", "world-switch back"]),
    ],
    ids=lambda given: " ".join(given),
)  # fmt: skip
async def test_what_comes_of_a_key_is_what_comes_of_its_command(keys: list[str], lines: list[str]) -> None:
    seen, told = prepared(), prepared()
    app = make_app(DebuggerSource(seen), Options("dark", False), {})
    async with app.run_test(size=(120, 36)) as pilot:
        await _settled(app)
        for key in keys:
            await pilot.press(key)
            await _settled(app)
    for line in lines:
        told.execute(line)
    assert state(seen) == state(told)


def prepared() -> Debugger:
    debugger = open_guest("demo", engine="reference")
    debugger.execute("step-exit 30")
    debugger.execute("break exit SYSCALL")
    return debugger


def state(debugger: Debugger) -> tuple[object, ...]:
    """All that a key may have changed."""
    waiting = [(event.position, event.kind, event.data) for event in debugger.system.input.pending()]
    points = [(b.verb, b.event.kind, b.event.address, b.enabled) for b in debugger.breakpoints]
    switch = debugger.world_switch.last
    return debugger.past.here, bytes(debugger.core.state.block), waiting, points, (switch.name, switch.position)
