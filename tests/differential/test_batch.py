"""Random programs on the reference, tier 0, tier 1 and QEMU, whole states compared at each interrupt.

    --differential-insns N     random instructions of each core (a few thousand here, a million with ``make soak``)
    --differential-seed TEXT   another seed
    --differential-only NAME   one program by its name, as a failure prints it

A failure of the soak is shrunk and kept in ``cases/`` under the next number; whatever is there is replayed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import reduce
from operator import or_
from pathlib import Path

import pytest

from tests.differential import qemu
from tests.differential.asm import encode
from tests.differential.batch import cases, generate
from tests.differential.batch.campaign import BATCH, Campaign, keep, shrunk
from tests.differential.batch.monitor import RECORD
from tests.differential.batch.peers import Hang, OwnMonitor, QemuMonitor
from tests.differential.batch.records import MASKS, fields_of, masked

KEPT = Path(__file__).parent / "cases"
SHORT, LONG = 5_000, 1_000_000
Option = Callable[[str, str], str]
Figure = Callable[[str, str], None]


@pytest.fixture
def campaign(core_name: str, tmp_path: Path, tool: Callable[[str], str]) -> Iterator[Campaign]:
    tool(qemu.PROGRAM)
    peer = QemuMonitor(core_name, tmp_path)
    yield Campaign(core_name, peer)
    peer.close()


def run(campaign: Campaign, wanted: int, seed: str, only: str = "", together: int = BATCH) -> str:
    """What differs, shrunk and kept; empty where nothing does."""
    if only:
        program = generate.program(only)
        found = [d for d in [campaign.alone(program)] if d]
    else:
        found = campaign.run(seed, wanted, together)
    told = []
    for difference in found:
        told.append(difference.text())
        if "..." not in difference.program:
            case = campaign.case(generate.program(difference.program), f"found by seed {seed}: say here what it was")
            told.append(f"kept as {keep(case, KEPT)}")
    return "\n".join(told)


def test_random_programs(campaign: Campaign, core_name: str, option: Option) -> None:
    only = option("only", "")
    if only and not only.startswith(core_name):
        return
    wanted = int(option("insns", str(SHORT)))
    assert not run(campaign, wanted, option("seed", "0"), only, 4)
    assert only or campaign.figures.instructions >= wanted and campaign.figures.lines


@pytest.mark.soak
def test_many_random_programs(campaign: Campaign, core_name: str, option: Option, figure: Figure) -> None:
    wanted, seed = int(option("insns", str(LONG))), option("seed", "soak")
    found = run(campaign, wanted, seed)
    figure("differential", campaign.figures.text(core_name, seed, campaign.peers))
    assert not found, found


@pytest.mark.parametrize("path", sorted(KEPT.glob("*.txt")), ids=lambda p: p.stem)
def test_kept_cases(path: Path) -> None:
    """Each on our engines: they agree, and the registers that were wrong are right."""
    case = cases.parse(path.read_text())
    campaign = Campaign(case.program.core, None)
    assert not campaign.batch([case.program])
    record = fields_of(case.program.core, campaign.reference.log(0)[case.record * RECORD :])
    assert {n: record[n] for n in case.right} == case.right


# --- the harness itself -------------------------------------------------------------------------------------
def test_a_case_survives_the_way_out_and_in() -> None:
    program = generate.program("e500mc/float/x.0")
    case = cases.Case("a test", program, 3, {"r5": 1})
    assert cases.parse(case.text()) == case


def test_programs_come_from_their_names_and_hold_every_kind(core_name: str) -> None:
    name = generate.names(core_name, "x")
    made = [generate.program(name(i)) for i in range(4)]
    assert made == [generate.program(name(i)) for i in range(4)]
    peer = OwnMonitor(core_name, "tier 0")
    peer.begin(made)
    peer.finish()
    vectors = {
        int.from_bytes(log[a : a + 4], "big") for log in map(peer.log, range(4)) for a in range(0, len(log), RECORD)
    }
    wanted = {2, 3, 5, 6, 8, 10, 13, 14}  # storage, alignment, program, sc, decrementer, misses
    assert vectors >= (wanted | {7, 36} if core_name == "e500mc" else wanted)


def test_a_wrong_instruction_is_found_and_shrunk_to_itself() -> None:
    """An engine whose memory holds another word in one place."""
    core_name = "e500v2"
    whole = generate.program(f"{core_name}/straight/z.0")
    program = replace(whole, words=(*whole.words[:80], *[cases.NOP] * (len(whole.words) - 81), whole.words[-1]))
    at = next(i for i, w in enumerate(program.words) if w >> 26 == 14 and i > 20)  # some addi
    wrong = encode("addi", RT=9, RA0=9, SI=77)
    one, two = OwnMonitor(core_name, "tier 0"), OwnMonitor(core_name, "tier 0")
    one.most = two.most = 100_000  # many of the smaller ones do not end

    def fails(candidate: generate.Program) -> bool:
        other = replace(candidate, words=(*candidate.words[:at], wrong, *candidate.words[at + 1 :]))
        logs = []
        for peer, p in ((one, candidate), (two, other if candidate.words[at] == program.words[at] else candidate)):
            peer.begin([p])
            try:
                peer.finish()
            except Hang:
                return False
            logs.append(peer.log(0))
        return logs[0] != logs[1]

    assert fails(program)
    small = shrunk(program, fails)
    left = [i for i, w in enumerate(small.words[:-1]) if w != cases.NOP]
    assert left == [at]


def test_masks_hide_the_named_bits_of_the_named_interrupts_alone(core_name: str) -> None:
    peer = OwnMonitor(core_name, "tier 0")
    peer.begin([generate.program(f"{core_name}/modes/x.0")])
    peer.finish()
    log = peer.log(0)
    for at in range(0, len(log), RECORD):
        record = fields_of(core_name, log[at:])
        for mask in MASKS:
            if mask.register not in record:
                continue
            bits = 0xFFFFFFFF & ~reduce(or_, (m.bits for m in MASKS if m.register == mask.register))
            if bits:
                other = {**record, mask.register: record[mask.register] ^ (bits & -bits)}
                assert set(masked(core_name, record, other)) == {mask.register}
            other = {**record, mask.register: record[mask.register] ^ (mask.bits & -mask.bits)}
            hidden = record["vector"] in mask.vectors and not mask.insns
            assert not (hidden and masked(core_name, record, other))
