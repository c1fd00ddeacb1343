"""How far a session may go: most fen, water and time of a session and of the holder's day."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from messages.metering import OpeningPeriod, SessionLimit
from metering.sessions.case import Case
from metering.sessions.tables import WaterSession
from metering.vocabulary import SessionState, StopReason


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a session may still come to in all: fen, millilitres, seconds."""

    fen: int
    ml: int
    open_s: int

    @property
    def is_used_up(self) -> bool:
        """Whether nothing may begin on it."""
        return min(self.fen, self.ml, self.open_s) <= 0

    def limit(self, paid_fen: int) -> SessionLimit:
        """Return where the controller closes the valve, with `paid_fen` held and subsidised."""
        return SessionLimit(fen=max(0, min(self.fen, paid_fen)), ml=max(0, self.ml), open_s=max(0, self.open_s))


def allowance(case: Case) -> Allowance:
    """Return what a session may come to, after what its holder's other sessions of the same day did."""
    row, settings, zone = case.row, case.settings, case.zone
    day = row.began_at.astimezone(zone).date()
    begins = datetime.combine(day, time(), zone)
    ends = datetime.combine(day + timedelta(days=1), time(), zone)
    sums = (
        func.coalesce(func.sum(column), 0)
        for column in (WaterSession.cost, WaterSession.hot_ml + WaterSession.cold_ml, WaterSession.open_s)
    )
    query = select(*sums).where(
        WaterSession.person_id == row.person_id,
        WaterSession.id != row.id,
        WaterSession.began_at >= begins,
        WaterSession.began_at < ends,
        WaterSession.state != SessionState.REFUSED,
        # What cannot be read uses up nobody's day.
        WaterSession.doubts == "",
    )
    fen, ml, open_s = (int(value) for value in case.session.execute(query).one())
    return Allowance(
        min(settings.most_fen, settings.day_fen - fen),
        min(settings.most_ml, settings.day_ml - ml),
        min(settings.most_open_s, settings.day_open_s - open_s),
    )


def reached(row: WaterSession, limit: SessionLimit) -> StopReason | None:
    """Return the limit that a session has come to."""
    if limit.fen is not None and row.cost >= limit.fen:
        return StopReason.MONEY_LIMIT
    if limit.ml is not None and row.hot_ml + row.cold_ml >= limit.ml:
        return StopReason.VOLUME_LIMIT
    if limit.open_s is not None and row.open_s >= limit.open_s:
        return StopReason.TIME_LIMIT
    return None


def is_open(opening: tuple[OpeningPeriod, ...], at: datetime, zone: ZoneInfo) -> bool:
    """Whether sessions may begin at a time; without periods always."""
    clock = at.astimezone(zone).time()
    return not opening or any(_covers(period, clock) for period in opening)


def _covers(period: OpeningPeriod, clock: time) -> bool:
    begins, ends = time.fromisoformat(period.begins), time.fromisoformat(period.ends)
    return begins <= clock < ends if begins <= ends else clock >= begins or clock < ends
