"""Guest RAM that the host has no room for."""

from __future__ import annotations

import mmap

import pytest

from ppcdbg.errors import InputError
from ppcdbg.machine import memory
from ppcdbg.machine.memory import Ram


class Host:
    """One that refuses so often."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals

    def mapped(self, size: int) -> mmap.mmap:
        self.refusals -= 1
        if self.refusals >= 0:
            raise OSError(12, "Cannot allocate memory")
        return mmap.mmap(-1, size)


def test_a_machine_that_nobody_uses_any_more_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_mapped", Host(1).mapped)
    assert Ram(1 << 20).size == 1 << 20


def test_no_room_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_mapped", Host(2).mapped)
    with pytest.raises(InputError, match="the host has no 1 MiB for the guest's memory: Cannot allocate memory"):
        Ram(1 << 20)
