"""Looking back: the guest as it was when an exit had been handled, for as long as somebody looks; then the present.

The guest itself is moved along its timeline, so registers, memory, TLBs and every command show that moment. Nothing is
lost by it: :meth:`Looking.back` returns to where the guest stood, with the report of why it stood there. A run that
begins meanwhile begins there, and so does another future if somebody changes the guest; then there is nothing to
return to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppcdbg.debugger import registers
from ppcdbg.debugger.stops import Cause, StopReport
from ppcdbg.session.places import Key

if TYPE_CHECKING:
    from ppcdbg.debugger.travel import Travel


@dataclass(frozen=True)
class Present:
    """Where the guest stood before the first look, and what was known of its stop."""

    key: Key
    last: StopReport
    before: registers.Snapshot


class Looking:
    """Looks of one debugger. ``exit`` is the exit that is looked at, None while the guest stands in the present."""

    def __init__(self, travel: Travel) -> None:
        self._travel = travel
        self.present: Present | None = None
        self.exit: int | None = None

    def at(self, number: int) -> bool:
        """Be where an exit has been handled; false when it was interrupted on the way. Raises UsageError without KVM.

        Asking again for the exit that is looked at costs nothing.
        """
        debugger = self._travel.debugger
        if self.exit == number and debugger.system.steps == number + 1:
            return True
        if self.present is None:
            self.present = Present(self._travel.here, debugger.last, debugger.before)
        self.exit = None
        with self._travel.unrecorded():
            report = self._travel.seek_exit(number)
        if report.cause is Cause.INTERRUPTED or debugger.system.steps != number + 1:
            return False
        self.exit = number
        return True

    def back(self) -> bool:
        """Be in the present again; false when it was interrupted on the way."""
        if self.present is None:
            return True
        travel, present = self._travel, self.present
        if travel.timeline.end < present.key:  # somebody changed the past: that future will not come
            self.stay()
            return True
        self.exit = None
        if travel.here != present.key:
            with travel.unrecorded():
                report = travel.go_to(present.key)
            if report.cause is Cause.INTERRUPTED:
                return False
        travel.debugger.stands(present.last, present.before)
        self.stay()
        return True

    def stay(self) -> None:
        """What is looked at is the present from now on."""
        self.present = self.exit = None
