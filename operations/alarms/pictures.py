"""Pictures of alarms: what a gate's camera saw when one was raised, where the campus wants them; sealed, gone in time.

Off unless gates are named. A picture belongs to the event that raised an alarm, which must have arrived before it; what
comes from a gate is decoded and written anew before it is kept.
"""

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from PIL import Image, UnidentifiedImageError
from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from access.policy import GateKind
from database import Sealer
from database.resealing import SealedColumn
from directory import gates
from operations.alarms.rules import RAISED_BY, AlarmKind
from operations.tables import Alarm, AlarmPicture, GateEvent
from web.problems import NotFoundError, ProblemError

MOST_BYTES = 250_000
"""Of a JPEG: less than any route takes (`web.request_guard`), and enough for 1280 pixels across."""
MOST_OF_AN_ALARM = 5
"""A door that is forced again and again is shown as it began."""
_MOST_PIXELS = 4_000_000
_QUALITY = 85


class NotWanted(StrEnum):
    """Why no picture of an event is kept."""

    OFF = "off"
    """The campus takes none of such events at this gate."""
    LATE = "late"
    NO_ALARM = "no_alarm"
    ENOUGH = "enough"


class AlarmPictureUnreadableError(ProblemError):
    """The file is no JPEG that can be read, or too large."""

    code = "alarm_picture_unreadable"
    status = 422
    title = "This is no JPEG of at most 250,000 bytes and 4 million pixels"


class AlarmPictureNotWantedError(ProblemError):
    """The campus takes no picture of this; `reason` says why."""

    code = "alarm_picture_not_wanted"
    status = 409
    title = "No picture of this is wanted"


@dataclass(frozen=True, slots=True)
class PictureRules:
    """At which gates and of which alarms pictures are taken, and how long they are kept. Without gates nothing is."""

    gates: frozenset[str] = frozenset()
    kinds: frozenset[AlarmKind] = frozenset()
    keep: timedelta = timedelta(days=7)

    def find_events(self, gate: str) -> Sequence[str]:
        """Return the kinds of events at which the camera of `gate` takes a picture, in order."""
        if gate not in self.gates:
            return ()
        return sorted(event for event, kind in RAISED_BY.items() if kind in self.kinds)


@dataclass(frozen=True, slots=True)
class AlarmPictures:
    """The rules of the campus, and what seals and opens the pictures."""

    sealer: Sealer = field(repr=False)
    rules: PictureRules = field(default_factory=PictureRules)

    def put(
        self, session: Session, gate: str, event_id: UUID, jpeg: bytes, *, taken_at: datetime, now: datetime
    ) -> bool:
        """Keep the picture that was taken at an event, and return whether it was new; sent again, it changes nothing.

        Raises:
            NotFoundError: no such event of this gate has arrived (yet).
            AlarmPictureNotWantedError: the campus takes none of it, it raised no alarm, is too old, or one of many.
            AlarmPictureUnreadableError: it is no JPEG that is taken.
        """
        event = session.scalar(select(GateEvent).where(GateEvent.id == event_id, GateEvent.gate == gate))
        if event is None:
            raise NotFoundError("no such event of this gate has arrived")
        if session.get(AlarmPicture, event_id) is not None:
            return False
        if event.kind not in self.rules.find_events(gate) or _is_wet_room(session, gate):
            raise AlarmPictureNotWantedError(reason=NotWanted.OFF.value)
        if now - min(event.at, taken_at) > self.rules.keep:
            raise AlarmPictureNotWantedError(reason=NotWanted.LATE.value)
        alarm = _find_alarm(session, event)
        if alarm is None:
            raise AlarmPictureNotWantedError(reason=NotWanted.NO_ALARM.value)
        if count_by_alarm(session, [alarm.id]).get(alarm.id, 0) >= MOST_OF_AN_ALARM:
            raise AlarmPictureNotWantedError(reason=NotWanted.ENOUGH.value)
        sealed = self.sealer.seal(_write_anew(jpeg), context(event_id))
        session.add(
            AlarmPicture(event_id=event_id, alarm_id=alarm.id, taken_at=taken_at, received_at=now, sealed=sealed)
        )
        session.flush()
        return True

    def open(self, session: Session, alarm_id: UUID, event_id: UUID) -> bytes:
        """Return a picture of an alarm as JPEG.

        Raises:
            NotFoundError: there is none, or none any more.
            database.SealingError: it was sealed under a key that is not configured.
        """
        sealed = session.scalar(
            select(AlarmPicture.sealed).where(AlarmPicture.event_id == event_id, AlarmPicture.alarm_id == alarm_id)
        )
        if sealed is None:
            raise NotFoundError("there is no such picture, or it was erased")
        return self.sealer.open(sealed, context(event_id))


def find(session: Session, alarm_id: UUID) -> Sequence[AlarmPicture]:
    """Return the pictures of an alarm, without their content, in the order in which they were taken.

    Raises:
        NotFoundError: there is no such alarm.
    """
    if session.get(Alarm, alarm_id) is None:
        raise NotFoundError("there is no alarm with this id")
    of_alarm = select(AlarmPicture).where(AlarmPicture.alarm_id == alarm_id)
    return session.scalars(of_alarm.order_by(AlarmPicture.taken_at, AlarmPicture.event_id)).all()


def count_by_alarm(session: Session, alarm_ids: Collection[UUID]) -> Mapping[UUID, int]:
    """Return how many pictures alarms have, of those that have any."""
    if not alarm_ids:
        return MappingProxyType({})
    counted = (
        select(AlarmPicture.alarm_id, func.count())
        .where(AlarmPicture.alarm_id.in_(alarm_ids))
        .group_by(AlarmPicture.alarm_id)
    )
    return {row[0]: row[1] for row in session.execute(counted)}


def forget(session: Session, before: datetime) -> int:
    """Erase what was taken or came before a time, and return how many pictures; also where none is taken any more."""
    # By either time: a gate's clock may run ahead, and a picture may have waited there.
    is_old = or_(AlarmPicture.received_at < before, AlarmPicture.taken_at < before)
    return len(session.scalars(delete(AlarmPicture).where(is_old).returning(AlarmPicture.event_id)).all())


def context(event_id: UUID) -> bytes:
    """Return what the sealed picture of an event is bound to."""
    return b"alarm-picture:" + event_id.bytes


SEALED = (SealedColumn(AlarmPicture.event_id, AlarmPicture.sealed, context),)
"""What a change of keys must go through."""


def _find_alarm(session: Session, event: GateEvent) -> Alarm | None:
    """Return the alarm that an event raised or was counted in, locked."""
    # What a gate dated ahead counted from its arrival.
    at = min(event.at, event.received_at)
    return session.scalar(
        select(Alarm)
        .where(
            Alarm.gate == event.gate, Alarm.kind == RAISED_BY[event.kind], Alarm.raised_at <= at, Alarm.last_at >= at
        )
        .order_by(Alarm.id.desc())
        .limit(1)
        .with_for_update()
    )


def _is_wet_room(session: Session, gate: str) -> bool:
    return gates.policy_of(gates.get(session, gate)).kind is GateKind.WET_ROOM


def _write_anew(jpeg: bytes) -> bytes:
    """Return the pixels of a JPEG as a new one, without whatever stood beside them.

    Raises:
        AlarmPictureUnreadableError: it cannot be read, or is too large.
    """
    if len(jpeg) > MOST_BYTES:
        raise AlarmPictureUnreadableError
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise AlarmPictureUnreadableError
            picture = opened.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise AlarmPictureUnreadableError from error
    fresh = Image.new("RGB", picture.size)
    fresh.paste(picture)
    written = io.BytesIO()
    fresh.save(written, "JPEG", quality=_QUALITY)
    return written.getvalue()
