"""What every error is: a sentence that a user can read."""

from __future__ import annotations

import pytest

from ppcdbg.cli.main import main
from ppcdbg.errors import LONGEST, InputError, UsageError
from tests.debugger.rig import branch, debugger


def test_a_sentence_is_told_as_it_is() -> None:
    text = "x" * LONGEST
    assert str(InputError(text)) == text


def test_of_one_that_quotes_a_whole_file_the_beginning_and_the_end_are_told() -> None:
    found = str(InputError(f"exit.json has the key {'k' * 100_000!r}; it must be one of a, b, c"))
    assert len(found) == LONGEST
    assert found.startswith("exit.json has the key 'kkk") and found.endswith("kkk'; it must be one of a, b, c")


ENDLESS = "9" * 5000


@pytest.mark.parametrize("words", [
    ["run", "demo", "--max-insns", ENDLESS], ["run", "demo", "--memory", ENDLESS],
    ["serve", "demo", "--gdb", f":{ENDLESS}"],
    ["race", "window", "--positions", f"1..{ENDLESS}"],
    ["race", "brokenlock", "--vcpus", "2", "--replay", f"1@{ENDLESS}"],
])  # fmt: skip
def test_a_number_longer_than_python_reads_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "has a number of more than 4000 digits" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["delete N", "ignore 1 N", "x/Nx 0", "info exits N", "seek N", "print $N", "echo N"])
def test_nor_does_a_command_take_one(line: str) -> None:
    with pytest.raises(UsageError, match="has a number of more than 4000 digits"):
        debugger(branch(0)).execute(line.replace("N", ENDLESS))
