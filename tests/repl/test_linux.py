"""A script on a real Linux guest: breakpoints on events of many kinds; the run then ends as it does without them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EVENTS = (
    "start_kernel",
    "exit DTLB_MISS if dear >= 0xc0000000",
    "exit PROGRAM if inst is mtspr",
    "hcall",
    "tlb write",
    "magic critical",
    "irqprio deliver DECREMENTER",
    'console "Run /init"',
)


def ppcdbg(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ppcdbg", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500)


def test_breakpoints_on_events_leave_the_run_as_it_is(shared: Path, tmp_path: Path) -> None:
    folder = shared / "guests" / "linux-e500v2-pv"
    guest = [str(folder / "vmlinux"), "--initrd", str(folder / "initrd.gz"), "--append", "console=ttyS0,115200"]
    lines = []
    for number, event in enumerate(EVENTS, 1):
        lines += [f"break {event}", "continue", f"check $_breakpoint == {number}", f"delete {number}"]
    lines += ["continue", "check $_ended", 'printf "%u %u\\n", $_insn, $_exits']
    script = tmp_path / "events.gdb"
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = ppcdbg("repl", *guest, "-n", "--json", "-x", str(script))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    stops = [one["result"] for one in objects if one.get("command") == "continue"]
    assert [stop["cause"] for stop in stops] == ["breakpoint"] * len(EVENTS) + ["ended"]
    positions = [stop["stop"]["position"] for stop in stops]
    assert positions == sorted(positions)
    plain = ppcdbg("run", *guest, "-q", "--json", str(tmp_path / "run.json"))
    summary = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    said = next(one["result"]["text"] for one in objects if one.get("result", {}).get("type") == "Text")
    assert said.split() == [str(summary["instructions"]), str(sum(summary["exits"].values()))]
    assert "".join(one.get("console", "") for one in objects).replace("\r\n", "\n") == plain.stdout
