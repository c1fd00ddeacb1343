"""Showers over HTTP: a controller's reports and heartbeats, and the sessions as staff see them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.api.dependencies import DEVICE_ERRORS, ROLE_ERRORS, CashierDep, FacilitiesDep, MeterDep, NowDep
from accounts.api.disclosures import record_disclosure
from accounts.people.authority import OwnAccountError, require_another
from messages.metering import DeviceHeartbeat, HeartbeatAnswer, SessionAnswer, SessionReport
from metering.api.dependencies import MeteringDep
from metering.api.session_bodies import (
    SessionReadingOut,
    WaterDisputeDecisionIn,
    WaterDisputeOut,
    WaterPriceOut,
    WaterSessionDecisionIn,
    WaterSessionDetailsOut,
    WaterSessionOut,
)
from metering.sessions import disputes, history, places, review
from metering.sessions.disputes import WaterDisputeState
from metering.sessions.tables import WaterDispute, WaterSession
from metering.vocabulary import SessionState
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, ProblemError, responses

router = APIRouter(prefix="/api/v1", tags=["showers"])


class OtherDeviceError(ProblemError):
    """A device reports for itself only."""

    code = "report_of_another_device"
    status = 403
    title = "This report names another device than the token"


@router.post("/meter-sessions/reports", responses=responses(*DEVICE_ERRORS, OtherDeviceError, NotFoundError))
def report(services: MeteringDep, device: MeterDep, now: NowDep, body: SessionReport) -> SessionAnswer:
    """Take a step of a session: `authorise`, `started`, `updated` or `ended`. The same again changes nothing.

    The answer acknowledges the report; a refusal is one too, in `refusal`.
    """
    _require_own(device.device_id, body.device)
    return services.sessions.report(body, now)


@router.post("/meter-sessions/heartbeats", responses=responses(*DEVICE_ERRORS, OtherDeviceError, NotFoundError))
def heartbeat(services: MeteringDep, device: MeterDep, now: NowDep, body: DeviceHeartbeat) -> HeartbeatAnswer:
    """Take how a controller is, with its last unsettled report, and answer price, cadence, time-outs and limits."""
    _require_own(device.device_id, body.device)
    return services.sessions.heartbeat(body, now)


@router.get(
    "/water-sessions",
    dependencies=[record_disclosure("water_sessions.read", "water_sessions:list")],
    responses=responses(*ROLE_ERRORS, InvalidCursorError),
)
def list_sessions(
    services: MeteringDep,
    _staff: FacilitiesDep,
    page: PageDep,
    state: SessionState | None = None,
    person_id: UUID | None = None,
    device_id: UUID | None = None,
) -> Page[WaterSessionOut]:
    """List sessions, the last begun first; `state=in_review` are those that wait for a decision."""
    with services.database.read() as session:
        rows = history.find_sessions(
            session,
            person_id=person_id,
            device_id=device_id,
            state=state,
            before=page.after(tuple[datetime, UUID]),
            limit=page.limit + 1,
        )
        shown, following = page.cut(rows, lambda row: (row.began_at, row.id))
        return Page(items=[WaterSessionOut.of(row) for row in shown], next=following)


@router.get(
    "/water-sessions/{session_id}",
    dependencies=[record_disclosure("water_session.read", "water_session:{session_id}")],
    responses=responses(*ROLE_ERRORS, NotFoundError),
)
def read_session(services: MeteringDep, _staff: FacilitiesDep, session_id: UUID) -> WaterSessionDetailsOut:
    """Show a session with its readings, prices and dispute."""
    with services.database.read() as session:
        return details_of(session, history.get_session(session, session_id))


@router.post(
    "/water-sessions/{session_id}/decision",
    responses=responses(
        *ROLE_ERRORS, NotFoundError, OwnAccountError, review.SessionDecidedError, review.SessionOfNobodyError
    ),
)
def decide_session(
    services: MeteringDep, staff: FacilitiesDep, now: NowDep, session_id: UUID, body: WaterSessionDecisionIn
) -> WaterSessionOut:
    """Charge a session that waits for a person, or let it go. The same decision again changes nothing."""
    with services.database.read() as session:
        require_another(staff, history.get_session(session, session_id).person_id)
    return WaterSessionOut.of(review.decide(services.money, session_id, body.fen, by=staff.actor, now=now))


@router.get(
    "/water-disputes",
    dependencies=[record_disclosure("water_disputes.read", "water_disputes:list")],
    responses=responses(*ROLE_ERRORS, InvalidCursorError),
)
def list_disputes(
    services: MeteringDep,
    _cashier: CashierDep,
    page: PageDep,
    state: Annotated[WaterDisputeState | None, Query()] = None,
) -> Page[WaterDisputeOut]:
    """List disputes in the order in which they were opened."""
    with services.database.read() as session:
        rows = disputes.find_disputes(session, state=state, after=page.after(UUID), limit=page.limit + 1)
        shown, following = page.cut(rows, lambda row: row.id)
        return Page(items=[WaterDisputeOut.of(row) for row in shown], next=following)


@router.get(
    "/water-disputes/{dispute_id}",
    dependencies=[record_disclosure("water_dispute.read", "water_dispute:{dispute_id}")],
    responses=responses(*ROLE_ERRORS, NotFoundError),
)
def read_dispute(services: MeteringDep, _cashier: CashierDep, dispute_id: UUID) -> WaterSessionDetailsOut:
    """Show a disputed session with its readings."""
    with services.database.read() as session:
        dispute = session.get(WaterDispute, dispute_id)
        if dispute is None:
            raise NotFoundError("there is no such dispute")
        return details_of(session, history.get_session(session, dispute.session_id))


@router.post(
    "/water-disputes/{dispute_id}/decision",
    responses=responses(
        *ROLE_ERRORS, NotFoundError, OwnAccountError, disputes.WaterDisputeDecidedError, disputes.RefundAboveChargeError
    ),
)
def decide_dispute(
    services: MeteringDep, cashier: CashierDep, now: NowDep, dispute_id: UUID, body: WaterDisputeDecisionIn
) -> WaterDisputeOut:
    """Give money of a disputed session back, or decline. The same decision again changes nothing."""
    with services.database.read() as session:
        require_another(cashier, disputes.person_of(session, dispute_id))
    return WaterDisputeOut.of(
        disputes.decide(services.money, dispute_id, refund=body.refund, answer=body.answer, by=cashier.actor, now=now)
    )


def details_of(session: Session, row: WaterSession) -> WaterSessionDetailsOut:
    """Show a session with everything that explains its charge."""
    listed = places.by_id(session, row.price_list_id)
    prices = () if listed is None else listed.prices
    dispute = session.scalar(select(WaterDispute).where(WaterDispute.session_id == row.id))
    return WaterSessionDetailsOut(
        session=WaterSessionOut.of(row),
        readings=[SessionReadingOut.of(one) for one in history.reports_of(session, row.id)],
        prices=[WaterPriceOut.model_validate(one, from_attributes=True) for one in prices],
        is_pause_charged=listed is not None and listed.is_pause_charged,
        dispute=None if dispute is None else WaterDisputeOut.of(dispute),
    )


def _require_own(token: UUID, named: UUID) -> None:
    if token != named:
        raise OtherDeviceError
