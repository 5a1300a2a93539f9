"""What reads what comes from outside: each reader with the good files that damage starts from.

A reader is handed damaged bytes and may do its work or raise a PpcdbgError of one sentence; anything else is a finding.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

from ppcdbg.debugger.debugger import Debugger
from ppcdbg.errors import LONGEST, InputError, PpcdbgError
from tests.fuzz import forge
from tests.fuzz.harness import RENEWED
from tests.fuzz.mutate import BINARY, TEXT, Damage

PACKAGE = Path(__file__).resolve().parents[2] / "ppcdbg"
MEMORY = 64 << 20
Reader = Callable[[bytes, int], str]
"""Reads an input of a number, and says how it came out: what begins with OK was read through."""
OK = "ok"
SOON = 0.02
"""Seconds of processor time after which a user interrupts what goes on."""


@dataclass(frozen=True)
class Reading:
    """``corpus``: good files that damage starts from; ``forge`` makes inputs whose container is whole."""

    corpus: list[bytes]
    read: Reader
    forge: forge.Forge | None = None


@dataclass(frozen=True)
class Target:
    """``many`` is how many inputs a soak tries, ``forged`` the share of them that ``Reading.forge`` makes."""

    name: str
    kinds: Sequence[Damage]
    prepare: Callable[[Path], Reading]
    many: int = 100_000
    room: int = 1 << 30
    """Bytes of address space beyond what there is when it begins; an engine reserves more than it uses."""
    forged: float = 0.5


def place(error: PpcdbgError) -> str:
    """Where an input was refused: of two that are refused in one place the second teaches nothing new."""
    trace, at = error.__traceback__, "?"
    while trace is not None:
        code = trace.tb_frame.f_code
        if "/ppcdbg/ppcdbg/" in code.co_filename or str(PACKAGE) in code.co_filename:
            at = f"{Path(code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return at


def ways(*readers: Callable[[], object]) -> str:
    """What became of some readings of one input, each of which may be refused."""
    out = []
    for reader in readers:
        try:
            reader()
            out.append(OK)
        except PpcdbgError as error:
            one_sentence(error)
            out.append(place(error))
    return " ".join(sorted(out, key=lambda way: way != OK))


@contextmanager
def impatient(interrupt: Callable[[], None]) -> Iterator[None]:
    """A user who interrupts what takes long, and again."""
    signal.signal(signal.SIGVTALRM, lambda number, frame: interrupt())
    signal.setitimer(signal.ITIMER_VIRTUAL, SOON, SOON)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def one_sentence(error: PpcdbgError) -> None:
    text = str(error)
    assert "\n" not in text and len(text) <= LONGEST, f"not one sentence: {text[:300]!r}"


# --- images ---------------------------------------------------------------------------------------------------------
def _images(folder: Path) -> Reading:
    from ppcdbg.debugger.lines import LineTable
    from ppcdbg.debugger.symbols import read_symbols
    from ppcdbg.machine.images import read_image
    from tests.machine.test_images import elf, uimage

    path = folder / "image"
    files = [(PACKAGE / "_guests" / f"{n}.elf").read_bytes() for n in ("demo", "spinlock", "bench-a")]
    corpus = [*files, elf(), uimage(b"\x60\0\0\0" * 9), uimage(gzip.compress(b"\x60\0\0\0" * 9), comp=1)]

    def loaded(load: int | None) -> None:
        image = read_image(path, MEMORY, load)
        assert all(len(s.data) <= s.size and s.end <= 1 << 36 for s in image.segments)

    def read(data: bytes, number: int) -> str:
        path.write_bytes(data)
        found = ways(lambda: loaded(None), lambda: loaded(0x1000))
        if data[:4] == b"\x7fELF":
            read_symbols(path)
            LineTable(path).at(0x1000)
        return found

    return Reading(corpus, read, forge.other_images(elf, uimage, files))


def _trees(folder: Path) -> Reading:
    from ppcdbg.machine.devicetree import HypervisorNode, TreeFacts, build, parse, patch, text

    facts = TreeFacts(MEMORY, 32, "console=ttyS0", kernel=(0, 1 << 20), initrd=(0x100000, 0x200000))
    corpus = [build(facts), build(TreeFacts(0x1000, 64, "", hypervisor=HypervisorNode((0x44000022, 0x60000000), True)))]

    def read(data: bytes, number: int) -> str:
        parse(data, "x.dtb")
        text(patch(data, facts, "x.dtb"))
        return OK

    return Reading(corpus, read, forge.other_trees(corpus))


# --- text that describes --------------------------------------------------------------------------------------------
def _toml(folder: Path) -> Reading:
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

    def keys() -> None:
        skipped: list[str] = []
        with_keymap(read_keymap(path, skipped))
        for text in skipped:
            one_sentence(InputError(text))

    def themed(data: bytes) -> None:
        with suppress(UnicodeDecodeError):  # it takes text
            parse_theme(data.decode(), "theme")

    def read(data: bytes, number: int) -> str:
        path.write_bytes(data)
        own.write_bytes(data)
        return ways(
            lambda: describe(path, {}), lambda: load_settings({}, folder, {}),
            keys, lambda: read_choice(path), lambda: themed(data),
        )  # fmt: skip

    return Reading(corpus, read, forge.other_toml([text.decode() for text in corpus]))


def _inputs(folder: Path) -> Reading:
    from ppcdbg.machine.inputfile import read_input

    path = folder / "input"
    corpus = [
        b'# lines\n1000 console "ls\\n"\n+200 irq 42 up\n+2k break\n',
        b'5 console:1 "\\u00e9"\n10 irq 7 1\n1_000 irq 7 0\n',
    ]

    def read(data: bytes, number: int) -> str:
        path.write_bytes(data)
        read_input(path)
        return OK

    return Reading(corpus, read, forge.other_events)


# --- recordings, traces, dumps --------------------------------------------------------------------------------------
COMMANDS = ("session info", "session export csv", "session sql", "session note", "session export jsonl")
RARELY = ("session verify", "session list", "session export html", "session index", "session note NEW")
"""Commands that take long, or that write."""


def _sessions(folder: Path) -> Reading:
    from ppcdbg.cli.main import main

    good = folder / "good.ppcdbg"
    guest = folder / "guest.bin"
    words = (0x38600005, 0x38630001, 0x38630001, 0x44000002, 0x3C600004, 0x7C600124, 0x48000000)
    guest.write_bytes(b"".join(w.to_bytes(4, "big") for w in words))
    with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
        main(["record", str(guest), "--load", "0x1000", "--hv", "none", "--max-insns", "50", "-o", str(good)])
    corpus = [good.read_bytes(), (PACKAGE.parent / "sessions/demo-e500v2-kvm.ppcdbg").read_bytes()]
    path = folder / "x.ppcdbg"

    def read(data: bytes, number: int) -> str:
        for old in folder.glob("x.ppcdbg*"):
            old.unlink()
        path.write_bytes(data)
        command = COMMANDS[number % len(COMMANDS)] if number % 20 else RARELY[number // 20 % len(RARELY)]
        words = [*command.split()[:2], str(path)]
        if command.startswith("session export"):
            words += [command.split()[2], "-o", "/dev/null"]
        elif command == "session sql":
            words.append("SELECT count(*), max(name) FROM exits")
        elif command == "session list":
            words[-1] = str(folder)
        elif command == "session note NEW":
            words.append("more")
        err = io.StringIO()
        with redirect_stderr(err), redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")):
            status = main(words)
        said = err.getvalue()
        assert status in (0, 1, 3, 4, 5, 6) and "Traceback" not in said, f"{words}: {status} {said}"
        return f"{status} {''.join(c for c in said if c.isalpha())[:60]}" if status else OK

    return Reading(corpus, read, forge.other_cells(corpus))


def _traces(folder: Path) -> Reading:
    from ppcdbg.session.ftrace import Reading as Trace
    from ppcdbg.session.importing import import_trace
    from tests.session.test_importing import FTRACE, REPORT

    path = folder / "t.ppcdbg"

    def read(data: bytes, number: int) -> str:
        lines = data.decode(errors="replace").splitlines(keepends=True)
        trace = Trace()
        found = [*trace.read(lines)]
        assert len(found) <= trace.lines
        if number % 40 == 0:
            path.unlink(missing_ok=True)
            import_trace(lines, "t", path)
        unread = sum(event.args is None for event in found)
        return f"{OK if found else 'none'} {len(found)} of {trace.lines}, {trace.malformed}, {unread}"

    return Reading([FTRACE.encode(), REPORT.encode()], read, forge.other_numbers([FTRACE, REPORT]))


def _dumps(folder: Path) -> Reading:
    from ppcdbg.nested.audit import audit
    from ppcdbg.nested.examples import right
    from ppcdbg.nested.read import read_exit
    from tests.nested.test_dump import dump

    snapshot = right(1)
    texts = [dump(snapshot.before), dump(snapshot.running, "[   12.345678] ")]
    damaged, good = folder / "l0.log", folder / "l1.log"
    good.write_text(texts[0])

    def read(data: bytes, number: int) -> str:
        damaged.write_bytes(data)
        found = audit(read_exit((damaged, good) if number % 2 else (good, damaged))).findings
        return " ".join([OK, *sorted({f"{each.field} {each.verdict.name}" for each in found})])

    return Reading([text.encode() for text in texts], read, forge.other_log(texts))


def _snapshots(folder: Path) -> Reading:
    from ppcdbg.nested.audit import audit
    from ppcdbg.nested.examples import host_handled, right
    from ppcdbg.nested.snapshot import as_json, parse

    def read(data: bytes, number: int) -> str:
        snapshot = parse(data.decode(errors="replace"), "exit.json")
        wrong = sorted({f"{found.field} {found.verdict.name}" for found in audit(snapshot).findings})
        return " ".join([OK, *wrong])

    texts = [json.dumps(as_json(s), indent=1) for s in (right(1), host_handled(2))]
    return Reading([text.encode() for text in texts], read, forge.other_json(texts))


def _objects(folder: Path) -> Reading:
    """What is kept of compiled engines: only what is whole comes back."""
    from ppcdbg.engine.llvm.cache import keep, recall

    payload = b"\x7fELF" + bytes(range(256)) * 8
    keep(folder, "object", payload)
    keep(folder, "other", payload)
    good, other = (folder / "object").read_bytes(), (folder / "other").read_bytes()
    head = len(good) - len(payload)

    def read(data: bytes, number: int) -> str:
        (folder / "object").write_bytes(data)
        found = recall(folder, "object")
        assert found is None or found == payload, "a damaged object came back"
        return OK if found else "none"

    def forged(rng: forge.Random) -> bytes:
        """A right head on another payload, or another object's head on the right one."""
        if rng.random() < 0.1:
            return other[:head] + payload
        return good[:head] + forge.mutated(rng, [payload], BINARY)

    return Reading([good], read, forged)


# --- what a user or a client says -----------------------------------------------------------------------------------
def _expressions(folder: Path) -> Reading:
    from ppcdbg.debugger.expressions import evaluate
    from tests.debugger.test_expressions import FakeScope

    corpus = [
        b"$r3 + 4 * (counter - 1) >> 2 & 0xff", b"*(u16 *)(0x1000) == 0xdead && exit == DTLB_MISS", b"-$r7 / 3 % 7",
        b"dear >= 0xc0000000 || !($msr & 0x8000)", b"did == queue && ~0 > 1", b"*(u8 *)start",
        b"prio == EXTERNAL_LEVEL", b"1 << 31 | 1 ^ -1", b"((($pc)))", b"0b101 + 017 + 12_345",
        b'exit == "DTLB_MISS"', b"(s8)$r31 < 0",
    ]  # fmt: skip
    scope = FakeScope()

    def read(data: bytes, number: int) -> str:
        evaluate(data.decode(errors="replace"), scope)  # type: ignore[arg-type]
        return OK

    return Reading(corpus, read, forge.expressions)


OUTSIDE = ("record", "save-session", "source", "race")
"""Commands that write where they are told, read files, or start processes."""
GUEST = (0x38600000, 0x60000000, 0x60000000, 0x60000000, 0x3C600004, 0x7C600124, 0x48000000)
"""Ends idle, so that runs end."""


def _lines() -> list[str]:
    """Every command and its example but those of ``OUTSIDE``, and some more."""
    from ppcdbg.debugger.commands.registry import commands

    outside = _outside()
    found = [c for c in commands().all if not outside.search(c.name)]
    return [text for c in found for text in (c.name, c.example) if text] + [
        "break *0x1004 if $r3 == 7", "x/8xw 0x1000", "print/x $pc", "set var $r3 = 5", "display/i $pc",
        'printf "%d %s\\n", 1, $pc', "find 0x1000, +64, 0x60000000", "whatif set var $r3 = 1",
    ]  # fmt: skip


def _commands(folder: Path) -> Reading:
    from ppcdbg.debugger.commands.registry import execute
    from ppcdbg.views import results
    from ppcdbg.views.spans import to_text
    from tests.gdbstub.rig import demo

    def somewhere() -> Debugger:
        made = demo()
        made.continue_(9_000)
        return made

    lines, outside = _lines(), _outside()
    held = [somewhere()]

    def read(data: bytes, number: int) -> str:
        line = data.decode(errors="replace").replace("\n", " ")[:2_000]
        if outside.search(line):
            return "outside"
        if number % RENEWED == 0:
            held[0] = somewhere()
        debugger = held[0]
        with impatient(debugger.interrupt):
            result = execute(debugger, line)
            text = to_text(results.lines(result, debugger, 80))
        debugger.forget_interrupt()
        assert all(len(row) <= 80 for row in text.split("\n")), f"wider than the screen: {line!r}"
        return OK

    return Reading([line.encode() for line in lines], read, forge.command_lines(lines))


def _packets(folder: Path) -> Reading:
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

    def fresh(number: int) -> Stub:
        """On a small guest that runs take no time of, now and then on one that has all that KVM has."""
        make = demo if number // RENEWED % 4 == 1 else lambda: debugger(*GUEST)
        made = Stub(make(), restart=make, reverse=lambda d: d.past)
        made.greet()
        return made

    held, outside = [fresh(0), Wire()], _outside()

    def interrupt() -> None:
        stub = held[0]
        assert isinstance(stub, Stub)
        stub.interrupted = True
        stub.debugger.interrupt()

    def read(data: bytes, number: int) -> str:
        if number % RENEWED == 0:
            held[:] = fresh(number), Wire()
        stub, wire = held
        assert isinstance(stub, Stub) and isinstance(wire, Wire)
        if number % 2 and data[-3:-2] != b"#":  # a whole packet, however damaged what is in it
            data = frame(data[1:])
        said = ["nothing"]
        for event in wire.receive(data):
            if not isinstance(event, bytes):
                said.append("signal")
            elif not (event.startswith(b"qRcmd,") and outside.search(_said(event))):
                stub.interrupted = False
                with impatient(interrupt):
                    reply = stub.handle(event)
                stub.debugger.forget_interrupt()
                fine = reply is None or reply[:1] not in (b"", b"E")
                said.append(f"{OK if fine else 'E' if reply else 'unknown'} {event[:2]!r}")
                if reply is not None:
                    wire.send(reply)
        wire.owed()
        if stub.closing or not stub.alive:
            stub.greet()
        return said[-1]

    return Reading(corpus, read, forge.packets(bodies, frame, forge.command_lines(_lines())))


def _said(body: bytes) -> str:
    """What a ``monitor`` packet says."""
    try:
        return bytes.fromhex(body[6:].decode()).decode(errors="replace")
    except ValueError:
        return ""


def _outside() -> re.Pattern[str]:
    """What one of ``OUTSIDE`` can be called by: its name, and each beginning of it that is nobody else's."""
    from ppcdbg.debugger.commands.registry import commands

    words = []
    for name in (c.name for c in commands().all if c.name in OUTSIDE):
        for length in range(1, len(name) + 1):
            with suppress(PpcdbgError):
                if commands().find(name[:length])[0].name == name:
                    words.append(name[:length])
    return re.compile(rf"(?<![a-z-])(?<!info )(?:{'|'.join(words)})(?![a-z-])")


TARGETS: dict[str, Target] = {
    t.name: t
    for t in (
        Target("images", BINARY, _images, forged=0.7),
        Target("device tree", BINARY, _trees),
        Target("TOML", TEXT, _toml),
        Target("input file", TEXT, _inputs, forged=0.8),
        Target("session", BINARY, _sessions, room=8 << 30),
        Target("ftrace", TEXT, _traces),
        Target("VMCS dump", TEXT, _dumps),
        Target("snapshot", TEXT, _snapshots, forged=0.8),
        Target("cached object", BINARY, _objects),
        Target("expression", TEXT, _expressions, forged=0.8),
        Target("command", TEXT, _commands, room=8 << 30),
        Target("packet", TEXT, _packets, 1_000_000, 8 << 30, forged=0.7),
    )
}
