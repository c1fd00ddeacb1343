"""Virtual cards: bound through a channel, good for codes; a person has one in a channel, and so has a channel's user.

A phone holds a *lease*: a secret that makes codes without a network until the lease ends. A new lease ends the one
before, so a card lives on one phone at a time.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts.cards import registry, virtual_code
from accounts.cards.card_states import ENDED, CardAction
from accounts.cards.virtual_code import InvalidCodeError
from accounts.tables import Card, LossReport, Person
from accounts.vocabulary import CardKind, CardState, Channel
from web.problems import ProblemError

SignCode = Callable[[str, int], str]
"""From a payment code and its Unix second to the signed code that gates read too."""

LEASE = timedelta(days=3)
"""How long a phone makes codes without a network."""


class ChannelRefusedError(ProblemError):
    """The channel does not know this user, or its token is not good."""

    code = "channel_refused"
    status = 403
    title = "The channel did not confirm who you are; sign in there again"


class ChannelUnavailableError(ProblemError):
    """This campus has not connected the channel."""

    code = "channel_unavailable"
    status = 503
    title = "This channel is not connected on this campus"


class PhoneMismatchError(ProblemError):
    """The phone number is not the one bound to the user's account at the channel."""

    code = "phone_mismatch"
    status = 403
    title = "The phone number must be the one bound to your account at the channel"


class AlreadyBoundError(ProblemError):
    """The person, or the user of the channel, has an active virtual card there."""

    code = "virtual_card_bound"
    status = 409
    title = "There is an active virtual card in this channel already; unbind it first"


class ClaimRefusedError(ProblemError):
    """Number, name and query password do not belong together; which of them is wrong is not said."""

    code = "claim_refused"
    status = 403
    title = "Number, name or query password is wrong"


class LossOpenError(ProblemError):
    """A loss is reported and neither found nor reissued."""

    code = "loss_open"
    status = 409
    title = "The card is reported lost; have it released or reissued first"


class CodeUsedError(ProblemError):
    """The code, or a newer one of the same card, has been used: a screenshot works once."""

    code = "code_used"
    status = 403
    title = "This code has been used; show a new one"


class LeaseEndedError(ProblemError):
    """The phone has not been online for too long."""

    code = "code_lease_ended"
    status = 403
    title = "The phone must go online once before it can show codes again"


@dataclass(frozen=True, slots=True)
class ChannelUser:
    """Who a channel says its user is."""

    user: str
    phone: str | None


class ChannelUsers(Protocol):
    """A channel's answer to: whose token is this?"""

    def user(self, channel: Channel, token: str) -> ChannelUser:
        """Return the user.

        Raises:
            ChannelRefusedError: the token is not good.
            ChannelUnavailableError: the campus has not connected this channel.
        """
        ...


@dataclass(frozen=True, slots=True)
class Lease:
    """What a phone needs to make codes: `virtual_code.make(secret, handle, second)`."""

    card_id: UUID
    handle: str
    secret: bytes
    until: datetime


def require_same_phone(channel: Channel, phone: str | None, user: ChannelUser) -> None:
    """Check the phone number where the guide asks for it: enterprise WeChat.

    Raises:
        PhoneMismatchError: it is missing or another one.
    """
    if channel is Channel.WECOM and (phone is None or phone != user.phone):
        raise PhoneMismatchError


def require_confirmed_phone(person: Person, channel: Channel, phone: str | None) -> None:
    """Check that whoever has a confirmed phone claims with that one in enterprise WeChat, not a stranger with another.

    Raises:
        PhoneMismatchError: it is another one. The holder confirms a new number in the app first.
    """
    confirmed = person.phone if person.phone_confirmed_at is not None else None
    if channel is Channel.WECOM and confirmed is not None and confirmed != phone:
        raise PhoneMismatchError("the number differs from the confirmed one; confirm the new number in the app first")


def bind(session: Session, person: Person, channel: Channel, user: ChannelUser, *, by: str, now: datetime) -> Card:
    """Give a person, whose row the caller has locked, a virtual card in a channel.

    Raises:
        AlreadyBoundError: the person or the user has one there.
        LossOpenError: a loss is reported.
    """
    taken = select(Card.id).where(
        Card.kind == CardKind.VIRTUAL,
        Card.channel == channel,
        Card.state.not_in(ENDED),
        or_(Card.person_id == person.id, Card.channel_user == user.user),
    )
    if session.scalar(taken.limit(1)) is not None:
        raise AlreadyBoundError
    if session.scalar(select(LossReport.id).filter_by(person_id=person.id, closed_at=None)) is not None:
        raise LossOpenError
    card = Card(
        person_id=person.id,
        kind=CardKind.VIRTUAL,
        state=CardState.ACTIVE,
        issued_at=now,
        channel=channel,
        channel_user=user.user,
        code_handle=_free_handle(session),
        code_lease=0,
    )
    session.add(card)
    try:
        session.flush()
    except IntegrityError as error:
        raise AlreadyBoundError from error
    registry.note(session, card, "bind", by=by, now=now)
    return card


def unbind(session: Session, card: Card, *, by: str, now: datetime) -> None:
    """End a virtual card.

    Raises:
        card_states.CardTransitionError: it has ended already.
    """
    registry.apply(session, card, CardAction.RETURN, by=by, now=now)


def lease(session: Session, card: Card, key: bytes, *, now: datetime) -> Lease:
    """Give the phone a new lease; codes of the lease before stop working.

    Raises:
        registry.CardNotUsableError: the card is suspended.
    """
    registry.require_usable(card)
    handle = _handle(card)
    card.code_lease += 1
    card.code_lease_until = now + LEASE
    session.flush()
    secret = virtual_code.lease_secret(key, card.id.bytes, card.code_lease)
    return Lease(card.id, handle, secret, card.code_lease_until)


@dataclass(frozen=True, slots=True)
class MadeCode:
    """A payment code, and the Unix second for which it was made."""

    digits: str
    second: int


def code(session: Session, card: Card, key: bytes, *, now: datetime) -> MadeCode:
    """Return a code made on the server, under the running lease or, where there is none, a new one.

    Raises:
        registry.CardNotUsableError: the card is suspended.
    """
    registry.require_usable(card)
    if card.code_lease_until is None or card.code_lease_until <= now:
        lease(session, card, key, now=now)
    return _make(card, key, _second_after_use(card, now))


def codes_ahead(
    session: Session, card: Card, key: bytes, *, now: datetime, every: timedelta, number: int
) -> list[MadeCode]:
    """Return codes for now and for later moments: what a page shows when its network is away.

    They end with the running lease, and a later one is worth nothing before its moment.

    Raises:
        registry.CardNotUsableError: the card is suspended.
    """
    first = code(session, card, key, now=now)
    moments = [now + step * every for step in range(1, number)]
    ends = card.code_lease_until or now
    return [first, *(_make(card, key, int(at.timestamp())) for at in moments if at < ends)]


def redeem(session: Session, code: str, key: bytes, *, now: datetime) -> Card:
    """Use a code up and return its card. A transaction that is rolled back has not used it.

    Raises:
        InvalidCodeError, CodeUsedError, LeaseEndedError, registry.CardNotUsableError: see there.
    """
    handle = virtual_code.handle_of(code)
    card = session.scalar(select(Card).where(Card.code_handle == handle))
    if card is None or card.code_lease_until is None or card.state in ENDED:
        raise InvalidCodeError
    secret = virtual_code.lease_secret(key, card.id.bytes, card.code_lease)
    second = virtual_code.second_of(secret, code, int(now.timestamp()))
    if second is None:
        raise InvalidCodeError
    registry.require_usable(card)
    if second > card.code_lease_until.timestamp():
        raise LeaseEndedError
    # One statement, so that of two terminals that scan one screenshot exactly one gets through.
    used = session.scalar(
        update(Card)
        .where(Card.id == card.id, or_(Card.code_last_second.is_(None), Card.code_last_second < second))
        .values(code_last_second=second)
        .returning(Card.id)
    )
    if used is None:
        raise CodeUsedError
    return card


def use_up(session: Session, person_id: UUID, second: int) -> list[str]:
    """Take note that a code for the Unix time `second` opened a gate: shops take none of before any more.

    Which of a person's virtual cards it was the gate does not tell; their other codes of that moment go with it.
    Returns the handles of these cards.
    """
    own = Card.person_id == person_id, Card.kind == CardKind.VIRTUAL, Card.state.not_in(ENDED)
    is_older = or_(Card.code_last_second.is_(None), Card.code_last_second < second)
    session.execute(update(Card).where(*own, is_older).values(code_last_second=second))
    return [handle for handle in session.scalars(select(Card.code_handle).where(*own)) if handle is not None]


def _make(card: Card, key: bytes, second: int) -> MadeCode:
    secret = virtual_code.lease_secret(key, card.id.bytes, card.code_lease)
    return MadeCode(virtual_code.make(secret, _handle(card), second), second)


def _second_after_use(card: Card, now: datetime) -> int:
    """The present second, or a later one where a code of this one was used a moment ago: it would be refused."""
    second = int(now.timestamp())
    return max(second, min((card.code_last_second or 0) + 1, second + virtual_code.FAST_CLOCK_S))


def _handle(card: Card) -> str:
    if card.code_handle is None:
        raise registry.UnknownCardError("a physical card makes no codes")
    return card.code_handle


def _free_handle(session: Session) -> str:
    while True:
        handle = f"{secrets.randbelow(10**7):07}"
        if session.scalar(select(Card.id).where(Card.code_handle == handle)) is None:
            return handle
