"""Price plans: added ahead of their first day, withdrawn before it, never changed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import audit
from database import new_id
from metering.billing.stored import PLAN, dump, load
from metering.billing.tables import ElectricityPlan
from metering.rooms.tables import Building
from metering.tariffs.electricity import PricePlan
from web.problems import NotFoundError, ProblemError


class PlanStartTakenError(ProblemError):
    """Another plan of the same buildings starts on this day."""

    code = "plan_start_taken"
    status = 409
    title = "Another price plan starts on this day; withdraw it first"


class PlanStartedError(ProblemError):
    """Prices change ahead of time: a plan starts on a later day than today, and one that has started stays."""

    code = "plan_started"
    status = 409
    title = "A price plan is added and withdrawn only before its first day"


def add(
    session: Session, plan: PricePlan, building_id: UUID | None, today: date, *, by: str, now: datetime
) -> ElectricityPlan:
    """Add a plan; `today` is the campus's day. The first plan of all may have started already.

    Raises:
        NotFoundError: there is no such building.
        PlanStartedError, PlanStartTakenError: see there.
    """
    if building_id is not None and session.get(Building, building_id) is None:
        raise NotFoundError("there is no building with this id")
    standing = _standing(session, building_id)
    if plan.starts_on <= today and standing:
        raise PlanStartedError
    if any(row.starts_on == plan.starts_on for row in standing):
        raise PlanStartTakenError
    plan = replace(plan, id=new_id())
    row = ElectricityPlan(
        id=plan.id,
        building_id=building_id,
        name=plan.name,
        starts_on=plan.starts_on,
        rules=dump(PLAN, plan),
        added_by=by,
        added_at=now,
    )
    session.add(row)
    session.flush()
    details: dict[str, audit.Scalar | list[str]] = {"starts_on": str(plan.starts_on), "building": _text(building_id)}
    audit.record(session, actor=by, action="plan.add", subject=f"electricity_plan:{row.id}", now=now, details=details)
    return row


def withdraw(session: Session, plan_id: UUID, today: date, *, by: str, now: datetime) -> ElectricityPlan:
    """Withdraw a plan before its first day; again changes nothing.

    Raises:
        NotFoundError: there is none.
        PlanStartedError: it has started.
    """
    row = session.get(ElectricityPlan, plan_id, with_for_update=True)
    if row is None:
        raise NotFoundError("there is no price plan with this id")
    if row.withdrawn_at is None:
        if row.starts_on <= today:
            raise PlanStartedError
        row.withdrawn_at = now
        audit.record(session, actor=by, action="plan.withdraw", subject=f"electricity_plan:{row.id}", now=now)
    return row


def of_building(session: Session, building_id: UUID) -> tuple[PricePlan, ...]:
    """Return a building's plans by their start: its own ones, and the campus's before its first own one."""
    own = _standing(session, building_id)
    first = own[0].starts_on if own else None
    campus = [row for row in _standing(session, None) if first is None or row.starts_on < first]
    return tuple(load(PLAN, row.rules) for row in [*campus, *own])


def standing_of(session: Session, building_id: UUID | None) -> tuple[PricePlan, ...]:
    """Return the plans of a building, or of the campus where that is None, by their start."""
    if building_id is not None:
        return of_building(session, building_id)
    return tuple(load(PLAN, row.rules) for row in _standing(session, None))


def find(session: Session, *, after: UUID | None = None, limit: int = 50) -> Sequence[ElectricityPlan]:
    """Return all plans in the order they were added, withdrawn ones too."""
    query = select(ElectricityPlan).order_by(ElectricityPlan.id).limit(limit)
    return session.scalars(query if after is None else query.where(ElectricityPlan.id > after)).all()


def _standing(session: Session, building_id: UUID | None) -> Sequence[ElectricityPlan]:
    of_it = ElectricityPlan.building_id.is_(None) if building_id is None else ElectricityPlan.building_id == building_id
    query = select(ElectricityPlan).where(of_it, ElectricityPlan.withdrawn_at.is_(None))
    return session.scalars(query.order_by(ElectricityPlan.starts_on)).all()


def _text(building_id: UUID | None) -> str | None:
    return None if building_id is None else str(building_id)
