"""The target description that gdb reads: features, registers, flags types of the debugger's bit names."""

from __future__ import annotations

from html import escape as quoted

from ppcdbg.debugger.registers import BITS, FIELDS
from ppcdbg.gdbstub.registers import FLAGS, OURS, Layout, Register

_HEAD = '<?xml version="1.0"?>\n<!DOCTYPE target SYSTEM "gdb-target.dtd">\n<target version="1.0">\n'


def target_xml(layout: Layout) -> str:
    """The whole description in one file. gdb 13 knows no element for the byte order (facts: T1)."""
    out = [_HEAD, f"  <architecture>{layout.architecture}</architecture>\n"]
    features = dict.fromkeys(r.feature for r in layout.registers)
    for feature in features:
        rows = [r for r in layout.registers if r.feature == feature]
        out.append(f'  <feature name="{feature}">\n')
        for kind in dict.fromkeys(r.type for r in rows if r.type.endswith("_flags")):
            out.append(flags_type(kind.removesuffix("_flags").upper()))
        out += [_register(r) for r in rows]
        out.append("  </feature>\n")
    return "".join([*out, "</target>\n"])


def _register(r: Register) -> str:
    extra = f' type="{r.type}"' if r.type else ""
    extra += f' group="{r.group}"' if r.group else ""
    if r.number >= OURS:
        extra += ' save-restore="no"'  # a call from gdb's prompt would write all of them back after it
    return f'    <reg name="{quoted(r.name)}" bitsize="{r.bits}" regnum="{r.number}"{extra}/>\n'


def flags_type(register: str) -> str:
    """Named bits and numeric fields as a flags type: ``print $msr`` shows ``[ EE PR ]``. Bit 0 is the lowest here."""
    assert register in FLAGS, register
    bits = [(name, bit.bit_length() - 1, bit.bit_length() - 1) for name, bit in BITS.get(register, ())]
    taken = {start for _, start, _ in bits}
    for name, shift, mask in FIELDS.get(register, ()):
        end = shift + mask.bit_length() - 1
        if not taken & set(range(shift, end + 1)):
            bits.append((name, shift, end))
            taken |= set(range(shift, end + 1))
    bits.sort(key=lambda b: b[1])
    rows = "".join(f'      <field name="{quoted(n)}" start="{s}" end="{e}"/>\n' for n, s, e in bits)
    return f'    <flags id="{register.lower()}_flags" size="4">\n{rows}    </flags>\n'
