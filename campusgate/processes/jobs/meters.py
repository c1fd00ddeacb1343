"""What the server does by itself for meters: partitions ahead, old readings thinned out, alarms for what is silent."""

from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from campusgate.processes.jobs.schedule import Job
from campusgate.processes.jobs.site_alarm import set_site_alarm
from database import Database
from metering.readings.partitions import make_partitions
from metering.readings.retention import thin_out
from metering.rooms import reader
from metering.rooms.reader import CYCLE
from operations.alarms.rules import AlarmKind


def make_meter_jobs(database: Database, zone: ZoneInfo, cycle: timedelta = CYCLE) -> list[Job]:
    """Return what keeps the readings, and looks after lines and meters; `cycle` is how often all meters are read."""
    return [
        Job("make months of readings", timedelta(hours=6), partial(make_partitions, database)),
        Job("thin out readings", timedelta(hours=6), partial(thin_out, database, zone), by_age=True),
        Job("watch the meters", timedelta(minutes=1), MeterWatch(database, cycle).look),
    ]


class MeterWatch:
    """Raises one alarm for readers that report nothing, one for gateways and one for meters that do not answer."""

    def __init__(self, database: Database, cycle: timedelta = CYCLE) -> None:
        """Take the database; alarms from before this start end with the first look, if they should."""
        self._database, self._cycle = database, cycle
        self._told: dict[AlarmKind, bool] = {}

    def look(self, now: datetime) -> None:
        """Raise and end alarms where something changed since the last look; which ones, the staff's page says."""
        with self._database.read() as session:
            found = {
                AlarmKind.METER_READER_LOST: bool(reader.find_unread(session, now, self._cycle)),
                AlarmKind.METER_LINE_DOWN: bool(reader.find_down(session)),
                AlarmKind.METERS_SILENT: bool(reader.find_silent(session)),
            }
        for kind, raises in found.items():
            if self._told.get(kind) is not raises:
                set_site_alarm(self._database, kind, now, raises=raises)
                self._told[kind] = raises
