"""One sentence for each pane: there is one, it is true, and the prompt prints it."""

from __future__ import annotations

import pytest

from ppcdbg.debugger import open_guest
from ppcdbg.debugger.debugger import Debugger
from ppcdbg.debugger.topics import names
from ppcdbg.errors import UsageError
from ppcdbg.tui.panes.table import KINDS
from ppcdbg.views.results import lines
from ppcdbg.views.spans import length, to_text
from ppcdbg.views.summaries import SENTENCES, sentence

TOPICS = names()


@pytest.fixture(scope="module")
def demo() -> Debugger:
    debugger = open_guest("demo", engine="reference")
    debugger.step_exit(40)
    return debugger


def test_every_pane_has_a_sentence_and_the_command_knows_them() -> None:
    assert tuple(SENTENCES) == TOPICS
    assert {kind.name for kind in KINDS if kind.command} <= set(TOPICS)


@pytest.mark.parametrize("guest", [{}, {"hv": "none"}, {"cpu": "e500mc"}])
def test_each_is_one_sentence_at_any_moment(guest: dict[str, str]) -> None:
    debugger = open_guest("demo", engine="reference", **guest)  # type: ignore[arg-type]
    for _ in range(3):
        for topic in TOPICS:
            text = to_text([sentence(topic, debugger)])
            assert len(text) > 15 and "\n" not in text and text == text.strip(), topic
        debugger.continue_(debugger.position + 2000)


def test_what_they_say_is_so(demo: Debugger) -> None:
    assert to_text([sentence("exits", demo)]).startswith("40 exits so far; the most frequent are")
    assert f"{demo.position:,} instructions retired" in to_text([sentence("statistics", demo)])
    assert f"pc is {demo.pc:08x}" in to_text([sentence("disassembly", demo)])
    told = to_text(lines(demo.execute("tell"), demo, 78))
    assert all(f"{topic}: " in told for topic in TOPICS)
    assert all(length(row) <= 78 for row in lines(demo.execute("tell"), demo, 78))
    with pytest.raises(UsageError, match="did you mean irqprio"):
        demo.execute("tell irqpri")
