"""Each day's state for the day-end: closed or not, and what still waits for somebody."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.ledger.tables import DayClose, JournalTransfer
from accounts.payments.offline_states import OfflineState
from accounts.payments.tables import Charge, ChargeRefund, OfflinePayment
from accounts.topup import cash_book, cash_requests
from accounts.topup.cash import counter_of
from accounts.topup.tables import CashRequest, TopUpOrder, TopUpRefund


class DayState(StrEnum):
    """Where a day is on its way to being closed."""

    RUNNING = "running"
    """It is today."""
    OPEN = "open"
    """It is over, and not closed."""
    CLOSED = "closed"
    MERGED = "merged"
    """It was never closed, and a later day that is took in its lines."""


class Missing(StrEnum):
    """What of a day waits for somebody, or for a channel's word."""

    CASH_REQUESTS = "cash_requests"
    OFFLINE_PAYMENTS = "offline_payments"
    TOP_UPS = "top_ups"
    CHARGES = "charges"
    REFUNDS = "refunds"


@dataclass(frozen=True, slots=True)
class DayOverview:
    """A day: what waits, how often, and whose drawers were not counted."""

    day: date
    state: DayState
    closed_at: datetime | None
    transfers: int | None
    missing: dict[Missing, int]
    uncounted: tuple[UUID, ...]

    @property
    def is_complete(self) -> bool:
        """Whether nothing waits."""
        return not self.missing and not self.uncounted


def overview(session: Session, last: date, days: int, zone: ZoneInfo, now: datetime) -> list[DayOverview]:
    """Return `days` days up to `last`, the newest first; none before the journal began."""
    began = session.scalar(select(func.min(JournalTransfer.recorded_at)))
    if began is None:
        return []
    wanted = [last - timedelta(days=back) for back in range(days)]
    wanted = [day for day in wanted if day >= began.astimezone(zone).date()]
    if not wanted:
        return []
    begins, ends = bounds(wanted[-1], zone)[0], bounds(wanted[0], zone)[1]
    closed = {row.day: row for row in session.scalars(select(DayClose).where(DayClose.day.in_(wanted)))}
    newest = session.scalar(select(func.max(DayClose.day)))
    missing: defaultdict[date, Counter[Missing]] = defaultdict(Counter)
    for what, at in _waiting(session, begins, ends):
        missing[at.astimezone(zone).date()][what] += 1
    uncounted = _uncounted(session, wanted, begins, ends, zone)
    today = now.astimezone(zone).date()
    return [
        DayOverview(
            day,
            _state(day, day in closed, newest, today),
            closed[day].closed_at if day in closed else None,
            closed[day].transfers if day in closed else None,
            dict(missing[day]),
            tuple(sorted(uncounted[day])),
        )
        for day in wanted
    ]


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when a day of the campus's calendar begins, and when the next one does."""
    return datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone)


def _state(day: date, is_closed: bool, newest: date | None, today: date) -> DayState:
    if is_closed:
        return DayState.CLOSED
    if newest is not None and day < newest:
        return DayState.MERGED
    return DayState.RUNNING if day >= today else DayState.OPEN


def _waiting(session: Session, begins: datetime, ends: datetime) -> Iterator[tuple[Missing, datetime]]:
    for what, moment, state, waiting in (
        (Missing.CASH_REQUESTS, CashRequest.asked_at, CashRequest.state, cash_requests.WAITING),
        (Missing.OFFLINE_PAYMENTS, OfflinePayment.received_at, OfflinePayment.state, OfflineState.WAITING.value),
        (Missing.TOP_UPS, TopUpOrder.created_at, TopUpOrder.state, "pending"),
        (Missing.CHARGES, Charge.created_at, Charge.state, "pending"),
        (Missing.REFUNDS, TopUpRefund.created_at, TopUpRefund.state, "pending"),
        (Missing.REFUNDS, ChargeRefund.created_at, ChargeRefund.state, "pending"),
    ):
        for at in session.scalars(select(moment).where(state == waiting, moment >= begins, moment < ends)):
            yield what, at


def _uncounted(
    session: Session, days: Sequence[date], begins: datetime, ends: datetime, zone: ZoneInfo
) -> defaultdict[date, set[UUID]]:
    counted = cash_book.counted_boxes(session, days)
    found: defaultdict[date, set[UUID]] = defaultdict(set)
    for cashier, at in cash_book.counters_used(session, begins, ends):
        day = at.astimezone(zone).date()
        if (counter_of(cashier), day) not in counted:
            found[day].add(cashier)
    return found
