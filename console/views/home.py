"""What matters now to somebody with an account: card, money, room, the last passage, notices, the photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import passwords
from accounts.ledger import find_account
from accounts.vocabulary import PasswordPurpose
from console.services import ConsoleServices
from console.views.own_cards import OwnCards, find_own_cards
from console.views.own_room import describe_home
from directory.tables import GateRecord
from enrollment import consent, notices, photos
from enrollment.tables import Notice, PhotoRecord, PhotoState
from messages import EventKind
from metering.rooms import residents
from operations.tables import GateEvent

_NOTICES = 3
_ANSWERED = (EventKind.ACCESS_GRANTED, EventKind.ACCESS_DENIED)
_GONE = (PhotoState.REPLACED, PhotoState.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class LastPassage:
    """The newest answer that a gate gave to somebody."""

    gate: str
    """Its title, or its name where it is gone."""
    at: datetime
    is_granted: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class PhotoStanding:
    """Whether somebody consented to the notice in force, or said no to it, and the photo that counts."""

    has_consent: bool
    has_refused: bool
    photo: PhotoRecord | None


@dataclass(frozen=True, slots=True)
class Home:
    """The first page of somebody's own pages. Money in fen."""

    cards: OwnCards
    balance: int | None
    """None without a wallet."""
    available: int | None
    room: dict[str, Any] | None
    """As `describe_home` tells of it; None for who lives in no room."""
    passage: LastPassage | None
    photo: PhotoStanding
    notices: Sequence[Notice]
    """Unread ones."""
    has_first_password: bool
    """Whether the query or the consumption password opens nothing until it is changed."""


def describe_own_home(session: Session, services: ConsoleServices, person_id: UUID, *, now: datetime) -> Home:
    """Return what the first page shows."""
    balance, available = _find_money(session, person_id)
    living = residents.find_residence(session, person_id, now.astimezone(services.zone).date())
    return Home(
        cards=find_own_cards(session, person_id),
        balance=balance,
        available=available,
        room=None if living is None else describe_home(session, services.metering, living, now=now),
        passage=_find_last_passage(session, person_id),
        photo=_find_photo(session, services, person_id),
        notices=notices.query_unread(session, person_id, limit=_NOTICES),
        has_first_password=_has_first_password(session, person_id),
    )


def _find_money(session: Session, person_id: UUID) -> tuple[int | None, int | None]:
    found = find_account(session, person_id)
    return (None, None) if found is None else (found.balance, found.available)


def _has_first_password(session: Session, person_id: UUID) -> bool:
    must_change = passwords.find_all(session, person_id)
    return any(must_change.get(one, False) for one in (PasswordPurpose.QUERY, PasswordPurpose.CONSUMPTION))


def _find_last_passage(session: Session, person_id: UUID) -> LastPassage | None:
    query = select(GateEvent, GateRecord.title).outerjoin(GateRecord, GateRecord.name == GateEvent.gate)
    own = query.where(GateEvent.person_id == person_id, GateEvent.kind.in_(_ANSWERED))
    row = session.execute(own.order_by(GateEvent.sequence.desc()).limit(1)).first()
    if row is None:
        return None
    event, title = row
    return LastPassage(
        gate=title or event.gate,
        at=event.at,
        is_granted=event.kind == EventKind.ACCESS_GRANTED,
        reason=event.reason,
    )


def _find_photo(session: Session, services: ConsoleServices, person_id: UUID) -> PhotoStanding:
    standing = consent.find_current(session, person_id)
    newest = next((one for one in photos.find_of_person(session, person_id) if one.state not in _GONE), None)
    has_consent = standing is not None and standing.version == services.enrollment.consent_version
    has_refused = consent.has_refused(session, person_id, services.enrollment.consent_version)
    return PhotoStanding(has_consent, has_refused, newest)
