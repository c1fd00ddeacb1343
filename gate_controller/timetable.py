"""Held open and always closed by schedule: what the policy in the controller's own replica says about this minute.

The replica is on the controller, so the timetable holds without broker, edge and server.
"""

from datetime import datetime

import structlog

from access.policy import DoorMode, GatePolicy
from gate_controller.card_decision import Directory
from gate_controller.signals import Authority, BarrierMode, ModeOrdered

log = structlog.get_logger()

EVERY_S = 1.0
"""How often the schedule is read: also after a clock was set or a new policy came."""

_MODES = {DoorMode.HELD_OPEN: BarrierMode.HELD_OPEN, DoorMode.ALWAYS_CLOSED: BarrierMode.ALWAYS_CLOSED}


def scheduled_mode(policy: GatePolicy | None, now: datetime) -> BarrierMode:
    """Return what the schedule orders at `now` (aware); the first rule that holds counts."""
    for rule in policy.door_modes if policy is not None else ():
        if policy is not None and policy.is_open(rule.schedule, now):
            return _MODES[rule.mode]
    return BarrierMode.NORMAL


class Timetable:
    """Turns the timetable into orders, each once."""

    def __init__(self, directory: Directory | None) -> None:
        self._directory = directory
        self._ordered = BarrierMode.NORMAL
        self.next_at = 0.0
        """When to ask again, in monotonic seconds."""

    def next_order(self, at: datetime, seconds: float, *, clock_sure: bool) -> ModeOrdered | None:
        """Return a new order of the schedule, None when nothing has changed or it is not time to ask yet.

        A clock that cannot be believed never holds a door open; a door that is to be closed stays so.
        """
        if seconds < self.next_at:
            return None
        self.next_at = seconds + EVERY_S
        wanted = self._wanted(at, clock_sure=clock_sure)
        if wanted is self._ordered:
            return None
        self._ordered = wanted
        return ModeOrdered(wanted, Authority.SCHEDULE)

    def _wanted(self, at: datetime, *, clock_sure: bool) -> BarrierMode:
        if not clock_sure:
            return BarrierMode.NORMAL if self._ordered is BarrierMode.HELD_OPEN else self._ordered
        try:
            return scheduled_mode(self._directory.policy if self._directory is not None else None, at)
        except Exception:
            # The door must go on relocking and opening for fire, also when the replica's disk has failed.
            log.exception("timetable_unreadable")
            return self._ordered
