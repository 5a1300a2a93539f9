"""Clients that behave and clients that do not, over a socket: no traceback, no hang, the guest unharmed, the next one
served."""

from __future__ import annotations

import random
import shutil
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.gdbstub.commands import registry
from ppcdbg.gdbstub.packets import frame
from ppcdbg.gdbstub.server import Server, parse_address
from ppcdbg.gdbstub.stub import Stub
from ppcdbg.kvm.build import build_system
from ppcdbg.machine.description import MachineDescription
from ppcdbg.machine.system import Limits
from ppcdbg.paths import CHECKOUT
from tests.debugger.rig import SPIN
from tests.gdbstub.rig import ENTRY, Client, bare, demo, served, state

# Times within which the guest must stop are processor time of this process: the promise is for a host that has time.
CONVERSATION = (b"qSupported:multiprocess+;swbreak+", b"?", b"g", b"m1000,40", b"Z0,1010,4", b"vCont;c", b"s",
                b"z0,1010,4", b"qXfer:features:read:target.xml:0,100", b"p40", b"D")  # fmt: skip


def fresh() -> Stub:
    return Stub(bare(), restart=bare)


def still_serves(s: Stub) -> None:
    """The next client finds a stub that works."""
    with served(s) as client:
        assert client.ask(b"?").startswith((b"T", b"W"))
        assert len(client.ask(b"g")) == 38 * 8


def test_a_conversation_with_and_without_acknowledgements() -> None:
    s = fresh()
    with served(s) as client:
        assert b"QStartNoAckMode" not in client.ask(b"qSupported:multiprocess+")
        assert client.ask(b"qC") == b"QCp1.1"
        assert client.ask(b"QStartNoAckMode") == b"OK"
        client.wire.acks = False
        assert client.ask(b"?").startswith(b"T05thread:p1.1;")
        client.raw(b"$?#00")
        assert client.reply() == b"E16"  # nobody would send it again
        assert client.ask(b"D") == b"OK"
        with pytest.raises(EOFError):
            client.reply()
    still_serves(s)


def test_a_reply_is_sent_again_when_it_is_asked_for() -> None:
    s = fresh()
    with served(s) as client:
        first = client.ask(b"g")
        client.raw(b"-")
        assert client.reply() == first


def test_an_interrupt_ends_a_run_within_200_ms() -> None:
    s = Stub(bare(SPIN))
    with served(s) as client:
        for pause in (0.0, 0.05, 0.3):
            client.send(b"vCont;c")
            time.sleep(pause)
            start = time.process_time()
            client.raw(b"\x03")
            assert client.reply().startswith(b"T02")
            assert time.process_time() - start < 0.2
        client.raw(b"\x03")  # too late: the guest stands already
        position = s.debugger.position
        assert client.ask(b"s").startswith(b"T05") and s.debugger.position == position + 1


def test_interrupts_at_any_time_of_a_boot_under_kvm(shared: Path) -> None:
    """A consistent stop within 200 ms each time, and the boot ends as it does without."""
    folder = shared / "guests/linux-e500v2"
    machine = MachineDescription(folder / "vmlinux", "e500v2", memory=128 << 20, initrd=folder / "initrd.gz",
                                 append="console=ttyS0,115200")  # fmt: skip
    plain = build_system(machine)
    plain.run(Limits(1 << 62))
    s = Stub(Debugger(build_system(machine)))
    chance, waits = random.Random(1), []
    with served(s) as client:
        while True:
            client.send(b"vCont;c")
            time.sleep(chance.random() * 0.05)
            start = time.process_time()
            client.raw(b"\x03")
            reply = client.reply()
            waits.append(time.process_time() - start)
            if not reply.startswith(b"T02"):
                break
    waits.sort()
    print(f"{len(waits)} interrupts, median {waits[len(waits) // 2]:.3f} s, slowest {waits[-1]:.3f} s")
    # What compiles hot code beside the guest is in these times, and makes a few of them long.
    assert len(waits) > 5 and waits[len(waits) * 3 // 4] < 0.2 and reply.startswith(b"T05")
    ours = s.debugger.system
    assert (ours.position, ours.ended) == (plain.position, plain.ended)
    assert bytes(ours.board.console.output) == bytes(plain.board.console.output)


def test_an_interrupt_that_comes_with_the_command_itself_counts() -> None:
    s = Stub(bare(SPIN))
    with served(s) as client:
        client.raw(frame(b"vCont;c") + b"\x03")
        assert client.reply().startswith(b"T02")


@pytest.mark.parametrize("body", [b"vCont;r%x,%x:1" % (ENTRY, ENTRY + 4), b"qSearch:memory:0;ffffffff;nowhere"])
def test_long_work_is_interrupted_too_and_leaves_nothing_behind(body: bytes) -> None:
    s = Stub(bare(SPIN))
    with served(s) as client:
        client.send(body)
        time.sleep(0.1)
        start = time.process_time()
        client.raw(b"\x03")
        assert client.reply()[:1] in b"TE" and time.process_time() - start < 0.2
        position = s.debugger.position
        client.ask(b"s")
        assert s.debugger.position == position + 1


LONG = (
    "run-to 100000000000",
    "continue",
    "stepi 10000000",
    "seek 100000000000",
    "reverse-continue",
    "reverse-nexti 9999999",
    "last write 0x4000",
    "last change 0x4000",
    "first write 0x4000",
    "last $r7",
    "until 0x4000",
)


def test_an_interrupt_ends_whatever_monitor_does() -> None:
    """Forwards, back, and looking for something: it comes back before the next packet comes."""
    s = Stub(bare(), restart=bare, reverse=lambda debugger: debugger.past)
    s.debugger.continue_(300_000)
    s.debugger.execute("break *0x1000 if $r3 == 1")
    with served(s) as client:
        client.ask(b"qSupported:multiprocess+")
        for command in LONG:
            client.said.clear()
            client.send(b"qRcmd," + command.encode().hex().encode())
            time.sleep(0.05)
            start = time.process_time()
            client.raw(b"\x03")
            assert client.reply() == b"OK" and time.process_time() - start < 0.2, command
            assert "interrupted" in "".join(client.said).lower(), (command, client.said)
            assert client.ask(b"qRcmd," + b"seek 300000".hex().encode()) == b"OK"


def test_the_guest_stands_while_a_client_reads_nothing_during_a_command() -> None:
    """gdb that left a command on Ctrl-C reads no more, and says so only when it wants something else."""
    s = fresh()
    with served(s) as client:
        assert client.ask(b"qC") == b"QC1"
        client.send(b"qRcmd," + b"run-to 100000000000".hex().encode())
        while client.connection.recv(1) != b"$":  # the first piece of output, beside the acknowledgement
            pass
        here = s.debugger.position
        time.sleep(0.3)
        assert 0 < s.debugger.position == here
        assert client.connection.recv(4) == b"O#4f"
        client.raw(b"+")
        while client.connection.recv(1) != b"$":
            pass
        assert s.debugger.position > here
        client.raw(b"+\x03")
        assert client.reply() == b"OK" and any(text.startswith("Interrupted") for text in client.said)


def test_a_client_that_never_acknowledges_is_not_waited_for() -> None:
    s = fresh()
    with served(s) as client:
        client.raw(frame(b"qRcmd," + b"run-to 100000000000".hex().encode()))
        for _ in range(100):
            if s.debugger.position > 300_000:
                break
            time.sleep(0.1)
        assert s.debugger.position > 300_000
        client.raw(b"\x03")


def test_packets_that_come_while_the_guest_runs_wait() -> None:
    s = Stub(bare(SPIN))
    with served(s) as client:
        client.raw(frame(b"c") + frame(b"p40"))
        time.sleep(0.1)
        client.raw(b"\x03")
        assert client.reply().startswith(b"T02") and client.reply() == b"%08x" % ENTRY


@pytest.mark.parametrize("body", [b"vCont;c", b"c", b"bc", b"qRcmd," + b"reverse-continue".hex().encode()])
def test_what_takes_long_says_how_far_it_is_where_the_client_shows_it(
    monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr("ppcdbg.views.progress.AFTER", 0.0)
    monkeypatch.setattr("ppcdbg.gdbstub.connection.TELL_SECONDS", 0.0)
    monkeypatch.setattr("ppcdbg.session.timeline.SPACING", 1e9)
    s = Stub(bare(), restart=bare, reverse=lambda debugger: debugger.past)
    s.debugger.continue_(400_000)
    s.debugger.execute("break *0x1000 if $r3 == 1")
    what = "Running: " if body in (b"vCont;c", b"c") else "Looking back: "
    with served(s) as client:
        client.ask(b"qSupported:multiprocess+")
        client.send(body)
        if what == "Running: ":
            time.sleep(0.2)
            client.raw(b"\x03")
        assert client.reply()[:1] in (b"T", b"O")
    told = [text for text in client.said if text.startswith(what)]
    assert told and all(text.endswith(" Ctrl-C stops it.\n") for text in told), client.said


def test_a_client_that_leaves_a_command_without_a_word_gets_no_reply_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As gdb does on Ctrl-C in a ``monitor``: what it asks for next must not get the reply to that."""
    monkeypatch.setattr("ppcdbg.views.progress.AFTER", 0.0)
    s = fresh()
    with served(s) as client:
        assert client.ask(b"qC") == b"QC1"
        client.send(b"qRcmd," + b"run-to 100000000000".hex().encode())
        while not client.said:
            with pytest.raises(TimeoutError):
                client.connection.settimeout(0.05)
                client.reply()
        client.connection.settimeout(20)
        assert client.ask(b"qC") == b"QC1" and 0 < s.debugger.position < 100_000_000
        here = s.debugger.position
        client.said.clear()
        assert client.ask(b"qRcmd," + b"print 7".hex().encode()) == b"OK"
        assert client.said[0] == "7\n" and "maintenance flush" in client.said[-1], "it was told too late"
        client.said.clear()
        assert client.ask(b"qRcmd," + b"print 8".hex().encode()) == b"OK" and client.said == ["8\n"]
        assert s.debugger.position == here
    still_serves(s)


def test_what_gdb_changed_on_a_branch_is_in_the_session_file_when_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    shutil.copyfile(CHECKOUT / "sessions" / "demo-e500v2-kvm.ppcdbg", path)
    s = Stub(open_guest(str(path), engine="reference"))
    with served(s) as client:
        client.ask(b"qSupported:multiprocess+")
        assert client.ask(b"qRcmd," + b"branch mine".hex().encode()) == b"OK"
        assert client.ask(b"P3=12345678") == b"OK"
    rows = open_guest(str(path), engine="reference").execute("branches").rows
    assert [(b.name, b.edits) for b in rows] == [("main", ()), ("mine", ("0: r3 = 0x12345678",))]


def test_a_client_that_goes_while_the_guest_runs_stops_it() -> None:
    s = Stub(bare(SPIN))
    with served(s) as client:
        client.send(b"c")
        time.sleep(0.1)
    position = s.debugger.position
    assert position > 0
    with served(s) as client:
        assert client.ask(b"?").startswith(b"T05") and s.debugger.position == position


@pytest.mark.parametrize("half", [b"", b"$X1000,8:ab}"])
def test_a_client_that_goes_in_a_long_motion_or_in_half_a_packet_frees_the_stub(half: bytes) -> None:
    """Back, forth and searching, with the beginning of something else behind it: the next one is served at once."""
    s = Stub(bare(), restart=bare, reverse=lambda debugger: debugger.past)
    s.debugger.continue_(300_000)
    s.debugger.execute("break *0x1000 if $r3 == 1")
    bodies = [b"bc", b"vCont;c", *(b"qRcmd," + command.encode().hex().encode() for command in LONG)]
    for body in bodies:
        with served(s) as client:
            client.ask(b"qSupported:multiprocess+")
            client.send(body)
            client.raw(half)
            time.sleep(0.05)
        begun = time.process_time()
        still_serves(s)
        assert time.process_time() - begun < 1, body
        with served(s) as client:
            assert client.ask(b"qRcmd," + b"seek 300000".hex().encode()) == b"OK", body
            assert s.debugger.position == 300_000, body


def test_a_flood_while_the_guest_runs_is_a_client_gone() -> None:
    s = Stub(bare(SPIN))
    with served(s) as client:
        client.send(b"c")
        try:
            for _ in range(40):
                client.raw(frame(b"g") * 500)
                time.sleep(0.01)
        except OSError:
            pass
    still_serves(s)


@pytest.mark.parametrize("seed", range(12))
def test_disconnecting_at_any_point(seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    s = fresh()
    stream = b"".join(frame(body) for body in CONVERSATION)
    for _ in range(12):
        with served(s) as client:
            cut = chance.randrange(len(stream) + 1)
            at = 0
            while at < cut:
                size = min(chance.choice((1, 1, 2, 7, 50)), cut - at)
                client.raw(stream[at : at + size])
                at += size
            if chance.random() < 0.3:
                client.connection.shutdown(socket.SHUT_WR)
    still_serves(s)


# --- abuse --------------------------------------------------------------------------------------------------
MALFORMED = (
    b"$g#00", b"$#00", b"$#", b"$", b"#", b"##########", b"$$$$$$$$#00", b"$g#zz", b"$m#6d", b"$}#7d", b"$X1000,1:}#00",
    b"$" + b"a" * 70000 + b"#00", b"\x03" * 500, b"+-" * 500, b"\x00\xff" * 300, b"$g\x03#67", b"$m10\x0300,4#8e",
    b"$m1000,4", b"$g#6", b"$vCont;c\x03", b"$Z0,1000,4;X" + b"f" * 100 + b"#00", b"-" * 100, b"$" * 1000,
)  # fmt: skip
ACTING = (b"G", b"P", b"M", b"X", b"s", b"S", b"c", b"C", b"vCont", b"k", b"R", b"vKill", b"vRun", b"D", b"qRcmd",
          b"Qqemu.sstep")  # fmt: skip
HARMLESS = tuple(name for name in registry.packets() if name not in ACTING)
WORDS = (b"1000", b"4", b",", b":", b";", b"-1", b"p1.1", b"ffffffffffffffff", b"0", b"zz", b"}", b"X4,26000327",
         b"\x80", b"read", b"memory", b"features", b"osdata", b"target.xml", b"=", b"+", b"cmds:", b"1", b"2",
         b"")  # fmt: skip


def survives(s: Stub, talk: Callable[[Client], None]) -> None:
    before = state(s)
    with served(s) as client:
        talk(client)
        try:
            client.raw(frame(b"qC"))
            client.connection.shutdown(socket.SHUT_WR)
            while client.connection.recv(65536):
                pass
        except OSError:
            pass
    assert state(s) == before
    still_serves(s)


@pytest.mark.parametrize("data", MALFORMED)
def test_malformed_bytes_do_no_harm(data: bytes) -> None:
    survives(fresh(), lambda client: client.raw(data))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40) | st.sampled_from(MALFORMED), max_size=5))
def test_any_bytes_do_no_harm(portions: list[bytes]) -> None:
    s = fresh()
    s.handle(b"qSupported:error-message+")
    # Bytes that happen to be a whole packet which lets the guest run are no abuse.
    survives(s, lambda client: [client.raw(p) for p in portions if not any(f in p for f in (b"$s#", b"$c#"))] and None)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(HARMLESS), st.lists(st.sampled_from(WORDS) | st.binary(max_size=6), max_size=7))
def test_any_arguments_get_an_answer_and_change_nothing(name: bytes, words: list[bytes]) -> None:
    s = SHARED_STUB()
    before = state(s)
    reply = s.handle(name + b"".join(words))
    assert reply is None or isinstance(reply, bytes)
    assert state(s) == before
    s.points.clear()


def SHARED_STUB(kept: list[Stub] = []) -> Stub:  # noqa: B006
    """One stub for many examples: what is checked is that none of them changes it."""
    if not kept:
        kept.append(Stub(demo()))
        kept[0].debugger.continue_(10_000)
    kept[0].greet()
    return kept[0]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(ACTING), st.lists(st.sampled_from(WORDS), max_size=5)), max_size=4))
def test_packets_that_act_with_any_arguments_get_an_answer(packets: list[tuple[bytes, list[bytes]]]) -> None:
    s = fresh()
    s.greet()
    for name, words in packets:
        body = name + b"".join(words)
        if name in (b"c", b"C") or name == b"vCont" and (b"c" in body[5:] or b"r" in body[5:]):
            continue  # would run for ever here
        s.handle(body)
    s.greet()
    assert s.handle(b"?").startswith(b"T")  # type: ignore[union-attr]


# --- listening ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("text", "shown", "exposed"), [
    ("1234", "127.0.0.1:1234", False), (":1234", "127.0.0.1:1234", False), ("localhost:1", "localhost:1", False),
    ("tcp::1234", "127.0.0.1:1234", False), ("0.0.0.0:1234", "0.0.0.0:1234", True), ("[::1]:5", "[::1]:5", False),
    ("box.example:9", "box.example:9", True), ("unix:/tmp/a b", "/tmp/a b", False), ("-", "stdio", False),
    ("tcp:127.0.0.1:1234,server=on,wait=off", "127.0.0.1:1234", False),
])  # fmt: skip
def test_addresses_are_qemus(text: str, shown: str, exposed: bool) -> None:
    address = parse_address(text)
    assert str(address) == shown and address.exposed is exposed


@pytest.mark.parametrize("make", [lambda folder: "127.0.0.1:0", lambda folder: f"unix:{folder}/gdb.sock"])
def test_a_server_serves_one_client_after_another(make: Callable[[object], str], tmp_path: object) -> None:
    server = Server(fresh(), parse_address(make(tmp_path)))
    address = server.open()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    for _ in range(3):
        if address.path:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(address.path)
        else:
            connection = socket.create_connection((address.host, address.port))
        with connection:
            client = Client(connection)
            assert client.ask(b"s").startswith(b"T05")
    server.stop()
    thread.join(10)
    assert not thread.is_alive() and server.stub.debugger.position == 3
    server.close()
