"""A second session that came of a first, and two compared: headless."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ppcdbg.machine.input import InputKind
from ppcdbg.machine.system import Limits, System
from ppcdbg.session.store import Store
from tests.cli.conftest import Cli
from tests.session.systems import demo
from tests.session.test_files import record


def typed(system: System) -> None:
    system.run(Limits(5_000))
    system.input.console(b"x")
    system.input.console(b"y", 8_000)


@pytest.mark.parametrize(("cpu", "hv"), [("e500mc", "kvm"), pytest.param("e500v2", "none", marks=pytest.mark.soak)])
def test_a_branch_replays_verifies_and_is_told_apart_from_where_it_began(
    tmp_path: Path, cli: Cli, cpu: str, hv: str
) -> None:
    one, two = tmp_path / "one.ppcdbg", tmp_path / "two.ppcdbg"
    record(one, demo(cpu, hv, "llvm"), typed)
    edits = ["--edit", "withhold input 1", "--edit", "set tlb 0x40011000 v=0", "--edit", "set $r27 = 5"]
    made = cli("session", "branch", one, "--at", "6000", *edits, "--for", "4000", "-o", two)
    assert made.status == 0, made.err
    assert "parted from" in made.out and "at 6,000" in made.out
    for engine in ("reference", "llvm"):
        assert cli("session", "verify", two, "--engine", engine).status == 0
    told = json.loads(cli("session", "info", two, "--json").out)
    assert told["branch of"] == f"{one} at 6,000: withhold input 1; set tlb 0x40011000 v=0; set $r27 = 5"
    assert told["kernel"] == "demo.elf"
    store = Store.open(two)
    assert [e.kind for e in store.input()] == [InputKind.CONSOLE, InputKind.TLB, InputKind.REGISTER]
    assert [(b.name, b.position) for b in store.bookmarks()] == [("branch", 6_000)]
    store.close()
    apart = cli("session", "diff", one, two)
    assert apart.status == 1
    assert "The states part at 6,000: r27 is 00000000 in one and 00000005 in two." in apart.out
    data = json.loads(cli("session", "diff", one, two, "--json").out)
    assert data["parted"]["position"] == 6_000 and data["flow"]["position"] != 6_000


def test_a_branch_of_a_branch_and_how_far_it_goes(tmp_path: Path, cli: Cli) -> None:
    files = [tmp_path / f"{n}.ppcdbg" for n in range(3)]
    record(files[0], demo("e500v2", "kvm", "llvm"))
    first = cli("session", "branch", files[0], "--at", "exit:1296", "--edit", "withhold DECREMENTER", "-o", files[1])
    assert "goes on" in first.out  # the demo waits for it
    second = cli("session", "branch", files[1], "--at", "30000", "--edit", "inject DECREMENTER", "-o", files[2])
    assert second.status == 0
    third = cli("session", "diff", files[0], files[2])
    assert third.status == 1 and "The first exit that differs is 1,297" in third.out
    edit = ("--at", "100", "--edit", "set $r30=1", "--for", "50")
    short = cli("session", "branch", files[0], *edit, "-o", tmp_path / "s")
    assert "150 instructions" in short.out


def test_the_same_run_is_the_same_on_either_engine(tmp_path: Path, cli: Cli) -> None:
    one = tmp_path / "one.ppcdbg"
    record(one, demo("e500mc", "kvm", "llvm"), typed)
    found = cli("session", "diff", one, one, "--engine", "reference,llvm")
    assert found.status == 0 and "are the same" in found.out


def test_what_a_branch_needs(tmp_path: Path, cli: Cli) -> None:
    one = tmp_path / "one.ppcdbg"
    record(one, demo("e500v2", "kvm", "llvm"))
    out = tmp_path / "out"
    for arguments, words in (
        (("branch", one), "at least one --edit"), (("branch", one, "--edit", "print 1", "-o", out), "changes nothing"),
        (("branch", one, "--edit", "nonsense", "-o", out), "no command 'nonsense'"),
        (("branch", one, "--at", "nowhere", "--edit", "set $r3=1", "-o", out), "no place in time"),
        (("branch", one, "--edit", "set $r3=1", "-o", one), "exists already"),
        (("diff", one, one, "--engine", "a,b,c"), "takes one name, or two"),
    ):  # fmt: skip
        found = cli("session", *arguments)
        assert found.status in (2, 3) and words in found.err, found.err
    assert not out.exists()
