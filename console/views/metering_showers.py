"""Showers that wait for staff: sessions whose readings nobody can bill as they are, and disputes of a charge."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from metering.sessions import history, places
from metering.sessions.disputes import WaterDisputeState, find_disputes
from metering.sessions.tables import WaterDispute, WaterPlace, WaterSession
from metering.vocabulary import SessionState

MOST = 50


def find_in_review(session: Session) -> list[WaterSession]:
    """Return the sessions that wait for a person, the last begun first."""
    return list(history.find_sessions(session, state=SessionState.IN_REVIEW, limit=MOST))


def find_disputed(session: Session) -> list[tuple[WaterDispute, WaterSession]]:
    """Return the open disputes with their sessions, oldest first."""
    found = find_disputes(session, state=WaterDisputeState.OPEN, after=None, limit=MOST)
    return [(one, session_of(session, one)) for one in found]


def session_of(session: Session, dispute: WaterDispute) -> WaterSession:
    """Return the session that a dispute is about."""
    return history.get_session(session, dispute.session_id)


def describe_session(session: Session, row: WaterSession, names: Mapping[UUID, str]) -> dict[str, Any]:
    """Return what staff decide on: whose session, what was counted, what it would cost, why it waits."""
    place = None if row.place_id is None else session.get(WaterPlace, row.place_id)
    prices = places.by_id(session, row.price_list_id)
    return {
        "id": row.id,
        "place": None if place is None else place.title,
        "person": None if row.person_id is None else names.get(row.person_id, str(row.person_id)),
        "began_at": row.began_at,
        "ended_at": row.ended_at,
        "stop_reason": row.stop_reason,
        "hot_ml": row.hot_ml,
        "cold_ml": row.cold_ml,
        "loss_ml": row.loss_ml,
        "open_s": row.open_s,
        "held_fen": row.held,
        "cost_fen": row.cost,
        "billed_fen": row.billed,
        "subsidy_fen": row.subsidy,
        "doubts": row.doubts.split(),
        "prices": () if prices is None else prices.prices,
        "reports": [
            {"seq": one.seq, "step": one.step, "received_at": one.received_at}
            for one in history.reports_of(session, row.id)
        ],
    }


def describe_dispute(
    session: Session, dispute: WaterDispute, row: WaterSession, names: Mapping[UUID, str]
) -> dict[str, Any]:
    """Return a dispute with its session."""
    return {
        "id": dispute.id,
        "text": dispute.text,
        "raised_at": dispute.opened_at,
        "session": describe_session(session, row, names),
    }
