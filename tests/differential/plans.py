"""What kind of preparation each instruction of the table needs before it can run on random state.

Derived from its chapter, its name and its fields, so that a new instruction either falls into place or is refused by
``plan_of``. Names that only make sense in a special test are in ``ELSEWHERE``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache

from ppcdbg.isa.insn import Insn


class Group(Enum):
    """Sequences are mixed from these."""

    INTEGER = "integer"
    MEMORY = "memory"
    CONTROL = "control"
    SYSTEM = "system"
    FLOAT = "float"
    VECTOR = "vector"  # of e500v2; QEMU lacks half of it, and SPEFSCR (tests/golden/spe/deviations.py)


@dataclass(frozen=True)
class Plan:
    """``size``: bytes that the instruction accesses at its EA (0: none); ``update``: it writes RA back."""

    group: Group
    size: int = 0
    store: bool = False
    update: bool = False
    multiple: bool = False


BLOCK = 64  # the larger of the two cores' cache blocks
_CHAPTERS = {
    "fixed_arith": Group.INTEGER,
    "fixed_logical": Group.INTEGER,
    "fixed_rotate": Group.INTEGER,
    "fixed_compare": Group.INTEGER,
    "cr": Group.INTEGER,
    "fixed_load": Group.MEMORY,
    "fixed_store": Group.MEMORY,
    "cache_sync": Group.MEMORY,
    "external_pid": Group.MEMORY,
    "branch": Group.CONTROL,
    "trap": Group.CONTROL,
    "spr": Group.SYSTEM,
    "system_booke": Group.SYSTEM,
    "dcr": Group.SYSTEM,
    "float": Group.FLOAT,
    "spe_load": Group.VECTOR,
    "spe_store": Group.VECTOR,
    "spe_simple": Group.VECTOR,
    "spe_multiply_half": Group.VECTOR,
    "spe_multiply_word": Group.VECTOR,
    "spe_accumulate": Group.VECTOR,
    "spe_float_vector": Group.VECTOR,
    "spe_float_single": Group.VECTOR,
    "spe_float_double": Group.VECTOR,
}
_ACCESS = re.compile(r"(?P<what>l|st)(?P<unit>b|ha|h|wa|w|mw|fs|fd|fiw)(z|br|ar|c|ep|d)?u?x?\.?$")
_UNITS = {"b": 1, "h": 2, "ha": 2, "w": 4, "wa": 4, "mw": 4, "fs": 4, "fiw": 4, "fd": 8}
_VECTOR_ACCESS = re.compile(r"ev(?P<what>l|st)(?P<unit>[dhw])")
_VECTOR_UNITS = {"d": 8, "w": 4, "h": 2}
_NO_ACCESS = {"dcba", "dcbt", "dcbtst", "icbt", "dcbtep", "dcbtstep", "sync", "mbar", "isync", "bblels", "bbelr", "dsn"}

ELSEWHERE: dict[str, str] = {
    "mftb": "the time base counts in other units on each side",
    "wait": "halts QEMU until an interrupt, which stepping masks",
    "msgsnd": "leaves an interrupt pending, which stepping masks",
    "msgclr": "has no effect without msgsnd",
    **dict.fromkeys(("mfdcr", "mtdcr", "mfdcrx", "mtdcrx"), "the cores have no DCRs and refuse them"),
    "mfpmr": "QEMU has no performance monitor registers",
    "mtpmr": "QEMU has no performance monitor registers",
    **dict.fromkeys(
        ("tlbre", "tlbwe", "tlbsx", "tlbivax", "tlbilx"), "needs MAS registers and a TLB of its own: test_tlb.py"
    ),
}


def chapter(insn: Insn) -> str:
    return insn.body.__module__.rsplit(".", 1)[-1]


@cache
def plan_of(insn: Insn) -> Plan:
    """ValueError for an instruction that has fields of an access but no known size."""
    group = _CHAPTERS.get(chapter(insn))
    if group is None:
        raise ValueError(f"{insn.name}: no differential plan for the chapter {chapter(insn)}")
    access = _ACCESS.match(insn.name)
    if chapter(insn) in ("fixed_load", "fixed_store", "external_pid") or (access and group is Group.FLOAT):
        if access:
            return _access(insn, access)
        if re.match(r"dcb|icb|dsn", insn.name) is None:
            raise ValueError(f"{insn.name}: no differential plan for its access")
    if chapter(insn) in ("spe_load", "spe_store"):
        vector = _VECTOR_ACCESS.match(insn.name)
        if vector is None:
            raise ValueError(f"{insn.name}: no differential plan for its access")
        return Plan(group, _VECTOR_UNITS[vector["unit"]], store=vector["what"] == "st")
    if group is Group.MEMORY and insn.name not in _NO_ACCESS and "RB" in insn.form.by_name:
        return Plan(group, BLOCK, store=insn.name in ("dcbz", "dcbzep"))
    return Plan(group)


def _access(insn: Insn, access: re.Match[str]) -> Plan:
    names = insn.form.by_name
    decorated = insn.name.endswith("dx") and "RA" in names
    return Plan(
        Group.MEMORY,
        _UNITS[access["unit"]],
        store=access["what"] == "st",
        update="RA" in names and not decorated,
        multiple=access["unit"] == "mw",
    )
