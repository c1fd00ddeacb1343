"""What was used: a person's sessions, their days, and what a list of sessions shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from metering.sessions.tables import WaterSession, WaterSessionReport
from metering.vocabulary import SessionState
from web.problems import NotFoundError


@dataclass(frozen=True, slots=True)
class DayUse:
    """What a person used on a day of the campus's calendar."""

    day: date
    sessions: int
    hot_ml: int
    cold_ml: int
    cost: int
    subsidy: int


def find_sessions(
    session: Session,
    *,
    person_id: UUID | None = None,
    device_id: UUID | None = None,
    state: SessionState | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> Sequence[WaterSession]:
    """Return sessions, the last begun first; `before` is time and id of the last one of the page before."""
    query = select(WaterSession).order_by(WaterSession.began_at.desc(), WaterSession.id.desc()).limit(limit)
    for column, wanted in (
        (WaterSession.person_id, person_id),
        (WaterSession.device_id, device_id),
        (WaterSession.state, state),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if before is not None:
        at, last = before
        query = query.where((WaterSession.began_at < at) | ((WaterSession.began_at == at) & (WaterSession.id < last)))
    return session.scalars(query).all()


def get_session(session: Session, session_id: UUID, *, person_id: UUID | None = None) -> WaterSession:
    """Return a session; with `person_id` only one of that person.

    Raises:
        NotFoundError: there is none.
    """
    row = session.get(WaterSession, session_id)
    if row is None or (person_id is not None and row.person_id != person_id):
        raise NotFoundError("there is no such session")
    return row


def reports_of(session: Session, session_id: UUID) -> Sequence[WaterSessionReport]:
    """Return a session's reports in the order of their numbers."""
    query = select(WaterSessionReport).where(WaterSessionReport.session_id == session_id)
    return session.scalars(query.order_by(WaterSessionReport.seq, WaterSessionReport.received_at)).all()


def days(session: Session, person_id: UUID, first: date, last: date, zone: ZoneInfo) -> list[DayUse]:
    """Return a person's days from `first` to `last`, both included; days without a session are left out."""
    query = select(WaterSession).where(
        WaterSession.person_id == person_id,
        WaterSession.began_at >= datetime.combine(first, time(), zone),
        WaterSession.began_at < datetime.combine(last + timedelta(days=1), time(), zone),
        WaterSession.state != SessionState.REFUSED,
    )
    found: dict[date, list[WaterSession]] = {}
    for row in session.scalars(query.order_by(WaterSession.began_at)):
        found.setdefault(row.began_at.astimezone(zone).date(), []).append(row)
    return [
        DayUse(
            day,
            len(rows),
            sum(row.hot_ml for row in rows),
            sum(row.cold_ml for row in rows),
            sum(row.cost for row in rows),
            sum(row.subsidy for row in rows),
        )
        for day, rows in found.items()
    ]
