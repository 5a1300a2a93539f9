"""Which code goes into one compiled region: the blocks that can be reached from an address, up to a size.

Calls are followed and so are their return sites, so that a loop with small functions in it becomes one region. Reads
words through a function that it is given; knows nothing of LLVM or of real addresses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ppcdbg.engine.llvm.layout import PAGE
from ppcdbg.isa.bits import M32
from ppcdbg.isa.flow import To, flow
from ppcdbg.isa.insn import Insn
from ppcdbg.isa.table import Decoder

MOST_BLOCKS = 64
MOST_INSNS = 400
LONGEST_STEP_BACK = 64

Read = Callable[[int], int | None]
"""The word at an effective address, None where nothing can be fetched."""


@dataclass(frozen=True)
class Step:
    """One instruction of a block; ``insn`` is None where the region must be left before it."""

    address: int
    word: int
    insn: Insn | None


@dataclass(frozen=True)
class Region:
    """Blocks by address, where they may be entered from outside, where calls in them return to, and where else a
    jump through a register may go."""

    blocks: dict[int, tuple[Step, ...]]
    entries: tuple[int, ...]
    returns: tuple[int, ...]
    targets: tuple[int, ...]

    @property
    def length(self) -> int:
        return sum(len(block) for block in self.blocks.values())

    @property
    def pages(self) -> frozenset[int]:
        return frozenset(step.address & PAGE for block in self.blocks.values() for step in block)


def _successors(address: int, word: int) -> tuple[tuple[int, ...], int | None]:
    """Where control may go inside code, and the return site of a call; nothing for what goes elsewhere."""
    where = flow(word, address)
    following = address + 4 & M32
    match where.to:
        case To.NEXT | To.TRAP:
            return (following,), None
        case To.TARGET:
            assert where.target is not None
            onward = (following,) if where.conditional or where.link else ()
            return (where.target & 0xFFFFFFFC, *onward), following if where.link else None
        case To.LR | To.CTR:
            onward = (following,) if where.conditional or where.link else ()
            return onward, following if where.link else None
        case _:
            return (), None


def _ends(address: int, word: int) -> bool:
    return flow(word, address).to not in (To.NEXT, To.TRAP)


class Discovery:
    """Finds regions for one core. ``usable``: whether a region can hold the instruction at an effective address."""

    def __init__(self, decoder: Decoder, read: Read, usable: Callable[[Insn, int, int], bool]) -> None:
        self._decoder = decoder
        self._read = read
        self._usable = usable

    def _step(self, address: int) -> Step | None:
        word = self._read(address)
        if word is None:
            return None
        insn = self._decoder.decode(word)
        return Step(address, word, insn if insn is not None and self._usable(insn, word, address) else None)

    def leaders(self, seen: Counter[int]) -> Counter[int]:
        """Addresses in one page, with counts, gathered by the blocks that they are in.

        A block starts after a branch, or where a branch of its page goes.
        """
        found: Counter[int] = Counter()
        targets: set[int] = set()
        for address, count in seen.items():
            targets = targets or self._targets(address & PAGE)
            start = address
            for _ in range(LONGEST_STEP_BACK):
                before = start - 4
                word = self._read(before) if start & 0xFFF else None
                if start in targets or word is None or _ends(before, word):
                    break
                start = before
            found[start] += count
        return found

    def _targets(self, page: int) -> set[int]:
        """Where the branches of a page go."""
        found = set()
        for address in range(page, page + 0x1000, 4):
            word = self._read(address)
            if word is not None and word >> 26 in (16, 18):
                target = flow(word, address).target
                if target is not None:
                    found.add(target)
        return found

    def region(self, roots: Sequence[int]) -> Region | None:
        """The blocks that are reached from ``roots``, the first ones first; None where nothing can be compiled."""
        steps, leaders, returns = self._reach(roots)
        blocks = {}
        back: set[int] = set()
        for leader in sorted(leaders & steps.keys()):
            block = self._block(leader, steps, leaders)
            blocks[leader] = block
            last = block[-1]
            if last.insn is not None:
                back.update(t for t in _successors(last.address, last.word)[0] if t <= last.address)
        usable = {address for address, block in blocks.items() if block[0].insn is not None}
        returns = [r for r in dict.fromkeys(returns) if r in blocks]
        entries = [e for e in dict.fromkeys([*roots, *sorted(back), *returns]) if e in usable]
        if not entries:
            return None
        return Region(blocks, tuple(entries), tuple(returns), tuple(r for r in roots if r in usable))

    def _reach(self, roots: Sequence[int]) -> tuple[dict[int, Step], set[int], list[int]]:
        """Follow the code breadth first, one root after the other, until the region is full."""
        steps: dict[int, Step] = {}
        leaders: set[int] = set()
        returns: list[int] = []
        for root in roots:
            queue = [root]
            leaders.add(root)
            while queue and len(leaders) <= MOST_BLOCKS and len(steps) < MOST_INSNS:
                onward = self._walk(queue.pop(0), steps, returns)
                queue.extend(a for a in onward if a not in leaders)
                leaders.update(onward)
        return steps, leaders, returns

    def _walk(self, address: int, steps: dict[int, Step], returns: list[int]) -> tuple[int, ...]:
        """Add the steps from ``address`` to the end of its block; where it goes on."""
        while address not in steps:
            step = self._step(address)
            if step is None:
                break
            steps[address] = step
            if step.insn is None:
                break
            onward, back = _successors(address, step.word)
            if back is not None:
                returns.append(back)
            address = address + 4 & M32
            if _ends(step.address, step.word) or not address & 0xFFF:
                return onward
        return ()

    def _block(self, leader: int, steps: dict[int, Step], leaders: set[int]) -> tuple[Step, ...]:
        found = []
        address = leader
        while address in steps and (address == leader or address not in leaders):
            step = steps[address]
            found.append(step)
            if step.insn is None or _ends(address, step.word) or not address + 4 & 0xFFF:
                break
            address += 4
        return tuple(found)
