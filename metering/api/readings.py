"""Readings of a meter, those that wait for a person, and what a person read."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from accounts.api.dependencies import OVER_ERRORS, ROLE_ERRORS, FacilitiesDep, NowDep
from accounts.api.disclosures import record_disclosure
from metering.api.dependencies import MeteringDep
from metering.reader_contract import Digits
from metering.readings import doubtful, history
from metering.readings.tables import ReadingReview
from metering.readings.values import Doubt, Reading, ReviewState
from metering.rooms import meters, reviews
from metering.rooms.own_room import require_another_room
from metering.rooms.reviews import ReadingImplausibleError, ReadingUnfitError, ReviewDecidedError
from metering.vocabulary import ReadingQuality, ReadingSource
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses
from web.text import line
from web.times import Moment

router = APIRouter(prefix="/api/v1", tags=["meter readings"])

MOST_READINGS = 5_000


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReadingOut(BaseModel):
    """What a register showed from `at` until at least `seen_at`, in its last digits, without its ratio."""

    at: datetime
    seen_at: datetime
    digits: int
    source: ReadingSource
    quality: ReadingQuality
    tariffs: list[int]

    @classmethod
    def of(cls, reading: Reading) -> "ReadingOut":
        """Show `reading`."""
        return cls.model_validate(reading, from_attributes=True)


class DoubtfulOut(BaseModel):
    """A reading that is not believed, and why."""

    at: datetime
    seen_at: datetime
    digits: int
    serial: str
    source: ReadingSource
    doubt: Doubt


class ReadingReviewOut(BaseModel):
    """Doubtful readings of one meter in a row."""

    id: UUID
    meter_id: UUID
    serial: str
    room_id: UUID | None
    doubt: Doubt
    state: ReviewState
    first_at: datetime
    last_at: datetime
    readings: int
    decided_by: str | None
    decided_at: datetime | None
    note: str | None


class ReadingReviewDetail(ReadingReviewOut):
    """With each of them, and the last good reading before the first."""

    before: ReadingOut | None
    doubtful: list[DoubtfulOut]


class ReadingEntry(_Body):
    """What somebody read at a meter. `confirmed` says that a step larger than can have passed was looked at again."""

    at: Moment
    digits: Digits
    confirmed: bool = False


class Decision(StrEnum):
    """What a person decides on doubtful readings; that a meter was replaced is entered as its replacement."""

    ACCEPT = "accept"
    REJECT = "reject"


class ReadingDecisionIn(_Body):
    """A decision, and why."""

    decision: Decision
    note: Annotated[str, line(200)]


@router.get(
    "/meters/{meter_id}/readings",
    dependencies=[record_disclosure("meter_readings.read", "meter:{meter_id}")],
    responses=responses(*ROLE_ERRORS, NotFoundError),
)
def list_readings(
    services: MeteringDep,
    _staff: FacilitiesDep,
    meter_id: UUID,
    start: Annotated[Moment, Query(description="the reading that was in force then is the first")],
    end: Annotated[Moment, Query(description="the first reading after it is the last")],
) -> list[ReadingOut]:
    """List a meter's readings around a time, at most 5,000 of them."""
    with services.database.read() as session:
        meter = meters.get_meter(session, meter_id)
        rows = history.find_around(session, meter.number, start, end, limit=MOST_READINGS)
        return [ReadingOut.of(history.to_reading(row)) for row in rows]


@router.post(
    "/meters/{meter_id}/readings",
    status_code=204,
    responses=responses(*OVER_ERRORS, NotFoundError, ReadingUnfitError, ReadingImplausibleError),
)
def enter_reading(services: MeteringDep, staff: FacilitiesDep, now: NowDep, meter_id: UUID, body: ReadingEntry) -> None:
    """Enter what somebody read at a meter."""
    with services.database.begin() as session:
        require_another_room(session, staff, meters.find_room_of(session, meter_id), now=now, zone=services.zone)
        reviews.enter(session, meter_id, body.at, body.digits, confirmed=body.confirmed, by=staff.actor, now=now)


@router.get("/reading-reviews", responses=responses(*ROLE_ERRORS, InvalidCursorError))
def list_reviews(services: MeteringDep, _staff: FacilitiesDep, page: PageDep) -> Page[ReadingReviewOut]:
    """List the doubtful readings that wait for a person, oldest first."""
    with services.database.read() as session:
        found = doubtful.find_waiting(session, after=page.after(UUID), limit=page.limit + 1)
        rows, following = page.cut(found, lambda review: review.id)
        return Page(items=[ReadingReviewOut.model_validate(_show(session, review)) for review in rows], next=following)


@router.get(
    "/reading-reviews/{review_id}",
    dependencies=[record_disclosure("meter_readings.read", "review:{review_id}")],
    responses=responses(*ROLE_ERRORS, NotFoundError),
)
def show_review(services: MeteringDep, _staff: FacilitiesDep, review_id: UUID) -> ReadingReviewDetail:
    """Show doubtful readings with the last good one before them."""
    with services.database.read() as session:
        review = reviews.get_review(session, review_id)
        before, _ = reviews.find_neighbours(session, review)
        kept = doubtful.find_of(session, review_id)
        return ReadingReviewDetail(
            **_show(session, review),
            before=None if before is None else ReadingOut.of(before),
            doubtful=[DoubtfulOut.model_validate(row, from_attributes=True) for row in kept],
        )


@router.post(
    "/reading-reviews/{review_id}/decision",
    responses=responses(*OVER_ERRORS, NotFoundError, ReviewDecidedError, ReadingUnfitError),
)
def decide_review(
    services: MeteringDep, staff: FacilitiesDep, now: NowDep, review_id: UUID, body: ReadingDecisionIn
) -> ReadingReviewOut:
    """Take doubtful readings for true, or reject them."""
    decide = reviews.accept if body.decision is Decision.ACCEPT else reviews.reject
    with services.database.begin() as session:
        meter = meters.get_by_number(session, reviews.get_review(session, review_id).meter)
        require_another_room(session, staff, meters.find_room_of(session, meter.id), now=now, zone=services.zone)
        review = decide(session, review_id, note=body.note, by=staff.actor, now=now)
        return ReadingReviewOut.model_validate(_show(session, review))


def _show(session: Session, review: ReadingReview) -> dict[str, Any]:
    meter = meters.get_by_number(session, review.meter)
    return {
        "id": review.id,
        "meter_id": meter.id,
        "serial": meter.serial,
        "room_id": meters.find_room_of(session, meter.id),
        "doubt": review.doubt,
        "state": review.state,
        "first_at": review.first_at,
        "last_at": review.last_at,
        "readings": review.readings,
        "decided_by": review.decided_by,
        "decided_at": review.decided_at,
        "note": review.note,
    }
