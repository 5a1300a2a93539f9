"""What reads what comes from outside: each reader with the good files that damage starts from.

A reader is handed damaged bytes and may do its work or raise a PpcdbgError of one sentence; anything else is a finding.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.errors import InputError, PpcdbgError
from tests.fuzz.mutate import BINARY, TEXT, Damage, mutated

PACKAGE = Path(__file__).resolve().parents[2] / "ppcdbg"
MEMORY = 64 << 20
Reader = Callable[[bytes], None]


@dataclass(frozen=True)
class Target:
    """``prepare(folder)`` gives the corpus and the reader; ``many`` is how many inputs a soak tries."""

    name: str
    kinds: Sequence[Damage]
    prepare: Callable[[Path], tuple[list[bytes], Reader]]
    many: int = 100_000
    room: int = 1 << 30
    """Bytes of address space beyond what there is when it begins; an engine reserves more than it uses."""


def one_sentence(error: PpcdbgError, data: bytes) -> None:
    """It may quote what it is about."""
    text = str(error)
    assert "\n" not in text and len(text) < 1_000 + 4 * len(data), f"not one sentence: {text[:300]!r}"


# --- images ---------------------------------------------------------------------------------------------------------
def _images(folder: Path) -> tuple[list[bytes], Reader]:
    from ppcdbg.debugger.lines import LineTable
    from ppcdbg.debugger.symbols import read_symbols
    from ppcdbg.machine.images import read_image
    from tests.machine.test_images import elf, uimage

    path = folder / "image"
    corpus = [(PACKAGE / "_guests" / f"{n}.elf").read_bytes() for n in ("demo", "spinlock", "bench-a")]
    corpus += [elf(), uimage(b"\x60\0\0\0" * 9), uimage(gzip.compress(b"\x60\0\0\0" * 9), comp=1)]

    def read(data: bytes) -> None:
        path.write_bytes(data)
        for load in (None, 0x1000):
            try:
                image = read_image(path, MEMORY, load)
                assert all(len(s.data) <= s.size and s.end <= 1 << 36 for s in image.segments)
            except PpcdbgError as error:
                one_sentence(error, data)
        if data[:4] == b"\x7fELF":
            read_symbols(path)
            LineTable(path).at(0x1000)

    return corpus, read


def _trees(folder: Path) -> tuple[list[bytes], Reader]:
    from ppcdbg.machine.devicetree import HypervisorNode, TreeFacts, build, parse, patch, text

    facts = TreeFacts(MEMORY, 32, "console=ttyS0", kernel=(0, 1 << 20), initrd=(0x100000, 0x200000))
    corpus = [build(facts), build(TreeFacts(0x1000, 64, "", hypervisor=HypervisorNode((0x44000022, 0x60000000), True)))]

    def read(data: bytes) -> None:
        parse(data, "x.dtb")
        text(patch(data, facts, "x.dtb"))

    return corpus, read


# --- text that describes --------------------------------------------------------------------------------------------
def _toml(folder: Path) -> tuple[list[bytes], Reader]:
    from ppcdbg.config import load_settings
    from ppcdbg.machine.description import describe
    from ppcdbg.tui.keys import read_keymap, with_keymap
    from ppcdbg.tui.saved import read_choice
    from ppcdbg.views.theme import parse_theme

    path, own = folder / "machine.toml", folder / ".ppcdbg.toml"
    (folder / "demo.elf").write_bytes((PACKAGE / "_guests/demo.elf").read_bytes())
    corpus = [p.read_bytes() for p in (PACKAGE / "_guests").glob("*.toml")]
    corpus += [p.read_bytes() for p in (PACKAGE.parent / "themes").glob("*.toml")][:3]
    corpus += [
        b'kernel = "demo.elf"\ncpu = "e500mc"\nmemory = "64M"\nload = "0x1000"\nmax-insns = "2M"\nappend = "a b"\n'
        b"[quirks]\nQ14 = true\n",
        b'theme = "ocean"\nengine = "llvm"\nascii = true\nediting = "vi"\n',
        b'step = "s"\ncontinue = "f7,ctrl+n"\n',
        b"surfaces = 5\nroles = []\n",
        b'layout = "wide"\npanes = ["exits", "code"]\n\n[sizes]\nexits = [3, 2]\n',
    ]

    def keys(data: bytes) -> None:
        skipped: list[str] = []
        with_keymap(read_keymap(path, skipped))
        for text in skipped:
            one_sentence(InputError(text), data)

    def read(data: bytes) -> None:
        path.write_bytes(data)
        own.write_bytes(data)
        readers: list[Callable[[], object]] = [
            lambda: describe(path, {}),
            lambda: load_settings({}, folder, {}),
            lambda: keys(data),
            lambda: read_choice(path),
            lambda: parse_theme(data.decode(), "theme"),
        ]
        for reader in readers:
            try:
                reader()
            except PpcdbgError as error:
                one_sentence(error, data)
            except UnicodeDecodeError:
                assert reader is readers[-1]  # it takes text

    return corpus, read


def _inputs(folder: Path) -> tuple[list[bytes], Reader]:
    from ppcdbg.machine.inputfile import read_input

    path = folder / "input"
    corpus = [
        b'# lines\n1000 console "ls\\n"\n+200 irq 42 up\n+2k break\n',
        b'5 console:1 "\\u00e9"\n10 irq 7 1\n1_000 irq 7 0\n',
    ]

    def read(data: bytes) -> None:
        path.write_bytes(data)
        read_input(path)

    return corpus, read


# --- recordings, traces, dumps --------------------------------------------------------------------------------------
def _sessions(folder: Path) -> tuple[list[bytes], Reader]:
    from ppcdbg.cli.main import main

    good = folder / "good.ppcdbg"
    guest = folder / "guest.bin"
    words = (0x38600005, 0x38630001, 0x38630001, 0x44000002, 0x3C600004, 0x7C600124, 0x48000000)
    guest.write_bytes(b"".join(w.to_bytes(4, "big") for w in words))
    with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
        main(["record", str(guest), "--load", "0x1000", "--hv", "none", "--max-insns", "50", "-o", str(good)])
    corpus = [good.read_bytes(), (PACKAGE.parent / "sessions/demo-e500v2-kvm.ppcdbg").read_bytes()]
    path = folder / "x.ppcdbg"
    commands = ("session info", "session export csv", "session list", "session sql", "session note", "session verify")
    rng = random.Random(str(folder.name))
    turn = iter(range(1 << 62))

    def read(data: bytes) -> None:
        for old in folder.glob("x.ppcdbg*"):
            old.unlink()
        path.write_bytes(data)
        number = next(turn)
        if number % 3 == 0:
            _forge(rng, path, corpus[number % 2])
        command = commands[number % 5] if number % 50 else commands[5]
        words = [*command.split(), str(path)]
        if command == "session export csv":
            words = ["session", "export", str(path), "csv", "-o", "/dev/null"]
        elif command == "session sql":
            words.append("SELECT count(*), max(name) FROM exits")
        elif command == "session list":
            words[-1] = str(folder)
        err = io.StringIO()
        with redirect_stderr(err), redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")):
            status = main(words)
        assert status in (0, 1, 3, 4, 5, 6) and "Traceback" not in err.getvalue(), f"{words}: {status} {err.getvalue()}"

    return corpus, read


def _forge(rng: random.Random, path: Path, good: bytes) -> None:
    """Another value in one cell of a good file: what no checksum of pages would catch."""
    path.write_bytes(good)
    connection = sqlite3.connect(path)
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        table = rng.choice(tables)
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        rows = connection.execute(f"SELECT rowid, * FROM {table} LIMIT 50").fetchall()
        if not rows:
            return
        row, column = rng.choice(rows), rng.randrange(len(columns))
        old = row[1 + column]
        if isinstance(old, bytes) and old:
            new: object = mutated(rng, [old], BINARY)
        elif isinstance(old, str):
            new = mutated(rng, [old.encode()], TEXT).decode(errors="replace")
        else:
            new = rng.choice((None, -1, 1 << 62, "x", b"", 0.5, (old or 0) + 1))
        connection.execute(f"UPDATE {table} SET {columns[column]} = ? WHERE rowid = ?", (new, row[0]))
        connection.commit()
    except sqlite3.Error:
        pass
    finally:
        connection.close()


def _traces(folder: Path) -> tuple[list[bytes], Reader]:
    from ppcdbg.session.ftrace import Reading
    from ppcdbg.session.importing import import_trace
    from tests.session.test_importing import FTRACE, REPORT

    path = folder / "t.ppcdbg"
    turn = iter(range(1 << 62))

    def read(data: bytes) -> None:
        lines = data.decode(errors="replace").splitlines(keepends=True)
        reading = Reading()
        assert len([*reading.read(lines)]) <= reading.lines
        if next(turn) % 40 == 0:
            path.unlink(missing_ok=True)
            import_trace(lines, "t", path)

    return [FTRACE.encode(), REPORT.encode()], read


def _dumps(folder: Path) -> tuple[list[bytes], Reader]:
    from ppcdbg.nested.dump import parse_dump
    from ppcdbg.nested.examples import right
    from tests.nested.test_dump import dump

    def read(data: bytes) -> None:
        parse_dump(data.decode(errors="replace"), "l0.log")

    snapshot = right(1)
    return [dump(snapshot.before).encode(), dump(snapshot.running, "[   12.345678] ").encode()], read


def _snapshots(folder: Path) -> tuple[list[bytes], Reader]:
    from ppcdbg.nested.audit import audit
    from ppcdbg.nested.examples import host_handled, right
    from ppcdbg.nested.snapshot import as_json, parse

    def read(data: bytes) -> None:
        audit(parse(data.decode(errors="replace"), "exit.json"))

    return [json.dumps(as_json(s), indent=1).encode() for s in (right(1), host_handled(2))], read


def _objects(folder: Path) -> tuple[list[bytes], Reader]:
    """What is kept of compiled engines: only what is whole comes back."""
    from ppcdbg.engine.llvm.cache import keep, recall

    payload = b"\x7fELF" + bytes(range(256)) * 8
    keep(folder, "object", payload)
    good = (folder / "object").read_bytes()

    def read(data: bytes) -> None:
        (folder / "object").write_bytes(data)
        found = recall(folder, "object")
        assert found is None or found == payload, "a damaged object came back"

    return [good], read


# --- what a user or a client says -----------------------------------------------------------------------------------
def _expressions(folder: Path) -> tuple[list[bytes], Reader]:
    from ppcdbg.debugger.expressions import evaluate
    from tests.debugger.test_expressions import FakeScope

    corpus = [
        b"$r3 + 4 * (counter - 1) >> 2 & 0xff", b"*(u16 *)(0x1000) == 0xdead && exit == DTLB_MISS", b"-$r7 / 3 % 7",
        b"dear >= 0xc0000000 || !($msr & 0x8000)", b"did == queue && ~0 > 1", b"*(u8 *)start",
        b"prio == EXTERNAL_LEVEL", b"1 << 31 | 1 ^ -1", b"((($pc)))", b"0b101 + 017 + 12_345",
        b'exit == "DTLB_MISS"', b"(s8)$r31 < 0",
    ]  # fmt: skip
    scope = FakeScope()

    def read(data: bytes) -> None:
        evaluate(data.decode(errors="replace"), scope)  # type: ignore[arg-type]

    return corpus, read


OUTSIDE = ("record", "save-session", "source", "race", "while", "layout", "run-to", "tutorial", "hazard", "policies",
           "switch table", "spr-exits")  # fmt: skip
"""Commands that write where they are told, read files, or take as long as they are told to."""
GUEST = (0x38600000, 0x60000000, 0x60000000, 0x60000000, 0x3C600004, 0x7C600124, 0x48000000)
"""Ends idle, so that runs end."""


def _commands(folder: Path) -> tuple[list[bytes], Reader]:
    from ppcdbg.debugger.commands.registry import commands, execute
    from ppcdbg.views import results
    from ppcdbg.views.spans import to_text
    from tests.gdbstub.rig import demo

    def somewhere() -> Debugger:
        made = demo()
        made.continue_(9_000)
        return made

    found = [c for c in commands().all if not any(word in c.name for word in OUTSIDE)]
    corpus = [text.encode() for c in found for text in (c.name, c.example) if text]
    corpus += [b"break *0x1004 if $r3 == 7", b"x/8xw 0x1000", b"print/x $pc", b"set var $r3 = 5", b"display/i $pc",
               b'printf "%d %s\\n", 1, $pc', b"find 0x1000, +64, 0x60000000", b"whatif set var $r3 = 1"]  # fmt: skip
    held = [somewhere()]
    turn = iter(range(1 << 62))

    def read(data: bytes) -> None:
        line = data.decode(errors="replace").replace("\n", " ")[:2_000]
        if any(word in line for word in OUTSIDE):
            return
        if next(turn) % 500 == 499:
            held[0] = somewhere()
        text = to_text(results.lines(execute(held[0], line), held[0], 80))
        assert all(len(row) <= 80 for row in text.split("\n")), f"wider than the screen: {line!r}"

    return corpus, read


def _packets(folder: Path) -> tuple[list[bytes], Reader]:
    from ppcdbg.gdbstub.packets import Wire, frame
    from ppcdbg.gdbstub.stub import Stub
    from tests.debugger.rig import debugger
    from tests.gdbstub.rig import demo

    bodies = [
        b"qSupported:multiprocess+;swbreak+;hwbreak+;error-message+;xmlRegisters=i386", b"?", b"g", b"G" + b"0" * 304,
        b"p40", b"P40=00001000", b"m1000,40", b"M3000,4:60000000", b"X3000,4:abcd", b"x1000,10", b"Z0,1004,4",
        b"z0,1004,4", b"Z2,3000,4", b"Z0,1004,4;X3,220027", b"vCont?", b"vCont;s:p1.1", b"vCont;c", b"vCont;r1000,1010",
        b"s", b"c", b"s1000", b"Hg1", b"Hcp1.-1", b"T1", b"qC", b"qfThreadInfo", b"qsThreadInfo", b"qThreadExtraInfo,1",
        b"qXfer:features:read:target.xml:0,fff", b"qXfer:osdata:read:exits:0,1000", b"qCRC:1000,40", b"qRcmd,68656c70",
        b"qSearch:memory:1000;40;abc", b"QStartNoAckMode", b"qAttached:1", b"!", b"k", b"R0", b"vKill;1", b"D;1",
        b"vRun;", b"vAttach;1", b"bs", b"bc", b"qSymbol::", b"QThreadSuffixSupported", b"qTStatus", b"vMustReplyEmpty",
        b"qRcmd,696e666f20726567697374657273", b"Qqemu.PhyMemMode:1", b"qqemu.sstepbits", b"Qqemu.sstep=0x1",
    ]  # fmt: skip
    corpus = [frame(body) for body in bodies]

    renewals = iter(range(1 << 62))

    def fresh() -> Stub:
        """On a small guest that runs take no time of, now and then on one that has all that KVM has."""
        make = demo if next(renewals) % 8 == 1 else lambda: debugger(*GUEST)
        made = Stub(make(), restart=make, reverse=lambda d: d.past)
        made.greet()
        return made

    held = [fresh(), Wire()]
    turn = iter(range(1 << 62))

    def read(data: bytes) -> None:
        stub, wire = held
        assert isinstance(stub, Stub) and isinstance(wire, Wire)
        number = next(turn)
        if number % 2_000 == 1_999:
            held[:] = fresh(), Wire()
        body = data[1:-3]
        if number % 2:  # a whole packet, however damaged what is in it
            data = frame(body)
        for event in wire.receive(data):
            if isinstance(event, bytes) and not (event.startswith(b"qRcmd,") and _outside(event)):
                reply = stub.handle(event)
                if reply is not None:
                    wire.send(reply)
        wire.owed()
        if stub.closing or not stub.alive:
            held[0] = fresh()

    return corpus, read


def _outside(body: bytes) -> bool:
    try:
        text = bytes.fromhex(body[6:].decode()).decode(errors="replace")
    except ValueError:
        return False
    return any(word in text for word in OUTSIDE)


TARGETS: dict[str, Target] = {
    t.name: t
    for t in (
        Target("images", BINARY, _images),
        Target("device tree", BINARY, _trees),
        Target("TOML", TEXT, _toml),
        Target("input file", TEXT, _inputs),
        Target("session", BINARY, _sessions, room=8 << 30),
        Target("ftrace", TEXT, _traces),
        Target("VMCS dump", TEXT, _dumps),
        Target("snapshot", TEXT, _snapshots),
        Target("cached object", BINARY, _objects),
        Target("expression", TEXT, _expressions),
        Target("command", TEXT, _commands, room=8 << 30),
        Target("packet", TEXT, _packets, 1_000_000, 256 << 30),
    )
}
