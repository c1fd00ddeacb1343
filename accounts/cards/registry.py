"""Physical and virtual cards: issue, first tap, suspension, return, and the history of each.

A physical card has a UID, which identifies it, and may have an issuer key. The UID can be copied, so where a card has
a key it is trusted only after the reader has proved the key.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts import audit
from accounts.cards import card_states
from accounts.cards.card_states import ENDED, CardAction
from accounts.people import changes
from accounts.tables import Card, CardEvent, Person
from accounts.vocabulary import CardKind, CardState
from database import table_of
from database.digests import credential_key, keyed_digest
from web.problems import NotFoundError, ProblemError

IN_USE = table_of(Card).c.state.not_in(bindparam("ended", ENDED, expanding=True, literal_execute=True))
"""Of cards that have not ended. The words stand in the statement itself: the index of their UIDs covers these cards
alone, and SQLite uses such an index only where it reads the very condition."""


class InvalidUidError(ProblemError):
    """The text is no card UID."""

    code = "invalid_card_uid"
    status = 422
    title = "A card UID is 3, 4, 5, 7, 8 or 10 bytes in hexadecimal"


class UidTakenError(ProblemError):
    """The card is in use under another account, or already under this one."""

    code = "card_uid_taken"
    status = 409
    title = "A card with this UID is in use"


class CardAlreadyIssuedError(ProblemError):
    """The person has a physical card that has neither been replaced nor returned."""

    code = "card_already_issued"
    status = 409
    title = "The person has a physical card already"


class UnknownCardError(ProblemError):
    """No card in use has this UID."""

    code = "unknown_card"
    status = 404
    title = "No card in use has this UID"


class CardNotUsableError(ProblemError):
    """The card is lost or suspended."""

    code = "card_not_usable"
    status = 403
    title = "The card is reported lost or suspended"


class CardKeyRequiredError(ProblemError):
    """The card carries an issuer key, and the reader did not prove it: the UID may be a copy."""

    code = "card_key_required"
    status = 403
    title = "This card must prove its issuer key; its UID alone is not trusted"


class CardOnShow(Protocol):
    """What of a card decides whether it may be used."""

    @property
    def state(self) -> CardState:
        """Where it is in its life."""
        ...

    @property
    def key_number(self) -> int | None:
        """The issuer key that it has."""
        ...


def normalise_uid(text: str) -> str:
    """Return a card's number as upper-case hexadecimal without separators.

    4, 7 or 10 bytes are a UID of ISO/IEC 14443-3, 8 one of ISO/IEC 15693 or FeliCa, 5 an EM4100's number, 3 the 24 bits
    that a Wiegand reader of 26 bits sends.

    Raises:
        InvalidUidError: it is none.
    """
    uid = re.sub(r"[\s:-]", "", text).upper()
    if not re.fullmatch(r"(?:[0-9A-F]{2}){3,5}|(?:[0-9A-F]{2}){7,8}|(?:[0-9A-F]{2}){10}", uid):
        raise InvalidUidError
    return uid


def uid_digest(session: Session, text: str) -> str:
    """Return the digest (64 hex digits) that a UID is kept as; the gates make the same one from what a reader reads.

    Raises:
        InvalidUidError: it is no UID.
    """
    return digest_of(credential_key(session), text)


def digest_of(key: bytes, text: str) -> str:
    """Return the digest of a UID under the site's key.

    Raises:
        InvalidUidError: it is no UID.
    """
    return keyed_digest(key, b"card:", normalise_uid(text).encode())


def issue(session: Session, person: Person, uid: str, *, key_number: int | None, by: str, now: datetime) -> Card:
    """Hand a physical card to a person, whose row the caller has locked.

    Raises:
        InvalidUidError, UidTakenError, CardAlreadyIssuedError: see there.
    """
    digest = uid_digest(session, uid)
    if session.scalar(select(Card.id).where(Card.uid_digest == digest, IN_USE)) is not None:
        raise UidTakenError
    if physical_card(session, person.id) is not None:
        raise CardAlreadyIssuedError
    card = Card(
        person_id=person.id,
        kind=CardKind.PHYSICAL,
        state=CardState.ACTIVE,
        uid_digest=digest,
        key_number=key_number,
        issued_at=now,
    )
    session.add(card)
    try:
        session.flush()
    except IntegrityError as error:
        # The person is locked by the caller, so it is the UID that somebody else took at this moment.
        raise UidTakenError from error
    note(session, card, "issue", by=by, now=now)
    return card


def apply(session: Session, card: Card, action: CardAction, *, by: str, now: datetime, note_text: str = "") -> None:
    """Take one step in a card's life, with history, change feed and audit.

    Raises:
        card_states.CardTransitionError: the card's state does not allow the step.
    """
    card.state = card_states.after(card.state, action)
    if action is CardAction.RELEASE:
        card.suspended_for_loss = False
    if card.state in ENDED:
        card.ended_at = now
        card.suspended_for_loss = False
    note(session, card, action.value, by=by, now=now, text=note_text)


def first_tap(session: Session, card: Card, *, by: str, now: datetime) -> bool:
    """Note the first tap of a new card; returns whether it was the first."""
    if card.first_tap_at is not None:
        return False
    card.first_tap_at = now
    note(session, card, "first_tap", by=by, now=now)
    return True


def get(session: Session, card_id: UUID, *, lock: bool = False) -> Card:
    """Return a card, locked against other writers if `lock`.

    Raises:
        NotFoundError: there is none.
    """
    card = session.get(Card, card_id, with_for_update=True if lock else None)
    if card is None:
        raise NotFoundError("there is no card with this id")
    return card


def by_uid(session: Session, uid: str) -> Card:
    """Return the card in use that has this UID, whatever its state.

    Raises:
        InvalidUidError: it is no UID.
        UnknownCardError: there is no such card.
    """
    card = session.scalar(select(Card).where(Card.uid_digest == uid_digest(session, uid), IN_USE))
    if card is None:
        raise UnknownCardError
    return card


def of_person(session: Session, person_id: UUID, *, ended: bool = False, lock: bool = False) -> Sequence[Card]:
    """Return a person's cards, oldest first; those that have ended only if asked for."""
    query = select(Card).where(Card.person_id == person_id).order_by(Card.id)
    if not ended:
        query = query.where(Card.state.not_in(ENDED))
    if lock:
        query = query.with_for_update()
    return session.scalars(query).all()


def physical_card(session: Session, person_id: UUID) -> Card | None:
    """Return the person's physical card in use (active, suspended or lost), or None."""
    return session.scalar(
        select(Card).where(Card.person_id == person_id, Card.kind == CardKind.PHYSICAL, Card.state.not_in(ENDED))
    )


def history(session: Session, card_id: UUID) -> Sequence[CardEvent]:
    """Return what happened to a card, oldest first."""
    return session.scalars(select(CardEvent).where(CardEvent.card_id == card_id).order_by(CardEvent.id)).all()


def require_usable(card: CardOnShow) -> None:
    """Check that a card may be used.

    Raises:
        CardNotUsableError: with its `state`.
    """
    if card.state is not CardState.ACTIVE:
        raise CardNotUsableError(state=card.state.value)


def require_key(card: CardOnShow, proved_key: int | None) -> None:
    """Check that a card with an issuer key has proved it to the reader.

    Raises:
        CardKeyRequiredError: it has a key, and another or none was proved.
    """
    if card.key_number is not None and card.key_number != proved_key:
        raise CardKeyRequiredError


def note(session: Session, card: Card, action: str, *, by: str, now: datetime, text: str = "") -> None:
    """Write a line of history, of the change feed and of the audit trail."""
    session.add(CardEvent(card_id=card.id, at=now, action=action, state=card.state, actor=by, note=text))
    changes.record(session, card.person_id)
    details: dict[str, audit.Scalar | list[str]] = {"state": card.state.value, "kind": card.kind.value}
    audit.record(session, actor=by, action=f"card.{action}", subject=f"card:{card.id}", now=now, details=details)
