"""qRcmd: gdb's ``monitor`` is the debugger's own command line, shown as any other front end shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppcdbg.debugger.commands.command import Result
from ppcdbg.debugger.results import Quit
from ppcdbg.errors import PpcdbgError
from ppcdbg.gdbstub import numbers
from ppcdbg.gdbstub.commands.packet import Packet
from ppcdbg.gdbstub.replies import OK
from ppcdbg.views import results
from ppcdbg.views.spans import to_text

if TYPE_CHECKING:
    from ppcdbg.gdbstub.stub import Stub

WIDTH = 100
STALE = "The guest has moved, and gdb does not know: 'maintenance flush register-cache' makes it look again.\n"


def command(stub: Stub, argument: bytes) -> bytes:
    """``qRcmd,HEX``: one line; what is wrong with it is one line of text, and the packet has done its work."""
    line = numbers.data(argument.removeprefix(b","), "the command").decode("utf-8", "replace").strip()
    if not stub.alive:  # an error would show as "Protocol error with Rcmd"
        stub.say("the guest has been killed or has ended; 'run' starts it again\n")
        return OK
    debugger = stub.debugger
    before = stub.known or (debugger.position, debugger.pc)
    debugger.script.tell = lambda statement, part: _say(stub, part)  # a script's results as they come
    try:
        result = debugger.execute(line or "help")
    except PpcdbgError as error:
        stub.say(f"{error}\n")
    else:
        if isinstance(result, Quit):
            stub.say("gdb's own 'quit' or 'detach' leaves; the guest stays where it is\n")
        else:
            _say(stub, result)
    finally:
        debugger.script.tell = None
        debugger.forget_interrupt()
    stub.known = before if stub.abandoned else None
    if (debugger.position, debugger.pc) != before:
        stub.say(STALE)
    return OK


def _say(stub: Stub, result: Result) -> None:
    text = to_text(results.lines(result, stub.debugger, WIDTH))
    stub.say(text + "\n" if text else "")


PACKETS = (Packet(b"qRcmd", command, "carry out a command of the debugger"),)
