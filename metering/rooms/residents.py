"""Who lives where and since when: by days of the campus, from the midnight that begins the first of them."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from accounts import audit, people
from accounts.tables import Person, PersonGroup
from metering.rooms import registry
from metering.rooms.tables import Residence, Room
from web.problems import NotFoundError, ProblemError


class LivesElsewhereError(ProblemError):
    """The person lives somewhere on or after this day already; they move out there first, or move over."""

    code = "lives_elsewhere"
    status = 409
    title = "This person lives in a room on or after this day already"


class LivesNowhereError(ProblemError):
    """The person lives in no room that they could move out of on this day."""

    code = "lives_nowhere"
    status = 409
    title = "This person lives in no room to move out of on this day"


class RoomFullError(ProblemError):
    """Every bed of the room is taken on this day."""

    code = "room_full"
    status = 409
    title = "Every bed of this room is taken"


def move_in(session: Session, room_id: UUID, person_id: UUID, day: date, *, by: str, now: datetime) -> Residence:
    """Let a person live in a room from the midnight that begins `day`.

    Raises:
        NotFoundError: there is no such room or person.
        RoomClosedError, RoomFullError, LivesElsewhereError: see there.
    """
    people.get(session, person_id, lock=True)
    room = registry.get_open_room(session, room_id, lock=True)
    overlaps = or_(Residence.moved_out.is_(None), Residence.moved_out > day)
    if session.scalar(select(Residence.id).where(Residence.person_id == person_id, overlaps).limit(1)) is not None:
        raise LivesElsewhereError
    _require_bed(session, room, day)
    residence = Residence(room_id=room_id, person_id=person_id, moved_in=day)
    session.add(residence)
    session.flush()
    _note(session, "resident.move_in", residence, day, by=by, now=now)
    return residence


def move_out(session: Session, person_id: UUID, day: date, *, by: str, now: datetime) -> Residence:
    """End a person's residence with the midnight that begins `day`, the first on which they do not live there.

    On the day they moved in that means that they never lived there, as when a wrong room was entered.

    Raises:
        NotFoundError: there is no such person.
        LivesNowhereError: see there.
    """
    people.get(session, person_id, lock=True)
    residence = session.scalar(
        select(Residence).where(
            Residence.person_id == person_id, Residence.moved_in <= day, Residence.moved_out.is_(None)
        )
    )
    if residence is None:
        raise LivesNowhereError
    residence.moved_out = day
    session.flush()
    _note(session, "resident.move_out", residence, day, by=by, now=now)
    return residence


def settle(session: Session, person_id: UUID, room_id: UUID, day: date, *, by: str, now: datetime) -> Residence:
    """Let a person live in a room from a midnight on: moving in, or over from where they live; nothing if they do.

    Raises:
        NotFoundError, LivesNowhereError, RoomClosedError, RoomFullError, LivesElsewhereError: see there.
    """
    people.get(session, person_id, lock=True)
    present = find_residence(session, person_id, day)
    if present is not None and present.room_id == room_id:
        return present
    if present is not None:
        move_out(session, person_id, day, by=by, now=now)
    return move_in(session, room_id, person_id, day, by=by, now=now)


def find_residents(session: Session, room_id: UUID, day: date) -> Sequence[Residence]:
    """Return who lives in a room on a day, by when they moved in."""
    query = select(Residence).where(Residence.room_id == room_id, lives_on(day))
    return session.scalars(query.order_by(Residence.moved_in, Residence.id)).all()


def find_history(session: Session, room_id: UUID) -> Sequence[Residence]:
    """Return everybody who lives, lived or will live in a room, by when they moved in."""
    query = select(Residence).where(Residence.room_id == room_id)
    return session.scalars(query.order_by(Residence.moved_in, Residence.id)).all()


def find_kinds(session: Session, person_ids: Collection[UUID]) -> dict[UUID, tuple[str, ...]]:
    """Return the kind of each person's account, and the groups that they are in: what quotas tell people apart by."""
    query = select(Person.id, Person.kind).where(Person.id.in_(person_ids))
    kinds: dict[UUID, tuple[str, ...]] = {row.id: (row.kind.value,) for row in session.execute(query)}
    groups = select(PersonGroup.person_id, PersonGroup.name).where(PersonGroup.person_id.in_(person_ids))
    for person_id, name in session.execute(groups.order_by(PersonGroup.name)):
        kinds[person_id] += (name,)
    return kinds


def find_residence(session: Session, person_id: UUID, day: date) -> Residence | None:
    """Return where a person lives on a day: the one answer for curve, payment and quota."""
    return session.scalar(select(Residence).where(Residence.person_id == person_id, lives_on(day)))


def count_heads(session: Session, room_id: UUID, day: date) -> int:
    """Return how many people live in a room on a day."""
    query = select(func.count()).select_from(Residence).where(Residence.room_id == room_id, lives_on(day))
    return session.scalar(query) or 0


def is_vacant(session: Session, room_id: UUID, day: date) -> bool:
    """Return whether nobody lives in a room on a day."""
    return count_heads(session, room_id, day) == 0


def get_residence(session: Session, person_id: UUID, day: date) -> Residence:
    """Return where a person lives on a day: nothing has to be bound or paid before.

    Raises:
        NotFoundError: they live in no room.
    """
    found = find_residence(session, person_id, day)
    if found is None:
        raise NotFoundError("you live in no room here")
    return found


def find_days_of_change(session: Session, room_id: UUID, start: date, end: date) -> list[date]:
    """Return the days after `start` and before `end` on which somebody moved in or out: bills are split there."""
    query = select(Residence.moved_in, Residence.moved_out).where(Residence.room_id == room_id)
    days = {day for row in session.execute(query) for day in row if day is not None}
    return sorted(day for day in days if start < day < end)


def lives_on(day: date) -> ColumnElement[bool]:
    """Return the condition on residences that they hold on a day."""
    return and_(Residence.moved_in <= day, or_(Residence.moved_out.is_(None), Residence.moved_out > day))


def _require_bed(session: Session, room: Room, day: date) -> None:
    """Require a bed on the day and on each later one on which somebody else moves in."""
    query = select(Residence.moved_in).where(Residence.room_id == room.id, Residence.moved_in > day)
    if any(count_heads(session, room.id, one) >= room.beds for one in [day, *session.scalars(query)]):
        raise RoomFullError


def _note(session: Session, action: str, residence: Residence, day: date, *, by: str, now: datetime) -> None:
    details: dict[str, audit.Scalar | list[str]] = {"room": str(residence.room_id), "day": day.isoformat()}
    subject = f"person:{residence.person_id}"
    audit.record(session, actor=by, action=action, subject=subject, now=now, details=details)
