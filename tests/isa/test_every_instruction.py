"""Every instruction of the table, by name, on each core that has it: one example with its whole effect.

What needs several instructions or the machine around the core has a function here; the rest are rows of ``effects``.
That random state gives the same as on QEMU is ``tests/differential``'s to show.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

import pytest

from ppcdbg.cpu.msr import MSR_EE, MSR_FP, MSR_GS, MSR_ME, MSR_PR
from ppcdbg.engine.api import Stops, Why
from ppcdbg.isa.insn import BOTH, Insn, Privilege
from ppcdbg.isa.table import TABLE, by_name
from tests.differential.asm import encode
from tests.differential.ours import ENGINES, OurPeer, ready
from tests.differential.peers import GENERAL_NAMES, MSR, PC
from tests.differential.world import vector_address
from tests.isa.effects import ROWS

CORES = sorted(BOTH)
AT = 0x2000
MEMORY = ((0x4000, 0x100), (0x200000, 0x100), (0x300000, 0x100))
FLOATS = (*(f"f{i}" for i in range(32)), "fpscr")
Registers = dict[str, int]


def parsed(row: str) -> tuple[str, dict[str, int], list[str], list[str]]:
    head, before, after = (part.strip() for part in row.split("|"))
    name, _, fields = head.partition(" ")
    raw = {k: int(v, 0) for k, _, v in (f.partition("=") for f in fields.split(",") if f)}
    return name, raw, before.split(), after.split()


EXAMPLES = {parsed(row)[0]: row for row in ROWS.splitlines() if row}


def number(text: str) -> int:
    """A value of the rows."""
    return int.from_bytes(struct.pack(">d", float(text)), "big") if "." in text else int(text, 16)


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    """Each of our engines in turn."""
    return str(request.param)


def on_each_core(names: Iterable[str]) -> list[object]:
    """(name, core) for every core that has the instruction."""
    return [pytest.param(n, core, id=f"{n}-{core}") for n in sorted(names) for core in sorted(by_name(n).cores)]


def state_of(peer: OurPeer) -> Registers:
    return {**dict(zip(GENERAL_NAMES, peer.general(), strict=True)), **peer.read(FLOATS)}


def load(peer: OurPeer, given: dict[str, str], word: int) -> Registers:
    """Registers and memory before; gives the whole state."""
    general = [0xDEAD0000 + i for i in range(32)] + [AT, MSR_ME, 0, 0, 0, 0]
    general[4] = 0x4000
    if peer.core.model.name == "e500mc":
        general[MSR] |= MSR_FP
    for address, length in MEMORY:
        peer.write_memory(address, bytes(length))
    others = dict.fromkeys(FLOATS, 0)
    for name, value in given.items():
        if name in GENERAL_NAMES:
            general[GENERAL_NAMES.index(name)] = number(value)
        elif name[0] == "m" and name[1:2].isdigit():
            peer.write_memory(int(name[1:], 16), bytes.fromhex(value))
        else:
            others[name] = number(value)
    peer.write(others)
    peer.set_general(tuple(general))
    peer.write_memory(AT, word.to_bytes(4, "big"))
    return state_of(peer)


def split(items: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (i.replace("~", "=~").partition("=") for i in items)}


@pytest.mark.parametrize(("name", "core"), on_each_core(EXAMPLES))
def test_example(name: str, core: str, engine: str) -> None:
    peer = ready(core, engine)
    _, fields, before, after = parsed(EXAMPLES[name])
    expected = load(peer, split(before), encode(name, **fields))
    memory = {address: bytearray(peer.read_memory(address, length)) for address, length in MEMORY}
    wanted = split(after)
    expected["pc"] += 4
    if vector := wanted.pop("vector", None):
        expected |= {"pc": vector_address(int(vector)), "msr": MSR_ME}
    elif "srr0" in wanted:
        expected["msr"] = MSR_ME
    peer.step(None, {})
    found = state_of(peer)
    for item, value in wanted.items():
        register, _, part = item.partition(".")
        if item[0] == "m" and item[1:2].isdigit():
            address, data = int(item[1:], 16), bytes.fromhex(value)
            (base,) = (b for b, length in MEMORY if b <= address < b + length)
            memory[base][address - base : address - base + len(data)] = data
            continue
        actual = found.pop(register) if register in found else peer.read((register,))[register]
        expected.pop(register, None)
        if value.startswith("~"):
            assert abs(as_double(actual) / float(value[1:]) - 1) < 1 / 256, f"{item} = {as_double(actual)}"
        elif value != "*":
            actual &= 0xFFFFFFFF if part == "w" else (1 << 64) - 1
            assert actual == number(value), f"{item} = {actual:#x}, not {value}"
    differences = {n: (hex(found[n]), hex(expected[n])) for n in found if found[n] != expected[n]}
    assert not differences, f"registers that should not have changed, or otherwise: {differences}"
    for base, contents in memory.items():
        assert peer.read_memory(base, len(contents)) == bytes(contents), f"memory at {base:#x}"


def as_double(pattern: int) -> float:
    return float(struct.unpack(">d", pattern.to_bytes(8, "big"))[0])


# --- what takes more than one instruction -----------------------------------------------------------------------------
def run(peer: OurPeer, words: list[int], **registers: int) -> None:
    """Run words one after the other from ``AT``."""
    load(peer, {n: f"{v:x}" for n, v in registers.items()}, 0)
    for i, word in enumerate(words):
        peer.write_memory(AT + 4 * i, word.to_bytes(4, "big"))
    for _ in words:
        peer.step(None, {})


def stwcx_(peer: OurPeer) -> None:
    reserve, store = encode("lwarx", RT=3, RA0=0, RB=4), encode("stwcx.", RS=5, RA0=0, RB=4)
    run(peer, [reserve, store], r5=0x12345678)
    assert peer.state.cr_word == 0x20000000
    assert peer.read_memory(0x4000, 4).hex() == "12345678"
    run(peer, [reserve, store, store], r5=0x12345678)
    assert peer.state.cr_word == 0, "a reservation serves once"


def mftb(peer: OurPeer) -> None:
    run(peer, [encode("mftb", RT=3, SPR=268), encode("mftb", RT=5, SPR=268), encode("mftb", RT=6, SPR=269)])
    general = peer.general()
    assert general[5] - general[3] == 1, "one tick for each instruction"
    assert general[6] == 0


def mtpmr(peer: OurPeer) -> None:
    run(peer, [encode("mtpmr", SPR=16, RS=4), encode("mfpmr", RT=3, SPR=0)])
    assert peer.general()[3] == 0x4000, "PMC0 by its supervisor's and then by its user's number"


def dcbz(peer: OurPeer) -> None:
    _zeroes(peer, encode("dcbz", RA0=4, RB=5))


def dcbzep(peer: OurPeer) -> None:
    _zeroes(peer, encode("dcbzep", RA0=4, RB=5))


def _zeroes(peer: OurPeer, word: int) -> None:
    line = peer.core.model.cache_line
    load(peer, {"r5": "7f", "m4000": "ff" * 256}, word)
    peer.step(None, {})
    start = 0x7F & -line
    assert peer.read_memory(0x4000, 256) == b"\xff" * start + bytes(line) + b"\xff" * (256 - start - line)
    assert line == (64 if peer.core.model.name == "e500mc" else 32)


def wait(peer: OurPeer) -> None:
    load(peer, {}, encode("wait", WC=0))
    assert peer.engine.run(peer.core.retired + 5, Stops()).why is Why.WAIT
    assert peer.state.pc == AT + 4
    peer.core.set_msr(peer.state.msr | MSR_EE)
    peer.core.set_external(True)
    assert peer.engine.run(peer.core.retired + 5, peer.stops).why is Why.BREAKPOINT
    assert peer.state.pc == vector_address(4)


def msgsnd(peer: OurPeer) -> None:
    send, clear = encode("msgsnd", RB=4), encode("msgclr", RB=4)
    broadcast = 0x04000000
    run(peer, [send, encode("wrteei", E=1), encode("sync")], r4=broadcast)
    assert peer.state.pc == vector_address(36)
    run(peer, [send, clear, encode("wrteei", E=1), encode("sync")], r4=broadcast)
    assert peer.state.pc == AT + 16, "msgclr took the doorbell back"


ENTRY = {"mas0": 0x10050000, "mas1": 0xC0000500, "mas2": 0x50000000, "mas3": 0x00000015, "mas7": 0}
"""TLB1[5]: 0x50000000, 1 MiB, to real 0, for the supervisor, protected."""


def tlbwe(peer: OurPeer) -> None:
    run(peer, [encode("tlbwe"), encode("lwz", RT=3, RA0=5, D=0x4000)], r5=0x50000000, **ENTRY)
    assert peer.general()[3] == 0 and peer.state.pc == AT + 8, "the load went through the new entry"


def tlbre(peer: OurPeer) -> None:
    clear = [encode("mtspr", SPR=n, RS=5) for n in ("MAS1", "MAS3")]
    run(peer, [encode("tlbwe"), *clear, encode("tlbre")], r5=0, **ENTRY)
    assert {n: peer.read((n,))[n] for n in ENTRY} == ENTRY


def tlbsx(peer: OurPeer) -> None:
    clear = [encode("mtspr", SPR=n, RS=6) for n in ("MAS0", "MAS1", "MAS3", "MAS6")]
    run(peer, [encode("tlbwe"), *clear, encode("tlbsx", RA0=0, RB=5)], r5=0x500FFFFF, r6=0, **ENTRY)
    assert {n: peer.read((n,))[n] for n in ENTRY} == ENTRY
    run(peer, [encode("tlbsx", RA0=0, RB=5)], r5=0x50100000, mas6=0)
    assert peer.read(("mas1",))["mas1"] >> 31 == 0, "no entry there"


def _invalidated(peer: OurPeer, words: list[int], iprot: bool, **registers: int) -> bool:
    entry = {**ENTRY, "mas1": 0xC0010500 if iprot else 0x80010500}
    run(peer, [encode("tlbwe"), *words, encode("mtspr", SPR="MAS6", RS=6), encode("tlbsx", RA0=0, RB=5)],
        r5=0x50000000, r6=0x10000, **entry, **registers)  # fmt: skip
    return peer.read(("mas1",))["mas1"] >> 31 == 0


def tlbivax(peer: OurPeer) -> None:
    page = [encode("tlbivax", RA0=0, RB=7)]
    assert _invalidated(peer, page, iprot=False, r7=0x50000008)
    assert not _invalidated(peer, page, iprot=True, r7=0x50000008)
    assert not _invalidated(peer, page, iprot=False, r7=0x50000000), "that was TLB0"


def tlbilx(peer: OurPeer) -> None:
    by_pid = [encode("mtspr", SPR="MAS6", RS=6), encode("tlbilx", T=1, RA0=0, RB=7)]
    assert _invalidated(peer, by_pid, iprot=False, mas5=0)
    assert not _invalidated(peer, by_pid, iprot=True, mas5=0)


def dcr(peer: OurPeer) -> None:
    """Neither core has device control registers: illegal, in either state (test_dcr.py has a core that does)."""
    for msr in (0, MSR_PR):
        for word in (encode("mfdcr", RT=5, SPR=7), encode("mtdcr", SPR=7, RS=5), encode("mfdcrx", RT=5, RA=6),
                     encode("mtdcrx", RA=6, RS=5)):  # fmt: skip
            load(peer, {"msr": f"{msr:x}", "r5": "0"}, word)
            peer.step(None, {})
            assert peer.read(("esr",))["esr"] == 0x08000000


SEQUENCES: dict[str, Callable[[OurPeer], None]] = {
    "stwcx.": stwcx_, "mftb": mftb, "mfpmr": mtpmr, "mtpmr": mtpmr, "dcbz": dcbz, "dcbzep": dcbzep, "wait": wait,
    "msgsnd": msgsnd, "msgclr": msgsnd, "tlbwe": tlbwe, "tlbre": tlbre, "tlbsx": tlbsx, "tlbivax": tlbivax,
    "tlbilx": tlbilx, "mfdcr": dcr, "mtdcr": dcr, "mfdcrx": dcr, "mtdcrx": dcr,
}  # fmt: skip


@pytest.mark.parametrize(("name", "core"), on_each_core(SEQUENCES))
def test_sequence(name: str, core: str, engine: str) -> None:
    SEQUENCES[name](ready(core, engine))


def test_every_instruction_of_the_table_has_its_example() -> None:
    """The SPE's, 244 with opcode 4, are held to a second model instead: test_spe_book.py."""
    assert {i.name for i in TABLE if i.form.match >> 26 != 4} == EXAMPLES.keys() | SEQUENCES.keys()
    assert not EXAMPLES.keys() & SEQUENCES.keys()
    assert len(EXAMPLES) == sum(1 for row in ROWS.splitlines() if row), "two rows of one name"


# --- what all instructions have in common -----------------------------------------------------------------------------
def interrupt_of(peer: OurPeer, insn: Insn, msr: int) -> tuple[int, Registers]:
    """pc and SPRs after one attempt with MSR as given."""
    load(peer, {"msr": f"{msr:x}", "r5": "0"}, insn.form.match)
    peer.step(None, {})
    return peer.general()[PC], peer.read(("srr0", "srr1", "esr"))


@pytest.mark.parametrize("core", CORES)
def test_lacking_instructions_are_illegal(core: str, engine: str) -> None:
    peer = ready(core, engine)
    for insn in TABLE:
        if core not in insn.cores:
            pc, sprs = interrupt_of(peer, insn, MSR_ME)
            assert (pc, sprs["esr"], sprs["srr0"]) == (vector_address(6), 0x08000000, AT), insn.name


@pytest.mark.parametrize("core", CORES)
def test_privileged_instructions_are_the_supervisors(core: str, engine: str) -> None:
    peer = ready(core, engine)
    privileged = (Privilege.SUPERVISOR, Privilege.HYPERVISOR, Privilege.GUEST_TLB)
    for insn in TABLE:
        if core in insn.cores and insn.privilege in privileged:
            pc, sprs = interrupt_of(peer, insn, MSR_ME | MSR_PR)
            assert (pc, sprs["esr"], sprs["srr0"]) == (vector_address(6), 0x04000000, AT), insn.name


def test_hypervisor_instructions_leave_the_guest(engine: str) -> None:
    for insn in TABLE:
        if insn.privilege is Privilege.HYPERVISOR:
            peer = ready("e500mc", engine)
            peer.write({"ivor41": 0x900})
            # Guest state needs its own view of the code page: an entry with TGS.
            _guest_code(peer)
            pc, sprs = interrupt_of(peer, insn, MSR_ME | MSR_GS)
            assert (pc, sprs["srr0"], sprs["srr1"]) == (0x10900, AT, MSR_ME | MSR_GS), insn.name


def _guest_code(peer: OurPeer) -> None:
    run(peer, [encode("tlbwe")], **{**ENTRY, "mas1": 0xC0000400, "mas2": 0, "mas3": 0x3F, "mas8": 0x80000000})
    peer.write({"mas8": 0})


def test_floating_point_needs_msr_fp(engine: str) -> None:
    peer = ready("e500mc", engine)
    for insn in TABLE:
        if insn.fp:
            pc, _ = interrupt_of(peer, insn, MSR_ME)
            assert pc == vector_address(7), insn.name
