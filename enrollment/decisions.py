"""Decisions about photos: approved, rejected, taken back; each a step in the caller's transaction.

Approving a photo makes its templates active at once and sets those of the photo before it in its slot aside;
`enrollment.settling` erases what was set aside once the decision can no longer be undone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from enrollment import lifecycle, notices, photo_pairs, photos, templates
from enrollment.reasons import UNLIKE_FIRST
from enrollment.tables import PhotoRecord, PhotoSlot, PhotoState
from web.problems import ProblemError

UNDO_WINDOW = timedelta(minutes=1)
"""How long a reviewer can take a decision back."""


class NoTemplateError(ProblemError):
    """No face was found in the photo, so that it cannot open a gate."""

    code = "photo_without_face"
    status = 409
    title = "No face was found in this photo: ask for another one"


def approve(
    session: Session,
    photo: PhotoRecord,
    *,
    by: str,
    now: datetime,
    decided_by: UUID | None = None,
    note: str | None = None,
) -> None:
    """Let the photo stand for its person: its templates open gates, those of the photo before it no longer do.

    A second photo stands beside the first. Where a new first one takes the place of another, a second that does not
    agree with it gives way.

    Raises:
        lifecycle.StepError: the photo is not waiting for a decision.
        NoTemplateError: there is no face in it.
        photo_pairs.FirstPhotoMissingError: it is a second photo, and no first one is approved.
        photo_pairs.PhotosDisagreeError: it is a second photo, and the first one is another by now.
    """
    lifecycle.step(session, photo, PhotoState.APPROVED, by=by, now=now, why={"note": note} if note else None)
    _record_decision(photo, now, decided_by, [], note)
    if photo.slot == PhotoSlot.SECOND:
        photo_pairs.require_agreement(photo, photo_pairs.require_first(session, photo.person_id))
    for other in photos.find_in_state(session, photo.person_id, PhotoState.APPROVED, PhotoState.IN_REVIEW):
        if other.slot != photo.slot:
            if photo.slot == PhotoSlot.FIRST and not photo_pairs.agree(photo, other):
                _dismiss_second(session, other, by_photo=photo.id, by=by, now=now)
        elif other.id != photo.id and (other.id < photo.id or other.state == PhotoState.APPROVED):
            _replace(session, other, by_photo=photo.id, by=by, now=now)
    if not templates.activate(session, photo.id):
        raise NoTemplateError


def reject(
    session: Session,
    photo: PhotoRecord,
    reasons: Sequence[str],
    *,
    by: str,
    now: datetime,
    decided_by: UUID | None = None,
    note: str | None = None,
) -> None:
    """Refuse the photo; whatever the person had before stays as it was.

    Raises:
        lifecycle.StepError: the photo is not waiting for a decision.
    """
    why = {"reasons": list(reasons), "note": note}
    lifecycle.step(session, photo, PhotoState.REJECTED, by=by, now=now, why=why)
    _record_decision(photo, now, decided_by, list(reasons), note)


def undo(session: Session, photo: PhotoRecord, *, by: str, now: datetime) -> None:
    """Take a decision back: the photo waits for review again, and an approval gives its predecessor its place back.

    Raises:
        lifecycle.StepError: the photo was not decided, or too long ago, or a second photo stands on it by now.
    """
    if photo.decided_at is None or now - photo.decided_at > UNDO_WINDOW:
        raise lifecycle.StepError("a decision can be taken back within one minute")
    decided_at, was_approved = photo.decided_at, photo.state == PhotoState.APPROVED
    lifecycle.step(session, photo, PhotoState.IN_REVIEW, by=by, now=now, why={"undo": True})
    photo.decided_at = photo.decided_by = photo.reasons = photo.note = None
    if not was_approved:
        return
    templates.deactivate(session, photo.id)
    for other in photos.find_in_state(session, photo.person_id, PhotoState.REPLACED):
        if other.decided_at == decided_at and templates.activate(session, other.id):
            lifecycle.step(session, other, PhotoState.APPROVED, by=by, now=now, why={"undo": True})
    second = photo_pairs.find_second(session, photo.person_id)
    if second is not None and photo_pairs.find_first(session, photo.person_id) is None:
        raise lifecycle.StepError("a second photo was approved beside it: it can be replaced, not taken back")


def _replace(session: Session, other: PhotoRecord, *, by_photo: UUID, by: str, now: datetime) -> None:
    if other.state == PhotoState.APPROVED:
        templates.deactivate(session, other.id)
    lifecycle.step(session, other, PhotoState.REPLACED, by=by, now=now, why={"by_photo": str(by_photo)})
    other.decided_at = now


def _dismiss_second(session: Session, second: PhotoRecord, *, by_photo: UUID, by: str, now: datetime) -> None:
    """Take a second photo out of the way of a first that it does not agree with, and tell its person."""
    if second.state == PhotoState.APPROVED:
        _replace(session, second, by_photo=by_photo, by=by, now=now)
        notices.write_second_dismissed(session, second.person_id, now=now)
    else:
        reject(session, second, [UNLIKE_FIRST], by=by, now=now)
        notices.write_decision_notice(session, second, now=now)


def _record_decision(photo: PhotoRecord, now: datetime, by: UUID | None, reasons: list[str], note: str | None) -> None:
    photo.decided_at, photo.decided_by, photo.reasons, photo.note = now, by, reasons, note
    photo.claimed_by = photo.claimed_until = None
