"""House rules that a machine can hold: sizes, no globals, no eval, licence. Standard library only."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "ppcdbg").rglob("*.py"))

LONGEST_FILE = 500  # but for instruction chapters, which follow the book
LONGEST_FUNCTION = 60
TOP_LEVEL = {"pyproject.toml", "ppcdbg", "themes", "sessions", "tests", "README.md", "docs", "LICENSE", "Makefile"}


def where(path: Path, node: ast.AST | None = None) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def nodes() -> Iterator[tuple[Path, ast.AST]]:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield path, node


def test_no_file_outgrows_its_room() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path in FILES
        if path.parent.name != "insns" and (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    ]
    assert not long, "\n".join(long)


def test_no_function_outgrows_a_screen() -> None:
    long = [
        f"{where(path, node)}: {node.name} has {size} lines"
        for path, node in nodes()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (size := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert not long, "\n".join(long)


def test_every_module_says_what_it_is_for() -> None:
    bare = [
        where(path)
        for path in FILES
        if path.read_text(encoding="utf-8").strip()
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not bare, f"no docstring at the head of {', '.join(bare)}"


def test_no_global_statement_and_no_eval() -> None:
    found = [
        where(path, node)
        for path, node in nodes()
        if isinstance(node, ast.Global)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"))
    ]
    assert not found, "\n".join(found)


def test_only_the_command_line_prints_or_exits() -> None:
    found = [
        where(path, node)
        for path, node in nodes()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("print", "exit", "quit", "input")
        and path.relative_to(ROOT).parts[1] not in ("cli", "repl", "examples")
    ]
    assert not found, "\n".join(found)


def test_the_top_level_stays_as_it_is() -> None:
    """Nothing else lies at the top of the checkout, dotfiles and build leftovers aside."""
    leftovers = {"build", "dist", "__pycache__"}
    assert {p.name for p in ROOT.iterdir() if not p.name.startswith(".")} - leftovers == TOP_LEVEL


def test_licence_is_apache_2_and_said_in_both_places() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "Apache License" in text and "Version 2.0, January 2004" in text
    assert project["license"] == "Apache-2.0"
