"""Photos as the reviewer's page is given them: as the API shows them, with the names of the people in them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.tables import Person
from enrollment import review, review_context
from enrollment.decisions import UNDO_WINDOW
from enrollment.quality import Verdict
from enrollment.schemas import ReviewOut
from enrollment.tables import PhotoRecord, PhotoState


def describe_reviews(
    session: Session, photos: Sequence[PhotoRecord], *, by: UUID, now: datetime
) -> list[dict[str, Any]]:
    """Return photos as the page shows them to reviewer `by`."""
    context = review_context.load_review_context(session, photos)
    claimed = {photo.claimed_by for photo in photos if photo.claimed_by is not None}
    rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(claimed)))
    names = {person.id: person.name for person in rows}
    return [_describe(ReviewOut.for_reviewer(photo, context), names, by, now) for photo in photos]


def describe_queue(session: Session, photos: Sequence[PhotoRecord], *, by: UUID, now: datetime) -> list[dict[str, Any]]:
    """Return photos as the page lists them to reviewer `by`: of the rules only those that a photo broke.

    What was measured of a photo comes when it is opened; of a hundred it would be 300 KB.
    """
    found = describe_reviews(session, photos, by=by, now=now)
    return [{**one, "rules": [rule for rule in one["rules"] if not rule["passed"]]} for one in found]


def describe_statistics(session: Session, *, now: datetime) -> dict[str, Any]:
    """Return how the queue is doing."""
    return asdict(review.query_statistics(session, now=now))


def _describe(seen: ReviewOut, names: Mapping[UUID, str], by: UUID, now: datetime) -> dict[str, Any]:
    is_claimed = seen.claimed_by is not None and seen.claimed_until is not None and seen.claimed_until > now
    return {
        **seen.model_dump(mode="json"),
        "is_own": seen.person_id == by,
        "is_mine": is_claimed and seen.claimed_by == by,
        "is_taken": is_claimed and seen.claimed_by != by,
        "claimed_by": names.get(seen.claimed_by) if is_claimed and seen.claimed_by else None,
        "is_waiting": seen.state == PhotoState.IN_REVIEW,
        "is_flawless": seen.verdict == Verdict.ACCEPT and not (seen.identity and seen.identity.unusual),
        # Seconds, not moments: the reader's clock may be wrong.
        "claim_left_s": _left_s(seen.claimed_until, now),
        "undo_left_s": _left_s(seen.decided_at and seen.decided_at + UNDO_WINDOW, now),
    }


def _left_s(until: datetime | None, now: datetime) -> float:
    return 0.0 if until is None else max(0.0, (until - now).total_seconds())
