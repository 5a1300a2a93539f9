"""``ppcdbg info``: the tables, against the facts that they are printed from."""

from __future__ import annotations

import json

import pytest

from ppcdbg.cli.info import TOPICS
from ppcdbg.debugger.commands.registry import commands
from ppcdbg.debugger.events import ABOUT, EventKind
from tests.cli.conftest import Cli


def rows(cli: Cli, *arguments: str) -> list[dict[str, object]]:
    data = json.loads(cli("info", *arguments, "--json").out)
    assert (data["schema"], data["status"], data["topic"]) == ("ppcdbg-info", "ok", arguments[0])
    return data["rows"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("topic", sorted(set(TOPICS) - {"commands"}))
def test_text_and_json_have_the_same_rows(cli: Cli, topic: str) -> None:
    text = cli("info", topic)
    assert (text.status, text.err) == (0, "")
    assert len(text.out.splitlines()) == len(rows(cli, topic)) + 1


@pytest.mark.parametrize("topic", sorted(set(TOPICS) - {"commands"}))
def test_markdown_is_a_table_of_the_same_rows(cli: Cli, topic: str) -> None:
    lines = cli("info", topic, "--markdown").out.splitlines()
    assert len(lines) == len(rows(cli, topic)) + 2
    bars = [line.replace("\\|", "").count("|") for line in lines]
    assert len(set(bars)) == 1


def test_the_manual_has_every_command_with_its_example(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    every = commands().all
    text, page = cli("info", "commands").out, cli("info", "commands", "--markdown").out
    assert [row["name"] for row in rows(cli, "commands")] == [c.name for c in every]
    assert all(len(line) <= 80 or line.startswith("      > ") for line in text.splitlines())
    joined = " ".join(text.split())
    for command in every:
        assert command.usage in joined and command.summary in joined
        for line in command.example.split("\n"):
            assert f"      > {line}\n" in text and f"    {line}\n" in page
        assert f"### `{command.name}`\n" in page
    assert all(kind in ABOUT for kind in EventKind), "a new kind of event needs a few words in events.ABOUT"
    assert all(f"| `{kind.value}` |" in page for kind in EventKind if kind is not EventKind.ADDRESS)


def test_every_exit_says_what_kvm_does(cli: Cli) -> None:
    table = rows(cli, "exits")
    assert all(row["KVM"] for row in table)
    syscall = {row["in"]: row["KVM"] for row in table if row["name"] == "SYSCALL"}
    assert syscall["HV"] == "no handler: BUG" and "SYSCALL" in str(syscall["PR"])
    assert [row["in"] for row in rows(cli, "exits", "--cpu", "e500mc")] == ["HV"] * 27


def test_priorities_are_in_order_of_delivery(cli: Cli) -> None:
    table = rows(cli, "irqprio")
    assert [row["n"] for row in table] == list(range(23))
    assert table[18]["name"] == "DECREMENTER" and table[18]["stays pending"] is True


def test_a_core_has_its_own_registers(cli: Cli) -> None:
    v2 = {row["name"] for row in rows(cli, "sprs", "--cpu", "e500v2")}
    mc = {row["name"] for row in rows(cli, "sprs", "--cpu", "e500mc")}
    assert "PID1" in v2 - mc and "GSRR0" in mc - v2


def test_devices_have_their_real_addresses(cli: Cli) -> None:
    table = {row["name"]: row for row in rows(cli, "machine")}
    assert table["serial0"]["address"] == "0xfe0004500"
