"""Moments of one guest under KVM that a search comes back to thousands of times a second, within one process.

A snapshot (:mod:`ppcdbg.session.snapshots`) is data and can go anywhere; a point is only good for the system that it
was taken of, and costs a copy of the registers and a look at the few pages that were written. RAM is known page by page
from where the search began; the pages that the engine has noted since are compared and put back.
"""

from __future__ import annotations

from ppcdbg.cpu.plain import Saved
from ppcdbg.cpu.state import TLB_OFFSET
from ppcdbg.engine.api import Watch, WatchKind
from ppcdbg.kvm.irqprio import EXTERNAL, EXTERNAL_LEVEL
from ppcdbg.kvm.kept import Kept
from ppcdbg.kvm.magic_page import MSR
from ppcdbg.kvm.run import KvmSystem
from ppcdbg.machine.console import Console
from ppcdbg.session.pages import PAGE, ZERO, Pages

_DELIVERED = 10
"""Where a row of the exit log, if it is the run loop's, says what was delivered."""
_ROW = 14
_TLB = slice(TLB_OFFSET, None)


class Base:
    """Where a search begins: all of RAM as it is now. It ends with the next one of the same ``pages``, the system's."""

    def __init__(self, system: KvmSystem, pages: Pages) -> None:
        self.system = system
        self.exits = system.steps
        self.touched = False
        """The board was given an input of its own since a point was last put back."""
        self._pages = pages
        pages.changed()  # from here on the engine notes anew
        bus = system.board.bus
        self._always = [
            page for start, size in bus.written_outside for page in range(start & -PAGE, start + size, PAGE)
        ]
        board = system.board
        v = system.kvm
        self.msr_watch = () if v.hv else (Watch(WatchKind.WRITE, v.shared_real + MSR + 4, 4, real=True),)
        """Of stores to the guest's own MSR, where they exit to nobody."""
        self._consoles = [(console, len(console.output)) for console in (board.console, board.console1)]

    def page(self, address: int) -> bytes:
        """A page as it was when the search began."""
        return self._pages.all().get(address, ZERO)

    def written(self) -> list[int]:
        """Pages that may be other than they were."""
        return [*self._always, *self.system.engine.written(), *self.system.board.bus.written]

    def printed(self) -> list[tuple[Console, int, bytes, list[int]]]:
        """What each console has printed since the search began."""
        return [(c, length, bytes(c.output[length:]), [*c.positions[length:]]) for c, length in self._consoles]

    def accesses(self) -> int:
        """How often devices were accessed."""
        count = 0
        for region in self.system.board.bus.regions:
            count += region.reads + region.writes
        return count


class Point:
    """One moment; the guest stands still. ``before``: another one, after which nobody but the guest has acted."""

    def __init__(self, base: Base, before: Point | None = None) -> None:
        system = base.system
        self._exits, self._accesses = system.steps, base.accesses()
        self._quiet = not system.kicked and system.board.next_event(system.core.now) is None
        # Only an exit changes what is KVM's, and only it, an access or time what is the board's.
        same = before if before is not None and self._quiet and before.same_exit(self) else None
        self._kvm: Kept = Kept(system, base.exits) if same is None else same._kvm
        untouched = same is not None and same._accesses == self._accesses
        self._board: Saved = same._board if same is not None and untouched else system.board.save()
        core, ram = system.core, system.board.bus.ram
        self.base, self.position, self.pc = base, core.retired, core.state.pc
        self._block = bytes(core.state.block)
        self._tlb = self._block[_TLB]
        self._edges, self._reset = core.timers.edges, core.reset_cause
        self._pages = {page: bytes(ram[page : page + PAGE]) for page in base.written()}
        self._printed = base.printed()
        self._order, self._events = system.input.order, system.input.pending()

    def same_exit(self, later: Point) -> bool:
        """Whether the guest was not left, and nothing was to come, from here to a later point."""
        return self._exits == later._exits and self._quiet

    def put(self) -> None:
        """The guest stands here again."""
        system = self.base.system
        core, block = system.core, system.core.state.block
        if self._board_moved():
            self._put_board()
        same = block[_TLB] == self._tlb
        block[:] = self._block
        core.timers.edges, core.reset_cause = self._edges, self._reset
        self._kvm.put()
        system.visit_at = 0
        self._put_pages()
        system.input.restore(self._events, self._order)
        system.engine.restored(not same)
        core.call_machine()

    def _board_moved(self) -> bool:
        """Whether a device may be other than it was. Most schedules touch none, and asking them all takes long."""
        base = self.base
        board, system = base.system.board, base.system
        if base.touched or base.accesses() != self._accesses or board.next_event(system.core.now) is not None:
            return True
        if system.board.reset_requested or system.board.poweroff_requested or not board.mpic.proxy:
            return system.board.reset_requested or system.board.poweroff_requested
        rows = system.kvm.exits.rows(base.exits)
        return any(len(row) == _ROW and row[_DELIVERED] in (EXTERNAL, EXTERNAL_LEVEL) for row in rows)

    def _put_board(self) -> None:
        for console, length, output, positions in self._printed:
            if console.output[length:] != output:
                console.become(length, output, positions)
        self.base.system.board.restore(self._board)
        self.base.touched = False

    def _put_pages(self) -> None:
        base, pages = self.base, self._pages
        ram, engine = base.system.board.bus.ram, base.system.engine
        for page in base.written():
            wanted = pages[page] if page in pages else base.page(page)
            if bytes(ram[page : page + PAGE]) != wanted:  # a copy compares ten times as fast as a view
                ram[page : page + PAGE] = wanted
                engine.code_changed(page, PAGE)
