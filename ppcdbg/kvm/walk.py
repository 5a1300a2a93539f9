"""Every way through a paravirtual critical section: which instruction does what, and what is so before each.

From the store of r1 to ``critical`` to the store that ends the section, and for a template to its way back. Refuses
what leaves by a register. What it means for an interrupt is :mod:`ppcdbg.kvm.sections`'.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum

from ppcdbg.isa.bits import M32
from ppcdbg.isa.flow import To, flow
from ppcdbg.kvm import magic_page as mp
from ppcdbg.kvm.patching import Read, mp_name, page_access, patchable

LONGEST = 96
"""Instructions of a section that are followed."""
LI_EE = 0x3BC08000  # li r30,MSR_EE
ORI_R30 = 0x601E0000  # ori r30,rS,0
MTCR = 0x7C0FF120
_RS = 0xFC1FFFFF
_SCRATCH = (mp.SCRATCH1, mp.SCRATCH2, mp.SCRATCH3)


class Role(Enum):
    """What an instruction does to the section."""

    ENTER = "enters"
    LEAVE = "leaves"
    SAVE = "saves"
    RESTORE = "restores"
    LOOK = "looks at int_pending"
    READ = "reads"
    WRITE = "writes"
    OPERAND = "takes the operand"
    REAL = "the real instruction"
    BACK = "the way back"
    OTHER = ""


class Look(Enum):
    """What is known of ``int_pending``."""

    NO = "not read"
    UNKNOWN = "read, not yet decided by"
    PENDING = "something was pending"
    NONE = "nothing was pending"


@dataclass(frozen=True)
class State:
    """What is so on one way to a boundary."""

    inside: bool = False
    look: Look = Look.NO
    stored: bool = False
    saved: frozenset[str] = frozenset()


class Walk:
    """By address: ``words``, ``roles`` (and the field), ``ways`` (what may follow), ``states`` before it."""

    def __init__(self, read: Read, start: int, page: int, back: int | None, original: int | None) -> None:
        self.read, self.start, self.page, self.back, self.original = read, start, page, back, original
        self.words: dict[int, int] = {}
        self.roles: dict[int, tuple[Role, str]] = {}
        self.ways: dict[int, tuple[int, ...]] = {}
        self.states: dict[int, set[State]] = {}
        self.problems: list[str] = []
        self._map()
        self._find_operands()
        self._follow()

    # --- the code -------------------------------------------------------------------------------------------------
    def _map(self) -> None:
        work = deque([(self.start, False)])
        while work:
            address, behind = work.popleft()
            if address in self.words or not self._meet(address, behind):
                continue
            left = self.roles[address][0] is Role.LEAVE
            if self.back is None and (behind or left and not self._exits(address + 4 & M32)):
                self.ways[address] = ()  # in the middle of other code: the end, and an exit right behind it
            work.extend((there, left) for there in self.ways[address] if there != self.back)

    def _meet(self, address: int, behind: bool) -> bool:
        word = self.read(address)
        if word is None or len(self.words) >= LONGEST:
            self.problems.append(f"the code at {address:#x} cannot be {'read' if word is None else 'followed so far'}")
            return False
        way, following = flow(word, address), address + 4 & M32
        if way.to is To.TARGET and not way.link:
            assert way.target is not None
            self.ways[address] = (way.target, following) if way.conditional else (way.target,)
        elif way.to in (To.NEXT, To.TRAP):
            self.ways[address] = (following,)
        else:
            self.ways[address] = ()
            self.problems.append(f"the section leaves at {address:#x} by {way.to.value}, which cannot be followed")
        self.words[address] = word
        self.roles[address] = self._role(word, address, behind)
        return True

    def _exits(self, address: int) -> bool:
        """Whether an instruction is one that exits: the real one, behind a section."""
        word = self.read(address)
        return word is not None and patchable(word) is not None

    def _role(self, word: int, address: int, behind: bool) -> tuple[Role, str]:
        access = page_access(word, self.page)
        if access is None:
            if word == self.original or self.original is None and behind:
                return Role.REAL, ""
            if self.back is not None and self.ways[address] == (self.back,):
                return Role.BACK, ""
            return (Role.OPERAND if word == LI_EE or word & _RS == ORI_R30 else Role.OTHER), ""
        field = mp_name(access.offset)
        if access.offset == mp.CRITICAL + 4 and access.store:
            return (Role.ENTER if access.register == 1 else Role.LEAVE), field
        if access.offset & ~7 in _SCRATCH:
            return (Role.SAVE if access.store else Role.RESTORE), field
        if access.offset == mp.INT_PENDING and not access.store:
            return Role.LOOK, field
        return (Role.WRITE if access.store else Role.READ), field

    def _find_operands(self) -> None:
        """An operand that was r30 or r31 comes from where it was saved: a load that is followed by work on MSR."""
        for at, (role, field) in self.roles.items():
            if role is Role.RESTORE and field in ("scratch1", "scratch2") and self.words[at] >> 21 & 31 == 30:
                ahead = (self.roles[a][0] for a in self._reachable(at))
                if field == "scratch1" or any(r in (Role.WRITE, Role.LOOK) for r in ahead):
                    self.roles[at] = Role.OPERAND, field

    def _reachable(self, at: int) -> set[int]:
        seen: set[int] = set()
        work = [at]
        while work:
            here = work.pop()
            if here not in seen and here in self.words:
                seen.add(here)
                work.extend(self.ways[here])
        return seen

    # --- what is so -----------------------------------------------------------------------------------------------
    def _follow(self) -> None:
        work = deque([(self.start, State())])
        while work:
            address, state = work.popleft()
            known = self.states.setdefault(address, set())
            if state in known:
                continue
            known.add(state)
            after = self._after(address, state)
            for there in self.ways[address]:
                if there in self.words:
                    work.append((there, self._decided(address, there, after)))

    def _after(self, address: int, state: State) -> State:
        """What is so after an instruction."""
        word, (role, field) = self.words[address], self.roles[address]
        register = f"r{word >> 21 & 31}"
        match role:
            case Role.ENTER:
                return replace(state, inside=True, look=Look.NO)
            case Role.LEAVE:
                return replace(state, inside=False)
            case Role.LOOK:
                return replace(state, look=Look.UNKNOWN)
            case Role.WRITE if field.startswith("msr"):
                return replace(state, stored=True)
            case Role.SAVE:
                return replace(state, saved=state.saved | {"CR" if field.startswith("scratch3") else register})
            case Role.RESTORE if not field.startswith("scratch3"):
                return replace(state, saved=state.saved - {register})
        return replace(state, saved=state.saved - {"CR"}) if word & _RS == MTCR else state

    def _decided(self, address: int, there: int, state: State) -> State:
        """A branch on ``cmpwi rN,0`` right behind the look: from here on it is known what was read."""
        word = self.words[address]
        if state.look is not Look.UNKNOWN or word >> 26 != 16 or word >> 16 & 31 != 2:
            return state
        looked, compared = self.words.get(address - 8), self.words.get(address - 4)
        if looked is None or self.roles[address - 8][0] is not Role.LOOK:
            return state
        if compared != 0x2C000000 | (looked >> 21 & 31) << 16:
            return state
        taken, on_equal = there != address + 4 & M32, bool(word & 0x01000000)
        return replace(state, look=Look.NONE if taken is on_equal else Look.PENDING)

    # --- how far it is --------------------------------------------------------------------------------------------
    def distances(self, *roles: Role) -> dict[int, tuple[int, int]]:
        """From each boundary, the least and the most instructions until one with such a role has been carried out; ways
        that lead past it, and rounds of a loop, are left out."""
        least: dict[int, int] = {}
        backwards = sorted(self.words, reverse=True)  # code mostly goes forward: two rounds do
        settled = False
        while not settled:
            settled = True
            for at in backwards:
                ahead = [least[there] for there in self.ways[at] if there in least]
                near = 1 if self.roles[at][0] in roles else min(ahead) + 1 if ahead else LONGEST + 1
                if near < least.get(at, LONGEST + 1):
                    least[at], settled = near, False
        most: dict[int, int] = {}
        for at in least:
            self._longest(at, roles, most, set())
        return {at: (least[at], most[at]) for at in least}

    def _longest(self, at: int, roles: tuple[Role, ...], known: dict[int, int], under: set[int]) -> int:
        """The longest way that comes nowhere twice; 0 for none."""
        if at in known or at in under or at not in self.words:
            return known.get(at, 0)
        if self.roles[at][0] in roles:
            known[at] = 1
            return 1
        far = max((self._longest(there, roles, known, under | {at}) for there in self.ways[at]), default=0)
        if far:
            known[at] = far + 1
        return known.get(at, 0)

    def misses(self, at: int) -> bool:
        """Whether some way from a boundary ends without the real instruction."""
        seen: set[int] = set()
        work = [at]
        while work:
            here = work.pop()
            if here in seen or here in self.words and self.roles[here][0] is Role.REAL:
                continue
            seen.add(here)
            if here not in self.words or not self.ways[here]:
                return True
            work.extend(self.ways[here])
        return False
