"""What a run amounted to, as data: the object of ``run --json``, and the lines of its summary on stderr.

The object is the same to the byte for the same guest, options and input: no times, no host paths, no engine, every
table in a fixed order. ``SCHEMA_VERSION`` goes up when a key changes its meaning or goes away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ppcdbg import __version__
from ppcdbg.cli.status import WORDS, Status
from ppcdbg.cpu.interrupts import VECTORS
from ppcdbg.cpu.observe import FIRST, FIRST_PC, Tally
from ppcdbg.isa.table import decoder
from ppcdbg.machine.system import StopKind

if TYPE_CHECKING:
    from ppcdbg.kvm.vcpu import Vcpu
    from ppcdbg.machine.description import MachineDescription
    from ppcdbg.machine.system import Stop, System

SCHEMA = "ppcdbg-run"
SCHEMA_VERSION = 1

Summary = dict[str, Any]


def summarize(
    system: System,
    vcpu: Vcpu | None,
    counter: Tally,
    stop: Stop,
    status: Status,
    machine: MachineDescription,
) -> Summary:
    """The whole object. ``vcpu`` is None where there is no KVM; its tables are then empty."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "ppcdbg_version": __version__,
        "status": WORDS[status],
        "machine": _machine(machine),
        "end": _end(stop, counter),
        "instructions": stop.position,
        "ticks": system.core.now,
        "console_bytes": len(system.board.console.output),
        "mmio": _mmio(system, vcpu),
        "interrupts_taken": {VECTORS[v].name: n for v, n in enumerate(counter.counts[:FIRST]) if n},
        **_kvm(vcpu),
    }


def failure(error: Exception, status: int) -> Summary:
    """The object of a run that could not begin or could not go on."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "ppcdbg_version": __version__,
        "status": "error",
        "error": {"code": status, "message": " ".join(str(error).split())},
    }


def _end(stop: Stop, counter: Tally) -> Summary:
    end = {"reason": stop.kind.value, "detail": stop.detail, "pc": f"{stop.pc:#010x}"}
    if stop.kind is StopKind.STUCK:
        vector, pc = counter.counts[FIRST], counter.counts[FIRST_PC]
        end["began"] = f"{VECTORS[vector].name} at {pc:#010x}"
    return end


def _machine(machine: MachineDescription) -> Summary:
    return {
        "guest": machine.kernel.name,
        "cpu": machine.cpu,
        "hv": machine.hv,
        "memory": machine.memory,
        "append": machine.append,
        "pv": machine.pv,
        "irqchip": machine.irqchip,
        "on_emulation_failure": machine.on_emulation_failure,
        "unknown_spr": machine.unknown_spr,
        "instruction_fetch": machine.instruction_fetch,
        "spr_exits": machine.spr_exits,
        "hcall_exits": machine.hcall_exits,
        "dcr": machine.dcr,
        "deferral": machine.deferral,
        "quirks": dict(machine.quirks),
    }


def _kvm(vcpu: Vcpu | None) -> Summary:
    """What KVM counted. Names of exits and priorities are its trace points'."""
    if vcpu is None:
        return {
            "exits": {}, "emulated": {}, "emulation_failures": {"total": 0, "held_back": 0}, "hypercalls": {},
            "interrupts": {"queued": {}, "delivered": {}}, "deferral": {}, "tlb": {}, "stat": {},
        }  # fmt: skip
    from ppcdbg.kvm.codes import HCALL_NAMES
    from ppcdbg.kvm.emulate import PRINTER
    from ppcdbg.kvm.trace import exit_name

    names = [prio.name for prio in vcpu.prios]
    failures = vcpu.host_log.asked(PRINTER)
    return {
        "exits": {exit_name(vector): n for vector, n in sorted(vcpu.exit_counts.items())},
        "emulated": mnemonics(vcpu.core.model.name, vcpu.emulated),
        "emulation_failures": {"total": failures.total, "held_back": failures.held},
        "hypercalls": {HCALL_NAMES.get(t, f"{t:#010x}"): n for t, n in sorted(vcpu.hypercalls.items())},
        "interrupts": {
            "queued": _nonzero(zip(names, vcpu.queue_counts)),
            "delivered": _nonzero(zip(names, vcpu.delivered_counts)),
        },
        "deferral": asdict(vcpu.deferral.costs()),
        "tlb": {
            "reflected": {"data": vcpu.stat["dtlb_real_miss_exits"], "instruction": vcpu.stat["itlb_real_miss_exits"]},
            "mapped": {"data": vcpu.stat["dtlb_virt_miss_exits"], "instruction": vcpu.stat["itlb_virt_miss_exits"]},
            "shadow_fills": vcpu.shadow.fills,
        },
        "stat": _nonzero(vcpu.stat.items()),
    }


def mnemonics(core: str, words: Mapping[int, int]) -> dict[str, int]:
    """Counts by instruction word as counts by mnemonic, the most frequent first."""
    decode = decoder(core).decode
    counts: Counter[str] = Counter()
    for word, count in words.items():
        insn = decode(word)
        counts[insn.name if insn is not None else f"{word:#010x}"] += count
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _mmio(system: System, vcpu: Vcpu | None) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    if vcpu is None:
        for device, (reads, writes) in system.board.mmio_count.items():
            counts[device] = {"reads": reads, "writes": writes}
    else:
        for (device, write), n in vcpu.mmio_counts.items():
            counts.setdefault(device, {"reads": 0, "writes": 0})["writes" if write else "reads"] += n
    return dict(sorted(counts.items()))


def _nonzero(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    return {name: count for name, count in pairs if count}


def verdict(summary: Summary) -> str | None:
    """One sentence on a run that did not end well; None for one that did."""
    end, count = summary["end"], summary["instructions"]
    if summary["status"] == WORDS[Status.LIMIT]:
        return f"the guest had not ended after {count:,} instructions (--max-insns), at pc {end['pc']}"
    if summary["status"] == WORDS[Status.GUEST]:
        began = f"; it began with {end['began']}" if "began" in end else ""
        return f"the guest failed after {count:,} instructions: {end['detail'] or end['reason']}{began}"
    return None


def lines(summary: Summary) -> list[str]:
    """The summary for people, one fact a line."""
    end = summary["end"]
    machine = summary["machine"]
    out = [
        f"{machine['guest']} on {machine['cpu']}, hv={machine['hv']}: {end['reason']} at {end['pc']}"
        f" after {summary['instructions']:,} instructions" + (f" ({end['detail']})" if end["detail"] else "")
    ]
    reads = {device: f"{n['reads']} r, {n['writes']} w" for device, n in summary["mmio"].items()}
    tables: list[tuple[str, Mapping[str, Any]]] = [
        ("exits", summary["exits"]),
        ("emulated", summary["emulated"]),
        ("MMIO", reads),
        ("hypercalls", summary["hypercalls"]),
        ("queued", summary["interrupts"]["queued"]),
        ("delivered", summary["interrupts"]["delivered"]),
    ]
    if machine["hv"] == "none":
        tables = [("interrupts", summary["interrupts_taken"]), ("MMIO", reads)]
    for title, table in tables:
        if table:
            total = sum(n for n in table.values() if isinstance(n, int))
            head = f"{title} {total:,}" if total else title
            out += _wrapped(
                head, [f"{name} {n:,}" if isinstance(n, int) else f"{name} {n}" for name, n in table.items()]
            )
    if summary["deferral"] and summary["deferral"]["withheld"]:
        out += _wrapped("critical sections", deferral_words(summary["deferral"]))
    if summary["tlb"]:
        tlb = summary["tlb"]
        reflected, mapped = tlb["reflected"], tlb["mapped"]
        out.append(
            f"  TLB misses: reflected to the guest {reflected['data']:,} data,"
            f" {reflected['instruction']:,} instruction; mapped by KVM {mapped['data']:,} data,"
            f" {mapped['instruction']:,} instruction; {tlb['shadow_fills']:,} shadow fills"
        )
    failures = summary["emulation_failures"]
    if failures["total"]:
        out.append(f"  emulation failures: {failures['total']:,}, {failures['held_back']:,} of them not logged")
    return out


def deferral_words(d: Mapping[str, Any]) -> list[str]:
    """What a deferral policy did, in a few words."""
    out = [
        f"{d['policy']} held interrupts back {d['withheld']:,} times",
        f"{d['delivered']:,} delivered after {d['delay']:,} instructions, at most {d['longest']:,}",
        f"{d['masked']:,} left masked",
    ]
    costs = (("exits", "exits"), ("steps", "steps"), ("stores", "stores carried out"), ("page_changes", "page changes"))
    out += [f"{d[key]:,} {name}" for key, name in costs if d[key]]
    if d["waiting"] is not None:
        out.append(f"one waits since {d['waiting']:,} instructions")
    return out


def _wrapped(head: str, items: list[str], width: int = 100) -> list[str]:
    """``head: item, item, ...`` broken into lines that are indented below the head."""
    rows, row = [], f"  {head}:"
    for i, item in enumerate(items):
        piece = f" {item}" + ("," if i < len(items) - 1 else "")
        if len(row) + len(piece) > width:
            rows.append(row)
            row = "   "
        row += piece
    return [*rows, row]
