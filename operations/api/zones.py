"""Who is inside a zone, how many, and letting passages no longer count."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from accounts.api.dependencies import ROLE_ERRORS, DatabaseDep, FacilitiesDep, NowDep
from accounts.api.disclosures import record_disclosure
from accounts.people import authority
from accounts.tables import Person
from directory import gates, zone_passages
from directory.tables import ZoneRecord
from operations import muster
from operations.api.dependencies import OperationsDep
from web import tickets
from web.problems import NotFoundError, responses
from web.tickets import TicketDep

router = APIRouter(prefix="/api/v1/operations", tags=["operations"])


class InsideOut(BaseModel):
    """Somebody inside a zone."""

    person_id: UUID
    gate: str = Field(description="where the person went in")
    since: datetime
    certain: bool = Field(description="false when the gate does not tell the directions apart")


class OccupancyOut(BaseModel):
    """How full a zone is."""

    zone: str
    inside: int = Field(description="people whose last passage of the last day led in")
    limit: int | None = Field(description="the lowest limit that a gate of the zone keeps")


class ForgiveIn(BaseModel):
    """Whose passages no longer count; everybody's when nobody is named."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID | None = None


@router.get(
    "/zones/{zone}/inside",
    dependencies=[record_disclosure("muster.read", "zone:{zone}")],
    responses=responses(*ROLE_ERRORS, NotFoundError),
)
def list_inside(
    zone: str,
    _staff: FacilitiesDep,
    database: DatabaseDep,
    now: NowDep,
    hours: Annotated[int, Query(ge=1, le=24 * 31, description="passages of this many hours count")] = 24,
) -> list[InsideOut]:
    """List who went into a zone and was not seen to come out, longest inside first (muster list)."""
    with database.read() as session:
        if session.get(ZoneRecord, zone) is None:
            raise NotFoundError("there is no zone of this name")
        found = muster.inside(session, zone, since=now - timedelta(hours=hours))
    return [InsideOut.model_validate(one, from_attributes=True) for one in found]


@router.get("/occupancy", responses=responses(*ROLE_ERRORS))
def list_occupancy(_staff: FacilitiesDep, database: DatabaseDep, now: NowDep) -> list[OccupancyOut]:
    """Say how many people are in each zone, as the gates count them."""
    with database.read() as session:
        limits = muster.limits(session)
        counted = zone_passages.count_inside(session, now=now)
        zones = [zone.name for zone in gates.find_zones(session)]
    return [OccupancyOut(zone=zone, inside=counted.get(zone, 0), limit=limits.get(zone)) for zone in zones]


@router.post(
    "/zones/{zone}/forgive",
    status_code=204,
    responses=responses(*ROLE_ERRORS, *tickets.ERRORS, NotFoundError, authority.OwnAccountError),
)
def forgive(
    zone: str,
    body: ForgiveIn,
    *,
    staff: FacilitiesDep,
    operations: OperationsDep,
    database: DatabaseDep,
    now: NowDep,
    ticket: TicketDep,
) -> None:
    """Let the passages of one person, or of everybody, no longer count for anti-passback and occupancy. Audited."""
    if body.person_id is not None:
        authority.require_another(staff, body.person_id)
    with database.begin() as session:
        ticket.redeem(staff.person_id, "forgive")
        if body.person_id is not None and session.get(Person, body.person_id) is None:
            raise NotFoundError("there is nobody with this id")
        told = zone_passages.forgive(session, zone, person_id=body.person_id, by=staff.actor, now=now)
    operations.hints.publish(told)
    operations.board.touch()
