"""The audit of nested exits: every rule passes where it should, and fails where it should and nowhere else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcdbg.cli.main import main
from ppcdbg.errors import InputError
from ppcdbg.nested.audit import Verdict, audit
from ppcdbg.nested.examples import MISTAKES, Mistake, host_handled, right
from ppcdbg.nested.read import read_exit
from ppcdbg.nested.rules import every
from ppcdbg.nested.snapshot import Snapshot, as_json, parse
from ppcdbg.nested.vmcs import FIELDS, VALID, Area

SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_right_exit_has_no_finding_and_leaves_no_field_unchecked(seed: int) -> None:
    for snapshot in (right(seed), host_handled(seed)):
        found = audit(snapshot)
        assert not found.wrong and not found.of(Verdict.NOT_CHECKED)
        assert {each.field for each in found.findings} == set(FIELDS)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_found_where_it_is_and_nowhere_else(mistake: Mistake) -> None:
    for seed in SEEDS:
        found = audit(mistake.make(seed)).wrong
        assert {(each.rule.id, each.field) for each in found} == {(mistake.rule, name) for name in mistake.fields}


def test_every_rule_has_a_right_and_a_wrong_example() -> None:
    judged = {each.rule.id for s in (right(), host_handled()) for each in audit(s).findings}
    broken = {mistake.rule for mistake in MISTAKES}
    assert {rule.id for rule in every()} == judged == broken


def test_a_name_with_a_zero_in_it_is_no_file() -> None:
    with pytest.raises(InputError, match="embedded null byte"):
        read_exit((Path("a\0b"),))


@pytest.mark.parametrize("lacking", ["guest_cr0", "cr0_read_shadow", "cr0_guest_host_mask"])
def test_a_wrong_register_is_told_also_where_what_explains_it_is_not_there(lacking: str) -> None:
    """An exit that L0 handles needs nothing of vmcs02."""
    s = host_handled(2)
    running = {name: value for name, value in s.running.items() if name != lacking}
    s = replace(s, running=running, after={**s.after, "guest_cr0": s.after["guest_cr0"] ^ 2})
    assert [each.field for each in audit(s).wrong] == ["guest_cr0"]


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_any_changed_bit_of_vmcs12_is_noticed_unless_it_is_undefined(name: str) -> None:
    """Each bit of each field, one at a time. Undefined are bits of events that are not valid, and their error codes."""
    s = replace(right(3), link_pointer="copy")
    free = {"guest_ia32_debugctl", "guest_dr7", "guest_ia32_perf_global_ctrl", "guest_bndcfgs", "guest_intr_status",
            "guest_pml_index"}  # fmt: skip
    for bit in range(FIELDS[name].bits):
        value = s.after[name] ^ 1 << bit
        wrong = [each.field for each in audit(replace(s, after={**s.after, name: value})).wrong]
        undefined = name == "idt_vectoring_error_code" or name == "idt_vectoring_info_field" and 1 << bit != VALID
        legal = undefined or name in free and value == s.before[name]
        assert wrong == ([] if legal else [name])


@given(st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 64) - 1),
       st.integers(0, (1 << 64) - 1), st.sampled_from(["cr0", "cr4"]))  # fmt: skip
def test_control_registers_are_merged_bit_by_bit(guest: int, shadow: int, owned: int, mask: int, register: str) -> None:
    """The truth table of facts 9, bit by bit, against the formula of words."""
    want = 0
    for bit in range(64):
        trapped_unasked = not owned >> bit & 1 and not mask >> bit & 1
        want |= ((shadow if trapped_unasked else guest) >> bit & 1) << bit
    s = right()
    before = {**s.before, f"{register}_guest_host_mask": mask}
    running = {**s.running, f"guest_{register}": guest, f"{register}_read_shadow": shadow}
    after = {**s.after, f"guest_{register}": want}
    s = replace(s, before=before, running=running, after=after, owned={**s.owned, register: owned})
    assert [each.field for each in audit(s).wrong if each.field == f"guest_{register}"] == []


def test_the_examples_of_the_facts() -> None:
    """facts/domain.md 15: CR0 actual 0x8001003B, shadow 0x80010033, with and without L1's mask on bit 3."""
    for mask, want in ((0, 0x8001_0033), (0x8, 0x8001_003B)):
        before = {"cr0_guest_host_mask": mask}
        running = {"guest_cr0": 0x8001_003B, "cr0_read_shadow": 0x8001_0033}
        s = Snapshot("l1", before, running, {"guest_cr0": want}, owned={"cr0": 0})
        finding = next(each for each in audit(s).findings if each.field == "guest_cr0")
        assert (finding.verdict, finding.expected) == (Verdict.OK, (want,))


def test_owned_bits_follow_from_the_mask_that_l2_ran_with() -> None:
    s = right(5)
    assert [f.expected for f in audit(replace(s, owned={})).findings] == [f.expected for f in audit(s).findings]


def test_a_failed_entry_writes_reason_and_qualification_only() -> None:
    s = right(2)
    running = {**s.running, "vm_exit_reason": 0x8000_0021}
    after = {**s.after, "vm_exit_reason": 0x8000_0021, "vm_exit_intr_info": s.before["vm_exit_intr_info"]}
    wrong = {each.field for each in audit(replace(s, running=running, after=after)).wrong}
    information = {name for name, each in FIELDS.items() if each.area is Area.EXIT}
    assert "vm_exit_reason" not in wrong and "exit_qualification" not in wrong and "vm_exit_instruction_len" in wrong
    assert wrong <= information


def test_what_is_not_given_is_not_checked_and_says_what_is_missing() -> None:
    s = right()
    s = replace(s, before={}, owned={}, ept=None)
    found = audit(s)
    assert not found.wrong
    notes = {each.field: each.note for each in found.of(Verdict.NOT_CHECKED)}
    assert notes["tsc_offset"] == "needs tsc_offset of vmcs12"
    assert notes["guest_ia32_pat"] == "needs vm_exit_controls of vmcs12"
    assert notes["guest_cr3"] == "needs controls: ept"
    assert "guest_rip" not in notes


# --- files ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_snapshot_is_written_and_read_back(mistake: Mistake) -> None:
    s = mistake.make(1)
    assert parse(json.dumps(as_json(s)), "x") == s


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "x is no JSON"),
        ("[1]", "holds no object"),
        ('{"vmcs13": {}}', "has the key 'vmcs13'"),
        ('{"exit": "l2"}', "it must be l1"),
        ('{"vmcs12": {}}', "has no vmcs02"),
        ('{"exit": "l0", "vmcs12": {}}', "has no vmcs12;"),
        ('{"vmcs02": {"guest_ripp": 1}}', "'guest_ripp', which is no field"),
        ('{"vmcs02": {"guest_cs_selector": 65536}}', "must be a number of 16 bits"),
        ('{"vmcs02": {"guest_rip": "0xzz"}}', "guest_rip is '0xzz'"),
        ('{"vmcs02": {"guest_rip": true}}', "must be a number"),
        ('{"vmcs02": 3}', "must be an object"),
        ('{"vmcs02": {"guest_rip": 1}, "vmcs12_after": {"guest_rip": 1}, "controls": {"x": 1}}', "controls has 'x'"),
        ('{"vmcs02": {"guest_rip": 1}, "vmcs12_after": {"guest_rip": 1}, "l1_wrote": ["x"]}', "l1_wrote is"),
        ("[" * 100_000, "x is no JSON"),
    ],
)
def test_a_snapshot_that_is_none_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as raised:
        parse(text, "x")
    assert len(str(raised.value).splitlines()) == 1


def test_the_command_says_what_is_wrong_and_ends_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, status in (("right", 0), ("host-handled", 0), *((mistake.name, 1) for mistake in MISTAKES)):
        assert main(["nested", "--example", name]) == 0
        path = tmp_path / f"{name}.json"
        path.write_text(capsys.readouterr().out)
        assert main(["nested", str(path)]) == status
        shown = capsys.readouterr().out
        assert f"{status and len(next(m for m in MISTAKES if m.name == name).fields)} wrong" in shown
        assert main(["nested", str(path), "--json", "-"]) == status
        assert json.loads(capsys.readouterr().out)["status"] == ("finding" if status else "ok")
    assert main(["nested"]) == 2
    assert main(["nested", str(tmp_path / "none.json")]) == 3
    assert main(["nested", "--rules"]) == 0
