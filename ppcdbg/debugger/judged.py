"""A condition on exits that is asked once for all that are alike in everything it depends on.

Of a million exits some hundred are different: their sites (:mod:`ppcdbg.kvm.blocks`). A condition on what a site has is
asked once for each; one on data addresses or time beside, once for each of those that a site came with. A condition
that names another field, a register or memory is asked of each record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from operator import add
from types import MappingProxyType
from typing import Any

from ppcdbg.cpu.interrupts import DATA_STORAGE, DTLB_MISS
from ppcdbg.debugger.fields import FIELDS, SYNONYMS
from ppcdbg.debugger.quick import both, either
from ppcdbg.debugger.syntax import Binary, Cast, Name, Node, Number, Register, Text, Unary
from ppcdbg.kvm.blocks import DEAR, POSITION, TICK, Block, Site, Sites, numbers

MISSED, SITE = -2, -3
"""In place of columns: DEAR, of the exits whose cause says which data could not be accessed (``causes.cause_of``); and
what is alike at one site."""
_SAY_DEAR = frozenset({DTLB_MISS, DATA_STORAGE})
_OF_A_SITE = frozenset({
    "exit", "pc", "symbol", "msr", "user", "esr", "cost", "inst", "spr", "did", "prio", "delivered", "resume",
    "accounted",
})  # fmt: skip
_DEPENDS = MappingProxyType({
    "dear": frozenset({DEAR}), "insn": frozenset({POSITION}), "tick": frozenset({TICK}),
    "cause": frozenset({MISSED}), **dict.fromkeys(_OF_A_SITE, frozenset({SITE})),
})  # fmt: skip
"""Fields by what their values are made of."""
_CLOSED, _OPEN = b"\0\1\0".ljust(256, b"\0"), b"\0\0\1".ljust(256, b"\0")
_ASK = 2
_SEVERAL = -1
_DATA = 32
"""Bits of a data address, the only column that goes with a site in one number."""


def depends(node: Node) -> frozenset[int] | None:
    """The columns that a condition depends on, ``SITE`` and ``MISSED`` among them; None where on more."""
    match node:
        case Number() | Text():
            return frozenset()
        case Register():
            return None
        case Name():
            name = node.name.lower().partition(".")[0]
            name = SYNONYMS.get(name, name)
            return _DEPENDS.get(name, None if name in FIELDS else frozenset())  # or a symbol, or a constant
        case Unary() if node.operator == "*":
            return None
        case Unary() | Cast():
            return depends(node.operand)
        case Binary():
            left, right = depends(node.left), depends(node.right)
            return None if left is None or right is None else left | right


class Judged:
    """The verdicts of one condition so far. ``ask`` gives that on one exit by its number; ``places`` as ``depends``."""

    def __init__(self, places: frozenset[int], ask: Callable[[int], bool]) -> None:
        self._of_data = bool(places & {DEAR, POSITION, TICK})
        self._missed = MISSED in places
        self._of_site = SITE in places or self._missed or not self._of_data
        self._only_cause = places == frozenset({MISSED})
        columns = (places - {SITE, MISSED}) | ({DEAR} if self._missed else set())
        self._places = tuple(sorted(columns))
        self.open = bool(columns)
        """Whether some exits of one site may pass and others not."""
        self._ask = ask
        self._sites: dict[Site, tuple[int, int]] = {}
        """By the number of those that are judged alike, and the verdict or that there is none."""
        self._likes: dict[Site | tuple[int, int], int] = {}
        self._verdicts: dict[int, dict[Any, bool]] = {}
        """By that number, and by data."""

    def select(self, block: Block, start: int, first: int, end: int, among: bytes) -> bytes:
        """A 1 for each of some exits of a block that passes; those with a 0 in ``among`` need not be looked at.
        ``start`` is the number of the block's first exit."""
        if not self._of_site:
            return self._by_data(block, start, first, end, 0, among)
        sites = block.sites
        told = [self._site(sites, code, start) for code in range(len(sites.table))]
        marks = sites.mark(bytes(verdict for _, verdict in told), first, end)
        if _ASK not in marks:
            return marks
        asked = both(marks.translate(_OPEN), among)
        likes = {number for number, verdict in told if verdict == _ASK}
        if len(likes) == 1:
            found = self._by_data(block, start, first, end, likes.pop(), asked)
        else:
            known = [number << _DATA for number, _ in told]
            found = self._by_data(block, start, first, end, (sites.codes[first:end], known), asked)
        return either(marks.translate(_CLOSED), found)

    def _site(self, sites: Sites, code: int, start: int) -> tuple[int, int]:
        site = sites.table[code]
        found = self._sites.get(site)
        if found is None:
            of_data = self._of_data or self._missed and numbers(site)[0] in _SAY_DEAR
            verdict = _ASK if of_data else int(self._ask(start + sites.codes.index(code)))
            vector, _, _, esr, *_ = numbers(site)
            like = (vector, esr) if self._only_cause else site  # of which causes.access_of reads what it says
            found = self._sites[site] = self._likes.setdefault(like, len(self._likes)), verdict
        return found

    def _by_data(
        self,
        block: Block,
        start: int,
        first: int,
        end: int,
        sites: tuple[Sequence[int], list[int]] | int,
        asked: bytes,
    ) -> bytes:
        """A 1 for each that passes, of those with a 1 in ``asked``; ``sites``: what they are alike in beside their
        data, or of each which of several."""
        verdicts = self._verdicts.setdefault(sites if isinstance(sites, int) else _SEVERAL, {})
        columns = [block.column(place)[first:end] for place in self._places]
        whole = 0 not in asked

        def keys() -> Iterable[Any]:
            data: list[Any] = columns if whole else [compress(column, asked) for column in columns]
            if isinstance(sites, int):
                return zip(*data) if len(data) > 1 else data[0]
            known = map(sites[1].__getitem__, sites[0] if whole else compress(sites[0], asked))
            return map(add, known, data[0]) if self._places == (DEAR,) else zip(known, *data)

        try:
            found = bytes(map(verdicts.__getitem__, keys()))
        except KeyError:
            new = dict(zip(keys(), compress(range(first, end), asked)))
            verdicts |= {key: self._ask(start + at) for key, at in new.items() if key not in verdicts}
            found = bytes(map(verdicts.__getitem__, keys()))
        if whole:
            return found
        out = bytearray(end - first)
        if 1 not in found:
            return bytes(out)
        for at in compress(compress(range(end - first), asked), found):
            out[at] = 1
        return bytes(out)
