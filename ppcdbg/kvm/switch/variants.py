"""The variants of the switch: the order of its groups, how host and guest interrupts are told apart, and what the host
around it is like. A fault is a variant too.

``linux`` is what 6.1 does on e500mc, and ``dmiuh-first`` an order that survives even TLB misses. The others change one
thing of one of them; ``about`` says which, and where it was discussed (S0: the review of January 2012) or what KVM for
e500v2 does (facts 8.3, 8.4). All but the first three keep the debug vector's scratch out of the guest's SPRG9.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ppcdbg.errors import UsageError
from ppcdbg.isa.insn import E500MC, E500V2

LOAD = ("current", "lpid", "epcr", "guest-sprs", "flush", "ee-off")
PUT = ("guest-sprs", "oldpir", "current", "dbsr")
ENTRY = ("host-r2", "pid", "shared", "dmiuh", "host-mas", "mas", "sprg", "gprs", "lr-xer-ctr", "srr", "cr",
         "last-gprs", "rfi")  # fmt: skip
EXIT = ("save", "stack", "pid", "pc-msr", "enable", "captures")
RESUME = ("volatiles", "mas", "host-mas", "dmiuh", "call")


@dataclass(frozen=True)
class Variant:
    """One way to switch.

    ``routing``: ``gs``, the host's vectors test xSRR1[GS] (DO_KVM); ``ivpr``, IVPR is rewritten and nobody tests;
    ``both``. ``vcpu`` and ``text``: where the structures and the code of the switch lie, ``lowmem`` (pinned) or
    ``vmalloc`` (TLB0). ``io``: whether the device that handlers touch is ``pinned`` too, or not in the TLB when they
    run. ``miss``: how the host fills the TLB, ``trusting`` MAS as the hardware loads it or ``saving`` it. ``duvd``:
    EPCR[DUVD]. ``debug_scratch``: the SPRG in which the debug vector keeps a register. ``core``:
    e500mc is KVM's HV mode; e500v2 its PR mode, where GS is MSR[IS], the groups are others and ``duvd`` means nothing.
    """

    name: str
    about: str
    routing: str = "gs"
    load: tuple[str, ...] = LOAD
    entry: tuple[str, ...] = ENTRY
    exit: tuple[str, ...] = EXIT
    resume: tuple[str, ...] = RESUME
    put: tuple[str, ...] = PUT
    vcpu: str = "lowmem"
    text: str = "lowmem"
    io: str = "pinned"
    miss: str = "trusting"
    duvd: bool = True
    debug_scratch: str = "SPRG9"
    core: str = E500MC


def moved(order: tuple[str, ...], group: str, before: str) -> tuple[str, ...]:
    """An order with one group put before another; ValueError where there is no such group."""
    rest = [g for g in order if g != group]
    rest.insert(rest.index(before), group)
    assert len(rest) == len(order), f"{group} is not in {order}"
    return tuple(rest)


def swapped(order: tuple[str, ...], one: str, other: str) -> tuple[str, ...]:
    """An order with two groups in each other's places."""
    change = {one: other, other: one}
    return tuple(change.get(g, g) for g in order)


_LINUX = Variant("linux", "as Linux 6.1 does: DO_KVM, EPCR[DMIUH] before the guest's MAS, all of it in pinned memory")
_LAST = ("srr", "cr", "last-gprs", "rfi")
_SAFE = replace(
    _LINUX,
    name="dmiuh-first",
    about="survives misses too: EPCR[DMIUH] first, no memory that can miss while SRR0/1 are live, MAS given back",
    entry=(*(g for g in ENTRY if g not in _LAST), "cr", "middle-gprs", "srr-pinned", "rfi"),
    exit=("park", "stack", "pid", "pc-msr", "enable", "captures"),
    vcpu="vmalloc", io="ioremap", miss="saving", debug_scratch="SPRG8",
)  # fmt: skip
_IVPR = replace(_SAFE, entry=moved((*_SAFE.entry, "ivpr"), "ivpr", "gprs"),
                resume=("volatiles", "mas", "host-mas", "dmiuh", "ivpr", "call"))  # fmt: skip

_PR = Variant(
    "linux-pr",
    "as Linux 6.1 does on e500v2, in PR mode: IVPR is rewritten, the instruction of an exit is read through the TLB",
    routing="ivpr",
    load=("current", "ee-off"),
    put=("current", "dbsr"),
    entry=("host-r2", "pid", "gprs", "lr-xer", "ivpr", "stack", "sprg", "ctr-cr", "srr", "middle-gprs", "dbsr",
           "last-gprs", "rfi"),
    exit=("save", "captures"),
    resume=("volatiles", "stack", "pid", "ivpr", "call"),
    core=E500V2,
)  # fmt: skip

VARIANTS: tuple[Variant, ...] = (
    _LINUX,
    replace(_LINUX, name="linux-vmalloc", vcpu="vmalloc", text="vmalloc",
            about="Linux's order with vcpu, stack and code in memory that can miss: what the pinning is for"),
    replace(_LINUX, name="linux-ioremap", io="ioremap",
            about="Linux's order; critical and machine check handlers touch a device that is not in the TLB"),
    _SAFE,
    replace(_SAFE, name="dmiuh-last", entry=moved(_SAFE.entry, "dmiuh", "sprg"),
            about="the RFC's order: EPCR[DMIUH] after the guest's MAS are loaded (S0)"),
    replace(_SAFE, name="dmiuh-early-off", resume=moved(RESUME, "dmiuh", "mas"),
            about="at the exit EPCR[DMIUH] is cleared before the guest's MAS are saved"),
    replace(_SAFE, name="srr-early", entry=(*(g for g in ENTRY if g not in _LAST), *_LAST),
            about="the last GPRs are loaded after SRR0/1, as Linux does, from memory that can miss"),
    replace(_IVPR, name="ivpr", routing="ivpr",
            about="IVPR is rewritten at entry and exit, as KVM for e500v2 does; nobody looks at SRR1[GS] (S0)"),
    replace(_IVPR, name="ivpr-gs", routing="both",
            about="IVPR is rewritten, and KVM's vectors look at SRR1[GS] all the same (S0: \"supplemented\")"),
    replace(_LINUX, name="no-duvd", duvd=False, debug_scratch="SPRG8",
            about="EPCR[DUVD]=0: the guest's breakpoints are live in the host"),
    replace(_LINUX, name="gs-early", debug_scratch="SPRG8",
            entry=("host-r2", "pid", "shared", "dmiuh", "host-mas", "mas", "sprg", "gprs", "lr-xer-ctr", "srr",
                   "gs-by-mtmsr", "cr", "last-gprs", "rfi"),
            about="MSR[GS] is set by mtmsr before rfi does it"),
    replace(_LINUX, name="ee-early", debug_scratch="SPRG8", exit=("ee-on", *EXIT), entry=("ee-off", *ENTRY),
            about="at the exit MSR[EE] is set before SRR0/1 are read"),
    _PR,
    replace(_PR, name="pr-is", routing="gs", entry=tuple(g for g in _PR.entry if g != "ivpr"),
            resume=tuple(g for g in _PR.resume if g != "ivpr"),
            about="PR mode with SRR1[IS] tested as DO_KVM tests GS, in place of rewriting IVPR (S0)"),
)  # fmt: skip


def variant(name: str) -> Variant:
    """The variant of a name. Raises UsageError."""
    for known in VARIANTS:
        if known.name == name:
            return known
    raise UsageError(
        f"there is no variant {name!r} of the world switch; they are {', '.join(v.name for v in VARIANTS)}"
    )
