"""Zones: what gates lead into; added, renamed, removed."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Request, Response
from fastapi.responses import HTMLResponse

from accounts import audit
from console.dependencies import ServicesDep, StaffDep
from console.pages.administration.rendering import render_administration
from console.rendering import done, forbid_storing
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from directory import gates
from web.problems import ProblemError
from web.text import Slug

router = APIRouter(
    prefix="/console/administration/zones", include_in_schema=False, dependencies=[Depends(forbid_storing)]
)

ZoneName = Annotated[Slug, Path(description="name of the zone")]
Text = Annotated[str, Form(max_length=100)]
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@router.get("", response_class=HTMLResponse, name="administration_zones_page")
def show(request: Request, _staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """List zones with the gates that lead there."""
    return _render(request, services)


@router.post("", response_class=HTMLResponse, name="administration_put_zone")
def put(
    request: Request,
    staff: StaffDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    name: Text,
    title: Text,
    site: Text,
) -> Response:
    """Add a zone, or change its title and site."""
    typed = {"name": name.strip(), "title": title.strip(), "site": site.strip()}
    problems = {
        place: "administration.problem.gate_name" for place in ("name", "site") if not _NAME.fullmatch(typed[place])
    }
    if not typed["title"]:
        problems["title"] = "administration.problem.needed"
    if problems:
        return _render(request, services, typed=typed, problems=problems, status=422)
    with services.database.begin() as session:
        gates.put_zone(
            session,
            typed["name"],
            site=typed["site"],
            title=typed["title"],
            by=audit.person_actor(staff.person_id),
            now=services.now(),
        )
    return done(request, "administration_zones_page", "zone_kept")


@router.post("/{zone}/removal", response_class=HTMLResponse, name="administration_remove_zone")
def remove(
    zone: ZoneName, request: Request, staff: StaffDep, services: ServicesDep, _same_origin: SameOriginDep
) -> Response:
    """Remove a zone that no gate leads into."""
    try:
        with services.database.begin() as session:
            gates.remove_zone(session, zone, by=audit.person_actor(staff.person_id), now=services.now())
    except ProblemError as error:
        return _render(request, services, problems={"form": f"problem.{error.code}"}, status=error.status)
    return done(request, "administration_zones_page", "zone_removed")


def _render(
    request: Request,
    services: ConsoleServices,
    *,
    typed: dict[str, str] | None = None,
    problems: dict[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    with services.database.read() as session:
        zones = gates.find_zones(session)
        leading: dict[str, list[str]] = {zone.name: [] for zone in zones}
        for gate in gates.find(session):
            policy = gates.policy_of(gate)
            for zone in {policy.inner_zone, policy.outer_zone} & set(leading):
                leading[str(zone)].append(gate.title)
    return render_administration(
        request,
        "administration/zones.html",
        status=status,
        zones=zones,
        leading=leading,
        typed=typed or {"site": zones[0].site if zones else "main"},
        problems=problems or {},
    )
