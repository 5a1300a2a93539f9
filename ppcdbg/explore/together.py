"""What must hold of several cores together: invariants of each state, and of the end.

A guest says most of it itself, by symbols: both cores are never between ``exclusive`` and ``exclusive_end``; in the end
each is at ``done`` or in a branch to itself; and the word at NAME is the word at NAME_expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ppcdbg.errors import UsageError
from ppcdbg.explore.interleaving import End
from ppcdbg.explore.vcpus import Vcpus

EXCLUSIVE, FINAL, PROGRESS, DOORBELL, ALIVE = "exclusive", "final", "progress", "doorbell", "alive"
ABOUT: Mapping[str, str] = {
    EXCLUSIVE: "never are two vCPUs in the exclusive section",
    FINAL: "in the end memory holds what it must: no update is lost",
    PROGRESS: "no vCPU is left waiting for what never comes: no deadlock",
    DOORBELL: "no vCPU waits for ever though a message was sent to it",
    ALIVE: "no vCPU stops on a fault",
}
BRANCH_TO_ITSELF = 0x48000000


@dataclass(frozen=True, slots=True)
class Final:
    """A word that must be ``expected`` in the end; ``address`` is real."""

    name: str
    address: int
    expected: int


@dataclass(frozen=True)
class Rules:
    """``exclusive`` are stretches of effective addresses, their ends not in them; ``done`` addresses to end at."""

    exclusive: tuple[tuple[int, int], ...] = ()
    done: frozenset[int] = frozenset()
    finals: tuple[Final, ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """``condition`` is a name of ABOUT; ``reason`` a sentence; ``where`` the cores' pcs."""

    condition: str
    reason: str
    where: tuple[int, ...]


def rules_of(
    symbols: Mapping[str, int], ram: memoryview, given: Iterable[str] = (), sections: Iterable[str] = ()
) -> Rules:  # fmt: skip
    """A guest's rules, and those of the command line: ``given`` as SYMBOL=VALUE, ``sections`` as A..B. UsageError."""
    finals = {}
    for name, at in symbols.items():
        expected = symbols.get(name + "_expected")
        if expected is not None and max(at, expected) + 4 <= len(ram):
            finals[name] = Final(name, at, int.from_bytes(ram[expected : expected + 4], "big"))
    for text in given:
        name, sign, value = text.partition("=")
        try:
            number = int(value, 0)
        except ValueError:
            sign = ""
        if not sign or name not in symbols:
            raise UsageError(f"option --final is {text!r}; it must be SYMBOL=NUMBER with a symbol of the guest")
        finals[name] = Final(name, symbols[name], number & 0xFFFFFFFF)
    exclusive = []
    if "exclusive" in symbols and "exclusive_end" in symbols:
        exclusive.append((symbols["exclusive"], symbols["exclusive_end"]))
    for text in sections:
        first, dots, last = text.partition("..")
        ends = [_address(each, symbols) for each in (first, last)]
        if not dots or ends[0] is None or ends[1] is None:
            raise UsageError(f"option --exclusive is {text!r}; it must be A..B, symbols or 0xADDRESSES")
        exclusive.append((ends[0], ends[1]))
    done = frozenset({symbols["done"]} if "done" in symbols else ())
    return Rules(tuple(exclusive), done, tuple(finals.values()))


def _address(text: str, symbols: Mapping[str, int]) -> int | None:
    if text in symbols:
        return symbols[text]
    try:
        return int(text, 16) if text.startswith("0x") else None
    except ValueError:
        return None


class Judge:
    """Holds one guest to its rules."""

    def __init__(self, vcpus: Vcpus, rules: Rules) -> None:
        self.vcpus, self.rules = vcpus, rules

    def visible(self, vcpu: int) -> bool:
        """Whether the next step of a core may change what an invariant sees, so that it is never left out."""
        pc = self.vcpus.pc(vcpu)
        return any(first <= pc < end for first, end in self.rules.exclusive)

    def state(self) -> Broken | None:
        """What is wrong with the state, whatever comes."""
        cluster = self.vcpus.cluster
        for vcpu, why in enumerate(cluster.stopped):
            if why:
                return Broken(ALIVE, f"vCPU {vcpu}: {why}", self._where())
        for first, end in self.rules.exclusive:
            inside = [n for n in self._running() if first <= self.vcpus.pc(n) < end]
            if len(inside) > 1:
                names = " and ".join(f"vCPU {n} at {self.vcpus.pc(n):#010x}" for n in inside)
                return Broken(EXCLUSIVE, f"both are in the section: {names}", self._where())
        return None

    def end(self, end: End) -> Broken | None:
        """What is wrong in the end."""
        if end is End.STILL:
            for vcpu in self._running():
                if not self._is_done(vcpu):
                    pc = self.vcpus.pc(vcpu)
                    waits = self.vcpus.cluster.rests(vcpu)
                    how = "waits for an interrupt" if waits else "goes round"
                    return Broken(PROGRESS, f"vCPU {vcpu} {how} for ever at {pc:#010x}", self._where())
        if end is not End.BOUND:
            ram = self.vcpus.cluster.board.bus.ram
            for final in self.rules.finals:
                found = int.from_bytes(ram[final.address : final.address + 4], "big")
                if found != final.expected:
                    return Broken(FINAL, f"{final.name} is {found} in the end, not {final.expected}", self._where())
        return None

    def _running(self) -> list[int]:
        return [n for n in range(self.vcpus.count) if not self.vcpus.cluster.held[n]]

    def _where(self) -> tuple[int, ...]:
        return tuple(self.vcpus.pc(n) for n in self._running())

    def _is_done(self, vcpu: int) -> bool:
        return self.vcpus.pc(vcpu) in self.rules.done or self.vcpus.word(vcpu) == BRANCH_TO_ITSELF
