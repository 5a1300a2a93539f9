"""Print a reference table from the same data that the model runs on.

exits    what makes a guest exit: number, name, interrupt class, what KVM does in each flavour
irqprio  the priorities by which KVM delivers interrupts to the guest
sprs     special-purpose registers: number, who may read and write, what a guest's name means under E.HV
hcalls   hypercalls
events   the kinds of events to break on, with their words and the fields that a condition sees
quirks   where Linux 6.1 does something that looks wrong; switched by --quirk NAME=on|off
limits   what the model of KVM leaves out, and what is there instead
machine  the cores and the board: devices with their real addresses
world-switch  how Linux 6.1 enters and leaves a guest on e500mc, instruction by instruction, with what each changes
patch-hazards  what becomes of guests that read their instructions when a hypervisor rewrites these; runs them
failure-policies  what a guest, userspace and the log see of an instruction that KVM cannot emulate, by policy; runs it
fetch-hazard  what becomes of a guest that executes from a page which may not be read, by how KVM reads it; runs it
host-side  by exit: the work of the host's that is run again, and which registers the exit captures
userspace-exits  what KVM_RUN comes back with: number, name, struct kvm_run, what userspace answers, how in Python
spr-exits one guest that uses an unknown SPR, DBCR0 and EPR, whoever has them: KVM, userspace, or some of each; runs it
machine-checks  who handles a machine check, by where the core was, and what becomes of the guest; runs it
commands the manual of the command language: every command, with an example; events, fields, variables
keys     the keys of the UI, and the names by which keymap.toml changes them
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ppcdbg import __version__

Cell = str | int | bool | None
Row = dict[str, Cell]

FLAVOURS = {"e500v2": "PR", "e500mc": "HV"}
"""Which KVM runs a guest of a core: PR mode (unprivileged, shadow TLB), or HV mode on hardware with guest state."""

SCHEMA = "ppcdbg-info"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Topic:
    """One table. ``rows`` makes it for a core, or for both when that is None; ``hexadecimal`` columns are addresses."""

    rows: Callable[[str | None], list[Row]]
    hexadecimal: frozenset[str] = frozenset()
    manual: bool = False
    """Whether it is read as a manual, and not as a table."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``info``."""
    parser.add_argument("topic", metavar="TOPIC", choices=sorted(TOPICS), help=", ".join(TOPICS))
    parser.add_argument("--cpu", "-cpu", choices=("e500v2", "e500mc"), help="only what this core has")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the table as one JSON object")
    form.add_argument("--markdown", action="store_true", help="print it as a page of Markdown")


def run(options: argparse.Namespace) -> int:
    """Print the table."""
    topic = TOPICS[options.topic]
    rows = [{k: _shown(k, v, topic) for k, v in row.items()} for row in topic.rows(options.cpu)]
    if options.json:
        head = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, "ppcdbg_version": __version__, "status": "ok"}
        print(json.dumps({**head, "topic": options.topic, "rows": rows}, indent=2))
    elif options.markdown or topic.manual:
        from ppcdbg.views import manual

        width = shutil.get_terminal_size().columns
        page = manual.markdown() if topic.manual else manual.markdown_table(rows)
        print("\n".join(page if options.markdown else manual.text(max(40, min(width, 100)))))
    else:
        print("\n".join(columns(rows)))
    return 0


def _shown(column: str, value: Cell, topic: Topic) -> Cell:
    if column in topic.hexadecimal and isinstance(value, int):
        return f"{value:#x}"
    return value


def columns(rows: list[Row]) -> list[str]:
    """Rows as aligned text with a head; the last column is as long as it is."""
    names = list(rows[0])
    table = [names, *([_text(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(names))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in table]


def _text(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def exits(cpu: str | None) -> list[Row]:
    """The exit table: one row for each thing that KVM does with a number, and in which flavours it does it."""
    from ppcdbg.cpu.interrupts import VECTORS
    from ppcdbg.kvm.exits import exit_table
    from ppcdbg.kvm.trace import exit_name

    tables = {flavour: exit_table(flavour == "HV") for core, flavour in FLAVOURS.items() if cpu in (None, core)}
    rows: list[Row] = []
    for number, vector in sorted(VECTORS.items()):
        does: dict[str, list[str]] = {}
        for flavour, table in tables.items():
            does.setdefault(" ".join((table[number].__doc__ or "").split()), []).append(flavour)
        for text, flavours in does.items():
            name, saves = exit_name(number), "/".join(vector.cls.value)
            rows.append({"exit": number, "name": name, "saves in": saves, "in": " ".join(flavours), "KVM": text})
    return rows


def irqprio(cpu: str | None) -> list[Row]:
    """The priorities, the most urgent first."""
    from ppcdbg.cpu.msr import MSR_CE, MSR_DE, MSR_EE, MSR_ME
    from ppcdbg.kvm.irqprio import irqprios

    bits = {MSR_EE: "EE", MSR_CE: "CE", MSR_ME: "ME", MSR_DE: "DE"}
    rows: list[Row] = []
    for prio in irqprios(cpu == "e500mc"):
        if prio.enable is None:
            allowed = "never"
        elif prio.enable == 0:
            allowed = "always"
        else:
            allowed = f"MSR[{bits[prio.enable]}]=1, no critical section"
        rows.append(
            {
                "n": prio.number,
                "name": prio.name,
                "delivered when": allowed,
                "saves in": f"{prio.cls.value}0/{prio.cls.value}1",
                "sets": " ".join(word for word, on in (("ESR", prio.esr), ("DEAR", prio.dear)) if on) or None,
                "MSR keeps": " ".join(name for bit, name in bits.items() if prio.keeps & bit) or None,
                "stays pending": prio.level,
            }
        )
    return rows


def sprs(cpu: str | None) -> list[Row]:
    """The special-purpose registers by number."""
    from ppcdbg.isa.sprs import GUEST_ALIAS, SPRS

    return [
        {
            "number": spr.number,
            "hex": f"{spr.number:#x}",
            "name": spr.name,
            "read": spr.read.name.lower(),
            "write": spr.write.name.lower(),
            "cores": " ".join(sorted(spr.cores)),
            "in guest state": GUEST_ALIAS.get(spr.name),
        }
        for spr in sorted(SPRS, key=lambda spr: spr.number)
        if cpu is None or spr.on(cpu)
    ]


def hcalls(cpu: str | None) -> list[Row]:
    """The hypercalls that have a name, and whether Linux 6.1 implements them."""
    from ppcdbg.kvm.codes import HC_EV_IDLE, HC_FEATURES, HC_MAP_MAGIC_PAGE, HCALL_NAMES

    about = {
        HC_FEATURES: "r4 = feature bits: 0x2 the magic page, on e500v2 only",
        HC_MAP_MAGIC_PAGE: "r3 = real address, r4 = effective address | flags; r4 = fields beyond the first ones",
        HC_EV_IDLE: "wait until an interrupt is pending",
    }
    return [
        {"token": f"{token:#010x}", "name": name, "KVM": about.get(token, "EV_UNIMPLEMENTED (12)")}
        for token, name in sorted(HCALL_NAMES.items())
    ]


def events(cpu: str | None) -> list[Row]:
    """What break, trace, run-until and wait-for can wait for, the words of each, and what its conditions see."""
    from ppcdbg.debugger.commands.info import event_rows

    return [{"event": name, "words": words, "is": about, "fields": fields or None}
            for name, words, about, fields in event_rows()]  # fmt: skip


def quirks(cpu: str | None) -> list[Row]:
    """The switches of --quirk."""
    from ppcdbg.kvm.quirks import listing

    return [{"id": q.ident, "name": q.name, "default": "on" if q.default else "off", "on": q.does} for q in listing()]


def limits(cpu: str | None) -> list[Row]:
    """What the model leaves out."""
    from ppcdbg.kvm.limits import LIMITS

    return [{"part": each.part, "leaves out": each.leaves_out, "instead": each.instead} for each in LIMITS]


def machine(cpu: str | None) -> list[Row]:
    """The cores, then the devices of the board."""
    from ppcdbg.cpu.models import CORES
    from ppcdbg.machine.board import SERIAL_IRQ, Board

    chosen = [model for name, model in CORES.items() if cpu in (None, name)]
    rows: list[Row] = [
        {
            "what": "core",
            "name": model.name,
            "address": None,
            "size": None,
            "about": f"PVR {model.pvr:#010x}, {model.tlb1_entries} entries in TLB1, {model.cache_line}-byte cache lines"
            + (", embedded hypervisor" if model.has_hv else "")
            + (", FPU" if model.has_fpu else ""),
        }
        for model in chosen
    ]
    rows.append({"what": "memory", "name": "ram", "address": 0, "size": None, "about": "--memory, 128M by default"})
    uart = f"16550A; both ports share MPIC source {SERIAL_IRQ}"
    about = {
        "serial0": uart,
        "serial1": uart,
        "mpic": "interrupt controller, with external proxy (EPR)",
        "guts": "global utilities: the reset register",
        "gpio": "pin 0 switches the power off",
        "spin": "where secondary cores wait",
    }
    for region in Board(1 << 20, lambda: 0, chosen[0].name).regions:
        name = region.device.name
        rows.append({"what": "device", "name": name, "address": region.base, "size": region.size, "about": about[name]})
    return rows


def world_switch(cpu: str | None) -> list[Row]:
    """The steps of the switch in Linux's order, as the core model carries them out."""
    from ppcdbg.explore.switch import SwitchSearch
    from ppcdbg.kvm.switch.variants import variant

    return [
        {
            "step": step.name,
            "group": step.group,
            "address": step.address,
            "instruction": step.text,
            "changes": ", ".join(f"{name} {before:#x} -> {after:#x}" for name, before, after in step.effects) or None,
            "does": step.note or None,
        }
        for step in SwitchSearch(variant("linux")).steps()
    ]


def patch_hazards(cpu: str | None) -> list[Row]:
    """The four guests, each rewritten by nobody, by the hypervisor and by itself."""
    from ppcdbg.explore.hazards import rows

    return [*rows()]


def failure_policies(cpu: str | None) -> list[Row]:
    """A guest that asks for what cannot be emulated, under each policy and with each userspace."""
    from ppcdbg.explore.failures import rows

    return [*(rows() if cpu is None else rows((cpu,)))]


def fetch_hazard(cpu: str | None) -> list[Row]:
    """A guest with an execute-only page, under each way to read its instructions."""
    from ppcdbg.explore.fetch_hazard import rows

    return [*rows()]


def host_side(cpu: str | None) -> list[Row]:
    """What the host has of a guest at each exit."""
    from ppcdbg.kvm.host_side import rows

    return rows(cpu)


def userspace_exits(cpu: str | None) -> list[Row]:
    """The exits to userspace, those that were proposed and never merged last."""
    from ppcdbg.kvm.answers import Vmm
    from ppcdbg.kvm.payloads import NEVER, PAYLOADS

    rows: list[Row] = [
        {
            "reason": reason if reason < 100 else "proposed",
            "name": kind().name,
            "struct kvm_run": " ".join(kind().payload()) or None,
            "userspace answers": " ".join(kind.ANSWERS) or None,
            "in Python": Vmm.ON[reason],
            "comes when": " ".join((kind.__doc__ or "").split()).partition(". ")[0].rstrip("."),
        }
        for reason, kind in sorted(PAYLOADS.items())
    ]
    for reason, (name, why) in NEVER.items():
        rows.append({"reason": reason, "name": name, "struct kvm_run": None, "userspace answers": None,
                     "in Python": None, "comes when": f"never on Book E: {why}"})  # fmt: skip
    return rows


def spr_exits(cpu: str | None) -> list[Row]:
    """The guest of SPR exits, in every configuration."""
    from ppcdbg.explore.spr_exits import rows

    return [*rows(cpu)]


def machine_checks(cpu: str | None) -> list[Row]:
    """Machine checks of the hardware's and of KVM's."""
    from ppcdbg.explore.machine_checks import rows

    return [*(rows() if cpu is None else rows((cpu,)))]


def commands(cpu: str | None) -> list[Row]:
    """The command language."""
    from ppcdbg.views.manual import rows

    return rows()


def keys(cpu: str | None) -> list[Row]:
    """The UI's keys, each with the name of what it does."""
    from ppcdbg.tui.keys import KEYS, hidden, show
    from ppcdbg.tui.panes.table import KINDS

    panes = {f"pane-{kind.name}": kind.about for kind in KINDS}
    return [
        {
            "key": " ".join(show(one) for one in key.keys.split(",") if not hidden(one)),
            "action": key.id,
            "does": key.help or panes[key.id],
        }
        for key in KEYS
    ]


TOPICS: Mapping[str, Topic] = {
    "exits": Topic(exits),
    "irqprio": Topic(irqprio),
    "sprs": Topic(sprs),
    "hcalls": Topic(hcalls),
    "events": Topic(events),
    "quirks": Topic(quirks),
    "limits": Topic(limits),
    "machine": Topic(machine, frozenset({"address", "size"})),
    "world-switch": Topic(world_switch, frozenset({"address"})),
    "patch-hazards": Topic(patch_hazards),
    "failure-policies": Topic(failure_policies),
    "fetch-hazard": Topic(fetch_hazard),
    "host-side": Topic(host_side),
    "userspace-exits": Topic(userspace_exits),
    "spr-exits": Topic(spr_exits),
    "machine-checks": Topic(machine_checks),
    "commands": Topic(commands, manual=True),
    "keys": Topic(keys),
}
