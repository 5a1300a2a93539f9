"""Python's side of the native exits: when they may be, their rows taken over, and the device accesses they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ppcdbg.cpu.bus import BusFault
from ppcdbg.engine.api import Engine, TenantHost
from ppcdbg.kvm import codes
from ppcdbg.kvm import words as W
from ppcdbg.kvm.blocks import MMIO
from ppcdbg.kvm.host import Backing
from ppcdbg.kvm.log import WRITES
from ppcdbg.kvm.vmm import BoardUserspace
from ppcdbg.machine.system import Limits, Stop

if TYPE_CHECKING:
    from ppcdbg.kvm.run import KvmSystem

_ACTION = 10
"""Of ``words.ROW`` in words of 32 bits: which is the action."""


class Native:
    """Of one system. Without an engine that runs :mod:`.code` nothing here has an effect."""

    def __init__(self, system: KvmSystem, engine: Engine) -> None:
        self._system = system
        self._v = v = system.kvm
        self._words = words = v.words
        self._there = (
            isinstance(engine, TenantHost) and engine.serve(W.address(words)) and not v.quirks.exit_number_in_r5
        )
        words[W.SHADOW] = v.vm.host.backing is Backing.ANON
        self._simple = v.quirks.mmio_commits_first and type(system.userspace) is BoardUserspace
        self._devices = False
        words[W.KERNEL_BASE], words[W.KERNEL_SIZE] = v.vm.mpic_in_kernel or (0, 0)
        self._rows = memoryview(v.rows).cast("B")
        self._actions = self._rows.cast("I")[_ACTION:]
        self._wanted = False
        self._accessing = False
        self._open: tuple[Any, ...] | None = None
        self.many = True
        """Whether the run is not to end before a stretch has taken as many exits as it can, ``words.ROOM``."""
        self.taken = 0
        """Exits that the last stretch in the guest took."""

    def begin(self, limits: Limits) -> None:
        """A run begins. Whoever wants to see each exit gets each from Python."""
        self._wanted = self._there and not limits.each_exit
        self._devices = self._simple and self._system.answers.plain

    def allow(self, undisturbed: bool) -> None:
        """Before each stretch in the guest: whether an exit there would be plain, and nothing may come between two."""
        if self._there:
            v = self._v
            self._words[W.MMIO] = self._devices and self._debug_settled()
            self._words[W.READY] = (
                undisturbed and self._wanted and self.many and not v.pending and not v.requests and v.trace is None
                and not v.guest_debug and not v.vm.host.busy and v.deferral.since < 0 and not v.deferral.page_ea
            )  # fmt: skip

    def _debug_settled(self) -> bool:
        """Whether the way to userspace and back leaves the thread's debug registers as they are: not where the guest
        has written some and does not use them (kvmppc_vcpu_run takes those of a clear DBCR0 for nobody's)."""
        v = self._v
        return v.thread_debug == (v.debug if v.debug.dbcr0 else v.host_debug)

    def absorb(self) -> None:
        """After each stretch: what happened in compiled code is in the log and in the vcpu."""
        words = self._words
        self.taken = count = words[W.LOG_COUNT]
        if not count:
            return
        v = self._v
        words[W.LOG_COUNT] = 0
        rows = self._rows
        last = v.exits.extend(rows, count)
        v.pc, v.exit_type, v.cost = words[W.PC], words[W.LAST_TYPE], last[15]
        v.fault_dear, v.fault_esr, v.last_inst = words[W.FAULT_DEAR], words[W.FAULT_ESR], words[W.LAST_INST]
        v.run.exit_reason = codes.KVM_EXIT_MMIO if last[8] == MMIO else codes.KVM_EXIT_UNKNOWN
        actions = self._actions[: count * W.ROW_WORDS : W.ROW_WORDS].tolist() if count > 1 else (last[8],)
        if MMIO in actions:
            size = W.ROW.size
            self._count([W.ROW.unpack_from(rows, n * size) for n, did in enumerate(actions) if did == MMIO])

    def _count(self, rows: list[tuple[Any, ...]]) -> None:
        """Device accesses: by device, and struct kvm_run as the last one left it."""
        v, counts, device_at = self._v, self._v.mmio_counts, self._v.device_at
        for row in rows:
            counts[device_at(row[12] << 32 | row[9]) or "none", bool(row[11] & WRITES)] += 1
        v.devices_touched = True
        gpa, size, write = row[12] << 32 | row[9], row[11] & 0xFF, bool(row[11] & WRITES)
        mmio = v.run.mmio
        mmio.phys_addr, mmio.len, mmio.is_write, mmio.data = gpa, size, write, row[10].to_bytes(size, "big")

    def reopen(self) -> None:
        """Something is about to be queued in the middle of a device access: the exit at hand is not over yet."""
        if self._accessing and self._open is None:
            self._open = self._v.exits.pop()

    def access(self) -> Stop | None:
        """The device access that compiled code stopped for: everything of the exit but the device is done.

        The debug registers would become the host's and the guest's again, with nothing run in between.
        """
        system, v = self._system, self._v
        mmio, bus = v.run.mmio, system.board.bus
        gpa, size, value = mmio.phys_addr, mmio.len, int.from_bytes(mmio.data, "big")
        system.in_host = self._accessing = True
        try:
            if mmio.is_write:
                bus.write(gpa, size, value)
            else:
                value = bus.read(gpa, size)
        except BusFault:
            pass  # QEMU: unassigned memory reads as zero
        finally:
            system.in_host = self._accessing = False
        if not mmio.is_write:
            v.gpr[self._words[W.ACCESS]] = value
            mmio.data = value.to_bytes(size, "big")
            if self._open is None:
                v.exits.answer(value)
        row, self._open = self._open, None
        if row is not None or v.pending or v.requests:
            row = v.exits.pop() if row is None else row
            device = v.device_at(gpa) or "none"
            return system.finish_access(row, (MMIO, row[7], gpa, size, value, mmio.is_write, device))
        return system.requested()
