"""Loads and stores to memory that is not RAM: what KVM decodes, who answers, and how it completes (facts 6.3, 3.4).

The forms are those that the kernel's single-step decoder gives and KVM takes: no multiples, strings or reservations.
In-kernel devices answer at once; everything else is a userspace exit that the next entry completes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from ppcdbg.cpu.msr import MSR_FP
from ppcdbg.kvm import codes, irqprio, queueing
from ppcdbg.kvm.codes import EMULATE_DO_MMIO, EMULATE_DONE, EMULATE_FAIL
from ppcdbg.kvm.log import EMULATED, MMIO
from ppcdbg.kvm.singles import double_to_single, single_to_double

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu


class Kind(Enum):
    LOAD = auto()
    STORE = auto()
    CACHE = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Form:
    """One decoded access. ``fp``: the register is a floating-point one; ``convert``: single in memory, double in it."""

    kind: Kind
    size: int = 0
    signed: bool = False
    swapped: bool = False
    update: bool = False
    fp: bool = False
    convert: bool = False


_UNKNOWN = Form(Kind.UNKNOWN)
_CACHE = Form(Kind.CACHE)


def _with_update(base: int, step: int, form: Form) -> dict[int, Form]:
    updating = Form(form.kind, form.size, form.signed, form.swapped, True, form.fp, form.convert)
    return {base: form, base + step: updating}


_LBZ, _LHZ, _LHA, _LWZ = (Form(Kind.LOAD, n, s) for n, s in ((1, False), (2, False), (2, True), (4, False)))
_STB, _STH, _STW = (Form(Kind.STORE, n) for n in (1, 2, 4))
_LFS, _LFD = Form(Kind.LOAD, 4, fp=True, convert=True), Form(Kind.LOAD, 8, fp=True)
_STFS, _STFD = Form(Kind.STORE, 4, fp=True, convert=True), Form(Kind.STORE, 8, fp=True)
_D_FORMS: dict[int, Form] = {}
for _opcode, _form in ((32, _LWZ), (34, _LBZ), (36, _STW), (38, _STB), (40, _LHZ), (42, _LHA), (44, _STH), (48, _LFS),
                       (50, _LFD), (52, _STFS), (54, _STFD)):  # fmt: skip
    _D_FORMS |= _with_update(_opcode, 1, _form)
_X_FORMS: dict[int, Form] = {54: _CACHE, 86: _CACHE, 246: _CACHE, 278: _CACHE, 982: _CACHE, 1014: _CACHE,
                             534: Form(Kind.LOAD, 4, swapped=True), 790: Form(Kind.LOAD, 2, swapped=True),
                             662: Form(Kind.STORE, 4, swapped=True), 918: Form(Kind.STORE, 2, swapped=True),
                             983: Form(Kind.STORE, 4, fp=True)}  # fmt: skip
for _xop, _form in ((23, _LWZ), (87, _LBZ), (151, _STW), (215, _STB), (279, _LHZ), (343, _LHA), (407, _STH),
                    (535, _LFS), (599, _LFD), (663, _STFS), (727, _STFD)):  # fmt: skip
    _X_FORMS |= _with_update(_xop, 32, _form)


def decode(word: int, fpu: bool) -> Form:
    """What one instruction word accesses; ``fpu``: the host kernel has CONFIG_PPC_FPU."""
    opcode = word >> 26
    form = _X_FORMS.get(word >> 1 & 0x3FF, _UNKNOWN) if opcode == 31 else _D_FORMS.get(opcode, _UNKNOWN)
    if form.fp and not fpu:
        return _UNKNOWN
    if form.update:
        ra, rt = word >> 16 & 31, word >> 21 & 31
        if ra == 0 or (form.kind is Kind.LOAD and not form.fp and ra == rt):
            return _UNKNOWN
    return form


def effective_address(v: Vcpu, word: int) -> int:
    """EA of a D-form or X-form access."""
    ra = word >> 16 & 31
    base = v.gpr[ra] if ra else 0
    if word >> 26 == 31:
        return (base + v.gpr[word >> 11 & 31]) & 0xFFFFFFFF
    return (base + (word & 0xFFFF) - (word & 0x8000) * 2) & 0xFFFFFFFF


def emulate_mmio(v: Vcpu, ea: int, gpa: int) -> int:
    """kvmppc_emulate_mmio: carry out ``v.last_inst`` on device memory; returns the handler's resume code."""
    word = v.last_inst
    v.exit_type = codes.EMULATED_INST_EXITS
    v.cost += v.vm.host.costs.emulate
    form = decode(word, v.core.model.has_fpu)
    result = EMULATE_FAIL
    if form.kind is Kind.CACHE:
        result = EMULATE_DONE
    elif form.kind is not Kind.UNKNOWN:
        if form.fp and not v.shared.msr & MSR_FP:
            queueing.reflect(v, irqprio.FP_UNAVAIL)
            return codes.RESUME_GUEST_NV
        result = _access(v, word, form, ea, gpa)
    if v.trace is not None:
        v.trace("kvm_ppc_instr", (word, v.pc, result))
    if result == EMULATE_FAIL:
        v.actions.append((EMULATED, word, result, None))
        queueing.program(v, 0)
        return codes.RESUME_GUEST
    if result == EMULATE_DONE or v.quirks.mmio_commits_first:
        _advance(v)
    if form.kind is Kind.CACHE:
        v.actions.append((EMULATED, word, result, None))
    if result == EMULATE_DONE:
        return codes.RESUME_GUEST_NV
    v.run.exit_reason = codes.KVM_EXIT_MMIO
    return codes.RESUME_HOST_NV


def _advance(v: Vcpu) -> None:
    v.pc = v.pc + 4 & 0xFFFFFFFF
    v.core.retire()


def _access(v: Vcpu, word: int, form: Form, ea: int, gpa: int) -> int:
    """One load or store: fill struct kvm_run, ask in-kernel devices, else leave it to userspace."""
    mmio = v.run.mmio
    mmio.phys_addr, mmio.len, mmio.is_write = gpa, form.size, form.kind is Kind.STORE
    register = word >> 21 & 31
    update = word >> 16 & 31 if form.update else 0
    address = effective_address(v, word) if update else 0
    order = "little" if form.swapped else "big"
    if form.kind is Kind.STORE:
        mmio.data = _stored(v, register, form).to_bytes(form.size, order)  # type: ignore[arg-type]
    in_kernel = _in_kernel(v)
    first = v.quirks.mmio_commits_first or in_kernel
    v.mmio_needed = not in_kernel

    def finish() -> None:
        if form.kind is Kind.LOAD:
            _loaded(v, register, form, int.from_bytes(mmio.data[: form.size], order))  # type: ignore[arg-type]
        if not first:
            if update:
                v.gpr[update] = address
            _advance(v)
        note_access(v, word)

    if in_kernel:
        finish()
    else:
        v.mmio_finish = finish
    if update and first:
        v.gpr[update] = address
    return EMULATE_DONE if in_kernel else EMULATE_DO_MMIO


def note_access(v: Vcpu, word: int) -> None:
    """Record a completed access and count it by device."""
    mmio = v.run.mmio
    v.devices_touched = True
    device = v.device_at(mmio.phys_addr) or "none"
    k = device, mmio.is_write
    v.mmio_counts[k] = v.mmio_counts.get(k, 0) + 1
    value = int.from_bytes(mmio.data[: mmio.len], "big")
    v.actions.append((MMIO, word, mmio.phys_addr, mmio.len, value, mmio.is_write, device))


def _in_kernel(v: Vcpu) -> bool:
    """kvm_io_bus_read/write: the in-kernel MPIC, if there is one and the access is its."""
    window = v.vm.mpic_in_kernel
    mmio = v.run.mmio
    if window is None or not window[0] <= mmio.phys_addr < window[0] + window[1] or mmio.len > 4:
        return False
    if mmio.is_write:
        v.kernel_bus.write(mmio.phys_addr, mmio.len, int.from_bytes(mmio.data, "big"))
    else:
        mmio.data = v.kernel_bus.read(mmio.phys_addr, mmio.len).to_bytes(mmio.len, "big")
    return True


def _stored(v: Vcpu, register: int, form: Form) -> int:
    if not form.fp:
        return v.gpr[register] & ((1 << 8 * form.size) - 1)
    pattern = v.core.state.fpr[register]
    return double_to_single(pattern) if form.convert else pattern & ((1 << 8 * form.size) - 1)


def _loaded(v: Vcpu, register: int, form: Form, value: int) -> None:
    if form.fp:
        v.core.state.fpr[register] = single_to_double(value) if form.convert else value
        return
    if form.signed and value & 0x8000:
        value |= 0xFFFF0000
    v.gpr[register] = value
