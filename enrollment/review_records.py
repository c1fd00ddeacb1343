"""What reviewers decided, how a week went, and who has no photo at the gates."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from uuid import UUID

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from accounts.tables import Person
from accounts.vocabulary import PersonKind, PersonState
from enrollment.tables import PhotoRecord, PhotoState


@dataclass(frozen=True, slots=True)
class Period:
    """The decisions of a stretch of time; shares and times are None where nothing was decided."""

    approved: int
    rejected: int
    reasons: tuple[tuple[str, int], ...]
    """Reasons for rejecting, the most frequent first."""
    median_wait_s: float | None


@dataclass(frozen=True, slots=True)
class Missing:
    """A department, and how many of its people have no approved photo."""

    department: str
    people: int
    missing: int


def find_decisions(
    session: Session,
    *,
    by: UUID | None = None,
    is_rejected: bool | None = None,
    department: str | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> Sequence[tuple[PhotoRecord, Person]]:
    """Return photos that a reviewer decided, with their people, the latest decision first."""
    query = (
        select(PhotoRecord, Person)
        .join(Person, Person.id == PhotoRecord.person_id)
        .where(PhotoRecord.decided_by.is_not(None), PhotoRecord.decided_at.is_not(None))
        .order_by(PhotoRecord.decided_at.desc(), PhotoRecord.id.desc())
        .limit(limit)
    )
    if by is not None:
        query = query.where(PhotoRecord.decided_by == by)
    if is_rejected is not None:
        rejected = PhotoRecord.state == PhotoState.REJECTED
        query = query.where(rejected if is_rejected else ~rejected)
    if department:
        query = query.where(Person.department == department)
    if before is not None:
        query = query.where(tuple_(PhotoRecord.decided_at, PhotoRecord.id) < before)
    return [(photo, person) for photo, person in session.execute(query)]


def summarize(session: Session, begins: datetime, ends: datetime) -> Period:
    """Return what reviewers decided from `begins` until before `ends`."""
    rows = session.execute(
        select(PhotoRecord.state, PhotoRecord.reasons, PhotoRecord.uploaded_at, PhotoRecord.decided_at).where(
            PhotoRecord.decided_by.is_not(None), PhotoRecord.decided_at >= begins, PhotoRecord.decided_at < ends
        )
    ).all()
    rejected = [row for row in rows if row.state == PhotoState.REJECTED]
    reasons = Counter(reason for row in rejected for reason in row.reasons or ())
    waits = [(row.decided_at - row.uploaded_at).total_seconds() for row in rows]
    return Period(
        len(rows) - len(rejected), len(rejected), tuple(reasons.most_common()), median(waits) if waits else None
    )


def count_missing(session: Session) -> list[Missing]:
    """Return every department of students and staff in use, with how many of them have no approved photo."""
    people = dict(session.execute(_count_by_department(_members())).all())
    missing = dict(session.execute(_count_by_department(_without_photo())).all())
    return [Missing(name, number, missing.get(name, 0)) for name, number in sorted(people.items())]


def find_missing(
    session: Session, department: str | None = None, *, after: UUID | None = None, limit: int | None = None
) -> Sequence[Person]:
    """Return students and staff in use who have no approved photo, in the order their accounts were made."""
    query = _without_photo().order_by(Person.id).limit(limit)
    if department is not None:
        query = query.where(Person.department == department)
    if after is not None:
        query = query.where(Person.id > after)
    return session.scalars(query).all()


def _members() -> Select[Person]:
    return select(Person).where(Person.state == PersonState.ACTIVE, Person.kind != PersonKind.VISITOR)


def _without_photo() -> Select[Person]:
    approved = select(PhotoRecord.person_id).where(PhotoRecord.state == PhotoState.APPROVED)
    return _members().where(Person.id.not_in(approved))


def _count_by_department(people: Select[Person]) -> Select[str, int]:
    return people.with_only_columns(Person.department, func.count()).group_by(Person.department)
