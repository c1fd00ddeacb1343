"""What is erased by itself: what a decision left over, old rejections, and everything of people who have left."""

from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from accounts.tables import Person
from accounts.vocabulary import PersonState
from database import Database
from enrollment import notices, photos, settling
from enrollment.tables import PhotoRecord, PhotoState, TemplateRecord, TemplateState

_ACTOR = "retention"


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long what is kept; the shortest that serves the purpose."""

    rejected_photos: timedelta = timedelta(days=30)
    """A rejected photo's picture is kept as long as its person may ask why."""
    after_leaving: timedelta = timedelta(days=7)
    """Between the end of a person's validity and the erasure: an extension may be late."""
    keep_pictures: bool = False
    """Keep the pictures of approved photos, for another face model later on."""
    keep_thumbnails: bool = True
    """Keep the small pictures of approved photos, for comparison with look-alikes."""
    notices: timedelta = timedelta(days=365)
    """How long a message stays in its person's inbox."""


@dataclass(frozen=True, slots=True)
class Purged:
    """How much was erased."""

    settled: int
    rejected: int
    people_left: int
    notices: int = 0

    @property
    def anything(self) -> bool:
        """Whether anything was erased at all."""
        return any(astuple(self))

    def __add__(self, other: "Purged") -> "Purged":
        """Return both together."""
        return Purged(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))


def purge_all(database: Database, policy: RetentionPolicy, *, now: datetime) -> Purged:
    """Erase everything that has outlived its purpose, a little in each transaction, so that nobody waits long."""
    total = Purged(0, 0, 0)
    while True:
        with database.begin() as session:
            purged = purge(session, policy, now=now)
        if not purged.anything:
            return total
        total += purged


def purge(session: Session, policy: RetentionPolicy, *, now: datetime, limit: int = 200) -> Purged:
    """Erase what has outlived its purpose, at most `limit` of a kind, in the caller's transaction."""
    settled = settling.settle(
        session, now=now, keep_pictures=policy.keep_pictures, keep_thumbnails=policy.keep_thumbnails, limit=limit
    )
    old = session.scalars(
        select(PhotoRecord)
        .where(PhotoRecord.state == PhotoState.REJECTED, PhotoRecord.decided_at < now - policy.rejected_photos)
        .limit(limit)
    ).all()
    for photo in old:
        photos.withdraw(session, photo, by=_ACTOR, now=now, why="rejected long ago")
    left = _find_people_who_left(session, now - policy.after_leaving, limit)
    for person_id in left:
        photos.withdraw_all(session, person_id, by=_ACTOR, now=now, why="left the campus")
    return Purged(settled, len(old), len(left), notices.forget(session, now - policy.notices, limit))


def _find_people_who_left(session: Session, before: datetime, limit: int) -> list[UUID]:
    """Return people who have left and of whom a photo or a template is still there."""
    has_photo = exists().where(PhotoRecord.person_id == Person.id, PhotoRecord.state != PhotoState.WITHDRAWN)
    has_template = exists().where(
        TemplateRecord.person_id == Person.id, TemplateRecord.state != TemplateState.WITHDRAWN
    )
    gone = or_(Person.state == PersonState.CLOSED, Person.valid_until < before)
    return list(session.scalars(select(Person.id).where(gone, or_(has_photo, has_template)).limit(limit)))
