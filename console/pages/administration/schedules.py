"""The schedules of all gates in one view: which gates have the same hours, and when they differ."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from access.schedules import Schedule
from console.dependencies import ServicesDep, StaffDep
from console.pages.administration.rendering import render_administration
from console.rendering import forbid_storing
from directory import gates
from directory.tables import GateRecord

router = APIRouter(
    prefix="/console/administration/schedules", include_in_schema=False, dependencies=[Depends(forbid_storing)]
)


@router.get("", response_class=HTMLResponse, name="administration_schedules_page")
def show(request: Request, _staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """Show every schedule once, with the gates that have it exactly so."""
    with services.database.read() as session:
        found: dict[Schedule, list[GateRecord]] = {}
        for gate in gates.find(session):
            for schedule in gates.policy_of(gate).schedules:
                found.setdefault(schedule, []).append(gate)
    return render_administration(
        request,
        "administration/schedules.html",
        schedules=sorted(found.items(), key=lambda one: one[0].name),
        today=services.now().astimezone(services.zone).date(),
    )
