"""What the server does by itself for meters: partitions ahead, old readings thinned out, alarms for what is silent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.tables import Device
from campusgate.processes.jobs.schedule import Job
from campusgate.processes.jobs.site_alarm import set_site_alarm
from database import Database
from metering.readings.partitions import make_partitions
from metering.readings.retention import thin_out
from metering.rooms import reader
from metering.rooms.reader import CYCLE
from metering.sessions.heartbeat_order import HeartbeatOrder
from operations.alarms.rules import AlarmKind


def make_meter_jobs(
    database: Database, zone: ZoneInfo, cycle: timedelta = CYCLE, heartbeats: HeartbeatOrder | None = None
) -> list[Job]:
    """Return what keeps the readings, and looks after lines, meters and showers.

    `cycle` is how often all meters are read; `heartbeats` knows what showers say.
    """
    return [
        Job("make months of readings", timedelta(hours=6), partial(make_partitions, database)),
        Job("thin out readings", timedelta(hours=6), partial(thin_out, database, zone), by_age=True, takes_long=True),
        Job("watch the meters", timedelta(minutes=1), MeterWatch(database, cycle, heartbeats).look),
    ]


_LONGEST_REASON = 63
"""Of an alarm."""


class MeterWatch:
    """Raises one alarm for readers that report nothing, for gateways and for meters that do not answer; for clones."""

    def __init__(self, database: Database, cycle: timedelta = CYCLE, heartbeats: HeartbeatOrder | None = None) -> None:
        """Take the database; alarms from before this start end with the first look, if they should."""
        self._database, self._cycle, self._heartbeats = database, cycle, heartbeats
        self._told: dict[AlarmKind, bool] = {}
        self._since: datetime | None = None

    def look(self, now: datetime) -> None:
        """Raise and end alarms where something changed since the last look; which ones, the staff's page says.

        While nobody was there to be told, readers could tell nothing: they get their three cycles after each start.
        """
        self._since = self._since or now
        with self._database.read() as session:
            found = {
                AlarmKind.METER_READER_LOST: bool(reader.find_unread(session, now, self._cycle)),
                AlarmKind.METER_LINE_DOWN: bool(reader.find_down(session)),
                AlarmKind.METERS_SILENT: bool(reader.find_silent(session)),
            }
            clones = self._find_clones(session)
            found[AlarmKind.CLONED_SHOWER] = bool(clones)
        if now - self._since < reader.LOST_AFTER_CYCLES * self._cycle and found[AlarmKind.METER_READER_LOST]:
            del found[AlarmKind.METER_READER_LOST]
        for kind, raises in found.items():
            if self._told.get(kind) is not raises:
                reason = ", ".join(clones)[:_LONGEST_REASON] if kind is AlarmKind.CLONED_SHOWER and clones else None
                set_site_alarm(self._database, kind, now, raises=raises, reason=reason)
                self._told[kind] = raises

    def _find_clones(self, session: Session) -> Sequence[str]:
        """Return the names of the showers in whose name two controllers speak, but for those that are revoked."""
        twice = frozenset() if self._heartbeats is None else self._heartbeats.twice
        query = select(Device.name).where(Device.id.in_(twice), Device.revoked_at.is_(None))
        return session.scalars(query.order_by(Device.name)).all() if twice else ()
