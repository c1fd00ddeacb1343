"""What stands on the campus and speaks with a device token: consumption terminals, kiosks, library desks, gates."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.orm import Session

from accounts import audit, cards, passwords, people
from accounts.api.cards import REISSUE_ERRORS, Uid
from accounts.api.dependencies import DEVICE_ERRORS, HASHING, AnyDeviceDep, KioskDep, NowDep, ServicesDep, TerminalDep
from accounts.api.me import PASSWORD_ERRORS, LossOut, MyCard
from accounts.api.people import Number
from accounts.api.sign_in import Secret
from accounts.cards import identity, loss, virtual_cards, virtual_code
from accounts.cards.identity import Presented, Trust
from accounts.ledger import chart
from accounts.passwords import Claimant
from accounts.people import Standing, notices
from accounts.principals import DevicePrincipal
from accounts.services import AccountsServices
from accounts.sign_in.service import change_password
from accounts.tables import Person
from accounts.vocabulary import CardState, PasswordPurpose, PersonKind
from web import idempotency
from web.idempotency import OnceDep
from web.problems import ProblemError, responses
from web.rate_limits import TooManyTriesError

router = APIRouter()


class HolderRefusedError(ProblemError):
    """Number and query password do not belong together; which of them is wrong is not said."""

    code = "holder_refused"
    status = 403
    title = "The number or the query password is wrong"


class CredentialIn(BaseModel):
    """What was presented: a card's UID, or the code of a virtual card."""

    model_config = ConfigDict(extra="forbid")

    uid: Uid | None = None
    proved_key: int | None = Field(
        default=None, ge=0, le=255, description="number of the issuer key that the card proved to the reader"
    )
    code: Annotated[str, Field(pattern=r"^[0-9]{18}$")] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.uid is None) == (self.code is None):
            raise ValueError("give either uid or code")
        return self

    def presented(self) -> Presented:
        """Return the credential."""
        return Presented(uid=self.uid, proved_key=self.proved_key, code=self.code)


class IdentityOut(BaseModel):
    """Whose credential it is, as far as the device's role may know; the rest is null."""

    person_id: UUID
    standing: Standing
    card_state: CardState
    trust: Trust = Field(description="`uid_only` identifies, but a UID can be copied")
    key_expected: bool = Field(description="the card has an issuer key, so `uid_only` should not be trusted")
    name: str | None
    number: str | None
    kind: PersonKind | None
    department: str | None


class FirstTapOut(IdentityOut):
    """The identity to be checked by its holder; `first`: this was the card's first tap."""

    first: bool


class ConsumptionPasswordIn(BaseModel):
    """A new consumption password, on the terminal's keypad."""

    model_config = ConfigDict(extra="forbid")

    card: CredentialIn
    current: Secret
    new: Secret


class HolderIn(BaseModel):
    """The holder at a kiosk without their card."""

    model_config = ConfigDict(extra="forbid")

    number: Number
    query_password: Secret


class ReissueIn(HolderIn):
    """The holder, and the card that the kiosk's dispenser will give out."""

    uid: Uid
    key_number: int | None = Field(default=None, ge=0, le=255)


class KioskOut(BaseModel):
    """What a kiosk shows to its holder."""

    person_id: UUID
    name: str
    standing: Standing
    balance: int = Field(description="fen")
    available: int = Field(description="fen, without what is held")
    cards: list[MyCard]
    loss: LossOut | None


CREDENTIAL_ERRORS = (
    cards.UnknownCardError,
    cards.InvalidUidError,
    cards.CardNotUsableError,
    virtual_code.InvalidCodeError,
    virtual_cards.CodeUsedError,
    virtual_cards.LeaseEndedError,
)


@router.post("/identify", tags=["identify"], responses=responses(*DEVICE_ERRORS, *CREDENTIAL_ERRORS))
def identify(device: AnyDeviceDep, services: ServicesDep, now: NowDep, body: CredentialIn) -> IdentityOut:
    """Say whose credential this is and whether the account is good, showing only what the device's role may see.

    A card that is lost or suspended is answered with its state, for the desk to act on; a code is used up by this.
    """
    # Only a code is used up; a card at a desk waits for no writer.
    opened = services.database.begin if body.code is not None else services.database.read
    with opened() as session:
        holder = identity.find(session, body.presented(), services.code_key, now=now)
        return IdentityOut.model_validate(identity.shown_to(device.role, holder, now=now), from_attributes=True)


@router.post(
    "/terminal/first-tap",
    tags=["terminal"],
    responses=responses(*DEVICE_ERRORS, *CREDENTIAL_ERRORS, people.AccountNotUsableError),
)
def first_tap(terminal: TerminalDep, services: ServicesDep, now: NowDep, body: CredentialIn) -> FirstTapOut:
    """Show a new card's identity, for its holder to check, and note that it was checked."""
    with services.database.begin() as session:
        holder = identity.find(session, body.presented(), services.code_key, now=now)
        cards.require_usable(holder.card)
        people.require_usable(holder.person, now)
        first = cards.first_tap(session, holder.card, by=terminal.actor, now=now)
        shown = identity.shown_to(terminal.role, holder, now=now)
    return FirstTapOut(**IdentityOut.model_validate(shown, from_attributes=True).model_dump(), first=first)


@router.put(
    "/terminal/consumption-password",
    dependencies=[HASHING],
    tags=["terminal"],
    status_code=204,
    responses=responses(
        *DEVICE_ERRORS,
        *CREDENTIAL_ERRORS,
        *PASSWORD_ERRORS,
        cards.CardKeyRequiredError,
        passwords.WeakPasswordError,
        people.AccountNotUsableError,
    ),
)
def change_consumption_password(
    terminal: TerminalDep, services: ServicesDep, now: NowDep, body: ConsumptionPasswordIn
) -> None:
    """Change the consumption password at a terminal: card or code, the present password, the new one."""
    with services.database.begin() as session:
        holder = identity.find(session, body.card.presented(), services.code_key, now=now)
    if holder.trust is not Trust.CODE:
        cards.require_key(holder.card, body.card.proved_key)
    cards.require_usable(holder.card)
    people.require_usable(holder.person, now)
    purpose = PasswordPurpose.CONSUMPTION
    source = f"card {holder.card.id}"
    services.passwords.require(Claimant.known(holder.person.id), purpose, body.current, source=source, now=now)
    passwords.require_strong(purpose, body.new, current=body.current, number=holder.person.number)
    hashed = services.hasher.hash(body.new)
    with services.database.begin() as session:
        change_password(session, holder.person, purpose, hashed, by=terminal.actor, now=now)


_KIOSK_ERRORS = (
    *DEVICE_ERRORS,
    HolderRefusedError,
    passwords.PasswordLockedError,
    passwords.PasswordChangeRequiredError,
    TooManyTriesError,
)


@router.post("/kiosk/holder", dependencies=[HASHING], tags=["kiosk"], responses=responses(*_KIOSK_ERRORS))
def read_holder(kiosk: KioskDep, services: ServicesDep, now: NowDep, body: HolderIn) -> KioskOut:
    """Show a holder their balance, their cards and an open loss."""
    person_id = _holder(services, kiosk, body, now)
    with services.database.read() as session:
        return _shown(session, people.get(session, person_id), now)


@router.post(
    "/kiosk/loss",
    dependencies=[HASHING],
    tags=["kiosk"],
    status_code=201,
    responses=responses(*_KIOSK_ERRORS, loss.LossReportedError, loss.NoCardError),
)
def report_loss_at_kiosk(kiosk: KioskDep, services: ServicesDep, now: NowDep, body: HolderIn) -> LossOut:
    """Report the physical card lost; the virtual ones are suspended with it."""
    person_id = _holder(services, kiosk, body, now)
    with services.database.begin() as session:
        person = people.get(session, person_id, lock=True)
        return LossOut.of(loss.report(session, person, through="kiosk", by=kiosk.actor, now=now))


@router.post(
    "/kiosk/reissue",
    dependencies=[HASHING],
    tags=["kiosk"],
    status_code=201,
    responses=responses(*_KIOSK_ERRORS, *idempotency.ERRORS, *REISSUE_ERRORS),
)
def reissue_at_kiosk(kiosk: KioskDep, services: ServicesDep, now: NowDep, once: OnceDep, body: ReissueIn) -> MyCard:
    """Issue the card in the dispenser for the lost one; 10 yuan are taken from the balance.

    Give the card out only after this has answered; when the answer was lost, send it again with the same key.
    """
    person_id = _holder(services, kiosk, body, now)
    with services.database.begin() as session:

        def write() -> MyCard:
            person = people.get(session, person_id, lock=True)
            people.require_usable(person, now)
            services.notify(session, person_id, notices.AccountNotice.CARD_ISSUED, now=now)
            card = loss.reissue(session, person, body.uid, key_number=body.key_number, by=kiosk.actor, now=now)
            return MyCard.of(card)

        return once.answer(session, MyCard, write, scope=kiosk.actor, now=now)


def _holder(services: AccountsServices, kiosk: DevicePrincipal, body: HolderIn, now: datetime) -> UUID:
    """Check number and query password; a first password must be changed in the app before kiosks take it."""
    key = audit.device_actor(kiosk.device_id)
    services.guesses.take(key, now)
    with services.database.read() as session:
        person = people.by_number(session, body.number)
    try:
        checked = services.passwords.require(
            Claimant.named(body.number, person), PasswordPurpose.QUERY, body.query_password, source=key, now=now
        )
    except (passwords.PasswordWrongError, passwords.PasswordNotSetError) as error:
        raise HolderRefusedError from error
    if person is None:
        raise HolderRefusedError
    services.guesses.give_back(key, now)
    if checked.must_change:
        raise passwords.PasswordChangeRequiredError(purpose=PasswordPurpose.QUERY.value)
    return person.id


def _shown(session: Session, person: Person, now: datetime) -> KioskOut:
    wallet = chart.account(session, person.id)
    report = loss.open_loss(session, person.id)
    return KioskOut(
        person_id=person.id,
        name=person.name,
        standing=people.standing(person, now),
        balance=wallet.balance,
        available=wallet.available,
        cards=[MyCard.of(card) for card in cards.of_person(session, person.id)],
        loss=LossOut.of(report) if report is not None else None,
    )
