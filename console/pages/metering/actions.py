"""What staff decide on the pages of metering. Everything is audited where it is done, nothing about one's own room.

What opens or closes a relay needs a ticket (`web.tickets`), as what moves a door does: a request that waited in a
network must not leave a room in the dark that nobody wants dark any more.
"""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from accounts.people import authority
from console.dependencies import AdminDep, MeteringDep, ServicesDep, StaffDep, principal_of
from console.rendering import forbid_storing
from console.same_origin import SameOriginDep
from metering.billing import disputes
from metering.billing.disputes import DisputeState
from metering.billing.tables import ChargeDispute
from metering.rooms import meters, registry, reviews
from metering.rooms.own_room import require_another_room
from metering.sessions import disputes as water_disputes
from metering.sessions import history, review
from metering.supply import requests
from metering.supply.states import RequestAction
from metering.supply.tables import SupplyRequest
from metering.vocabulary import TripReason
from web.problems import NotFoundError
from web.text import line
from web.tickets import TicketDep

router = APIRouter(prefix="/console/metering", include_in_schema=False, dependencies=[Depends(forbid_storing)])

SUPPLY = "supply"
"""What the tickets of these routes are for."""
Note = Annotated[str, line(200)]
Answer = Annotated[str, line(500)]
Fen = Annotated[int, Field(ge=0, le=10_000_000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DoneOut(BaseModel):
    """What was decided on, and how it stands now."""

    id: UUID
    state: str


class Verdict(StrEnum):
    """What a person decides on doubtful readings."""

    ACCEPT = "accept"
    REJECT = "reject"


class ReadingDecisionIn(_Body):
    """A decision on doubtful readings, and why."""

    decision: Verdict
    note: Note


class SessionDecisionIn(_Body):
    """What a session that waits shall cost, fen; 0 lets it go."""

    fen: Fen


class DisputeDecisionIn(_Body):
    """The answer to a dispute of a room's charge."""

    state: Literal[DisputeState.UPHELD, DisputeState.DECLINED]
    answer: Answer


class WaterDisputeDecisionIn(_Body):
    """The answer to a dispute of a shower: fen to give back, 0 to decline."""

    refund: Fen
    answer: Answer


class SupplyRequestIn(_Body):
    """A room is to be cut off, or a cut-off to end."""

    action: Literal[RequestAction.TRIP, RequestAction.ARM]
    reason: TripReason
    note: Note


@router.post("/reading-reviews/{review_id}/decision", name="metering_decide_reading")
def decide_reading(
    review_id: UUID,
    body: ReadingDecisionIn,
    *,
    staff: StaffDep,
    _same_origin: SameOriginDep,
    services: ServicesDep,
    metering: MeteringDep,
) -> DoneOut:
    """Take doubtful readings for true, or reject them."""
    decide = reviews.accept if body.decision is Verdict.ACCEPT else reviews.reject
    now, me = services.now(), principal_of(staff)
    with services.database.begin() as session:
        meter = meters.get_by_number(session, reviews.get_review(session, review_id).meter)
        require_another_room(session, me, meters.find_room_of(session, meter.id), now=now, zone=metering.zone)
        row = decide(session, review_id, note=body.note, by=me.actor, now=now)
        return DoneOut(id=row.id, state=row.state)


@router.post("/water-sessions/{session_id}/decision", name="metering_decide_session")
def decide_session(
    session_id: UUID,
    body: SessionDecisionIn,
    *,
    staff: StaffDep,
    _same_origin: SameOriginDep,
    services: ServicesDep,
    metering: MeteringDep,
) -> DoneOut:
    """Charge a session that waits for a person, or let it go."""
    me = principal_of(staff)
    with services.database.read() as session:
        authority.require_another(me, history.get_session(session, session_id).person_id)
    row = review.decide(metering.money, session_id, body.fen, by=me.actor, now=services.now())
    return DoneOut(id=row.id, state=row.state)


@router.post("/charge-disputes/{dispute_id}/decision", name="metering_decide_dispute")
def decide_dispute(
    dispute_id: UUID, body: DisputeDecisionIn, *, staff: StaffDep, _same_origin: SameOriginDep, services: ServicesDep
) -> DoneOut:
    """Answer a dispute of a room's charge; deciding on a wrong reading is what moves money."""
    me = principal_of(staff)
    with services.database.begin() as session:
        raised = session.get(ChargeDispute, dispute_id)
        if raised is not None:
            authority.require_another(me, raised.person_id)
        row = disputes.decide(session, dispute_id, body.state, body.answer, by=me.actor, now=services.now())
        return DoneOut(id=row.id, state=row.state)


@router.post("/water-disputes/{dispute_id}/decision", name="metering_decide_water_dispute")
def decide_water_dispute(
    dispute_id: UUID,
    body: WaterDisputeDecisionIn,
    *,
    me: AdminDep,
    _same_origin: SameOriginDep,
    services: ServicesDep,
    metering: MeteringDep,
) -> DoneOut:
    """Give money of a disputed shower back, or decline; here for administrators, by the API for cashiers too."""
    with services.database.read() as session:
        authority.require_another(me, water_disputes.person_of(session, dispute_id))
    row = water_disputes.decide(
        metering.money, dispute_id, refund=body.refund, answer=body.answer, by=me.actor, now=services.now()
    )
    return DoneOut(id=row.id, state=row.state)


@router.post("/rooms/{room_id}/supply-requests", status_code=201, name="metering_ask_supply")
def ask_for_supply(
    room_id: UUID,
    body: SupplyRequestIn,
    *,
    staff: StaffDep,
    _same_origin: SameOriginDep,
    services: ServicesDep,
    metering: MeteringDep,
    ticket: TicketDep,
) -> DoneOut:
    """Ask for a room to be cut off or let on again; it waits for a second person, unless a load is dangerous."""
    now, me = services.now(), principal_of(staff)
    with services.database.begin() as session:
        ticket.redeem(me.person_id, SUPPLY)
        registry.get_room(session, room_id)
        require_another_room(session, me, room_id, now=now, zone=metering.zone)
        row = requests.ask(
            session,
            metering.supply,
            room_id,
            body.action,
            body.reason,
            note=body.note,
            by=me.person_id,
            two_persons=metering.two_persons,
            now=now,
        )
        return DoneOut(id=row.id, state=row.state)


@router.post("/supply-requests/{request_id}/confirm", name="metering_confirm_supply")
def confirm_supply(
    request_id: UUID,
    *,
    staff: StaffDep,
    _same_origin: SameOriginDep,
    services: ServicesDep,
    metering: MeteringDep,
    ticket: TicketDep,
) -> DoneOut:
    """Confirm another person's request, or grant what a resident applied for."""
    now, me = services.now(), principal_of(staff)
    with services.database.begin() as session:
        ticket.redeem(me.person_id, SUPPLY)
        require_another_room(session, me, _room_of(session, request_id), now=now, zone=metering.zone)
        row = requests.confirm(session, metering.supply, request_id, by=me.person_id, now=now)
        return DoneOut(id=row.id, state=row.state)


@router.post("/supply-requests/{request_id}/cancel", name="metering_cancel_supply")
def cancel_supply(request_id: UUID, *, staff: StaffDep, _same_origin: SameOriginDep, services: ServicesDep) -> DoneOut:
    """Take a request back, or refuse what a resident applied for."""
    with services.database.begin() as session:
        row = requests.cancel(session, request_id, by=staff.person_id, now=services.now())
        return DoneOut(id=row.id, state=row.state)


def _room_of(session: Session, request_id: UUID) -> UUID:
    row = session.get(SupplyRequest, request_id)
    if row is None:
        raise NotFoundError("there is no request with this id")
    return row.room_id
