"""Paying for rooms, as the API and the pages both let a person do it: seen first, then paid, once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from accounts import passwords
from accounts.audit import disclosures
from accounts.passwords import PasswordChangeRequiredError
from accounts.people.notices import AccountNotice
from accounts.principals import Principal
from accounts.sign_in.access_tokens import derive_key
from accounts.vocabulary import PasswordPurpose
from metering.billing import automatic, top_up
from metering.billing.automatic import Agreement
from metering.billing.credit import find_credit
from metering.billing.room_labels import RoomLabel, find_label
from metering.billing.tables import AutomaticTopUp
from metering.billing.top_up import RoomPayment
from metering.rooms import residents
from metering.services import MeteringServices
from metering.tariffs.electricity import Fen
from metering.tariffs.electricity_credit import top_up_effect
from web.idempotency import RequestKey


class RoomTopUpOut(BaseModel):
    """A top-up that counts. `available_fen` is what the room has then; `still_missing_fen` keeps it dark yet."""

    id: UUID
    room_id: UUID
    building: str
    number: str
    fen: int
    paid_at: datetime
    available_fen: int
    repaid_fen: int = Field(description="of this top-up, what went into a debt")
    still_missing_fen: int


@dataclass(frozen=True, slots=True)
class QuotedPayment:
    """What a person pays for a room they were shown; `quote` is that of `preview`."""

    room_id: UUID
    fen: int
    quote: str
    consumption_password: str | None = None


def preview(services: MeteringServices, me: Principal, room_id: UUID, now: datetime) -> tuple[RoomLabel, str]:
    """Return what tells a room from every other, and what a payment for it must quote; a look at others is noted.

    Raises:
        NotFoundError, RoomClosedError: see there.
        TooManyTriesError: somebody looks at room after room.
    """
    services.previews.count_try(me.actor, now)
    today = now.astimezone(services.zone).date()
    with services.database.read() as session:
        label = find_label(session, room_id, today)
        home = residents.find_residence(session, me.person_id, today)
    if home is None or home.room_id != room_id:
        disclosures.record(
            services.database, by=me.person_id, action="room.preview", subject=f"room:{room_id}", now=now
        )
    return label, label.quote(me.person_id, now, _key(services))


def pay(
    services: MeteringServices, me: Principal, wanted: QuotedPayment, once: RequestKey, now: datetime
) -> RoomTopUpOut:
    """Pay for a room from one's own wallet; the same request again has no second effect.

    Raises:
        RoomNotSeenError: the quote is not of this room as it is.
        PasswordWrongError, PasswordLockedError, PasswordNotSetError, PasswordChangeRequiredError: see there.
        NotFoundError, RoomClosedError, AccountNotUsableError, InsufficientFundsError, WalletNotUsableError,
        ConsumptionPasswordRequiredError, KeyReusedError: see there.
    """
    if wanted.consumption_password is not None:
        _check_password(services, me, wanted.consumption_password, now)

    def work(session: Session, _: datetime) -> RoomTopUpOut:
        def write() -> RoomTopUpOut:
            label = find_label(session, wanted.room_id, now.astimezone(services.zone).date())
            label.require_quoted(wanted.quote, me.person_id, now, _key(services))
            return _pay(session, services, me, wanted, label, now=now)

        return once.answer(session, RoomTopUpOut, write, scope=me.actor, now=now)

    return services.money.writer.run(work)


def agree_to_automatic(
    services: MeteringServices, me: Principal, agreement: Agreement, consumption_password: str, now: datetime
) -> AutomaticTopUp:
    """Agree that one's room is topped up whenever it falls below a level, up to a limit a month.

    Raises:
        NotFoundError: they live in no room.
        PasswordWrongError, PasswordLockedError, PasswordNotSetError, PasswordChangeRequiredError: see there.
    """
    _check_password(services, me, consumption_password, now)
    today = now.astimezone(services.zone).date()
    with services.database.begin() as session:
        room_id = residents.get_residence(session, me.person_id, today).room_id
        row = automatic.agree(session, room_id, me.person_id, agreement, today=today, now=now)
        services.money.accounts.notify(session, me.person_id, AccountNotice.AUTOMATIC_TOP_UP_AGREED, now=now)
    return row


def revoke_automatic(services: MeteringServices, me: Principal, now: datetime) -> None:
    """Revoke what one agreed to for one's room; nothing is paid by it from now on.

    Raises:
        NotFoundError: nothing stands, or they live in no room.
    """
    with services.database.begin() as session:
        home = residents.get_residence(session, me.person_id, now.astimezone(services.zone).date())
        automatic.revoke(session, home.room_id, me.person_id, now)


def _pay(
    session: Session,
    services: MeteringServices,
    me: Principal,
    wanted: QuotedPayment,
    label: RoomLabel,
    *,
    now: datetime,
) -> RoomTopUpOut:
    before = find_credit(session, label.room_id, now, services.zone).available
    payment = RoomPayment(label.room_id, me.person_id, wanted.fen, unlocked=wanted.consumption_password is not None)
    paid = top_up.pay(session, services.money, payment, now).row
    services.supply.review(session, label.room_id, now=now)
    effect = top_up_effect(before, Fen(wanted.fen))
    return RoomTopUpOut(
        id=paid.id,
        room_id=label.room_id,
        building=label.building,
        number=label.number,
        fen=paid.fen,
        paid_at=paid.paid_at,
        available_fen=effect.balance,
        repaid_fen=effect.repays,
        still_missing_fen=effect.still_missing,
    )


def _check_password(services: MeteringServices, me: Principal, attempt: str, now: datetime) -> None:
    who, purpose = passwords.Claimant.known(me.person_id), PasswordPurpose.CONSUMPTION
    checked = services.money.accounts.passwords.require(who, purpose, attempt, source=me.actor, now=now)
    if checked.must_change:
        raise PasswordChangeRequiredError(purpose=purpose.value)


def _key(services: MeteringServices) -> bytes:
    return derive_key(services.money.accounts.secret, "room-previews")
