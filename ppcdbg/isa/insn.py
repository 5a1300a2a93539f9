"""What one instruction is: encoding, operands, effect, privilege, and the cores that have it, in one block.

Read next: :mod:`ppcdbg.isa.ops` (the vocabulary of the bodies), :mod:`ppcdbg.isa.table` (all of them together).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from ppcdbg.isa.forms import Form

Body = Callable[[Any, Any], None]


class Privilege(Enum):
    """Who may execute an instruction (facts 1.9; Power ISA III-E 4.3).

    A core without the embedded hypervisor category treats HYPERVISOR and GUEST_TLB as SUPERVISOR.
    """

    USER = auto()
    SUPERVISOR = auto()  # MSR[PR]=1: Program interrupt with ESR[PPR]
    HYPERVISOR = auto()  # as SUPERVISOR, and in guest state an embedded hypervisor privilege interrupt
    GUEST_TLB = auto()  # as SUPERVISOR, and HYPERVISOR while EPCR[DGTMI]=1
    CACHE_LOCK = auto()  # user with MSR[UCLE], subject to MSRP[UCLEP]; the body decides


@dataclass(frozen=True, eq=False)
class Insn:
    """One instruction of the table.

    ``native`` says that the body keeps to the vocabulary of :mod:`ppcdbg.isa.ops` and can be emitted by a
    compiling engine; other bodies may use ``m.core`` and run on Python numbers only. ``ends`` says that the
    instruction may change what executes next (a branch, or a change of context). ``cores`` names the core
    models that implement it; elsewhere it raises what an illegal instruction raises. ``spe`` says that it needs
    MSR[SPE], and that ESR[SPV] marks the interrupts of its storage accesses.
    """

    name: str
    form: Form
    operands: str
    body: Body
    book: str
    alters: frozenset[str]
    privilege: Privilege
    cores: frozenset[str]
    native: bool
    ends: bool
    fp: bool
    spe: bool


E500V2 = "e500v2"
E500MC = "e500mc"
BOTH = frozenset({E500V2, E500MC})


class Chapter:
    """Collects the instructions of one file; ``table`` concatenates the chapters. Not a global registry."""

    def __init__(self) -> None:
        self.insns: list[Insn] = []

    def insn(
        self,
        name: str,
        form: Form,
        operands: str = "",
        *,
        book: str,
        alters: set[str] | frozenset[str] = frozenset(),
        privilege: Privilege = Privilege.USER,
        cores: set[str] | frozenset[str] = BOTH,
        native: bool = True,
        ends: bool = False,
        fp: bool = False,
        spe: bool = False,
    ) -> Callable[[Body], Body]:
        """Decorator: the body below is the effect of ``name``. ``fp``: needs MSR[FP]. ``spe``: needs MSR[SPE]."""

        def note(body: Body) -> Body:
            where = frozenset(cores)
            self.insns.append(
                Insn(name, form, operands, body, book, frozenset(alters), privilege, where, native, ends, fp, spe)
            )
            return body

        return note
