"""g, G, p, P: registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.gdbstub import numbers
from ppcdbg.gdbstub.commands.packet import Packet
from ppcdbg.gdbstub.replies import OK, malformed

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub


def read_general(stub: Stub, argument: bytes) -> bytes:
    return stub.registers.general()


def write_general(stub: Stub, argument: bytes) -> bytes:
    stub.need_life()
    stub.registers.write_general(numbers.data(argument, "the registers"))
    return OK


def read_one(stub: Stub, argument: bytes) -> bytes:
    return stub.registers.read(numbers.number(argument, "a register number"))


def write_one(stub: Stub, argument: bytes) -> bytes:
    which, sign, value = argument.partition(b"=")
    if not sign:
        raise malformed("P needs NUMBER=VALUE")
    stub.need_life()
    stub.registers.write(numbers.number(which, "a register number"), numbers.data(value, "the value"))
    return OK


PACKETS = (
    Packet(b"g", read_general, "read the general registers"),
    Packet(b"G", write_general, "write the general registers"),
    Packet(b"p", read_one, "read one register"),
    Packet(b"P", write_one, "write one register"),
)
