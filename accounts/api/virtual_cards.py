"""Virtual cards: claim in a channel, lease for a phone, one code online, unbind."""

import base64
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts import audit, cards, own_cards, passwords, people
from accounts.api.dependencies import HASHING, PERSON_ERRORS, NowDep, PrincipalDep, ServicesDep
from accounts.api.me import PASSWORD_ERRORS, MyCard, QueryPassword
from accounts.api.people import Number
from accounts.api.sign_in import Secret
from accounts.cards import card_states, virtual_code
from accounts.cards import virtual_cards as virtual
from accounts.people import notices, phones, spelling
from accounts.vocabulary import Channel, PasswordPurpose
from web.client_address import NetworkDep
from web.problems import NotFoundError, responses
from web.rate_limits import TooManyTriesError
from web.text import Line, line

router = APIRouter(prefix="/api/v1", tags=["virtual cards"])


class ClaimIn(BaseModel):
    """A claim, as the channel's app sends it after its own sign-in."""

    model_config = ConfigDict(extra="forbid")

    channel: Literal[Channel.WECOM, Channel.ALIPAY, Channel.WECHAT]
    channel_token: Annotated[str, line(2000)] = Field(description="proves to the channel who its user is")
    number: Number
    name: Line
    query_password: Secret
    phone: Annotated[str, line(25)] | None = Field(default=None, description="needed in enterprise WeChat")


class LeaseOut(BaseModel):
    """What a phone needs to make codes without a network, until `until`.

    A code is `90`, the handle, and nine digits: the first 16 bytes of HMAC-SHA256(secret, handle ‖ second) as a
    big-endian number, modulo 10⁹; `second` is the Unix time in eight bytes.
    """

    card_id: UUID
    handle: str
    secret: str = Field(description="base64")
    until: datetime


class CodeOut(BaseModel):
    """A code to be shown now."""

    code: str
    signed_code: str | None = Field(
        description="183 digits, to be drawn as a QR code for shops and gates; null on a server without gates"
    )
    expires_at: datetime


@router.post(
    "/virtual-cards",
    status_code=201,
    dependencies=[HASHING],
    responses=responses(
        virtual.ClaimRefusedError,
        virtual.ChannelRefusedError,
        virtual.ChannelUnavailableError,
        virtual.PhoneMismatchError,
        virtual.AlreadyBoundError,
        virtual.LossOpenError,
        phones.InvalidPhoneError,
        passwords.PasswordLockedError,
        passwords.PasswordChangeRequiredError,
        people.AccountNotUsableError,
        TooManyTriesError,
    ),
)
def claim_virtual_card(services: ServicesDep, now: NowDep, network: NetworkDep, body: ClaimIn) -> MyCard:
    """Claim the virtual card with number, name and query password. Codes need a sign-in afterwards.

    A first query password follows from the ID document, which others have seen: it is changed in the app before it
    claims anything. A claim confirms no phone number; where one is confirmed, no other one claims in enterprise WeChat.
    """
    services.guesses.count_try(network, now)
    if services.channel_users is None:
        raise virtual.ChannelUnavailableError
    user = services.channel_users.user(body.channel, body.channel_token)
    phone = phones.normalise(body.phone) if body.phone is not None else None
    virtual.require_same_phone(body.channel, phone, user)
    with services.database.read() as session:
        person = people.by_number(session, body.number)
        known = person.id if person is not None and people.is_called(person, body.name) else None
    who = passwords.Claimant.named(spelling.number(body.number), person, fits=known is not None)
    # The channel says whose account there it is: nobody claims from a thousand of them.
    source = f"{body.channel.value} {user.user}"
    try:
        checked = services.passwords.require(who, PasswordPurpose.QUERY, body.query_password, source=source, now=now)
    except (passwords.PasswordWrongError, passwords.PasswordNotSetError) as error:
        raise virtual.ClaimRefusedError from error
    if known is None:
        raise virtual.ClaimRefusedError
    services.guesses.forgive_try(network, now)
    if checked.must_change:
        raise passwords.PasswordChangeRequiredError("PUT /api/v1/me/passwords/query", purpose="query")
    with services.database.begin() as session:
        person = people.get(session, known, lock=True)
        people.require_usable(person, now)
        virtual.require_confirmed_phone(person, body.channel, phone)
        actor = audit.person_actor(person.id)
        services.notify(session, person.id, notices.AccountNotice.VIRTUAL_CARD_BOUND, now=now)
        return MyCard.of(virtual.bind(session, person, body.channel, user, by=actor, now=now))


@router.post(
    "/me/virtual-cards",
    status_code=201,
    dependencies=[HASHING],
    responses=responses(
        *PERSON_ERRORS,
        *PASSWORD_ERRORS,
        NotFoundError,
        virtual.AlreadyBoundError,
        virtual.LossOpenError,
        people.AccountNotUsableError,
    ),
)
def claim_my_virtual_card(me: PrincipalDep, services: ServicesDep, now: NowDep, body: QueryPassword) -> MyCard:
    """Claim a virtual card for these pages, with the query password, changed from the first one."""
    return MyCard.of(own_cards.claim_virtual_card(services, me, body.query_password, now=now))


_CARD_ERRORS = (*PERSON_ERRORS, NotFoundError, people.AccountNotUsableError, cards.CardNotUsableError)


@router.post("/me/virtual-cards/{card_id}/lease", responses=responses(*_CARD_ERRORS))
def lease_virtual_card(me: PrincipalDep, services: ServicesDep, now: NowDep, card_id: UUID) -> LeaseOut:
    """Let this phone make codes without a network for some days. The phone that had a lease before loses it.

    They pay; gates take signed codes only, which the server makes.
    """
    with services.database.begin() as session:
        card = own_cards.find_usable_virtual_card(session, me, card_id, now=now)
        lease = virtual.lease(session, card, services.code_key, now=now)
    secret = base64.b64encode(lease.secret).decode()
    return LeaseOut(card_id=lease.card_id, handle=lease.handle, secret=secret, until=lease.until)


@router.post("/me/virtual-cards/{card_id}/code", responses=responses(*_CARD_ERRORS))
def make_code(me: PrincipalDep, services: ServicesDep, now: NowDep, card_id: UUID) -> CodeOut:
    """Make a code on the server, for a page that keeps no secret."""
    with services.database.begin() as session:
        card = own_cards.find_usable_virtual_card(session, me, card_id, now=now)
        made = virtual.code(session, card, services.code_key, now=now)
    expires_at = now.replace(microsecond=0) + timedelta(seconds=virtual_code.LIFETIME_S)
    signed = services.sign_code(made.digits, made.second) if services.sign_code is not None else None
    return CodeOut(code=made.digits, signed_code=signed, expires_at=expires_at)


@router.delete(
    "/me/virtual-cards/{card_id}",
    status_code=204,
    responses=responses(*PERSON_ERRORS, NotFoundError, card_states.CardTransitionError),
)
def unbind_virtual_card(me: PrincipalDep, services: ServicesDep, now: NowDep, card_id: UUID) -> None:
    """Unbind a virtual card; another can be claimed in the channel afterwards."""
    with services.database.begin() as session:
        virtual.unbind(session, own_cards.find_virtual_card(session, me, card_id), by=me.actor, now=now)
