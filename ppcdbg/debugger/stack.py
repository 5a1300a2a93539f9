"""The guest's call chain, found without debug data: the back chain of the PowerPC ABI, and prologues.

Each frame begins with the address of the caller's frame, and the word behind that holds where the callee returns to
(System V ABI, PowerPC supplement, 3.2.2). A function that has not yet saved LR, or never does, has it in the register:
the instructions between its beginning and pc tell. Linux marks the frame that an interrupt made with "REGS", and what
it saved follows (arch/powerpc/include/asm/ptrace.h, STACK_FRAME_REGS_MARKER); the chain goes on at the pc found there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ppcdbg.debugger.debugger import Debugger

DEEPEST = 64
PROLOGUE = 64
"""Instructions of a function that are looked at."""
REGS = 0x52454753
_MARKER, _REGISTERS = 8, 16
_NIP, _LINK, _TRAP = 32 * 4, 36 * 4, 40 * 4
"""Offsets in struct pt_regs."""
_STWU_R1, _STW_R0_R1 = 0x94210000, 0x90010000


@dataclass(frozen=True, slots=True)
class CallFrame:
    """``pc`` is where the frame's function goes on, ``sp`` its stack pointer. ``trap``: the frame was interrupted there
    by the vector of that offset; None for a call. ``guess``: LR was taken for the return address without proof."""

    level: int
    pc: int
    sp: int
    name: str
    trap: int | None = None
    guess: bool = False


@dataclass(frozen=True)
class Backtrace:
    """``ends`` says in words why there are no further frames."""

    frames: tuple[CallFrame, ...]
    ends: str


def backtrace(debugger: Debugger, most: int = DEEPEST) -> Backtrace:
    """The frames from the innermost one out."""
    memory, symbols = debugger.memory, debugger.symbols
    pc, sp, lr = debugger.pc, debugger.value("$r1") & 0xFFFFFFFF, debugger.value("$lr") & ~3
    frames = [CallFrame(0, pc, sp, symbols.name(pc))]
    framed, saved = _prologue(debugger, pc)
    trap: int | None = None
    while len(frames) < most:
        back = memory.number(sp, 4)
        guess = False
        if not saved and (trap is None and len(frames) == 1 or trap is not None):
            pc, guess = lr, True
            if framed:
                if back is None:
                    return Backtrace(tuple(frames), f"the back chain at {sp:08x} cannot be read")
                sp = back
        else:
            holder = back if framed else sp
            if holder is None:
                return Backtrace(tuple(frames), f"the back chain at {sp:08x} cannot be read")
            if holder == 0:
                return Backtrace(tuple(frames), "the back chain ends")
            if framed and holder <= sp:
                return Backtrace(tuple(frames), f"the back chain at {sp:08x} leads back, to {holder:08x}")
            link = memory.number(holder + 4, 4)
            if not link:
                return Backtrace(tuple(frames), "the outermost frame returns to nowhere")
            pc, sp = link & ~3, holder
        frames.append(CallFrame(len(frames), pc, sp, symbols.name(pc), None, guess))
        framed, saved, trap = True, True, None
        if memory.number(sp + _MARKER, 4) == REGS:
            found = _interrupted(debugger, sp, len(frames))
            if found is None:
                return Backtrace(tuple(frames), f"what the interrupt saved at {sp + _REGISTERS:08x} cannot be read")
            frame, lr = found
            frames.append(frame)
            pc, sp, trap = frame.pc, frame.sp, frame.trap
            framed, saved = _prologue(debugger, pc)
    return Backtrace(tuple(frames), f"only {most} frames are shown")


def _interrupted(debugger: Debugger, sp: int, level: int) -> tuple[CallFrame, int] | None:
    memory, regs = debugger.memory, sp + _REGISTERS
    pc, link, trap, stack = (memory.number(regs + offset, 4) for offset in (_NIP, _LINK, _TRAP, 4))
    if pc is None or link is None or trap is None or stack is None:
        return None
    return CallFrame(level, pc, stack, debugger.symbols.name(pc), trap & ~0xF), link & ~3


def _prologue(debugger: Debugger, pc: int) -> tuple[bool, bool]:
    """Whether the function at pc has made its frame, and whether it has saved LR there."""
    place = debugger.symbols.place(pc)
    if place is None:
        return True, True
    framed = saved = False
    for address in range(pc - place.offset, min(pc, pc - place.offset + 4 * PROLOGUE), 4):
        word = debugger.memory.instruction(address)
        if word is None:
            break
        if word & 0xFFFF0000 == _STWU_R1:
            framed = True
        elif word & 0xFFFF0000 == _STW_R0_R1:
            saved = True
    return framed, saved
