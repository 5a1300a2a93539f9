"""The device tree against QEMU 7.2's own, and against damaged blobs.

``golden/qemu-ppce500.txt`` was flattened from ``qemu-system-ppc -M ppce500,dumpdtb=FILE -cpu e500mc -m 128`` with a
kernel of 0x3f8bfc bytes and an initrd of 0x51326.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcdbg.errors import InputError
from ppcdbg.machine.devicetree import SPACE, HypervisorNode, TreeFacts, build, parse, patch, text

GOLDEN = Path(__file__).parent / "golden" / "qemu-ppce500.txt"
LACKED = ("/pci@fe0008000", "/platform@f00000000", "/soc@fe0000000/i2c@3000")
LACKED_PROPERTIES = {"/aliases i2c", "/aliases rtc", "/aliases pci0", "/chosen rng-seed"}
FACTS = TreeFacts(0x8000000, 64, "console=ttyS0,115200", (0x4000000, 0x4051326), (0, 0x3F8BFC))
KVM = HypervisorNode((0x44000022, 0x60000000, 0x60000000, 0x60000000), has_idle=True)


def flat(blob: bytes) -> dict[str, str]:
    """Every property of a blob as "path name" -> its bytes in hex, read here and not by the code under test."""
    struct_at, strings_at = (int.from_bytes(blob[n : n + 4], "big") for n in (8, 12))
    at, path, found = struct_at, [], {}
    while True:
        token = int.from_bytes(blob[at : at + 4], "big")
        at += 4
        if token == 1:
            end = blob.index(0, at)
            path.append(blob[at:end].decode())
            at = end + 4 & ~3
        elif token == 2:
            path.pop()
        elif token == 3:
            size, name_at = (int.from_bytes(blob[at + n : at + n + 4], "big") for n in (0, 4))
            name = blob[strings_at + name_at : blob.index(0, strings_at + name_at)].decode()
            found[f"{'/'.join(path) or '/'} {name}"] = blob[at + 8 : at + 8 + size].hex()
            at = at + 8 + size + 3 & ~3
        elif token == 9:
            return found


def test_the_tree_is_qemus_less_the_devices_that_are_not_there() -> None:
    golden = dict(line.split(" = ") for line in GOLDEN.read_text().splitlines())
    expected = {
        key: value for key, value in golden.items() if not key.startswith(LACKED) and key not in LACKED_PROPERTIES
    }
    assert len(expected) == 66
    assert flat(build(FACTS)) == expected


def test_the_blob_fills_its_space_as_qemus_does() -> None:
    blob = build(FACTS)
    assert (len(blob), int.from_bytes(blob[4:8], "big")) == (SPACE, SPACE)
    assert blob == build(FACTS)


def test_the_core_and_kvm_show_in_the_tree() -> None:
    under_kvm = flat(build(TreeFacts(0x4000000, 32, hypervisor=KVM)))
    assert under_kvm["/cpus/PowerPC,8544@0 d-cache-line-size"] == "00000020"
    assert under_kvm["/hypervisor compatible"] == b"linux,kvm\0".hex()
    assert under_kvm["/hypervisor hcall-instructions"] == "44000022" + "60000000" * 3
    assert under_kvm["/hypervisor has-idle"] == ""
    assert under_kvm["/chosen bootargs"] == "00"
    assert not [key for key in flat(build(FACTS)) if key.startswith("/hypervisor")]
    no_idle = flat(build(TreeFacts(0x4000000, 32, hypervisor=HypervisorNode(KVM.instructions, False))))
    assert "/hypervisor has-idle" not in no_idle


def test_patching_puts_this_machine_into_a_given_tree() -> None:
    given_tree = build(TreeFacts(0x1000, 32, "theirs", kernel=(0, 16)))
    patched = flat(patch(given_tree, TreeFacts(0x20000000, 64, initrd=(0x100, 0x200), hypervisor=KVM), "x.dtb"))
    assert patched["/memory reg"] == "00000000000000000000000020000000"
    assert patched["/chosen bootargs"] == b"theirs\0".hex()
    assert patched["/chosen linux,initrd-start"] == "00000100"
    assert "/hypervisor has-idle" in patched
    assert patched["/cpus/PowerPC,8544@0 d-cache-line-size"] == "00000020", "the rest is the file's"
    again = flat(patch(given_tree, TreeFacts(0x1000, 32, "ours"), "x.dtb"))
    assert again["/chosen bootargs"] == b"ours\0".hex()


def test_reservations_of_one_tree_do_not_leak_into_another() -> None:
    blob = bytearray(build(FACTS))
    at = int.from_bytes(blob[16:20], "big")
    reserved = blob[:at] + bytes.fromhex("00000000000010000000000000002000") + blob[at:]
    for field in (8, 12):
        reserved[field : field + 4] = (int.from_bytes(blob[field : field + 4], "big") + 16).to_bytes(4, "big")
    reserved[4:8] = len(reserved).to_bytes(4, "big")
    assert parse(bytes(reserved), "x").entries == [{"address": 0x1000, "size": 0x2000}]
    assert parse(build(FACTS), "x").entries == []
    assert build(FACTS) == bytes(blob)


@pytest.mark.parametrize("blob", [b"", b"\xd0\x0d\xfe\xed", b"\x7fELF" * 20])
def test_what_is_not_a_blob_is_refused(blob: bytes) -> None:
    with pytest.raises(InputError, match=r"x\.dtb"):
        parse(blob, "x.dtb")


@given(cut=st.integers(0, 4000), flip=st.tuples(st.integers(0, 3999), st.integers(0, 255)))
@settings(max_examples=60, deadline=None)
def test_no_damage_gives_anything_but_an_input_error(cut: int, flip: tuple[int, int]) -> None:
    blob = bytearray(build(FACTS)[:4000])
    blob[flip[0]] = flip[1]
    damaged = bytes(blob[:cut])
    try:
        parse(damaged, "x.dtb")
    except InputError as error:
        assert "x.dtb" in str(error)


def test_text_is_source() -> None:
    assert 'compatible = "fsl,mpc8544-immr", "simple-bus";' in text(build(FACTS))


BEGIN, END, PROP, NOP, LAST = (number.to_bytes(4, "big") for number in (1, 2, 3, 4, 9))


def blob(tokens: bytes, version: int = 17) -> bytes:
    """A blob around a structure block, whose properties are called reg."""
    words = (0xD00DFEED, 60 + len(tokens), 56, 56 + len(tokens), 40, version, 16, 0, 4, len(tokens))
    return b"".join(word.to_bytes(4, "big") for word in words) + bytes(16) + tokens + b"reg\0"


def nodes(levels: int) -> bytes:
    return (BEGIN + bytes(4)) + (BEGIN + b"x\0\0\0") * (levels - 1) + END * levels


def test_as_many_levels_as_linux_reads() -> None:
    text(patch(blob(nodes(63) + LAST), FACTS, "x.dtb"))
    for damaged in (nodes(64) + LAST, END + nodes(64) + LAST, nodes(20_000) + LAST, (BEGIN + bytes(4)) * 5000):
        with pytest.raises(InputError, match=r"device tree x.dtb has nodes on more than 63 levels"):
            parse(blob(damaged), "x.dtb")


def test_a_node_with_more_in_it_than_anyone_wants_to_wait_for() -> None:
    many = b"".join(BEGIN + f"n{n:05}\0\0".encode() + END for n in range(50_000))
    with pytest.raises(
        InputError, match=r"device tree x.dtb has a node with more than 1024 nodes and properties in it"
    ):
        parse(blob(BEGIN + bytes(4) + many + END + LAST), "x.dtb")
    many = b"".join(BEGIN + f"n{n:05}\0\0".encode() + nodes(20) + END for n in range(1000))
    with pytest.raises(InputError, match=r"device tree x.dtb has more than 16384 nodes and properties"):
        parse(blob(BEGIN + bytes(4) + many + END + LAST), "x.dtb")


def test_what_was_taken_out_by_nops_is_not_there() -> None:
    """As firmware and ``fdt_nop_node`` leave it: any token may be one (devicetree specification 0.4, 5.4.1)."""
    value = PROP + (4).to_bytes(4, "big") + bytes(4) + b"\0\0\0\5"
    plain = BEGIN + bytes(4) + value + BEGIN + b"x\0\0\0" + END + END + LAST
    padded = NOP + BEGIN + bytes(4) + NOP * 3 + value + BEGIN + b"x\0\0\0" + NOP + END + NOP * 2 + END + NOP + LAST
    assert text(blob(padded)) == text(blob(plain))
    assert patch(blob(padded), FACTS, "x.dtb") == patch(blob(plain), FACTS, "x.dtb")


def test_a_name_with_a_line_end_is_told_in_one_line() -> None:
    tokens = BEGIN + bytes(4) + (PROP + bytes(8)) * 2 + END + LAST
    named = blob(tokens)[:-4] + b"\nx\n\0"
    with pytest.raises(InputError, match=r"device tree x.dtb is damaged") as caught:
        parse(named, "x.dtb")
    assert "\n" not in str(caught.value)


def test_a_version_that_linux_does_not_take() -> None:
    with pytest.raises(InputError, match=r"device tree x.dtb is of version 3; Linux takes 16 and later"):
        parse(blob(nodes(1) + LAST, version=3), "x.dtb")
