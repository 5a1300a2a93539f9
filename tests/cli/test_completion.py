"""Completion in shells, and the manual page: both are made of the parsers that run the commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ppcdbg.cli.completion import SHELLS, candidates
from ppcdbg.cli.main import COMMANDS, main


def complete(*words: str) -> set[str]:
    return set(candidates(list(words)))


def test_what_may_come_next() -> None:
    assert {"run", "race", "replay", "record", "repl"} <= complete("r") and "debug" not in complete("r")
    assert {"demo", "window", *COMMANDS} <= complete("")
    assert complete("run", "--cp") == {"--cpu"}
    assert complete("run", "--cpu", "") == set(), "argparse has no choices there; a file is no answer, but no harm"
    assert complete("run", "--hv", "") == {"kvm", "none"}
    assert complete("run", "--hv", "kvm", "dem") >= {"demo"}
    assert complete("info", "irq") == {"irqprio"}
    assert complete("session", "ver") == {"verify"}
    assert "demo-e500v2-kvm" in complete("session", "verify", "demo")
    assert complete("run", "demo", "x") == set()
    assert complete("completion", "") == set(SHELLS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_completes_its_options(name: str) -> None:
    assert "--help" in complete(name, "--")


def test_bash_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A real bash: the script is taken as it is, and asks a ppcdbg on PATH."""
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    tool = tmp_path / "ppcdbg"
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -m ppcdbg "$@"\n')
    tool.chmod(0o755)
    (tmp_path / "vmlinux image").write_text("")
    asked = (
        script
        + "\nfor words in 'ppcdbg ra' 'ppcdbg run --hv ' 'ppcdbg run vml'; do"
        + '\n  IFS=" " read -ra COMP_WORDS <<<"$words"; [ "${words% }" = "$words" ] || COMP_WORDS+=("")'
        + '\n  COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _ppcdbg; printf "%s," "${COMPREPLY[@]}"; echo\ndone\n'
    )
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(
        [bash, "--norc", "-c", asked], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=60
    )
    assert done.stdout.splitlines() == ["race,", "kvm,none,", "vmlinux image,"], done.stderr


def test_the_page_has_every_command_and_is_roff(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["man"]) == 0
    page = capsys.readouterr().out
    assert all(f".SS ppcdbg {name}" in page for name in COMMANDS)
    assert page.startswith(".TH PPCDBG 1") and "\n.SH EXIT STATUS\n" in page and r".B \-\-hv kvm|none" in page
    groff = shutil.which("groff")
    if groff:
        done = subprocess.run([groff, "-man", "-Tutf8", "-ww"], input=page, capture_output=True, text=True, timeout=60)
        assert "PPCDBG" in done.stdout and "warning: macro" not in done.stderr, done.stderr
