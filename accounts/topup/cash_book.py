"""A cash box by the day: what was taken in and paid out of it, and what was counted in it against that."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from accounts import audit
from accounts.ledger.chart import named_account
from accounts.ledger.tables import JournalTransfer, LedgerAccount
from accounts.ledger.transfer import AccountKind
from accounts.payments.problems import PaymentIdReusedError
from accounts.topup.cash import COUNTER, IN, OUT
from accounts.topup.tables import CashCount


@dataclass(frozen=True, slots=True)
class CashLine:
    """Cash that changed hands; `amount` is positive whichever way."""

    id: UUID
    purpose: str
    person_id: UUID
    amount: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Counted:
    """What somebody counted in a box: `opening` is the change that they began with. All in fen."""

    id: UUID
    box: str
    day: date
    opening: int
    counted: int
    note: str


def lines_of(session: Session, box: str, begins: datetime, ends: datetime) -> list[CashLine]:
    """Return the cash of a box between two times, oldest first."""
    account = named_account(AccountKind.CASH, box)
    query = (
        select(JournalTransfer)
        .where(
            or_(JournalTransfer.debit == account, JournalTransfer.credit == account),
            JournalTransfer.purpose.in_((IN, OUT)),
            JournalTransfer.recorded_at >= begins,
            JournalTransfer.recorded_at < ends,
        )
        .order_by(JournalTransfer.serial)
    )
    return [
        CashLine(row.id, row.purpose, row.credit if row.purpose == IN else row.debit, row.amount, row.recorded_at)
        for row in session.scalars(query)
    ]


def expected_in(lines: Sequence[CashLine], opening: int = 0) -> int:
    """Return what must be in a box that began with `opening` fen. Pure."""
    return opening + sum(one.amount if one.purpose == IN else -one.amount for one in lines)


def counters_used(session: Session, begins: datetime, ends: datetime) -> list[tuple[UUID, datetime]]:
    """Return the cashier of each movement of cash at a counter between two times, with its time."""
    boxes = {
        row.id: UUID(row.name.removeprefix(COUNTER))
        for row in session.execute(
            select(LedgerAccount.id, LedgerAccount.name).where(
                LedgerAccount.kind == AccountKind.CASH.value, LedgerAccount.name.startswith(COUNTER)
            )
        )
    }
    query = select(JournalTransfer.debit, JournalTransfer.credit, JournalTransfer.recorded_at).where(
        JournalTransfer.purpose.in_((IN, OUT)),
        JournalTransfer.recorded_at >= begins,
        JournalTransfer.recorded_at < ends,
    )
    return [
        (boxes[box], row.recorded_at)
        for row in session.execute(query)
        for box in (row.debit, row.credit)
        if box in boxes
    ]


def count(session: Session, counted: Counted, expected: int, *, by: str, now: datetime) -> CashCount:
    """Keep what was counted beside what was expected; the same id again keeps it once.

    Raises:
        PaymentIdReusedError: the id was used for another count.
    """
    known = session.get(CashCount, counted.id)
    if known is not None:
        if (known.box, known.day, known.opening, known.counted) != (
            counted.box,
            counted.day,
            counted.opening,
            counted.counted,
        ):
            raise PaymentIdReusedError
        return known
    made = CashCount(
        id=counted.id,
        box=counted.box,
        day=counted.day,
        opening=counted.opening,
        counted=counted.counted,
        expected=expected,
        note=counted.note,
        counted_at=now,
    )
    session.add(made)
    details: dict[str, audit.Scalar | list[str]] = {
        "day": str(counted.day),
        "counted": counted.counted,
        "difference": counted.counted - expected,
    }
    audit.record(session, actor=by, action="cash.count", subject=f"cash_count:{made.id}", now=now, details=details)
    return made


def counts_of(session: Session, box: str, day: date) -> Sequence[CashCount]:
    """Return what was counted in a box for a day, the last first."""
    query = select(CashCount).where(CashCount.box == box, CashCount.day == day)
    return session.scalars(query.order_by(CashCount.counted_at.desc(), CashCount.id.desc())).all()


def counted_boxes(session: Session, days: Collection[date]) -> dict[tuple[str, date], CashCount]:
    """Return the last count of each box and day among `days`."""
    query = select(CashCount).where(CashCount.day.in_(days)).order_by(CashCount.counted_at, CashCount.id)
    return {(row.box, row.day): row for row in session.scalars(query)}
