"""Two peers side by side: run the same instructions on both and tell the first difference of each.

A sequence is generated from its name alone (``e500mc/integer/0.17``), so the name reproduces it. After each instruction
all general registers are compared, then what the instruction may have changed besides; memory by touched bytes, and as
a whole at the end. A difference is shrunk to a single instruction with as little state as still shows it.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace

from ppcdbg.cpu.interrupts import DEBUG
from ppcdbg.isa.bits import M64
from ppcdbg.isa.disassemble import Disassembler
from tests.differential import values
from tests.differential.case import Case
from tests.differential.defects import (
    DEBUGGED,
    IGNORED,
    MISS,
    VECTOR,
    embedded_interrupt,
    float_deviations,
    undefined_bits,
    vector_deviations,
)
from tests.differential.generate import STORED_SPRS, VECTOR_NAMES, Generator, Start, Step, at, code_slot
from tests.differential.peers import CR, GENERAL_NAMES, MSR, PC, General, OwnPeer, Peer
from tests.differential.plans import Group, chapter
from tests.differential.world import CODE, REGIONS, SETUP, VECTORS, setup_program, vector_address
from tests.golden.float.cases import Case as FloatCase
from tests.golden.float.deviations import Deviation
from tests.golden.float.qemu import Outcome
from tests.golden.spe.cases import Case as VectorCase
from tests.golden.spe.qemu import Outcome as VectorOutcome

INTERRUPT_NAMES = (
    "srr0",
    "srr1",
    "csrr0",
    "csrr1",
    "esr",
    "dear",
    "mas0",
    "mas1",
    "mas2",
    "mas3",
    "mas4",
    "mas6",
    "mas7",
)
FLOAT_NAMES = ("fpscr", *(f"f{i}" for i in range(32)))
OTHER_NAMES = (*(n.lower() for n in STORED_SPRS), *FLOAT_NAMES, *VECTOR_NAMES)
XER_BITS = 0xE000007F  # the others are reserved; QEMU stores them

MIXES: dict[str, dict[Group, float]] = {
    "integer": {Group.INTEGER: 5, Group.MEMORY: 3, Group.CONTROL: 1.5, Group.SYSTEM: 0.7},
    "float": {Group.FLOAT: 6, Group.MEMORY: 1, Group.INTEGER: 0.5},
    "vector": {Group.VECTOR: 6, Group.INTEGER: 0.5, Group.CONTROL: 0.3},
}


@dataclass(frozen=True)
class Difference:
    """``fields``: name -> (ours, theirs). ``origin`` names the sequence."""

    case: Case
    fields: dict[str, tuple[int | str, int | str]]
    origin: str

    def text(self) -> str:
        shown = [f"    {name}: ours {_hex(a)}, peer {_hex(b)}" for name, (a, b) in self.fields.items()]
        case = self.case
        seen = Disassembler(case.core).one(case.word, case.general[PC])
        head = f"{case.name} on {case.core}, from {self.origin}"
        return "\n".join([head, f"  {seen.mnemonic} {seen.operands}", f"  {case.line()}", *shown])


def _hex(value: int | str) -> str:
    return f"{value:#x}" if isinstance(value, int) else value


def pristine() -> list[tuple[int, bytes]]:
    """What the regions hold before each sequence: words worth loading."""
    rng = random.Random("memory")
    return [
        (address, b"".join(values.word(rng).to_bytes(4, "big") for _ in range(length // 4)))
        for address, length in REGIONS
    ]


class Comparison:
    """Two peers of the same core. ``counts``: how often each instruction was compared, by name."""

    def __init__(self, core: str, ours: OwnPeer, theirs: Peer) -> None:
        self.core = core
        self.ours = ours
        self.theirs = theirs
        self.counts: Counter[str] = Counter()
        self.pristine = pristine()
        for address, data in self.pristine:
            self._write(address, data)

    # --- the world ----------------------------------------------------------------------------------------------
    def set_up(self) -> None:
        """Run the program that makes the world, compared step by step."""
        program = setup_program(self.core)
        self._write(SETUP, b"".join(w.to_bytes(4, "big") for w in program))
        start: General = (*[0] * 32, SETUP, 0x1000, 0, 0, 0, 0)
        state: General | None = start
        for i in range(len(program)):
            a, b = self.ours.step(state, {}), self.theirs.step(state, {})
            assert a == b, f"the setup program differs at word {i}: {self._general_differences(a, b)}"
            assert a[PC] == SETUP + 4 * i + 4, f"the setup program was interrupted at word {i}"
            state = None

    def _write(self, address: int, data: bytes) -> None:
        self.ours.write_memory(address, data)
        self.theirs.write_memory(address, data)

    def _restore_memory(self) -> dict[str, tuple[int | str, int | str]]:
        """Put the regions back as they were; give the first difference that was found in them."""
        found: dict[str, tuple[int | str, int | str]] = {}
        for base, before in self.pristine:
            a, b = self.ours.read_memory(base, len(before)), self.theirs.read_memory(base, len(before))
            for start in range(0, len(before), 256):
                part = slice(start, start + 256)
                if a[part] != b[part]:
                    found.setdefault(f"memory at {base + start:#x}", (a[part].hex(), b[part].hex()))
                if a[part] != before[part] or b[part] != before[part]:
                    self._write(base + start, before[part])
        return found

    # --- a sequence ---------------------------------------------------------------------------------------------
    def sequence(self, name: str, length: int) -> list[Difference]:
        """Run the sequence of this name. Ends early after a difference."""
        rng = random.Random(name)
        mix = MIXES[name.split("/")[1]]
        generator = Generator(self.core, rng, mix)
        start = generator.start(length, Group.FLOAT in mix)
        self._write(CODE, b"".join(w.to_bytes(4, "big") for w in start.words))
        self.ours.write(start.others)
        self.theirs.write(start.others)
        found = self._steps(name, generator, start, length)
        stray = self._restore_memory()
        if stray and not found:
            case = Case(self.core, start.words[0], start.general, start.others)
            found = [Difference(case, stray, f"{name}, somewhere")]
        return found

    def _steps(self, name: str, generator: Generator, start: Start, length: int) -> list[Difference]:
        state, msr, slot = start.general, start.general[MSR], 0
        for i in range(length):
            here = code_slot(state[PC], start)
            slot = here if here is not None else (slot + 1) % length
            if i % 16 == 0:
                msr = generator.msr()
            insn, word = start.insns[slot], start.words[slot]
            step = generator.prepare(insn, word, at(state, CODE + 4 * slot, msr), self.ours.read(("fpscr",))["fpscr"])
            before = self.ours.capture()
            after, fields = self._step(step)
            if fields:
                self.ours.restore(before)
                return [self.shrunk(self.case(step), fields, f"{name} step {i}")]
            self.counts[insn.name] += 1
            state = after
        return []

    def _float_excuses(self, step: Step, before: bytes, interrupted: bool) -> tuple[list[Deviation], str]:
        """What may differ after a floating-point instruction, and its target's name."""
        after = self.ours.capture()
        self.ours.restore(before)
        old = {**self.ours.read(FLOAT_NAMES), **step.others}
        self.ours.restore(after)
        raw = {f.name: f.operand(step.word) for f in step.insn.form.fields}
        a, b, c = (old[f"f{raw[n]}"] if n in raw else 0 for n in ("FRA", "FRB", "FRC"))
        target = f"f{raw.get('FRT', 0)}"
        now = self.ours.read((target, "fpscr"))
        outcome = Outcome(now[target], now["fpscr"], self.ours.general()[CR], int(interrupted))
        return float_deviations(FloatCase(step.insn.name, step.word, old["fpscr"], a, b, c), outcome), target

    def _vector_excuses(self, step: Step, before: bytes, interrupted: bool) -> dict[str, int]:
        """The bits that may differ after an instruction of the SPE, by register."""
        after = self.ours.capture()
        self.ours.restore(before)
        old = {**self.ours.read(VECTOR_NAMES), **step.others}
        self.ours.restore(after)
        raw = {f.name: f.operand(step.word) for f in step.insn.form.fields}
        a, b = (old[f"ev{raw[n]}h"] << 32 | step.general[raw[n]] if n in raw else 0 for n in ("RA", "RB"))
        case = VectorCase(step.insn.name, step.word, old["spefscr"], step.general[CR], a, b, old["acc"], 0)
        target, now, general = raw.get("RT", 0), self.ours.read(VECTOR_NAMES), self.ours.general()
        wide = now[f"ev{target}h"] << 32 | general[target]
        outcome = VectorOutcome(wide, now["acc"], 0, now["spefscr"], general[CR], int(interrupted))
        masks = vector_deviations(case, outcome)
        shift = 4 * (2 - raw.get("BF", 2))
        cr = masks.cr << shift if shift > 0 else masks.cr >> -shift
        return {"spefscr": masks.spefscr, "acc": masks.acc, "cr": cr, f"r{target}": masks.target & 0xFFFFFFFF,
                f"ev{target}h": masks.target >> 32}  # fmt: skip

    def compare(self, step: Step) -> dict[str, tuple[int | str, int | str]]:
        """Run one step that stands at its own pc on both sides; the differences."""
        self._write(step.general[PC], step.word.to_bytes(4, "big"))
        return self._step(step)[1]

    def _step(self, step: Step) -> tuple[General, dict[str, tuple[int | str, int | str]]]:
        for word in step.prelude:
            aside = at(step.general, CODE - 8, step.general[MSR])
            self._write(CODE - 8, word.to_bytes(4, "big"))
            self.ours.step(aside, step.others)
            self.theirs.step(aside, step.others)
        before = self.ours.capture()
        a = self.ours.step(step.general, step.others)
        b = self.theirs.step(step.general, step.others)
        fields = self._general_differences(a, b)
        watch = step.watch
        interrupted = VECTORS <= a[PC] < VECTORS + 0x10000
        if interrupted:
            watch = (*watch, *INTERRUPT_NAMES)
        if watch:
            fields |= self._other_differences(watch)
        if step.touched:
            x, y = self.ours.read_memory(*step.touched), self.theirs.read_memory(*step.touched)
            if x != y:
                fields[f"memory at {step.touched[0]:#x}"] = (x.hex(), y.hex())
        if not fields:
            return a, fields
        kept = self._excuse(fields, step, interrupted, before)
        if not kept:  # go on from the same state
            self.theirs.write({n: v for n, (v, _) in fields.items() if n in OTHER_NAMES and isinstance(v, int)})
        return a, kept

    def _general_differences(self, a: General, b: General) -> dict[str, tuple[int | str, int | str]]:
        if a == b:
            return {}
        return {n: (x, y) for n, x, y in zip(GENERAL_NAMES, a, b, strict=True)
                if x != y and (n != "xer" or (x ^ y) & XER_BITS)}  # fmt: skip

    def _other_differences(self, names: tuple[str, ...]) -> dict[str, tuple[int | str, int | str]]:
        a, b = self.ours.read(names), self.theirs.read(names)
        return {n: (a[n], b[n]) for n in names if n in a and n in b and a[n] != b[n]}

    def _excuse(
        self, fields: dict[str, tuple[int | str, int | str]], step: Step, interrupted: bool, before: bytes
    ) -> dict[str, tuple[int | str, int | str]]:
        kept = {}
        name = step.insn.name
        tags = {"!"} if interrupted else set()
        tags.add(name)
        debugged = self.ours.general()[PC] == vector_address(DEBUG)
        if self.core == "e500mc" and debugged:
            tags.add(DEBUGGED)
        if name == "tlbsx" and not self.ours.read(("mas1",))["mas1"] >> 31:
            tags.add(MISS)
        undefined = {} if interrupted and not debugged else undefined_bits(name, step.word, step.general)
        if chapter(step.insn).startswith("spe_"):
            tags.add(VECTOR)
            spefscr = self.ours.read(("spefscr",))["spefscr"]
            if interrupted and embedded_interrupt(name, self.ours.general()[PC], spefscr):
                return {}
            if not interrupted:
                undefined = self._vector_excuses(step, before, interrupted)
        if step.insn.fp and chapter(step.insn) == "float" and self.core == "e500mc":
            excuses, target = self._float_excuses(step, before, interrupted)
            if any(d.interrupt for d in excuses):
                return {}
            for d in excuses:
                undefined["fpscr"] = undefined.get("fpscr", 0) | d.fpscr
                undefined["cr"] = undefined.get("cr", 0) | d.cr
                undefined[target] = undefined.get(target, 0) | (M64 if d.target else 0)
        for register, (a, b) in fields.items():
            mask = undefined.get(register, 0)
            for rule in IGNORED:
                if rule.register == register and rule.insns & tags:
                    mask |= rule.mask
            if not (isinstance(a, int) and isinstance(b, int)) or (a ^ b) & ~mask:
                kept[register] = (a, b)
        return kept

    # --- a single case ------------------------------------------------------------------------------------------
    def case(self, step: Step) -> Case:
        """The step with the registers of now: to be asked before it runs."""
        others = {**self.ours.read(OTHER_NAMES), **step.others}
        memory = ((step.touched[0], self.ours.read_memory(*step.touched)),) if step.touched else ()
        return Case(self.core, step.word, step.general, others, step.prelude, memory)

    def run_case(self, case: Case) -> dict[str, tuple[int | str, int | str]]:
        """The differences that one case shows; memory is put back."""
        others = {**dict.fromkeys(OTHER_NAMES, 0), **case.others}
        self._write(case.general[PC], case.word.to_bytes(4, "big"))
        for address, data in case.memory:
            self._write(address, data)
        touched = (case.memory[0][0], len(case.memory[0][1])) if case.memory else None
        _, fields = self._step(Step(case.insn, case.word, case.general, others, case.prelude, touched, OTHER_NAMES))
        self._restore_memory()
        return fields

    def shrunk(self, case: Case, fields: dict[str, tuple[int | str, int | str]], origin: str) -> Difference:
        """The same difference with every register zero, and the memory left out, that does not matter."""
        if not self.run_case(case):
            return Difference(case, fields, origin + ", not reproduced by this case alone")
        for name in case.registers():
            if name not in ("pc", "msr") and self.run_case(smaller := case.set(name, 0)):
                case = smaller
        bare = replace(case, memory=())
        if case.memory and self.run_case(bare):
            case = bare
        return Difference(case, self.run_case(case), origin)
