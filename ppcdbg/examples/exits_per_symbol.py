"""Which functions of a guest exit to KVM, how often, and why.

    python -m ppcdbg.examples.exits_per_symbol                       # the demo guest
    python -m ppcdbg.examples.exits_per_symbol vmlinux --initrd initrd.gz --append console=ttyS0,115200

It runs the guest to its end and counts the records that KVM's model keeps of its exits.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from ppcdbg.debugger.api import Debugger, PpcdbgError, open_guest


def exits_per_symbol(guest: Debugger) -> dict[str, Counter[str]]:
    """For each function of the guest how often it exited, by the kernel's names of the exits."""
    found: dict[str, Counter[str]] = {}
    for record in guest.exits:
        place = guest.symbols.place(record.pc)
        name = place.name if place is not None else f"{record.pc & ~0xFFF:08x}"  # user space: its page
        found.setdefault(name, Counter())[record.name] += 1
    return found


def table(found: dict[str, Counter[str]], most: int) -> list[str]:
    """The functions that exited most, one a line."""
    total = sum(counts.total() for counts in found.values())
    ranked = sorted(found.items(), key=lambda item: (-item[1].total(), item[0]))
    lines = [f"{total:,} exits of {len(found):,} functions"]
    for name, counts in ranked[:most]:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in counts.most_common())
        lines.append(f"{counts.total():>9,}  {name:<28} {kinds}")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Open, run, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("guest", nargs="?", default="demo")
    parser.add_argument("--cpu")
    parser.add_argument("--initrd")
    parser.add_argument("--append")
    parser.add_argument("--max-insns", dest="max_insns", help="stop there; k, M, G are decimal")
    parser.add_argument("--most", type=int, default=20, help="how many functions are shown (default 20)")
    options = vars(parser.parse_args(arguments))
    most = options.pop("most")
    try:
        guest = open_guest(options.pop("guest"), **options)
        stop = guest.continue_()
    except PpcdbgError as error:
        print(f"exits_per_symbol: {error}", file=sys.stderr)
        return error.exit_status
    print(f"{guest.name}: {stop.cause.value} after {stop.position:,} instructions")
    print("\n".join(table(exits_per_symbol(guest), most)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
