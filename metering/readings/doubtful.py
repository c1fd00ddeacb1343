"""Readings that are not believed: stored beside the others, gathered into one review a meter, decided by a person."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from database import new_id
from metering.reader_contract import ReadingIn
from metering.readings.tables import DoubtfulReading, ReadingReview
from metering.readings.values import Doubt, ReviewState


def store(session: Session, doubted: Sequence[tuple[int, ReadingIn, Doubt]]) -> tuple[int, int]:
    """Store doubtful readings (meter's number, reading, why); return how many are new, and how many were known."""
    added = sum(_add(session, meter, one, doubt) for meter, one, doubt in doubted)
    return added, len(doubted) - added


def _add(session: Session, meter: int, one: ReadingIn, doubt: Doubt) -> bool:
    """Store one, unless it is known; a value that stays the same moves its row's `seen_at` only."""
    last = session.scalar(
        select(DoubtfulReading)
        .where(DoubtfulReading.meter == meter, DoubtfulReading.at <= one.at)
        .order_by(DoubtfulReading.at.desc())
        .limit(1)
    )
    if last is not None and (last.at == one.at or (one.at <= last.seen_at and last.digits == one.digits)):
        return False
    review = _open_review(session, meter, one, doubt)
    review.first_at, review.last_at = min(review.first_at, one.at), max(review.last_at, one.at)
    review.readings += 1
    if last is not None and last.review_id == review.id and (last.digits, last.serial) == (one.digits, one.serial):
        last.seen_at = one.at
    else:
        session.add(
            DoubtfulReading(
                meter=meter,
                at=one.at,
                seen_at=one.at,
                digits=one.digits,
                serial=one.serial,
                source=one.source,
                doubt=doubt,
                review_id=review.id,
            )
        )
    session.flush()
    return True


def _open_review(session: Session, meter: int, one: ReadingIn, doubt: Doubt) -> ReadingReview:
    review = session.scalar(
        select(ReadingReview).where(ReadingReview.meter == meter, ReadingReview.state == ReviewState.WAITING)
    )
    if review is None:
        review = ReadingReview(
            id=new_id(),
            meter=meter,
            doubt=doubt,
            state=ReviewState.WAITING,
            first_at=one.at,
            last_at=one.at,
            readings=0,
        )
        session.add(review)
    return review


def find_waiting(session: Session, *, after: UUID | None = None, limit: int = 50) -> Sequence[ReadingReview]:
    """Return reviews that wait for a person, oldest first."""
    query = select(ReadingReview).where(ReadingReview.state == ReviewState.WAITING).order_by(ReadingReview.id)
    if after is not None:
        query = query.where(ReadingReview.id > after)
    return session.scalars(query.limit(limit)).all()


def count_waiting(session: Session) -> int:
    """Return how many reviews wait for a person."""
    query = select(func.count()).select_from(ReadingReview).where(ReadingReview.state == ReviewState.WAITING)
    return session.scalar(query) or 0


def find_of(session: Session, review_id: UUID) -> Sequence[DoubtfulReading]:
    """Return the readings of a review, by time."""
    query = select(DoubtfulReading).where(DoubtfulReading.review_id == review_id).order_by(DoubtfulReading.at)
    return session.scalars(query).all()
