"""Which machine a command line means: options to a MachineDescription."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

from ppcdbg.config import Settings, load_settings
from ppcdbg.errors import UsageError
from ppcdbg.machine.description import CHOICES, MachineDescription, describe
from ppcdbg.machine.guests import DEMO, guest_file
from ppcdbg.session.magic import session_file


def add_options(parser: argparse.ArgumentParser) -> None:
    """GUEST and the options that every command on a guest shares. QEMU's spellings stand beside ours."""
    parser.add_argument("guest", metavar="GUEST", nargs="?", help="the guest; none is the bundled demo")
    machine = parser.add_argument_group("the machine (also keys of a .toml description)")
    add = machine.add_argument
    add("--cpu", "-cpu", metavar="MODEL", help=f"core model: {_words('cpu')} (default e500v2)")
    add("--hv", choices=CHOICES["hv"], help="kvm: the guest runs under KVM (default); none: it owns the bare machine")
    add("--memory", "-m", metavar="SIZE", help="RAM; a bare number is MiB (default 128M)")
    add("--kernel", "-kernel", metavar="FILE", dest="kernel", help="GUEST, in QEMU's spelling")
    add("--dcr", choices=CHOICES["dcr"], help="the 440's device control registers, mfdcr and mtdcr (default off)")
    add("--initrd", "-initrd", metavar="FILE", help="initial RAM disk")
    add("--append", "-append", metavar="TEXT", help="the kernel's command line")
    add("--dtb", "-dtb", metavar="FILE", help="device tree in place of the board's own")
    add("--load", metavar="ADDRESS", help="where a raw image goes (real address)")
    add("--entry", metavar="ADDRESS", help="first instruction of a raw image (default: its load address)")
    add("--symbols", metavar="FILE", help="ELF file with the symbols of an image that has none")
    kvm = parser.add_argument_group("KVM's policies")
    add = kvm.add_argument
    add("--pv", choices=CHOICES["pv"], help="the paravirtual interface (default magic-page)")
    add("--patch-by", choices=CHOICES["patch_by"], help="who rewrites privileged instructions (default guest)")
    add("--irqchip", choices=CHOICES["irqchip"], help="where the MPIC is emulated (default kernel)")
    add("--on-emulation-failure", choices=CHOICES["on_emulation_failure"], help="default both, as Linux 6.1")
    add("--unknown-spr", choices=CHOICES["unknown_spr"], help="default fail, as Linux 6.1")
    add("--instruction-fetch", choices=CHOICES["instruction_fetch"], help="in HV mode: how KVM reads the instruction"
        " that a guest left by (default walk, as Linux 6.1)")  # fmt: skip
    add(
        "--spr-exits",
        choices=CHOICES["spr_exits"],
        metavar="HOW",
        help="who has DBCR0 and EPR, and SPRs that a later"
        f" kernel emulates: {_words('spr_exits')} (default off, as Linux 6.1)",
    )
    add("--user-sprs", metavar="LIST", help="SPRs that userspace has as storage: NUMBER[=VALUE],...")
    add(
        "--hcall-exits", choices=CHOICES["hcall_exits"], help="whether unknown hypercalls go to userspace (default off)"
    )
    add("--deferral", choices=CHOICES["deferral"], help="what becomes of an interrupt in a critical section")
    add("--backing", choices=CHOICES["backing"], help="host memory behind the guest: 4 KiB pages (default), huge pages,"
        " or one mapping of physical memory")  # fmt: skip
    add("--quirk", metavar="NAME=on|off", action="append", help="switch one oddity of Linux 6.1 (may be repeated)")
    run = parser.add_argument_group("the run")
    add = run.add_argument
    add("--engine", choices=CHOICES["engine"], help="what executes instructions; the result is the same (default auto)")
    add("--max-insns", metavar="N", help="stop after N instructions; k, M, G are decimal")
    add("--input", metavar="FILE", help="what comes in from outside, and at which position")


def description(options: argparse.Namespace, *, looking: bool = False) -> MachineDescription:
    """The machine that parsed options describe. ``looking``: a session that cannot run, a trace of a real host, will
    do."""
    name = options.guest or DEMO
    session = session_file(name, os.environ) if options.guest is not None or options.kernel is None else None
    if options.kernel is not None and options.guest is not None and session is None:
        raise UsageError(f"there are two guests, {options.guest} and --kernel {options.kernel}; give one")
    given = {
        name: getattr(options, name)
        for name in ("cpu", "hv", "memory", "initrd", "append", "dtb", "load", "entry", "symbols", "pv", "patch_by",
                     "irqchip", "on_emulation_failure", "unknown_spr", "instruction_fetch",
                     "spr_exits", "user_sprs", "hcall_exits", "dcr",
                     "deferral", "backing", "engine",
                     "max_insns", "input")
    }  # fmt: skip
    given["quirks"] = quirks(options.quirk) if options.quirk else None
    if session is not None:
        from ppcdbg.session.machines import session_machine
        from ppcdbg.session.viewing import needs_a_machine

        if not looking:
            needs_a_machine(session)
        machine = session_machine(session, {**given, "kernel": options.kernel})
    else:
        machine = describe(guest_file(options.kernel or name, os.environ), given)
    if machine.engine == "auto" and options.engine is None:
        return replace(machine, engine=settings().text("engine"))
    return machine


def settings() -> Settings:
    """The settings in force here: environment, project, user."""
    return load_settings(os.environ, Path.cwd(), {})


def quirks(settings: list[str]) -> dict[str, bool]:
    """``NAME=on|off`` settings as switches; whether a name exists is kvm's to say."""
    switches: dict[str, bool] = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not name or not sign or value not in ("on", "off"):
            raise UsageError(f"option --quirk is {setting!r}; it must be NAME=on or NAME=off")
        switches[name] = value == "on"
    return switches


def _words(key: str) -> str:
    return ", ".join(CHOICES[key])
