"""The fields of a VMCS: names as in Linux's ``struct vmcs12``, encodings and what follows from them (SDM 24.11.2).

An encoding says by itself what a field is for (bits 11:10) and how wide it is (bits 14:13), so neither is written down
a second time. Fields that only the processor or only L0 uses are not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Area(Enum):
    """What a field is for: bits 11:10 of its encoding."""

    CONTROL = 0
    EXIT = 1  # exit information, read-only to software
    GUEST = 2
    HOST = 3


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``bits``: its width, a natural-width one taken for 64."""

    name: str
    encoding: int

    @property
    def area(self) -> Area:
        return Area(self.encoding >> 10 & 3)

    @property
    def bits(self) -> int:
        return (16, 64, 32, 64)[self.encoding >> 13 & 3]


_SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr")
_DESCRIPTORS = (*_SEGMENTS, "gdtr", "idtr")

_NAMED: tuple[tuple[int, tuple[str, ...]], ...] = (
    (0x0000, ("virtual_processor_id", "posted_intr_nv")),
    (0x0800, (*(f"guest_{s}_selector" for s in _SEGMENTS), "guest_intr_status", "guest_pml_index")),
    (0x0C00, tuple(f"host_{s}_selector" for s in ("es", "cs", "ss", "ds", "fs", "gs", "tr"))),
    (0x2000, ("io_bitmap_a", "io_bitmap_b", "msr_bitmap", "vm_exit_msr_store_addr", "vm_exit_msr_load_addr",
              "vm_entry_msr_load_addr")),
    (0x200E, ("pml_address", "tsc_offset", "virtual_apic_page_addr", "apic_access_addr", "posted_intr_desc_addr",
              "vm_function_control", "ept_pointer", "eoi_exit_bitmap0", "eoi_exit_bitmap1", "eoi_exit_bitmap2",
              "eoi_exit_bitmap3", "eptp_list_address", "vmread_bitmap", "vmwrite_bitmap")),
    (0x202C, ("xss_exit_bitmap", "encls_exiting_bitmap")),
    (0x2032, ("tsc_multiplier", "tertiary_vm_exec_control")),
    (0x2400, ("guest_physical_address",)),
    (0x2800, ("vmcs_link_pointer", "guest_ia32_debugctl", "guest_ia32_pat", "guest_ia32_efer",
              "guest_ia32_perf_global_ctrl", "guest_pdptr0", "guest_pdptr1", "guest_pdptr2", "guest_pdptr3",
              "guest_bndcfgs")),
    (0x2C00, ("host_ia32_pat", "host_ia32_efer", "host_ia32_perf_global_ctrl")),
    (0x4000, ("pin_based_vm_exec_control", "cpu_based_vm_exec_control", "exception_bitmap",
              "page_fault_error_code_mask", "page_fault_error_code_match", "cr3_target_count", "vm_exit_controls",
              "vm_exit_msr_store_count", "vm_exit_msr_load_count", "vm_entry_controls", "vm_entry_msr_load_count",
              "vm_entry_intr_info_field", "vm_entry_exception_error_code", "vm_entry_instruction_len",
              "tpr_threshold", "secondary_vm_exec_control", "ple_gap", "ple_window")),
    (0x4400, ("vm_instruction_error", "vm_exit_reason", "vm_exit_intr_info", "vm_exit_intr_error_code",
              "idt_vectoring_info_field", "idt_vectoring_error_code", "vm_exit_instruction_len",
              "vmx_instruction_info")),
    (0x4800, tuple(f"guest_{s}_limit" for s in _DESCRIPTORS)),
    (0x4814, tuple(f"guest_{s}_ar_bytes" for s in _SEGMENTS)),
    (0x4824, ("guest_interruptibility_info", "guest_activity_state")),
    (0x482A, ("guest_sysenter_cs",)),
    (0x482E, ("vmx_preemption_timer_value",)),
    (0x4C00, ("host_ia32_sysenter_cs",)),
    (0x6000, ("cr0_guest_host_mask", "cr4_guest_host_mask", "cr0_read_shadow", "cr4_read_shadow",
              "cr3_target_value0", "cr3_target_value1", "cr3_target_value2", "cr3_target_value3")),
    (0x6400, ("exit_qualification",)),
    (0x640A, ("guest_linear_address",)),
    (0x6800, ("guest_cr0", "guest_cr3", "guest_cr4", *(f"guest_{s}_base" for s in _DESCRIPTORS), "guest_dr7",
              "guest_rsp", "guest_rip", "guest_rflags", "guest_pending_dbg_exceptions", "guest_sysenter_esp",
              "guest_sysenter_eip")),
    (0x6C00, ("host_cr0", "host_cr3", "host_cr4", "host_fs_base", "host_gs_base", "host_tr_base", "host_gdtr_base",
              "host_idtr_base", "host_ia32_sysenter_esp", "host_ia32_sysenter_eip", "host_rsp", "host_rip")),
)  # fmt: skip
"""Fields whose encodings follow one another in twos, from the first."""

FIELDS: dict[str, Field] = {
    name: Field(name, first + 2 * number) for first, names in _NAMED for number, name in enumerate(names)
}

VALID = 0x8000_0000
"""The valid bit of an interruption-information field (SDM 24.8.3, 24.9.2, 24.9.3)."""
ERROR_CODE = 0x800
"""In the same: the error-code field beside it means something."""
FAILED_ENTRY = 0x8000_0000
"""In the exit reason: the entry failed, and this is no exit of a guest that ran (SDM 26.8)."""
EXIT_SAVE_DEBUG, EXIT_SAVE_PAT, EXIT_SAVE_EFER, EXIT_SAVE_TIMER = 0x4, 0x4_0000, 0x10_0000, 0x40_0000
"""VM-exit controls: what the exit saves into the guest-state area (SDM 24.7.1)."""
