"""A zone: who is inside (the list for an evacuation), and letting passages no longer count."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from accounts import audit, people
from accounts.people import authority
from console.dependencies import ServicesDep, StaffDep
from console.rendering import render_page
from console.same_origin import SameOriginDep
from directory import gates, zone_passages
from directory.tables import ZoneRecord
from operations import muster
from web.problems import NotFoundError
from web.text import Line, Slug
from web.tickets import TicketDep

router = APIRouter(prefix="/console/zones/{zone}", include_in_schema=False)

ZoneName = Annotated[Slug, Path(description="name of the zone")]


class ForgiveIn(BaseModel):
    """Whose passages no longer count; everybody's without a number."""

    model_config = ConfigDict(extra="forbid")

    number: Line | None = None


@router.get("/muster", response_class=HTMLResponse, name="muster_page")
def show(
    zone: ZoneName,
    request: Request,
    staff: StaffDep,
    *,
    services: ServicesDep,
    hours: Annotated[int, Query(ge=1, le=24 * 31)] = 24,
) -> HTMLResponse:
    """Show who is inside, for print or for a hand that ticks names off. Who looked is audited: it names people."""
    now = services.now()
    with services.database.begin() as session:
        record = session.get(ZoneRecord, zone)
        if record is None:
            raise NotFoundError(f"there is no zone {zone!r}")
        found = muster.inside(session, zone, since=now - timedelta(hours=hours))
        actor = audit.person_actor(staff.person_id)
        audit.record(session, actor=actor, action="muster.read", subject=f"zone:{zone}", now=now)
        persons = people.by_ids(session, {one.person_id for one in found})
        titles = gates.find_titles(session)
    rows = [(persons.get(one.person_id), one) for one in found]
    return render_page(request, "gates/muster.html", zone=record, rows=rows, titles=titles, at=now, hours=hours)


@router.post("/forgive", name="zone_forgive")
def forgive(
    zone: ZoneName,
    body: ForgiveIn,
    *,
    staff: StaffDep,
    _same_origin: SameOriginDep,
    services: ServicesDep,
    ticket: TicketDep,
) -> dict[str, Any]:
    """Let the passages of one person, or of everybody, no longer count for anti-passback and occupancy."""
    with services.database.begin() as session:
        ticket.redeem(staff.person_id, "forgive")
        person = people.by_number(session, body.number) if body.number is not None else None
        if body.number is not None and person is None:
            raise NotFoundError("there is nobody with this number")
        if person is not None:
            authority.require_another(staff, person.id)
        revisions = zone_passages.forgive(
            session,
            zone,
            person_id=person.id if person is not None else None,
            by=audit.person_actor(staff.person_id),
            now=services.now(),
        )
    services.publish_revisions(revisions)
    services.board.touch()
    return {"zone": zone, "person": person.name if person is not None else None}
