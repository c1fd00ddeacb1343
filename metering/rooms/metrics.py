"""Figures of meters and lines for Prometheus, gathered when they are asked for. They name nobody."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from database import Database
from metering.readings.tables import ReadingReview
from metering.readings.values import ReviewState
from metering.rooms import reader
from metering.rooms.tables import Meter, MeterLine


@dataclass(frozen=True, eq=False)  # a registry keeps collectors by identity
class MeterCollector(Collector):
    """Reads what the reading processes said of their lines and meters, and what waits for a person."""

    database: Database
    now: Callable[[], datetime]

    def describe(self) -> list[Metric]:
        """Name nothing in advance: a registry asks this when it is made, and there may be no database yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        now = self.now()
        with self.database.read() as session:
            states = dict(session.execute(select(MeterLine.is_up, func.count()).group_by(MeterLine.is_up)).all())
            unread = len(reader.find_unread(session, now))
            heard_at = session.scalar(select(func.min(MeterLine.heard_at)))
            meters = session.scalar(select(func.count()).where(Meter.line_id.is_not(None)))
            silent = len(reader.find_silent(session))
            in_review = session.scalar(select(func.count()).where(ReadingReview.state == ReviewState.WAITING))
        lines = GaugeMetricFamily("campusgate_meter_lines", "Lines of meters", labels=["state"])
        for state, is_up in (("up", True), ("down", False), ("unknown", None)):
            lines.add_metric([state], states.get(is_up, 0))
        yield lines
        yield GaugeMetricFamily("campusgate_meter_lines_unread", "Lines whose reader sends nothing", value=unread)
        yield GaugeMetricFamily(
            "campusgate_meter_reader_heard_seconds",
            "How long ago the reader was heard that is silent for longest",
            value=0.0 if heard_at is None else (now - heard_at).total_seconds(),
        )
        yield GaugeMetricFamily("campusgate_meters", "Meters on lines", value=meters or 0)
        yield GaugeMetricFamily("campusgate_meters_silent", "Meters that do not answer on lines that do", value=silent)
        yield GaugeMetricFamily(
            "campusgate_readings_in_review", "Readings that wait for a person", value=in_review or 0
        )
