"""Plans of the campus: live for all staff; added, changed and filled with gates by administrators."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from accounts.vocabulary import Role
from console.dependencies import AdminDep, ServicesDep, StaffDep
from console.rendering import copy_cookies, done, language_of, render_page
from console.same_origin import SameOriginDep
from console.texts import OF_GATES, texts_of
from console.views.board import describe_places
from console.views.wall import describe_last
from operations import plan_pictures, site_plans
from operations.passages import FOLLOWING
from operations.plan_pictures import PlanPicture
from operations.site_plans import Place
from operations.tables import SitePlan
from web.problems import ProblemError

router = APIRouter(prefix="/console/plans", include_in_schema=False)

_TITLE_LENGTH = 100
_MOST_GATES = 2000
_PICTURE_HEADERS = {
    # Should anything of a drawing ever be run after all, it may do nothing and reach nowhere.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    "Cache-Control": "private, max-age=31536000, immutable",
}

TitleForm = Annotated[str, Form(max_length=400)]
PictureForm = Annotated[UploadFile | None, File()]


@router.get("", response_class=HTMLResponse, name="plans_page")
def list_plans(request: Request, staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """Show all plans, and to administrators how to add one."""
    return _show_list(request, services, is_admin=Role.ADMIN in staff.roles)


@router.post("", response_model=None, name="plan_add")
def add(
    request: Request,
    admin: AdminDep,
    _same_origin: SameOriginDep,
    *,
    services: ServicesDep,
    title: TitleForm = "",
    picture: PictureForm = None,
) -> Response:
    """Add a plan; where a gate stands on it is said on its own page."""
    try:
        wanted, safe = _read_title(title), _read_picture(picture)
        if safe is None:
            raise plan_pictures.PlanPictureUnreadableError
        with services.database.begin() as session:
            plan = site_plans.add(session, wanted, safe, by=admin.actor, now=services.now())
            plan_id = plan.id
    except ProblemError as error:
        return _show_list(request, services, problem=error, title=title)
    return done(request, "plan_places_page", "plan_added", plan_id=plan_id)


@router.get("/{plan_id}", response_class=HTMLResponse, name="plan_page")
def show(plan_id: UUID, request: Request, staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """Show a plan with the gates on it, live."""
    with services.database.read() as session:
        plan = site_plans.get(session, plan_id)
        placed, places, plans = site_plans.places(session, plan_id), describe_places(session), site_plans.find(session)
        last = describe_last(session, list(placed))
    return render_page(
        request,
        "gates/plan.html",
        texts=texts_of(language_of(request), OF_GATES),
        plan=plan,
        plans=plans,
        gates=[(gate, *placed[gate["name"]]) for gate in places["gates"] if gate["name"] in placed],
        places={**places, "last": last, "following": sorted(FOLLOWING)},
        stream_route="wall_stream",
        is_admin=Role.ADMIN in staff.roles,
        can_order=services.orders.possible,
    )


@router.get("/{plan_id}/picture", name="plan_picture")
def show_picture(plan_id: UUID, _staff: StaffDep, services: ServicesDep, response: Response) -> Response:
    """Return the picture; its address holds its digest, so it may be kept."""
    with services.database.read() as session:
        plan = site_plans.get(session, plan_id, with_picture=True)
        made = Response(plan.content, media_type=plan.media_type, headers=_PICTURE_HEADERS)
    return copy_cookies(made, response)


@router.get("/{plan_id}/places", response_class=HTMLResponse, name="plan_places_page")
def show_places(plan_id: UUID, request: Request, _admin: AdminDep, services: ServicesDep) -> HTMLResponse:
    """Show where the gates stand, to be changed."""
    return _show_places(request, services, plan_id)


@router.post("/{plan_id}/places", response_model=None, name="plan_put_places")
async def put_places(
    plan_id: UUID,
    request: Request,
    admin: AdminDep,
    _same_origin: SameOriginDep,
    *,
    services: ServicesDep,
) -> Response:
    """Let the gates stand where the form says; a gate without two figures stands nowhere."""
    async with request.form(max_files=0, max_fields=2 * _MOST_GATES) as form:
        written = {name: value for name, value in form.items() if isinstance(value, str)}

    def put() -> None:
        with services.database.begin() as session:
            plan = site_plans.get(session, plan_id)
            wanted = _read_places(session, written)
            site_plans.put_places(session, plan, wanted, by=admin.actor, now=services.now())

    await run_in_threadpool(put)
    return done(request, "plan_page", "plan_placed", plan_id=plan_id)


@router.post("/{plan_id}/plan-picture", response_model=None, name="plan_change")
def change(
    plan_id: UUID,
    request: Request,
    admin: AdminDep,
    _same_origin: SameOriginDep,
    *,
    services: ServicesDep,
    title: TitleForm = "",
    picture: PictureForm = None,
) -> Response:
    """Give a plan another title, and another picture where one was chosen."""
    try:
        wanted, safe = _read_title(title), _read_picture(picture)
        with services.database.begin() as session:
            plan = site_plans.get(session, plan_id)
            site_plans.change(session, plan, title=wanted, picture=safe, by=admin.actor, now=services.now())
    except ProblemError as error:
        return _show_places(request, services, plan_id, problem=error, title=title)
    return done(request, "plan_places_page", "plan_changed", plan_id=plan_id)


@router.post("/{plan_id}/remove", response_model=None, name="plan_remove")
def remove(
    plan_id: UUID,
    request: Request,
    admin: AdminDep,
    _same_origin: SameOriginDep,
    *,
    services: ServicesDep,
) -> Response:
    """Remove a plan; the gates themselves are not concerned."""
    with services.database.begin() as session:
        site_plans.remove(session, site_plans.get(session, plan_id), by=admin.actor, now=services.now())
    return done(request, "plans_page", "plan_removed")


class PlanTitleError(ProblemError):
    """A plan needs a title of one line."""

    code = "plan_title_needed"
    status = 422
    title = "A plan needs a title of 1 to 100 characters"


def _read_title(title: str) -> str:
    found = " ".join(title.split())
    if not 1 <= len(found) <= _TITLE_LENGTH or not found.isprintable():
        raise PlanTitleError
    return found


def _read_picture(picture: UploadFile | None) -> PlanPicture | None:
    """Return the chosen picture made safe, or None where none was chosen."""
    if picture is None or not picture.filename:
        return None
    return plan_pictures.make_safe(picture.file.read(plan_pictures.MAX_BYTES + 1))


def _read_places(session: Session, written: dict[str, str]) -> dict[str, Place]:
    """Return where gates are to stand, from `x.GATE` and `y.GATE` in hundredths of the picture."""
    found = {}
    for gate in describe_places(session)["gates"]:
        try:
            across, down = (float(written.get(f"{axis}.{gate['name']}", "")) for axis in "xy")
        except ValueError:
            continue
        if 0 <= across <= 100 and 0 <= down <= 100:
            found[gate["name"]] = across / 100, down / 100
    return found


def _show_list(
    request: Request,
    services: ServicesDep,
    *,
    problem: ProblemError | None = None,
    title: str = "",
    is_admin: bool = True,
) -> HTMLResponse:
    with services.database.read() as session:
        plans = [(plan, len(site_plans.places(session, plan.id))) for plan in site_plans.find(session)]
    return render_page(
        request,
        "gates/plans.html",
        status=problem.status if problem else 200,
        plans=plans,
        problem=f"problem.{problem.code}" if problem else None,
        title_written=title,
        is_admin=is_admin,
    )


def _show_places(
    request: Request,
    services: ServicesDep,
    plan_id: UUID,
    *,
    problem: ProblemError | None = None,
    title: str | None = None,
) -> HTMLResponse:
    with services.database.read() as session:
        plan: SitePlan = site_plans.get(session, plan_id)
        placed, gates = site_plans.places(session, plan_id), describe_places(session)["gates"]
    return render_page(
        request,
        "gates/plan_places.html",
        status=problem.status if problem else 200,
        plan=plan,
        gates=[(gate, placed.get(gate["name"])) for gate in gates],
        problem=f"problem.{problem.code}" if problem else None,
        title_written=plan.title if title is None else title,
    )
