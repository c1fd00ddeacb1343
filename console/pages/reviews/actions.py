"""What reviewers do on their page: claim, decide, take back. Everything is audited where it is done."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from console.dependencies import ReviewerDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import forbid_storing, json_response
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views.reviews import describe_reviews
from enrollment import review
from enrollment.schemas import Approval, Flawless, FlawlessOut, Rejection
from enrollment.tables import PhotoRecord

router = APIRouter(prefix="/console/reviews", include_in_schema=False, dependencies=[Depends(forbid_storing)])


@router.post("/approve-flawless", name="console_approve_flawless")
def approve_flawless(
    wanted: Flawless, me: ReviewerDep, services: ServicesDep, _same_origin: SameOriginDep
) -> FlawlessOut:
    """Approve all of these photos that keep every rule and are like nobody else's."""
    with services.database.begin() as session:
        outcomes = review.approve_flawless(
            session, wanted.photo_ids, by=me.person_id, actor=me.actor, now=services.now()
        )
    return FlawlessOut(outcomes=outcomes)


@router.post(
    "/{photo_id}/claim", dependencies=[record_disclosure("photo.read", "photo:{photo_id}")], name="console_claim"
)
def claim(
    photo_id: UUID, request: Request, me: ReviewerDep, services: ServicesDep, _same_origin: SameOriginDep
) -> JSONResponse:
    """Reserve a photo for oneself, or prolong that."""
    with services.database.begin() as session:
        photo = review.claim(session, photo_id, by=me.person_id, now=services.now())
        found = _describe(session, services, photo, me.person_id)
    return json_response(request, found)


@router.delete("/{photo_id}/claim", status_code=204, name="console_release")
def release(photo_id: UUID, me: ReviewerDep, services: ServicesDep, _same_origin: SameOriginDep) -> None:
    """Give a claimed photo back."""
    with services.database.begin() as session:
        review.release(session, photo_id, by=me.person_id)


@router.post("/{photo_id}/approve", name="console_approve")
def approve(
    photo_id: UUID, decision: Approval, me: ReviewerDep, services: ServicesDep, _same_origin: SameOriginDep
) -> dict[str, Any]:
    """Approve a claimed photo."""
    with services.database.begin() as session:
        photo = review.approve(
            session, photo_id, by=me.person_id, actor=me.actor, now=services.now(), note=decision.note
        )
        return _describe(session, services, photo, me.person_id)


@router.post("/{photo_id}/reject", name="console_reject")
def reject(
    photo_id: UUID, decision: Rejection, me: ReviewerDep, services: ServicesDep, _same_origin: SameOriginDep
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
        return _describe(session, services, photo, me.person_id)


@router.post("/{photo_id}/undo", name="console_undo")
def undo(photo_id: UUID, me: ReviewerDep, services: ServicesDep, _same_origin: SameOriginDep) -> dict[str, Any]:
    """Take one's own decision back within a minute."""
    with services.database.begin() as session:
        photo = review.undo(session, photo_id, by=me.person_id, actor=me.actor, now=services.now())
        return _describe(session, services, photo, me.person_id)


def _describe(session: Session, services: ConsoleServices, photo: PhotoRecord, by: UUID) -> dict[str, Any]:
    return describe_reviews(session, [photo], by=by, now=services.now())[0]
