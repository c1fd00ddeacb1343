"""People move in, over and out: by a midnight, and nobody leaves their share of a room's debt behind."""

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from accounts import audit
from accounts.people import authority
from accounts.principals import Principal
from accounts.vocabulary import Role
from metering.billing.settlement import require_settled
from metering.rooms import residents
from metering.rooms.tables import Residence


def move_over(
    session: Session,
    zone: ZoneInfo,
    person_id: UUID,
    room_id: UUID,
    day: date,
    *,
    staff: Principal,
    despite_debt: str | None,
    now: datetime,
) -> Residence:
    """Let a person live in a room from the midnight that begins a day; out of where they live until then.

    `despite_debt` is why an administrator lets a debt be.

    Raises:
        OwnAccountError, AdminRequiredError: see `authority.require`.
        NotFoundError, LivesNowhereError, RoomClosedError, RoomFullError, LivesElsewhereError: see `residents.settle`.
        RoomDebtError, RoomNotReadError: see `settlement.require_settled`.
    """
    authority.require(session, staff, person_id)
    home = residents.find_residence(session, person_id, now.astimezone(zone).date())
    if home is not None and home.room_id != room_id:
        _leave(session, zone, home, day, staff=staff, despite_debt=despite_debt, now=now)
    return residents.settle(session, person_id, room_id, day, by=staff.actor, now=now)


def leave_listed(
    session: Session,
    zone: ZoneInfo,
    person_id: UUID,
    room_id: UUID,
    day: date,
    *,
    staff: Principal | None,
    now: datetime,
) -> None:
    """Let a person of a list move out of where they live into nowhere yet, so that two may change places.

    Without `staff` it is the command line. Nothing is let be: who has a debt is moved by a person who says why.

    Raises:
        OwnAccountError, AdminRequiredError, LivesNowhereError, RoomDebtError, RoomNotReadError: as `move_over`.
    """
    if staff is not None:
        authority.require(session, staff, person_id)
    home = residents.find_residence(session, person_id, day)
    if home is None or home.room_id == room_id:
        return
    require_settled(session, zone, home.room_id, person_id, day, now=now)
    residents.move_out(session, person_id, day, by=audit.SYSTEM if staff is None else staff.actor, now=now)


def move_out(
    session: Session,
    zone: ZoneInfo,
    person_id: UUID,
    day: date,
    *,
    staff: Principal,
    despite_debt: str | None,
    now: datetime,
) -> Residence:
    """Let a person move out by the midnight that begins a day.

    Raises:
        OwnAccountError, AdminRequiredError, LivesNowhereError, RoomDebtError, RoomNotReadError: as `move_over`.
    """
    authority.require(session, staff, person_id)
    home = residents.find_residence(session, person_id, now.astimezone(zone).date())
    if home is not None:
        _leave(session, zone, home, day, staff=staff, despite_debt=despite_debt, now=now)
    return residents.move_out(session, person_id, day, by=staff.actor, now=now)


def _leave(
    session: Session,
    zone: ZoneInfo,
    home: Residence,
    day: date,
    *,
    staff: Principal,
    despite_debt: str | None,
    now: datetime,
) -> None:
    """Check that somebody leaves no debt where they live; an administrator may let it be, and says why."""
    if despite_debt is None or Role.ADMIN not in staff.roles:
        require_settled(session, zone, home.room_id, home.person_id, day, now=now)
        return
    details: dict[str, audit.Scalar | list[str]] = {"room": str(home.room_id), "why": despite_debt}
    subject = f"person:{home.person_id}"
    audit.record(session, actor=staff.actor, action="room.debt_let_be", subject=subject, now=now, details=details)
