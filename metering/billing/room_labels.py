"""A room as its payer must have seen it before paying: building, number, residents' initials.

The label is signed for one payer and some minutes, and a payment quotes it. So nobody pays for a room they typed, for
one that does not exist, or for one whose residents changed since they looked.
"""

import hmac
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.tables import Person
from metering.rooms import registry, residents
from metering.rooms.tables import Residence
from web.problems import ProblemError

LIFETIME = timedelta(minutes=15)
"""Long enough to ask somebody; a confirmation page that was left open over night pays nothing."""


class RoomNotSeenError(ProblemError):
    """The payment does not quote a preview of this room that is still true; show the payer a new one."""

    code = "room_not_seen"
    status = 409
    title = "Look at the room again before paying for it"


@dataclass(frozen=True, slots=True)
class RoomLabel:
    """What tells a room from every other."""

    room_id: UUID
    building: str
    number: str
    residents: tuple[str, ...]

    def quote(self, payer: UUID, now: datetime, key: bytes) -> str:
        """Return what a payment must quote, with when it ends."""
        ends = int((now + LIFETIME).timestamp())
        return f"{ends}.{self._seal(payer, ends, key)}"

    def require_quoted(self, quote: str, payer: UUID, now: datetime, key: bytes) -> None:
        """Check that the payer was shown this very label.

        Raises:
            RoomNotSeenError: it is another one's, of another payer, of other residents, or too old.
        """
        ends, _, seal = quote.partition(".")
        if not (ends.isascii() and ends.isdigit() and len(ends) <= 12):
            raise RoomNotSeenError
        if not hmac.compare_digest(self._seal(payer, int(ends), key), seal) or now.timestamp() > int(ends):
            raise RoomNotSeenError

    def _seal(self, payer: UUID, ends: int, key: bytes) -> str:
        shown = "\0".join((str(payer), str(ends), str(self.room_id), self.building, self.number, *self.residents))
        return hmac.digest(key, shown.encode(), "sha256").hex()


def find_label(session: Session, room_id: UUID, today: date) -> RoomLabel:
    """Return a room's label on a day.

    Raises:
        NotFoundError: there is no such room.
        RoomClosedError: see there.
    """
    room = registry.get_open_room(session, room_id)
    building = registry.get_building(session, room.building_id)
    lives_there = Residence.room_id == room_id, residents.lives_on(today)
    names = session.scalars(select(Person.name).join(Residence, Residence.person_id == Person.id).where(*lives_there))
    return RoomLabel(room.id, building.name, room.number, tuple(sorted(initials(name) for name in names)))


def initials(name: str) -> str:
    """Return a name's initials: `王**` of a name written in Chinese, `A. S.` of others.

    They let a payer recognise somebody, and say little to others.
    """
    words = name.split()
    if len(words) == 1 and unicodedata.category(words[0][0]) == "Lo":
        return words[0][0] + "*" * (len(words[0]) - 1)
    return " ".join(f"{word[0].upper()}." for word in words)
