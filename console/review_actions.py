"""What reviewers do on their page: claim, decide, take back. Everything is audited where it is done."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from console.looks import look
from console.origin import OursDep
from console.rendering import keep_nothing
from console.review_view import describe_reviews
from console.services import ConsoleServices, ReviewerDep, ServicesDep
from enrollment import review
from enrollment.schemas import Approval, Flawless, FlawlessOut, Rejection
from enrollment.tables import PhotoRecord

router = APIRouter(prefix="/console/reviews", include_in_schema=False, dependencies=[Depends(keep_nothing)])


@router.post("/approve-flawless", name="console_approve_flawless")
def approve_flawless(wanted: Flawless, me: ReviewerDep, services: ServicesDep, _ours: OursDep) -> FlawlessOut:
    """Approve all of these photos that keep every rule and are like nobody else's."""
    with services.database.begin() as session:
        outcomes = review.approve_flawless(
            session, wanted.photo_ids, by=me.person_id, actor=me.actor, now=services.now()
        )
    return FlawlessOut(outcomes=outcomes)


@router.post("/{photo_id}/claim", dependencies=[look("photo.read", "photo:{photo_id}")], name="console_claim")
def claim(photo_id: UUID, me: ReviewerDep, services: ServicesDep, _ours: OursDep) -> dict[str, Any]:
    """Reserve a photo for oneself, or prolong that."""
    with services.database.begin() as session:
        photo = review.claim(session, photo_id, by=me.person_id, now=services.now())
        return _shown(session, services, photo, me.person_id)


@router.delete("/{photo_id}/claim", status_code=204, name="console_release")
def release(photo_id: UUID, me: ReviewerDep, services: ServicesDep, _ours: OursDep) -> None:
    """Give a claimed photo back."""
    with services.database.begin() as session:
        review.release(session, photo_id, by=me.person_id)


@router.post("/{photo_id}/approve", name="console_approve")
def approve(
    photo_id: UUID, decision: Approval, me: ReviewerDep, services: ServicesDep, _ours: OursDep
) -> dict[str, Any]:
    """Approve a claimed photo."""
    with services.database.begin() as session:
        photo = review.approve(
            session, photo_id, by=me.person_id, actor=me.actor, now=services.now(), note=decision.note
        )
        return _shown(session, services, photo, me.person_id)


@router.post("/{photo_id}/reject", name="console_reject")
def reject(
    photo_id: UUID, decision: Rejection, me: ReviewerDep, services: ServicesDep, _ours: OursDep
) -> dict[str, Any]:
    """Reject a claimed photo; the person gets the advice of the reasons."""
    with services.database.begin() as session:
        photo = review.reject(
            session,
            photo_id,
            decision.reasons,
            by=me.person_id,
            actor=me.actor,
            now=services.now(),
            note=decision.note,
        )
        return _shown(session, services, photo, me.person_id)


@router.post("/{photo_id}/undo", name="console_undo")
def undo(photo_id: UUID, me: ReviewerDep, services: ServicesDep, _ours: OursDep) -> dict[str, Any]:
    """Take one's own decision back within a minute."""
    with services.database.begin() as session:
        photo = review.undo(session, photo_id, by=me.person_id, actor=me.actor, now=services.now())
        return _shown(session, services, photo, me.person_id)


def _shown(session: Session, services: ConsoleServices, photo: PhotoRecord, by: UUID) -> dict[str, Any]:
    return describe_reviews(session, [photo], by=by, now=services.now())[0]
