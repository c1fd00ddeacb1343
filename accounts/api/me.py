"""What holders do for themselves: passwords, phone number, cards, loss."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts import cards, own_cards, own_phone, passwords, people
from accounts.api.dependencies import HASHING, PERSON_ERRORS, FirstPrincipalDep, NowDep, PrincipalDep, ServicesDep
from accounts.api.people import PersonOut
from accounts.api.sign_in import Secret
from accounts.cards import loss
from accounts.own_passwords import change_own_password
from accounts.people import phones
from accounts.tables import Card, LossReport
from accounts.vocabulary import CardKind, CardState, Channel, PasswordPurpose
from web.problems import NotFoundError, responses
from web.rate_limits import TooManyTriesError
from web.text import line

router = APIRouter(prefix="/api/v1/me", tags=["me"])

PASSWORD_ERRORS = (passwords.PasswordWrongError, passwords.PasswordLockedError, passwords.PasswordNotSetError)


class PasswordChange(BaseModel):
    """The present password and the next one."""

    model_config = ConfigDict(extra="forbid")

    current: Secret
    new: Secret


class PhoneIn(BaseModel):
    """A phone number to be confirmed."""

    phone: Annotated[str, line(25)]


class PhoneCodeIn(BaseModel):
    """The code that arrived there."""

    code: Annotated[str, Field(pattern=r"^[0-9]{6}$")]


class MyCard(BaseModel):
    """A card as its holder sees it."""

    id: UUID
    kind: CardKind
    state: CardState
    channel: Channel | None
    issued_at: datetime

    @classmethod
    def of(cls, card: Card) -> "MyCard":
        """Show `card`."""
        return cls.model_validate(card, from_attributes=True)


class LossOut(BaseModel):
    """An open loss report."""

    card_id: UUID
    reported_at: datetime
    reissue_possible_at: datetime
    fee: int = Field(description="fen")

    @classmethod
    def of(cls, report: LossReport) -> "LossOut":
        """Show `report`."""
        return cls.model_validate(loss.describe(report), from_attributes=True)


class QueryPassword(BaseModel):
    """The query password, as a proof that the holder is there."""

    model_config = ConfigDict(extra="forbid")

    query_password: Secret


@router.get("", responses=responses(*PERSON_ERRORS, NotFoundError))
def read_me(me: PrincipalDep, services: ServicesDep) -> PersonOut:
    """Show the signed-in person."""
    with services.database.read() as session:
        return PersonOut.of(people.get(session, me.person_id))


@router.put(
    "/passwords/{purpose}",
    status_code=204,
    dependencies=[HASHING],
    responses=responses(*PERSON_ERRORS, *PASSWORD_ERRORS, passwords.WeakPasswordError, NotFoundError),
)
def change_password(
    me: FirstPrincipalDep,
    services: ServicesDep,
    now: NowDep,
    purpose: PasswordPurpose,
    body: PasswordChange,
) -> None:
    """Change one of one's own passwords, with the present one. Terminals change the consumption password too.

    A new portal password ends every other sign-in. Refresh the tokens afterwards: those of a first password open
    nothing but this.
    """
    change_own_password(services, me, purpose, current=body.current, new=body.new, now=now)


@router.post(
    "/phone",
    status_code=202,
    responses=responses(
        *PERSON_ERRORS,
        phones.InvalidPhoneError,
        phones.PhoneCodePauseError,
        phones.PhoneUnavailableError,
        TooManyTriesError,
        NotFoundError,
    ),
)
def send_phone_code(me: PrincipalDep, services: ServicesDep, now: NowDep, body: PhoneIn) -> None:
    """Send a code of six digits to a phone number; it is good for five minutes. At most ten a day."""
    own_phone.send_code(services, me, body.phone, now=now)


@router.post(
    "/phone/confirm",
    status_code=204,
    responses=responses(*PERSON_ERRORS, phones.PhoneCodeWrongError, NotFoundError),
)
def confirm_phone(me: PrincipalDep, services: ServicesDep, now: NowDep, body: PhoneCodeIn) -> None:
    """Confirm the phone number with the code that arrived."""
    own_phone.confirm(services, me, body.code, now=now)


@router.get("/cards", responses=responses(*PERSON_ERRORS))
def list_my_cards(me: PrincipalDep, services: ServicesDep, ended: bool = False) -> list[MyCard]:
    """List the holder's cards, oldest first."""
    with services.database.read() as session:
        return [MyCard.of(card) for card in cards.of_person(session, me.person_id, ended=ended)]


@router.post(
    "/loss",
    status_code=201,
    responses=responses(*PERSON_ERRORS, loss.LossReportedError, loss.NoCardError, NotFoundError),
)
def report_my_loss(me: PrincipalDep, services: ServicesDep, now: NowDep) -> LossOut:
    """Report the physical card lost. It and the virtual ones stop working at once, at gates and shops."""
    return LossOut.of(own_cards.report_loss(services, me, now=now))


@router.post(
    "/loss/release",
    status_code=204,
    dependencies=[HASHING],
    responses=responses(*PERSON_ERRORS, *PASSWORD_ERRORS, loss.NoLossError, NotFoundError),
)
def release_my_loss(me: PrincipalDep, services: ServicesDep, now: NowDep, body: QueryPassword) -> None:
    """The card was found: it and the virtual ones work again. Needs the query password, changed from the first one."""
    own_cards.release_loss(services, me, body.query_password, now=now)
