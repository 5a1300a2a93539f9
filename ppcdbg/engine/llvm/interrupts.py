"""Taking synchronous interrupts in compiled code: what ``cpu.delivery`` does for those that save to SRR or GSRR.

VECTOR, ESR and DEAR say which one; ``@raise`` saves the instruction's own address, ``@call`` counts it and saves the
next one's. Where a tenant stands behind hypervisor state the run ends with the interrupt taken.
"""

from __future__ import annotations

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu import msr as M
from ppcdbg.cpu.delivery import GUEST_BIT
from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.models import CoreModel
from ppcdbg.cpu.observe import AT, FIRST, FIRST_PC
from ppcdbg.cpu.state import IN_A_ROW, TAKEN_AT
from ppcdbg.engine.common.interpreter import STUCK_AFTER
from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.emit import SIGNATURE
from ppcdbg.engine.llvm.layout import Left
from ppcdbg.engine.llvm.mmu import Helper
from ppcdbg.engine.llvm.text import ENGINE, STATE, Number, Value
from ppcdbg.engine.llvm.threaded import leaving
from ppcdbg.isa import slots
from ppcdbg.isa.sprs import SLOT

VECTORS_HERE = 64
_KEPT = M.MSR_CE | M.MSR_ME | M.MSR_DE
_GUEST_VECTORS = (2, 3, 4, 8, 13, 14)  # those with a GIVOR


def _table(name: str, values: dict[int, int]) -> str:
    words = ", ".join(f"i32 {values.get(vector, 0)}" for vector in range(VECTORS_HERE))
    return f"@{name} = private constant [{VECTORS_HERE} x i32] [{words}]\n"


def _tables(model: CoreModel) -> str:
    """By vector: slots of IVOR and GIVOR, the EPCR bit that sends it to the guest, which registers it sets."""
    ivors = {n: SLOT[f"IVOR{n}"] for n in VECTORS if f"IVOR{n}" in SLOT}
    givors = {n: SLOT[f"GIVOR{n}"] for n in _GUEST_VECTORS}
    bits = {n: bit - (1 << 32) if bit >> 31 else bit for n, bit in GUEST_BIT.items()}
    sets = {n: v.sets_esr | v.sets_dear << 1 for n, v in VECTORS.items()}
    return _table("ivors", ivors) + _table("givors", givors) + _table("guest_bits", bits) + _table("sets", sets)


class Interrupting(Helper):
    """Writes ``@raise``, ``@call`` and ``@interrupt``."""

    def entry(self, *, completed: bool) -> str:
        """Note the address to save, settle the count, and take the interrupt if that may be done here."""
        refused = self.eq(self.variable(L.NATIVE_INTERRUPTS), 0)
        with self.when(refused, rare=True):
            self.leave(Left.INTERPRET)
        full = self.eq(self.variable(L.LOG_COUNT), L.LOG_LENGTH)
        with self.when(full, rare=True):
            self.leave(Left.INTERPRET)
        self.reg[slots.PC] = self.nia if completed else self.cia
        self.tail("@interrupt", "null", self._spend().text if completed else "%n")
        return self.function("@call" if completed else "@raise", "internal i64", SIGNATURE)

    def _by_vector(self, table: str, vector: Value) -> Value:
        return self.make(f"load i32, ptr {self.at(f'@{table}', vector * 4)}", 32)

    def take(self) -> str:
        """``cpu.delivery.take``: PC holds the address to save; ``%n`` counts what has retired."""
        vector = self.variable(L.VECTOR)
        msr, saved = self.word(self.reg[slots.MSR]), self.word(self.reg[slots.PC])
        guest: Number = 0
        if self.model.has_hv:
            wanted = self.eq(vector, I.SYSCALL) | self.ne(
                self.reg[SLOT["EPCR"]] & self._by_vector("guest_bits", vector), 0
            )
            guest = self.ne(msr & M.MSR_GS, 0) & wanted
        self._miss_defaults(vector, msr, saved, guest)
        sets = self._by_vector("sets", vector)
        self.reg[self._own("SRR0", "GSRR0", guest)] = saved
        self.reg[self._own("SRR1", "GSRR1", guest)] = msr
        for bit, name, value in ((1, "ESR", L.ESR), (2, "DEAR", L.DEAR)):
            slot = self._own(name, "G" + name, guest)
            self.reg[slot] = self.choose(self.ne(sets & bit, 0), self.word(self.variable(value)), self.reg[slot])
        self._enter_vector(vector, msr, guest)
        self._log(vector, saved, msr, guest)
        self._count_and_go(vector, guest)
        return self.function("@interrupt", "internal i64", SIGNATURE)

    def _own(self, name: str, guest_name: str, guest: Number) -> Number:
        return self.choose(guest, SLOT[guest_name], SLOT[name])

    def _enter_vector(self, vector: Value, msr: Value, guest: Number) -> None:
        kept: Number = _KEPT
        prefix = self.word(self.reg[SLOT["IVPR"]])
        offset = self.word(self.reg[self._by_vector("ivors", vector)])
        if self.model.has_hv:
            protected = self.word(self.reg[SLOT["MSRP"]]) & (M.MSRP_UCLEP | M.MSRP_DEP | M.MSRP_PMMP)
            kept = self.choose(guest, protected | M.MSR_GS | _KEPT, _KEPT)
            prefix = self.word(self.choose(guest, self.reg[SLOT["GIVPR"]], prefix))
            offset = self.word(self.choose(guest, self.reg[self._by_vector("givors", vector)], offset))
        self.reg[slots.MSR] = msr & kept
        self.reg[slots.PC] = prefix & 0xFFFF0000 | offset & 0xFFF0
        self.reg[slots.WAITING] = 0

    def _miss_defaults(self, vector: Value, msr: Value, saved: Value, guest: Number) -> None:
        """MAS registers on a TLB miss, as ``cpu.mmu.load_miss_defaults``."""
        fetch = self.eq(vector, I.ITLB_MISS)
        wanted = fetch | self.eq(vector, I.DTLB_MISS)
        if self.model.has_hv:
            stays = self.eq(self.word(self.reg[SLOT["EPCR"]]) & M.EPCR_DMIUH, 0)
            wanted = wanted & (stays | guest)
        with self.when(wanted, ends=False):
            mas4 = self.word(self.reg[SLOT["MAS4"]])
            ea = self.word(self.choose(fetch, saved, self.word(self.variable(L.DEAR))))
            space = self.word(self.choose(fetch, msr >> 5, msr >> 4)) & 1
            which = mas4 >> 16 & 0xF
            pid: Number = self.choose(self.eq(which, 0), self.reg[SLOT["PID"]], 0)
            if self.model.pids == 3:
                for number, name in ((1, "PID1"), (2, "PID2")):
                    pid = self.choose(self.eq(which, number), self.reg[SLOT[name]], pid)
            array = mas4 >> 28 & 3
            zero = self.eq(array, 0)
            way = self.word(self.choose(zero, self.reg[slots.NV], 0))
            following = self.choose(zero, way + 1 & 3, 0)
            self.reg[SLOT["MAS0"]] = array << 28 | way << 16 | following
            self.reg[SLOT["MAS1"]] = self.word(pid) << 16 | space << 12 | mas4 & 0xF80 | 0x80000000
            self.reg[SLOT["MAS2"]] = ea & 0xFFFFF000 | mas4 & 0x7F
            self.reg[SLOT["MAS3"]] = 0
            self.reg[SLOT["MAS7"]] = 0
            self.reg[SLOT["MAS6"]] = self.word(self.reg[SLOT["PID"]]) << 16 | space

    def _log(self, vector: Value, saved: Value, msr: Value, guest: Number) -> None:
        """For an observer that may be told later, or that only counts (``cpu.observe.Tally``)."""
        with self.when(self.eq(self.variable(L.NATIVE_INTERRUPTS), L.LOGGED), ends=False):
            count = self.variable(L.LOG_COUNT)
            place = self.at(self.engine_block(), count * L.LOG_ENTRY + L.LOG)
            for i, value in enumerate((vector, saved, msr, self.choose(guest, 1, 0))):
                self.put(32, self.at(place, 4 * i), value, ENGINE)
            self.put(64, self.at(place, 16), self.retired(), ENGINE)
            self.set_variable(L.LOG_COUNT, count + 1)
        with self.when(self.eq(self.variable(L.NATIVE_INTERRUPTS), L.COUNTED), ends=False):
            table = self.get_pointer(self.at(self.engine_block(), L.COUNTS))
            own = self.at(table, self.wide(vector) * 8)
            self.put(64, own, self.get(64, own, ENGINE) + 1, ENGINE)
            position = self.at(table, 8 * AT)
            with self.when(self.ne(self.get(64, position, ENGINE), self.retired()), ends=False):
                self.put(64, self.at(table, 8 * FIRST), self.wide(vector), ENGINE)
                self.put(64, self.at(table, 8 * FIRST_PC), self.wide(saved), ENGINE)
                self.put(64, position, self.retired(), ENGINE)

    def _count_and_go(self, vector: Value, guest: Number) -> None:
        retired = self.retired()
        taken_at, before = (self.at("%s", L.COUNTERS + 8 * which) for which in (TAKEN_AT, IN_A_ROW))
        again = self.eq(retired, self.get(64, taken_at, STATE))
        in_a_row = self.choose(again, self.get(64, before, STATE) + 1, 1)
        self.put(64, before, in_a_row, STATE)
        self.put(64, taken_at, retired, STATE)
        with self.when(self.make(f"icmp ugt i64 {self.as_bits(in_a_row, 64)}, {STUCK_AFTER}", 1), rare=True):
            self.tail(leaving(Left.STUCK), "null", "%n")
        to_tenant = self.ne(self.variable(L.TENANT), 0) & (self.flag_of(guest) ^ 1)
        with self.when(to_tenant):
            self.tail("@tenant", "null", "%n")
        self.tail("@switch", "null", "%n")

    def flag_of(self, value: Number) -> Number:
        return self.ne(value, 0) if isinstance(value, Value) else value


def no_tenant(model: CoreModel) -> str:
    """``@tenant`` where nobody brought code for it: every interrupt to hypervisor state is Python's."""
    h = Helper(model)
    h.tail(leaving(Left.EXIT), "null", "%n")
    return h.function("@tenant", "internal i64", SIGNATURE)


def interrupts_text(model: CoreModel) -> str:
    """IR of this file's functions and tables."""
    return "\n".join(
        (_tables(model), Interrupting(model).entry(completed=False), Interrupting(model).entry(completed=True),
         Interrupting(model).take())
    )  # fmt: skip
