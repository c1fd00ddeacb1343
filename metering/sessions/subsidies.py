"""The monthly subsidy of hot water: used before the holder's own money, and gone with the month.

Nothing is credited to anybody: a session that a subsidy pays draws from the fund's ledger account as it is settled. So
what is unused ends with the month by itself, and the month is that in which the session began, however late it settles.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from accounts import audit
from accounts.ledger import AccountKind, Entry, Transfer, find, open_named, record
from accounts.ledger.chart import named_account
from accounts.tables import Person
from accounts.vocabulary import PersonKind
from metering.sessions.case import Case
from metering.sessions.tables import WaterSession, WaterSubsidy, WaterSubsidyUse
from web.problems import NotFoundError, ProblemError

PURPOSE = "water_subsidy"


@dataclass(frozen=True, slots=True)
class Plan:
    """What staff set: `fen` a month and person of a kind, in each month of which a day lies in the time.

    The time runs from `begins_on` until before `ends_on`.
    """

    fund: str
    fen: int
    kind: PersonKind
    begins_on: date
    ends_on: date | None


def add(session: Session, plan: Plan, *, by: str, now: datetime) -> WaterSubsidy:
    """Begin a subsidy and open its fund's account."""
    open_named(session, AccountKind.SUBSIDY, plan.fund, now)
    row = WaterSubsidy(
        fund=plan.fund, fen=plan.fen, kind=plan.kind.value, begins_on=plan.begins_on, ends_on=plan.ends_on
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        actor=by,
        action="water_subsidy.add",
        subject=f"water_subsidy:{row.id}",
        now=now,
        details={"fund": plan.fund, "fen": plan.fen, "kind": plan.kind.value},
    )
    return row


class SubsidyOverError(ProblemError):
    """What was paid in a month that is over stays paid, and a subsidy that has ended does not begin again."""

    code = "water_subsidy_over"
    status = 409
    title = "A subsidy ends with this month or a later one, and no later than it was to end"


def end(session: Session, subsidy_id: UUID, ends_on: date, *, by: str, now: datetime, zone: ZoneInfo) -> WaterSubsidy:
    """Let a subsidy end with the month that the day before `ends_on` lies in; the same again changes nothing.

    Raises:
        NotFoundError: there is no such subsidy.
        SubsidyOverError: that month is over, or the subsidy was to end before it.
    """
    row = session.get(WaterSubsidy, subsidy_id, with_for_update=True)
    if row is None:
        raise NotFoundError("there is no such subsidy")
    if row.ends_on == ends_on:
        return row
    is_over = (ends_on - timedelta(days=1)).replace(day=1) < month_of(now, zone)
    if is_over or (row.ends_on is not None and row.ends_on < ends_on):
        raise SubsidyOverError
    row.ends_on = ends_on
    session.flush()
    audit.record(
        session,
        actor=by,
        action="water_subsidy.end",
        subject=f"water_subsidy:{row.id}",
        now=now,
        details={"ends_on": str(ends_on)},
    )
    return row


def left(session: Session, person: Person, at: datetime, zone: ZoneInfo) -> int:
    """Return the fen of hot water that a person's subsidies still pay in the month of `at`."""
    return sum(subsidy.fen - use for subsidy, use in _of(session, person, month_of(at, zone)))


def draw(case: Case, hot_cost: int) -> int:
    """Take what the subsidies pay of a session's hot water; return what they pay of it in all.

    The caller has locked the holder's wallet. Drawing again takes only what is more.
    """
    session, row, now = case.session, case.row, case.now
    person = None if row.person_id is None else session.get(Person, row.person_id)
    if person is None or row.merchant_id is None:
        return row.subsidy
    month, drawn = month_of(row.began_at, case.zone), row.subsidy
    for subsidy, used in _of(session, person, month):
        amount = min(hot_cost - drawn, subsidy.fen - used)
        if amount <= 0:
            continue
        fund = open_named(session, AccountKind.SUBSIDY, subsidy.fund, now)
        details = {"session": str(row.id), "person": str(person.id)}
        transfer = Transfer(_draw_id(row, drawn), PURPOSE, fund, row.merchant_id, amount, details=details)
        if record(session, [transfer], now)[0].entry is None:
            continue
        session.merge(WaterSubsidyUse(subsidy_id=subsidy.id, person_id=person.id, month=month, used=used + amount))
        drawn += amount
    return drawn


def draws(session: Session, row: WaterSession) -> list[Entry]:
    """Return the lines that subsidies paid of a session, the oldest first."""
    found, drawn = list[Entry](), 0
    while (line := find(session, _draw_id(row, drawn))) is not None:
        found.append(line)
        drawn += line.amount
    return found


def restore(session: Session, row: WaterSession, line: Entry, amount: int, zone: ZoneInfo) -> None:
    """Let `amount` fen that went back to the fund of `line` be used again in the session's month."""
    query = (
        select(WaterSubsidyUse, WaterSubsidy.fund)
        .join(WaterSubsidy, WaterSubsidy.id == WaterSubsidyUse.subsidy_id)
        .where(WaterSubsidyUse.person_id == row.person_id, WaterSubsidyUse.month == month_of(row.began_at, zone))
        .order_by(WaterSubsidy.id)
    )
    for use, fund in session.execute(query).all():
        if named_account(AccountKind.SUBSIDY, fund) == line.debit:
            back = min(amount, use.used)
            use.used -= back
            amount -= back
    session.flush()


def _draw_id(row: WaterSession, drawn: int) -> UUID:
    return uuid5(row.id, f"subsidy/{drawn}")


def month_of(at: datetime, zone: ZoneInfo) -> date:
    """Return the first day of the campus's month."""
    return at.astimezone(zone).date().replace(day=1)


def month_after(month: date) -> date:
    """Return the first day of the next month."""
    return (month + timedelta(days=31)).replace(day=1)


def _of(session: Session, person: Person, month: date) -> Iterator[tuple[WaterSubsidy, int]]:
    """The subsidies of a person's kind in a month, with what is used of each."""
    query = select(WaterSubsidy).where(
        WaterSubsidy.kind == person.kind.value,
        WaterSubsidy.begins_on < month_after(month),
        or_(WaterSubsidy.ends_on.is_(None), WaterSubsidy.ends_on > month),
    )
    for subsidy in session.scalars(query.order_by(WaterSubsidy.id)).all():
        use = session.get(WaterSubsidyUse, (subsidy.id, person.id, month), populate_existing=True)
        yield subsidy, 0 if use is None else use.used
