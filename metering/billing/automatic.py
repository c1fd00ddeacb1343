"""Automatic top-ups: figures a resident agreed to with their consumption password, until they revoke them or move out.

A room that falls below the level is topped up by whoever of its residents paid longest ago. Nobody pays more than once
a day, nor more in a calendar month than they agreed to, whatever else they agree to meanwhile.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts import audit
from accounts.ledger import Cap
from accounts.payments.problems import ConsumptionPasswordRequiredError, InsufficientFundsError, WalletNotUsableError
from accounts.payments.services import MoneyServices
from accounts.people.notices import AccountNotice
from accounts.people.standing import AccountNotUsableError
from database import new_id
from metering.billing import run, top_up
from metering.billing.credit import find_credit
from metering.billing.tables import AutomaticTopUp, RoomTopUp
from metering.billing.top_up import RoomPayment
from web.problems import NotFoundError, ProblemError

_CANNOT_PAY = (
    InsufficientFundsError,
    ConsumptionPasswordRequiredError,
    WalletNotUsableError,
    AccountNotUsableError,
)


class NotResidentError(ProblemError):
    """Only who lives in a room does this."""

    code = "not_resident"
    status = 403
    title = "You do not live in this room"


class End(StrEnum):
    """Why an agreement ended."""

    REVOKED = "revoked"
    REPLACED = "replaced"
    MOVED_OUT = "moved_out"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Below `below_fen` the room gets `fen`, and `month_limit_fen` at most in a calendar month."""

    below_fen: int
    fen: int
    month_limit_fen: int


def agree(
    session: Session, room_id: UUID, person_id: UUID, agreement: Agreement, *, today: date, now: datetime
) -> AutomaticTopUp:
    """Note what a resident agreed to, in the place of what they agreed to before.

    Raises:
        NotResidentError: they do not live there.
    """
    if not _lives_there(session, room_id, person_id, today):
        raise NotResidentError
    if (before := find(session, room_id, person_id)) is not None:
        _end(session, before, End.REPLACED, audit.person_actor(person_id), now)
    row = AutomaticTopUp(
        id=new_id(),
        room_id=room_id,
        person_id=person_id,
        below_fen=agreement.below_fen,
        fen=agreement.fen,
        month_limit_fen=agreement.month_limit_fen,
        agreed_at=now,
    )
    session.add(row)
    session.flush()
    details: dict[str, audit.Scalar | list[str]] = {
        "below": agreement.below_fen,
        "amount": agreement.fen,
        "month_limit": agreement.month_limit_fen,
        "room": str(room_id),
    }
    by, subject = audit.person_actor(person_id), f"person:{person_id}"
    audit.record(session, actor=by, action="automatic_top_up.agree", subject=subject, now=now, details=details)
    return row


def revoke(session: Session, room_id: UUID, person_id: UUID, now: datetime) -> None:
    """End what a person agreed to for a room; it takes effect at once.

    Raises:
        NotFoundError: nothing stands.
    """
    row = find(session, room_id, person_id)
    if row is None:
        raise NotFoundError("you agreed to no automatic top-up of this room")
    _end(session, row, End.REVOKED, audit.person_actor(person_id), now)


def find(session: Session, room_id: UUID, person_id: UUID) -> AutomaticTopUp | None:
    """Return what stands of a person for a room."""
    query = select(AutomaticTopUp).where(AutomaticTopUp.room_id == room_id, AutomaticTopUp.person_id == person_id)
    return session.scalar(query.where(AutomaticTopUp.ended_at.is_(None)))


def pay_all(money: MoneyServices, now: datetime) -> list[UUID]:
    """Top up every room that fell below what a resident agreed to; returns the top-ups made."""
    with money.database.read() as session:
        query = select(AutomaticTopUp.room_id).where(AutomaticTopUp.ended_at.is_(None)).distinct()
        rooms = session.scalars(query.order_by(AutomaticTopUp.room_id)).all()
    made = [money.writer.run(_work(money, room_id, now)) for room_id in rooms]
    return [one for one in made if one is not None]


def pay_for(session: Session, money: MoneyServices, room_id: UUID, now: datetime) -> UUID | None:
    """Top one room up if it is below the level of a resident who can pay; returns the top-up's id."""
    today = now.astimezone(money.accounts.zone).date()
    available = find_credit(session, room_id, now, money.accounts.zone).available
    for row in _in_turn(session, room_id):
        if not _lives_there(session, room_id, row.person_id, today):
            _end(session, row, End.MOVED_OUT, audit.SYSTEM, now)
        elif available < row.below_fen and _pays_today(session, row, today):
            try:
                with session.begin_nested():
                    return top_up.pay(session, money, _payment(row, today), now).row.id
            except _CANNOT_PAY:
                if row.failed_on != today:
                    row.failed_on = today
                    money.accounts.notify(session, row.person_id, AccountNotice.AUTOMATIC_TOP_UP_FAILED, now=now)
    return None


def _work(money: MoneyServices, room_id: UUID, now: datetime) -> Callable[[Session, datetime], UUID | None]:
    return lambda session, _: pay_for(session, money, room_id, now)


def _payment(row: AutomaticTopUp, today: date) -> RoomPayment:
    # The window is the payer's, not the agreement's: whoever agrees anew begins no new month.
    month = Cap(f"room-auto/{today:%Y-%m}", row.month_limit_fen)
    return RoomPayment(row.room_id, row.person_id, row.fen, by_rule=row.id, id=_id_on(row, today), caps=(month,))


def _id_on(row: AutomaticTopUp, today: date) -> UUID:
    # The payer's and not the agreement's, as the month.
    return uuid5(row.person_id, f"automatic top-up {today}")


def _pays_today(session: Session, row: AutomaticTopUp, today: date) -> bool:
    return session.get(RoomTopUp, _id_on(row, today)) is None


def _in_turn(session: Session, room_id: UUID) -> Sequence[AutomaticTopUp]:
    """The agreements for a room; who paid longest ago comes first."""
    last = (
        select(func.max(RoomTopUp.paid_at))
        .where(RoomTopUp.room_id == room_id, RoomTopUp.person_id == AutomaticTopUp.person_id)
        .scalar_subquery()
    )
    query = select(AutomaticTopUp).where(AutomaticTopUp.room_id == room_id, AutomaticTopUp.ended_at.is_(None))
    query = query.order_by(last.is_not(None), last, AutomaticTopUp.agreed_at, AutomaticTopUp.id)
    return session.scalars(query.with_for_update(of=AutomaticTopUp)).all()


def _lives_there(session: Session, room_id: UUID, person_id: UUID, today: date) -> bool:
    return any(stay.person == person_id and stay.is_on(today) for stay in run.stays_of(session, room_id))


def _end(session: Session, row: AutomaticTopUp, why: End, by: str, now: datetime) -> None:
    row.ended_at, row.ended_for = now, why.value
    session.flush()
    details: dict[str, audit.Scalar | list[str]] = {"room": str(row.room_id), "why": why.value}
    subject = f"person:{row.person_id}"
    audit.record(session, actor=by, action="automatic_top_up.end", subject=subject, now=now, details=details)
