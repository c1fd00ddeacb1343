"""Price plans for staff: which hold, which will, and new ones by administrators, compared before they are added."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from console.dependencies import AdminDep, MeteringDep, ServicesDep, StaffDep
from console.metering_rendering import render_metering
from console.rendering import forbid_storing
from console.same_origin import SameOriginDep
from console.views.metering_figures import Figures
from metering.billing import plans
from metering.billing.plan_schemas import PlanIn, PlanOut
from metering.billing.price_preview import DAYS, HEADS, compare
from metering.rooms import registry
from metering.tariffs.electricity import plan_on

router = APIRouter(prefix="/console/metering/prices", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_MOST = 200


@router.get("", response_class=HTMLResponse, name="metering_prices_page")
def show(request: Request, staff: StaffDep, services: ServicesDep, metering: MeteringDep) -> HTMLResponse:
    """Show the plans by the day they start, the newest first."""
    figures = Figures(metering.zone, services.now())
    today = figures.today()
    with services.database.read() as session:
        found = [PlanOut.of(row) for row in plans.find(session, limit=_MOST)]
        buildings = registry.find_buildings(session)
    found.sort(key=lambda plan: (plan.starts_on, plan.added_at), reverse=True)
    return render_metering(
        request,
        "metering/prices.html",
        services,
        staff,
        figures=figures,
        plans=found,
        bases=[plan.model_dump(mode="json") for plan in found if plan.withdrawn_at is None],
        building_names={one.id: one.name for one in buildings},
        buildings=buildings,
        in_force=_in_force(found, today),
        today=today,
        tomorrow=today + timedelta(days=1),
        heads=HEADS,
        days=DAYS,
    )


@router.post("/preview", name="metering_compare_prices")
def compare_prices(
    body: PlanIn, *, _admin: AdminDep, _same_origin: SameOriginDep, services: ServicesDep, metering: MeteringDep
) -> list[dict[str, Any]]:
    """Tell what rooms would pay by a plan, and what they would by the one that holds until it starts."""
    with services.database.read() as session:
        standing = plans.standing_of(session, body.building_id)
    before = plan_on([plan for plan in standing if plan.starts_on != body.starts_on], body.starts_on)
    return [
        {"wh": one.wh, "old_fen": one.old, "new_fen": one.new} for one in compare(before, body.plan(), metering.zone)
    ]


@router.post("", status_code=201, name="metering_add_prices")
def add_prices(
    body: PlanIn, *, admin: AdminDep, _same_origin: SameOriginDep, services: ServicesDep, metering: MeteringDep
) -> PlanOut:
    """Add a plan that starts on a later day."""
    now = services.now()
    today = now.astimezone(metering.zone).date()
    with services.database.begin() as session:
        return PlanOut.of(plans.add(session, body.plan(), body.building_id, today, by=admin.actor, now=now))


@router.post("/{plan_id}/withdrawal", name="metering_withdraw_prices")
def withdraw_prices(
    plan_id: UUID, *, admin: AdminDep, _same_origin: SameOriginDep, services: ServicesDep, metering: MeteringDep
) -> PlanOut:
    """Withdraw a plan before it starts."""
    now = services.now()
    today = now.astimezone(metering.zone).date()
    with services.database.begin() as session:
        return PlanOut.of(plans.withdraw(session, plan_id, today, by=admin.actor, now=now))


def _in_force(found: list[PlanOut], today: Any) -> set[UUID]:
    """Return the plans that hold today: the last one that started of each building, and of the campus."""
    holding: dict[UUID | None, PlanOut] = {}
    for plan in sorted(found, key=lambda one: one.starts_on):
        if plan.withdrawn_at is None and plan.starts_on <= today:
            holding[plan.building_id] = plan
    return {plan.id for plan in holding.values()}
