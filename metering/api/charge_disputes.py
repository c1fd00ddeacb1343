"""Routes about disputes of a charge: a resident raises one, staff look at the readings and answer."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from accounts.api.dependencies import (
    OVER_ERRORS,
    PERSON_ERRORS,
    ROLE_ERRORS,
    FacilitiesDep,
    NowDep,
    PrincipalDep,
)
from accounts.api.disclosures import record_disclosure
from accounts.people import authority
from metering.api.charge_bodies import ChargeOut
from metering.api.dependencies import MeteringDep
from metering.billing import disputes
from metering.billing.automatic import NotResidentError
from metering.billing.disputes import DisputeDecidedError, DisputeState
from metering.billing.tables import ChargeDispute, RoomCharge
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1", tags=["rooms"])

Text = Annotated[str, Field(min_length=1, max_length=500)]


class DisputeIn(BaseModel):
    """What is wrong with a charge."""

    model_config = ConfigDict(extra="forbid")

    text: Text


class DisputeDecisionIn(BaseModel):
    """The answer to a dispute."""

    model_config = ConfigDict(extra="forbid")

    state: Annotated[DisputeState, Field(description="`upheld`: the charge was wrong; `declined`: it is right")]
    answer: Text


class DisputeOut(BaseModel):
    """A dispute, with the charge and its readings."""

    id: UUID
    state: DisputeState
    text: str
    raised_at: datetime
    answer: str | None
    decided_at: datetime | None
    room_id: UUID
    charge: ChargeOut

    @classmethod
    def of(cls, row: ChargeDispute, charge: RoomCharge) -> "DisputeOut":
        """Show a dispute."""
        return cls(
            id=row.id,
            state=DisputeState(row.state),
            text=row.text,
            raised_at=row.raised_at,
            answer=row.answer,
            decided_at=row.decided_at,
            room_id=charge.room_id,
            charge=ChargeOut.of(charge),
        )


@router.post(
    "/me/charges/{charge_id}/disputes",
    status_code=201,
    responses=responses(*PERSON_ERRORS, NotFoundError, NotResidentError),
)
def dispute_charge(
    services: MeteringDep, me: PrincipalDep, now: NowDep, charge_id: UUID, body: DisputeIn
) -> DisputeOut:
    """Say that a charge of a day on which one lived there is wrong; staff see it with its readings and answer."""
    with services.database.begin() as session:
        row = disputes.dispute(session, charge_id, me.person_id, body.text, now)
        return DisputeOut.of(row, disputes.find_charge(session, charge_id))


@router.get("/me/charge-disputes", responses=responses(*PERSON_ERRORS, InvalidCursorError))
def list_my_disputes(services: MeteringDep, me: PrincipalDep, page: PageDep) -> Page[DisputeOut]:
    """List one's own disputes with the answers, oldest first."""
    with services.database.read() as session:
        rows = disputes.find(session, person_id=me.person_id, after=page.after(UUID), limit=page.limit + 1)
        shown, following = page.cut(rows, lambda row: row[0].id)
        return Page(items=[DisputeOut.of(*row) for row in shown], next=following)


@router.get(
    "/charge-disputes",
    dependencies=[record_disclosure("charge_disputes.read", "charge_disputes:list")],
    responses=responses(*ROLE_ERRORS, InvalidCursorError),
)
def list_disputes(
    services: MeteringDep,
    staff: FacilitiesDep,
    page: PageDep,
    state: Annotated[DisputeState | None, Query()] = None,
) -> Page[DisputeOut]:
    """List disputes with their charges and readings, oldest first."""
    del staff
    with services.database.read() as session:
        rows = disputes.find(session, state=state, after=page.after(UUID), limit=page.limit + 1)
        shown, following = page.cut(rows, lambda row: row[0].id)
        return Page(items=[DisputeOut.of(*row) for row in shown], next=following)


@router.post(
    "/charge-disputes/{dispute_id}/decision",
    responses=responses(*OVER_ERRORS, NotFoundError, DisputeDecidedError),
)
def decide_dispute(
    services: MeteringDep, staff: FacilitiesDep, now: NowDep, dispute_id: UUID, body: DisputeDecisionIn
) -> DisputeOut:
    """Answer a dispute. Where a reading was wrong, decide on it: the charge is then withdrawn and made anew."""
    with services.database.begin() as session:
        raised = session.get(ChargeDispute, dispute_id)
        if raised is not None:
            authority.require_another(staff, raised.person_id)
        row = disputes.decide(session, dispute_id, body.state, body.answer, by=staff.actor, now=now)
        return DisputeOut.of(row, disputes.find_charge(session, row.charge_id))
