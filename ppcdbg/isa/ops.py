"""The vocabulary of instruction bodies.

A body is a Python function ``body(m, f)``: ``f`` holds the operands by their field names, ``m`` is one of these.
The reference engine binds ``m`` to numbers, a compiling engine binds it to IR values; the same body serves both.

Values are unsigned 32-bit. Python's ``+ - * & | ^`` work on them; a result that may leave 32 bits is followed by
``& M32`` (free in IR). Comparisons go through ``m`` and give 0 or 1. A shift of 32 or more gives what the vocabulary
says, not what the host does. Conditions on static fields are Python's own ``if``; conditions on values are
``select`` or a ``when`` argument. A body must have no effect before the last access to memory that may fault, except
through ``load`` and ``store`` themselves: faults are precise because nothing is undone.
"""

from __future__ import annotations

from typing import Any, Protocol

Value = Any  # an int, or an IR value that behaves like one
Flag = Any  # a Value that is 0 or 1
Operands = Any  # has an attribute for each field of the form


class Words(Protocol):
    def __getitem__(self, index: Any, /) -> Value: ...
    def __setitem__(self, index: Any, value: Value, /) -> None: ...


class Ops(Protocol):
    """What ``m`` offers to a native body. Register arrays are indexed by an operand or by a slot of ``state``."""

    gpr: Words  # 0..31; 32 reads as zero (operand RA0)
    fpr: Words  # 64-bit patterns
    cr: Words  # 0..7, four bits each: LT GT EQ SO = 8 4 2 1
    reg: Words  # slots named in ppcdbg.isa.slots: LR, CTR, CA, OV, SO, MSR, SPR slots ...

    # --- arithmetic -------------------------------------------------------------------------------
    def eq(self, a: Value, b: Value) -> Flag: ...
    def ne(self, a: Value, b: Value) -> Flag: ...
    def ltu(self, a: Value, b: Value) -> Flag: ...
    def lts(self, a: Value, b: Value) -> Flag: ...
    def select(self, flag: Flag, a: Value, b: Value) -> Value:
        """``a`` where ``flag`` is 1, else ``b``; both are computed."""

    def shl(self, a: Value, count: Value) -> Value:
        """``a << count`` in 32 bits; 0 for a count of 32..63."""

    def shr(self, a: Value, count: Value) -> Value:
        """Logical right shift; 0 for a count of 32..63."""

    def sar(self, a: Value, count: Value) -> Value:
        """Arithmetic right shift; 32 copies of the sign for a count of 32..63."""

    def rotl(self, a: Value, count: Value) -> Value: ...
    def clz(self, a: Value) -> Value: ...
    def sext8(self, a: Value) -> Value: ...
    def sext16(self, a: Value) -> Value: ...
    def bswap16(self, a: Value) -> Value: ...
    def bswap32(self, a: Value) -> Value: ...
    def mulhu(self, a: Value, b: Value) -> Value: ...
    def mulhs(self, a: Value, b: Value) -> Value: ...
    def divu(self, a: Value, b: Value) -> Value:
        """Quotient; 0 where the book leaves it undefined."""

    def divs(self, a: Value, b: Value) -> Value:
        """Signed quotient; where the book leaves it undefined, 0 or -1 by the dividend's sign."""

    def add_carry(self, a: Value, b: Value, carry: Flag) -> tuple[Value, Flag]:
        """``a + b + carry`` and the carry out of bit 0."""

    def record(self, value: Value) -> None:
        """CR0 from a signed comparison of ``value`` with 0, and SO."""

    # --- condition register bits, by the operand kinds CRB ----------------------------------------
    def cr_bit(self, bit: Any) -> Flag:
        """One CR bit, 0..31."""

    def set_cr_bit(self, bit: Any, value: Flag) -> None: ...

    # --- memory: big-endian, at effective addresses, translated; may fault or leave the engine ----
    def load(self, size: int, ea: Value) -> Value:
        """1, 2 or 4 bytes, zero-extended."""

    def store(self, size: int, ea: Value, value: Value) -> None:
        """The low 1, 2 or 4 bytes."""

    def load64(self, ea: Value) -> Value:
        """8 bytes as one 64-bit value, for ``fpr``."""

    def store64(self, ea: Value, value: Value) -> None: ...

    def load_multiple(self, first: Any, ea: Value) -> None:
        """Words at ``ea`` on into GPRs ``first``..31; none is written when one faults. ``ea`` must be aligned."""

    def store_multiple(self, first: Any, ea: Value) -> None:
        """GPRs ``first``..31 to words at ``ea`` on. ``ea`` must be aligned."""

    def load_reserve(self, ea: Value) -> Value:
        """A word, with a reservation on its real address; alignment interrupt when misaligned."""

    def store_conditional(self, ea: Value, value: Value) -> Flag:
        """Store a word if the reservation is held there; the reservation is gone. 1 when stored."""

    def zero_block(self, ea: Value) -> None:
        """Zero the cache block (32 or 64 bytes by core) that holds ``ea``."""

    def check_block(self, ea: Value, *, write: bool) -> None:
        """Translate the block at ``ea`` as a load (or store) would, without an access."""

    def check_code(self, ea: Value) -> None:
        """The same of a block of instructions, as a load would."""

    # --- context: emitted by a compiling engine where it can, else done by the core ---------------
    def read_spr(self, number: int) -> Value:
        """mfspr with its privilege and guest remapping; number is static."""

    def write_spr(self, number: int, value: Value) -> None: ...

    def read_msr(self) -> Value: ...

    def write_msr(self, value: Value, mask: int = 0xFFFFFFFF) -> None:
        """The bits of ``mask`` (static); bits that the machine state protects stay."""

    def return_from(self, pair: str) -> None:
        """rfi and its kin: pc and MSR from the named save/restore pair; static."""

    def system_call(self, level: int) -> None: ...

    def instruction_sync(self) -> None:
        """isync: what the instruction stream changed is seen from here on."""

    # --- control ----------------------------------------------------------------------------------
    @property
    def cia(self) -> Value:
        """Address of this instruction."""

    @property
    def nia(self) -> Value:
        """Address of the next one in storage."""

    def jump_relative(self, offset: Value, when: Flag = 1) -> None:
        """Continue at ``cia + offset`` where ``when`` is 1. At most one jump in a body, and it is the last act."""

    def jump(self, target: Value, when: Flag = 1) -> None:
        """Continue at an absolute address (its two low bits already clear)."""

    def program(self, esr: int, when: Flag = 1) -> None:
        """A Program interrupt with these ESR bits where ``when`` is 1, before any effect."""


class SystemOps(Ops, Protocol):
    """What bodies marked ``native=False`` may use besides: they run on Python numbers only."""

    core: Any

    def synchronize(self) -> None:
        """The context changed: interrupts and translations are looked at again after this instruction."""

    def lock_line(self, ea: int, *, data: bool) -> None:
        """A cache lock that fails: sets L1CSR0[CUL] or L1CSR1[ICUL]."""

    def external_load(self, size: int, ea: int) -> int: ...
    def external_store(self, size: int, ea: int, value: int) -> None: ...
    def external_check(self, ea: int, *, write: bool) -> None: ...
    def external_zero(self, ea: int) -> None: ...
    def read_pmr(self, number: int) -> int: ...
    def write_pmr(self, number: int, value: int) -> None: ...
    def read_dcr(self, number: int) -> int:
        """A device control register; an illegal instruction on a core that has none, privileged on one that has."""

    def write_dcr(self, number: int, value: int) -> None: ...
    def wait(self) -> None: ...
    def hypervisor_privilege(self) -> None: ...
    def float_enabled_exception(self) -> None:
        """Program interrupt with ESR[FP] at this instruction if MSR[FE0,FE1] and FPSCR[FEX] say so; effects stand."""

    def require_aligned(self, ea: int, size: int, *, store: bool) -> None:
        """Alignment interrupt where ``ea`` is no multiple of ``size`` (a power of two)."""

    def embedded_float_data(self) -> None:
        """Embedded floating-point data interrupt at this instruction; what it wrote stands."""

    def embedded_float_round(self) -> None:
        """Embedded floating-point round interrupt after this instruction, which has happened."""
