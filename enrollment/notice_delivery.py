"""Brings notices to their people by the channels that are configured. Nothing is lost while a channel is down.

The inbox is the outbox: a notice is written with the decision it tells of, in one transaction, and what has no delivery
by a channel yet waits for it. A letter that is refused by itself is tried again a few times, and then given up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVarTuple

import structlog
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from accounts.tables import Person
from bus.backoff import Backoff
from database import Database
from enrollment.channels.port import Channel, ChannelDownError, Letter, LetterRefusedError
from enrollment.tables import Notice, NoticeDelivery

Columns = TypeVarTuple("Columns")

log = structlog.get_logger()

MOST_TRIES = 5
_BACKOFF = Backoff(first_s=300.0, longest_s=86_400.0, spread=0.0)
"""Five minutes, ten, …: a mail server that restarts loses nothing, and one that is gone is asked seldom."""
_LATEST = timedelta(days=3)
"""An older notice is no news any more; it stays in the inbox."""
_AT_ONCE = 100
_CLAIM = timedelta(minutes=2)
"""How long a letter is left to the process that took it up: longer than any channel takes. One that dies meanwhile may
have sent it; then it is sent once more."""


@dataclass(frozen=True, slots=True)
class DeliveryRound:
    """What one round of a channel did."""

    channel: str
    sent: int
    refused: int
    is_down: bool


def deliver(database: Database, channels: Sequence[Channel], now: datetime) -> list[DeliveryRound]:
    """Send what waits, at most `_AT_ONCE` letters by each channel; one that is down is left until the next round."""
    return [_deliver(database, channel, now) for channel in channels]


def count_waiting(session: Session, channel: str, now: datetime) -> int:
    """Count the letters that wait for a channel, those to be tried again included."""
    return session.scalar(_where_unsent(select(func.count()).select_from(Notice), channel, now)) or 0


def _deliver(database: Database, channel: Channel, now: datetime) -> DeliveryRound:
    with database.read() as session:
        letters = _query_due(session, channel.name, now)
    sent = refused = 0
    for letter in letters:
        if not _claim(database, letter, channel.name, now):
            continue
        try:
            channel.send(letter)
        except ChannelDownError as error:
            log.warning("notices_wait", channel=channel.name, waiting=len(letters) - sent - refused, error=str(error))
            _release(database, letter, channel.name)
            return DeliveryRound(channel.name, sent, refused, is_down=True)
        except LetterRefusedError as error:
            refused += 1
            _record_delivery(database, letter, channel.name, now, refusal=str(error))
        else:
            sent += 1
            _record_delivery(database, letter, channel.name, now)
    return DeliveryRound(channel.name, sent, refused, is_down=False)


def _query_due(session: Session, channel: str, now: datetime) -> list[Letter]:
    found = select(Notice, Person.number, Person.phone, Person.phone_confirmed_at).select_from(Notice)
    query = _where_unsent(found, channel, now)
    rows = session.execute(
        query.join(Person, Person.id == Notice.person_id)
        .where(or_(NoticeDelivery.next_at.is_(None), NoticeDelivery.next_at <= now))
        .order_by(Notice.id)
        .limit(_AT_ONCE)
    )
    letters = []
    for notice, number, phone, confirmed_at in rows:
        confirmed = phone if confirmed_at is not None else None
        letters.append(Letter(notice.id, notice.at, notice.kind, number, confirmed, notice.content))
    return letters


def _where_unsent(query: Select[*Columns], channel: str, now: datetime) -> Select[*Columns]:
    delivered = and_(NoticeDelivery.notice_id == Notice.id, NoticeDelivery.channel == channel)
    return query.outerjoin(NoticeDelivery, delivered).where(
        Notice.at > now - _LATEST,
        NoticeDelivery.sent_at.is_(None),
        or_(NoticeDelivery.tries.is_(None), NoticeDelivery.tries < MOST_TRIES),
    )


def _claim(database: Database, letter: Letter, channel: str, now: datetime) -> bool:
    """Return whether a letter is for this process to send; no other sends it then until the claim has run out."""
    with database.begin() as session:
        notice = session.get(Notice, letter.notice_id, with_for_update={"skip_locked": True})
        delivery = session.get(NoticeDelivery, (letter.notice_id, channel))
        if notice is None or (delivery is not None and _is_taken(delivery, now)):
            return False
        if delivery is None:
            delivery = NoticeDelivery(notice_id=letter.notice_id, channel=channel, tries=0)
            session.add(delivery)
        delivery.next_at = now + _CLAIM
        return True


def _is_taken(delivery: NoticeDelivery, now: datetime) -> bool:
    return delivery.sent_at is not None or (delivery.next_at is not None and delivery.next_at > now)


def _release(database: Database, letter: Letter, channel: str) -> None:
    """Let whoever comes next send a letter that was claimed."""
    with database.begin() as session:
        if (delivery := session.get(NoticeDelivery, (letter.notice_id, channel))) is not None:
            delivery.next_at = None


def _record_delivery(
    database: Database, letter: Letter, channel: str, now: datetime, refusal: str | None = None
) -> None:
    with database.begin() as session:
        delivery = session.get(NoticeDelivery, (letter.notice_id, channel), with_for_update=True)
        if delivery is None:
            return  # deleted meanwhile, with its notice
        delivery.tries += 1
        if refusal is None:
            delivery.sent_at, delivery.next_at = now, None
            return
        delivery.next_at = now + timedelta(seconds=_BACKOFF.wait_s(delivery.tries))
        if delivery.tries >= MOST_TRIES:
            log.warning("notice_given_up", channel=channel, notice=str(letter.notice_id), error=refusal)
