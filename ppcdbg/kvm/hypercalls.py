"""Hypercalls: kvmppc_kvm_pv (facts 7.3). The caller has decided that it is one and stores the status in r3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.kvm import codes
from ppcdbg.kvm.blocks import HYPERCALL
from ppcdbg.kvm.payloads import HcallExit

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu


def kvm_pv(v: Vcpu) -> int:
    """Carry out the hypercall in r11 with arguments r3..r6; sets r4 and returns the status."""
    gpr = v.gpr
    token = gpr[11]
    args = (gpr[3], gpr[4], gpr[5], gpr[6])
    second = 0
    status = codes.EV_SUCCESS
    if token == codes.HC_FEATURES:
        if not v.hv and v.vm.magic_page:
            second = codes.FEATURE_MAGIC_PAGE
    elif token == codes.HC_MAP_MAGIC_PAGE:
        if v.vm.magic_page and (not v.hv or v.quirks.hv_maps_magic_page):
            second = _map_magic_page(v, args[0], args[1])
        else:
            status = codes.EV_UNIMPLEMENTED
    elif token == codes.HC_EV_IDLE:
        v.halt()
    elif v.vm.hcall_exits:
        v.run.hcall = HcallExit(token, 0, tuple(gpr[3:11]))
        v.run.exit_reason = codes.KVM_EXIT_EPAPR_HCALL
        v.hcall_needed = True
        return codes.EV_SUCCESS
    else:
        status = codes.EV_UNIMPLEMENTED
    gpr[4] = second
    v.actions.append((HYPERCALL, token, args, (status, second)))
    v.hypercalls[token] = v.hypercalls.get(token, 0) + 1
    return status


def complete(v: Vcpu) -> None:
    """The next KVM_RUN after KVM_EXIT_EPAPR_HCALL: r3 = ret, r4 to r11 = args."""
    v.hcall_needed = False
    hcall = v.run.hcall
    before = tuple(v.gpr[3:7])
    for number, value in enumerate((hcall.ret, *hcall.args), 3):
        v.gpr[number] = value & 0xFFFFFFFF
    v.actions.append((HYPERCALL, hcall.nr, before, (v.gpr[3], v.gpr[4])))
    v.hypercalls[hcall.nr] = v.hypercalls.get(hcall.nr, 0) + 1


def _map_magic_page(v: Vcpu, address: int, ea: int) -> int:
    if not ea & codes.MAGIC_PAGE_FLAG_NOT_MAPPED_NX:
        v.requests |= codes.REQ_TLB_FLUSH
    v.magic_page_pa = address & ~0xFFF
    v.magic_page_ea = ea & ~0xFFF
    if ea & codes.MAGIC_PAGE_FLAG_NOTIFY:
        ask_for_notification(v)
    return magic_features(v)


def ask_for_notification(v: Vcpu) -> None:
    """The guest wants a notification page, below the magic page; without a policy that has one nothing happens."""
    if v.deferral.features & codes.MAGIC_FEAT_NOTIFY and v.magic_page_ea:
        v.deferral.page_ea = v.magic_page_ea - 4096 & 0xFFFFFFFF


def magic_features(v: Vcpu) -> int:
    """What MAP_MAGIC_PAGE says the page has besides the fields up to int_pending."""
    own = 0 if v.vm.pv_2010 else codes.MAGIC_FEAT_SR | codes.MAGIC_FEAT_MAS0_TO_SPRG7
    return own | v.deferral.features
