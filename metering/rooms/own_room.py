"""Staff decide nothing about the room that they live in."""

from datetime import datetime, tzinfo
from uuid import UUID

from sqlalchemy.orm import Session

from accounts.people.authority import Acting, OwnAccountError
from metering.rooms.residents import find_residence


def require_another_room(
    session: Session, acting: Acting, room_id: UUID | None, *, now: datetime, zone: tzinfo
) -> None:
    """Check that nobody acts for the room they live in now, in the name of their office; None is nobody's room.

    Raises:
        OwnAccountError: they do.
    """
    lives = find_residence(session, acting.person_id, now.astimezone(zone).date())
    if lives is not None and lives.room_id == room_id:
        raise OwnAccountError
