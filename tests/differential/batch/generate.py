"""Random programs for the monitor: as ``programs`` makes them, without what QEMU is known to do in another way.

Where a result is undefined by the book, or QEMU is wrong, an instruction is given operands for which neither holds, or
another one puts the result right; what is left out altogether has its reason in ``LEFT_OUT`` and is compared by single
steps (``tests.differential.compare``) or against golden answers.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from ppcdbg.isa.insn import Insn
from ppcdbg.isa.sprs import sprs_of
from tests.differential import values
from tests.differential.asm import encode, load_immediate, spr_bits
from tests.differential.batch import monitor
from tests.differential.batch.monitor import TRANSLATED, WORDS
from tests.differential.defects import ALIGNED, FLOAT_MOVES, FOR_ALL_IN_QEMU, PLAIN_PAGES
from tests.differential.plans import Group, chapter, plan_of
from tests.differential.programs import BASE, KEPT, KEPT_SPRS, MOVING, OFFSET, SCRATCH, Piece, Programmer
from tests.differential.tlbs import TLB1_BASE
from tests.differential.world import WINDOW
from tests.golden.float.cases import SINGLE

EDGE = 27
"""Points between pages of different rights, and to the end of what is mapped."""

TIDSELD = {"e500mc": (0,), "e500v2": (0, 1, 2, 15)}
"""Selectors of MAS4 that mean something: PID, PID1, PID2, and 0."""
GUARDED = ("divw", "divwu", "mfocrf")
"""Integer instructions that need others beside them."""

LEFT_OUT: dict[str, str] = {
    **dict.fromkeys(sorted(FLOAT_MOVES), "enabled exceptions make QEMU run away: single steps"),
    **dict.fromkeys(("mffs", "mcrfs"), "QEMU's FR, FI, FX and C would reach registers: golden answers"),
    **dict.fromkeys(sorted(FOR_ALL_IN_QEMU), "QEMU lets the user execute it: single steps in supervisor state"),
    "fres": "QEMU gives one half for zero: golden answers",
    **dict.fromkeys(
        ("fnmadd", "fnmsub", "fnmadds", "fnmsubs"), "QEMU rounds the negated sum: only where rounding is symmetric"
    ),
}

MIXES: dict[str, dict[Group, float]] = {
    "straight": {Group.INTEGER: 6, Group.MEMORY: 4, Group.SYSTEM: 0.4},
    "branching": {Group.INTEGER: 6, Group.MEMORY: 2, Group.CONTROL: 4, Group.SYSTEM: 0.2},
    "modes": {Group.INTEGER: 4, Group.MEMORY: 4, Group.CONTROL: 1, Group.SYSTEM: 2},
    "float": {Group.INTEGER: 2, Group.MEMORY: 3, Group.CONTROL: 0.6, Group.SYSTEM: 0.2, Group.FLOAT: 6},
}


@dataclass(frozen=True)
class Program:
    """What a slot holds: the state before, by the names of ``state_fields``, and the words at ``CODE``."""

    name: str
    core: str
    state: dict[str, int]
    words: tuple[int, ...]


class BatchProgrammer(Programmer):
    """Programs of one mix that end by themselves."""

    room = WORDS
    kept = KEPT | {EDGE}

    def __init__(self, core: str, rng: random.Random, mix: str) -> None:
        super().__init__(core, rng)
        generator = self.generator
        weights = MIXES[mix]
        self.symmetric = mix != "float" or rng.random() < 0.5
        """Of rounding: to nearest or toward zero."""
        for group, insns in generator.pools.items():
            generator.pools[group] = [i for i in insns if not self._left_out(i)]
        generator.weights = {group: weight for group, weight in weights.items() if generator.pools.get(group)}

    def _left_out(self, insn: Insn) -> bool:
        if insn.name not in LEFT_OUT:
            return False
        return not (insn.name.startswith("fnm") and self.symmetric)

    @staticmethod
    def _last(words: list[int]) -> int:
        return encode("sc", LEV=0)

    def made(self, name: str) -> Program:
        start = self.program()
        rng = self.rng
        state = dict(start.others)
        state |= {f"r{i}": start.general[i] for i in range(32)}
        state[f"r{EDGE}"] = WINDOW + rng.choice((0x3000, 0x4000, 0x5000, 0x6000, 0x7000)) + rng.choice((0, 0, 4, 2, 1))
        state |= dict(zip(("msr", "cr", "lr", "ctr", "xer"), start.general[33:]))
        state["mas4"] = state["mas4"] & ~0xF0000 | rng.choice(TIDSELD[self.core]) << 16
        state["random"] = rng.getrandbits(32)
        fpscr = rng.choice((0, 1)) if self.symmetric else rng.choice((2, 3))
        state |= {"fpscr": fpscr, "fpscrh": 0}
        for i in range(32):
            double = state.get(f"f{i}", 0)
            state |= {f"f{i}h": double >> 32, f"f{i}l": double & 0xFFFFFFFF}
        return Program(
            name, self.core, {n: state.get(n, 0) for n in monitor.state_fields(self.core)}, tuple(start.words)
        )

    # --- pieces -------------------------------------------------------------------------------------------------
    def _piece(self, *, in_loop: bool = False) -> Piece:
        kind = self.rng.random()
        if kind < 0.08:
            return Piece((encode("sc", LEV=0),))
        if kind < 0.10:
            return self._astray()
        return super()._piece(in_loop=in_loop)

    def _astray(self) -> Piece:
        """Jump to where nothing may be executed; the handler goes on where LR says."""
        where = TLB1_BASE + self.rng.randrange(TRANSLATED + 1) * 0x01000000 + self.rng.choice((0, 4, 0xFFC))
        words = load_immediate(SCRATCH, where)
        keep, back = encode("mfspr", RT=MOVING, SPR="CTR"), encode("mtspr", SPR="CTR", RS=MOVING)
        jump = [encode("mtspr", SPR="CTR", RS=SCRATCH), encode("bcctr", BO=20, BI=0, LK=1)]
        return Piece((keep, *words, *jump, back))

    def _around(self, insn: Insn) -> Piece:
        made = self._guarded(insn)
        return made or super()._around(insn)

    def _guarded(self, insn: Insn) -> Piece | None:
        """An instruction with what keeps its result defined before or behind it; None where it needs nothing."""
        name = insn.name
        if name in ("divw", "divwu"):
            return self._division(insn)
        if name == "mfocrf":
            word = self._word(insn)
            raw = self._raw(insn, word)
            field = 8 - raw["FXM"].bit_length()
            mask = 4 * field << 5 | 4 * field + 3
            return Piece((word, encode("rlwinm", RS=raw["RT"], RA=raw["RT"], SH=0, MASK=mask)))
        if name == "mtspr":
            return self._move(insn)
        if name == "stwcx.":
            source = self.rng.randrange(4, 27)
            last = (insn.form.encode(RS=r, RA0=0, RB=BASE) for r in (source, source + 1))
            return Piece((encode("lwarx", RT=source - 1, RA0=0, RB=BASE), *last))
        if name in SINGLE and self.core == "e500mc":
            word = self._word(insn) & ~1
            raw = self._raw(insn, word)
            rounded = [encode("frsp", FRT=raw[n], FRB=raw[n], Rc=0) for n in ("FRA", "FRB", "FRC") if n in raw]
            return Piece((*rounded, word))
        return None

    def _division(self, insn: Insn) -> Piece:
        """Divisors of both signs for dividends that are not negative, dividends of both for small divisors."""
        word = self._word(insn)
        raw = self._raw(insn, word)
        if raw["RB"] in self.kept or raw["RA"] in self.kept:
            word = insn.form.encode(**(raw := {**raw, "RA": 5, "RB": 6}))
        dividend, divisor = raw["RA"], raw["RB"]
        if self.rng.random() < 0.5 and dividend != divisor:
            narrow = encode("rlwinm", RS=dividend, RA=dividend, SH=0, MASK=1 << 5 | 31)
        else:
            narrow = encode("rlwinm", RS=divisor, RA=divisor, SH=0, MASK=self.rng.randrange(1, 31) << 5 | 31)
        return Piece((narrow, encode("ori", RS=divisor, RA=divisor, UI=1), word))

    def _move(self, insn: Insn) -> Piece:
        """Only bits that exist: what becomes of reserved bits is up to the implementation."""
        numbers = [n for n in self.generator.writable if n not in KEPT_SPRS]
        number = self.rng.choice(numbers)
        value = values.word(self.rng) & (sprs_of(self.core)[number].mask or 0xFFFFFFFF)
        return Piece((*load_immediate(SCRATCH, value), insn.form.encode(RS=SCRATCH, SPR=spr_bits(number))))

    def _disciplined(self, insn: Insn, word: int) -> int:
        word = super()._disciplined(insn, word)
        raw = self._raw(insn, word)
        if insn.fp and chapter(insn) == "float" and "Rc" in raw:
            raw["Rc"] = 0  # CR1 would take FX, which QEMU sets again and again
        if plan_of(insn).multiple and "RT" in raw:
            raw["RT"] = self.rng.randrange(EDGE + 1, 32)
        if plan_of(insn).size and "RA0" in raw:
            self._edges(insn, raw)
        return insn.form.encode(**raw)

    def _edges(self, insn: Insn, raw: dict[str, int]) -> None:
        plain = insn.name in PLAIN_PAGES or insn.name in ALIGNED or plan_of(insn).multiple
        if plain and "D" in raw:
            raw["D"] &= ~3
        elif plain:
            raw |= {"RA0": 0, "RB": BASE}
        elif self.rng.random() < 0.35:
            raw["RA0"] = EDGE
            if "D" in raw:
                raw["D"] = self.rng.randrange(-0x20, 0x20) & 0xFFFF
            else:
                raw["RB"] = OFFSET

    def _replacement(self) -> Insn:
        while (insn := super()._replacement()).name in GUARDED:
            pass
        return insn

    def _change_code(self) -> Piece:
        """As the book wants it: the store, then the instruction cache is told."""
        piece = super()._change_code()
        told = (encode("dcbst", RA0=0, RB=MOVING), encode("sync"), encode("icbi", RA0=0, RB=MOVING), encode("isync"))
        return Piece((*piece.items, *told))

    def _through_entry(self) -> Piece:
        """A load or store through an entry that may or may not be there."""
        where = TLB1_BASE + self.rng.randrange(TRANSLATED) * 0x01000000 + self.rng.choice((0, 1, 0x7FE, 0xFF8))
        name, register = self.rng.choice((("stw", "RS"), ("stb", "RS"), ("lwz", "RT"), ("lha", "RT"), ("lbz", "RT")))
        return Piece((*load_immediate(SCRATCH, where), encode(name, **{register: 3}, RA0=SCRATCH, D=0)))


def program(name: str) -> Program:
    """The program of this name, ``CORE/MIX/SEED.NUMBER``."""
    core, mix, _ = name.split("/", 2)
    return BatchProgrammer(core, random.Random(name), mix).made(name)


def names(core: str, seed: str) -> Callable[[int], str]:
    """The name of the n-th program of a seed: the mixes in turn."""
    mixes = [m for m in MIXES if m != "float" or core == "e500mc"]
    return lambda n: f"{core}/{mixes[n % len(mixes)]}/{seed}.{n}"
