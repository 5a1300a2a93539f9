"""The trace for Perfetto parses back, its slices nest, and what it says is what the recorded run did."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ppcdbg.errors import InputError
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.kvm.trace import PRIO_NAMES, exit_name
from ppcdbg.machine.system import Limits
from ppcdbg.session.machines import session_machine
from ppcdbg.session.perfetto import CONSOLE, INSTRUCTION, INTERRUPTS, PRIORITIES, VCPU, messages, packets
from ppcdbg.session.store import Store
from tests.session.systems import demo, make
from tests.session.test_files import record

BEGIN, END, INSTANT = 1, 2, 3


def named(address: int) -> str:
    return f"at_{address:x}"


def export(path: Path) -> bytes:
    store = Store.open(path)
    try:
        return b"".join(packets(store, session_machine(path, {}), named))
    finally:
        store.close()


def parsed(path: Path) -> Any:
    pytest.importorskip("perfetto", reason="the extra ppcdbg[perfetto] is not installed")
    return messages().Trace.FromString(export(path))


def tracks(trace: Any) -> dict[int, list[Any]]:
    """Packets with events by track, in the order of the file; every track was described before."""
    found: dict[int, list[Any]] = {}
    for packet in trace.packet:
        if packet.HasField("track_descriptor"):
            found[packet.track_descriptor.uuid] = []
        else:
            found[packet.track_event.track_uuid].append(packet)
    return found


def told(event: Any) -> dict[str, Any]:
    return {a.name: getattr(a, a.WhichOneof("value")) for a in event.debug_annotations}


def check_nesting(events: list[Any]) -> int:
    """Times grow, every end has its beginning, and nothing stays open; how deep it goes."""
    depth = deepest = at = 0
    for packet in events:
        assert packet.timestamp >= at
        at = packet.timestamp
        depth += {BEGIN: 1, END: -1, INSTANT: 0}[packet.track_event.type]
        deepest = max(deepest, depth)
        assert depth >= 0
    assert depth == 0
    return deepest


@pytest.mark.parametrize("cpu", ["e500v2", "e500mc"])
def test_exits_are_slices_and_priorities_tracks(tmp_path: Path, cpu: str) -> None:
    path = tmp_path / "a.ppcdbg"
    system = record(path, demo(cpu, "kvm", "llvm"))
    assert isinstance(system, KvmSystem)
    found, v = tracks(parsed(path)), system.kvm
    assert check_nesting(found[VCPU]) == 2
    exits, deeds, depth = [], Counter[int](), 0
    for packet in found[VCPU]:
        event = packet.track_event
        if event.type == BEGIN and depth == 0:
            words = told(event)
            assert packet.timestamp // INSTRUCTION == words["position"] and words["symbol"] == named(words["pc"])
            exits.append((event.name, words["number"], words["position"], words["tick"], words["pc"], words["cost"]))
        elif event.type == BEGIN:
            deeds[len(exits) - 1] += 1
        depth += 1 if event.type == BEGIN else -1
    assert exits == [(e.name, e.number, e.position, e.tick, e.pc, e.cost) for e in v.exits]
    assert [deeds[e.number] for e in v.exits] == [len(e.actions) for e in v.exits]
    delivered: Counter[str] = Counter()
    for p, name in enumerate(PRIO_NAMES[v.hv]):
        if events := found.get(PRIORITIES + p, []):
            assert check_nesting(events) == 1
            begun = sum(packet.track_event.type == BEGIN for packet in events)
            assert 0 < begun <= v.queue_counts[p] + v.delivered_counts[p]
            delivered[name] = sum(packet.track_event.type == INSTANT for packet in events)
    assert delivered == Counter({n: c for n, c in zip(PRIO_NAMES[v.hv], v.delivered_counts, strict=True) if c})
    lines = [packet.track_event.name for packet in found[CONSOLE]]
    assert lines == bytes(system.board.console.output).decode().splitlines()


def test_a_priority_is_a_slice_for_as_long_as_it_is_pending(tmp_path: Path) -> None:
    """Held to the bitmap after each exit, by a run that stops at each. What an exit changed stands behind it."""
    path = tmp_path / "a.ppcdbg"
    record(path, demo("e500v2", "kvm", "llvm"))
    shown, pending, depth = list[int](), 0, 0
    for packet in parsed(path).packet:
        track, kind = packet.track_event.track_uuid, packet.track_event.type
        if track == VCPU:
            if kind == BEGIN and depth == 0:
                shown.append(pending)
            depth += 1 if kind == BEGIN else -1
        elif track >= PRIORITIES and kind != INSTANT:
            assert (pending >> track - PRIORITIES & 1) == (kind == END)
            pending ^= 1 << track - PRIORITIES
    system = make(demo("e500v2", "kvm", "llvm"))
    assert isinstance(system, KvmSystem) and any(shown)
    for number, expected in enumerate(shown[1:]):
        system.run(Limits(1 << 40, exits=1))
        assert (len(system.kvm.exits), system.kvm.pending) == (number + 1, expected)


def test_a_bare_machine_has_a_track_of_its_interrupts(tmp_path: Path) -> None:
    path = tmp_path / "a.ppcdbg"
    record(path, demo("e500mc", "none", "llvm"))
    events = [packet.track_event for packet in tracks(parsed(path))[INTERRUPTS]]
    store = Store.open(path)
    logged = [(exit_name(vector), pc, position) for vector, pc, _, _, position in store.log("interrupt")]
    store.close()
    words = [told(event) for event in events]
    assert logged and [(e.name, w["pc"], w["position"]) for e, w in zip(events, words, strict=True)] == logged


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.ppcdbg"
    record(path, demo("e500mc", "none", "llvm"))
    monkeypatch.setitem(sys.modules, "perfetto.protos.perfetto.trace", None)
    with pytest.raises(InputError, match=r"install ppcdbg\[perfetto\]"):
        export(path)


def test_perfettos_own_reader_counts_the_same(tmp_path: Path) -> None:
    program = shutil.which("trace_processor_shell") or shutil.which("trace_processor")
    if program is None:
        pytest.skip("Perfetto's trace_processor is not installed; it is not to be had from a package")
    path, trace, query = tmp_path / "a.ppcdbg", tmp_path / "a.pftrace", tmp_path / "a.sql"
    system = record(path, demo("e500v2", "kvm", "llvm"))
    trace.write_bytes(export(path))
    query.write_text("select 'exits', count(*) from slice where depth = 0 and name not like 'prio%' and dur >= 0\n"
                     "and track_id = (select id from track where name = 'vcpu 0 exits');\n")  # fmt: skip
    done = subprocess.run([program, "-q", query, trace], capture_output=True, text=True, timeout=120, check=True)
    assert f'"exits",{system.steps}' in done.stdout
