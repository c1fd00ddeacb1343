"""The reviewer's queue."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from accounts.api.dependencies import ROLE_ERRORS, NowDep, ReviewerDep
from accounts.api.disclosures import record_disclosure
from enrollment import decisions, photo_pairs, photos, review, review_context
from enrollment.api.dependencies import EnrollmentDep
from enrollment.lifecycle import StepError
from enrollment.quality import Verdict
from enrollment.reasons import REASONS
from enrollment.review import AlreadyClaimedError, NotClaimedError, OwnPhotoError, UnknownReasonError
from enrollment.schemas import AdviceOut, Approval, Flawless, FlawlessOut, Rejection, ReviewOut
from enrollment.tables import PhotoRecord
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1/reviews", tags=["reviews"])

_DECISION_ERRORS = (*ROLE_ERRORS, NotFoundError, StepError, NotClaimedError, OwnPhotoError)


class ReasonOut(BaseModel):
    """A reason for a rejection."""

    reason: str
    advice: AdviceOut


class StatisticsOut(BaseModel):
    """How the queue is doing."""

    waiting: int
    oldest_waiting_s: float | None
    decided_last_hour: int
    approved_share_last_day: float | None


@router.get(
    "",
    dependencies=[record_disclosure("reviews.read", "photos:list")],
    responses=responses(*ROLE_ERRORS, InvalidCursorError),
)
def queue(
    services: EnrollmentDep,
    reviewer: ReviewerDep,
    page: PageDep,
    *,
    verdict: Verdict | None = None,
    rule: Annotated[str | None, Query(max_length=50, description="only photos on which this rule failed")] = None,
    department: Annotated[str | None, Query(max_length=100)] = None,
    unusual: Annotated[
        bool | None, Query(description="whether the face is like another person's, or unlike the person's before")
    ] = None,
    free: Annotated[bool, Query(description="only photos that no other reviewer has claimed")] = False,
) -> Page[ReviewOut]:
    """Return photos that wait for a reviewer, oldest first."""
    after = page.after(tuple[datetime, UUID])
    with services.database.read() as session:
        found = review.query_queue(
            session,
            after=after,
            limit=page.limit + 1,
            verdict=verdict,
            rule=rule,
            department=department,
            unusual=unusual,
            free_for=(reviewer.person_id, services.clock()) if free else None,
        )
        rows, following = page.cut(found, lambda photo: (photo.uploaded_at.isoformat(), str(photo.id)))
        context = review_context.load_review_context(session, rows)
        return Page(items=[ReviewOut.for_reviewer(photo, context) for photo in rows], next=following)


@router.get("/statistics", responses=responses(*ROLE_ERRORS))
def statistics(services: EnrollmentDep, _reviewer: ReviewerDep, now: NowDep) -> StatisticsOut:
    """Return how many wait, how many were decided, and the share approved."""
    with services.database.read() as session:
        return StatisticsOut(**asdict(review.query_statistics(session, now=now)))


@router.get("/reasons", responses=responses(*ROLE_ERRORS))
def reasons(_reviewer: ReviewerDep) -> list[ReasonOut]:
    """Return the reasons for a rejection, each with the advice that the person gets."""
    return [ReasonOut(reason=name, advice=AdviceOut(zh=advice.zh, en=advice.en)) for name, advice in REASONS.items()]


@router.post("/approve-flawless", responses=responses(*ROLE_ERRORS))
def approve_flawless(wanted: Flawless, services: EnrollmentDep, reviewer: ReviewerDep, now: NowDep) -> FlawlessOut:
    """Approve all of these photos that keep every rule and are like nobody else's."""
    with services.database.begin() as session:
        outcomes = review.approve_flawless(
            session, wanted.photo_ids, by=reviewer.person_id, actor=reviewer.actor, now=now
        )
    return FlawlessOut(outcomes=outcomes)


@router.get(
    "/{photo_id}",
    dependencies=[record_disclosure("photo.read", "photo:{photo_id}")],
    responses=responses(*ROLE_ERRORS, NotFoundError),
)
def one(photo_id: UUID, services: EnrollmentDep, _reviewer: ReviewerDep) -> ReviewOut:
    """Return one photo with everything a reviewer needs."""
    with services.database.read() as session:
        return _describe(session, photos.get(session, photo_id))


@router.get(
    "/{photo_id}/duplicates/{person_id}/picture",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **responses(*ROLE_ERRORS, NotFoundError)},
)
def duplicate_picture(photo_id: UUID, person_id: UUID, services: EnrollmentDep, reviewer: ReviewerDep) -> Response:
    """Return the picture kept of somebody whom the photo was found to be like; the look is audited."""
    with services.database.begin() as session:
        photo = photos.get(session, photo_id)
        content = review_context.read_look_alike_picture(
            session, services.sealer, photo, person_id, by=reviewer.actor, now=services.clock()
        )
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.get(
    "/{photo_id}/before/picture",
    dependencies=[record_disclosure("photo.compare", "photo:{photo_id}")],
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **responses(*ROLE_ERRORS, NotFoundError)},
)
def picture_before(photo_id: UUID, services: EnrollmentDep, _reviewer: ReviewerDep) -> Response:
    """Return the picture of the person's photo that was approved before this one."""
    with services.database.read() as session:
        content = review_context.read_previous_picture(session, services.sealer, photos.get(session, photo_id))
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.post(
    "/{photo_id}/claim",
    dependencies=[record_disclosure("photo.read", "photo:{photo_id}")],
    responses=responses(*ROLE_ERRORS, NotFoundError, StepError, AlreadyClaimedError, OwnPhotoError),
)
def claim(photo_id: UUID, services: EnrollmentDep, reviewer: ReviewerDep, now: NowDep) -> ReviewOut:
    """Reserve a photo for oneself for five minutes."""
    with services.database.begin() as session:
        return _describe(session, review.claim(session, photo_id, by=reviewer.person_id, now=now))


@router.delete("/{photo_id}/claim", status_code=204, responses=responses(*ROLE_ERRORS, NotFoundError))
def release(photo_id: UUID, services: EnrollmentDep, reviewer: ReviewerDep) -> None:
    """Give a claimed photo back."""
    with services.database.begin() as session:
        review.release(session, photo_id, by=reviewer.person_id)


@router.post(
    "/{photo_id}/approve",
    responses=responses(
        *_DECISION_ERRORS,
        decisions.NoTemplateError,
        photo_pairs.FirstPhotoMissingError,
        photo_pairs.PhotosDisagreeError,
    ),
)
def approve(
    photo_id: UUID, decision: Approval, services: EnrollmentDep, reviewer: ReviewerDep, now: NowDep
) -> ReviewOut:
    """Approve a claimed photo: its template goes to the gates with their next directory."""
    with services.database.begin() as session:
        photo = review.approve(
            session, photo_id, by=reviewer.person_id, actor=reviewer.actor, now=now, note=decision.note
        )
        return _describe(session, photo)


@router.post("/{photo_id}/reject", responses=responses(*_DECISION_ERRORS, UnknownReasonError))
def reject(
    photo_id: UUID, decision: Rejection, services: EnrollmentDep, reviewer: ReviewerDep, now: NowDep
) -> ReviewOut:
    """Reject a claimed photo; the person gets the advice of the reasons."""
    with services.database.begin() as session:
        photo = review.reject(
            session,
            photo_id,
            decision.reasons,
            by=reviewer.person_id,
            actor=reviewer.actor,
            now=now,
            note=decision.note,
        )
        return _describe(session, photo)


@router.post("/{photo_id}/undo", responses=responses(*_DECISION_ERRORS))
def undo(photo_id: UUID, services: EnrollmentDep, reviewer: ReviewerDep, now: NowDep) -> ReviewOut:
    """Take one's own decision back within a minute."""
    with services.database.begin() as session:
        return _describe(session, review.undo(session, photo_id, by=reviewer.person_id, actor=reviewer.actor, now=now))


def _describe(session: Session, photo: PhotoRecord) -> ReviewOut:
    return ReviewOut.for_reviewer(photo, review_context.load_review_context(session, [photo]))
