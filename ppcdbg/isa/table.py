"""All instructions together, and the decoder derived from their forms.

``TABLE`` is the one list that engines, disassembler, documentation and tests read.
"""

from __future__ import annotations

from functools import cache

from ppcdbg.isa.insn import Insn
from ppcdbg.isa.insns import (
    branch,
    cache_sync,
    cr,
    dcr,
    external_pid,
    fixed_arith,
    fixed_compare,
    fixed_load,
    fixed_logical,
    fixed_rotate,
    fixed_store,
    spe_accumulate,
    spe_float_double,
    spe_float_single,
    spe_float_vector,
    spe_load,
    spe_multiply_half,
    spe_multiply_word,
    spe_simple,
    spe_store,
    spr,
    system_booke,
    trap,
)
from ppcdbg.isa.insns import (
    float as floating,
)

TABLE: tuple[Insn, ...] = tuple(
    i
    for chapter in (
        fixed_arith, fixed_logical, fixed_rotate, fixed_compare, fixed_load, fixed_store, branch, cr, trap, spr, dcr,
        cache_sync, system_booke, external_pid, floating, spe_load, spe_store, spe_simple, spe_multiply_half,
        spe_multiply_word, spe_accumulate, spe_float_vector, spe_float_single, spe_float_double,
    )
    for i in chapter.chapter.insns
)  # fmt: skip


class Decoder:
    """Words to instructions, for one core model."""

    def __init__(self, core: str) -> None:
        tables: dict[int, dict[int, dict[int, Insn]]] = {}
        for i in TABLE:
            if core in i.cores:
                by_mask = tables.setdefault(i.form.match >> 26, {})
                clash = by_mask.setdefault(i.form.mask, {}).setdefault(i.form.match, i)
                assert clash is i, f"{i.name} and {clash.name} have the same encoding"
        # The more bits a pattern fixes, the earlier it is tried.
        self._tables = {
            opcode: sorted(by_mask.items(), key=lambda item: -item[0].bit_count()) for opcode, by_mask in tables.items()
        }

    def decode(self, word: int) -> Insn | None:
        """The instruction that ``word`` is, or None where the core has none."""
        for bits, matches in self._tables.get(word >> 26, ()):
            found = matches.get(word & bits)
            if found is not None:
                return found
        return None


@cache
def decoder(core: str) -> Decoder:
    return Decoder(core)


def by_name(name: str) -> Insn:
    """The instruction with this mnemonic; KeyError if there is none."""
    for i in TABLE:
        if i.name == name:
            return i
    raise KeyError(name)
