"""Introductions: what both ends can do, and the questions that gdb asks every target once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.gdbstub.commands.packet import Packet
from ppcdbg.gdbstub.packets import LONGEST
from ppcdbg.gdbstub.replies import OK, UNSUPPORTED

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub

MOST_FEATURES = 256
_ALWAYS = (
    "qXfer:features:read+", "qXfer:threads:read+", "qXfer:osdata:read+", "multiprocess+", "vContSupported+",
    "swbreak+", "hwbreak+", "no-resumed+", "error-message+", "ConditionalBreakpoints+", "BreakpointCommands+",
    "binary-upload+",
)  # fmt: skip
"""QStartNoAckMode is understood and not offered: without acknowledgements nobody can tell that gdb has left a command,
and it takes what comes late for the answer to what it asks next."""


def supported(stub: Stub, argument: bytes) -> bytes:
    """``qSupported[:feature;...]``: each ``name+``, ``name-``, ``name?`` or ``name=value``; unknown ones are noted."""
    client = stub.client
    client.features = {}
    for word in argument.removeprefix(b":").decode("ascii", "replace").split(";")[:MOST_FEATURES]:
        name, sign, value = word.partition("=")
        if not sign:
            name, value = word[:-1], word[-1:]
        client.features[name] = value
    wants = {name for name, value in client.features.items() if value == "+"}
    client.multiprocess = "multiprocess" in wants
    client.swbreak, client.hwbreak = "swbreak" in wants, "hwbreak" in wants
    client.error_message = "error-message" in wants
    offers = [f"PacketSize={LONGEST:x}", *_ALWAYS]
    if stub.reverse is not None:
        offers += ["ReverseStep+", "ReverseContinue+"]
    return ";".join(offers).encode()


def no_acks(stub: Stub, argument: bytes) -> bytes:
    """From the acknowledgement of this reply on neither end acknowledges."""
    stub.client.no_acks = True
    return OK


def empty(stub: Stub, argument: bytes) -> bytes:
    """Questions whose honest answer is the empty one: the guest is no process with sections, traces or an auxv."""
    return UNSUPPORTED


def symbol(stub: Stub, argument: bytes) -> bytes:
    """``qSymbol::``: gdb offers to look symbols up; none are needed."""
    return OK


def attached(stub: Stub, argument: bytes) -> bytes:
    """The guest was here before gdb: it detaches at the end and does not kill."""
    return b"1"


PACKETS = (
    Packet(b"qSupported", supported, "what both ends can do"),
    Packet(b"QStartNoAckMode", no_acks, "go on without acknowledgements"),
    Packet(b"vMustReplyEmpty", empty, "how an unknown packet is answered"),
    Packet(b"qOffsets", empty, "section offsets: the guest is not relocated"),
    Packet(b"qTStatus", empty, "tracepoints: there are none"),
    Packet(b"qSymbol", symbol, "symbols that gdb could look up"),
    Packet(b"qAttached", attached, "whether gdb came to a guest that was there"),
)
