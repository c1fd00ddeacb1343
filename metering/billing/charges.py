"""Charges as they are stored, each with its line in the ledger: written once, withdrawn whole, never edited."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.ledger import AccountKind, Transfer, open_named, record
from metering.billing.day_charge import DayCharge
from metering.billing.stored import LINES, QUOTES, STATE, dump, load
from metering.billing.tables import RoomCharge
from metering.tariffs.electricity import Fen, WattHours
from metering.tariffs.electricity_charge import BillState, Charge

ELECTRICITY = "electricity"
"""The campus's account for what rooms used, and the purpose of the lines that take it."""
WITHDRAWN = "electricity_fix"


def charge_id(room_id: UUID, day: date, revision: int) -> UUID:
    """Return the id of a charge and of its ledger line; always the same."""
    return uuid5(room_id, f"electricity {day} {revision}")


def withdrawal_id(charge: UUID) -> UUID:
    """Return the id of the line that takes a charge back."""
    return uuid5(charge, "withdrawn")


def state_before(session: Session, room_id: UUID, day: date) -> BillState:
    """Return what the last standing charge before a day left to it."""
    query = (
        select(RoomCharge.state)
        .where(RoomCharge.room_id == room_id, RoomCharge.day < day, RoomCharge.withdrawn_at.is_(None))
        .order_by(RoomCharge.day.desc())
        .limit(1)
    )
    text = session.scalar(query)
    return BillState() if text is None else load(STATE, text)


def standing(session: Session, room_id: UUID, first: date) -> Sequence[RoomCharge]:
    """Return the charges that stand from a day on, by day."""
    query = select(RoomCharge).where(RoomCharge.room_id == room_id, RoomCharge.day >= first)
    return session.scalars(query.where(RoomCharge.withdrawn_at.is_(None)).order_by(RoomCharge.day)).all()


def find_latest(
    session: Session,
    room_id: UUID,
    *,
    since: date | None = None,
    before: tuple[date, int] | None = None,
    limit: int = 50,
) -> Sequence[RoomCharge]:
    """Return a room's charges, newest first, withdrawn ones too; `before` is day and revision of the last one known."""
    query = select(RoomCharge).where(RoomCharge.room_id == room_id)
    if since is not None:
        query = query.where(RoomCharge.day >= since)
    if before is not None:
        day, revision = before
        older = RoomCharge.day < day
        query = query.where(older | ((RoomCharge.day == day) & (RoomCharge.revision < revision)))
    return session.scalars(query.order_by(RoomCharge.day.desc(), RoomCharge.revision.desc()).limit(limit)).all()


def store(session: Session, room_id: UUID, found: DayCharge, now: datetime) -> None:
    """Write the next revision of a day's charge, and take its money; a day on which no meter counted leaves nothing.

    Raises:
        TransferRefusedError: the room's account is closed or suspended.
    """
    if not found.quotes:
        return
    latest = select(func.max(RoomCharge.revision)).where(RoomCharge.room_id == room_id, RoomCharge.day == found.day)
    revision = (session.scalar(latest) or 0) + 1
    one = charge_id(room_id, found.day, revision)
    session.add(
        RoomCharge(
            id=one,
            room_id=room_id,
            day=found.day,
            revision=revision,
            wh=found.charge.wh,
            fen=found.charge.fen,
            is_vacant=found.is_vacant,
            is_estimated=found.is_estimated,
            quotes=dump(QUOTES, found.quotes),
            lines=dump(LINES, found.charge.lines),
            state=dump(STATE, found.charge.state),
            charged_at=now,
        )
    )
    session.flush()
    if found.charge.fen:
        details: dict[str, str | int | bool | None] = {"day": str(found.day), "wh": found.charge.wh}
        taker = open_named(session, AccountKind.FEE, ELECTRICITY, now)
        taken = Transfer(one, ELECTRICITY, room_id, taker, found.charge.fen, details=details)
        record(session, [taken], now)[0].require()


def withdraw(session: Session, row: RoomCharge, now: datetime) -> None:
    """Take a charge back, whole.

    Raises:
        TransferRefusedError: the room's account is closed or suspended.
    """
    row.withdrawn_at = now
    session.flush()
    if row.fen:
        taker = open_named(session, AccountKind.FEE, ELECTRICITY, now)
        back = Transfer(withdrawal_id(row.id), WITHDRAWN, taker, row.room_id, row.fen, corrects=row.id)
        record(session, [back], now)[0].require()


def to_value(row: RoomCharge) -> DayCharge:
    """Return a stored charge as a value."""
    lines = load(LINES, row.lines)
    came_to = Charge(Fen(row.fen), WattHours(row.wh), lines, load(STATE, row.state))
    return DayCharge(row.day, load(QUOTES, row.quotes), came_to, row.is_vacant)
