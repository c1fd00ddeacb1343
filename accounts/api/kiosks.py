"""What a holder does at a kiosk without their card: balance, loss, reissue."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from accounts import cards, passwords, people
from accounts.api.cards import REISSUE_ERRORS, Uid
from accounts.api.dependencies import DEVICE_ERRORS, HASHING, KioskDep, NowDep, ServicesDep
from accounts.api.me import LossOut, MyCard
from accounts.api.people import Number
from accounts.api.sign_in import Secret
from accounts.cards import loss
from accounts.kiosk_holders import HolderRefusedError, identify_holder
from accounts.ledger import chart
from accounts.people import Standing
from accounts.reissue import reissue
from accounts.tables import Person
from web import idempotency
from web.idempotency import OnceDep
from web.problems import responses
from web.rate_limits import TooManyTriesError

router = APIRouter(prefix="/api/v1", tags=["kiosk"])


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


HOLDER_ERRORS = (
    *DEVICE_ERRORS,
    HolderRefusedError,
    passwords.PasswordLockedError,
    passwords.PasswordChangeRequiredError,
    TooManyTriesError,
)


@router.post("/kiosk/holder", dependencies=[HASHING], responses=responses(*HOLDER_ERRORS))
def read_holder(kiosk: KioskDep, services: ServicesDep, now: NowDep, body: HolderIn) -> KioskOut:
    """Show a holder their balance, their cards and an open loss."""
    person_id = identify_holder(services, kiosk, body.number, body.query_password, now)
    with services.database.read() as session:
        return _shown(session, people.get(session, person_id), now)


@router.post(
    "/kiosk/loss",
    dependencies=[HASHING],
    status_code=201,
    responses=responses(*HOLDER_ERRORS, loss.LossReportedError, loss.NoCardError),
)
def report_loss_at_kiosk(kiosk: KioskDep, services: ServicesDep, now: NowDep, body: HolderIn) -> LossOut:
    """Report the physical card lost; the virtual ones are suspended with it."""
    person_id = identify_holder(services, kiosk, body.number, body.query_password, now)
    with services.database.begin() as session:
        person = people.get(session, person_id, lock=True)
        return LossOut.of(loss.report(session, person, through="kiosk", by=kiosk.actor, now=now))


@router.post(
    "/kiosk/reissue",
    dependencies=[HASHING],
    status_code=201,
    responses=responses(*HOLDER_ERRORS, *idempotency.ERRORS, *REISSUE_ERRORS),
)
def reissue_at_kiosk(kiosk: KioskDep, services: ServicesDep, now: NowDep, once: OnceDep, body: ReissueIn) -> MyCard:
    """Issue the card in the dispenser for the lost one; 10 yuan are taken from the balance.

    Give the card out only after this has answered; when the answer was lost, send it again with the same key.
    """
    person_id = identify_holder(services, kiosk, body.number, body.query_password, now)
    with services.database.begin() as session:

        def write() -> MyCard:
            made = reissue(services, session, person_id, body.uid, key_number=body.key_number, by=kiosk.actor, now=now)
            return MyCard.of(made)

        return once.answer(session, MyCard, write, scope=kiosk.actor, now=now)


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
