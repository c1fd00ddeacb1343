"""Showers as their holder's page is given them: litres, price, what was held, what was given back, the readings."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from metering.sessions import history, places
from metering.sessions.authorisation import OPEN
from metering.sessions.counted import find_counted
from metering.sessions.tables import WaterDispute, WaterPlace, WaterSession
from metering.vocabulary import SessionState


def find_running(session: Session, person_id: UUID) -> dict[str, Any] | None:
    """Return the shower that a person has open, with its cost so far."""
    for state in OPEN:
        for row in history.find_sessions(session, person_id=person_id, state=SessionState(state), limit=1):
            return describe_showers(session, [row])[0]
    return None


def describe_showers(session: Session, rows: Sequence[WaterSession]) -> list[dict[str, Any]]:
    """Return sessions as the page shows them. Fen, millilitres, seconds."""
    ids = [row.id for row in rows]
    disputes = {
        one.session_id: one for one in session.scalars(select(WaterDispute).where(WaterDispute.session_id.in_(ids)))
    }
    return [_describe(session, row, disputes.get(row.id)) for row in rows]


def describe_readings(session: Session, session_id: UUID) -> list[dict[str, Any]]:
    """Return what the meters had counted at each report of a session, in the order of the reports."""
    return [
        {
            "at": one.at.isoformat(),
            "clock_sure": one.clock_sure,
            "utility": one.utility,
            "counter": one.counter,
            "ml": one.ml,
        }
        for one in find_counted(session, session_id)
    ]


def _describe(session: Session, row: WaterSession, dispute: WaterDispute | None) -> dict[str, Any]:
    prices = places.by_id(session, row.price_list_id)
    place = None if row.place_id is None else session.get(WaterPlace, row.place_id)
    own = row.billed - row.subsidy
    is_over = row.state not in OPEN
    return {
        "id": str(row.id),
        "state": row.state,
        "refusal": row.refusal if row.state == SessionState.REFUSED else None,
        "place": None if place is None else place.title,
        "began_at": row.began_at.isoformat(),
        "ended_at": _moment(row.ended_at),
        "stop_reason": row.stop_reason,
        "hot_ml": row.hot_ml,
        "cold_ml": row.cold_ml,
        "open_s": row.open_s,
        "loss_ml": row.loss_ml,
        "prices": [] if prices is None else [one.model_dump(mode="json") for one in prices.prices],
        "cost_fen": row.cost,
        "held_fen": row.held,
        "subsidy_fen": row.subsidy,
        "paid_fen": own,
        "given_back_fen": max(0, row.held - own) if is_over else None,
        "doubts": row.doubts.split(),
        "can_dispute": dispute is None and row.billed > 0 and is_over and row.state != SessionState.IN_REVIEW,
        "dispute": None if dispute is None else _describe_dispute(dispute),
    }


def _describe_dispute(row: WaterDispute) -> dict[str, Any]:
    return {
        "state": row.state,
        "text": row.text,
        "raised_at": row.opened_at.isoformat(),
        "refund_fen": row.refund,
        "answer": row.answer,
        "decided_at": _moment(row.decided_at),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
