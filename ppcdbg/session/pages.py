"""RAM as pages that are kept once for as long as they do not change, for snapshots and for the hash of a state.

The engine says which pages may have been written; those are compared with what was known of them. Nothing else is
looked at, so that a guest that writes little costs little, however large its RAM is. Real addresses throughout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ppcdbg.machine.system import System

PAGE = 4096
ZERO = bytes(PAGE)
HASH_BITS = 128
_MASK = (1 << HASH_BITS) - 1


LONGEST = 64
"""Pages in one stretch."""


class Known:
    """Pages as they were when somebody last looked. One that is not there is zero."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}
        self._hashes: dict[int, int] = {}
        self._total = 0
        self._unhashed: set[int] = set()

    def look(self, stretches: Iterable[tuple[int, bytes | memoryview]]) -> None:
        """Stretches of pages, by address, as they are now."""
        self._take((begin + at, bytes(content[at : at + PAGE])) for begin, content in stretches
                   for at in range(0, len(content), PAGE))  # fmt: skip

    def _take(self, pages: Iterable[tuple[int, bytes]]) -> dict[int, bytes]:
        """Pages as they are now; those that differ, as they were."""
        known, before = self._known, {}
        for page, now in pages:
            then = known.get(page, ZERO)
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

    def total(self) -> int:
        """A hash of all RAM as it was at the last look: the sum of the hashes of its pages, the zero ones left out.

        A sum can be kept up to date page by page; 128 bits of BLAKE2 make an accident impossible, which is all that
        comparing two runs asks for.
        """
        known, hashes = self._known, self._hashes
        for page in self._unhashed:
            value = page_hash(page, known.get(page, ZERO))
            self._total += value - hashes.get(page, 0)
            hashes[page] = value
        self._unhashed.clear()
        return self._total & _MASK


class Written:
    """The pages of one system's RAM that may have been written since somebody last asked, at first all that are used.
    None that was not told before is missing."""

    def __init__(self, system: System) -> None:
        self._read = system.page_reader()
        self._first = set(system.board.ram.used())

    def stretches(self) -> Iterator[tuple[int, int]]:
        """Where they lie: neighbours together, as long as the stretch is short."""
        pages, self._first = self._first | self._read(), set()
        begin = end = -1
        for page in sorted(pages):
            if page != end or end - begin == LONGEST * PAGE:
                if end > begin:
                    yield begin, end
                begin = page
            end = page + PAGE
        if end > begin:
            yield begin, end


class Pages(Known):
    """The pages of one system's RAM."""

    def __init__(self, system: System) -> None:
        super().__init__()
        self._system = system
        self._written = system.page_reader()
        self._ram = system.board.bus.ram
        self._copy(system.board.ram.used())
        self.changed()

    def changed(self) -> dict[int, bytes]:
        """The pages that differ from the last look, as they were then, by address; from now on they are as they are."""
        return self._copy(self._written())

    def _copy(self, pages: Iterable[int]) -> dict[int, bytes]:
        ram = self._ram
        return self._take([(page, bytes(ram[page : page + PAGE])) for page in pages])  # views compare byte by byte

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
