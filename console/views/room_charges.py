"""Charges and top-ups of a room as its residents' page is given them: energy in Wh, money in fen, both readings."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from metering.billing import charges, top_up
from metering.billing.day_charge import Quote, QuotedReading
from metering.billing.room_labels import initials
from metering.billing.stored import LINES, QUOTES, load
from metering.billing.tables import ChargeDispute, RoomCharge
from metering.rooms.tables import MeterPeriod
from metering.tariffs.electricity_charge import Line
from web.paging import PageRequest


def find_charges(session: Session, room_id: UUID, person_id: UUID, page: PageRequest, *, since: date) -> dict[str, Any]:
    """Return a page of a room's charges from a day on, newest first, with the disputes of one person.

    Raises:
        InvalidCursorError: see there.
    """
    before = page.after(tuple[date, int])
    rows = charges.find_latest(session, room_id, since=since, before=before, limit=page.limit + 1)
    shown, following = page.cut(rows, lambda row: (row.day, row.revision))
    disputes = _disputes(session, person_id, [row.id for row in shown])
    return {"items": [_describe(session, row, disputes.get(row.id)) for row in shown], "next": following}


def find_top_ups(session: Session, room_id: UUID, person_id: UUID, *, limit: int) -> list[dict[str, Any]]:
    """Return a room's last top-ups: one's own are marked, others' payers are initials."""
    return [
        {
            "id": str(row.id),
            "fen": row.fen,
            "paid_by": initials(name),
            "is_own": row.person_id == person_id,
            "is_automatic": row.by_rule is not None,
            "paid_at": row.paid_at.isoformat(),
            "refunded_fen": row.fen - top_up.left_of(session, row),
        }
        for row, name in top_up.find_of_room(session, room_id, limit=limit)
    ]


def _disputes(session: Session, person_id: UUID, ids: Sequence[UUID]) -> dict[UUID, ChargeDispute]:
    query = select(ChargeDispute).where(ChargeDispute.person_id == person_id, ChargeDispute.charge_id.in_(ids))
    return {one.charge_id: one for one in session.scalars(query)}


def _describe(session: Session, row: RoomCharge, dispute: ChargeDispute | None) -> dict[str, Any]:
    quotes = load(QUOTES, row.quotes)
    return {
        "id": str(row.id),
        "day": row.day.isoformat(),
        "revision": row.revision,
        "wh": row.wh,
        "fen": row.fen,
        "is_vacant": row.is_vacant,
        "is_estimated": any(quote.is_estimated for quote in quotes),
        "is_withdrawn": row.withdrawn_at is not None,
        "meters": [_describe_quote(session, one) for one in quotes],
        "lines": [_describe_line(one) for one in load(LINES, row.lines)],
        "can_dispute": dispute is None and row.withdrawn_at is None and row.fen > 0,
        "dispute": None if dispute is None else _describe_dispute(dispute),
    }


def _describe_quote(session: Session, quote: Quote) -> dict[str, Any]:
    return {
        "serial": quote.serial,
        "decimals": _decimals(session, quote),
        "start": _describe_reading(quote.start),
        "end": _describe_reading(quote.end),
        "digits": quote.digits,
        "ratio": quote.ratio,
        "wh": quote.wh,
    }


def _decimals(session: Session, quote: Quote) -> int:
    """How many of the digits stand behind the point on the meter's display."""
    query = select(MeterPeriod.decimals).where(
        MeterPeriod.meter_id == quote.meter, MeterPeriod.begins_at <= quote.start.at
    )
    return session.scalar(query.order_by(MeterPeriod.begins_at.desc()).limit(1)) or 0


def _describe_reading(reading: QuotedReading) -> dict[str, Any]:
    return {
        "at": reading.at.isoformat(),
        "digits": reading.digits,
        "source": reading.source.value,
        "quality": reading.quality.value,
        "read_at": [one.isoformat() for one in reading.read_at],
    }


def _describe_line(line: Line) -> dict[str, Any]:
    return {
        "wh": line.wh,
        "fen": line.fen,
        "rate": line.rate,
        "tier": line.tier,
        "price": line.price,
        "is_free": line.grant is not None,
        "is_estimated": line.is_estimated,
    }


def _describe_dispute(row: ChargeDispute) -> dict[str, Any]:
    return {
        "state": row.state,
        "text": row.text,
        "raised_at": row.raised_at.isoformat(),
        "answer": row.answer,
        "decided_at": None if row.decided_at is None else row.decided_at.isoformat(),
    }
