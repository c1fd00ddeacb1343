"""Moving out: nobody leaves a debt behind, and the credit of a room that was left goes back to who paid it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.ledger import account
from accounts.ledger.chart import AccountError
from accounts.payments.problems import LedgerRefusedError, WalletNotUsableError
from accounts.payments.services import MoneyServices
from metering.billing import run, top_up
from metering.billing.credit import find_credit
from metering.billing.tables import RoomCharge, RoomTopUp
from metering.tariffs.electricity import Fen, midnight
from metering.tariffs.electricity_credit import split_equally
from metering.tariffs.electricity_quota import DAY, heads_on
from web.problems import ProblemError


class RoomNotReadError(ProblemError):
    """The room is billed only until `billed_until`: its meter must be read at the day's midnight or after it first."""

    code = "room_not_read"
    status = 409
    title = "The room's meter was not read for this day yet"


class RoomDebtError(ProblemError):
    """The person must pay `due` fen to the room's account before they may move out."""

    code = "room_debt"
    status = 409
    title = "The room has a debt; whoever moves out pays their share first"


class RoomLivedInError(ProblemError):
    """The room's credit is its residents'; it goes back when the last of them has moved out."""

    code = "room_lived_in"
    status = 409
    title = "Somebody lives in this room"


@dataclass(frozen=True, slots=True)
class Settlement:
    """What somebody who moves out owes."""

    room_id: UUID
    person_id: UUID
    moved_out: date
    """The first day on which they do not live there."""
    balance: Fen
    """What the room had at the midnight that begins it."""
    sharers: int
    """Those who lived there on the day before; a debt is shared out among them equally."""
    share: Fen
    paid: Fen
    """What they paid to the room since."""
    due: Fen
    """What is left of the share, as far as the room still has a debt."""


def settle(
    session: Session, zone: ZoneInfo, room_id: UUID, person_id: UUID, moved_out: date, *, now: datetime
) -> Settlement:
    """Charge the room until a move-out, and return what the person owes then; in a writing transaction.

    Raises:
        RoomNotReadError: see there.
    """
    billed = run.bill_room(session, room_id, now, zone, up_to=moved_out)
    if billed.billed_until is not None and billed.billed_until < moved_out:
        raise RoomNotReadError(billed_until=str(billed.billed_until))
    sharers = sorted({stay.person for stay in run.stays_of(session, room_id) if stay.is_on(moved_out - DAY)})
    since = midnight(moved_out, zone)
    has = _balance(session, room_id) + _charged_since(session, room_id, moved_out)
    all_paid = _paid_since(session, room_id, since)
    balance = has - sum(all_paid.values())
    # Whoever moves out on the day they moved in has used nothing.
    share = split_equally(max(0, -balance), sharers)[person_id] if person_id in sharers else 0
    paid = all_paid.get(person_id, 0)
    due = max(0, min(share - paid, -has))
    return Settlement(room_id, person_id, moved_out, Fen(balance), len(sharers), Fen(share), Fen(paid), Fen(due))


def require_settled(
    session: Session, zone: ZoneInfo, room_id: UUID, person_id: UUID, moved_out: date, *, now: datetime
) -> None:
    """Check that a person may move out of a room; for a later day, by what they would owe if they left today.

    Raises:
        RoomNotReadError, RoomDebtError: see there.
    """
    day = min(moved_out, now.astimezone(zone).date())
    settlement = settle(session, zone, room_id, person_id, day, now=now)
    if settlement.due:
        raise RoomDebtError(due=settlement.due)


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What went back to one payer. `fen` is 0 where their wallet could not take it: `reason` says why."""

    top_up_id: UUID
    person_id: UUID
    fen: Fen
    reason: str | None = None


def give_credit_back(
    session: Session, money: MoneyServices, room_id: UUID, *, by: str, now: datetime
) -> Sequence[GivenBack]:
    """Give the credit of a room in which nobody lives any more back to who paid it, the last payment first.

    What was paid last is what was not used. Nobody gets more than they paid.

    Raises:
        RoomLivedInError, RoomNotReadError: see there.
    """
    zone = money.accounts.zone
    stays, today = run.stays_of(session, room_id), now.astimezone(zone).date()
    if heads_on(stays, today):
        raise RoomLivedInError
    left_on = max((stay.ends_on for stay in stays if stay.ends_on is not None and stay.ends_on <= today), default=None)
    billed = run.bill_room(session, room_id, now, zone, up_to=left_on)
    if left_on is not None and billed.billed_until is not None and billed.billed_until < left_on:
        raise RoomNotReadError(billed_until=str(billed.billed_until))
    query = (
        select(RoomTopUp).where(RoomTopUp.room_id == room_id).order_by(RoomTopUp.paid_at.desc(), RoomTopUp.id.desc())
    )
    found: list[GivenBack] = []
    for row in session.scalars(query).all():
        left = min(top_up.left_of(session, row), find_credit(session, room_id, now, zone).available)
        if left > 0:
            found.append(_give_back(session, money, row, left, by=by, now=now))
    return found


def _give_back(
    session: Session, money: MoneyServices, row: RoomTopUp, fen: int, *, by: str, now: datetime
) -> GivenBack:
    try:
        with session.begin_nested():
            entry = top_up.refund(session, money, row.id, fen, reason="moved out", by=by, now=now)
    except (WalletNotUsableError, LedgerRefusedError) as error:
        return GivenBack(row.id, row.person_id, Fen(0), error.code)
    return GivenBack(row.id, row.person_id, Fen(entry.amount))


def _balance(session: Session, room_id: UUID) -> int:
    try:
        return account(session, room_id).balance
    except AccountError:
        return 0


def _charged_since(session: Session, room_id: UUID, day: date) -> int:
    query = select(func.coalesce(func.sum(RoomCharge.fen), 0)).where(
        RoomCharge.room_id == room_id, RoomCharge.day >= day, RoomCharge.withdrawn_at.is_(None)
    )
    return int(session.scalar(query) or 0)


def _paid_since(session: Session, room_id: UUID, since: datetime) -> dict[UUID, int]:
    paid: dict[UUID, int] = {}
    for row in session.scalars(select(RoomTopUp).where(RoomTopUp.room_id == room_id, RoomTopUp.paid_at >= since)):
        paid[row.person_id] = paid.get(row.person_id, 0) + top_up.left_of(session, row)
    return paid
