"""The tutorial: one step in words, with what to type or press; and the list of chapters."""

from __future__ import annotations

from ppcdbg.debugger.lessons import Contents, Lesson
from ppcdbg.views.spans import Line, Span, line, wrap

NEXT = "tutorial next"


def step(found: Lesson, width: int) -> list[Line]:
    """The rows of a step."""
    return [row for row, _ in places(found, width)]


def places(found: Lesson, width: int) -> list[tuple[Line, str]]:
    """The rows of a step, each with the command that it stands for, empty where it stands for none."""
    head = (Span(f"{found.number} {found.title}", "title"), Span(f"  {found.step}/{found.steps}", "dim"))
    out: list[tuple[Line, str]] = [(row, "") for row in wrap(head, width)]
    out += [(row, "") for row in wrap((Span(found.text),), width)]
    for one in found.do:
        done = one in found.done
        sign, role = ("✓ ", "dim") if done else (": ", "mnemonic")
        out += [(row, "" if done else one) for row in wrap((Span(sign, "label"), Span(one, role)), width, 4)]
    if found.key:
        out.append((line(("  or press ", "label"), (found.key, "mnemonic")), ""))
    if not found.ended:
        return out + [(row, NEXT) for row in wrap((Span(f"To pass over it: {NEXT}", "dim"),), width)]
    if not found.further:
        return out + [(row, "") for row in wrap((Span("This was the last chapter.", "dim"),), width)]
    out += [(row, "") for row in wrap((Span("The chapter is done. The next:", "dim"),), width)]
    return [*out, (line((": ", "label"), (NEXT, "mnemonic")), NEXT)]


def contents(found: Contents, width: int) -> list[Line]:
    """The rows of the list of chapters."""
    return [row for row, _ in chapters(found, width)]


def chapters(found: Contents, width: int) -> list[tuple[Line, str]]:
    """The rows of the list, each with the command that begins the chapter; empty where this guest is not its own."""
    out: list[tuple[Line, str]] = []
    for row in found.rows:
        begins = f"tutorial {row.number}" if row.here else ""
        words = (Span(f"{row.number} ", "number"), Span(row.title, "title"),
                 *(() if row.here else (Span(f" (guest {row.opens})", "dim"),)))  # fmt: skip
        out += [(one, begins) for one in wrap(words, width, 2)]
    said = "`tutorial 1` begins; `ppcdbg tutorial N` opens the right guest in the UI"
    return out + [(one, "") for one in wrap((Span(said, "dim"),), width)]


def plain(found: Lesson | Contents | None) -> str:
    """One sentence."""
    if isinstance(found, Lesson):
        more = "the chapter is done" if found.ended else f"step {found.step} of {found.steps}"
        return f"Chapter {found.number}, {found.title}, {more}."
    return "No chapter of the tutorial was begun; `tutorial 1` begins the first."
