"""``ppcdbg session``: questions, the tables in the file, and sessions that hold hashes only."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ppcdbg.machine.guests import guest_file
from tests.cli.conftest import Cli


@pytest.fixture
def session(tmp_path: Path, cli: Cli) -> Path:
    path = tmp_path / "a.ppcdbg"
    assert cli("record", "demo", "-o", path).status == 0
    return path


def test_the_tables_are_put_in_and_taken_out(session: Path, cli: Cli) -> None:
    question = ("session", "sql", session, "SELECT tlb, how, count(*) FROM tlb GROUP BY 1, 2 ORDER BY 1, 2")
    before = cli(*question)
    assert before.status == 0 and "guest\ttlbwe\t" in before.out
    found = cli("session", "index", session)
    assert found.status == 0 and " rows in tlb" in found.out and found.out.count("\n") == 1
    assert cli(*question).out == before.out
    assert cli("session", "verify", session).status == 0
    for words in ("its tables are gone", "has no such tables"):
        found = cli("session", "index", session, "--drop")
        assert found.status == 0 and words in found.out
    assert cli(*question).out == before.out
    rows = json.loads(cli(*question, "--json").out)
    assert rows == json.loads(cli("session", "sql", "--json", *question[2:]).out)
    assert [[str(value) for value in row.values()] for row in rows] == [
        line.split("\t") for line in before.out.splitlines()[1:]
    ]


def test_a_session_without_images_takes_the_users_own_file(tmp_path: Path, cli: Cli) -> None:
    path, kernel = tmp_path / "a.ppcdbg", guest_file("demo.elf", os.environ)
    assert cli("record", kernel, "--no-images", "-o", path).status == 0
    question = ("session", "sql", path, "SELECT count(*) FROM tlb")
    found = cli(*question)
    assert (found.status, found.err.count("\n")) == (3, 1) and "name the file by --kernel" in found.err
    assert cli(*question, "--kernel", kernel).status == 0
    for command in ("verify", "index"):
        assert cli("session", command, path, "--kernel", kernel).status == 0
    assert cli("replay", path, "--verify", "--kernel", kernel).status == 0
    wrong = cli("replay", path, "--verify", "--kernel", __file__)
    assert wrong.status == 3 and "is not the kernel that session" in wrong.err
