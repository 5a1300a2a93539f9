"""Random programs that run by themselves: for engines against each other, in long runs that nobody prepares.

Addresses are kept good by discipline instead: r1 points into the window and r2 is a small offset, and nothing writes
them; r28 and r29 are scratch for sequences that need an address or a value. Branches go forward, but for loops that CTR
ends. Interrupts are handled at the vectors: step over the instruction and return; ``sc`` changes a translation, at once
and out of reach of a branch into its middle. Code changes itself now and then.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu.msr import MSR_ME
from ppcdbg.isa.bits import extract
from ppcdbg.isa.insn import Insn
from tests.differential.asm import encode, load_immediate, set_spr
from tests.differential.defects import SKIPPED
from tests.differential.generate import Generator, Start
from tests.differential.peers import MSR, PC
from tests.differential.plans import Group, plan_of
from tests.differential.tlbs import TLB1_BASE
from tests.differential.world import CODE, CODE_END, VECTORS, WINDOW, vector_address, vector_numbers
from tests.isa.spe_machine import SPE

BASE, OFFSET, SCRATCH, MOVING = 1, 2, 28, 29
KEPT_SPRS = frozenset({9, 26, 48, 274, 275, *range(624, 631), 944})  # CTR, SRR0, PID, SPRG2, SPRG3, MAS
TRANSLATIONS = VECTORS + 0x2000
LOOP_ROOM = 64
NOP = 0x60000000
KEPT = frozenset({BASE, OFFSET})
WEIGHTS = {Group.INTEGER: 6, Group.MEMORY: 4, Group.CONTROL: 2, Group.SYSTEM: 0.6, Group.FLOAT: 2}


_RESTORE = [encode("mfspr", RT=30, SPR="SPRG2"), encode("mfspr", RT=31, SPR="SPRG3"), encode("rfi")]


def _onward(number: int) -> list[int]:
    """The body of a handler: sets SRR0 (and what else is due), in r30 and r31."""
    behind = [
        encode("mfspr", RT=30, SPR="SRR0"),
        encode("addi", RT=30, RA0=30, SI=4),
        encode("mtspr", SPR="SRR0", RS=30),
    ]
    match number:
        case I.INST_STORAGE | I.ITLB_MISS:  # go on at a place that the time base chooses
            return [
                encode("mfspr", RT=30, SPR=268),
                encode("rlwinm", RS=30, RA=30, SH=4, MASK=20 << 5 | 29),
                encode("addi", RT=30, RA0=30, SI=CODE),
                encode("mtspr", SPR="SRR0", RS=30),
            ]
        case I.PROGRAM:  # come back as supervisor
            clear = [encode("mfspr", RT=30, SPR="SRR1"), encode("rlwinm", RS=30, RA=30, SH=0, MASK=18 << 5 | 16)]
            return [*behind, *clear, encode("mtspr", SPR="SRR1", RS=30)]
        case _:
            return behind


def handler(number: int) -> list[int]:
    """No register but SPRG2 and SPRG3 is disturbed."""
    save = [encode("mtspr", SPR="SPRG2", RS=30), encode("mtspr", SPR="SPRG3", RS=31)]
    if number == I.SYSCALL:
        return [*save, encode("b", LI=TRANSLATIONS - vector_address(number) - 8)]
    return [*save, *_onward(number), *_RESTORE]


def change_translation() -> list[int]:
    """What ``sc`` does: the time base chooses one of eight entries of TLB1, its page, and whether it is valid."""

    def take(register: int, rotate: int, first: int, last: int) -> list[int]:
        """Some bits of the time base, rotated left, in bits ``first`` to ``last``."""
        rotated = encode("rlwinm", RS=register, RA=register, SH=rotate, MASK=first << 5 | last)
        return [encode("mfspr", RT=register, SPR=268), rotated]

    return [
        *take(31, 29, 29, 31),
        encode("rlwinm", RS=31, RA=30, SH=24, MASK=5 << 5 | 7),
        encode("oris", RS=30, RA=30, UIS=TLB1_BASE >> 16),
        encode("mtspr", SPR="MAS2", RS=30),
        encode("ori", RS=30, RA=30, UI=8),
        encode("tlbivax", RA0=0, RB=30),
        encode("rlwinm", RS=31, RA=31, SH=16, MASK=13 << 5 | 15),
        encode("addis", RT=31, RA0=31, SIS=0x1002),
        encode("mtspr", SPR="MAS0", RS=31),
        *take(30, 26, 0, 0),
        encode("ori", RS=30, RA=30, UI=0x100),
        encode("mtspr", SPR="MAS1", RS=30),
        *take(30, 10, 18, 19),
        encode("oris", RS=30, RA=30, UIS=0x20),
        encode("ori", RS=30, RA=30, UI=0x3F),
        encode("mtspr", SPR="MAS3", RS=30),
        *set_spr("MAS7", 0, 30),
        encode("tlbwe"),
        *_RESTORE,
    ]


@dataclass(frozen=True)
class Reference:
    """A word that depends on where a later piece begins; ``make`` takes that address and the word's own."""

    ahead: int
    make: Callable[[int, int], int]
    to_plain: bool = False
    """The next piece from there on that is one integer instruction, and may be replaced by another."""


@dataclass(frozen=True)
class Piece:
    """Words that run from the first on: nothing branches into their middle."""

    items: tuple[int | Reference, ...]
    plain: bool = False
    inside: bool = False
    """Of a loop: entered from its beginning only, where CTR is set."""


def _address_in(register: int) -> Callable[[int, int], int]:
    return lambda target, own: encode("addi", RT=register, RA0=0, SI=target)


class Programmer:
    """Programs for one core from one source of chance."""

    room = (CODE_END - CODE) // 4
    kept = KEPT

    def __init__(self, core: str, rng: random.Random, *, vector: bool = False) -> None:
        """``vector``: with all of e500v2's SPE, of which QEMU lacks half (.defects)."""
        self.core = core
        self.rng = rng
        weights = WEIGHTS if core == "e500mc" else {**WEIGHTS, Group.FLOAT: 0.1}
        if vector:
            weights = {**weights, Group.VECTOR: 5}
        lacks = {key for key in SKIPPED if not (vector and key[1] in SPE)}
        self.generator = Generator(core, rng, weights, lacks)

    def program(self) -> Start:
        """A start state, and words that fill the code window and run in a circle."""
        start = self.generator.start(1, float_state=True)
        general = list(start.general)
        general[BASE], general[OFFSET] = WINDOW + 0x1800, self.rng.choice((0, 4, 8, 0x7FD, 0xFFFFFFF0))
        general[PC], general[MSR] = CODE, general[MSR] | MSR_ME
        return Start(tuple(general), start.others, tuple(self._words()), ())

    def _words(self) -> list[int]:
        pieces: list[Piece] = []
        room = self.room - 1
        while (room_left := room - sum(len(p.items) for p in pieces)) > 2 * LOOP_ROOM:
            pieces += self._loop() if self.rng.random() < 0.04 else [self._piece()]
        pieces += [Piece((NOP,), plain=True)] * room_left
        starts = list(accumulate((len(p.items) for p in pieces), initial=0))
        words: list[int] = []
        for i, piece in enumerate(pieces):
            for item in piece.items:
                own = CODE + 4 * len(words)
                words.append(item if isinstance(item, int) else item.make(self._target(item, i, pieces, starts), own))
        return [*words, self._last(words)]

    @staticmethod
    def _last(words: list[int]) -> int:
        """Back to the beginning."""
        return encode("b", LI=-4 * len(words))

    @staticmethod
    def _target(reference: Reference, here: int, pieces: list[Piece], starts: list[int]) -> int:
        wanted = min(here + reference.ahead, len(pieces) - 1)
        later = range(wanted, len(pieces))
        if reference.to_plain:
            return CODE + 4 * starts[next(i for i in later if pieces[i].plain)]
        return CODE + 4 * starts[next(i for i in later if not pieces[i].inside)]

    # --- pieces -------------------------------------------------------------------------------------------------
    def _piece(self, *, in_loop: bool = False) -> Piece:
        kind = self.rng.random()
        if kind < 0.03:
            return self._change_code()
        if kind < 0.06:
            return self._through_entry()
        while True:
            insn = self.generator.pick()
            # A loop must end: nothing in it may alter CTR.
            if self.core in insn.cores and not (in_loop and insn.name == "bcctr"):
                return self._around(insn)

    def _loop(self) -> list[Piece]:
        """A few pieces that run a few times."""
        body = [self._piece(in_loop=True) for _ in range(self.rng.randrange(1, 6))]
        length = sum(len(p.items) for p in body)
        back = encode("bc", BO=16, BI=0, BD=-4 * length, AA=0, LK=self.rng.getrandbits(1))
        head = Piece(tuple(set_spr("CTR", self.rng.randrange(2, 30), SCRATCH)))
        return [head, *(replace(p, inside=True) for p in [*body, Piece((back,))])]

    def _around(self, insn: Insn) -> Piece:
        """The instruction after what it needs."""
        rng, ahead = self.rng, self.rng.randrange(1, 8)
        before: list[int | Reference] = []
        match insn.name:
            case "b" | "bc":
                return Piece((Reference(ahead, self._branch(insn)),))
            case "bclr" | "bcctr":
                spr = "LR" if insn.name == "bclr" else "CTR"
                before = [Reference(ahead, _address_in(SCRATCH)), encode("mtspr", SPR=spr, RS=SCRATCH)]
            case "mtmsr":
                before = [*load_immediate(SCRATCH, self.generator.msr())]
            case "rfi" | "rfci" | "rfdi" | "rfmci":
                pair = {"rfi": "SRR", "rfci": "CSRR", "rfdi": "DSRR", "rfmci": "MCSRR"}[insn.name]
                # mfmsr first: from user state its interrupt comes back as supervisor.
                before = [encode("mfmsr", RT=SCRATCH), Reference(ahead, _address_in(SCRATCH))]
                before += [encode("mtspr", SPR=pair + "0", RS=SCRATCH)]
                before += set_spr(pair + "1", self.generator.msr(), SCRATCH)
        if plan_of(insn).update:
            before = [encode("addi", RT=MOVING, RA0=BASE, SI=rng.randrange(-0x800, 0x800))]
        return Piece((*before, self._word(insn)), plain=plan_of(insn).group is Group.INTEGER)

    def _branch(self, insn: Insn) -> Callable[[int, int], int]:
        raw = self._raw(insn, self.generator.word(insn, CODE))
        field, bits = ("LI", 24) if insn.name == "b" else ("BD", 14)
        if "BO" in raw:
            raw["BO"] |= 4

        def make(target: int, own: int) -> int:
            offset = target - (0 if raw["AA"] else own)
            return insn.form.encode(**{**raw, field: offset >> 2 & (1 << bits) - 1})

        return make

    @staticmethod
    def _raw(insn: Insn, word: int) -> dict[str, int]:
        return {f.name: extract(word, f.first, f.last) for f in insn.form.fields}

    def _word(self, insn: Insn) -> int:
        """A form of ``insn`` that keeps to the discipline."""
        for _ in range(200):
            word = self._disciplined(insn, self.generator.word(insn, CODE))
            if self._keeps(insn, word):
                return word
        raise AssertionError(f"no form of {insn.name} keeps the discipline")

    def _disciplined(self, insn: Insn, word: int) -> int:
        """``word`` with its address registers replaced."""
        plan, raw = plan_of(insn), self._raw(insn, word)
        if insn.name == "mtmsr":
            raw["RS"] = SCRATCH
        if "BO" in raw:
            raw["BO"] |= 4
        if plan.size:
            if "RA0" in raw:
                raw["RA0"] = BASE
            elif plan.update:
                raw["RA"] = MOVING
            if "D" in raw and plan.group is not Group.VECTOR:
                raw["D"] = self.rng.randrange(-0x1000, 0x1000) & 0xFFFF
            elif "D" in raw:
                pass  # any of it is near
            else:
                raw["RB"] = OFFSET if "RA0" in raw or plan.update else BASE
            if plan.multiple and "RT" in raw:
                raw["RT"] = self.rng.randrange(3, 32)
        return insn.form.encode(**raw)

    def _keeps(self, insn: Insn, word: int) -> bool:
        """Whether BASE and OFFSET survive, and CTR and what the handlers use are left alone."""
        raw = {f.name: f.operand(word) for f in insn.form.fields}
        written = {raw.get("RT"), raw.get("RA") if "RA" in insn.alters else None}
        if plan_of(insn).update:
            written.add(raw["RA"])
            if raw.get("RT") == raw["RA"]:
                return False
        if insn.name == "mtspr" and raw["SPR"] in KEPT_SPRS:
            return False
        return not written & self.kept

    def _replacement(self) -> Insn:
        return self.rng.choice(self.generator.pools[Group.INTEGER])

    def _change_code(self) -> Piece:
        """Store another instruction in place of one that comes a little later."""
        words = load_immediate(SCRATCH, self._word(self._replacement()))
        where = Reference(self.rng.randrange(1, 12), _address_in(MOVING), to_plain=True)
        return Piece((*words, where, encode("stw", RS=SCRATCH, RA0=MOVING, D=0)))

    def _through_entry(self) -> Piece:
        """A load or store through an entry that may or may not be there, before or after it changes."""
        where = TLB1_BASE + self.rng.randrange(8) * 0x01000000 + self.rng.choice((0, 1, 0xFFC))
        name, register = ("stw", "RS") if self.rng.random() < 0.4 else ("lwz", "RT")
        change = [encode("sc", LEV=0), NOP] if self.rng.random() < 0.5 else []
        return Piece((*load_immediate(SCRATCH, where), *change, encode(name, **{register: 3}, RA0=SCRATCH, D=0)))


def vectors(core: str) -> list[tuple[int, list[int]]]:
    """(real address, words) of the handlers."""
    handlers = [(vector_address(n), handler(n)) for n in vector_numbers(core)]
    return [*handlers, (TRANSLATIONS, change_translation())]


def random_budgets(rng: random.Random, total: int) -> list[int]:
    """Absolute limits on the way to ``total``."""
    limits = {total}
    while len(limits) < 40:
        limits.add(rng.randrange(1, total))
    first = rng.randrange(1, total - 12)
    return sorted(limits | set(range(first, first + 10)))
