"""SPRs, MSR and returns of the vocabulary on IR values; what acts on timers, TLB or debug stays with the interpreter.

Privilege and guest names follow ``cpu.spr_access``; the table of registers is the same ``isa.sprs``.
"""

from __future__ import annotations

from ppcdbg.cpu import interrupts as I
from ppcdbg.cpu import msr as M
from ppcdbg.cpu.spr_access import SELF_CLEARING
from ppcdbg.cpu.state import DEC_DEADLINE, SKIPPED, TB_OFFSET
from ppcdbg.engine.llvm import layout as L
from ppcdbg.engine.llvm.emit import NotEmitted
from ppcdbg.engine.llvm.storage import StorageEmitter
from ppcdbg.engine.llvm.text import ENGINE, STATE, Number, Value
from ppcdbg.isa import slots
from ppcdbg.isa.insn import Insn, Privilege
from ppcdbg.isa.sprs import BY_NAME, GUEST_ALIAS, SLOT, Access, Spr, sprs_of

_MSRP_BITS = M.MSRP_UCLEP | M.MSRP_DEP | M.MSRP_PMMP  # each stands where MSR has the bit that it protects
_TIME = {"TBRL": 0, "ATBL": 0, "TBRU": 32, "ATBU": 32}


class ContextEmitter(StorageEmitter):
    """Everything of a body but its operands and the way on."""

    def go_to(self, target: Number) -> None:
        """The instruction is done; continue at an address, in the context that MSR now names. Ends the function."""
        raise NotImplementedError

    def retired(self) -> Value:
        """Instructions retired before this one."""
        raise NotImplementedError

    def leave_rest(self) -> None:
        """What is left of the instruction is not emitted: the interpreter runs it whole. Ends the function."""
        raise NotImplementedError

    def look(self) -> None:
        """The instruction is done; let interrupts be looked at if one may be pending."""
        raise NotImplementedError

    @property
    def nia(self) -> Value:
        raise NotImplementedError

    # --- privilege --------------------------------------------------------------------------------
    def _refuse_if(self, bits: int, vector: int, esr: int = 0) -> None:
        """The interrupt where MSR has one of ``bits``."""
        with self.when(self.ne(self.reg[slots.MSR] & bits, 0), rare=True):
            self.refuse(vector, esr)

    def check_privilege(self, insn: Insn) -> None:
        """The interrupt that the instruction takes where it may not run."""
        if insn.privilege is Privilege.CACHE_LOCK or insn.name == "rfmci":
            raise NotEmitted(insn.name)  # rare, and not the same on each core
        if insn.privilege is not Privilege.USER:
            self._refuse_if(M.MSR_PR, I.PROGRAM, M.ESR_PPR)
        if insn.privilege is Privilege.HYPERVISOR and self.model.has_hv:
            self._refuse_if(M.MSR_GS, I.HV_PRIV)
        if insn.privilege is Privilege.GUEST_TLB and self.model.has_hv:
            denied = self._in_guest() & self.ne(self.reg[SLOT["EPCR"]] & M.EPCR_DGTMI, 0)
            with self.when(denied, rare=True):
                self.refuse(I.HV_PRIV)
        needs = ((insn.fp, M.MSR_FP, I.FP_UNAVAIL, 0), (insn.spe, M.MSR_SPE, I.SPE_UNAVAIL, M.ESR_SPV))
        for needed, bit, vector, esr in needs:
            if needed:
                with self.when(self.eq(self.reg[slots.MSR] & bit, 0), rare=True):
                    self.refuse(vector, esr)

    def _check_access(self, number: int, access: Access) -> None:
        """As ``cpu.spr_access`` checks an instruction's access to a register that is there."""
        if access is Access.USER:
            return
        self._refuse_if(M.MSR_PR, I.PROGRAM, M.ESR_PPR if number & 0x10 else M.ESR_PIL)
        if access is Access.HYPERVISOR and self.model.has_hv:
            self._refuse_if(M.MSR_GS, I.HV_PRIV)

    # --- SPRs ----------------------------------------------------------------------------------------------------
    def _spr(self, number: int, *, write: bool) -> Spr:
        spr = sprs_of(self.model.name).get(number)
        if spr is None or (spr.write if write else spr.read) is Access.NONE or spr.name in ("BBEAR", "BBTAR"):
            raise NotEmitted(f"SPR {number}")
        return spr

    def _in_guest(self) -> Value:
        return self.compare("ne", self.reg[slots.MSR] & M.MSR_GS, 0)

    def _time_base(self) -> Value:
        skipped, offset = (self.get(64, self.at("%s", L.COUNTERS + 8 * i), STATE) for i in (SKIPPED, TB_OFFSET))
        total: Value = self.retired() + skipped + offset
        return total

    def _decrementer(self) -> Number:
        deadline, skipped = (self.get(64, self.at("%s", L.COUNTERS + 8 * i), STATE) for i in (DEC_DEADLINE, SKIPPED))
        left = self.word(deadline - (self.retired() + skipped))
        return self.choose(self.eq(deadline, 0xFFFFFFFFFFFFFFFF), 0, left)

    def read_spr(self, number: int) -> Number:
        spr = self._spr(number, write=False)
        self._check_access(number, spr.read)
        if spr.name in _TIME:
            return self.word(self._time_base() >> _TIME[spr.name])
        if spr.name == "DEC":
            return self._decrementer()
        if spr.name == "XER":
            parts = (self.reg[slots.SO], 31), (self.reg[slots.OV], 30), (self.reg[slots.CA], 29)
            value = self.reg[slots.XER_COUNT]
            for part, shift in parts:
                value = value | part << shift
            return value
        if spr.name.startswith("SPRG") and spr.name.endswith("R"):
            own: Number = self.reg[SLOT[spr.name[:-1]]]
            if spr.name == "SPRG3R":
                return self.choose(self._in_guest(), self.reg[SLOT["GSPRG3"]], own)
            return own
        if spr.name == "TSR":
            self.leave_rest()
            return 0
        return self.reg[self._slot(spr)]

    def _slot(self, spr: Spr) -> Number:
        """The slot behind a name: the guest's own in guest state, where there is one."""
        alias = GUEST_ALIAS.get(spr.name)
        if alias is None or not self.model.has_hv:
            return spr.slot
        return self.choose(self._in_guest(), SLOT[alias], spr.slot)

    def write_spr(self, number: int, value: Number) -> None:
        spr = self._spr(number, write=True)
        self._check_access(number, spr.write)
        if spr.name == "XER":
            word = self.word(value)
            for slot, shift in ((slots.SO, 31), (slots.OV, 30), (slots.CA, 29)):
                self.reg[slot] = word >> shift & 1
            self.reg[slots.XER_COUNT] = word & 0x7F
            return
        if spr.name in SELF_CLEARING:
            self.reg[spr.slot] = self.word(value) & (SELF_CLEARING[spr.name] ^ 0xFFFFFFFF)
            return
        if not spr.plain:
            self.leave_rest()
            return
        slot = self._slot(spr)
        mask = spr.mask if not isinstance(slot, Value) else self.choose(
            self._in_guest(), BY_NAME[GUEST_ALIAS[spr.name]].mask, spr.mask
        )  # fmt: skip
        if mask == 0xFFFFFFFF:
            self.reg[slot] = value
        else:
            kept = self.reg[slot] & (mask ^ 0xFFFFFFFF)
            self.reg[slot] = self.word(value) & mask | kept

    # --- MSR -----------------------------------------------------------------------------------------------------
    def read_msr(self) -> Number:
        return self.reg[slots.MSR]

    def _writable(self) -> Number:
        """MSR bits that an instruction may change now; see ``cpu.delivery``."""
        mask = self.model.msr_mask
        if not self.model.has_hv:
            return mask
        protected = self.reg[SLOT["MSRP"]] & _MSRP_BITS | M.MSR_GS
        return self.choose(self._in_guest(), (protected ^ 0xFFFFFFFF) & mask, mask)

    def _merge_msr(self, value: Number, mask: Number) -> None:
        old = self.reg[slots.MSR]
        self.reg[slots.MSR] = old & (mask ^ 0xFFFFFFFF) | self.word(value) & mask

    def write_msr(self, value: Number, mask: int = 0xFFFFFFFF) -> None:
        self._merge_msr(value, self._writable() & mask)
        if mask & (L.CONTEXT_BITS | M.MSR_WE):
            self.go_to(self.nia)
        else:
            self.look()

    def return_from(self, pair: str) -> None:
        first: Number = SLOT[pair + "0"]
        second: Number = SLOT[pair + "1"]
        if pair == "SRR" and self.model.has_hv:
            guest = self._in_guest()
            first, second = self.choose(guest, SLOT["GSRR0"], first), self.choose(guest, SLOT["GSRR1"], second)
        target = self.reg[first] & 0xFFFFFFFC
        self._merge_msr(self.reg[second], self._writable())
        self.go_to(target)

    def pending(self) -> Value:
        """Whether an asynchronous interrupt may be deliverable now; never wrong in saying no (``cpu.delivery``)."""
        lines, bells, msr = self.reg[slots.LINES], self.reg[slots.DOORBELLS], self.reg[slots.MSR]
        tsr, tcr, dbsr = self.reg[SLOT["TSR"]], self.reg[SLOT["TCR"]], self.reg[SLOT["DBSR"]]
        dec = tsr >> 1 & tcr & M.TCR_DIE
        fit = tsr >> 3 & tcr & M.TCR_FIE
        watchdog = tsr >> 3 & tcr & M.TCR_WIE
        ordinary = lines & 1 | bells | dec | fit
        urgent = lines & 6 | bells & 0x1A | watchdog | dbsr & (M.DBSR_MRR ^ 0xFFFFFFFF)
        when_ordinary = self.ne(ordinary, 0) & self.ne(msr & (M.MSR_EE | M.MSR_GS), 0)
        bits = M.MSR_CE | M.MSR_ME | M.MSR_DE | M.MSR_GS
        found: Value = when_ordinary | self.ne(urgent, 0) & self.ne(msr & bits, 0)
        return found

    def next_set(self) -> Value:
        """Address of the set of translations for the context that MSR names, or 0."""
        msr = self.word(self.reg[slots.MSR])
        number = msr >> 4 & 3 | msr >> 12 & 4 | msr >> 25 & 8
        return self.get(64, self.at(self.engine_block(), self.wide(number) * 8 + L.SET_TABLE), ENGINE)
