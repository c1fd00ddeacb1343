"""Who has which role, and since when. Roles are given and taken on a person's own page."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from accounts.people.role_holders import find_role_holders
from accounts.vocabulary import Role
from console.dependencies import AdminDep, ServicesDep
from console.disclosures import record_disclosure
from console.pages.administration.rendering import render_administration
from console.rendering import forbid_storing
from console.views.actors import name_actors

router = APIRouter(
    prefix="/console/administration/roles", include_in_schema=False, dependencies=[Depends(forbid_storing)]
)


@router.get(
    "",
    dependencies=[record_disclosure("people.read", "people:list")],
    response_class=HTMLResponse,
    name="administration_roles_page",
)
def show(request: Request, _admin: AdminDep, services: ServicesDep) -> HTMLResponse:
    """Show everybody with a role, by role."""
    with services.database.read() as session:
        found = find_role_holders(session)
    names = name_actors(services.names, {one.given_by for one in found if one.given_by})
    roles = [role for role in reversed(Role) if role is not Role.HOLDER]
    return render_administration(
        request,
        "administration/roles.html",
        roles=[(role, [one for one in found if one.role is role]) for role in roles],
        names=names,
        now=services.now(),
    )
