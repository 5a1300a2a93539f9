"""Machine descriptions from TOML and from options."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppcdbg.errors import InputError, UsageError
from ppcdbg.machine.description import (
    MachineDescription,
    describe,
    parse_address,
    parse_count,
    parse_size,
    read_description,
)


def toml(folder: Path, text: str) -> Path:
    path = folder / "machine.toml"
    path.write_text(text)
    return path


def test_every_kind_of_value(tmp_path: Path) -> None:
    path = toml(
        tmp_path,
        'kernel = "k/vmlinux"\ncpu = "e500v2_v30"\nhv = "none"\nmemory = "64M"\ninitrd = "/abs/initrd"\n'
        'append = "console=ttyS0"\nload = 0x10000\nmax-insns = "50M"\non_emulation_failure = "exit"\n'
        "[quirks]\nQ3 = false\nQ1 = true\n",
    )
    assert read_description(path) == MachineDescription(
        kernel=tmp_path / "k/vmlinux",
        cpu="e500v2",
        hv="none",
        memory=64 << 20,
        initrd=Path("/abs/initrd"),
        append="console=ttyS0",
        load=0x10000,
        max_insns=50_000_000,
        on_emulation_failure="exit",
        quirks=(("Q1", True), ("Q3", False)),
    )


BAD = {
    'kernel = "k"\nmemroy = "1M"': "key 'memroy' in {file} is unknown; did you mean 'memory'?",
    'kernel = "k"\nonemulation-failure = "exit"': "did you mean 'on-emulation-failure'?",
    'kernel = "k"\nxyzzy = 1': "the keys are kernel, cpu, hv",
    'kernel = "k"\ncpu = "e500vm"': "key 'cpu' in {file} is 'e500vm'; it must be e500mc or e500v2",
    'kernel = "k"\nhv = 1': "key 'hv' in {file} is 1; it must be text",
    'kernel = "k"\nmemory = "lots"': "it must be a size like 128M",
    'kernel = "k"\nmemory = true': "it must be a size",
    'kernel = "k"\nmemory = 0': "it must be a size",
    'kernel = "k"\nload = "start"': "it must be an address",
    'kernel = "k"\nload = 0x100000000': "at most 0xffffffff",
    'kernel = "k"\nappend = ["a"]': "it must be text",
    'kernel = "k"\nquirks = "all"': "it must be a table of switches",
    'kernel = "k"\n[quirks]\nQ1 = 1': "'Q1' of key 'quirks'",
    'kernel = "k"\nmax-insns = 1\nmax_insns = 2': "given twice",
    "kernel = 1": "it must be a file name",
    'cpu = "e500mc"': "names no guest",
    "kernel = ": "is not valid TOML",
}


@pytest.mark.parametrize("text", BAD)
def test_bad_files_name_the_key_and_what_is_right(tmp_path: Path, text: str) -> None:
    path = toml(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_description(path)
    assert BAD[text].format(file=path) in str(caught.value)
    assert str(path) in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_description(tmp_path / "absent.toml")
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not valid TOML"):
        read_description(path)


def test_options_win_over_the_file_and_none_is_unset(tmp_path: Path) -> None:
    path = toml(tmp_path, 'kernel = "k"\nmemory = "64M"\ncpu = "e500v2"\n')
    made = describe(path, {"memory": "1G", "cpu": None, "initrd": "initrd.gz"})
    assert (made.memory, made.cpu, made.initrd) == (1 << 30, "e500v2", Path("initrd.gz"))
    assert describe(Path("vmlinux")) == MachineDescription(kernel=Path("vmlinux"))


def test_bad_options_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="option --irqchip is 'kernal'; it must be kernel or user"):
        describe(Path("vmlinux"), {"irqchip": "kernal"})
    with pytest.raises(UsageError, match="option --inird is unknown; did you mean 'initrd'"):
        describe(Path("vmlinux"), {"inird": "x"})


@pytest.mark.parametrize(
    ("text", "size"),
    [("128M", 128 << 20), ("64", 64 << 20), ("1G", 1 << 30), ("65536k", 64 << 20), ("16MiB", 16 << 20), (4, 4 << 20),
     ("4096b", 4096)],
)  # fmt: skip
def test_sizes_as_qemu_spells_them(text: object, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "-1M", "1.5G", "12Q", "\u0663M", None, False])
def test_sizes_that_are_none(text: object) -> None:
    with pytest.raises(UsageError):
        parse_size(text)


def test_counts_and_addresses() -> None:
    assert [parse_count(c) for c in (5, "5", "5k", "1_000", "2G")] == [5, 5, 5000, 1000, 2 * 10**9]
    assert [parse_address(a) for a in (0, "0x100", "256")] == [0, 256, 256]
    for bad in (-1, "-1", "zero", True, None):
        with pytest.raises(UsageError):
            parse_address(bad)
