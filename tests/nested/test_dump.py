"""What kernels print of a VMCS, read back; malformed lines are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ppcdbg.cli.main import main
from ppcdbg.errors import InputError
from ppcdbg.nested.dump import parse_dump
from ppcdbg.nested.examples import right
from ppcdbg.nested.vmcs import FIELDS

SEGMENTS = ("CS:  ", "DS:  ", "SS:  ", "ES:  ", "FS:  ", "GS:  ", "LDTR:", "TR:  ")


def dump(v: dict[str, int], prefix: str = "") -> str:
    """The text of 6.1's dump_vmcs, by its formats, with every optional line."""
    out = ["VMCS 00000000d6b19a2e, last attempted VM-entry on CPU 3", "*** Guest State ***"]
    for cr in ("cr0", "cr4"):
        out.append(f"{cr.upper()}: actual=0x{v[f'guest_{cr}']:016x}, shadow=0x{v[f'{cr}_read_shadow']:016x}, "
                   f"gh_mask={v[f'{cr}_guest_host_mask']:016x}")  # fmt: skip
    out += [
        f"CR3 = 0x{v['guest_cr3']:016x}",
        f"PDPTR0 = 0x{v['guest_pdptr0']:016x}  PDPTR1 = 0x{v['guest_pdptr1']:016x}",
        f"PDPTR2 = 0x{v['guest_pdptr2']:016x}  PDPTR3 = 0x{v['guest_pdptr3']:016x}",
        f"RSP = 0x{v['guest_rsp']:016x}  RIP = 0x{v['guest_rip']:016x}",
        f"RFLAGS=0x{v['guest_rflags']:08x}         DR7 = 0x{v['guest_dr7']:016x}",
        f"Sysenter RSP={v['guest_sysenter_esp']:016x} CS:RIP={v['guest_sysenter_cs']:04x}:"
        f"{v['guest_sysenter_eip']:016x}",
    ]
    for label in (*SEGMENTS[:6], "GDTR:", SEGMENTS[6], "IDTR:", SEGMENTS[7]):
        name = label.strip(": ").lower()
        if name in ("gdtr", "idtr"):
            out.append(f"{label}                           limit=0x{v[f'guest_{name}_limit']:08x}, "
                       f"base=0x{v[f'guest_{name}_base']:016x}")  # fmt: skip
        else:
            out.append(f"{label} sel=0x{v[f'guest_{name}_selector']:04x}, attr=0x{v[f'guest_{name}_ar_bytes']:05x}, "
                       f"limit=0x{v[f'guest_{name}_limit']:08x}, base=0x{v[f'guest_{name}_base']:016x}")  # fmt: skip
    out += [
        f"EFER= 0x{v['guest_ia32_efer']:016x}",
        f"PAT = 0x{v['guest_ia32_pat']:016x}",
        f"DebugCtl = 0x{v['guest_ia32_debugctl']:016x}  DebugExceptions = 0x{v['guest_pending_dbg_exceptions']:016x}",
        f"PerfGlobCtl = 0x{v['guest_ia32_perf_global_ctrl']:016x}",
        f"BndCfgS = 0x{v['guest_bndcfgs']:016x}",
        f"Interruptibility = {v['guest_interruptibility_info']:08x}  ActivityState = {v['guest_activity_state']:08x}",
        f"InterruptStatus = {v['guest_intr_status']:04x}",
        "*** Host State ***",
        f"RIP = 0x{v['host_rip']:016x}  RSP = 0x{v['host_rsp']:016x}",
        " ".join(f"{s.upper()}={v[f'host_{s}_selector']:04x}" for s in ("cs", "ss", "ds", "es", "fs", "gs", "tr")),
        f"FSBase={v['host_fs_base']:016x} GSBase={v['host_gs_base']:016x} TRBase={v['host_tr_base']:016x}",
        f"GDTBase={v['host_gdtr_base']:016x} IDTBase={v['host_idtr_base']:016x}",
        f"CR0={v['host_cr0']:016x} CR3={v['host_cr3']:016x} CR4={v['host_cr4']:016x}",
        f"Sysenter RSP={v['host_ia32_sysenter_esp']:016x} CS:RIP={v['host_ia32_sysenter_cs']:04x}:"
        f"{v['host_ia32_sysenter_eip']:016x}",
        f"EFER= 0x{v['host_ia32_efer']:016x}",
        f"PAT = 0x{v['host_ia32_pat']:016x}",
        f"PerfGlobCtl = 0x{v['host_ia32_perf_global_ctrl']:016x}",
        "*** Control State ***",
        f"CPUBased=0x{v['cpu_based_vm_exec_control']:08x} SecondaryExec=0x{v['secondary_vm_exec_control']:08x} "
        f"TertiaryExec=0x{v['tertiary_vm_exec_control']:016x}",
        f"PinBased=0x{v['pin_based_vm_exec_control']:08x} EntryControls={v['vm_entry_controls']:08x} "
        f"ExitControls={v['vm_exit_controls']:08x}",
        f"ExceptionBitmap={v['exception_bitmap']:08x} PFECmask={v['page_fault_error_code_mask']:08x} "
        f"PFECmatch={v['page_fault_error_code_match']:08x}",
        f"VMEntry: intr_info={v['vm_entry_intr_info_field']:08x} errcode={v['vm_entry_exception_error_code']:08x} "
        f"ilen={v['vm_entry_instruction_len']:08x}",
        f"VMExit: intr_info={v['vm_exit_intr_info']:08x} errcode={v['vm_exit_intr_error_code']:08x} "
        f"ilen={v['vm_exit_instruction_len']:08x}",
        f"        reason={v['vm_exit_reason']:08x} qualification={v['exit_qualification']:016x}",
        f"IDTVectoring: info={v['idt_vectoring_info_field']:08x} errcode={v['idt_vectoring_error_code']:08x}",
        f"TSC Offset = 0x{v['tsc_offset']:016x}",
        f"TSC Multiplier = 0x{v['tsc_multiplier']:016x}",
        f"SVI|RVI = 12|34 TPR Threshold = 0x{v['tpr_threshold']:02x}",
        f"APIC-access addr = 0x{v['apic_access_addr']:016x} virt-APIC addr = 0x{v['virtual_apic_page_addr']:016x}",
        f"PostedIntrVec = 0x{v['posted_intr_nv']:02x}",
        f"EPT pointer = 0x{v['ept_pointer']:016x}",
        f"PLE Gap={v['ple_gap']:08x} Window={v['ple_window']:08x}",
        f"Virtual processor ID = 0x{v['virtual_processor_id']:04x}",
    ]
    return "".join(f"{prefix}{line}\n" for line in out)


PREFIXES = ("", "[  123.456789] ", "[  123.456789] kvm_intel: ", "<3>[12.000001] kvm [4711]: ", "kvm_intel: ")


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_field_that_the_kernel_prints_is_read(prefix: str) -> None:
    values = dict(right(4).running)
    found = parse_dump(dump(values, prefix), "x")
    assert len(found) > 100
    assert found == {name: values[name] for name in found}
    assert set(found) - set(FIELDS) == set()


def test_other_programs_lines_are_passed_over() -> None:
    values = dict(right(4).running)
    lines = dump(values).splitlines()
    mixed = "".join(f"{line}\n[   99.5] usb 1-1: new device\n\n" for line in lines)
    assert parse_dump("some log\n" + mixed, "x") == parse_dump(dump(values), "x")
    assert parse_dump(dump(values) + dump(dict(right(5).running)), "x") == parse_dump(dump(values), "x")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("RSP = 0x", "RSP = ", ""),
        ("shadow=0x", "shadow=?", r"line 3 of x is 'CR0: actual=.*; it must be CR0: actual=NUMBER, shadow=NUMBER"),
        ("CS:   sel=0x", "CS:   sel=0x1", "guest_cs_selector is 1.*, more than 16 bits"),
        ("VMExit: intr_info", "VMExit: info", "it must be VMExit: intr_info=NUMBER"),
        ("*** Guest State ***", "*** Guest ***", "no line .* Guest State"),
    ],
)
def test_a_malformed_line_is_named(old: str, new: str, words: str) -> None:
    text = dump(dict(right().running))
    assert old in text
    text = text.replace(old, new, 1)
    if not words:
        parse_dump(text, "x")
        return
    with pytest.raises(InputError, match=words):
        parse_dump(text, "x")


@given(st.integers(0, 6_000), st.integers(0, 80), st.text(max_size=6))
@example(20, 0, "\x00")
def test_whatever_a_file_holds_there_is_no_other_exception(at: int, cut: int, put: str) -> None:
    text = dump(dict(right().running), PREFIXES[2])
    try:
        parse_dump(text[:at] + put + text[at + cut :], "x")
    except InputError as error:
        assert len(str(error).splitlines()) == 1


def test_two_kernels_texts_are_one_exit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    s = right(6)
    l0, l1, before = (tmp_path / name for name in ("l0.log", "l1.log", "before.log"))
    l0.write_text(dump(dict(s.running), PREFIXES[2]))
    l1.write_text(dump(dict(s.after), PREFIXES[1]))
    before.write_text(dump(dict(s.before)))
    assert main(["nested", str(l0), str(l1)]) == 0
    assert "needs vm_exit_controls of vmcs12" in capsys.readouterr().out
    assert main(["nested", str(before), str(l0), str(l1), "--ept", "on"]) == 0
    shown = capsys.readouterr().out
    assert " 0 wrong, 0 not checked" in shown
    l1.write_text(dump({**s.after, "guest_cr4": s.running["guest_cr4"], "tsc_offset": s.running["tsc_offset"]}))
    assert main(["nested", str(before), str(l0), str(l1), "--ept", "on"]) == 1
    shown = capsys.readouterr().out
    assert "N11 guest_cr4" in shown and "N2  tsc_offset" in shown and "the value of vmcs02" in shown
    assert main(["nested", str(l0)]) == 2
    assert "takes two" in capsys.readouterr().err
