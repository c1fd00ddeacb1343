"""Enrolment's figures for Prometheus, gathered when they are asked for. They name nobody."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from database import Database
from enrollment import filing, notice_delivery, review


@dataclass(frozen=True, eq=False)  # a registry keeps collectors by identity
class EnrollmentCollector(Collector):
    """Reads the register, the reviewers' queue and the outbox."""

    database: Database
    channels: Sequence[str]
    """Names of the channels that are configured."""
    now: Callable[[], datetime]

    def describe(self) -> list[Metric]:
        """Name nothing in advance: a registry asks this when it is made, and there may be no database yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        now = self.now()
        with self.database.read() as session:
            people = filing.count_people(session)
            queue = review.query_statistics(session, now=now)
            waiting = {channel: notice_delivery.count_waiting(session, channel, now) for channel in self.channels}
        yield GaugeMetricFamily("campusgate_people_with_template", "People who have a template", value=people.people)
        yield GaugeMetricFamily(
            "campusgate_people_filing_due", "Number of people from which a filing is due", value=filing.FILING_DUE_AT
        )
        yield GaugeMetricFamily("campusgate_photos_in_review", "Photos that wait for a reviewer", value=queue.waiting)
        yield GaugeMetricFamily(
            "campusgate_photos_in_review_oldest_seconds",
            "How long the oldest of them has waited",
            value=queue.oldest_waiting_s or 0.0,
        )
        notices = GaugeMetricFamily("campusgate_notices_waiting", "Notices not delivered yet", labels=["channel"])
        for channel, number in waiting.items():
            notices.add_metric([channel], number)
        yield notices
