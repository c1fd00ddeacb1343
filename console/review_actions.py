"""What reviewers do on their page: claim, decide, take back. Everything is audited where it is done."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends

from console.origin import OursDep
from console.rendering import keep_nothing
from console.review_view import describe_reviews
from console.services import ConsoleServices, ReviewerDep, ServicesDep
from enrollment.api import reviews
from enrollment.api.reviews import Approval, Flawless, FlawlessOut, Rejection
from enrollment.api.shapes import ReviewOut

router = APIRouter(prefix="/console/reviews", include_in_schema=False, dependencies=[Depends(keep_nothing)])


@router.post("/approve-flawless", name="console_approve_flawless")
def approve_flawless(wanted: Flawless, me: ReviewerDep, services: ServicesDep, _ours: OursDep) -> FlawlessOut:
    """Approve all of these photos that keep every rule and are like nobody else's."""
    return reviews.approve_flawless(wanted, services.enrollment, me, services.now())


@router.post("/{photo_id}/claim", name="console_claim")
def claim(photo_id: UUID, me: ReviewerDep, services: ServicesDep, _ours: OursDep) -> dict[str, Any]:
    """Reserve a photo for oneself, or prolong that."""
    return _shown(services, me.person_id, reviews.claim(photo_id, services.enrollment, me, services.now()))


@router.delete("/{photo_id}/claim", status_code=204, name="console_release")
def release(photo_id: UUID, me: ReviewerDep, services: ServicesDep, _ours: OursDep) -> None:
    """Give a claimed photo back."""
    reviews.release(photo_id, services.enrollment, me)


@router.post("/{photo_id}/approve", name="console_approve")
def approve(
    photo_id: UUID, decision: Approval, me: ReviewerDep, services: ServicesDep, _ours: OursDep
) -> dict[str, Any]:
    """Approve a claimed photo."""
    return _shown(services, me.person_id, reviews.approve(photo_id, decision, services.enrollment, me, services.now()))


@router.post("/{photo_id}/reject", name="console_reject")
def reject(
    photo_id: UUID, decision: Rejection, me: ReviewerDep, services: ServicesDep, _ours: OursDep
) -> dict[str, Any]:
    """Reject a claimed photo; the person gets the advice of the reasons."""
    return _shown(services, me.person_id, reviews.reject(photo_id, decision, services.enrollment, me, services.now()))


@router.post("/{photo_id}/undo", name="console_undo")
def undo(photo_id: UUID, me: ReviewerDep, services: ServicesDep, _ours: OursDep) -> dict[str, Any]:
    """Take one's own decision back within a minute."""
    return _shown(services, me.person_id, reviews.undo(photo_id, services.enrollment, me, services.now()))


def _shown(services: ConsoleServices, by: UUID, seen: ReviewOut) -> dict[str, Any]:
    with services.database.read() as session:
        return describe_reviews(session, [seen], by=by, now=services.now())[0]
