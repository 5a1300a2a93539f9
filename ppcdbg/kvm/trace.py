"""The kernel's trace points of booke KVM as data, and as the text that ftrace prints (facts 10).

A listener is called with the event's name and its arguments in the order of the format; no listener, no cost.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ppcdbg.kvm.codes import EXIT_REASON_NAMES
from ppcdbg.kvm.irqprio import irqprios

Listener = Callable[[str, tuple[int, ...]], None]

EXIT_NAMES: dict[int, str] = {
    0: "CRITICAL", 1: "MACHINE_CHECK", 2: "DATA_STORAGE", 3: "INST_STORAGE", 4: "EXTERNAL", 5: "ALIGNMENT",
    6: "PROGRAM", 7: "FP_UNAVAIL", 8: "SYSCALL", 9: "AP_UNAVAIL", 10: "DECREMENTER", 11: "FIT", 12: "WATCHDOG",
    13: "DTLB_MISS", 14: "ITLB_MISS", 15: "DEBUG", 32: "SPE_UNAVAIL", 33: "SPE_FP_DATA", 34: "SPE_FP_ROUND",
    35: "PERFORMANCE_MONITOR", 36: "DOORBELL", 37: "DOORBELL_CRITICAL", 38: "GUEST_DBELL", 39: "GUEST_DBELL_CRIT",
    40: "HV_SYSCALL", 41: "HV_PRIV",
}  # fmt: skip
PRIO_NAMES = {False: [p.name for p in irqprios(False)], True: [p.name for p in irqprios(True)]}
EVENTS = (
    "kvm_exit", "kvm_ppc_instr", "kvm_booke206_stlb_write", "kvm_booke206_gtlb_write", "kvm_booke206_ref_release",
    "kvm_booke_queue_irqprio", "kvm_check_requests", "kvm_userspace_exit", "kvm_vcpu_wakeup", "kvm_ack_irq",
)  # fmt: skip


def exit_name(vector: int) -> str:
    """kvm_trace_symbol_exit; a number without a name prints as hex."""
    return EXIT_NAMES.get(vector, f"{vector:#x}")


def _userspace_exit(reason: int, errno: int) -> str:
    if errno < 0:
        return "reason restart (4)" if errno == -4 else f"reason error ({-errno})"
    return f"reason {EXIT_REASON_NAMES.get(reason, hex(reason))} ({reason})"


def format_event(name: str, args: tuple[int, ...], hv: bool = False, spellings: bool = True) -> str:
    """The text of one event, without ftrace's prefix. ``spellings`` false: without the oddities of facts Q20."""
    text = _format(name, args, hv)
    if spellings and name == "kvm_ppc_instr":
        text += "\n"
    return f"{name}: {text}"


def _format(name: str, args: tuple[int, ...], hv: bool) -> str:
    match name:
        case "kvm_exit":
            nr, pc, msr, dar, inst = args
            return f"exit={exit_name(nr)} | pc={pc:#x} | msr={msr:#x} | dar={dar:#x} | last_inst={inst:#x}"
        case "kvm_ppc_instr":
            return f"inst {args[0]} pc {args[1]:#x} emulate {args[2]}"
        case "kvm_booke206_stlb_write":
            mas0, mas8, mas1, mas2, mas7_3 = args
            return f"mas0={mas0:x} mas8={mas8:x} mas1={mas1:x} mas2={mas2:x} mas7_3={mas7_3:x}"
        case "kvm_booke206_gtlb_write":
            return f"mas0={args[0]:x} mas1={args[1]:x} mas2={args[2]:x} mas7_3={args[3]:x}"
        case "kvm_booke206_ref_release":
            return f"pfn={args[0]:x} flags={args[1]:x}"
        case "kvm_booke_queue_irqprio":
            return f"vcpu={args[0]:x} prio={PRIO_NAMES[hv][args[1]]} pending={args[2]:x}"
        case "kvm_check_requests":
            return f"vcpu={args[0]:x} requests={args[1]:x}"
        case "kvm_userspace_exit":
            return _userspace_exit(args[0], args[1])
        case "kvm_vcpu_wakeup":
            ns, waited, valid = args
            return f"{'wait' if waited else 'poll'} time {ns} ns, polling {'valid' if valid else 'invalid'}"
        case _:
            return " ".join(f"{a:x}" for a in args)


# --- the other way ---------------------------------------------------------------------------------------------------
EXIT_NUMBERS = {name: number for number, name in EXIT_NAMES.items()}
PRIO_NUMBERS = {name: number for table in PRIO_NAMES.values() for number, name in enumerate(table)}
_HEX = r"(?:0x)?([0-9a-f]+)"
_PATTERNS = {
    name: re.compile(pattern)
    for name, pattern in {
        "kvm_exit": rf"exit=(\w+) \| pc={_HEX} \| msr={_HEX} \| dar={_HEX} \| last_inst={_HEX}",
        "kvm_ppc_instr": rf"inst (\d+) pc {_HEX} emulate (\d+)",
        "kvm_booke206_stlb_write": rf"mas0={_HEX} mas8={_HEX} mas1={_HEX} mas2={_HEX} mas7_3={_HEX}",
        "kvm_booke206_gtlb_write": rf"mas0={_HEX} mas1={_HEX} mas2={_HEX} mas7_3={_HEX}",
        "kvm_booke206_ref_release": rf"pfn={_HEX} flags={_HEX}",
        "kvm_booke_queue_irqprio": rf"vcpu={_HEX} prio=(\w+) pending={_HEX}",
        "kvm_check_requests": rf"vcpu={_HEX} requests={_HEX}",
        "kvm_userspace_exit": r"reason (\w+) \((\d+)\)",
        "kvm_vcpu_wakeup": r"(wait|poll) time (\d+) ns, polling (valid|invalid)",
    }.items()
}
_LARGEST = 1 << 64


def parse_event(name: str, text: str) -> tuple[int, ...] | None:
    """The arguments that ``format_event`` would print so; None for a text that it never prints."""
    pattern = _PATTERNS.get(name)
    m = None if pattern is None else pattern.fullmatch(text.strip())
    if m is None:
        return None
    try:
        args = _arguments(name, m.groups())
    except (KeyError, ValueError):
        return None
    return args if all(-_LARGEST >> 1 < value < _LARGEST for value in args) else None


def _arguments(name: str, found: tuple[str, ...]) -> tuple[int, ...]:
    match name:
        case "kvm_exit":
            number = EXIT_NUMBERS[found[0]] if found[0] in EXIT_NUMBERS else int(found[0], 0)
            return (number, *(int(text, 16) for text in found[1:]))
        case "kvm_ppc_instr":
            return int(found[0]), int(found[1], 16), int(found[2])
        case "kvm_booke_queue_irqprio":
            return int(found[0], 16), PRIO_NUMBERS[found[1]], int(found[2], 16)
        case "kvm_userspace_exit":
            number = int(found[1])
            if found[0] in ("restart", "error"):
                return 0, -number
            return number, 0
        case "kvm_vcpu_wakeup":
            return int(found[1]), int(found[0] == "wait"), int(found[2] == "valid")
        case _:
            return tuple(int(text, 16) for text in found)
