"""Colours of what is typed and of disassembly: pygments lexers made of the registry's words and the book's names.

The one room that knows pygments; what goes out are spans with roles. Lexers are made when first asked for.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.debugger.causes import PRIORITIES
from ppcdbg.debugger.commands import registry
from ppcdbg.debugger.eventwords import KINDS
from ppcdbg.debugger.fields import FIELDS, SYNONYMS
from ppcdbg.errors import UsageError
from ppcdbg.isa.sprs import SPRS
from ppcdbg.views.spans import Line, Span

if TYPE_CHECKING:
    from pygments.lexer import RegexLexer

_ROLES = {
    "Keyword": "selected", "Keyword.Reserved": "did", "Name.Class": "exit", "Name.Attribute": "label",
    "Name.Variable": "register", "Number": "number", "String": "symbol", "Comment": "dim", "Operator": "text",
    "Punctuation": "text", "Name.Function": "mnemonic",
}  # fmt: skip
"""Kinds of pygments' tokens, and the role each has here. ``selected`` is what every theme makes bold."""

_VERBATIM = ("echo", "document", "source", "send")
"""Commands whose argument is text and not an expression."""


def command_spans(text: str) -> list[Line]:
    """What was typed, line by line; a command is told from a word that is none."""
    return [_command_line(line) for line in text.split("\n")]


def operand_spans(text: str) -> Line:
    """The operands of one instruction."""
    return _operands(text)


@lru_cache(maxsize=4096)
def _operands(text: str) -> Line:
    return tuple(_spans(text, operand_lexer(), "operand"))


def _command_line(line: str) -> Line:
    text = line.strip()
    lead = line[: len(line) - len(line.lstrip())]
    if not text:
        return (Span(line),) if line else ()
    if text.startswith("#"):
        return (Span(line, "dim"),)
    head, name = _head(text)
    spans = [Span(lead), Span(head, "selected" if name else "text")]
    rest = line[len(lead) + len(head) :]
    if name in _VERBATIM:
        spans.append(Span(rest, "symbol"))
    elif name == "monitor":
        spans += _command_line(rest)
    else:
        spans += _spans(rest, argument_lexer(), "text")
    return tuple(s for s in spans if s.text)


def _head(text: str) -> tuple[str, str]:
    """The words that name the command, and its name; an empty name where there is none."""
    if text in ("end", "else"):
        return text, text
    try:
        command, rest = registry.find(text)
    except UsageError:
        return text.split(None, 1)[0], ""
    return text[: len(text) - len(rest)].rstrip(), command.name


def _spans(text: str, lexer: RegexLexer, default: str) -> list[Span]:
    out: list[Span] = []
    for _, kind, value in lexer.get_tokens_unprocessed(text):
        while str(kind).removeprefix("Token.") not in _ROLES and kind.parent is not None:
            kind = kind.parent
        out.append(Span(value, _ROLES.get(str(kind).removeprefix("Token."), default)))
    return out


@cache
def argument_lexer() -> RegexLexer:
    """Expressions, events and conditions."""
    from pygments.lexer import RegexLexer, words
    from pygments.token import Keyword, Name, Number, Operator, String, Text

    exits = sorted({v.name for v in VECTORS.values()} | set(PRIORITIES) | {s.name for s in SPRS})
    fields = sorted({*FIELDS, *SYNONYMS})

    class Arguments(RegexLexer):  # type: ignore[misc]
        name = "ppcdbg arguments"
        tokens: Any = {
            "root": [
                (r"\s+", Text),
                (r'"(?:[^"\\]|\\.)*"?', String),
                (r"'(?:[^'\\]|\\.)*'?", String),
                (r"\$[A-Za-z_]\w*", Name.Variable),
                (r"0[xX][0-9a-fA-F_]+|0[bB][01_]+|\d[\d_]*\b", Number),
                (r"--?[a-z][\w-]*", Keyword.Reserved),
                (words(("if", "and", "or", "not", "read", "write"), prefix=r"\b", suffix=r"\b"), Keyword.Reserved),
                (words(exits, prefix=r"\b", suffix=r"\b"), Name.Class),
                (words([*KINDS, *fields], prefix=r"\b", suffix=r"\b(?!\s*\()"), Name.Attribute),
                (r"^/[\w-]+", Keyword.Reserved),
                (r"[A-Za-z_.][\w.$]*", Name),
                (r"[-+*/%&|^~!<>=()]+", Operator),
                (r".", Text),
            ]
        }

    return Arguments()


@cache
def operand_lexer() -> RegexLexer:
    """Registers, numbers and what stands between them."""
    from pygments.lexer import RegexLexer
    from pygments.token import Name, Number, Punctuation, Text

    class Operands(RegexLexer):  # type: ignore[misc]
        name = "ppcdbg operands"
        tokens: Any = {
            "root": [
                (r"(?:r|f|cr)\d+\b", Name.Variable),
                (r"-?(?:0x[0-9a-f]+|\d+)\b", Number),
                (r"[(),]", Punctuation),
                (r"[^\W\d]\w*", Text),
                (r".", Text),
            ]
        }

    return Operands()
