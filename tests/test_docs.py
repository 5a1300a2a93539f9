"""Every command of the manual is run, in its order, and prints what the manual says.

A block ``console`` holds commands after ``$ `` and what they print; ``...`` stands for any lines. All blocks of a
chapter are run in one folder of their own. ``PPCDBG_DOCS=write`` puts what was printed into the chapters instead: read
the difference before it is kept.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.M | re.S)
ANY = "..."


def commands(block: str) -> list[tuple[str, list[str]]]:
    """The commands of a block, each with the lines under it; a command goes on after a backslash."""
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found and found[-1][0].endswith("\\") and not found[-1][1]:
            found[-1] = (f"{found[-1][0]}\n{line.removeprefix('>')}", [])
        else:
            found[-1][1].append(line)
    return found


def fits(shown: list[str], said: list[str]) -> bool:
    """Whether lines are what was said, ``...`` being any number of them."""
    if not said:
        return not shown
    if said[0].strip() == ANY:
        return any(fits(shown[skip:], said[1:]) for skip in range(len(shown) + 1))
    return bool(shown) and shown[0] == said[0] and fits(shown[1:], said[1:])


def run(command: str, folder: Path) -> list[str]:
    """What a shell prints on both streams, blanks at the ends of lines aside. A command must succeed, or show what its
    status is."""
    tool = folder / "bin" / "ppcdbg"
    if not tool.exists():
        tool.parent.mkdir()
        tool.write_text(f'#!/bin/sh\nexec {sys.executable} -m ppcdbg "$@"\n')
        tool.chmod(0o755)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PPCDBG_", "XDG_"))}
    cache = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    environment = clean | {
        "PATH": f"{tool.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(folder),
        "COLUMNS": "100", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "LC_ALL": "C.UTF-8", "TERM": "dumb",
        "XDG_CACHE_HOME": cache,
    }  # fmt: skip
    work = folder / "work"
    work.mkdir(exist_ok=True)
    done = subprocess.run(
        ["sh", "-c", command], cwd=work, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, f"$ {command}\n{done.stdout}status {done.returncode}"
    return [line.rstrip() for line in done.stdout.splitlines()]


@pytest.mark.parametrize("chapter", sorted(path.name for path in DOCS.glob("*.md")))
def test_the_manual_is_true(chapter: str, tmp_path: Path) -> None:
    path = DOCS / chapter
    text = path.read_text(encoding="utf-8")
    wrong, written = [], text
    for match in BLOCK.finditer(text):
        kind, block = match.groups()
        if kind == "python":
            shown = run(f"{sys.executable} - <<'END'\n{block}END", tmp_path)
            assert not any("Traceback" in line for line in shown), "\n".join(shown)
            continue
        for command, said in commands(block):
            shown = run(command, tmp_path)
            if not fits(shown, [line.rstrip() for line in said]):
                wrong.append(f"$ {command}\n" + "\n".join(shown) + "\n--- and not\n" + "\n".join(said))
                old = f"$ {command}\n" + "".join(f"{line}\n" for line in said)
                written = written.replace(old, f"$ {command}\n" + "".join(f"{line}\n" for line in shown), 1)
    if os.environ.get("PPCDBG_DOCS") == "write":
        path.write_text(written, encoding="utf-8")
        return
    assert not wrong, "\n\n".join(wrong)
