"""What the demo guest prints, by core and by what is under it; ``demo/console.txt`` was printed under the real KVM."""

from __future__ import annotations

import re
from pathlib import Path

DEMO = Path(__file__).resolve().parent / "demo"
SECTIONS = DEMO.parent / "sections" / "sections.elf"
WINDOW = DEMO.parent / "window"
CLASSES = DEMO.parent / "classes" / "classes.elf"
IMAGE = DEMO.parent.parent.parent / "ppcdbg" / "_guests" / "demo.elf"

NO_HYPERVISOR = "hypercall: the device tree names no hypervisor\n"
NO_MAGIC_PAGE = (
    "hypercall: 4 instructions from the device tree\n"
    "hypercall: KVM_HC_FEATURES gives status 0, features 00000000\n"
    "magic: no magic page here\n"
)


def console(cpu: str = "e500v2", hv: str = "kvm", magic_page: bool = True) -> str:
    """The whole console. ``cpu`` is e500v2 or e500mc, ``hv`` kvm or none."""
    text = (DEMO / "console.txt").read_text(encoding="ascii")
    if cpu == "e500mc":
        text = text.replace("e500v2, PVR 80210030", "e500mc, PVR 80230020")
    if hv == "none" or cpu == "e500mc" or not magic_page:
        text = re.sub(r"(hypercall|magic): .*\n", "", text)
        paravirt = NO_HYPERVISOR if hv == "none" else NO_MAGIC_PAGE
        text = text.replace("user: hello", paravirt + "user: hello")
        text = text.replace("DECREMENTER 5", "DECREMENTER 4")
    return text
