"""The chapters of the tutorial, as data: what is said, what to do, and how it is seen that it was done.

The manual (docs/) tells the same five subjects at length. What happens at each step is checked by
:mod:`ppcdbg.debugger.lessons`; nothing here is code.
"""

from __future__ import annotations

from dataclasses import dataclass

DEMO = "demo"
RECORDING = "demo-e500v2-kvm"
"""The demo guest, recorded; it ships."""


@dataclass(frozen=True)
class Step:
    """``do``: command lines that do what is asked for; ``key``: what does the same in the UI, empty where nothing does.

    It is done when a command of ``asked`` was carried out, or when the guest is elsewhere than when the step began and
    ``when`` holds: a condition as of ``break exit``, on the exit that the guest stopped at last.
    """

    text: str
    do: tuple[str, ...]
    key: str = ""
    when: str = ""
    asked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """``opens`` is the GUEST that it is begun on; ``image`` names the guest's own image, whichever way it is opened.
    ``ends`` is said when all is done."""

    name: str
    title: str
    opens: str
    image: str
    steps: tuple[Step, ...]
    ends: str


_EXIT = Chapter("exit", "What an exit is", DEMO, DEMO, (
    Step("A guest of KVM runs on the real processor until it does something that KVM must see. Then the "
         "processor leaves it for KVM: that is an exit. Run to the first one.", ("step-exit",), "]", "$_exits > 0"),
    Step("KVM did something about it, and the guest goes on: the sentence below tells it. Now to an "
         "instruction that KVM must carry out.", ("run-until exit PROGRAM if pc > 0x100600",), "",
         "exit == PROGRAM && inst == mtspr"),
    Step("mtspr IVOR4 is privileged, and under PR KVM the guest's kernel runs in user mode: the processor "
         "trapped. KVM has done nothing of it yet. Let it.", ("step-exit",), "]",
         "exit == PROGRAM && did == emul"),
    Step("Every exit is kept. Exit 18 was of another kind: a store to the serial port, which is no RAM.",
         ("exit 18",), "[ until it is selected", "did == mmio", ("exit",)),
    Step("Now run to the end; what the guest prints is on its console.", ("continue",), "F5", "$_ended"),
    Step("Two thousand exits in 36,493 instructions. Of which kinds, at what cost?", ("profile",), "9",
         asked=("profile",)),
), "PROGRAM are privileged instructions, DTLB_MISS the next chapter; `most` tells from which function "
   "and why.")  # fmt: skip

_MISS = Chapter("miss", "A TLB miss, real and virtual", DEMO, DEMO, (
    Step("On Book E software fills the TLB. Under PR KVM there are two: the guest's, and the real one, which "
         "KVM fills with shadow entries. The guest touches 0x40000000, which it has not mapped.",
         ("run-until miss guest if dear == 0x40000000",), "", "exit == DTLB_MISS && did == reflect"),
    Step("The guest's own TLB has no entry: a real miss (dtlb_real_miss_exits), and KVM gave the guest the "
         "interrupt. Look at it.", ("info miss",), "e",
         asked=("info miss", "explain")),
    Step("The guest's handler writes the entry by tlbwe, and KVM the shadow entry with it. Run to the next "
         "such miss.", ("run-until miss guest if dear == 0x40001000",), "",
         "exit == DTLB_MISS && did == reflect"),
    Step("Both TLBs: arrows link an entry of the guest's with what KVM made of it.", ("info tlb",),
         "4; then z for all its columns, and z again", asked=("info tlb",)),
    Step("The other kind: only the shadow entry is missing. KVM makes it, and the guest notices nothing: a "
         "virtual miss (dtlb_virt_miss_exits).",
         ("run-until miss shadow if exit == DTLB_MISS",), "", "exit == DTLB_MISS && did == map"),
    Step("What KVM wrote into the shadow TLB last, when, and out of which entry of the guest's:",
         ("tlb-history shadow 6",),
         asked=("tlb-history",)),
), "A real miss costs the guest its handler, a virtual one only KVM's time.")  # fmt: skip

_WAIT = Chapter("wait", "Why this interrupt waits", DEMO, DEMO, (
    Step("An interrupt is queued by its priority, and delivered at an entry into the guest if MSR lets it, "
         "nothing higher comes first, and the guest is in no critical section. Run until one is withheld.",
         ("run-until withheld DECREMENTER",), "", "prio == DECREMENTER"),
    Step("Which wait, queued by which exit, and for what?", ("info irqprio",), "6", asked=("info irqprio",)),
    Step("One of them in a sentence.", ("why DECREMENTER",), asked=("why",)),
    Step("Critical section: the field critical of the page that guest and KVM share equals r1. So the guest "
         "says 'not now' without an exit. Look at the page.", ("info magic",), "p", asked=("info magic",)),
    Step("The guest leaves the section and makes an exit; on the way back KVM delivers.",
         ("wait-for delivered DECREMENTER",), "", "delivered == DECREMENTER"),
    Step("How long did it wait? + is where it was queued, → where it was delivered.", ("interrupts 4",),
         asked=("interrupts",)),
), "It waited for an exit. What if none had come? That is the next chapter.")  # fmt: skip

_RACE = Chapter("race", "The race and its cure", "window", "window", (
    Step("This guest patched itself: wrteei 1 became a branch to instructions that work on the shared page, "
         "without an exit. Run into them.", ("run-until critical entered",), "", "$magic_critical == $r1"),
    Step("Before it leaves, the guest looks at int_pending. What comes between that look and the end is "
         "withheld, and nobody looks again.", ("patched",), "p", asked=("patched", "info magic")),
    Step("Try an interrupt before every instruction of the sections ahead.", ("race",), asked=("race",)),
    Step("L is lost. Bring one about in a future of its own: an interrupt at instruction 94, behind the look.",
         ("branch lost", "race-put external@94", "run-to 105"), "", "$_insn >= 105"),
    Step("The section is over, interrupts are enabled, and it still waits: for an exit, which this guest never "
         "makes. Linux 6.1 does this.", ("why EXTERNAL",), "6", asked=("why", "info irqprio")),
    Step("A cure: while KVM holds something back the page is read-only, so that the next store to it ends the "
         "wait. Search again under that policy.",
         ("branch switch main", "race 8 external under ordered"), asked=("race",)),
), "None is lost. `ppcdbg race window --remedies` compares all cures and what each costs.")  # fmt: skip

_BACK = Chapter("back", "Go back in time", RECORDING, DEMO, (
    Step("Nothing reaches the guest but what is recorded, so a run is the same again, to the bit. Go to the "
         "1870th exit, a system call.", ("seek exit:1870",), "", "exit == SYSCALL && number >= 1870"),
    Step("Three instructions back: registers, memory, TLBs and queue are those of that moment.",
         ("reverse-stepi 3",), "Shift-F11 three times", "$_insn < 32238"),
    Step("Every motion can be taken back.", ("back",), asked=("back",)),
    Step("Who wrote this word last? Go there.", ("last write &ticks",), asked=("last",)),
    Step("The decrementer counted. What if this run's 82nd interrupt had not come?",
         ("whatif at irq:82; withhold DECREMENTER",), asked=("whatif",)),
    Step("The first difference, and what differs in the end; the guest still stands where it stood. Back to "
         "the beginning.", ("seek start",), "", "$_insn == 0"),
), "You know the way. `help` lists the commands, `?` tells what a pane can do, docs/ goes on.")  # fmt: skip

CHAPTERS: tuple[Chapter, ...] = (_EXIT, _MISS, _WAIT, _RACE, _BACK)
