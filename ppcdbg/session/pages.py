"""RAM as pages that are kept once for as long as they do not change, for snapshots and for the hash of a state.

The engine says which pages may have been written; those are compared with what was known of them. Nothing else is
looked at, so that a guest that writes little costs little, however large its RAM is. Real addresses throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ppcdbg.machine.system import System

PAGE = 4096
ZERO = bytes(PAGE)
HASH_BITS = 128
_MASK = (1 << HASH_BITS) - 1


class Pages:
    """The pages of one system's RAM as they were when somebody last looked. A page that is not there is zero."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._written = system.page_reader()
        self._ram = system.board.bus.ram
        self._known: dict[int, bytes] = {}
        self._hashes: dict[int, int] = {}
        self._total = 0
        self._unhashed: set[int] = set()
        self._look(system.board.ram.used())
        self.changed()

    def changed(self) -> dict[int, bytes]:
        """The pages that differ from the last look, as they were then, by address; from now on they are as they are."""
        return self._look(self._written())

    def _look(self, pages: Iterable[int]) -> dict[int, bytes]:
        ram, known, before = self._ram, self._known, {}
        for page in pages:
            then, now = known.get(page, ZERO), bytes(ram[page : page + PAGE])  # a view compares byte by byte
            if now != then:
                before[page] = then
                known[page] = now
        self._unhashed.update(before)
        return before

    def known(self, page: int) -> bytes:
        """A page as it was at the last look."""
        return self._known.get(page, ZERO)

    def all(self) -> Mapping[int, bytes]:
        """Every page that may be other than zero, as it was at the last look."""
        return self._known

    def put(self, wanted: Mapping[int, bytes]) -> None:
        """Make RAM what it was at the last look, but for the ``wanted`` pages, which become what is given."""
        current = self.changed()
        engine, ram, known = self._system.engine, self._ram, self._known
        for page in {**current, **wanted}:
            content = wanted[page] if page in wanted else current[page]
            if known.get(page, ZERO) != content:
                ram[page : page + PAGE] = content
                known[page] = content
                self._unhashed.add(page)
                engine.code_changed(page, PAGE)
        self._written()  # what was put back is known

    def total(self) -> int:
        """A hash of all RAM as it was at the last look: the sum of the hashes of its pages, the zero ones left out.

        A sum can be kept up to date page by page; 128 bits of BLAKE2 make an accident impossible, which is all that
        comparing two runs asks for.
        """
        return self.total_later()()

    def total_later(self) -> Callable[[], int]:
        """``total`` of this moment, to be worked out by a call at any later one, of any thread. Each must be called,
        once, and in the order in which they were asked for."""
        found = [(page, self._known.get(page, ZERO)) for page in self._unhashed]
        self._unhashed.clear()
        return lambda: self._sum(found)

    def _sum(self, pages: Iterable[tuple[int, bytes]]) -> int:
        hashes = self._hashes
        for page, content in pages:
            value = page_hash(page, content)
            self._total += value - hashes.get(page, 0)
            hashes[page] = value
        return self._total & _MASK


def page_hash(page: int, content: bytes) -> int:
    """What a page adds to the hash of RAM."""
    if content == ZERO:
        return 0
    from hashlib import blake2b  # loads OpenSSL, which a start does not wait for

    digest = blake2b(content, digest_size=HASH_BITS // 8, salt=page.to_bytes(8, "big")).digest()
    return int.from_bytes(digest, "big")


def ram_totals(changes: Iterable[Mapping[int, bytes]]) -> Iterator[int]:
    """The hash of RAM after each of some changes, from zero on: ``Pages.total`` of pages that are kept elsewhere."""
    hashes: dict[int, int] = {}
    total = 0
    for pages in changes:
        for page, content in pages.items():
            value = page_hash(page, content)
            total += value - hashes.get(page, 0)
            hashes[page] = value
        yield total & _MASK
