"""Figures of showers for Prometheus, gathered when they are asked for. They name nobody."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from database import Database
from messages import ProcessStatus
from metering.sessions.mqtt_port import ShowerPort
from metering.sessions.tables import WaterSession
from metering.vocabulary import SessionState

_SHOWN = (SessionState.AUTHORISED, SessionState.RUNNING, SessionState.IN_REVIEW)


@dataclass(frozen=True, eq=False)  # a registry keeps collectors by identity
class ShowerCollector(Collector):
    """Sessions that run or wait for a person, and, where there is a `port`, what controllers say at the broker."""

    database: Database
    port: ShowerPort | None

    def describe(self) -> list[Metric]:
        """Name nothing in advance: a registry asks this when it is made, and there may be no database yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        query = select(WaterSession.state, func.count()).where(WaterSession.state.in_(_SHOWN))
        with self.database.read() as session:
            counts = dict(session.execute(query.group_by(WaterSession.state)).all())
        sessions = GaugeMetricFamily("campusgate_shower_sessions", "Sessions that are not over", labels=["state"])
        for state in _SHOWN:
            sessions.add_metric([state.value], counts.get(state.value, 0))
        yield sessions
        if self.port is not None:
            yield from _at_the_broker(self.port)


def _at_the_broker(port: ShowerPort) -> Iterator[Metric]:
    said = Counter(one.status for one in port.availability.values())
    showers = GaugeMetricFamily("campusgate_showers", "Shower controllers by what was said last", labels=["status"])
    for status in ProcessStatus:
        showers.add_metric([status.value], said[status])
    yield showers
    yield GaugeMetricFamily("campusgate_shower_backlog", "Messages of showers that wait", value=port.backlog)
    yield CounterMetricFamily(
        "campusgate_shower_turned_away", "Messages of showers that found no room", value=port.turned_away
    )
    yield GaugeMetricFamily(
        "campusgate_showers_twice", "Showers in whose name two controllers speak", value=len(port.twice)
    )
