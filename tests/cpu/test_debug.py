"""Debug events by the sentences of the manuals, on each engine.

Sections are of the e500 core family manual (e500 RM 8, for e500v2) and of the Power ISA, Book III-E (e500mc). QEMU has
none of this but instruction complete and branch taken: tests/differential/test_debug.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu import msr as M
from ppcdbg.engine.choose import engine_factory
from tests.cpu.rig import BASE, NOP, VECTORS, Rig, asm, rig, spr_field

DATA = 0x3000
HANDLER = VECTORS + 0x100 * I.DEBUG
IDM, IDE, DE = M.DBCR0_IDM, M.DBSR_IDE, M.MSR_DE
SC, RFI, RFCI, TRAP = 0x44000002, 0x4C000064, 0x4C000066, 0x7FE00008
LWZ, STW = asm("lwz", RT=5, RA0=3, D=0), asm("stw", RS=5, RA0=3, D=0)
CORES = ("e500v2", "e500mc")
both = pytest.mark.parametrize("cpu", CORES)
Make = Callable[..., Rig]


def maker(engine: str) -> Make:
    """``make(cpu, words, dbcr0=..., msr=..., **sprs)``: a core before the first of these words, r3 = DATA."""

    def build(cpu: str, *words: int, dbcr0: int = 0, msr: int = DE, **sprs: int) -> Rig:
        it = rig(cpu)
        it.engine = engine_factory(engine, None)(it.core)
        it.code(*words)
        it.core.state.gpr[3] = DATA
        for name, value in sprs.items():
            it.core.write_spr(name.upper(), value)
        it.core.write_spr("DBCR0", dbcr0 | IDM)
        it.core.set_msr(msr | M.MSR_ME)
        it.engine.translations_changed()
        return it

    return build


@pytest.fixture(params=["reference", "llvm"])
def make(request: pytest.FixtureRequest) -> Make:
    return maker(request.param)


def go(it: Rig, count: int) -> None:
    """Run so many instructions, or up to the debug handler."""
    it.run(count, frozenset({HANDLER}))


def interrupted(it: Rig) -> int | None:
    """The address saved by the debug interrupt that the core stands behind; None where it took none."""
    pair = "DSRR0" if it.core.model.has_debug_level else "CSRR0"
    taken = HANDLER <= it.core.state.pc < HANDLER + 0x100
    return it.core.read_spr(pair) if taken else None


def dbsr(it: Rig) -> int:
    return it.core.read_spr("DBSR")


# --- instruction address compare (e500 RM 8.4.1; III-E 8.4.1) ---
@both
def test_iac_suppresses_the_instruction_and_saves_its_address(make: Make, cpu: str) -> None:
    it = make(cpu, NOP, asm("addi", RT=4, RA0=0, SI=7), dbcr0=M.DBCR0_IAC1, iac1=BASE + 4)
    go(it, 2)
    assert (interrupted(it), dbsr(it), it.core.state.gpr[4]) == (BASE + 4, M.DBCR0_IAC1, 0)


@both
def test_both_compares_of_one_instruction_are_recorded(make: Make, cpu: str) -> None:
    it = make(cpu, NOP, dbcr0=M.DBCR0_IAC1 | M.DBCR0_IAC2, iac1=BASE, iac2=BASE)
    go(it, 1)
    assert dbsr(it) == M.DBCR0_IAC1 | M.DBCR0_IAC2


@both
def test_with_de_off_it_is_imprecise_and_comes_when_de_comes_on(make: Make, cpu: str) -> None:
    it = make(cpu, NOP, NOP, asm("mtmsr", RS=6), NOP, dbcr0=M.DBCR0_IAC1, msr=0, iac1=BASE)
    it.core.state.gpr[6] = DE | M.MSR_ME
    go(it, 2)
    assert (interrupted(it), dbsr(it)) == (None, M.DBCR0_IAC1 | IDE)
    go(it, 2)
    assert interrupted(it) == BASE + 12, "of the instruction behind the one that set DE"


@both
def test_without_idm_nothing_is_seen(make: Make, cpu: str) -> None:
    it = make(cpu, NOP, LWZ, dbcr0=M.DBCR0_IAC1, iac1=BASE)
    it.core.write_spr("DBCR0", M.DBCR0_IAC1)
    go(it, 2)
    assert (interrupted(it), dbsr(it)) == (None, 0)


US = {0: (True, True), 2: (True, False), 3: (False, True), 1: (False, False)}
"""User/supervisor field -> whether the event comes with MSR[PR] 0 and 1; 1 is reserved. The same for ER and IS, DS."""


@both
@pytest.mark.parametrize("field", range(4))
@pytest.mark.parametrize("user", [0, 1])
@pytest.mark.parametrize("which", [1, 2])
def test_user_and_supervisor_selection(make: Make, cpu: str, field: int, user: int, which: int) -> None:
    """III-E 8.5.1.2, 8.5.1.3: IACnUS and DACnUS of 10 for the supervisor, 11 for the user."""
    msr = DE | user * M.MSR_PR
    shift = 30 if which == 1 else 26
    it = make(cpu, NOP, dbcr0=M.DBCR0_IAC1 >> which - 1, msr=msr, dbcr1=field << shift, **{f"iac{which}": BASE})
    go(it, 1)
    assert (interrupted(it) is not None) is US[field][user]
    for word, bit in ((LWZ, M.DBCR0_DAC1R), (STW, M.DBCR0_DAC1W)):
        bit >>= 2 * (which - 1)
        it = make(cpu, word, dbcr0=bit, msr=msr, dbcr2=field << shift, **{f"dac{which}": DATA})
        go(it, 1)
        assert (dbsr(it) == bit) is US[field][user]


@both
@pytest.mark.parametrize("field", range(4))
@pytest.mark.parametrize("space", [0, 1])
@pytest.mark.parametrize("which", [1, 2])
def test_selection_of_an_address_space(make: Make, cpu: str, field: int, space: int, which: int) -> None:
    """IACnER, DACnER: 10 for IS (DS) = 0, 11 for 1; real addresses, 01, are not implemented (e500 RM 8.2.4)."""
    shift = 28 if which == 1 else 24
    both_spaces = M.MSR_IS | M.MSR_DS
    for word, sprs, bit in (
        (NOP, {"dbcr1": field << shift, f"iac{which}": BASE}, M.DBCR0_IAC1 >> which - 1),
        (LWZ, {"dbcr2": field << shift, f"dac{which}": DATA}, M.DBCR0_DAC1R >> 2 * (which - 1)),
    ):
        it = make(cpu, word, dbcr0=bit, msr=DE | space * both_spaces, **sprs)
        it.map(1, 0, 0, tsize=10, ts=1)
        it.engine.translations_changed()
        go(it, 1)
        assert (dbsr(it) == bit) is US[field][space]


# DBCR1[IAC12M] and DBCR2[DAC12M] with 0x3010 and 0x3020 (bits: 0x3010 under 0x30F4): addresses that match
MODES = {
    1: {0x3010, 0x3018, 0x3110},
    2: {0x3010, 0x3014, 0x3018, 0x301C},
    3: {0x300C, 0x3020, 0x3024, 0x3110},
}
PLACES = (0x300C, 0x3010, 0x3014, 0x3018, 0x301C, 0x3020, 0x3024, 0x3110)


@both
@pytest.mark.parametrize("mode", MODES)
def test_ranges_and_bit_match(make: Make, cpu: str, mode: int) -> None:
    """III-E 8.5.1.2: at least the first and less than the second, or outside of that; equal in the bits of the second.
    Both events are recorded where both are enabled."""
    second = 0x30F4 if mode == 1 else 0x3020
    expected = MODES[mode]
    for place in PLACES:
        events = M.DBCR0_DAC1R | M.DBCR0_DAC2R
        it = make(cpu, LWZ, dbcr0=events, dbcr2=mode << 22, dac1=0x3010, dac2=second)
        it.core.state.gpr[3] = place
        go(it, 1)
        assert dbsr(it) == (events if place in expected else 0), hex(place)
        events = M.DBCR0_IAC2
        it = make(cpu, dbcr0=events, dbcr1=mode << 22, iac1=0x3010, iac2=second)
        it.code(NOP, at=place)
        go(it, 1)
        assert dbsr(it) == (events if place in expected else 0), hex(place)


# --- data address compare (e500 RM 8.4.2; III-E 8.4.2) ---
@both
def test_dac_suppresses_the_access(make: Make, cpu: str) -> None:
    it = make(cpu, STW, dbcr0=M.DBCR0_DAC2W, dac2=DATA)
    it.core.state.gpr[5] = 0x12345678
    go(it, 1)
    assert (interrupted(it), dbsr(it)) == (BASE, M.DBCR0_DAC2W)
    assert bytes(it.bus.ram[DATA : DATA + 4]) == bytes(4)


@both
def test_dac_with_de_off_lets_the_access_happen(make: Make, cpu: str) -> None:
    it = make(cpu, STW, dbcr0=M.DBCR0_DAC1W, msr=0, dac1=DATA)
    it.core.state.gpr[5] = 0x12345678
    go(it, 1)
    assert (interrupted(it), dbsr(it)) == (None, M.DBCR0_DAC1W | IDE)
    assert bytes(it.bus.ram[DATA : DATA + 4]) == bytes.fromhex("12345678")


@both
def test_the_address_is_compared_and_not_the_bytes(make: Make, cpu: str) -> None:
    """ "... only if the address of the data storage access is equal" (III-E 8.5.1.3); across a page as well."""
    for base in (DATA, DATA + 0xFFE):
        for distance in range(4):
            it = make(cpu, LWZ, dbcr0=M.DBCR0_DAC1R, dac1=base + distance)
            it.core.state.gpr[3] = base
            go(it, 1)
            assert (interrupted(it) == BASE) is (distance == 0)


READS = ("lbzx", "lhax", "lwarx", "icbi")
WRITES = ("stbx", "sthbrx", "dcbz", "dcbf", "dcbst", "dcbi")
NEITHER = ("dcbt", "dcbtst", "icbt", "dcba")


@both
@pytest.mark.parametrize("name", READS + WRITES + NEITHER)
def test_what_is_a_read_and_what_a_write(make: Make, cpu: str, name: str) -> None:
    """III-E 8.4.2: dcbf and dcbst are writes; touches and dcba, which do nothing here, are no accesses."""
    fields = {"RT": 5} if name.startswith("l") else {"RS": 5} if name.startswith("st") else {}
    word = asm(name, RA0=0, RB=3, **fields)
    for bit, kind in ((M.DBCR0_DAC1R, READS), (M.DBCR0_DAC1W, WRITES)):
        it = make(cpu, word, dbcr0=bit, dac1=DATA + 4)
        it.core.state.gpr[3] = DATA + 4
        go(it, 1)
        assert dbsr(it) == (bit if name in kind else 0)


@both
def test_a_store_that_was_held_up_still_has_its_reservation(make: Make, cpu: str) -> None:
    reserve, store = asm("lwarx", RT=5, RA0=0, RB=3), asm("stwcx.", RS=6, RA0=0, RB=3)
    it = make(cpu, reserve, store, dbcr0=M.DBCR0_DAC1W, dac1=DATA)
    go(it, 2)
    assert interrupted(it) == BASE + 4
    it.core.write_spr("DBCR0", 0)
    it.core.write_spr("DBSR", 0xFFFFFFFF)
    it.core.state.pc = BASE + 4
    go(it, 1)
    assert it.core.state.cr[0] == 2, "it was stored"


@both
def test_the_interrupts_of_the_translation_come_first(make: Make, cpu: str) -> None:
    """III-E 7.9: the access must have been possible."""
    it = make(cpu, LWZ, dbcr0=M.DBCR0_DAC1R, dac1=0x40000000)
    it.core.state.gpr[3] = 0x40000000
    go(it, 1)
    assert dbsr(it) == 0
    assert it.core.state.pc & ~0xFF == VECTORS + 0x100 * I.DTLB_MISS


def test_accesses_by_external_pid_are_compared(make: Make) -> None:
    for name, field, bit in (("lwepx", "RT", M.DBCR0_DAC1R), ("stwepx", "RS", M.DBCR0_DAC1W),
                             ("dcbfep", "", M.DBCR0_DAC1W), ("icbiep", "", M.DBCR0_DAC1R),
                             ("dcbzep", "", M.DBCR0_DAC1W)):  # fmt: skip
        it = make("e500mc", asm(name, RA0=0, RB=3, **({field: 5} if field else {})), dbcr0=bit, dac1=DATA)
        go(it, 1)
        assert (interrupted(it), dbsr(it)) == (BASE, bit), name


def test_vector_accesses_are_compared(make: Make) -> None:
    load, store = asm("evldd", RT=5, RA0=3, D=0), asm("evstdd", RS=5, RA0=3, D=0)
    for word, bit in ((load, M.DBCR0_DAC1R), (store, M.DBCR0_DAC1W)):
        it = make("e500v2", word, dbcr0=bit, msr=DE | M.MSR_SPE, dac1=DATA)
        go(it, 1)
        assert (interrupted(it), dbsr(it)) == (BASE, bit)


# --- trap, branch taken, instruction complete (e500 RM 8.4.3 to 8.4.5) ---
@both
def test_a_trap_is_a_debug_interrupt_with_de_and_a_program_interrupt_without(make: Make, cpu: str) -> None:
    it = make(cpu, TRAP, dbcr0=M.DBCR0_TIE)
    go(it, 1)
    assert (interrupted(it), dbsr(it)) == (BASE, M.DBCR0_TIE)
    it = make(cpu, TRAP, dbcr0=M.DBCR0_TIE, msr=0)
    go(it, 1)
    assert dbsr(it) == M.DBCR0_TIE | IDE
    assert (it.core.state.pc & ~0xFF, it.core.read_spr("ESR")) == (VECTORS + 0x600, M.ESR_PTR)


@both
def test_a_taken_branch_is_suppressed(make: Make, cpu: str) -> None:
    bdnz = asm("bc", BO=16, BI=0, BD=4)
    for ctr, taken in ((2, True), (1, False)):
        it = make(cpu, bdnz, dbcr0=M.DBCR0_BT, ctr=ctr)
        go(it, 1)
        assert (interrupted(it), dbsr(it)) == ((BASE, M.DBCR0_BT) if taken else (None, 0))
        assert it.core.read_spr("CTR") == (ctr if taken else ctr - 1)
    it = make(cpu, bdnz, dbcr0=M.DBCR0_BT, msr=0, ctr=2)
    go(it, 1)
    assert (interrupted(it), dbsr(it)) == (None, 0), "not recognized while DE is off"


@both
def test_completion_is_recognized_by_what_de_was_before(make: Make, cpu: str) -> None:
    """e500 RM 8.4.5: not if DE is off when the instruction is executed, and so not of the mtmsr that sets it."""
    it = make(cpu, asm("mtmsr", RS=6), NOP, NOP, dbcr0=M.DBCR0_IC, msr=0)
    it.core.state.gpr[6] = DE | M.MSR_ME
    go(it, 3)
    assert (interrupted(it), dbsr(it)) == (BASE + 8, M.DBCR0_IC)
    it = make(cpu, asm("mtmsr", RS=6), NOP, dbcr0=M.DBCR0_IC)
    it.core.state.gpr[6] = M.MSR_ME
    go(it, 2)
    assert (interrupted(it), dbsr(it)) == (None, M.DBCR0_IC), "it waits until DE comes on, and is not imprecise"


@both
def test_sc_is_complete_and_then_interrupts(make: Make, cpu: str) -> None:
    """e500 RM 8.4.5: "the instruction actually completes execution and then generates a system call interrupt"."""
    it = make(cpu, SC, dbcr0=M.DBCR0_IC)
    go(it, 2)
    assert (interrupted(it), dbsr(it)) == (VECTORS + 0x800, M.DBCR0_IC)
    assert it.core.read_spr("SRR0") == BASE + 4


@both
def test_an_instruction_that_was_interrupted_is_not_complete(make: Make, cpu: str) -> None:
    it = make(cpu, 0, dbcr0=M.DBCR0_IC)
    go(it, 1)
    assert dbsr(it) == M.DBCR0_IC and interrupted(it) == VECTORS + 0x604, "the handler's first instruction is"


# --- interrupt taken (e500 RM 8.4.6) ---
@both
def test_interrupt_taken_comes_before_the_handler(make: Make, cpu: str) -> None:
    it = make(cpu, 0, dbcr0=M.DBCR0_IRPT)
    go(it, 1)
    assert (interrupted(it), dbsr(it)) == (VECTORS + 0x600, M.DBCR0_IRPT)
    assert it.core.read_spr("SRR0") == BASE
    it = make(cpu, 0, dbcr0=M.DBCR0_IRPT, msr=0)
    go(it, 1)
    assert (interrupted(it), dbsr(it)) == (None, M.DBCR0_IRPT | IDE)


@both
def test_asynchronous_interrupts_are_taken_too(make: Make, cpu: str) -> None:
    it = make(cpu, NOP, dbcr0=M.DBCR0_IRPT, msr=DE | M.MSR_EE)
    it.core.set_external(True)
    go(it, 1)
    assert (interrupted(it), dbsr(it)) == (VECTORS + 0x400, M.DBCR0_IRPT)


def test_only_a_debug_level_sees_critical_interrupts(make: Make) -> None:
    """ "Only noncritical interrupts", for critical ones clear DE on e500v2; e500mc keeps it, and has CIRPT."""
    for cpu in CORES:
        for event in (M.DBCR0_IRPT, M.DBCR0_CIRPT):
            it = make(cpu, NOP, dbcr0=event, msr=DE | M.MSR_CE)
            it.core.set_critical(True)
            go(it, 1)
            seen = cpu == "e500mc" and event == M.DBCR0_CIRPT
            assert (interrupted(it), dbsr(it)) == ((VECTORS, event) if seen else (None, 0))


# --- return (e500 RM 8.4.7 and table 8-2; III-E 8.4.7) ---
def returning(make: Make, cpu: str, word: int, dbcr0: int, before: int, after: int) -> Rig:
    pair = {RFI: "srr", RFCI: "csrr"}[word]
    it = make(cpu, word, dbcr0=dbcr0, msr=before, **{f"{pair}0": DATA, f"{pair}1": after | M.MSR_ME})
    it.code(NOP, at=DATA).code(word)
    go(it, 1)
    return it


@pytest.mark.parametrize(
    ("before", "after", "where", "status"),
    [(DE, DE, DATA, 0), (DE, 0, None, 0), (0, DE, DATA, IDE), (0, 0, None, IDE)],
)  # fmt: skip
def test_return_on_e500v2(make: Make, before: int, after: int, where: int | None, status: int) -> None:
    """Recorded whatever DE is; the interrupt comes behind the rfi if DE is on then; imprecise by what it was before."""
    it = returning(make, "e500v2", RFI, M.DBCR0_RET, before, after)
    assert dbsr(it) == M.DBCR0_RET | status
    assert it.core.read_spr("CSRR0") == (where or 0)


def test_return_from_a_critical_interrupt_on_e500v2(make: Make) -> None:
    """e500 RM 8.2.4: not logged while DE is off."""
    assert dbsr(returning(make, "e500v2", RFCI, M.DBCR0_RET, DE, 0)) == M.DBCR0_RET
    assert dbsr(returning(make, "e500v2", RFCI, M.DBCR0_RET, 0, DE)) == 0
    assert dbsr(returning(make, "e500v2", RFCI, M.DBCR0_CRET, DE, 0)) == 0


@pytest.mark.parametrize(("word", "event"), [(RFI, M.DBCR0_RET), (RFCI, M.DBCR0_CRET)])
def test_return_on_e500mc(make: Make, word: int, event: int) -> None:
    """III-E 8.4.7: DSRR0 has the address of the rfi, which has not been carried out."""
    it = returning(make, "e500mc", word, event, DE, DE)
    assert (interrupted(it), dbsr(it)) == (BASE, event)
    it = returning(make, "e500mc", word, event, 0, 0)
    assert (interrupted(it), dbsr(it), it.core.state.pc) == (None, event | IDE, DATA)
    other = M.DBCR0_CRET if word == RFI else M.DBCR0_RET
    assert dbsr(returning(make, "e500mc", word, other, DE, DE)) == 0


# --- the debug interrupt itself ---
def test_hypervisor_state_is_left_alone_with_duvd(make: Make) -> None:
    """EPCR[DUVD] (facts 1.4): no event while GS=0 and PR=0, not even of an interrupt that goes there."""
    for msr, seen in ((0, False), (M.MSR_PR, True), (M.MSR_GS, True)):
        it = make("e500mc", NOP, dbcr0=M.DBCR0_IAC1, msr=DE | msr, iac1=BASE, epcr=M.EPCR_DUVD)
        it.map(0, 0, 0, tsize=10, mas8=0x80000000 if msr & M.MSR_GS else 0)
        it.engine.translations_changed()
        go(it, 1)
        assert (dbsr(it) == M.DBCR0_IAC1) is seen
    it = make("e500mc", 0, dbcr0=M.DBCR0_IRPT, msr=DE | M.MSR_PR, epcr=M.EPCR_DUVD)
    go(it, 1)
    assert dbsr(it) == 0


@both
def test_dbsr_is_cleared_by_ones(make: Make, cpu: str) -> None:
    it = make(cpu, NOP, asm("mtspr", RS=6, SPR=spr_field(304)), NOP, dbcr0=M.DBCR0_IAC1, msr=0, iac1=BASE)
    it.core.state.gpr[6] = IDE
    go(it, 2)
    assert dbsr(it) == M.DBCR0_IAC1


# --- timers that wait for the debugger ------------------------------------------------------------------------------


def time_base(rt: int) -> int:
    """mfspr TBRL: e500v2 has no mftb."""
    return asm("mfspr", RT=rt, SPR=spr_field(268))


def mtspr(number: int) -> int:
    """From r7."""
    return asm("mtspr", SPR=spr_field(number), RS=7)


def on(it: Rig, count: int) -> None:
    """So many instructions, however often the engine comes back for the timers."""
    end = it.core.retired + count
    while it.core.retired < end:
        it.run(end - it.core.retired)


@both
def test_freeze_timers_holds_time_base_and_decrementer_until_dbsr_is_cleared(make: Make, cpu: str) -> None:
    """PPC440x5 UM 8.5: with MSR[DE]=0 the event stays in DBSR; the clock goes on where it stood."""
    ft = M.DBCR0_FT
    it = make(
        cpu, time_base(4), NOP, time_base(5), NOP, NOP, time_base(6), mtspr(304), time_base(8), NOP, time_base(9),
        dbcr0=M.DBCR0_IAC1 | ft, msr=0, iac1=BASE + 4, dec=1000,
    )  # fmt: skip
    it.core.state.gpr[7] = 0xFFFFFFFF
    on(it, 6)
    timers, gpr = it.core.timers, it.core.state.gpr
    assert timers.frozen and gpr[5] == gpr[6] == gpr[4] + 1, "frozen as the second instruction began"
    left = it.core.read_spr("DEC")
    assert it.core.retired == 6 and timers.next_event() is None
    saved = it.core.save()
    on(it, 4)
    assert not timers.frozen and gpr[9] - gpr[8] == 2 and gpr[8] == gpr[6] + 1
    assert it.core.read_spr("DEC") == left - 4
    it.core.restore(saved)
    assert it.core.timers.frozen and it.core.read_spr("DEC") == left


@both
def test_without_ft_and_with_ft_alone_time_goes_on(make: Make, cpu: str) -> None:
    for dbcr0, iac in ((M.DBCR0_IAC1, BASE), (M.DBCR0_FT, BASE), (M.DBCR0_FT | M.DBCR0_IAC1, BASE + 0x800)):
        it = make(cpu, time_base(4), NOP, NOP, time_base(5), dbcr0=dbcr0, msr=0, iac1=iac)
        it.core.write_spr("DBSR", M.DBSR_MRR)
        on(it, 4)
        assert it.core.state.gpr[5] - it.core.state.gpr[4] == 3 and not it.core.timers.frozen


@both
def test_ft_taken_away_lets_them_go_and_a_decrementer_that_ran_out_before_counts(make: Make, cpu: str) -> None:
    it = make(cpu, *[NOP] * 20, dbcr0=M.DBCR0_IAC1 | M.DBCR0_FT, msr=0, iac1=BASE + 8, dec=5)
    on(it, 10)
    assert it.core.timers.frozen and not it.core.read_spr("TSR") & M.TSR_DIS
    it.core.write_spr("DBCR0", IDM)
    assert not it.core.timers.frozen and it.core.read_spr("DEC") == 3
    on(it, 3)
    assert it.core.read_spr("TSR") & M.TSR_DIS


@both
def test_an_external_debug_mode_is_nobodys_to_set(make: Make, cpu: str) -> None:
    it = make(cpu, mtspr(308))
    it.core.state.gpr[7] = M.DBCR0_EDM | IDM | M.DBCR0_FT
    on(it, 1)
    assert it.core.read_spr("DBCR0") == IDM | M.DBCR0_FT


@both
@pytest.mark.parametrize("msr", [0, DE])
def test_an_unconditional_event_interrupts_or_waits(make: Make, cpu: str, msr: int) -> None:
    """e500 RM 8.4.8: CSRR0 has the next instruction; with MSR[DE]=0 it is imprecise and comes with DE."""
    it = make(cpu, NOP, NOP, asm("mtmsr", RS=6), NOP, msr=msr)
    it.core.state.gpr[6] = DE | M.MSR_ME
    on(it, 1)
    it.core.delivery.unconditional_event()
    go(it, 3)
    if msr:
        assert (interrupted(it), dbsr(it)) == (BASE + 4, M.DBSR_UDE)
    else:
        assert (interrupted(it), dbsr(it)) == (BASE + 12, M.DBSR_UDE | IDE)
