"""How full zones were: a sample every few minutes, as the gates counted at that moment."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from directory import gates, zone_passages
from operations.tables import ZoneSample

EVERY = timedelta(minutes=5)
KEPT = timedelta(days=100)


def take(session: Session, now: datetime) -> None:
    """Write down how many are in each zone."""
    counted = zone_passages.count_inside(session, now=now)
    session.add_all(
        ZoneSample(zone=zone.name, at=now, inside=counted.get(zone.name, 0)) for zone in gates.find_zones(session)
    )


def find(session: Session, zone: str, *, since: datetime, until: datetime) -> Sequence[tuple[datetime, int]]:
    """Return the samples of a zone from `since` to before `until`, oldest first."""
    statement = select(ZoneSample.at, ZoneSample.inside).where(
        ZoneSample.zone == zone, ZoneSample.at >= since, ZoneSample.at < until
    )
    return [(at, inside) for at, inside in session.execute(statement.order_by(ZoneSample.at))]


def forget(session: Session, now: datetime) -> None:
    """Delete the samples that are older than is kept."""
    session.execute(delete(ZoneSample).where(ZoneSample.at < now - KEPT))
