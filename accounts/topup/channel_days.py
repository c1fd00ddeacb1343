"""Which days of the channels were compared with their bills, and which of them differ."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from accounts.topup.tables import ChannelDay

SPOKEN_OF = timedelta(days=30)
"""How long a day that differs is an alarm; channels keep bills for three months, and the day itself stays on record."""
_LONGEST_GAP = timedelta(days=7)
"""Days that nobody compared, as while the server or the channel was away, are made up for within this."""


def record(session: Session, channel: str, day: date, *, differences: int, waiting: int, now: datetime) -> None:
    """Keep what was found of a day, in place of what was found before."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    found = {"differences": differences, "waiting": waiting, "reconciled_at": now}
    statement = insert(ChannelDay).values(channel=channel, day=day, **found)
    session.execute(statement.on_conflict_do_update(index_elements=["channel", "day"], set_=found))


def find_differing(session: Session, today: date) -> Sequence[ChannelDay]:
    """Return the days of the last thirty that differ, the newest first."""
    row = ChannelDay
    return session.scalars(
        select(row)
        .where(row.day >= today - SPOKEN_OF, row.differences > row.waiting)
        .order_by(row.day.desc(), row.channel)
    ).all()


def list_to_compare(session: Session, channel: str, yesterday: date) -> list[date]:
    """Return the days to compare now, the oldest first: those that differ, those that were left out, and yesterday."""
    row = ChannelDay
    oldest = yesterday - _LONGEST_GAP
    rows = session.execute(select(row.day, row.differences).where(row.channel == channel, row.day >= oldest))
    known = {found.day: found.differences for found in rows}
    last = session.scalar(select(func.max(row.day)).where(row.channel == channel)) or yesterday - timedelta(days=1)
    missed = (yesterday - timedelta(days=days) for days in range(_LONGEST_GAP.days))
    wanted = {yesterday, *(day for day in missed if day > last and day not in known)}
    wanted |= {day for day, differences in known.items() if differences}
    return sorted(wanted - {day for day, differences in known.items() if not differences})
