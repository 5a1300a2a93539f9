"""Images that were compressed before: the same bytes in the file, whatever has become of the cache."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ppcdbg.session.store import LARGE, Image, Store

DATA = os.urandom(LARGE) + bytes(LARGE)


def nothing(folder: Path) -> None:
    pass


def cut(folder: Path) -> None:
    for each in folder.iterdir():
        each.write_bytes(each.read_bytes()[:-1])


def changed(folder: Path) -> None:
    for each in folder.iterdir():
        data = bytearray(each.read_bytes())
        data[-9] ^= 1
        each.write_bytes(data)


def emptied(folder: Path) -> None:
    for each in folder.iterdir():
        each.write_bytes(b"")


def a_file(folder: Path) -> None:
    for each in folder.iterdir():
        each.unlink()
    folder.rmdir()
    folder.write_bytes(b"")


def kept(path: Path, cache: Path, data: bytes = DATA) -> list[Image]:
    store = Store.new(path)
    store.add_image("kernel", "vmlinux", data, keep=True, cache=cache)
    store.close()
    store = Store.open(path)
    try:
        return store.images()
    finally:
        store.close()


@pytest.mark.parametrize("harm", [nothing, cut, changed, emptied, a_file])
def test_an_image_is_what_it_was_whatever_became_of_the_cache(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    cache = tmp_path / "cache"
    first = kept(tmp_path / "1.ppcdbg", cache)
    assert first[0].data == DATA and len([*cache.iterdir()]) == 1
    harm(cache)
    assert kept(tmp_path / "2.ppcdbg", cache) == first
    assert kept(tmp_path / "3.ppcdbg", cache) == first


def test_an_image_is_taken_from_the_cache_and_small_ones_do_not_go_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    kept(tmp_path / "1.ppcdbg", cache)
    monkeypatch.setattr("ppcdbg.session.columns.compress", lambda data: pytest.fail("it was compressed already"))
    assert kept(tmp_path / "2.ppcdbg", cache)[0].data == DATA
    monkeypatch.undo()
    kept(tmp_path / "3.ppcdbg", cache, b"small")
    assert len([*cache.iterdir()]) == 1
