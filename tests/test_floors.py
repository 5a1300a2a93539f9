"""The floors of the house: imports point down only, and some imports must never exist. Standard library only.

Every import counts: at module scope, inside a function, under ``TYPE_CHECKING``. Read with README.md, "The floors".
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "ppcdbg"

# Ground floor first; names on one line stand side by side and may not know each other.
ORDER = (
    ("ppcdbg", "errors"),
    ("paths", "scratch"),
    ("config",),
    ("isa",),
    ("cpu",),
    ("engine",),
    ("machine",),
    ("kvm", "nested"),
    ("session", "conform"),
    ("explore",),
    ("debugger",),
    ("views",),
    # The benchmark stands beside the doors: it drives systems as they do, and below cli, which alone prints.
    ("gdbstub", "repl", "tui", "bench"),
    ("cli", "examples"),
    ("__main__",),
)
FLOOR = {room: number for number, rooms in enumerate(ORDER) for room in rooms}

# room prefix -> room prefixes that it must never import, though the order of the floors would allow it
NEVER = {
    "isa": ("paths", "config"),
    "cpu": ("paths", "config"),
    "engine.reference": ("engine.llvm",),
    "engine.llvm": ("engine.reference",),
    "machine.devices": ("machine.board", "machine.machine"),
}

# What a whole room stands on imports nothing else of that room but what it stands on as well.
FOUNDATIONS = ("cpu.addresses", "cpu.bus", "cpu.shortcuts", "engine.api", "isa.bits", "kvm.codes",
               "kvm.payloads", "kvm.records", "views.spans")  # fmt: skip

# library -> the rooms that may open its door
DOORS = {
    "capstone": ("isa",),
    "llvmlite": ("engine",),
    "pygments": ("views",),
    "prompt_toolkit": ("repl",),
    "textual": ("tui",),
    "rich": ("tui",),
    "perfetto": ("session",),
    "distributed": ("explore",),
    "dask": ("explore",),
    "google": ("session",),
    "pickle": (),
    "marshal": ("session.elsewhere",),  # between two halves of one program, never of a file
    "shelve": (),
}

# Nothing of the host may reach the guest: no clock, no chance, on the floors that make its state.
GUEST_FLOORS = ("isa", "cpu", "engine", "machine", "kvm", "nested")
HOST_SOURCES = ("random", "secrets", "time", "datetime", "uuid")

# After importing the room, these must not be loaded: start-up is paid by whoever needs the library.
HEAVY = ("textual", "rich", "prompt_toolkit", "pygments", "capstone", "llvmlite", "elftools", "fdt", "zstandard")
LIGHT_ROOMS = ("ppcdbg", "ppcdbg.errors", "ppcdbg.cli.main", "ppcdbg.isa.table", "ppcdbg.cpu.core", "ppcdbg.engine.api")
NEVER_LOADED = {
    "ppcdbg.engine.reference.engine": HEAVY,
    "ppcdbg.machine.machine": ("textual", "prompt_toolkit", "pygments", "capstone", "llvmlite", "ppcdbg.kvm"),
    "ppcdbg.kvm.run": ("textual", "prompt_toolkit", "pygments", "capstone", "llvmlite", "ppcdbg.debugger"),
    "ppcdbg.debugger.debugger": ("textual", "prompt_toolkit", "pygments", "llvmlite", "ppcdbg.views", "ppcdbg.tui"),
    "ppcdbg.bench.rows": ("textual", "rich", "prompt_toolkit", "pygments", "llvmlite", "ppcdbg.debugger", "ppcdbg.tui"),
    "ppcdbg.views.registers": ("textual", "rich", "prompt_toolkit", "llvmlite", "ppcdbg.tui"),
    "ppcdbg.debugger": (*HEAVY, "ppcdbg.debugger.api", "ppcdbg.debugger.debugger", "ppcdbg.kvm"),
    **dict.fromkeys(LIGHT_ROOMS, HEAVY),
}


def modules() -> Iterator[tuple[str, Path]]:
    """Every module as its dotted name below ``ppcdbg`` (the package itself is "ppcdbg") and its file."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(p for p in parts if p != "__init__") or "ppcdbg", path


def imports(name: str, path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, with the line; ``from a import b`` gives ``a`` and ``a.b``."""
    here = ["ppcdbg", *(() if name == "ppcdbg" else name.split("."))]
    package = here if path.name == "__init__.py" else here[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*up, *([node.module] if node.module else [])])
            yield base, node.lineno
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def own(imported: str) -> str | None:
    """The dotted name below ``ppcdbg``, "ppcdbg" for the package itself, None for anybody else's module."""
    head, _, rest = imported.partition(".")
    if head != "ppcdbg":
        return None
    return rest if rest.split(".")[0] in FLOOR else "ppcdbg"


def room(module: str) -> str:
    return module.split(".")[0]


def within(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


def complaints(name: str, path: Path) -> Iterator[str]:
    """What a file imports and must not."""
    for imported, line in imports(name, path):
        where = f"{path.relative_to(PACKAGE.parent)}:{line}"
        target = own(imported)
        if target is None:
            library = imported.split(".")[0]
            if library in DOORS and not any(within(name, door) for door in DOORS[library]):
                yield f"{where}: {library} is opened only by {', '.join(DOORS[library]) or 'nobody'}"
            if library in HOST_SOURCES and room(name) in GUEST_FLOORS:
                yield f"{where}: {library} would let the host's time or chance reach the guest"
            continue
        mine, theirs = FLOOR[room(name)], FLOOR[room(target)]
        if theirs > mine or (theirs == mine and room(target) != room(name) and mine > 0):
            yield f"{where}: {room(name)} must not import {room(target)}, which does not stand below it"
        for prefix, forbidden in NEVER.items():
            for other in forbidden:
                if within(name, prefix) and within(target, other):
                    yield f"{where}: {prefix} never imports {other}"
        grounded = target == room(name) or any(within(target, foundation) for foundation in FOUNDATIONS)
        if name in FOUNDATIONS and room(target) == room(name) and not grounded:
            yield f"{where}: {name} is what the rest of {room(name)} stands on and imports none of it"
        if within(name, "debugger.commands") and within(target, "debugger.commands"):
            leaf = target.removeprefix("debugger.commands").lstrip(".").split(".")[0]
            if name.split(".")[-1] not in ("registry", "commands", leaf) and leaf not in ("", "command", "registry"):
                yield f"{where}: one command never imports another; shared work moves to queries or stops"


def test_every_room_has_a_floor() -> None:
    assert {room(name) for name, _ in modules()} <= set(FLOOR)


def test_imports_point_down_only() -> None:
    found = list(dict.fromkeys(text for name, path in modules() for text in complaints(name, path)))
    assert not found, "\n" + "\n".join(found)


def test_packages_do_no_work_when_imported() -> None:
    """Importing a leaf runs every parent: an ``__init__`` holds a docstring and at most constants, or a lazy face."""
    for name, path in modules():
        if path.name == "__init__.py":
            body = ast.parse(path.read_text(encoding="utf-8")).body
            busy = [n.lineno for n in body if not _idle(n)]
            assert not busy, f"{name}/__init__.py does work at line {busy[0]}"


def _idle(node: ast.stmt) -> bool:
    """Nothing happens here when a package is imported: constants, imports for the type checker, PEP 562's function."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Assign(value=ast.Constant()) | ast.AnnAssign(value=ast.Constant()):
            return True
        case ast.ImportFrom(module="__future__" | "typing") | ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=[]):
            return True
        case ast.Assign(value=ast.Tuple(elts=elements)):
            return all(isinstance(e, ast.Constant) for e in elements)
    return isinstance(node, ast.FunctionDef) and node.name == "__getattr__"


@pytest.mark.parametrize("module", sorted(NEVER_LOADED))
def test_importing_a_room_loads_no_more_than_it_needs(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent, timeout=60)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.split()
    extra = [name for name in loaded if any(within(name, heavy) for heavy in NEVER_LOADED[module])]
    assert not extra, f"import {module} also loads {', '.join(extra[:5])}"
