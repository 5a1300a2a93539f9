"""The block that compiled code and Python share."""

from __future__ import annotations

from ppcdbg.engine.llvm import layout as L

_PLACES = (
    "N OP LIMIT STATE RAM RAM_SIZE PAGE_OPS PAGE_MARKS SLAB_NEXT SLAB_END SET_COUNT SETS STATUS ADDRESS SIZE VALUE"
    " PENDING KEY TLB1_VALID FLUSH BREAKPOINTS DECODED VECTOR NATIVE_INTERRUPTS TENANT ESR DEAR"
    " LOG_COUNT FREE_PAGES PRESENT SET_TABLE TENANT_BLOCK SHORTCUTS WATCHES STRAYS STRAY_TABLE LOG"
)


def test_every_variable_has_a_place_of_its_own() -> None:
    """Two that came at the same time once shared one."""
    sizes = {"SET_TABLE": 128, "STRAY_TABLE": 8 * L.STRAY_ENTRIES, "LOG": L.LOG_LENGTH * L.LOG_ENTRY}
    taken: dict[int, str] = {}
    for name in _PLACES.split():
        start = getattr(L, name)
        for place in range(start, start + sizes.get(name, 8), 8):
            assert place not in taken, f"{name} lies on {taken.get(place)}"
            taken[place] = name
    assert max(taken) + 8 == L.BLOCK_SIZE
