"""Packets and their answers, one by one, with no transport."""

from __future__ import annotations

import gc
import re
import weakref
import zlib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.gdbstub.commands import registry
from ppcdbg.gdbstub.packets import escape, unescape
from ppcdbg.gdbstub.stub import Stub
from tests.gdbstub.rig import DATA, ENTRY, LOOP, ask, bare, demo, state, stub

PC = f"{ENTRY:08x}".encode()


def hexed(text: str) -> bytes:
    return text.encode().hex().encode()


def whole(s: Stub, kind: bytes, annex: bytes, portion: int) -> str:
    """An object read in portions."""
    text = b""
    while True:
        piece = ask(s, b"qXfer:%b:read:%b:%x,%x" % (kind, annex, len(text), portion))
        text += unescape(piece[1:])
        if piece[:1] != b"m":
            assert piece[:1] == b"l"
            return text.decode()


# --- introductions ------------------------------------------------------------------------------------------
def test_qsupported_takes_any_feature_and_offers_no_memory_map() -> None:
    s = stub()
    offers = ask(s, b"qSupported:a+;b-;c?;d=v;multiprocess-;;x").decode().split(";")
    assert "PacketSize=100000" in offers and "QStartNoAckMode+" not in offers and "ConditionalBreakpoints+" in offers
    assert not any("memory-map" in o or o.startswith("Reverse") for o in offers)  # facts: T2; and no past here
    assert ask(s, b"qC") == b"QC1" and s.client.features["d"] == "v"
    ask(s, b"qSupported:multiprocess+")
    assert ask(s, b"qC") == b"QCp1.1"


@pytest.mark.parametrize(
    "body",
    [b"vMustReplyEmpty", b"qOffsets", b"qTStatus", b"vCtrlC", b"vStopped", b"QNonStop:1", b"QPassSignals:e", b"vFile:x",
     b"qXfer:auxv:read::0,100", b"qXfer:memory-map:read::0,100", b"qXfer:libraries-svr4:read::0,1", b"QThreadEvents:1",
     b"jThreadsInfo", b"bs", b"bc", b"QCatchSyscalls:1", b"F0", b"", b"qP", b"Zz", b"_M"],
)  # fmt: skip
def test_what_is_not_known_is_answered_with_nothing(body: bytes) -> None:
    assert ask(stub(), body) in (b"", b"E.malformed packet: Z needs KIND,ADDRESS,LENGTH")


def test_every_packet_has_a_word_about_it() -> None:
    assert len(registry.packets()) > 40 and all(p.about for p in registry.packets().values())


# --- the target description ---------------------------------------------------------------------------------
@pytest.mark.parametrize(("cpu", "architecture"), [("e500v2", "powerpc:e500"), ("e500mc", "powerpc:e500mc")])
def test_the_description_names_each_register_and_number_once(cpu: str, architecture: str) -> None:
    s = stub(bare(cpu=cpu))
    tree = ElementTree.fromstring(whole(s, b"features", b"target.xml", 1000))
    assert tree.findtext("architecture") == architecture
    rows = [r.attrib for r in tree.iter("reg")]
    names, numbers = [r["name"] for r in rows], [int(r["regnum"]) for r in rows]
    assert len(set(names)) == len(names) and len(set(numbers)) == len(numbers)
    assert dict(zip(names, numbers))["pc"] == 64
    wanted = {
        "mas0",
        "mas7",
        "ivor0",
        "csrr0",
        "esr",
        "dear",
        "dbcr0",
        "tsr",
        "tcr",
        "pid",
        "tlb0cfg",
        "mmucsr0",
        "tbl",
    }
    wanted |= {"ev1h", "acc", "spefscr", "pid1"} if cpu == "e500v2" else {"f1", "fpscr", "epcr", "gsrr0", "lpidr"}
    assert wanted <= set(names)
    for flags in tree.iter("flags"):
        taken: set[int] = set()
        for field in flags:
            bits = set(range(int(field.attrib["start"]), int(field.attrib["end"]) + 1))
            assert bits and not bits & taken and max(bits) < 32, (flags.attrib, field.attrib)
            taken |= bits


@pytest.mark.parametrize("portion", [1, 7, 100, 5000, 1 << 20])
def test_an_object_can_be_read_in_any_portions(portion: int) -> None:
    s = stub()
    assert whole(s, b"features", b"target.xml", portion) == s.description().decode()


def test_objects_that_are_not_there() -> None:
    s = stub()
    assert ask(s, b"qXfer:features:read:other.xml:0,100").startswith(b"E.")
    assert ask(s, b"qXfer:features:read:target.xml:ffffff,100").startswith(b"E.")
    assert ask(s, b"qXfer:features:read:target.xml:0,0").startswith(b"E.")
    assert ask(s, b"qXfer:osdata:read:nothing:0,100").startswith(b"E.there is no table")


# --- registers ----------------------------------------------------------------------------------------------
def test_registers_are_read_and_written() -> None:
    s = stub()
    assert ask(s, b"g")[32 * 8 : 33 * 8] == PC and len(ask(s, b"g")) == 38 * 8
    assert ask(s, b"P3=deadbeef") == b"OK" and ask(s, b"p3") == b"deadbeef"
    assert ask(s, b"P40=%b" % PC.replace(b"1", b"2")) == b"OK" and s.debugger.pc == 0x2000
    general = bytearray(bytes.fromhex(ask(s, b"g").decode()))
    general[0:4] = b"\x01\x02\x03\x04"
    assert ask(s, b"G" + bytes(general).hex().encode()) == b"OK" and s.debugger.core.state.gpr[0] == 0x01020304
    assert bytes.fromhex(ask(s, b"g").decode()) == bytes(general)


def test_every_register_can_be_read_and_is_as_wide_as_it_says() -> None:
    for s in (stub(), stub(bare(cpu="e500mc")), stub(demo())):
        for r in s.registers.layout.registers:
            assert len(ask(s, b"p%x" % r.number)) == r.bits // 4, r


def test_upper_halves_of_the_spe_and_sprs_enter_through_the_writer() -> None:
    s = stub()
    numbers = {r.name: r.number for r in s.registers.layout.registers}
    taken: list[str] = []
    s.debugger.system.input.taken = lambda event: taken.append(event.name)
    for name, value in (("ev7h", b"01234567"), ("acc", b"0123456789abcdef"), ("mas0", b"10010000")):
        assert ask(s, b"P%x=%b" % (numbers[name], value)) == b"OK" and ask(s, b"p%x" % numbers[name]) == value
    assert taken == ["ev7h", "acc", "mas0"]


@pytest.mark.parametrize("body", [b"p", b"pzz", b"pffff", b"P3", b"P3=12", b"P3=xx", b"G", b"G12", b"Pffff=00000000",
                                  b"G" + b"0" * 1000, b"p3 ", b"p0x3", b"p1_0"])  # fmt: skip
def test_a_bad_register_packet_is_refused_and_changes_nothing(body: bytes) -> None:
    s = stub()
    before = state(s)
    assert ask(s, body).startswith(b"E.") and state(s) == before


def test_a_client_that_knows_no_words_gets_numbers() -> None:
    s = stub()
    ask(s, b"qSupported:multiprocess+")
    assert ask(s, b"pffff") == b"E16" and ask(s, b"mf0000000,4") == b"E0e"


def test_registers_of_the_magic_page_are_its_fields() -> None:
    s = stub(demo())
    s.debugger.run_to_event(*magic_mapped(s.debugger))
    numbers = {r.name: r for r in s.registers.layout.registers}
    field = numbers["magic_scratch1"]
    assert field.bits == 64
    assert ask(s, b"P%x=00000000cafebabe" % field.number) == b"OK"
    page = s.debugger.system.kvm.shared  # type: ignore[attr-defined]
    assert page.get64(0) == 0xCAFEBABE and ask(s, b"p%x" % field.number) == b"00000000cafebabe"


def magic_mapped(d: Debugger):  # type: ignore[no-untyped-def]
    from ppcdbg.debugger.events import Event, EventKind, Verb

    return Verb.RUN_UNTIL, Event(EventKind.HCALL)


def test_a_kvm_guest_can_be_given_its_sprs() -> None:
    s = stub(demo())
    numbers = {r.name: r.number for r in s.registers.layout.registers}
    for name, value in (("mas1", b"80000500"), ("ivor3", b"00000120"), ("pid", b"00000007"), ("srr0", b"00001230")):
        assert ask(s, b"P%x=%b" % (numbers[name], value)) == b"OK", name
        assert ask(s, b"p%x" % numbers[name]) == value
    assert ask(s, b"P%x=00000001" % numbers["tlb0cfg"]).startswith(b"E.")


# --- memory -------------------------------------------------------------------------------------------------
def test_memory_is_read_as_far_as_it_goes() -> None:
    s = stub()
    assert ask(s, b"m%x,8" % ENTRY) == b"%08x%08x" % LOOP[:2]
    end = 0x4000  # all that the boot mapping maps
    assert ask(s, b"m%x,100" % (end - 4)) == b"00000000" and ask(s, b"m1000,0") == b""
    assert ask(s, b"m%x,4" % end).startswith(b"E.memory at 0x4000 cannot be read")
    assert ask(s, b"xffc,4") == b"b" + bytes(4)


def test_memory_is_written_all_or_nothing() -> None:
    s = stub()
    assert ask(s, b"M%x,4:01020304" % DATA) == b"OK" and ask(s, b"m%x,4" % DATA) == b"01020304"
    data = bytes(range(256))
    assert ask(s, b"X%x,0:" % DATA) == b"OK"
    assert ask(s, b"X%x,100:" % DATA + data) == b"OK" and bytes(s.debugger.core.bus.ram[DATA : DATA + 256]) == data
    before = state(s)
    assert ask(s, b"M3ffc,8:0102030405060708").startswith(b"E.")
    for body in (b"M", b"M1000", b"M1000,4", b"M1000,4:01", b"M1000,1:zz", b"X1000,4:a", b"Mffffffff,2:0000"):
        assert ask(s, body).startswith(b"E."), body
    assert state(s) == before


@pytest.mark.parametrize("body", [b"m", b"m1000", b"mzz,4", b"m1000,", b"m-1,4", b"m1000,4,4", b"m" + b"f" * 17 + b",1",
                                  b"m1_0,4", b"m 10,4"])  # fmt: skip
def test_a_bad_memory_packet_is_refused(body: bytes) -> None:
    assert ask(stub(), body).startswith(b"E.malformed")


def test_reading_everything_has_no_side_effect() -> None:
    """Device registers included: the UART's receive buffer and interrupt id would act."""
    s = stub(demo())
    d = s.debugger
    d.continue_(20_000)
    ask(s, b"Qqemu.PhyMemMode:1")
    before, counts = state(s), dict(d.system.board.mmio_count)
    exits = len(d.exits)
    for region in d.system.board.regions:
        for offset in range(0, min(region.size, 0x2000), 4):
            reply = ask(s, b"m%x,4" % (region.base + offset))
            assert reply.startswith(b"E") or len(reply) in (2, 4, 6, 8)
    assert state(s) == before and len(d.exits) == exits and dict(d.system.board.mmio_count) == counts
    beyond = max(r.base + r.size for r in d.system.board.regions)
    assert ask(s, b"m%x,1" % beyond).startswith(b"E.memory")


def test_device_memory_cannot_be_written() -> None:
    s = stub(demo())
    ask(s, b"Qqemu.PhyMemMode:1")
    region = s.debugger.system.board.regions[0]
    before = state(s)
    assert ask(s, b"M%x,1:41" % region.base).startswith(b"E.cannot write")
    assert state(s) == before and s.debugger.console() == ""


# --- running ------------------------------------------------------------------------------------------------
def test_a_step_and_a_range_of_steps() -> None:
    s = stub()
    assert b"40:%08x;" % (ENTRY + 4) in ask(s, b"vCont;s:p1.1;c:p1.-1")
    assert b"40:%08x;" % (ENTRY + 8) in ask(s, b"s")
    reply = ask(s, b"vCont;r%x,%x:p1.1" % (ENTRY + 8, ENTRY + 20))
    assert reply.startswith(b"T05thread:p1.1;") and s.debugger.pc == ENTRY + 20 and s.debugger.position == 5
    assert b"40:%08x;" % (ENTRY + 8) in ask(s, b"S05")
    assert ask(s, b"vCont?") == b"vCont;c;C;s;S;t;r"


def test_a_range_ends_at_a_breakpoint_within_it() -> None:
    s = stub()
    ask(s, b"Z0,%x,4" % (ENTRY + 16))
    assert b"swbreak:;" in ask(s, b"vCont;r%x,%x:p1.1" % (ENTRY, ENTRY + 24)) and s.debugger.pc == ENTRY + 16


def test_breakpoints_stop_a_run_and_leave_memory_alone() -> None:
    s = stub()
    assert ask(s, b"Z0,%x,4" % (ENTRY + 12)) == b"OK" and ask(s, b"Z0,%x,4" % (ENTRY + 12)) == b"OK"
    assert ask(s, b"m%x,4" % (ENTRY + 12)) == b"%08x" % LOOP[3]
    assert ask(s, b"vCont;c:p1.-1").startswith(b"T05swbreak:;thread:p1.1;") and s.debugger.position == 3
    assert b"swbreak" in ask(s, b"c") and s.debugger.position == 7
    assert ask(s, b"z0,%x,4" % (ENTRY + 12)) == b"OK" and ask(s, b"z0,%x,4" % (ENTRY + 12)) == b"OK"
    ask(s, b"Z1,%x,4" % (ENTRY + 16))
    assert ask(s, b"C05").startswith(b"T05hwbreak:;")
    assert ask(s, b"Z0,1001,4").startswith(b"E.") and ask(s, b"Z9,1000,4") == b""
    assert len(s.debugger.breakpoints) == 0


def test_a_stop_that_gdb_did_not_ask_for_is_a_plain_trap_with_a_reason() -> None:
    """facts: T3. The user's own breakpoint, set by ``monitor``, where gdb has none."""
    s = stub()
    said: list[str] = []
    s.output = lambda body: said.append(bytes.fromhex(body[1:].decode()).decode())
    assert ask(s, b"qRcmd," + hexed(f"break *{ENTRY + 12:#x}")) == b"OK"
    reply = ask(s, b"vCont;c:p1.-1")
    assert reply.startswith(b"T05thread:p1.1;") and b"break" not in reply
    assert "breakpoint 1" in "".join(said).lower()


def test_a_condition_is_evaluated_in_the_stub() -> None:
    """gdb 13's bytecode for ``$r3 == 42`` and ``$r3 == 44``: any of several conditions that holds stops."""
    s = stub()
    first, second = b"Xb,2600032a20222a2a201327", b"Xb,2600032a20222c2a201327"
    assert ask(s, b"Z0,%x,4;%b;%b" % (ENTRY + 12, second, first)) == b"OK"
    assert b"swbreak" in ask(s, b"c") and s.debugger.core.state.gpr[3] == 42
    assert b"swbreak" in ask(s, b"c") and s.debugger.core.state.gpr[3] == 44
    assert ask(s, b"Z0,%x,4;X1,ff" % (ENTRY + 12)) == b"OK"  # a condition that fails stops, as in gdbserver
    assert b"swbreak" in ask(s, b"c") and s.debugger.core.state.gpr[3] == 45


def test_watchpoints_stop_before_the_access_and_name_the_address() -> None:
    """As gdb expects it of PowerPC: it steps over the access by itself. The loop stores at +12 and loads at +16."""
    s = stub()
    for kind, pc, word in ((2, ENTRY + 12, b"watch"), (3, ENTRY + 16, b"rwatch"), (4, ENTRY + 12, b"awatch")):
        assert ask(s, b"Z%d,%x,4" % (kind, DATA)) == b"OK"
        assert ask(s, b"c").startswith(b"T05%b:%x;thread:p1.1;" % (word, DATA)) and s.debugger.pc == pc
        stored, value = s.debugger.core.bus.ram[DATA + 3], s.debugger.core.state.gpr[3] & 0xFF
        assert stored == (value if kind == 3 else value - 1 if value > 8 else 0)
        assert ask(s, b"z%d,%x,4" % (kind, DATA)) == b"OK"
        assert ask(s, b"s").startswith(b"T05thread") and s.debugger.pc == pc + 4
        assert s.debugger.core.bus.ram[DATA + 3] == value
    ask(s, b"Z2,%x,1" % (DATA + 3))
    ask(s, b"vCont;c")
    assert b"watch:%x;" % (DATA + 3) in ask(s, b"vCont;c")  # the one that it stands at is passed, the next one stops
    assert ask(s, b"Z2,3000,0").startswith(b"E.") and ask(s, b"Z4,3000,1000000").startswith(b"E.")
    assert len(s.debugger.breakpoints) == 0


def test_a_step_sees_breakpoints_and_watchpoints_on_its_way() -> None:
    s = stub()
    ask(s, b"Z0,%x,4" % (ENTRY + 4))
    assert b"swbreak" in ask(s, b"s")
    ask(s, b"Z2,%x,4" % DATA)
    ask(s, b"s")
    assert ask(s, b"s").startswith(b"T05thread") and ask(s, b"s").startswith(b"T05watch:")
    assert s.debugger.pc == ENTRY + 12


@pytest.mark.parametrize("tail", [b";X", b";Xb", b";Xb,26", b";Xzz,26", b";Xffffff,26", b";Y1,26", b";cmds:", b";X1,2"])
def test_a_bad_condition_is_refused(tail: bytes) -> None:
    s = stub()
    assert ask(s, b"Z0,1000,4" + tail).startswith(b"E.malformed") and len(s.points) == 0


def test_a_command_prints_and_goes_on() -> None:
    s = stub()
    said: list[str] = []
    s.output = lambda body: said.append(bytes.fromhex(body[1:].decode()).decode())
    text = b"r3=%d\n\0"
    code = bytes.fromhex("260003" + "2200" + "2200" + "3401" + f"{len(text):04x}") + text + b"\x27"
    ask(s, b"Z0,%x,4;cmds:0,X%x,%b" % (ENTRY + 12, len(code), code.hex().encode()))
    ask(s, b"Z0,%x,4;Xb,2600032a20220b2a201327" % (ENTRY + 16))
    ask(s, b"c")
    assert said == ["r3=8\n", "r3=9\n", "r3=10\n", "r3=11\n"]


def test_the_end_is_told_as_a_stop_and_only_then_as_an_end() -> None:
    s = stub(demo())
    said: list[str] = []
    s.output = lambda body: said.append(bytes.fromhex(body[1:].decode()).decode())
    assert ask(s, b"c").startswith(b"T05thread") and "run is over" in "".join(said)
    assert len(ask(s, b"g")) == 38 * 8
    assert ask(s, b"c") == b"W00;process:1" and ask(s, b"?") == b"W00;process:1"
    assert ask(s, b"vCont;c").startswith(b"E.the guest was killed")


def test_vcont_names_threads() -> None:
    s = stub()
    assert ask(s, b"vCont;s:p1.1;c").startswith(b"T05") and s.debugger.position == 1
    assert ask(s, b"vCont;c:p2.1;s:p1.-1").startswith(b"T05") and s.debugger.position == 2
    assert ask(s, b"vCont;t:p1.1").startswith(b"T00") and s.debugger.position == 2
    for body in (b"vCont;", b"vCont;q", b"vCont;s:p2.1", b"vCont;s:zz", b"vCont;r10", b"s1001zz"):
        assert ask(s, body).startswith(b"E."), body
    assert s.debugger.position == 2


# --- threads ------------------------------------------------------------------------------------------------
def test_threads_and_what_they_do() -> None:
    s = stub()
    assert ask(s, b"qfThreadInfo") == b"mp1.1" and ask(s, b"qsThreadInfo") == b"l"
    assert ask(s, b"Hg0") == ask(s, b"Hcp1.-1") == ask(s, b"Tp1.1") == b"OK" and ask(s, b"qAttached:1") == b"1"
    assert ask(s, b"Hgp2.1").startswith(b"E.") and ask(s, b"Tp1.2").startswith(b"E.")
    text = bytes.fromhex(ask(s, b"qThreadExtraInfo,p1.1").decode()).decode()
    assert re.fullmatch(r"stopped, PR=0 EE=0 IS=0 DS=0 PID=0, at 0, bare machine", text)
    assert 'name="vcpu0">stopped, PR=0' in whole(s, b"threads", b"", 10)


# --- tables -------------------------------------------------------------------------------------------------
def test_tables_of_a_kvm_guest() -> None:
    s = stub(demo())
    s.debugger.continue_(20_000)
    kinds = ElementTree.fromstring(whole(s, b"osdata", b"", 100))
    names = [item.findtext("column[@name='Type']") for item in kinds]
    assert names == ["exits", "tlb0", "tlb1", "stlb", "irqprio", "magic"]
    tables = {name: ElementTree.fromstring(whole(s, b"osdata", str(name).encode(), 333)) for name in names}
    counts = {i.findtext("column[@name='reason']"): i.findtext("column[@name='count']") for i in tables["exits"]}
    assert sum(int(n or 0) for n in counts.values()) == len(s.debugger.exits) and "DTLB_MISS" in counts
    assert len(tables["irqprio"]) == 23
    assert len(tables["tlb0"]) + len(tables["tlb1"]) == len(s.debugger.tlb().guest) and len(tables["stlb"]) > 1
    fields = {i.findtext("column[@name='field']") for i in tables["magic"]}
    assert {"scratch1", "critical", "srr0", "mas7_3"} <= fields


def test_tables_of_the_bare_machine_say_what_is_not_there() -> None:
    s = stub()
    assert "bare machine has no" in whole(s, b"osdata", b"exits", 100)
    assert "TLB1[0]" in whole(s, b"osdata", b"tlb1", 100)


# --- monitor ------------------------------------------------------------------------------------------------
def test_monitor_is_the_command_line(tmp_path: Path) -> None:
    s = stub()
    said: list[str] = []
    s.output = lambda body: said.append(bytes.fromhex(body[1:].decode()).decode())

    def monitor(line: str) -> str:
        said.clear()
        assert ask(s, b"qRcmd," + hexed(line)) == b"OK"
        return "".join(said)

    assert "TLB1[0]" in monitor("info tlb") and "r3" in monitor("info registers r3")
    assert "there is no command" in monitor("nonsense") and monitor("help").count("\n") > 30
    assert "flush register-cache" in monitor("stepi") and s.debugger.position == 1
    assert "detach" in monitor("quit")
    (tmp_path / "a.gdb").write_text("stepi\nif 1\n  stepi\nend\nbogus\n")
    assert monitor(f"source {tmp_path}/a.gdb").count("Stepped: now at") == 2 and ":5: there is no command" in said[-2]
    assert "00001008" in said[0] and "0000100c" in said[1], "each stop is told while it is the last"
    assert ask(s, b"qRcmd,zz").startswith(b"E.") and ask(s, b"qRcmd,6") != b"OK"


# --- search -------------------------------------------------------------------------------------------------
def test_a_search_answers_within_its_range_only() -> None:
    s = stub()
    ask(s, b"Qqemu.PhyMemMode:1")
    s.debugger.core.bus.ram[0x5000:0x5004] = b"need"
    border = (1 << 18) + 0x1000 - 2
    s.debugger.core.bus.ram[border : border + 4] = b"}*#$"

    def search(start: int, length: int, pattern: bytes) -> bytes:
        return ask(s, b"qSearch:memory:%x;%x;%b" % (start, length, pattern))

    assert search(0x1000, 0x10000, b"need") == b"1,5000" and search(0x5000, 4, b"need") == b"1,5000"
    assert search(0x5000, 3, b"need") == search(0x5001, 0x100, b"need") == search(0x1000, 0x4003, b"need") == b"0"
    assert search(0x1000, 1 << 20, unescape(escape(b"}*#$"))) == b"1,%x" % border
    for body in (b"qSearch:memory:1000;4", b"qSearch:memory:1000;4;", b"qSearch:memory:z;4;a"):
        assert ask(s, body).startswith(b"E.malformed")
    assert ask(s, b"qSearch:other:1") == b""


def test_the_checksum_is_gdbs() -> None:
    """xcrc32 of libiberty, bit by bit, from -1."""
    s = stub()
    data = bytes(s.debugger.core.bus.ram[ENTRY : ENTRY + 333])
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    assert ask(s, b"qCRC:%x,14d" % ENTRY) == b"C%x" % crc
    assert zlib.crc32(data) != crc
    assert ask(s, b"qCRC:3fff,2").startswith(b"E.") and ask(s, b"qCRC:1000").startswith(b"E.")


# --- life ---------------------------------------------------------------------------------------------------
def test_kill_and_run_again() -> None:
    s = stub()
    ask(s, b"!")
    ask(s, b"s")
    assert ask(s, b"vKill;1") == b"OK" and not s.alive and ask(s, b"qfThreadInfo") == b"l"
    assert ask(s, b"s").startswith(b"E.the guest was killed") and ask(s, b"?").startswith(b"W")
    assert ask(s, b"vRun;").startswith(b"T05thread") and s.debugger.position == 0
    assert ask(s, b"vKill;7").startswith(b"E.") and ask(s, b"vAttach;1").startswith(b"T05")
    assert ask(s, b"D;1") == b"OK" and not s.closing
    assert s.handle(b"k") is None and s.closing
    s.greet()
    assert s.alive and s.debugger.position == 0


def test_two_hundred_runs_anew_take_no_more_memory_than_one() -> None:
    """A machine refers to itself in a hundred ways; the old one goes when the new one is there, not some time later."""
    s = Stub(demo(), restart=demo, reverse=lambda d: d.past)
    s.greet()

    def used() -> list[int]:
        return [int(n) * 4096 for n in Path("/proc/self/statm").read_text().split()[:2]]

    def run() -> None:
        ask(s, b"vRun;")
        ask(s, b"vCont;s:p1.1")

    for _ in range(3):
        run()
    old = weakref.ref(s.debugger)
    run()
    assert old() is None
    gc.freeze()  # the tests before have left much that would be looked through 200 times
    try:
        run()
        before = used()
        for _ in range(200):
            run()
    finally:
        gc.unfreeze()
    space, resident = (after - was for was, after in zip(before, used(), strict=True))
    assert space < s.debugger.core.bus.ram.nbytes and resident < 8 << 20, (space, resident)


def test_qemus_own_packets() -> None:
    s = stub()
    assert ask(s, b"qqemu.sstepbits") == b"ENABLE=1,NOIRQ=2,NOTIMER=4" and ask(s, b"qqemu.sstep") == b"0x7"
    assert ask(s, b"Qqemu.sstep=0x1") == b"OK" and ask(s, b"qqemu.sstep") == b"0x1" and s.step_into
    assert ask(s, b"Qqemu.sstep=ff").startswith(b"E.") and ask(s, b"Qqemu.PhyMemMode").startswith(b"E.")
    assert ask(s, b"qqemu.PhyMemMode") == b"0" and ask(s, b"Qqemu.PhyMemMode:1") == b"OK"
    assert ask(s, b"qqemu.PhyMemMode") == b"1" and ask(s, b"qqemu.Supported") == b"sstepbits;sstep;PhyMemMode"


def test_who_comes_from_elsewhere_may_not_name_files(tmp_path: Path) -> None:
    """``monitor source`` would read any file to the client, and ``monitor save-session`` write one."""
    s = stub(demo())
    s.debugger.files = False
    said: list[str] = []
    s.output = lambda body: said.append(bytes.fromhex(body[1:].decode()).decode())
    for line in ("source /etc/passwd", f"save-session {tmp_path / 'taken'}"):
        assert ask(s, b"qRcmd," + line.encode().hex().encode()) == b"OK"
        assert "may not name files" in said[-1] and len(said) == 1
        said.clear()
    assert not list(tmp_path.iterdir())
