"""Exports agree with the run that was recorded, and ftrace's lines have the kernel's formats."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from ppcdbg.errors import UsageError
from ppcdbg.session.exports import FORMATS
from ppcdbg.session.machines import session_machine
from ppcdbg.session.store import Store
from tests.session.systems import demo
from tests.session.test_files import record

LINE = re.compile(r" +ppcdbg-1       \[000\] (d\.{4}|\.{5}) +\d+\.\d{6}: (kvm_\w+): (.*)")
EXIT = re.compile(r"exit=\w+ \| pc=0x[0-9a-f]+ \| msr=0x[0-9a-f]+ \| dar=0x[0-9a-f]+ \| last_inst=0x[0-9a-f]+")


def export(path: Path, name: str) -> str:
    store = Store.open(path)
    try:
        return "".join(FORMATS[name](store, session_machine(path, {})))
    finally:
        store.close()


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_every_export_has_every_exit(tmp_path: Path, cpu: str) -> None:
    path = tmp_path / "a.ppcdbg"
    system = record(path, demo(cpu, "kvm", "llvm"))
    exits = list(system.kvm.exits)  # type: ignore[attr-defined]
    rows = list(csv.DictReader(export(path, "csv").splitlines()))
    assert [(r["name"], int(r["pc"]), int(r["position"])) for r in rows] == [(e.name, e.pc, e.position) for e in exits]
    objects = [json.loads(line) for line in export(path, "jsonl").splitlines()]
    assert [(o["name"], o["inst"]) for o in objects] == [(e.name, e.last_inst) for e in exits]
    lines = export(path, "ftrace").splitlines()
    found = [LINE.fullmatch(line) for line in lines if line and not line.startswith("#")]
    assert all(found)
    told = [match[3] for match in found if match is not None and match[2] == "kvm_exit"]
    assert all(EXIT.fullmatch(text) for text in told)
    assert [text.split()[0][5:] for text in told] == [e.name for e in exits]


def test_a_bare_machine_has_no_kvm_to_trace(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    record(path, demo("e500v2", "none", "llvm"))
    assert "interrupt" not in export(path, "csv").splitlines()[0]
    with pytest.raises(UsageError, match="no KVM to trace"):
        export(path, "ftrace")
