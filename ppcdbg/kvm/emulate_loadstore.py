"""Loads and stores to memory that is not RAM: what KVM decodes, who answers, and how it completes (facts 6.3, 3.4).

The forms are those that the kernel's single-step decoder gives and KVM takes: no multiples, strings or reservations.
In-kernel devices answer at once; everything else is a userspace exit that the next entry completes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Literal

from ppcdbg.cpu.msr import MSR_FP
from ppcdbg.cpu.state import RETIRED
from ppcdbg.kvm import codes, irqprio, queueing, words
from ppcdbg.kvm.blocks import EMULATED, MMIO
from ppcdbg.kvm.codes import EMULATE_DO_MMIO, EMULATE_DONE, EMULATE_FAIL
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


@dataclass(frozen=True, slots=True)
class Access:
    """One decoded instruction word. ``update``: the register that takes the effective address, 0 for none."""

    word: int
    form: Form
    register: int
    update: int
    order: Literal["big", "little"]


def access_of(v: Vcpu, word: int) -> Access:
    """The access that a word makes, decoded once: a guest's drivers poll their devices with few instructions."""
    known = v.accesses.get(word)
    if known is None:
        form = decode(word, v.core.model.has_fpu)
        update = word >> 16 & 31 if form.update else 0
        order: Literal["big", "little"] = "little" if form.swapped else "big"
        known = v.accesses[word] = Access(word, form, word >> 21 & 31, update, order)
        if form.size and not (form.signed or form.swapped or form.update or form.fp):
            kind = words.STORE if form.kind is Kind.STORE else words.LOAD
            v.let_native(word, words.how(kind, word >> 21 & 31, 0, form.size))
    return known


def emulate_mmio(v: Vcpu, ea: int, gpa: int) -> int:
    """kvmppc_emulate_mmio: carry out ``v.last_inst`` on device memory; returns the handler's resume code."""
    word = v.last_inst
    v.exit_type = codes.EMULATED_INST_EXITS
    v.cost += v.vm.host.costs.emulate
    access = access_of(v, word)
    form = access.form
    kind = form.kind
    result = EMULATE_FAIL
    if kind is Kind.CACHE:
        result = EMULATE_DONE
    elif kind is not Kind.UNKNOWN:
        if form.fp and not v.shared.msr & MSR_FP:
            queueing.reflect(v, irqprio.FP_UNAVAIL)
            return codes.RESUME_GUEST_NV
        result = _access(v, access, gpa)
    if v.trace is not None:
        v.trace("kvm_ppc_instr", (word, v.pc, result))
    if result == EMULATE_FAIL:
        v.actions.append((EMULATED, word, result, None))
        queueing.program(v, 0)
        return codes.RESUME_GUEST
    if result == EMULATE_DONE or v.quirks.mmio_commits_first:
        _advance(v)
    if kind is Kind.CACHE:
        v.actions.append((EMULATED, word, result, None))
    if result == EMULATE_DONE:
        return codes.RESUME_GUEST_NV
    v.run.exit_reason = codes.KVM_EXIT_MMIO
    return codes.RESUME_HOST_NV


def _advance(v: Vcpu) -> None:
    v.pc = v.pc + 4 & 0xFFFFFFFF
    v.core.state.counters[RETIRED] += 1


def _access(v: Vcpu, access: Access, gpa: int) -> int:
    """One load or store: fill struct kvm_run, ask in-kernel devices, else leave it to userspace."""
    mmio, form, update = v.run.mmio, access.form, access.update
    store = form.kind is Kind.STORE
    mmio.phys_addr, mmio.len, mmio.is_write = gpa, form.size, store
    address = effective_address(v, access.word) if update else 0
    if store:
        mmio.data = _stored(v, access.register, form).to_bytes(form.size, access.order)
    in_kernel = v.vm.mpic_in_kernel is not None and _in_kernel(v, v.vm.mpic_in_kernel)
    first = in_kernel or v.quirks.mmio_commits_first
    v.mmio_needed = not in_kernel
    v.mmio_access = access, address, first
    if in_kernel:
        complete(v)
    if update and first:
        v.gpr[update] = address
    return EMULATE_DONE if in_kernel else EMULATE_DO_MMIO


def complete(v: Vcpu) -> None:
    """The device has answered: what is left of the access in ``v.mmio_access``, and the record of it."""
    assert v.mmio_access is not None
    access, address, first = v.mmio_access
    form, mmio = access.form, v.run.mmio
    if form.kind is Kind.LOAD:
        _loaded(v, access.register, form, int.from_bytes(mmio.data[: form.size], access.order))
    if not first:
        if access.update:
            v.gpr[access.update] = address
        _advance(v)
    note_access(v, access.word)


def note_access(v: Vcpu, word: int) -> None:
    """Record a completed access and count it by device."""
    mmio = v.run.mmio
    gpa, write = mmio.phys_addr, mmio.is_write
    v.devices_touched = True
    device = v.device_at(gpa) or "none"
    v.mmio_counts[device, write] += 1
    value = int.from_bytes(mmio.data[: mmio.len], "big")
    v.actions.append((MMIO, word, gpa, mmio.len, value, write, device))


def _in_kernel(v: Vcpu, window: tuple[int, int]) -> bool:
    """kvm_io_bus_read/write: the in-kernel MPIC, if there is one and the access is its."""
    mmio = v.run.mmio
    if not window[0] <= mmio.phys_addr < window[0] + window[1] or mmio.len > 4:
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
