"""Integer instructions of the SPE against a second model, made from what the book's names and sentences say.

The multiplies' model reads their names letter by letter and works on clamped whole numbers; the others are compared
with one-line definitions. QEMU has few of these (tests/golden/spe).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from ppcdbg.isa.disassemble import Disassembler
from ppcdbg.isa.insn import E500MC, E500V2
from ppcdbg.isa.table import decoder
from tests.isa.spe_machine import SPE, SpeMachine, Taken, execute, word_of

M32, M64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
SOVH, OVH, SOV, OV = 0x80000000, 0x40000000, 0x8000, 0x4000
EDGES = (0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0x80008000, 0x80007FFF, 0xFFFFFFFF, 0x00010000)
ENCODINGS = Path(__file__).parent.parent / "golden" / "spe" / "encodings.txt"


def signed(value: int, width: int) -> int:
    value &= (1 << width) - 1
    return value - (value >> width - 1 << width)


def words(value: int) -> tuple[int, int]:
    return value >> 32, value & M32


def pair(high: int, low: int) -> int:
    return (high & M32) << 32 | low & M32


def operands(seed: str, count: int) -> list[tuple[int, int, int]]:
    """A, B, ACC: edges in every place, and chance."""
    chance = Random(seed)

    def wide() -> int:
        return pair(*(chance.choice(EDGES) if chance.getrandbits(1) else chance.getrandbits(32) for _ in "hl"))

    return [(wide(), wide(), wide()) for _ in range(count)]


# --- multiplies -------------------------------------------------------------------------------------------------------
NAME = re.compile(r"ev(mh(?P<half>[eo])(?P<guard>g?)|mw(?P<part>[hl]?))(?P<s>[us])(?P<sat>[ms])(?P<f>[if])(?P<acc>\w*)")
MULTIPLIES = sorted(name for name in SPE if NAME.fullmatch(name))


def clamp(value: int, is_signed: bool) -> int:
    low, high = (-(1 << 31), (1 << 31) - 1) if is_signed else (0, M32)
    return max(low, min(value, high))


def element(name: re.Match[str], a: int, b: int) -> tuple[int, bool]:
    """One product, and whether it overflowed."""
    width = 16 if name["half"] else 32
    if name["half"]:
        a, b = (a >> 16, b >> 16) if name["half"] == "e" else (a & 0xFFFF, b & 0xFFFF)
    x, y = (signed(a, width), signed(b, width)) if name["s"] == "s" else (a, b)
    product = x * y * (2 if name["f"] == "f" else 1)
    limit = 1 << 2 * width - 1
    if name["f"] == "f" and name["sat"] == "s" and product >= limit:
        return limit - 1, True
    return product, False


def expected(name: re.Match[str], a: int, b: int, acc: int) -> tuple[int, int, int]:
    """RT, ACC and the overflows, high bit for the high word."""
    (ah, al), (bh, bl), (ch, cl) = words(a), words(b), words(acc)
    sign = -1 if "an" in name["acc"] else 1
    summed = name["acc"] in ("aa", "an", "aaw", "anw")
    low, low_over = element(name, al, bl)
    if name["guard"] or (name["half"] is None and not name["part"]):
        result = (acc + sign * low if summed else low) & M64
        if summed and name["sat"] == "s" and signed(acc, 64) + sign * low != signed(result, 64):
            low_over = True
        return result, result if name["acc"] else acc, low_over
    high, high_over = element(name, ah, bh)
    if name["part"] == "h":
        high, low = high >> 32, low >> 32
    if summed:
        is_signed = name["s"] == "s"
        products = [high, low]
        if name["part"] == "l":
            products = [signed(p, 32) if is_signed else p & M32 for p in products]
        sums = [(signed(c, 32) if is_signed else c) + sign * p for c, p in zip((ch, cl), products)]
        if name["sat"] == "s":
            high_over |= clamp(sums[0], is_signed) != sums[0]
            low_over |= clamp(sums[1], is_signed) != sums[1]
            sums = [clamp(s, is_signed) for s in sums]
        high, low = sums
    result = pair(high, low)
    return result, result if name["acc"] else acc, high_over << 1 | low_over


@pytest.mark.parametrize("mnemonic", MULTIPLIES)
def test_multiply_does_what_its_name_says(mnemonic: str) -> None:
    name = NAME.fullmatch(mnemonic)
    assert name is not None
    for before in (0, SOVH | OVH | SOV | OV, SOV | 0x3C):
        for a, b, acc in operands(mnemonic, 60):
            m = execute(mnemonic, a, b, acc, before)
            rt, after, over = expected(name, a, b, acc)
            assert (m.wide(4), m.acc) == (rt, after), f"{a:#x} {b:#x} {acc:#x}"
            spefscr = before
            if name["sat"] == "s":
                spefscr = before & ~(OVH | OV) | (over >> 1) * (SOVH | OVH) | (over & 1) * (SOV | OV)
            assert m.spefscr == spefscr, f"{a:#x} {b:#x} {acc:#x}"


def test_the_multiplies_are_those_of_the_book() -> None:
    assert [sum(n.startswith(kind) for n in MULTIPLIES) for kind in ("evmh", "evmw")] == [52, 34]
    minus_one = pair(0x80008000, 0x80008000)
    assert execute("evmhessf", minus_one, minus_one).wide(4) == 0x7FFFFFFF7FFFFFFF
    assert execute("evmhesmf", minus_one, minus_one).wide(4) == 0x8000000080000000
    assert execute("evmhogsmfaa", minus_one, minus_one).wide(4) == 0x80000000
    one = pair(0x80000000, 0x80000000)
    assert execute("evmwssfaa", one, one, 1).wide(4) == 0x8000000000000000, "there is no saturation on the addition"


# --- accumulator and divide -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("operation", ["add", "subf"])
@pytest.mark.parametrize("kind", ["us", "ss", "um", "sm"])
def test_sums_with_the_accumulator(operation: str, kind: str) -> None:
    name = f"ev{operation}{kind}iaaw"
    for a, _, acc in operands(name, 80):
        m = execute(name, a, 0, acc, SOV)
        results, overs = [], []
        for x, c in zip(words(a), words(acc)):
            if kind[0] == "s":
                x, c = signed(x, 32), signed(c, 32)
            exact = c + x if operation == "add" else c - x
            kept = clamp(exact, kind[0] == "s") if kind[1] == "s" else exact
            results.append(kept)
            overs.append(kept != exact)
        assert m.wide(4) == m.acc == pair(*results)
        flags = (overs[0] * (SOVH | OVH)) | (overs[1] * OV)
        assert m.spefscr == SOV | (flags if kind[1] == "s" else 0)


def test_evmra_copies_to_both() -> None:
    m = execute("evmra", 0x0123456789ABCDEF)
    assert (m.wide(4), m.acc) == (0x0123456789ABCDEF, 0x0123456789ABCDEF)


@pytest.mark.parametrize(
    ("name", "a", "b", "rt", "spefscr"),
    [
        ("evdivws", pair(7, -7), pair(2, 2), pair(3, -3), 0),
        ("evdivws", pair(-7, 7), pair(-2, -2), pair(3, -3), 0),
        ("evdivws", pair(-5, 5), 0, pair(0x80000000, 0x7FFFFFFF), SOVH | OVH | SOV | OV),
        ("evdivws", pair(0x80000000, 1), pair(-1, 1), pair(0x7FFFFFFF, 1), SOVH | OVH),
        ("evdivwu", pair(0xFFFFFFFF, 9), pair(2, 0), pair(0x7FFFFFFF, 0xFFFFFFFF), SOV | OV),
    ],
)
def test_divide(name: str, a: int, b: int, rt: int, spefscr: int) -> None:
    m = execute(name, a, b)
    assert (m.wide(4), m.spefscr) == (rt, spefscr)


# --- simple -----------------------------------------------------------------------------------------------------------
def _shift(kind: str) -> Callable[[int, int], int]:
    def shifted(a: int, b: int) -> int:
        count = b & 63
        return {"slw": a << count, "srwu": a >> count, "srws": signed(a, 32) >> count}[kind]

    return shifted


PER_WORD: dict[str, Callable[[int, int], int]] = {
    "evaddw": lambda a, b: a + b,
    "evsubfw": lambda a, b: b - a,
    "evand": lambda a, b: a & b,
    "evandc": lambda a, b: a & ~b,
    "evxor": lambda a, b: a ^ b,
    "evor": lambda a, b: a | b,
    "evnor": lambda a, b: ~(a | b),
    "eveqv": lambda a, b: ~(a ^ b),
    "evorc": lambda a, b: a | ~b,
    "evnand": lambda a, b: ~(a & b),
    "evslw": _shift("slw"),
    "evsrwu": _shift("srwu"),
    "evsrws": _shift("srws"),
    "evrlw": lambda a, b: a << (b & 31) | a >> 32 - (b & 31),
    "evabs": lambda a, b: abs(signed(a, 32)),
    "evneg": lambda a, b: -a,
    "evextsb": lambda a, b: signed(a, 8),
    "evextsh": lambda a, b: signed(a, 16),
    "evrndw": lambda a, b: (a + 0x8000 >> 16) << 16,
    "evcntlzw": lambda a, b: len(f"{a:032b}") - len(f"{a:032b}".lstrip("0")),
    "evcntlsw": lambda a, b: len(f"{a:032b}") - len(f"{a:032b}".lstrip(f"{a:032b}"[0])),
}


@pytest.mark.parametrize("name", sorted(PER_WORD))
def test_each_word_by_itself(name: str) -> None:
    definition = PER_WORD[name]
    for a, b, _ in operands(name, 120):
        b = b if a & 1 else b & 0x3F0000003F
        assert execute(name, a, b).wide(4) == pair(*(definition(x, y) for x, y in zip(words(a), words(b))))


@pytest.mark.parametrize("name", ["evslwi", "evsrwiu", "evsrwis", "evrlwi", "evaddiw", "evsubifw"])
def test_immediate_forms_agree_with_the_others(name: str) -> None:
    like = {"evslwi": "evslw", "evsrwiu": "evsrwu", "evsrwis": "evsrws", "evrlwi": "evrlw", "evaddiw": "evaddw"}
    for a, b, _ in operands(name, 32):
        m = SpeMachine()
        m.set_wide(1, a)
        count = b & 31
        register = "RB" if name in ("evaddiw", "evsubifw") else "RA"
        m.run(word_of(name, RT=1, UI=count, **{register: 1}))
        both = pair(count, count)
        if name == "evsubifw":
            assert m.wide(1) == execute("evsubfw", both, a).wide(4)
        else:
            assert m.wide(1) == execute(like[name], a, both).wide(4)


@pytest.mark.parametrize(
    ("name", "test"),
    [
        ("evcmpgtu", lambda a, b: a > b),
        ("evcmpltu", lambda a, b: a < b),
        ("evcmpgts", lambda a, b: signed(a, 32) > signed(b, 32)),
        ("evcmplts", lambda a, b: signed(a, 32) < signed(b, 32)),
        ("evcmpeq", lambda a, b: a == b),
    ],
)
def test_compare_gives_high_low_either_both(name: str, test: Callable[[int, int], bool]) -> None:
    for a, b, c in operands(name, 80):
        b = (b, pair(a >> 32, b), pair(b, a), a)[c & 3]
        h, l = (int(test(x, y)) for x, y in zip(words(a), words(b)))  # noqa: E741
        assert execute(name, a, b).cr[2] == h << 3 | l << 2 | (h | l) << 1 | h & l


def test_select_merge_and_splat() -> None:
    m = SpeMachine()
    m.set_wide(1, 0x1111111122222222)
    m.set_wide(2, 0x3333333344444444)
    m.cr[7] = 0b0100
    m.run(word_of("evsel", RT=4, RA=1, RB=2, BFA=7))
    assert m.wide(4) == 0x3333333322222222
    for name, result in (
        ("evmergehi", 0x1111111133333333), ("evmergelo", 0x2222222244444444), ("evmergehilo", 0x1111111144444444),
        ("evmergelohi", 0x2222222233333333),
    ):  # fmt: skip
        assert execute(name, 0x1111111122222222, 0x3333333344444444).wide(4) == result
        m.set_wide(5, 0x1111111122222222)
        m.run(word_of(name, RT=5, RA=5, RB=2))
        assert m.wide(5) == result, f"{name} into one of its sources"
    m.run(word_of("evsplati", RT=4, SI=0x1F))
    assert m.wide(4) == M64
    m.run(word_of("evsplatfi", RT=4, SI=0x11))
    assert m.wide(4) == 0x8800000088000000


def test_brinc_walks_in_bit_reversed_order_and_leaves_the_upper_word() -> None:
    m = SpeMachine()
    m.set_wide(1, 0xAAAAAAAA00000000)
    m.set_wide(2, 0x7)
    seen = []
    for _ in range(9):
        seen.append(m.gpr[1])
        m.run(word_of("brinc", RT=1, RA=1, RB=2))
    assert seen == [0, 4, 2, 6, 1, 5, 3, 7, 0]
    assert m.wide(1) >> 32 == 0xAAAAAAAA


# --- loads and stores -------------------------------------------------------------------------------------------------
LOADS = {
    "evldd": 0x8122334455667788, "evldw": 0x8122334455667788, "evldh": 0x8122334455667788,
    "evlhhesplat": 0x8122000081220000, "evlhhousplat": 0x0000812200008122, "evlhhossplat": 0xFFFF8122FFFF8122,
    "evlwhe": 0x8122000033440000, "evlwhou": 0x0000812200003344, "evlwhos": 0xFFFF812200003344,
    "evlwwsplat": 0x8122334481223344, "evlwhsplat": 0x8122812233443344,
}  # fmt: skip
STORES = {
    "evstdd": "8122334455667788", "evstdw": "8122334455667788", "evstdh": "8122334455667788", "evstwhe": "81225566",
    "evstwho": "33447788", "evstwwe": "81223344", "evstwwo": "55667788",
}  # fmt: skip
ALIGNMENT = {"d": 8, "w": 4, "h": 2}


def alignment(name: str) -> int:
    return ALIGNMENT[name.removeprefix("evl").removeprefix("evst")[0]]


@pytest.mark.parametrize("name", [*LOADS, *STORES])
@pytest.mark.parametrize("indexed", [False, True])
def test_access(name: str, indexed: bool) -> None:
    size, load = alignment(name), name in LOADS
    for base, offset in ((0x1000, 0x18), (0x1000, 0x18 + size // 2), (0, 0x18)):
        m = SpeMachine()
        m.set_wide(3, 0x8122334455667788)
        m.gpr[1], m.gpr[2] = 0x1000, offset
        m.store64(base + 0x18, 0x8122334455667788 if load else 0)
        target = {"RT": 4} if load else {"RS": 3}
        register = 1 if base else 0
        scaled = offset // size
        if indexed:
            word = word_of(name + "x", RA0=register, RB=2, **target)
        else:
            word = word_of(name, RA0=register, D=scaled, **target)
            m.gpr[1] += offset - scaled * size
        if offset % size:
            with pytest.raises(Taken, match="alignment"):
                m.run(word)
            assert m.wide(4) == 0 and (load or m.load64(0x1018) == 0)
            continue
        m.run(word)
        if load:
            assert m.wide(4) == LOADS[name]
        else:
            assert m.load64(base + 0x18).to_bytes(8, "big").hex() == STORES[name].ljust(16, "0")


# --- encodings --------------------------------------------------------------------------------------------------------
def test_encodings_and_texts_are_gnu_as_s() -> None:
    """Each line of the file is a word and its text; gas -mspe -me500 made the word of our text."""
    disassemble = Disassembler(E500V2)
    seen = set()
    for line in ENCODINGS.read_text(encoding="ascii").splitlines():
        word, text = int(line[:8], 16), line[9:]
        insn = decoder(E500V2).decode(word)
        assert insn is not None and text.split()[0] == insn.name
        assert str(disassemble.one(word, 0)) == text
        assert decoder(E500MC).decode(word) is None
        seen.add(insn.name)
    assert seen == set(SPE)
