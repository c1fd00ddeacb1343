"""The reviewer's queue: claim, decide, take back. Two reviewers never decide the same photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from accounts.tables import Person
from enrollment import decisions, lifecycle, notices, photos
from enrollment.quality import Verdict
from enrollment.reasons import REASONS
from enrollment.tables import PhotoRecord, PhotoState
from web.problems import ProblemError

CLAIM_LASTS = timedelta(minutes=5)
_SCAN = 200


class AlreadyClaimedError(ProblemError):
    """Another reviewer is looking at this photo."""

    code = "photo_claimed"
    status = 409
    title = "Another reviewer has claimed this photo"


class NotClaimedError(ProblemError):
    """A photo is decided by whoever has claimed it, before the claim expires."""

    code = "photo_not_claimed"
    status = 409
    title = "Claim the photo first"


class OwnPhotoError(ProblemError):
    """A reviewer does not decide about their own photo."""

    code = "own_photo"
    status = 403
    title = "Another reviewer must decide about your own photo"


class UnknownReasonError(ProblemError):
    """A rejection names at least one reason from the list."""

    code = "unknown_reason"
    status = 422
    title = "Give at least one reason from the list"


@dataclass(frozen=True, slots=True)
class Statistics:
    """How the queue is doing. The share is None when nothing was decided in the last day."""

    waiting: int
    oldest_waiting_s: float | None
    decided_last_hour: int
    approved_share_last_day: float | None


def query_queue(
    session: Session,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
    verdict: Verdict | None = None,
    rule: str | None = None,
    department: str | None = None,
    unusual: bool | None = None,
    free_for: tuple[UUID, datetime] | None = None,
) -> list[PhotoRecord]:
    """Return photos in review, oldest first.

    `rule` keeps those on which that rule failed, `unusual` those whose face is (not) like another's or unlike the
    person's before, `free_for` those that this reviewer may claim at this time.
    """

    def wanted(photo: PhotoRecord) -> bool:
        return (
            (rule is None or _has_failed(photo, rule))
            and (unusual is None or _is_unusual(photo) is unusual)
            and (free_for is None or not _is_claimed_by_other(photo, *free_for))
        )

    found: list[PhotoRecord] = []
    position = after
    while len(found) < limit:
        query = (
            select(PhotoRecord)
            .join(Person, Person.id == PhotoRecord.person_id)
            .where(PhotoRecord.state == PhotoState.IN_REVIEW)
            .order_by(PhotoRecord.uploaded_at, PhotoRecord.id)
            .limit(_SCAN)
        )
        if position is not None:
            query = query.where(tuple_(PhotoRecord.uploaded_at, PhotoRecord.id) > position)
        if verdict is not None:
            query = query.where(PhotoRecord.verdict == verdict.value)
        if department is not None:
            query = query.where(Person.department == department)
        rows = session.scalars(query).all()
        found += [photo for photo in rows if wanted(photo)]
        if len(rows) < _SCAN:
            break
        position = (rows[-1].uploaded_at, rows[-1].id)
    return found[:limit]


def query_departments(session: Session) -> list[str]:
    """Return the departments of the people whose photos wait, in order."""
    query = (
        select(Person.department)
        .join(PhotoRecord, PhotoRecord.person_id == Person.id)
        .where(PhotoRecord.state == PhotoState.IN_REVIEW, Person.department != "")
        .distinct()
        .order_by(Person.department)
    )
    return list(session.scalars(query))


def claim(session: Session, photo_id: UUID, *, by: UUID, now: datetime) -> PhotoRecord:
    """Reserve a photo for a reviewer for `CLAIM_LASTS`; claiming again prolongs it.

    Raises:
        AlreadyClaimedError: another reviewer's claim has not expired.
        OwnPhotoError: it is the reviewer's own.
        lifecycle.StepError: it does not wait for review.
    """
    photo = photos.get(session, photo_id, lock=True)
    _require_decidable(photo, by)
    if _is_claimed_by_other(photo, by, now):
        raise AlreadyClaimedError(until=photo.claimed_until)
    photo.claimed_by, photo.claimed_until = by, now + CLAIM_LASTS
    return photo


def release(session: Session, photo_id: UUID, *, by: UUID) -> None:
    """Give a claimed photo back; another's claim stays."""
    photo = photos.get(session, photo_id, lock=True)
    if photo.claimed_by == by:
        photo.claimed_by = photo.claimed_until = None


def approve(
    session: Session, photo_id: UUID, *, by: UUID, actor: str, now: datetime, note: str | None = None
) -> PhotoRecord:
    """Approve a photo that the reviewer has claimed, and tell the person.

    Raises:
        NotClaimedError: the reviewer has no valid claim.
        OwnPhotoError: it is their own.
        lifecycle.StepError: it does not wait for review.
    """
    photo = _require_claimed(session, photo_id, by, now)
    decisions.approve(session, photo, by=actor, now=now, decided_by=by, note=note)
    notices.write_decision_notice(session, photo, now=now)
    return photo


def reject(
    session: Session,
    photo_id: UUID,
    reasons: Sequence[str],
    *,
    by: UUID,
    actor: str,
    now: datetime,
    note: str | None = None,
) -> PhotoRecord:
    """Reject a photo that the reviewer has claimed, with reasons from the list, and tell the person.

    Raises:
        UnknownReasonError: there is no reason, or one that is not in `reasons.REASONS`.
        NotClaimedError, OwnPhotoError, lifecycle.StepError: as in `approve`.
    """
    if not reasons or not set(reasons) <= set(REASONS):
        raise UnknownReasonError(known=list(REASONS))
    photo = _require_claimed(session, photo_id, by, now)
    decisions.reject(session, photo, reasons, by=actor, now=now, decided_by=by, note=note)
    notices.write_decision_notice(session, photo, now=now)
    return photo


def approve_flawless(
    session: Session, photo_ids: Sequence[UUID], *, by: UUID, actor: str, now: datetime
) -> dict[UUID, str]:
    """Approve many photos that keep every rule and show nobody known; return for each `approved` or why not."""
    outcomes: dict[UUID, str] = {}
    for photo_id in sorted(set(photo_ids)):  # in one order: two reviewers' lists must not lock each other out
        try:
            with session.begin_nested():
                outcomes[photo_id] = _approve_flawless(session, photo_id, by=by, actor=actor, now=now)
        except ProblemError as error:
            outcomes[photo_id] = error.code
    return outcomes


def _approve_flawless(session: Session, photo_id: UUID, *, by: UUID, actor: str, now: datetime) -> str:
    photo = photos.get(session, photo_id, lock=True)
    _require_decidable(photo, by)
    if photo.verdict != Verdict.ACCEPT or _is_unusual(photo):
        return "needs_a_look"
    claim(session, photo_id, by=by, now=now)
    approve(session, photo_id, by=by, actor=actor, now=now)
    return "approved"


def undo(session: Session, photo_id: UUID, *, by: UUID, actor: str, now: datetime) -> PhotoRecord:
    """Take the reviewer's own decision back, within `decisions.UNDO_WINDOW`; the photo is theirs to decide again.

    Raises:
        NotClaimedError: another reviewer decided.
        lifecycle.StepError: it is too late, or the photo was not decided.
    """
    photo = photos.get(session, photo_id, lock=True)
    if photo.decided_by != by:
        raise NotClaimedError("only the reviewer who decided can take it back")
    decisions.undo(session, photo, by=actor, now=now)
    photo.claimed_by, photo.claimed_until = by, now + CLAIM_LASTS
    return photo


def query_statistics(session: Session, *, now: datetime) -> Statistics:
    """Count what waits and what was decided."""
    waiting, oldest = session.execute(
        select(func.count(), func.min(PhotoRecord.uploaded_at)).where(PhotoRecord.state == PhotoState.IN_REVIEW)
    ).one()
    last_day = PhotoRecord.decided_at > now - timedelta(days=1)
    hour = _count_decided(session, PhotoRecord.decided_at > now - timedelta(hours=1))
    day = _count_decided(session, last_day)
    rejected = _count_decided(session, last_day, PhotoRecord.state == PhotoState.REJECTED)
    return Statistics(
        waiting,
        None if waiting == 0 else (now - oldest).total_seconds(),
        hour,
        (day - rejected) / day if day else None,
    )


def fingerprint_queue(session: Session) -> str:
    """Return a word that changes when a photo joins or leaves the queue, or a claim is made, prolonged or released."""
    claimed = PhotoRecord.claimed_until
    figures = session.execute(
        select(func.count(), func.max(PhotoRecord.uploaded_at), func.count(claimed), func.max(claimed)).where(
            PhotoRecord.state == PhotoState.IN_REVIEW
        )
    ).one()
    return "/".join(str(figure) for figure in figures)


def _count_decided(session: Session, *conditions: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(PhotoRecord).where(PhotoRecord.decided_by.is_not(None), *conditions)
    return session.scalar(query) or 0


def _require_claimed(session: Session, photo_id: UUID, by: UUID, now: datetime) -> PhotoRecord:
    photo = photos.get(session, photo_id, lock=True)
    _require_decidable(photo, by)
    if photo.claimed_by != by or photo.claimed_until is None or photo.claimed_until <= now:
        raise NotClaimedError
    return photo


def _require_decidable(photo: PhotoRecord, by: UUID) -> None:
    if photo.person_id == by:
        raise OwnPhotoError
    if photo.state != PhotoState.IN_REVIEW:
        raise lifecycle.StepError(f"a photo that is {photo.state} is not in review", state=photo.state)


def _is_claimed_by_other(photo: PhotoRecord, by: UUID, now: datetime) -> bool:
    return photo.claimed_by not in {None, by} and photo.claimed_until is not None and photo.claimed_until > now


def _is_unusual(photo: PhotoRecord) -> bool:
    return bool((photo.identity or {}).get("unusual", False))


def _has_failed(photo: PhotoRecord, rule: str) -> bool:
    return any(each["rule"] == rule and not each["passed"] for each in (photo.report or {}).get("rules", []))
