"""What a region is made from and where it is put: what tier 1 keeps, without the compiler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.discover import Region
from ppcdbg.engine.llvm.layout import PAGE

if TYPE_CHECKING:
    from ppcdbg.engine.llvm.jit import Linked


@dataclass(frozen=True)
class Surroundings:
    """What a region is tied to: op page of each of its effective pages, tier-0 handlers of its entries, helpers."""

    op_pages: Mapping[int, int]
    handlers: Mapping[int, int]
    helpers: Mapping[str, int]

    def op(self, address: int) -> int:
        """Host address of the op of an effective address in one of the pages."""
        return self.op_pages[address & PAGE] + (address & 0xFFC) * (L.OP_SIZE // 4)


@dataclass(frozen=True)
class Job:
    """A region on its way: what it was made from, so that it is only used where that still holds."""

    region: Region
    around: Surroundings
    real: dict[int, int]  # effective to real pages
    words: tuple[tuple[int, int], ...]  # real address, word
    name: str
    epoch: int
    replaces: int = 0  # address of the region that this one makes superfluous

    @cached_property
    def addresses(self) -> frozenset[int]:
        """Effective addresses of its instructions, those among them that it leaves to tier 0."""
        return frozenset(step.address for block in self.region.blocks.values() for step in block)

    @cached_property
    def performed(self) -> frozenset[int]:
        """Effective addresses of the instructions that it does itself."""
        steps = (step for block in self.region.blocks.values() for step in block)
        return frozenset(step.address for step in steps if step.insn is not None)


@dataclass(frozen=True)
class Installed:
    """A region in place; ``slots`` are entry ops and the handlers that they had."""

    job: Job
    code: Linked
    slots: tuple[tuple[int, int], ...]

    @property
    def address(self) -> int:
        """Host address of its function."""
        return self.code.symbols[self.job.name]
