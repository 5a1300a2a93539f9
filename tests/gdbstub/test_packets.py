"""The frame of packets: whatever is sent comes out once, in any portions, and noise does no harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcdbg.gdbstub.packets import Signal, Wire, checksum, compress, escape, expand, frame, unescape

BODIES = st.binary(max_size=80).map(escape)
NASTY = st.binary(max_size=60) | st.text("$#}*+-\x03a0", max_size=30).map(lambda t: t.encode())


@given(st.binary(max_size=200))
def test_escaped_data_come_back(data: bytes) -> None:
    travelling = escape(data)
    assert not set(travelling) & set(b"#$*") and unescape(travelling) == data


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(1, 300)), max_size=8))
def test_runs_come_back_and_never_contain_a_frame(runs: list[tuple[int, int]]) -> None:
    data = escape(b"".join(bytes((value,)) * times for value, times in runs))
    short = compress(data)
    assert expand(short) == data and not set(short) & set(b"#$") and len(short) <= len(data)


def test_a_run_is_written_as_the_manual_writes_it() -> None:
    assert compress(b"0000") == b"0* "
    assert compress(b"0" * 8) == b'0*"00'  # 7 further ones would be written as $


@given(st.lists(BODIES, max_size=6), st.randoms(use_true_random=False))
def test_packets_arrive_in_any_portions(bodies: list[bytes], random: object) -> None:
    stream = b"".join(b"noise" + frame(body) for body in bodies)
    wire, got = Wire(), []
    while stream:
        size = random.randint(1, len(stream))  # type: ignore[attr-defined]
        got += wire.receive(stream[:size])
        stream = stream[size:]
    assert got == [unescape(body) for body in bodies]
    assert wire.owed() == b"+" * len(bodies) and wire.owed() == b""


@given(BODIES)
def test_byte_by_byte_is_no_different(body: bytes) -> None:
    wire, got = Wire(), []
    for value in frame(body):
        got += wire.receive(bytes((value,)))
    assert got == [unescape(body)]


@given(st.lists(NASTY, max_size=8), BODIES)
def test_a_packet_after_any_noise_is_understood(noise: list[bytes], body: bytes) -> None:
    wire = Wire()
    for data in noise:
        wire.receive(data)
    wire.receive(b"#00")  # whatever was begun ends here
    wire.owed()
    assert wire.receive(frame(body))[-1:] == [unescape(body)]


def test_a_bad_checksum_is_asked_for_again_and_an_answer_can_be() -> None:
    wire = Wire()
    assert wire.receive(b"$g#00") == [Signal.DAMAGED] and wire.owed() == b"-"
    packet = wire.send(b"OK")
    assert wire.receive(b"-") == [Signal.RESEND] and wire.again() == packet == b"$OK#9a"


@pytest.mark.parametrize("digits", [b"zz", b"6", b"0x", b"-1", b" 7"])
def test_digits_that_are_none_are_damage(digits: bytes) -> None:
    wire = Wire()
    events = wire.receive(b"$g#" + digits) + wire.receive(b"$")
    assert events in ([Signal.DAMAGED], [])


def test_without_acknowledgements_none_are_owed() -> None:
    wire = Wire(acks=False)
    assert wire.receive(frame(b"g") + b"$g#00-") == [b"g", Signal.DAMAGED] and wire.owed() == b""


def test_what_is_not_acknowledged_is_counted() -> None:
    wire = Wire()
    for _ in range(3):
        wire.send(b"O")
    assert wire.awaited == 3 and not wire.acknowledges
    wire.receive(b"+")
    assert wire.awaited == 2 and wire.acknowledges
    assert wire.receive(b"+" + frame(b"g")) == [b"g"] and wire.awaited == 1
    wire.receive(b"noise++++")
    assert wire.awaited == 0


def test_an_interrupt_is_heard_between_packets_and_in_the_middle_of_one() -> None:
    assert Wire().receive(b"\x03") == [Signal.INTERRUPT]
    assert Wire().receive(frame(b"g") + b"\x03" + frame(b"?")) == [b"g", Signal.INTERRUPT, b"?"]
    packet = frame(b"m1000,4")
    assert Wire().receive(packet[:4] + b"\x03" + packet[4:]) == [Signal.INTERRUPT, b"m1000,4"]


def test_0x03_that_belongs_to_binary_data_is_data() -> None:
    assert Wire().receive(frame(b"X1000,1:\x03")) == [b"X1000,1:\x03"]


def test_a_packet_that_was_cut_off_gives_way_to_the_next() -> None:
    assert Wire().receive(b"$m1000" + frame(b"g")) == [b"g"]


def test_a_huge_packet_is_refused_once_and_not_kept() -> None:
    wire = Wire(longest=100)
    events = wire.receive(b"$")
    for _ in range(50):
        events += wire.receive(b"a" * 100)
    assert not events and len(wire._buffer) <= 201
    assert wire.receive(b"#00" + frame(b"g")) == [Signal.OVERLONG, b"g"] and wire.owed() == b"++"
    assert wire.receive(b"$" + b"a" * 101 + b"#00") == [Signal.OVERLONG]


@given(st.binary(max_size=3000))
def test_the_checksum_is_the_sum_of_the_bytes(data: bytes) -> None:
    assert checksum(data) == sum(data) % 256
