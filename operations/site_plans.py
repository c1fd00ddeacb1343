"""Plans of the campus: a picture, and where on it each gate stands. Administrators make them; all staff see them."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, undefer

from accounts import audit
from directory import gates
from operations.plan_pictures import PlanPicture
from operations.tables import GatePlace, SitePlan
from web.problems import NotFoundError, ProblemError

MOST = 50

Place = tuple[float, float]
"""Across and down, each from 0 to 1 of the picture."""


class TooManyPlansError(ProblemError):
    """There are as many plans as are kept."""

    code = "too_many_plans"
    status = 409
    title = "There are 50 plans already; remove one first"


def find(session: Session) -> Sequence[SitePlan]:
    """Return all plans by title, without their pictures."""
    return session.scalars(select(SitePlan).order_by(SitePlan.title, SitePlan.id)).all()


def get(session: Session, plan_id: UUID, *, with_picture: bool = False) -> SitePlan:
    """Return one plan.

    Raises:
        NotFoundError: there is none with this id.
    """
    options = [undefer(SitePlan.content)] if with_picture else []
    plan = session.scalar(select(SitePlan).where(SitePlan.id == plan_id).options(*options))
    if plan is None:
        raise NotFoundError("there is no plan with this id")
    return plan


def add(session: Session, title: str, picture: PlanPicture, *, by: str, now: datetime) -> SitePlan:
    """Add a plan without any gate on it. Audited.

    Raises:
        TooManyPlansError: see there.
    """
    if (session.scalar(select(func.count()).select_from(SitePlan)) or 0) >= MOST:
        raise TooManyPlansError
    plan = SitePlan(title=title, changed_at=now)
    _show(plan, picture)
    session.add(plan)
    session.flush()
    audit.record(session, actor=by, action="plan.add", subject=f"plan:{plan.id}", now=now)
    return plan


def change(
    session: Session, plan: SitePlan, *, title: str, picture: PlanPicture | None, by: str, now: datetime
) -> None:
    """Give a plan another title, and another picture where one is given; gates stay where they are. Audited."""
    plan.title, plan.changed_at = title, now
    if picture is not None:
        _show(plan, picture)
    audit.record(session, actor=by, action="plan.change", subject=f"plan:{plan.id}", now=now)


def remove(session: Session, plan: SitePlan, *, by: str, now: datetime) -> None:
    """Remove a plan and where gates stood on it. Audited."""
    session.execute(delete(GatePlace).where(GatePlace.plan_id == plan.id))
    session.delete(plan)
    audit.record(session, actor=by, action="plan.remove", subject=f"plan:{plan.id}", now=now)


def places(session: Session, plan_id: UUID) -> dict[str, Place]:
    """Return where gates stand on a plan, by name."""
    rows = session.scalars(select(GatePlace).where(GatePlace.plan_id == plan_id).order_by(GatePlace.gate))
    return {row.gate: (row.x, row.y) for row in rows}


def put_places(session: Session, plan: SitePlan, wanted: Mapping[str, Place], *, by: str, now: datetime) -> None:
    """Let gates stand where `wanted` says and nowhere else on this plan; unknown gates are passed over. Audited."""
    known = {gate.name for gate in gates.find(session)}
    session.execute(delete(GatePlace).where(GatePlace.plan_id == plan.id))
    session.add_all(
        GatePlace(plan_id=plan.id, gate=gate, x=min(max(x, 0.0), 1.0), y=min(max(y, 0.0), 1.0))
        for gate, (x, y) in wanted.items()
        if gate in known
    )
    plan.changed_at = now
    details = {"gates": len(wanted.keys() & known)}
    audit.record(session, actor=by, action="plan.place", subject=f"plan:{plan.id}", now=now, details=details)


def _show(plan: SitePlan, picture: PlanPicture) -> None:
    plan.media_type, plan.content = picture.media_type, picture.content
    plan.width, plan.height = picture.width, picture.height
    plan.digest = hashlib.sha256(picture.content).hexdigest()
