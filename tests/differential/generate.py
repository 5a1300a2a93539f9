"""Random instructions of our own table, and for each the random state in which it is worth running.

Everything comes from one ``random.Random``; the same seed gives the same sequence until the table changes.
Invalid forms, whose results the book leaves undefined, are avoided here and not excused later.
"""

from __future__ import annotations

import random
from collections.abc import Container
from dataclasses import dataclass, field, replace

from ppcdbg.cpu.msr import (
    MSR_CE,
    MSR_DS,
    MSR_EE,
    MSR_FE0,
    MSR_FE1,
    MSR_FP,
    MSR_IS,
    MSR_ME,
    MSR_PMM,
    MSR_PR,
    MSR_RI,
    MSR_SPE,
    MSR_UBLE,
    MSR_UCLE,
)  # fmt: skip
from ppcdbg.isa.bits import M32, extract, sign_extend
from ppcdbg.isa.forms import Field, Kind
from ppcdbg.isa.insn import Insn
from ppcdbg.isa.sprs import SPRS, Access, sprs_of
from ppcdbg.isa.table import TABLE
from tests.differential import values
from tests.differential.asm import encode, spr_bits
from tests.differential.defects import (
    ALIGNED,
    FLOAT_MOVES,
    FOR_ALL_IN_QEMU,
    MSR_ABSENT,
    PLAIN_PAGES,
    SKIPPED,
    SPRS_EXCLUDED,
    comparable_fpscr,
)
from tests.differential.peers import CTR, LR, MSR, PC, General
from tests.differential.plans import ELSEWHERE, Group, Plan, plan_of
from tests.differential.world import CODE, CODE_END, LOW_DATA, LOW_DATA_END, WINDOW, WINDOW_PA, WINDOW_PAGES
from tests.golden.float.cases import SINGLE
from tests.golden.spe.cases import SETTABLE, Source, is_float

MSR_OF = {
    "e500v2": MSR_UCLE | MSR_CE | MSR_EE | MSR_PR | MSR_ME | MSR_UBLE | MSR_IS | MSR_DS | MSR_PMM,
    "e500mc": MSR_UCLE
    | MSR_CE
    | MSR_EE
    | MSR_PR
    | MSR_FP
    | MSR_ME
    | MSR_FE0
    | MSR_FE1
    | MSR_IS
    | MSR_DS
    | MSR_PMM
    | MSR_RI,
}
"""Bits that mtmsr and the returns may set here: not GS, WE, DE and SPE, which change what the world is."""

STORED_SPRS = (
    "SRR0", "SRR1", "CSRR0", "CSRR1", "MCSRR0", "MCSRR1", "DEAR", "ESR", "USPRG0", "SPRG0", "SPRG1", "SPRG2", "SPRG3",
    "SPRG4", "SPRG5", "SPRG6", "SPRG7", "SPRG9", "MAS0", "MAS1", "MAS2", "MAS3", "MAS4", "MAS6", "IAC1", "IAC2", "DAC1",
    "DAC2", "DECAR", "BBEAR", "BBTAR", "DSRR0", "DSRR1",
)  # fmt: skip
"""Plain storage on both sides: set to random values before a sequence, moved to and from by its code."""

_BO = (0, 2, 4, 6, 7, 8, 10, 12, 14, 15, 16, 18, 20, 24, 25, 26, 27)  # without the reserved "z" bits set
_REGISTER_FIELDS = {"RT", "RS", "RA", "RA0", "RB", "FRT", "FRS", "FRA", "FRB", "FRC"}
VECTOR_NAMES = ("spefscr", "acc", *(f"ev{i}h" for i in range(32)))
"""Registers of the SPE by QEMU's names; the lower words are the GPRs."""
_RETURNS = {"rfi": "srr", "rfci": "csrr", "rfdi": "dsrr", "rfmci": "mcsrr"}


@dataclass(frozen=True)
class Step:
    """One instruction to run: state to load, words to run first (from the same state), and what to look at afterwards.

    ``others`` are registers by QEMU's names; ``touched`` is the real memory that the instruction may change.
    """

    insn: Insn
    word: int
    general: General
    others: dict[str, int] = field(default_factory=dict)
    prelude: tuple[int, ...] = ()
    touched: tuple[int, int] | None = None
    watch: tuple[str, ...] = ()


@dataclass(frozen=True)
class Start:
    """The state before a sequence, its words at ``CODE``."""

    general: General
    others: dict[str, int]
    words: tuple[int, ...]
    insns: tuple[Insn, ...]


def real_address(ea: int, msr: int) -> int | None:
    """Where ``world`` maps a data address; None where nothing or not plain RAM is mapped."""
    if WINDOW <= ea < WINDOW + WINDOW_PAGES * 4096:
        return WINDOW_PA[1 if msr & MSR_DS else 0] + ea - WINDOW
    return ea if LOW_DATA <= ea < LOW_DATA_END else None


class Generator:
    """Words and states for one core."""

    def __init__(
        self, core: str, rng: random.Random, weights: dict[Group, float], lacks: Container[tuple[str, str]] = SKIPPED
    ) -> None:
        """``lacks``: what the peer cannot be asked, by core and name."""
        self.core = core
        self.rng = rng
        self.msr_bits = MSR_OF[core] & ~MSR_ABSENT[core]
        self.pools = {
            group: [
                i for i in TABLE
                if plan_of(i).group is group and i.name not in ELSEWHERE and (core, i.name) not in lacks
            ]
            for group in weights
        }  # fmt: skip
        self.weights = {group: weight for group, weight in weights.items() if self.pools[group]}
        self.vector = Group.VECTOR in self.weights
        self.operands = Source(rng.getrandbits(32)) if self.vector else None
        self.readable, self.writable = self._sprs()

    def _sprs(self) -> tuple[list[int], list[int]]:
        stored = [s.number for s in SPRS if s.name in STORED_SPRS and s.name not in SPRS_EXCLUDED and s.on(self.core)]
        also = ("XER", "LR", "CTR")
        constant = (
            "PVR",
            "SVR",
            "PIR",
            "SPRG3R",
            "SPRG4R",
            "SPRG5R",
            "SPRG6R",
            "SPRG7R",
            "TLB0CFG",
            "TLB1CFG",
            "IVPR",
            "IVOR3",
        )
        there = sprs_of(self.core).values()
        common = [s.number for s in there if s.name in also]
        read_only = [s.number for s in there if s.name in constant and s.name not in SPRS_EXCLUDED]
        writable = [n for n in stored if sprs_of(self.core)[n].write is not Access.NONE]
        return stored + common * 3 + read_only, writable + common * 3

    # --- a sequence ---------------------------------------------------------------------------------------------
    def start(self, length: int, float_state: bool) -> Start:
        rng = self.rng
        insns = [self.pick() for _ in range(length)]
        words = tuple(self.word(insn, CODE + 4 * i) for i, insn in enumerate(insns))
        others = {name.lower(): self._spr_value(name) for name in STORED_SPRS}
        if float_state:
            others |= {f"f{i}": values.double(rng) for i in range(32)} | {"fpscr": values.fpscr(rng)}
        if self.vector:
            others |= {name: values.word(rng) for name in VECTOR_NAMES if name.startswith("ev")}
            others |= {"spefscr": rng.getrandbits(32) & SETTABLE, "acc": values.word(rng) << 32 | values.word(rng)}
        return Start(self._general(CODE), others, words, tuple(insns))

    def _spr_value(self, name: str) -> int:
        (spr,) = (s for s in SPRS if s.name == name)
        return values.word(self.rng) & spr.mask

    def _general(self, pc: int) -> General:
        rng = self.rng
        gpr = [values.word(rng) for _ in range(32)]
        xer = rng.getrandbits(3) << 29 | rng.getrandbits(7)
        return (*gpr, pc, self.msr(), rng.getrandbits(32), self.target(), values.word(rng), xer)

    def msr(self) -> int:
        """One that can go on in the little world: every bit at random, PR less often, FP mostly."""
        rng = self.rng
        msr = MSR_ME | rng.getrandbits(32) & self.msr_bits & ~(MSR_PR | MSR_FP | MSR_FE0 | MSR_FE1)
        if rng.random() < 0.2:
            msr |= MSR_PR
        if rng.random() < 0.9:
            msr |= MSR_FP & MSR_OF[self.core]
        if rng.random() < 0.2:
            msr |= (MSR_FE0 | MSR_FE1) & MSR_OF[self.core]
        return msr | MSR_SPE if self.vector else msr

    def pick(self) -> Insn:
        groups = list(self.weights)
        group = self.rng.choices(groups, [self.weights[g] for g in groups])[0]
        return self.rng.choice(self.pools[group])

    def target(self) -> int:
        return self.rng.randrange(CODE, CODE_END, 4)

    # --- a word -------------------------------------------------------------------------------------------------
    def word(self, insn: Insn, address: int) -> int:
        """A valid form of ``insn`` that stands at ``address``."""
        raw: dict[str, int] = {}
        plan = plan_of(insn)
        for f in insn.form.fields:
            raw[f.name] = self._field(insn, f, raw)
        self._branch_fields(raw, address)
        names = insn.form.by_name
        if plan.update:
            raw["RA"] = self.rng.choice([r for r in range(1, 32) if plan.store or r != raw.get("RT")])
        if plan.multiple and "RT" in names:  # lmw: RA must not be among the registers loaded
            raw["RT"] = self.rng.randrange(1, 32)
            raw["RA0"] = self.rng.randrange(raw["RT"])
        if plan.group is Group.VECTOR:
            self._vector_word(raw)
        elif plan.size and raw.get("RA0") == 0 and "D" in names:
            raw["D"] = self.rng.randrange(LOW_DATA + 64, LOW_DATA_END - 128) & (~3 if insn.name in ALIGNED else M32)
        return insn.form.encode(**raw)

    def _vector_word(self, raw: dict[str, int]) -> None:
        """BF of 0 makes QEMU write beside its CR; a displacement alone reaches nothing that is mapped."""
        if "BF" in raw:
            raw["BF"] = raw["BF"] or 1
        if "D" in raw and "RA0" in raw:
            raw["RA0"] = raw["RA0"] or 1

    def _field(self, insn: Insn, f: Field, earlier: dict[str, int]) -> int:
        rng = self.rng
        width = f.last - f.first + 1
        match f.name:
            case "BO":
                return rng.choice([bo for bo in _BO if bo & 4 or insn.name != "bcctr"])
            case "SPR":
                numbers = self.readable if insn.name == "mfspr" else self.writable
                return spr_bits(rng.choice(numbers))
            case "FXM" if insn.name in ("mfocrf", "mtocrf"):
                return 1 << rng.randrange(8)
            case "LEV" | "CT" | "MO" | "WC" | "L":
                return 0
        if f.kind in (Kind.GPR, Kind.GPR0, Kind.FPR):
            floating = f.kind is Kind.FPR
            before = [v for n, v in earlier.items() if n in _REGISTER_FIELDS and n.startswith("F") == floating]
            return rng.choice(before) if before and rng.random() < 0.15 else rng.getrandbits(5)
        if f.kind in (Kind.SIGNED, Kind.UNSIGNED, Kind.SHIFTED) and width == 16 and rng.random() < 0.5:
            return values.word(rng) & 0xFFFF
        return rng.getrandbits(width)

    def _branch_fields(self, raw: dict[str, int], address: int) -> None:
        for name, bits in (("BD", 14), ("LI", 24)):
            if name in raw:
                offset = self.target() - (0 if raw["AA"] else address)
                raw[name] = offset >> 2 & (1 << bits) - 1

    # --- its state ----------------------------------------------------------------------------------------------
    def prepare(self, insn: Insn, word: int, before: General, fpscr: int) -> Step:
        """``before`` with operands refreshed and addresses steered; pc and MSR are taken as they are.

        ``fpscr`` is the register's value now.
        """
        rng = self.rng
        raw = {f.name: extract(word, f.first, f.last) for f in insn.form.fields}
        g = list(before)
        self._refresh(insn, raw, g)
        if insn.name in FLOAT_MOVES:
            g[MSR] |= (MSR_FE0 | MSR_FE1) & self.msr_bits
        if insn.name in FOR_ALL_IN_QEMU:
            g[MSR] &= ~MSR_PR
        plan = plan_of(insn)
        step = Step(insn, word, tuple(g), watch=self._watch(insn, word, raw))
        if insn.name in ("bclr", "bcctr"):
            g[LR if insn.name == "bclr" else CTR] = self.target() | rng.getrandbits(2)
        elif "BO" in raw and rng.random() < 0.5:
            g[CTR] = rng.choice((0, 1, 2, M32))
        if insn.name == "mtmsr":
            g[raw["RS"]] = self.msr()
        if insn.name == "mtspr":
            self._move_to_spr(insn, word, raw, g)
        if plan.group is Group.VECTOR:
            return self._prepare_vector(step, raw, plan, g)
        if plan.size:
            self._steer(raw, plan, g, self.address(insn, plan))
            step = self._memory_step(step, raw, plan, g)
        return replace(step, general=tuple(g), others=self._others(insn, raw, g[MSR], fpscr))

    def _prepare_vector(self, step: Step, raw: dict[str, int], plan: Plan, g: list[int]) -> Step:
        """Operands of the kind that the instruction works on, in both words; the unit switched off now and then."""
        assert self.operands is not None
        rng, name = self.rng, step.insn.name
        others: dict[str, int] = {}
        if rng.random() < 0.7:
            for field in ("RA", "RB"):
                if field in raw and not plan.size:
                    high, low = divmod(self.operands.operand(name), 1 << 32)
                    others[f"ev{raw[field]}h"], g[raw[field]] = high, low
        if step.insn.spe and rng.random() < 0.03:
            g[MSR] &= ~MSR_SPE
        # Mostly without enables and in modes that need none: QEMU has no embedded floating-point interrupts.
        quiet = is_float(name) and rng.random() < 0.85
        if quiet or rng.random() < 0.3:
            others["spefscr"] = rng.getrandbits(32) & (SETTABLE & ~0x7E if quiet else SETTABLE)
        if plan.size:
            ea = self.address(step.insn, plan) & -plan.size & M32  # QEMU takes no alignment interrupt here
            self._steer_vector(step.insn, raw, g, ea)
            base = g[raw["RA0"]] if raw["RA0"] else 0
            moved = raw["D"] << step.insn.form.by_name["D"].scale if "D" in raw else g[raw["RB"]]
            pa = real_address(base + moved & M32 & ~63, g[MSR])
            step = replace(step, touched=(pa, 128) if pa is not None and plan.store else None)
        watch = ("spefscr", "acc", *(f"ev{raw[n]}h" for n in ("RT",) if n in raw))
        return replace(step, general=tuple(g), others=others, watch=watch)

    def _steer_vector(self, insn: Insn, raw: dict[str, int], g: list[int], ea: int) -> None:
        base = raw["RA0"]
        if "D" in raw:
            g[base] = ea - (raw["D"] << insn.form.by_name["D"].scale) & M32
        elif base == 0:
            g[raw["RB"]] = ea
        elif base == raw["RB"]:
            g[base] = ea >> 1
        else:
            g[base] = ea - g[raw["RB"]] & M32

    def _refresh(self, insn: Insn, raw: dict[str, int], g: list[int]) -> None:
        rng = self.rng
        for f in insn.form.fields:
            if f.kind in (Kind.GPR, Kind.GPR0) and rng.random() < 0.5:
                g[raw[f.name]] = values.word(rng)
        if "RA" in raw and "RB" in raw and rng.random() < 0.2:
            g[raw["RB"]] = g[raw["RA"]] + rng.choice((-1, 0, 0, 1)) & M32

    def _move_to_spr(self, insn: Insn, word: int, raw: dict[str, int], g: list[int]) -> None:
        """Only bits that exist: what becomes of reserved bits is up to the implementation."""
        spr = sprs_of(self.core)[insn.form.by_name["SPR"].operand(word)]
        g[raw["RS"]] &= spr.mask

    def _steer(self, raw: dict[str, int], plan: Plan, g: list[int], ea: int) -> None:
        """Set RA (or RB) so that the access goes to ``ea``, if it can."""
        base = raw.get("RA0", raw.get("RA", 0))
        uses_zero = "RA0" in raw and base == 0
        if "D" in raw:
            if not uses_zero:
                g[base] = ea - sign_extend(raw["D"], 16) & M32
        elif uses_zero or "RA0" not in raw and not plan.update:  # decorated accesses take RB alone
            g[raw["RB"]] = ea
        elif base == raw["RB"]:
            g[base] = (ea & ~7) >> 1 | self.rng.getrandbits(1) << 31
        else:
            g[base] = ea - g[raw["RB"]] & M32

    def address(self, insn: Insn, plan: Plan) -> int:
        """An EA: any alignment, often across a page or at the end of what is mapped."""
        rng = self.rng
        if insn.name in PLAIN_PAGES:
            return WINDOW + rng.randrange(3 * 1024 - 4) * 4
        kind = 1.0 if insn.name in ALIGNED else rng.random()
        page = WINDOW + 4096 * rng.randrange(WINDOW_PAGES if kind < 0.4 else 3)
        if kind < 0.2:
            return page + rng.randrange(-plan.size, plan.size) & M32
        if kind < 0.25:
            return WINDOW + 4096 * WINDOW_PAGES - rng.randrange(plan.size + 4)
        if kind < 0.28:
            return rng.choice((0xFFFFFFFC, 0xFFFFFFFE, 0x40000000, 0xC0000000)) + rng.getrandbits(2) & M32
        if insn.name in ALIGNED:
            return page + rng.randrange(1024) * 4
        aligned = rng.randrange(4096 // plan.size) * plan.size
        return page + (aligned if rng.random() < 0.6 else rng.randrange(4096 - plan.size))

    def effective_address(self, raw: dict[str, int], g: list[int]) -> int:
        base = 0 if raw.get("RA0") == 0 else g[raw.get("RA0", raw.get("RA", 0))]
        if "D" in raw:
            return base + sign_extend(raw["D"], 16) & M32
        return base + g[raw["RB"]] & M32

    def _memory_step(self, step: Step, raw: dict[str, int], plan: Plan, g: list[int]) -> Step:
        decorated = "RA0" not in raw and not plan.update
        ea = g[raw["RB"]] if decorated else self.effective_address(raw, g)
        pa = real_address(ea & ~63 & M32, g[MSR])
        touched = None if pa is None or not plan.store else (pa, 256 if plan.multiple else 128)
        prelude: tuple[int, ...] = ()
        if step.insn.name in ("stwcx.", "stbcx.", "sthcx."):
            reserve = {"stwcx.": "lwarx", "stbcx.": "lbarx", "sthcx.": "lharx"}[step.insn.name]
            other = (raw["RS"] + 1) % 32
            fields = {"RA0": raw["RA0"], "RB": raw["RB"]}
            lost = encode(step.insn.name, RS=other, **fields)
            prelude = (encode(reserve, RT=other, **fields),) if self.rng.random() < 0.7 else (lost,)
        return replace(step, touched=touched, prelude=prelude)

    def _others(self, insn: Insn, raw: dict[str, int], msr: int, fpscr: int) -> dict[str, int]:
        rng = self.rng
        others: dict[str, int] = {}
        if insn.name in _RETURNS:
            pair = _RETURNS[insn.name]
            others = {f"{pair}0": self.target(), f"{pair}1": self.msr()}
        if insn.fp and self.core == "e500mc":
            for name in ("FRA", "FRB", "FRC", "FRS"):
                # Operands of single precision must be of that format, or the result is undefined (I 4.6.5).
                single = insn.name in SINGLE
                if name in raw and (single or rng.random() < 0.7):
                    others[f"f{raw[name]}"] = (values.single_as_double if single else values.double)(rng)
            if rng.random() < 0.4:
                others["fpscr"] = values.fpscr(rng)
            wanted = others.get("fpscr", fpscr)
            if wanted != (comparable := values.consistent_fpscr(comparable_fpscr(wanted, msr))):
                others["fpscr"] = comparable
        return others

    def _watch(self, insn: Insn, word: int, raw: dict[str, int]) -> tuple[str, ...]:
        names: list[str] = []
        if insn.fp and self.core == "e500mc":
            names = ["fpscr", *(f"f{raw[n]}" for n in ("FRT",) if n in raw)]
        if insn.name == "mtspr":
            spr = sprs_of(self.core)[insn.form.by_name["SPR"].operand(word)]
            names = [spr.name.lower()]
        return tuple(names)


def code_slot(pc: int, start: Start) -> int | None:
    """Index of the word at ``pc``, if it is one of the sequence."""
    index = pc - CODE >> 2
    return index if pc & 3 == 0 and 0 <= index < len(start.words) else None


def at(general: General, pc: int, msr: int) -> General:
    g = list(general)
    g[PC], g[MSR] = pc, msr
    return tuple(g)
