"""``ppcdbg run`` on the demo guest: console, summary, JSON, and the counts of the real KVM."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ppcdbg import __version__
from tests.cli.conftest import ROOT, Cli, start
from tests.guests.expected import DEMO, console

REAL = json.loads((DEMO / "real-kvm.json").read_text(encoding="ascii"))


def run_json(cli: Cli, tmp_path: Path, *arguments: str) -> Any:
    file = tmp_path / "run.json"
    result = cli("run", "demo", "-q", "--json", file, *arguments)
    assert result.status == 0, result.err
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("hv", ["kvm", "none"])
@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_the_console_is_on_stdout_and_the_summary_on_stderr(cli: Cli, cpu: str, hv: str) -> None:
    result = cli("run", "demo", "--cpu", cpu, "--hv", hv)
    assert (result.status, result.out) == (0, console(cpu, hv))
    assert result.err.startswith(f"demo.elf on {cpu}, hv={hv}: reset at ")


@pytest.mark.parametrize("irqchip", ["kernel", "user"])
def test_the_interrupt_controller_may_be_in_userspace(cli: Cli, irqchip: str) -> None:
    assert cli("run", "demo", "-q", "--irqchip", irqchip).out == console()


def test_the_paravirtual_interface_can_be_off(cli: Cli) -> None:
    printed = cli("run", "demo", "-q", "--pv", "off").out
    assert "magic page here" in printed or "names no hypervisor" in printed
    assert "SPRG3 stored there" not in printed


def test_qemu_spellings_mean_the_same(cli: Cli) -> None:
    from tests.guests.expected import IMAGE

    result = cli("run", "-cpu", "e500mc", "-m", "64", "-kernel", IMAGE, "-append", "x", "-q")
    assert (result.status, result.out) == (0, console("e500mc"))


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.json", "b.json")]
    for seed, file in enumerate(files):
        # A process each, with different string hashes: set and dict orders must not show.
        process = start(["run", "demo", "-q", "--json", file], env={"PYTHONHASHSEED": str(seed), "PATH": ""})
        assert process.communicate(timeout=120)[1] == ""
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_summary_as_data(cli: Cli, tmp_path: Path) -> None:
    summary = run_json(cli, tmp_path)
    assert (summary["schema"], summary["schema_version"]) == ("ppcdbg-run", 1)
    assert (summary["ppcdbg_version"], summary["status"]) == (__version__, "ok")
    assert summary["end"]["reason"] == "reset"
    assert summary["console_bytes"] == len(console())
    assert summary["hypercalls"] == {"KVM_HC_FEATURES": 1, "KVM_HC_PPC_MAP_MAGIC_PAGE": 1}
    assert set(summary["mmio"]) == {"guts", "mpic", "serial0"}


def test_counts_are_those_of_the_real_kvm(cli: Cli, tmp_path: Path) -> None:
    """But for what is the host's: its timer, and shadow entries that its own TLB use evicts and KVM maps again."""
    summary = run_json(cli, tmp_path, "--cpu", "e500v2")
    exits, stat = summary["exits"], summary["stat"]
    for name in ("DATA_STORAGE", "DTLB_MISS", "PROGRAM", "SYSCALL"):
        assert exits[name] == REAL["exits"][name], name
    assert 1 < exits["ITLB_MISS"] <= REAL["exits"]["ITLB_MISS"]
    assert summary["interrupts"]["queued"] == REAL["queued"]
    assert summary["interrupts"]["delivered"] == REAL["queued"]
    assert summary["emulated"] == {name: n for name, n in REAL["emulated"].items() if name != "load or store"}
    assert sum(n["reads"] + n["writes"] for n in summary["mmio"].values()) == REAL["emulated"]["load or store"]
    for name in REAL["stats"].keys() - {"dec_exits", "itlb_virt_miss_exits"}:
        assert stat[name] == REAL["stats"][name], name


def test_a_limit_ends_the_run_exactly(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    result = cli("run", "demo", "--max-insns", "1234", "--json", file)
    summary = json.loads(file.read_text(encoding="utf-8"))
    assert (result.status, summary["status"], summary["instructions"]) == (6, "limit", 1234)


def test_json_to_stdout_follows_the_console(cli: Cli) -> None:
    result = cli("run", "demo", "-q", "--json", "-", "--hv", "none")
    assert result.out.startswith(console(hv="none"))
    assert json.loads(result.out.removeprefix(console(hv="none")))["status"] == "ok"


def endless(tmp_path: Path) -> list[str | Path]:
    """A guest that branches to itself."""
    image = tmp_path / "endless.bin"
    image.write_bytes(bytes.fromhex("48000000"))
    return ["run", image, "--load", "0x100000", "--hv", "none"]


def test_interrupting_ends_the_run_and_still_tells(tmp_path: Path) -> None:
    process = start(endless(tmp_path))
    try:
        process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "endless.bin on e500v2, hv=none: interrupted at 0x00100000" in err


def test_a_reader_that_goes_away_is_no_error() -> None:
    process = start(["run", "demo", "-q"])
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), err) == (141, "")


UNWANTED = (
    "ppcdbg.session.store", "ppcdbg.debugger", "ppcdbg.views", "ppcdbg.engine.llvm.tier1", "llvmlite", "hashlib",
    "json", "platformdirs", "shutil", "sqlite3", "tempfile", "textual", "zstandard",
)  # fmt: skip


@pytest.mark.parametrize("hv", ["kvm", "none"])
def test_a_start_loads_nothing_that_a_run_does_not_need(tmp_path: Path, hv: str) -> None:
    """Start-up is a third of a Linux boot; a module that creeps in costs each run 1 to 20 ms."""
    first = start(["run", "-q", "demo", "--hv", hv])  # fills the caches, which loads the compiler
    assert first.wait(timeout=60) == 0
    run = f"from ppcdbg.cli.main import main; main(['run', '-q', 'demo', '--hv', '{hv}'])"
    code = f"import sys; {run}; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, check=True)
    loaded = done.stdout.decode().splitlines()[-1].split()
    assert "ppcdbg.machine.board" in loaded
    assert [name for name in UNWANTED if name in loaded] == []
