"""The command line by itself: which command, help, exit statuses, and one clear line for everything that is wrong."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from ppcdbg import __version__
from ppcdbg.cli import run
from ppcdbg.cli.status import Status
from tests.cli.conftest import Cli, start
from tests.guests.expected import IMAGE


def test_help_lists_commands_and_every_status(cli: Cli) -> None:
    result = cli("--help")
    assert result.status == 0
    assert all(command in result.out for command in ("debug", "run", "info"))
    assert all(f"{status.value:>3}  {status.about}" in result.out for status in Status)


def test_version(cli: Cli) -> None:
    assert cli("--version").out.startswith(f"ppcdbg {__version__} ")


@pytest.mark.parametrize("command", ["debug", "run", "info"])
def test_each_command_has_help(command: str) -> None:
    process = start([command, "--help"])
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert out.startswith(f"usage: ppcdbg {command}")


def truncated(tmp_path: Path) -> Path:
    file = tmp_path / "truncated.elf"
    file.write_bytes(IMAGE.read_bytes()[:6000])
    return file


def foreign(tmp_path: Path) -> Path:
    """An ELF file for a machine of the other endianness."""
    file = tmp_path / "foreign.elf"
    file.write_bytes(
        b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack("<HHIIIIIHHHHHH", 2, 20, 1, 0, 52, 0, 0, 52, 32, 1, 40, 0, 0)
    )
    return file


def x86(tmp_path: Path) -> Path:
    data = bytearray(IMAGE.read_bytes())
    data[18:20] = (3).to_bytes(2, "big")
    file = tmp_path / "x86.elf"
    file.write_bytes(data)
    return file


def unknown_key(tmp_path: Path) -> Path:
    file = tmp_path / "machine.toml"
    file.write_text(f'kernel = "{IMAGE}"\nmemroy = "64M"\n', encoding="utf-8")
    return file


BAD_FILES = {truncated: "truncated.elf", foreign: "foreign.elf", x86: "x86.elf", unknown_key: "memory"}


@pytest.mark.parametrize("make", BAD_FILES, ids=lambda make: make.__name__)
def test_a_bad_guest_is_one_line_and_status_3(cli: Cli, tmp_path: Path, make: object) -> None:
    result = cli("run", make(tmp_path))  # type: ignore[operator]
    assert (result.status, result.out) == (3, "")
    assert result.err.startswith("ppcdbg: ") and result.err.count("\n") == 1
    assert BAD_FILES[make] in result.err  # type: ignore[index]


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["run", "no-such-guest"], 3, "neither a file nor a bundled guest (atomic, brokenlock"),
        (["run", "demo", "--cpu", "e500v9"], 2, "--cpu"),
        (["run", "demo", "--memory", "much"], 2, "--memory"),
        (["run", "demo", "--quirk", "nonsense"], 2, "NAME=on or NAME=off"),
        (["run", "demo", "--quirk", "nonsense=on"], 2, "nonsense"),
        (["run", "demo", "--kernel", "other"], 2, "two guests"),
        (["run", "demo", "--no-such-option"], 2, "--no-such-option"),
        (["run", "demo", "--memory", "1M"], 3, "demo.elf"),
        (["run", "demo", "--initrd", "no-such-initrd"], 3, "no-such-initrd"),
        (["run", "demo", "--json", "/no/such/folder/x.json"], 3, "/no/such/folder/x.json"),
        (["rnu"], 2, "did you mean `ppcdbg run`"),
        (["info", "everything"], 2, "exits"),
        (["debug", "demo"], 2, "needs a terminal"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(cli: Cli, arguments: list[str], status: int, says: str) -> None:
    result = cli(*arguments, *(["-q"] if "--json" in arguments else []))
    assert result.status == status, result.err
    assert result.err.startswith("ppcdbg: ") and result.err.count("\n") == 1
    assert says in result.err


def test_an_error_is_in_the_json_too(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    assert cli("run", "no-such-guest", "--json", file).status == 3
    summary = json.loads(file.read_text(encoding="utf-8"))
    assert (summary["status"], summary["error"]["code"]) == ("error", 3)


def test_a_guest_that_jumps_into_nothing_has_failed(cli: Cli, tmp_path: Path) -> None:
    image = tmp_path / "jump.bin"
    image.write_bytes(bytes.fromhex("3c60dead7c6903a64e800420"))  # lis r3,0xdead; mtctr r3; bctr
    for hv in ("none", "kvm"):
        result = cli("run", image, "--load", "0x100000", "--hv", hv, "-q")
        assert (result.status, result.err.count("\n")) == (4, 1)
        assert result.err.startswith("ppcdbg: the guest failed after 3 instructions: ")
        assert "it began with ITLB_MISS at 0xdead0000" in result.err


def test_a_guest_that_never_ends_is_ended_by_a_limit(cli: Cli, tmp_path: Path) -> None:
    image = tmp_path / "endless.bin"
    image.write_bytes(bytes.fromhex("48000000"))
    result = cli("run", image, "--load", "0x100000", "--max-insns", "10k", "-q")
    says = "ppcdbg: the guest had not ended after 10,000 instructions (--max-insns), at pc 0x00100000\n"
    assert (result.status, result.err) == (6, says)


def test_an_internal_error_shows_its_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(options: object) -> int:
        raise ZeroDivisionError("made by a test")

    monkeypatch.setattr(run, "run", broken)
    result = cli("run", "demo")
    assert result.status == 70
    assert "Traceback" in result.err and "made by a test" in result.err
    assert result.err.splitlines()[-1].startswith("ppcdbg: this is a fault of ppcdbg")
