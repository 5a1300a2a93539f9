"""A variant's programs: text of groups put in order, assembled, each instruction with the phase and group it is of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.isa.assemble import AsmLine, Program, assemble
from ppcdbg.isa.insn import E500MC
from ppcdbg.kvm.switch import host, sequences, sequences_pr
from ppcdbg.kvm.switch.layout import (
    GUEST_EA,
    GUEST_TEXT,
    KVM_VECTORS,
    LOWMEM,
    NAMES,
    SWITCH,
    TEXT,
    VECTOR_NUMBERS,
    VMALLOC,
    ivor,
)
from ppcdbg.kvm.switch.variants import Variant
from ppcdbg.kvm.switch.ways import WAYS, Way


@dataclass(frozen=True)
class Code:
    """All code of one variant: words by real address, lines and their group by effective address, labels.

    ``groups`` gives (phase, group): load, entry, exit, put, reload or guest, and the name in :mod:`.sequences`; nothing
    for the host's own code.
    """

    words: dict[int, int]
    lines: dict[int, AsmLine]
    groups: dict[int, tuple[str, str]]
    labels: dict[str, int]


def _exit_text(v: Variant, number: int) -> Iterator[tuple[str, str]]:
    """(group, text) from where DO_KVM branches to, up to the part that all exits share."""
    pair, groups, needs = host.pair_of(number, v.core), _groups(v).EXIT, _groups(v).NEEDS
    values = {
        "pair": pair, "number": number, "scratch": host.scratch_of(pair, v.debug_scratch), "save": host.save_of(pair),
        "ce": 0 if pair in ("CSRR", "MCSRR") else 2, "me": 2 if pair == "MCSRR" else 0x1002,
    }  # fmt: skip
    for group in v.exit:
        if group == "captures":
            for more in needs.get(number, ()):
                if more not in ("esr", "dear") or "park" not in v.exit:
                    yield more, groups[more]
        else:
            yield group, groups[group].format(**values)


def _groups(v: Variant) -> ModuleType:
    """The groups of the variant's mode: HV on e500mc, PR on e500v2."""
    return sequences if v.core == E500MC else sequences_pr


def _switch_text(v: Variant, scheduled: bool) -> Iterator[tuple[str, str, str]]:
    """(phase, group, text) of the switch, in the order in which it lies in memory."""
    groups = _groups(v)
    yield from (("load", g, groups.LOAD[g].replace("{phase}", "load")) for g in v.load)
    yield "entry", "", "entry:"
    for group in v.entry:
        yield "entry", group, (groups.LOAD if group == "ee-off" else groups.ENTRY)[group]
    for number in VECTOR_NUMBERS:
        yield "exit", "", f"kvm_{number}:"
        yield from (("exit", group, text) for group, text in _exit_text(v, number))
        yield "exit", "", "b resume_host"
    yield "exit", "", "resume_host:"
    if not scheduled:
        yield from (("exit", g, groups.RESUME[g]) for g in v.resume)
        return
    yield from (("exit", g, groups.RESUME[g].replace("b entry", "")) for g in v.resume)
    yield "put", "schedule", sequences.SCHEDULE
    yield from (("put", g, groups.PUT[g]) for g in v.put)
    yield "", "", host.other_vcpu(v)
    yield from (("reload", g, groups.LOAD[g].replace("{phase}", "reload")) for g in v.load)
    yield "reload", "enter", "b entry"


def _vectors(v: Variant, label: str, routing: str) -> Iterator[tuple[int, str]]:
    for number in VECTOR_NUMBERS:
        yield ivor(number), host.vector(number, v, routing, label)


@cache
def build(v: Variant, way: Way = WAYS[0]) -> Code:
    """Assemble a variant, with a guest that leaves in a way. Raises UsageError where a group does not fit."""
    code = Code({}, {}, {}, {})
    names = dict(NAMES)
    handlers = assemble("\n".join((host.handlers(v), host.handle_exit(v, way))), LOWMEM + TEXT, names)
    names |= handlers.labels
    _put(code, handlers, 0xC0000000)
    base = (LOWMEM if v.text == "lowmem" else VMALLOC) + SWITCH
    pieces = [*_switch_text(v, way.scheduled)]
    text = "\n".join(part for _, _, part in pieces)
    program = assemble(text, base, names)
    names |= program.labels
    _put(code, program, base - SWITCH)
    at = base
    for phase, group, part in pieces:
        count = sum(1 for line in part.splitlines() if _is_code(line))
        if phase:
            code.groups.update((at + 4 * i, (phase, group)) for i in range(count))
        at += 4 * count
    assert at == program.end
    tables = [(LOWMEM, "vector", "host" if v.routing == "ivpr" else "test")]
    if v.routing != "gs":
        tables.append((KVM_VECTORS, "kvm_vector", "kvm" if v.routing == "ivpr" else "test"))
    for window, label, routing in tables:
        for offset, part in _vectors(v, label, routing):
            prolog = assemble(part, window + offset, names)
            names |= prolog.labels
            _put(code, prolog, LOWMEM)
            code.groups.update((line.address, ("exit", "vector")) for line in prolog.lines)
    guest = assemble(host.guest(v, way), GUEST_EA, names)
    names |= guest.labels
    _put(code, guest, GUEST_EA - GUEST_TEXT)
    code.groups.update((line.address, ("guest", "guest")) for line in guest.lines)
    code.labels.update({**names, **{VECTORS[n].name: LOWMEM + ivor(n) for n in VECTOR_NUMBERS}})
    return code


def _is_code(line: str) -> bool:
    code = line.partition("#")[0].strip()
    while ":" in code:
        code = code.partition(":")[2].strip()
    return bool(code)


def _put(code: Code, program: Program, base: int) -> None:
    for line in program.lines:
        assert line.address - base not in code.words, f"{line.text} lies on other code"
        code.words[line.address - base] = line.word
        code.lines[line.address] = line
