"""Merchants with their terminals, the campuses on which each service is enabled, and the ceilings in force."""

from collections import defaultdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.ledger.turnover import turnover_of
from accounts.payments import merchants
from accounts.payments.merchants import MerchantNameTakenError
from accounts.payments.tables import Merchant, ServiceCampus
from accounts.principals import Principal
from accounts.tables import Device
from accounts.topup import day_overview
from accounts.vocabulary import Role
from console.dependencies import AdminDep, CashierDep, ServicesDep
from console.rendering import done, forbid_storing, path_to, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from web.paging import PageRequest
from web.text import Line, Slug

router = APIRouter(prefix="/console/money", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_ON_A_PAGE = 50
_SLUG: TypeAdapter[str] = TypeAdapter(Slug)
_NAME: TypeAdapter[str] = TypeAdapter(Line)
Typed = Annotated[str, Form(max_length=100)]


@router.get("/merchants", response_class=HTMLResponse, name="money_merchants_page")
def show(
    request: Request,
    me: CashierDep,
    services: ServicesDep,
    *,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """Show every merchant: campus, service, terminals, what it took today."""
    return _render(request, me, services, cursor=cursor)


@router.post("/merchants", name="money_add_merchant")
def add(
    request: Request,
    me: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    name: Typed = "",
    campus: Typed = "",
    service: Typed = "",
) -> Response:
    """Register a merchant."""
    typed = {"name": name, "campus": campus, "service": service}
    problems = {
        key: words
        for key, words, adapter in (
            ("name", "money.name_missing", _NAME),
            ("campus", "money.no_slug", _SLUG),
            ("service", "money.no_slug", _SLUG),
        )
        if not _fits(adapter, typed[key])
    }
    if not problems:
        try:
            with services.database.begin() as session:
                merchants.add(
                    session,
                    name=name.strip(),
                    campus=campus.strip(),
                    service=service.strip(),
                    by=me.actor,
                    now=services.now(),
                )
        except MerchantNameTakenError as error:
            problems = {"name": f"problem.{error.code}"}
    if problems:
        return _render(request, me, services, problems=problems, typed=typed, status=422)
    return done(request, "money_merchants_page", "merchant_added")


@router.post("/services", name="money_set_campuses")
def set_campuses(
    request: Request,
    me: AdminDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    service: Typed = "",
    campuses: Annotated[str, Form(max_length=2_000)] = "",
) -> Response:
    """Enable a service on exactly these campuses; none disables it everywhere."""
    wanted = campuses.replace("，", " ").replace(",", " ").replace("、", " ").split()
    if not _fits(_SLUG, service) or not all(_fits(_SLUG, one) for one in wanted):
        problems, typed = {"campuses": "money.no_slug"}, {"of": service, "campuses": campuses}
        return _render(request, me, services, problems=problems, typed=typed, status=422)
    with services.database.begin() as session:
        merchants.set_campuses(session, service.strip(), wanted, by=me.actor, now=services.now())
    return done(request, "money_merchants_page", "campuses_set")


def _fits(adapter: TypeAdapter[str], typed: str) -> bool:
    try:
        adapter.validate_python(typed.strip())
    except ValidationError:
        return False
    return True


def _render(
    request: Request,
    me: Principal,
    services: ConsoleServices,
    *,
    cursor: str | None = None,
    problems: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    page = PageRequest(_ON_A_PAGE, cursor)
    today = services.now().astimezone(services.zone).date()
    begins, ends = day_overview.bounds(today, services.zone)
    with services.database.read() as session:
        rows = merchants.find(session, after=page.after(UUID), limit=page.limit + 1)
        shown, following = page.cut(rows, lambda row: row.id)
        enabled = _campuses(session)
        ids = [one.id for one in shown]
        taken, devices = turnover_of(session, ids, begins, ends), _devices(session, ids)
        services_known = sorted({*enabled, *session.scalars(select(Merchant.service).distinct())})
        campuses_known = sorted(
            {one for campuses in enabled.values() for one in campuses}
            | set(session.scalars(select(Merchant.campus).distinct()))
        )
    described: list[dict[str, Any]] = [
        {
            "merchant": one,
            "is_enabled": one.campus in enabled.get(one.service, ()),
            "devices": devices[one.id],
            "taken": taken.get(one.id, 0),
        }
        for one in shown
    ]
    return render_page(
        request,
        "money/merchants.html",
        status=status,
        merchants=described,
        next=following,
        enabled={service: enabled.get(service, []) for service in services_known},
        campuses=campuses_known,
        services=services_known,
        ceilings=services.money.ceilings,
        limits=services.money.default_limits,
        is_admin=Role.ADMIN in me.roles,
        devices_page=path_to(request, "administration_devices_page") if Role.ADMIN in me.roles else None,
        problems=problems or {},
        typed=typed or {},
    )


def _campuses(session: Session) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in session.scalars(select(ServiceCampus).order_by(ServiceCampus.service, ServiceCampus.campus)):
        found[row.service].append(row.campus)
    return dict(found)


def _devices(session: Session, ids: list[UUID]) -> dict[UUID, list[Device]]:
    found: defaultdict[UUID, list[Device]] = defaultdict(list)
    query = select(Device).where(Device.merchant_id.in_(ids), Device.revoked_at.is_(None))
    for one in session.scalars(query.order_by(Device.name)):
        if one.merchant_id is not None:
            found[one.merchant_id].append(one)
    return found
