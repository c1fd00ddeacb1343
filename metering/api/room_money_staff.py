"""Routes of staff about rooms' money: what a room has, refunds, moving out."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.orm import Session

from accounts.api.dependencies import (
    OVER_ERRORS,
    ROLE_ERRORS,
    CashierDep,
    FacilitiesDep,
    NowDep,
)
from accounts.api.disclosures import record_disclosure
from accounts.payments.problems import InsufficientFundsError, LedgerRefusedError, WalletNotUsableError
from accounts.people import authority
from metering.api.charge_bodies import ChargeOut
from metering.api.dependencies import MeteringDep
from metering.api.room_money import charges_page, money_of, top_ups_page
from metering.api.room_money_bodies import (
    CreditReturnOut,
    GivenBackOut,
    RefundOut,
    RoomMoneyOut,
    RoomRefundIn,
    SettlementIn,
    SettlementOut,
    TopUpLineOut,
)
from metering.billing import settlement, top_up
from metering.billing.settlement import RoomLivedInError, RoomNotReadError
from metering.billing.tables import RoomTopUp
from metering.billing.top_up import TopUpRefundedError
from metering.rooms import registry
from web import idempotency
from web.idempotency import OnceDep
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1", tags=["rooms"])


@router.get(
    "/rooms/{room_id}/money",
    dependencies=[record_disclosure("room_money.read", "room:{room_id}")],
    responses=responses(*ROLE_ERRORS, NotFoundError),
)
def show_rooms_money(services: MeteringDep, staff: FacilitiesDep, now: NowDep, room_id: UUID) -> RoomMoneyOut:
    """Show what a room has left."""
    del staff
    with services.database.read() as session:
        return money_of(session, services, room_id, now)


@router.get(
    "/rooms/{room_id}/charges",
    dependencies=[record_disclosure("room_charges.read", "room:{room_id}")],
    responses=responses(*ROLE_ERRORS, NotFoundError, InvalidCursorError),
)
def list_rooms_charges(services: MeteringDep, staff: FacilitiesDep, room_id: UUID, page: PageDep) -> Page[ChargeOut]:
    """List a room's charges with their readings, newest first, withdrawn ones too."""
    del staff
    with services.database.read() as session:
        registry.get_room(session, room_id)
        return charges_page(session, room_id, page)


@router.get(
    "/rooms/{room_id}/top-ups",
    dependencies=[record_disclosure("room_top_ups.read", "room:{room_id}")],
    responses=responses(*ROLE_ERRORS, NotFoundError, InvalidCursorError),
)
def list_rooms_top_ups(services: MeteringDep, staff: CashierDep, room_id: UUID, page: PageDep) -> Page[TopUpLineOut]:
    """List who topped a room up, newest first."""
    del staff
    with services.database.read() as session:
        registry.get_room(session, room_id)
        return top_ups_page(session, room_id, page)


@router.post(
    "/room-top-ups/{top_up_id}/refunds",
    status_code=201,
    responses=responses(
        *OVER_ERRORS,
        *idempotency.ERRORS,
        NotFoundError,
        TopUpRefundedError,
        InsufficientFundsError,
        WalletNotUsableError,
        LedgerRefusedError,
    ),
)
def refund_top_up(
    *, services: MeteringDep, staff: CashierDep, now: NowDep, top_up_id: UUID, body: RoomRefundIn, once: OnceDep
) -> RefundOut:
    """Give a top-up back to whoever paid it, such as one for the wrong room, as far as the room has not used it."""

    def work(session: Session, _: datetime) -> RefundOut:
        paid = session.get(RoomTopUp, top_up_id)
        if paid is not None:
            authority.require(session, staff, paid.person_id)

        def give_back() -> RefundOut:
            entry = top_up.refund(
                session, services.money, top_up_id, body.fen, reason=body.reason, by=staff.actor, now=now
            )
            return RefundOut(id=entry.id, fen=entry.amount, at=entry.recorded_at)

        return once.answer(session, RefundOut, give_back, scope=staff.actor, now=now)

    return services.money.writer.run(work)


@router.post(
    "/rooms/{room_id}/settlements",
    dependencies=[record_disclosure("room_settlement.read", "room:{room_id}")],
    responses=responses(*ROLE_ERRORS, NotFoundError, RoomNotReadError),
)
def settle_resident(
    services: MeteringDep, staff: FacilitiesDep, now: NowDep, room_id: UUID, body: SettlementIn
) -> SettlementOut:
    """Charge a room until somebody moves out, and say what they owe; they move out only once nothing is due."""
    del staff

    def work(session: Session, _: datetime) -> SettlementOut:
        registry.get_room(session, room_id)
        found = settlement.settle(session, services.zone, room_id, body.person_id, body.moved_out, now=now)
        return SettlementOut(
            room_id=found.room_id,
            person_id=found.person_id,
            moved_out=found.moved_out,
            balance_fen=found.balance,
            sharers=found.sharers,
            share_fen=found.share,
            paid_fen=found.paid,
            due_fen=found.due,
        )

    return services.money.writer.run(work)


@router.post(
    "/rooms/{room_id}/credit-returns",
    responses=responses(*ROLE_ERRORS, *idempotency.ERRORS, NotFoundError, RoomLivedInError, RoomNotReadError),
)
def return_credit(
    services: MeteringDep, staff: CashierDep, now: NowDep, room_id: UUID, once: OnceDep
) -> CreditReturnOut:
    """Give the credit of a room that everybody has left back to who paid it."""

    def work(session: Session, _: datetime) -> CreditReturnOut:
        def give_back() -> CreditReturnOut:
            registry.get_room(session, room_id)
            found = settlement.give_credit_back(session, services.money, room_id, by=staff.actor, now=now)
            return CreditReturnOut(given_back=[GivenBackOut.model_validate(one, from_attributes=True) for one in found])

        return once.answer(session, CreditReturnOut, give_back, scope=staff.actor, now=now)

    return services.money.writer.run(work)
