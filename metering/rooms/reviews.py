"""A person decides on readings: takes doubtful ones for true or rejects them, or enters what they read themselves."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import audit
from metering.reader_contract import ReadingIn
from metering.readings import doubtful, history
from metering.readings.judgement import LEADING_DOUBTS, Around, NewReading, find_doubt
from metering.readings.register import RegisterBackwardsError, advance
from metering.readings.store import KnownMeter, put, store
from metering.readings.tables import DoubtfulReading, ReadingReview
from metering.readings.values import Doubt, Reading, ReviewState
from metering.rooms.meters import get_by_number, get_meter
from metering.rooms.reader import find_known
from metering.vocabulary import ReadingSource
from web.problems import NotFoundError, ProblemError


class ReviewDecidedError(ProblemError):
    """Somebody decided on these readings already."""

    code = "review_decided"
    status = 409
    title = "Somebody has decided on these readings already"


class ReadingUnfitError(ProblemError):
    """None of the readings fits the others of this meter, so that they cannot be true of it; `doubt` says why."""

    code = "reading_unfit"
    status = 409
    title = "These readings cannot be true of this meter: correct its serial, or enter that it was replaced"


class ReadingImplausibleError(ProblemError):
    """More would have passed than the connection can carry; it is stored when whoever read it says so again."""

    code = "reading_implausible"
    status = 409
    title = "More would have passed than the connection can carry; look again, and confirm it"


def accept(session: Session, review_id: UUID, *, note: str | None, by: str, now: datetime) -> ReadingReview:
    """Take the readings of a review for true, as far as they fit: however large a step is, never one that goes back.

    Raises:
        NotFoundError: there is no such review.
        ReviewDecidedError, ReadingUnfitError: see there.
    """
    history.lock(session)
    review = _get_waiting(session, review_id)
    meter = get_by_number(session, review.meter)
    known = find_known(session, [meter.id])[meter.id]
    fitting = [row for row in doubtful.find_of(session, review_id) if _take_if_it_fits(session, known, row, now)]
    if not fitting:
        raise ReadingUnfitError(doubt=review.doubt.value)
    for row in fitting:
        session.delete(row)
    return _decide(session, review, ReviewState.ACCEPTED, note, by=by, now=now)


def reject(session: Session, review_id: UUID, *, note: str | None, by: str, now: datetime) -> ReadingReview:
    """Let the readings of a review be no readings; what goes on from them will wait for a person as well.

    Raises:
        NotFoundError: there is no such review.
        ReviewDecidedError: see there.
    """
    history.lock(session)
    return _decide(session, _get_waiting(session, review_id), ReviewState.REJECTED, note, by=by, now=now)


def enter(
    session: Session, meter_id: UUID, at: datetime, digits: int, *, confirmed: bool, by: str, now: datetime
) -> None:
    """Store what a person read at the meter. A step above what can have passed has to be `confirmed`.

    Raises:
        NotFoundError: there is no such meter.
        ReadingUnfitError, ReadingImplausibleError: see there.
    """
    history.lock(session)
    meter = get_meter(session, meter_id)
    known = find_known(session, [meter_id])[meter_id]
    one = ReadingIn(
        meter=meter_id, serial=meter.serial, at=at.replace(microsecond=0), digits=digits, source=ReadingSource.PERSON
    )
    doubt = _judge(session, known, one, now)
    if doubt in LEADING_DOUBTS and not confirmed:
        raise ReadingImplausibleError(doubt=doubt.value)
    if doubt is not None and doubt not in LEADING_DOUBTS:
        raise ReadingUnfitError(doubt=doubt.value)
    if doubt is None:
        store(session, [one], {meter_id: known}, now)
    else:
        put(session, meter.number, Reading(one.at, one.at, digits, ReadingSource.PERSON))
    details: dict[str, audit.Scalar | list[str]] = {"at": one.at.isoformat(), "digits": digits, "confirmed": confirmed}
    audit.record(session, actor=by, action="reading.enter", subject=f"meter:{meter_id}", now=now, details=details)


def get_review(session: Session, review_id: UUID) -> ReadingReview:
    """Return a review.

    Raises:
        NotFoundError: there is none.
    """
    review = session.get(ReadingReview, review_id)
    if review is None:
        raise NotFoundError("there is no review with this id")
    return review


def find_neighbours(session: Session, review: ReadingReview) -> tuple[Reading | None, Reading | None]:
    """Return the good readings before the first and after the last of a review."""
    before, _ = _around(session, review.meter, review.first_at)
    _, after = _around(session, review.meter, review.last_at)
    return before, after


def _get_waiting(session: Session, review_id: UUID) -> ReadingReview:
    review = get_review(session, review_id)
    if review.state is not ReviewState.WAITING:
        raise ReviewDecidedError
    return review


def _decide(
    session: Session, review: ReadingReview, state: ReviewState, note: str | None, *, by: str, now: datetime
) -> ReadingReview:
    review.state, review.note, review.decided_by, review.decided_at = state, note, by, now
    session.flush()
    details: dict[str, audit.Scalar | list[str]] = {"state": state.value, "meter": review.meter}
    audit.record(session, actor=by, action="reading.decide", subject=f"review:{review.id}", now=now, details=details)
    return review


def _judge(session: Session, known: KnownMeter, one: ReadingIn, now: datetime) -> Doubt | None:
    before, after = _around(session, known.number, one.at)
    new = NewReading(one.at, one.digits, one.serial, one.quality)
    return find_doubt(new, Around(before, after), known.register_at(one.at), known.serial, now)


def _take_if_it_fits(session: Session, known: KnownMeter, row: DoubtfulReading, now: datetime) -> bool:
    """Store a doubtful reading as one that a person vouches for, unless it contradicts the others."""
    register = known.register_at(row.at)
    before, after = _around(session, known.number, row.at)
    if row.serial != known.serial or row.at > now or not 0 <= row.digits < register.size:
        return False
    if before is not None and row.at <= before.seen_at:
        return False
    try:
        if before is not None:
            advance(before.digits, row.digits, register)
        if after is not None:
            advance(row.digits, after.digits, register)
    except RegisterBackwardsError:
        return False
    seen_at = row.seen_at if after is None else min(row.seen_at, after.at)
    put(session, known.number, Reading(row.at, seen_at, row.digits, row.source))
    return True


def _around(session: Session, meter: int, at: datetime) -> tuple[Reading | None, Reading | None]:
    known = [history.to_reading(row) for row in history.find_around(session, meter, at, at)]
    before = [one for one in known if one.at <= at]
    after = [one for one in known if one.at > at]
    return (before[-1] if before else None), (after[0] if after else None)
