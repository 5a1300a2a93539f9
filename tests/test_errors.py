"""What every error is: a sentence that a user can read."""

from __future__ import annotations

from ppcdbg.errors import LONGEST, InputError


def test_a_sentence_is_told_as_it_is() -> None:
    text = "x" * LONGEST
    assert str(InputError(text)) == text


def test_of_one_that_quotes_a_whole_file_the_beginning_and_the_end_are_told() -> None:
    found = str(InputError(f"exit.json has the key {'k' * 100_000!r}; it must be one of a, b, c"))
    assert len(found) == LONGEST
    assert found.startswith("exit.json has the key 'kkk") and found.endswith("kkk'; it must be one of a, b, c")
