"""Read the text that Linux prints when it dumps a VMCS (``dump_vmcs`` in arch/x86/kvm/vmx/vmx.c of 6.1).

L0's kernel prints vmcs02 and L1's prints what it sees of vmcs12, so the two together are an exit as both sides have it.
A line that begins like one of the dump's and does not go on like it is an error that names it; lines of other programs
in between are passed over. Names that stand in two sections, such as RIP, belong to the one whose heading came last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ppcdbg.errors import InputError
from ppcdbg.nested.vmcs import FIELDS

_X = r"(?:0x)?([0-9a-fA-F]{1,16})"


def _line(begins: str, form: str, *fields: str) -> tuple[str, re.Pattern[str], tuple[str, ...]]:
    """``begins``: what tells the line; ``form``: all of it, with # for each number, which is a field or dropped (-)."""
    assert all(name == "-" or name in FIELDS for name in fields), fields
    pattern = re.escape(form).replace(r"\#", _X).replace(r"\ ", r"\s+")
    assert pattern.count(_X) == len(fields), form
    return begins, re.compile(pattern), fields


def _segment(label: str, name: str) -> tuple[str, re.Pattern[str], tuple[str, ...]]:
    fields = (f"guest_{name}_selector", f"guest_{name}_ar_bytes", f"guest_{name}_limit", f"guest_{name}_base")
    return _line(f"{label}:", f"{label}: sel=#, attr=#, limit=#, base=#", *fields)


def _table(label: str, name: str) -> tuple[str, re.Pattern[str], tuple[str, ...]]:
    return _line(f"{label}:", f"{label}: limit=#, base=#", f"guest_{name}_limit", f"guest_{name}_base")


Lines = tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...]
_GUEST: Lines = (
    _line("CR0:", "CR0: actual=#, shadow=#, gh_mask=#", "guest_cr0", "cr0_read_shadow", "cr0_guest_host_mask"),
    _line("CR4:", "CR4: actual=#, shadow=#, gh_mask=#", "guest_cr4", "cr4_read_shadow", "cr4_guest_host_mask"),
    _line("CR3", "CR3 = #", "guest_cr3"),
    _line("PDPTR0", "PDPTR0 = # PDPTR1 = #", "guest_pdptr0", "guest_pdptr1"),
    _line("PDPTR2", "PDPTR2 = # PDPTR3 = #", "guest_pdptr2", "guest_pdptr3"),
    _line("RSP", "RSP = # RIP = #", "guest_rsp", "guest_rip"),
    _line("RFLAGS", "RFLAGS=# DR7 = #", "guest_rflags", "guest_dr7"),
    _line("Sysenter", "Sysenter RSP=# CS:RIP=#:#", "guest_sysenter_esp", "guest_sysenter_cs", "guest_sysenter_eip"),
    *(_segment(name.upper(), name) for name in ("cs", "ds", "ss", "es", "fs", "gs", "ldtr", "tr")),
    _table("GDTR", "gdtr"),
    _table("IDTR", "idtr"),
    _line("EFER=", "EFER= #", "guest_ia32_efer"),
    _line("PAT", "PAT = #", "guest_ia32_pat"),
    _line("DebugCtl", "DebugCtl = # DebugExceptions = #", "guest_ia32_debugctl", "guest_pending_dbg_exceptions"),
    _line("PerfGlobCtl", "PerfGlobCtl = #", "guest_ia32_perf_global_ctrl"),
    _line("BndCfgS", "BndCfgS = #", "guest_bndcfgs"),
    _line("Interruptibility", "Interruptibility = # ActivityState = #", "guest_interruptibility_info",
          "guest_activity_state"),
    _line("InterruptStatus", "InterruptStatus = #", "guest_intr_status"),
)  # fmt: skip
_HOST: Lines = (
    _line("RIP", "RIP = # RSP = #", "host_rip", "host_rsp"),
    _line("CS=", "CS=# SS=# DS=# ES=# FS=# GS=# TR=#", *(f"host_{name}_selector" for name in
          ("cs", "ss", "ds", "es", "fs", "gs", "tr"))),
    _line("FSBase", "FSBase=# GSBase=# TRBase=#", "host_fs_base", "host_gs_base", "host_tr_base"),
    _line("GDTBase", "GDTBase=# IDTBase=#", "host_gdtr_base", "host_idtr_base"),
    _line("CR0=", "CR0=# CR3=# CR4=#", "host_cr0", "host_cr3", "host_cr4"),
    _line("Sysenter", "Sysenter RSP=# CS:RIP=#:#", "host_ia32_sysenter_esp", "host_ia32_sysenter_cs",
          "host_ia32_sysenter_eip"),
    _line("EFER=", "EFER= #", "host_ia32_efer"),
    _line("PAT", "PAT = #", "host_ia32_pat"),
    _line("PerfGlobCtl", "PerfGlobCtl = #", "host_ia32_perf_global_ctrl"),
)  # fmt: skip
_CONTROL: Lines = (
    _line("CPUBased", "CPUBased=# SecondaryExec=# TertiaryExec=#", "cpu_based_vm_exec_control",
          "secondary_vm_exec_control", "tertiary_vm_exec_control"),
    _line("PinBased", "PinBased=# EntryControls=# ExitControls=#", "pin_based_vm_exec_control", "vm_entry_controls",
          "vm_exit_controls"),
    _line("ExceptionBitmap", "ExceptionBitmap=# PFECmask=# PFECmatch=#", "exception_bitmap",
          "page_fault_error_code_mask", "page_fault_error_code_match"),
    _line("VMEntry", "VMEntry: intr_info=# errcode=# ilen=#", "vm_entry_intr_info_field",
          "vm_entry_exception_error_code", "vm_entry_instruction_len"),
    _line("VMExit", "VMExit: intr_info=# errcode=# ilen=#", "vm_exit_intr_info", "vm_exit_intr_error_code",
          "vm_exit_instruction_len"),
    _line("reason=", "reason=# qualification=#", "vm_exit_reason", "exit_qualification"),
    _line("IDTVectoring", "IDTVectoring: info=# errcode=#", "idt_vectoring_info_field", "idt_vectoring_error_code"),
    _line("TSC Offset", "TSC Offset = #", "tsc_offset"),
    _line("TSC Multiplier", "TSC Multiplier = #", "tsc_multiplier"),
    _line("TPR Threshold", "TPR Threshold = #", "tpr_threshold"),
    _line("SVI|RVI", "SVI|RVI = #|# TPR Threshold = #", "-", "-", "tpr_threshold"),
    _line("APIC-access", "APIC-access addr = # virt-APIC addr = #", "apic_access_addr", "virtual_apic_page_addr"),
    _line("virt-APIC", "virt-APIC addr = #", "virtual_apic_page_addr"),
    _line("PostedIntrVec", "PostedIntrVec = #", "posted_intr_nv"),
    _line("EPT pointer", "EPT pointer = #", "ept_pointer"),
    _line("PLE Gap", "PLE Gap=# Window=#", "ple_gap", "ple_window"),
    _line("Virtual processor", "Virtual processor ID = #", "virtual_processor_id"),
)  # fmt: skip
_SECTIONS: Mapping[str, Lines] = {"Guest": _GUEST, "Host": _HOST, "Control": _CONTROL}
_HEADING = re.compile(r"\*\*\* (Guest|Host|Control) State \*\*\*")
_PREFIX = re.compile(r"^(?:<\d>)?(?:\[ *\d+\.\d+\])?\s*(?:\w[\w -]*: )??(?:kvm(?:_intel)?(?: ?\[\d+\])?: )?\s*")
"""What stands before the text in a log: priority, time, and the module's or the machine's name."""
SIGN = re.compile(r"\*\*\* Guest State \*\*\*")
"""By what such a text is told from anything else."""


def parse_dump(text: str, name: str) -> dict[str, int]:
    """The fields that the first dump of a text prints; ``name`` is the file's. Raises InputError."""
    found: dict[str, int] = {}
    section: Lines = ()
    headings: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        heading = _HEADING.search(line)
        if heading is not None:
            if heading[1] in headings:
                break
            headings.add(heading[1])
            section = _SECTIONS[heading[1]]
            continue
        if section:
            _read(line, section, found, f"line {number} of {name}")
    if "Guest" not in headings:
        raise InputError(f"{name} has no line '*** Guest State ***'; it must be what the kernel prints of a VMCS")
    return found


def _read(line: str, section: Lines, found: dict[str, int], where: str) -> None:
    body = line[_PREFIX.match(line).end() :] if _PREFIX.match(line) else line  # type: ignore[union-attr]
    for begins, pattern, fields in section:
        if not body.startswith(begins):
            continue
        match = pattern.match(body)
        if match is None:
            form = pattern.pattern.replace(_X, "NUMBER").replace(r"\s+", " ").replace("\\", "")
            raise InputError(f"{where} is {body.strip()!r:.70}; it must be {form}")
        for name, value in zip(fields, match.groups(), strict=True):
            if name != "-":
                known = FIELDS[name]
                if int(value, 16) >> known.bits:
                    raise InputError(f"{where}: {name} is {value}, more than {known.bits} bits")
                found[name] = int(value, 16)
        return
