"""What names mean in an expression: the running guest's registers, symbols, memory, and one exit record.

Where a word is both a register and a field of a record (``pc``, ``msr``, ``esr``), a condition on exits reads the
record, everything else the register.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from ppcdbg.debugger import fields, magic, registers
from ppcdbg.debugger.expressions import Scalar, Values
from ppcdbg.debugger.syntax import U32, U64, Type
from ppcdbg.errors import UsageError
from ppcdbg.kvm.records import ExitRecord

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

Holder = Callable[[], ExitRecord | None]


OWN_VARIABLES: dict[str, str] = {
    "_insn": "the position: retired guest instructions",
    "_exits": "how many exits there were so far",
    "_ended": "1 when the run is over",
    "_breakpoint": "the number of the breakpoint that the guest stands at, or 0",
}
"""What scripts ask beside registers, and what each is."""


def own_variable(debugger: Debugger, name: str) -> int | None:
    """The value of one of ``OWN_VARIABLES``; None for any other name."""
    match name:
        case "_insn":
            return debugger.position
        case "_exits":
            return len(debugger.exits)
        case "_ended":
            return int(debugger.system.ended is not None)
        case "_breakpoint":
            return debugger.last.breakpoints[0] if debugger.last.breakpoints else 0
    return None


class DebuggerScope:
    """Implements ``expressions.Scope``. ``record`` gives the record that fields are read from, when asked.

    ``own`` are the names of the fields of ``Runner.happened`` that the event at hand has.
    """

    def __init__(
        self, debugger: Debugger, record: Holder | None = None, on_exits: bool = False, own: Collection[str] = ()
    ) -> None:
        self.debugger = debugger
        self.own = own
        self.record: Holder = record or (lambda: debugger.last.record or debugger.last_exit())
        self.on_exits = on_exits

    def has_register(self, name: str) -> bool:
        if self.debugger.register_file.canonical(name) is not None or name in self.variable_names():
            return True
        if magic.register(self.debugger, name) is not None:
            return True
        return self.debugger.values.has(name) or self.bits(name) is not None

    def bits(self, name: str) -> tuple[str, int, int] | None:
        """``msr.ee`` as register, shift and mask."""
        base, dot, part = name.partition(".")
        known = self.debugger.register_file.canonical(base) if dot else None
        found = None if known is None else registers.part_of(known, part)
        return None if found is None or known is None else (known, *found)

    def variable_names(self) -> list[str]:
        """The debugger's own variables, and those that the user set."""
        return [*OWN_VARIABLES, *self.debugger.script.variables]

    def register(self, name: str) -> int:
        file = self.debugger.register_file
        known = file.canonical(name)
        if known is not None:
            return file.read(known)
        part = self.bits(name)
        if part is not None:
            return file.read(part[0]) >> part[1] & part[2]
        own = own_variable(self.debugger, name)
        if own is not None:
            return own
        field = magic.register(self.debugger, name)
        if field is not None:
            return magic.value(self.debugger, field.name)
        found = self.debugger.script.variables.get(name)
        return (found if found is not None else self.debugger.values.value(name)).number

    def register_type(self, name: str) -> Type:
        if self.debugger.register_file.canonical(name) is not None or self.bits(name) is not None:
            return U32
        if name in OWN_VARIABLES:
            return U64
        field = magic.register(self.debugger, name)
        if field is not None:
            return U64 if field.size == 8 else U32
        found = self.debugger.script.variables.get(name)
        return (found if found is not None else self.debugger.values.value(name)).type

    def register_names(self) -> list[str]:
        return [*self.debugger.register_file.order, *magic.register_names(self.debugger)]

    def symbol(self, name: str) -> int | None:
        return self.debugger.symbols.address(name)

    def nearest(self, name: str) -> str:
        """Registers for ``$name``; otherwise the most alike of fields, exit names and symbols."""
        if name.startswith("$"):
            return nearest_of(name, ["$" + n for n in self.register_names()])
        exits = fields.values_of("exit")
        if name.upper() in exits:
            return f"exit == {name.upper()}"
        symbols = self.debugger.symbols
        words = [*fields.FIELDS, *exits, *symbols.starting_with(name[:1], 3000)]
        words += symbols.starting_with("_" + name[:3], 500)
        return nearest_of(name, [word for word in words if word != name])  # one that means nothing here, if any

    def load(self, address: int, size: int) -> int:
        value = self.debugger.memory.number(address, size)
        if value is None:
            raise UsageError(f"cannot read {size} bytes at {address:#x}: {self.debugger.why_unreadable(address)}")
        return value

    def field(self, name: str) -> Callable[[], Values] | None:
        if name in self.own:
            runner = self.debugger.runner
            return lambda: (runner.happened[name],) if name in runner.happened else ()
        if not self.on_exits and self.debugger.register_file.canonical(name) is not None:
            return None
        read = fields.reader(name) or self.record_bits(name)
        if read is None:
            return None
        reader, record, symbols = read, self.record, self.debugger.symbols

        def run() -> Values:
            found = record()
            if found is None:
                raise UsageError(f"{name} is a field of an exit, and there has been no exit yet")
            return reader(found, symbols)

        return run

    def record_bits(self, name: str) -> fields.Reader | None:
        """``msr.pr`` of an exit record."""
        base, dot, part = name.partition(".")
        whole = fields.reader(base) if dot and self.on_exits else None
        found = None if whole is None else registers.part_of(base, part)
        if whole is None or found is None:
            return None
        shift, mask = found
        return lambda record, symbols: tuple(v >> shift & mask for v in whole(record, symbols) if isinstance(v, int))

    def constant(self, field: str, name: str) -> Scalar | None:
        return fields.constant(field, name)


def nearest_of(name: str, names: list[str]) -> str:
    """The most alike of some names in either case, or an empty string."""
    found = difflib.get_close_matches(name, names, 1, 0.6) or difflib.get_close_matches(name.upper(), names, 1, 0.6)
    return found[0] if found else ""
