"""Scripts by the command line: order, errors that name the line, statuses, JSON, pipes, the start file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's own folders, empty."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "XDG_CONFIG_HOME" / "ppcdbg").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    return tmp_path


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ppcdbg", "repl", "demo", *arguments],
        cwd=home / "work", text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def repl(home: Path, *arguments: str, typed: str = "") -> tuple[int, str, str]:
    process = start(home, *arguments)
    out, err = process.communicate(typed, timeout=60)
    return process.returncode, out, err


def commands(*lines: str) -> list[str]:
    return [word for text in lines for word in ("-c", text)]


def test_files_and_commands_in_their_order(home: Path) -> None:
    (home / "a.gdb").write_text("echo two\\n\n")
    status, out, err = repl(
        home, *commands("echo one\\n"), "-x", str(home / "a.gdb"), *commands("if 1", "echo three\\n", "end")
    )
    assert (status, out, err) == (0, "one\ntwo\nthree\n", "")


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("continue",), 0),
        (("stepi",), 0),
        (("bogus",), 2),
        (("source nothing.gdb",), 3),
        (("check 1", "check 2 == 3"), 1),
        (("quit 9",), 9),
        (("check 0", "quit"), 1),
        (("set $pc = 0xdead0000", "continue"), 4),
    ],
)
def test_the_exit_status_says_how_it_went(home: Path, lines: tuple[str, ...], status: int) -> None:
    assert repl(home, *commands(*lines))[0] == status


def test_gdbs_and_qemus_spellings_stand_beside_ours(home: Path) -> None:
    status, out, _ = repl(home, "-cpu", "e500mc", "-m", "64", "-ex", "info machine", "-c", "echo done\\n")
    assert status == 0 and "core e500mc" in out and "RAM 64 MiB" in out and out.endswith("done\n")


def test_a_limit_is_a_status_of_its_own(home: Path) -> None:
    status, out, _ = repl(home, *commands("continue", "stepi"), "--max-insns", "1000")
    assert status == 6 and "The instruction limit was reached" in out and "1,000 instructions" in out


def test_an_error_names_file_and_line_and_ends_the_script(home: Path) -> None:
    file = home / "a.gdb"
    file.write_text("stepi\nif 1\n  bogus\nend\necho never\n")
    status, out, err = repl(home, "-x", str(file), *commands("echo never"))
    assert status == 2 and "never" not in out
    assert err == f"ppcdbg: {file}:3: there is no command 'bogus'; 'help' lists what there is\n"
    assert repl(home, *commands("stepi", "bogus"))[2].startswith("ppcdbg: -c:2: there is no command")


def test_an_error_can_be_passed_over(home: Path) -> None:
    file = home / "a.gdb"
    file.write_text("bogus\nprint $nope\necho on\\n\n")
    status, out, err = repl(home, "-k", "-x", str(file), *commands("echo and on\\n"))
    assert (status, out) == (2, "on\nand on\n")
    assert [row.split(": ")[1] for row in err.splitlines()] == [f"{file}:1", f"{file}:2"]


def test_an_unfinished_block_says_where_it_began(home: Path) -> None:
    status, _, err = repl(home, *commands("echo", "while 1", "stepi"))
    assert status == 2 and "-c:2: the 'end' of this 'while' is missing" in err


def objects(out: str) -> list[dict[str, Any]]:
    return [json.loads(row) for row in out.splitlines()]


def test_json_is_one_object_a_result(home: Path) -> None:
    status, out, err = repl(
        home, "--json", "-k", *commands("step-exit", "print/x $pc", "bogus", "continue", "check $_ended")
    )
    assert status == 2 and "-c:3" in err
    head, stop, printed, error, *console, end, check = objects(out)
    assert head == {"schema": "ppcdbg-repl", "schema_version": 1, "guest": "demo.elf"}
    assert stop["command"] == "step-exit" and stop["where"] == "-c:1"
    assert stop["result"]["type"] == "StopReport" and stop["result"]["record"]["name"] == "ITLB_MISS"
    wanted = {"type": "Printed", "value": 0x100498, "format": "x", "bits": 32, "symbol": "_start", "also": []}
    assert wanted.items() <= printed["result"].items()
    assert error["error"]["class"] == "UsageError" and error["error"]["status"] == 2
    assert "".join(one["console"] for one in console).endswith("demo: done\n")
    positions = [one["position"] for one in console]
    assert positions == sorted(positions) and positions[-1] < end["position"]
    assert end["result"]["cause"] == "ended" and check["result"]["holds"] is True


def test_commands_from_a_pipe_are_answered_one_by_one(home: Path) -> None:
    process = start(home, "-n")
    assert process.stdin and process.stdout
    for text in ('printf "%d\\n", 6 * 7', "if 1\necho 8\\n\nend"):
        process.stdin.write(text + "\n")
        process.stdin.flush()
        assert process.stdout.readline() in ("42\n", "8\n")
    out, err = process.communicate("bogus\n", timeout=60)
    assert (process.returncode, out) == (2, "") and err.startswith("ppcdbg: stdin:5: there is no command")


def test_the_start_file_is_the_users_and_never_the_folders(home: Path) -> None:
    (home / "XDG_CONFIG_HOME" / "ppcdbg" / "init").write_text("define hello\necho hello $arg0\\n\nend\n")
    for name in (".ppcdbg", "init", ".gdbinit", ".ppcdbginit"):
        (home / "work" / name).write_text("echo EVIL\\n\n")
    assert repl(home, *commands("hello you"))[:2] == (0, "hello you\n")
    status, out, err = repl(home, "-n", *commands("hello you"))
    assert status == 2 and "EVIL" not in out and "'hello'" in err


def test_a_fault_of_the_start_file_is_said_and_ends_a_script(home: Path) -> None:
    init = home / "XDG_CONFIG_HOME" / "ppcdbg" / "init"
    init.write_text("bogus\n")
    status, out, err = repl(home, *commands("echo never"))
    assert (status, out) == (2, "") and err.startswith(f"ppcdbg: {init}:1: ")


def test_sigint_ends_a_script_with_130(home: Path) -> None:
    process = start(home, *commands("set $i = 0", "echo begun\\n", "while 1", "stepi", "tbreak *$pc", "end"))
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in err and "Traceback" not in err


def test_whoever_reads_may_go_away(home: Path) -> None:
    command = f"{sys.executable} -m ppcdbg repl demo -n -c 'while 1' -c 'echo 1\\n' -c end | head -1"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["1", "141"] and not done.stderr


def test_ascii_and_colours_by_option(home: Path) -> None:
    out = repl(home, "--ascii", "--color", "always", *commands("continue"))[1]
    assert out.isascii() and "| " in out and "\x1b[" in out
    assert "\x1b[" not in repl(home, *commands("continue"))[1]
