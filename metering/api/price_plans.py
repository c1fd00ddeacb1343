"""Routes about price plans: everybody may read them, administrators add and withdraw them ahead of time."""

from uuid import UUID

from fastapi import APIRouter

from accounts.api.dependencies import (
    PERSON_ERRORS,
    ROLE_ERRORS,
    AdminDep,
    NowDep,
    PrincipalDep,
)
from metering.api.dependencies import MeteringDep
from metering.billing import plans
from metering.billing.plan_schemas import InvalidPlanError, PlanIn, PlanOut
from metering.billing.plans import PlanStartedError, PlanStartTakenError
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1", tags=["rooms"])


@router.get("/price-plans", responses=responses(*PERSON_ERRORS, InvalidCursorError))
def list_price_plans(services: MeteringDep, me: PrincipalDep, page: PageDep) -> Page[PlanOut]:
    """List the price plans in the order they were added; prices are no secret."""
    del me
    with services.database.read() as session:
        rows = plans.find(session, after=page.after(UUID), limit=page.limit + 1)
        shown, following = page.cut(rows, lambda row: row.id)
        return Page(items=[PlanOut.of(row) for row in shown], next=following)


@router.post(
    "/price-plans",
    status_code=201,
    responses=responses(*ROLE_ERRORS, NotFoundError, InvalidPlanError, PlanStartedError, PlanStartTakenError),
)
def add_price_plan(services: MeteringDep, staff: AdminDep, now: NowDep, body: PlanIn) -> PlanOut:
    """Add a price plan that starts on a later day; the first one of all may have started."""
    today = now.astimezone(services.zone).date()
    with services.database.begin() as session:
        return PlanOut.of(plans.add(session, body.plan(), body.building_id, today, by=staff.actor, now=now))


@router.post("/price-plans/{plan_id}/withdrawal", responses=responses(*ROLE_ERRORS, NotFoundError, PlanStartedError))
def withdraw_price_plan(services: MeteringDep, staff: AdminDep, now: NowDep, plan_id: UUID) -> PlanOut:
    """Withdraw a price plan before it starts."""
    today = now.astimezone(services.zone).date()
    with services.database.begin() as session:
        return PlanOut.of(plans.withdraw(session, plan_id, today, by=staff.actor, now=now))
