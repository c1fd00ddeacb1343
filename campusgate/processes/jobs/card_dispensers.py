"""What the server does by itself about card dispensers: it looks whether one needs somebody."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from campusgate.processes.jobs.schedule import Job
from campusgate.processes.jobs.site_alarm import set_site_alarm
from card_dispensing import sightings
from card_dispensing.sightings import Trouble
from database import Database
from operations.alarms.rules import AlarmKind

_LONGEST_REASON = 63
"""Of an alarm."""


def make_dispenser_jobs(database: Database) -> list[Job]:
    """Return what raises and ends the alarms."""
    return [Job("watch card dispensers", timedelta(seconds=10), DispenserWatch(database).look)]


class DispenserWatch:
    """Raises and ends the alarms about dispensers, once for each change."""

    def __init__(self, database: Database) -> None:
        """Nothing has been told."""
        self._database = database
        self._told: dict[AlarmKind, str | None] = {}

    def look(self, now: datetime) -> None:
        """Look what is wrong now."""
        with self._database.read() as session:
            found = sightings.find_troubles(session, now)
        for kind, troubles in (
            (AlarmKind.CARD_DISPENSER_FAULT, found.faults),
            (AlarmKind.CARD_DISPENSER_LOW, found.cards),
            (AlarmKind.CARD_BIN_FULL, found.bins),
        ):
            reason = _describe(troubles)
            if kind not in self._told or self._told[kind] != reason:
                set_site_alarm(self._database, kind, now, raises=bool(troubles), reason=reason)
                self._told[kind] = reason


def _describe(troubles: Sequence[Trouble]) -> str | None:
    return ", ".join(f"{one.kiosk}: {one.reason}" for one in troubles)[:_LONGEST_REASON] or None
