"""Cards at the counter: issue, suspend, release, return, history."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from accounts import cards, people
from accounts.api.dependencies import OVER_ERRORS, ROLE_ERRORS, CashierDep, DatabaseDep, NowDep, ServicesDep
from accounts.api.disclosures import record_disclosure
from accounts.api.me import LossOut
from accounts.cards import card_states, counter, loss, virtual_cards
from accounts.cards.card_states import CardAction
from accounts.people import authority
from accounts.principals import Principal
from accounts.reissue import reissue
from accounts.tables import Card, CardEvent
from accounts.vocabulary import CardKind, CardState, Channel
from database import Database
from web import idempotency
from web.idempotency import OnceDep
from web.problems import NotFoundError, responses
from web.text import line

router = APIRouter(prefix="/api/v1", tags=["cards"])

REISSUE_ERRORS = (
    NotFoundError,
    people.AccountNotUsableError,
    loss.NoLossError,
    loss.ReissueTooEarlyError,
    loss.ReissueFeeError,
    cards.InvalidUidError,
    cards.UidTakenError,
)

Uid = Annotated[
    str, line(40), Field(description="3, 4, 5, 7, 8 or 10 bytes in hexadecimal", examples=["04A1B2C3D4E580"])
]


class CardIn(BaseModel):
    """A card to be handed out."""

    model_config = ConfigDict(extra="forbid")

    uid: Uid
    key_number: int | None = Field(default=None, ge=0, le=255, description="number of the issuer key on the card")


class CardOut(BaseModel):
    """A card. Its number is not shown: only a digest of it is kept."""

    id: UUID
    person_id: UUID
    kind: CardKind
    state: CardState
    key_number: int | None
    channel: Channel | None
    issued_at: datetime
    first_tap_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, card: Card) -> "CardOut":
        """Show `card`."""
        return cls.model_validate(card, from_attributes=True)


class CardEventOut(BaseModel):
    """A line of a card's history."""

    at: datetime
    action: str
    state: CardState
    actor: str
    note: str

    @classmethod
    def of(cls, event: CardEvent) -> "CardEventOut":
        """Show `event`."""
        return cls.model_validate(event, from_attributes=True)


class ReasonIn(BaseModel):
    """Why a step is taken."""

    note: Annotated[str, line(200, min_length=0)] = ""


@router.get(
    "/people/{person_id}/cards",
    dependencies=[record_disclosure("cards.read", "person:{person_id}")],
    responses=responses(*ROLE_ERRORS, NotFoundError),
)
def list_cards(_cashier: CashierDep, database: DatabaseDep, person_id: UUID, ended: bool = False) -> list[CardOut]:
    """List a person's cards, oldest first."""
    with database.read() as session:
        people.get(session, person_id)
        return [CardOut.of(card) for card in cards.of_person(session, person_id, ended=ended)]


@router.post(
    "/people/{person_id}/cards",
    status_code=201,
    responses=responses(
        *OVER_ERRORS,
        NotFoundError,
        people.AccountNotUsableError,
        cards.InvalidUidError,
        cards.UidTakenError,
        cards.CardAlreadyIssuedError,
    ),
)
def issue_card(cashier: CashierDep, services: ServicesDep, now: NowDep, person_id: UUID, body: CardIn) -> CardOut:
    """Hand a person their first physical card, free of charge; they are told. A later one is a reissue."""
    with services.database.begin() as session:
        return CardOut.of(
            counter.issue(
                session,
                cashier,
                person_id,
                body.uid,
                key_number=body.key_number,
                notify=services.notify,
                now=now,
            )
        )


@router.get(
    "/cards/{card_id}/history",
    dependencies=[record_disclosure("card.read", "card:{card_id}")],
    responses=responses(*ROLE_ERRORS, NotFoundError),
)
def read_card_history(_cashier: CashierDep, database: DatabaseDep, card_id: UUID) -> list[CardEventOut]:
    """Show what happened to a card, oldest first."""
    with database.read() as session:
        cards.get(session, card_id)
        return [CardEventOut.of(event) for event in cards.history(session, card_id)]


@router.post(
    "/people/{person_id}/loss",
    status_code=201,
    responses=responses(*OVER_ERRORS, NotFoundError, loss.LossReportedError, loss.NoCardError),
)
def report_loss(cashier: CashierDep, database: DatabaseDep, now: NowDep, person_id: UUID) -> LossOut:
    """Report a loss at the counter, after a look at the ID document."""
    with database.begin() as session:
        return LossOut.of(counter.report_loss(session, cashier, person_id, now=now))


@router.post(
    "/people/{person_id}/loss/release",
    status_code=204,
    responses=responses(*OVER_ERRORS, NotFoundError, loss.NoLossError),
)
def release_loss(cashier: CashierDep, database: DatabaseDep, now: NowDep, person_id: UUID) -> None:
    """The card was found: it and the virtual ones work again."""
    with database.begin() as session:
        counter.release_loss(session, cashier, person_id, now=now)


@router.post(
    "/people/{person_id}/reissue",
    status_code=201,
    responses=responses(*OVER_ERRORS, *idempotency.ERRORS, *REISSUE_ERRORS),
)
def reissue_card(
    *, cashier: CashierDep, services: ServicesDep, now: NowDep, once: OnceDep, person_id: UUID, body: CardIn
) -> CardOut:
    """Issue a new card for a lost one, from 24 hours after the report on; 10 yuan are taken from the balance."""
    with services.database.begin() as session:
        # Before a remembered answer too.
        authority.require(session, cashier, person_id)

        def write() -> CardOut:
            made = reissue(
                services, session, person_id, body.uid, key_number=body.key_number, by=cashier.actor, now=now
            )
            return CardOut.of(made)

        return once.answer(session, CardOut, write, scope=cashier.actor, now=now)


_RELEASE_ERRORS = (card_states.CardTransitionError, virtual_cards.LossOpenError)
_STEP_ERRORS = responses(*OVER_ERRORS, NotFoundError, card_states.CardTransitionError)


@router.post("/cards/{card_id}/suspend", responses=_STEP_ERRORS)
def suspend_card(cashier: CashierDep, database: DatabaseDep, now: NowDep, card_id: UUID, body: ReasonIn) -> CardOut:
    """Suspend a card for another reason than loss."""
    return _step(database, card_id, CardAction.SUSPEND, by=cashier, now=now, note=body.note)


@router.post("/cards/{card_id}/release", responses=responses(*OVER_ERRORS, NotFoundError, *_RELEASE_ERRORS))
def release_card(cashier: CashierDep, database: DatabaseDep, now: NowDep, card_id: UUID, body: ReasonIn) -> CardOut:
    """Lift a suspension. A loss is released for all cards together, not here."""
    return _step(database, card_id, CardAction.RELEASE, by=cashier, now=now, note=body.note)


@router.post("/cards/{card_id}/return", responses=_STEP_ERRORS)
def return_card(cashier: CashierDep, database: DatabaseDep, now: NowDep, card_id: UUID, body: ReasonIn) -> CardOut:
    """Take a card back for good; a virtual card is unbound."""
    return _step(database, card_id, CardAction.RETURN, by=cashier, now=now, note=body.note)


def _step(database: Database, card_id: UUID, action: CardAction, *, by: Principal, now: datetime, note: str) -> CardOut:
    with database.begin() as session:
        return CardOut.of(counter.take_step(session, by, card_id, action, note=note, now=now))
